"""What a run's model was fed with, for whoever feeds it elsewhere."""

from core.engine import outputs
from core.engine.normalising import Statistics


def load(run_id: str) -> Statistics | None:
    """Give mean and deviation of each channel that images are normalised with; None: they are not.

    Raises NotFoundError where the run has no model.
    """
    return outputs.statistics_of(run_id)

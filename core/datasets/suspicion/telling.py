"""The findings of the kind `mislabelled`, made of all that is known of labels now."""

import logging
from typing import Any

import numpy as np
import sqlalchemy as sa

from core.datasets import findings
from core.datasets.suspicion import combining
from core.domain.errors import WinnowError
from core.domain.findings import Finding
from core.store import database, schema

log = logging.getLogger(__name__)

NOTHING = "no label at all"


def refresh(dataset_id: str) -> int:
    """Write the findings about labels anew, in the place of those before; give how many.

    A label is told of where a model takes the item for another one; it is the suggestion.
    """
    known = combining.known(dataset_id)
    doubted = known[known["pred"].notna() & (known["pred"] != known["label"])]
    found = [_finding(row) for row in doubted.itertuples(index=False)]
    findings.replace(dataset_id, "labels", found)
    return len(found)


def after_run(run_id: str) -> None:
    """Write the findings anew with what a run has just seen; what fails here fails no run."""
    table = schema.runs
    query = sa.select(table.c.dataset_id).where(table.c.id == run_id)
    try:
        with database.reading() as connection:
            dataset_id = connection.execute(query).scalar_one()
        refresh(dataset_id)
    except WinnowError as error:
        log.warning("the findings about labels are those of before: %s", error.sentence)


def _finding(row: Any) -> Finding:
    return Finding(
        item_id=int(row.item_id),
        kind="mislabelled",
        score=float(row.suspicion),
        reason=_reason(row),
        suggestion="relabel",
        label=str(row.pred),
    )


def _reason(row: Any) -> str:
    """Say what speaks against a label: out of fold, in training, or both."""
    label, pred = row.label or NOTHING, row.pred or NOTHING
    said = []
    if row.source != "training":
        said.append(
            f"models that were not taught with it say {pred} ({row.p_pred:.0%}) "
            f"rather than {label} ({row.p_label:.0%})"
        )
    if row.source != "oof" and not np.isnan(row.n_agreed):
        epochs = f"{int(row.n_agreed)} of {int(row.n_epochs)}"
        said.append(f"a training took it for {label} in {epochs} epochs after the first")
    sentence = "; ".join(said)
    return f"{sentence[0].upper()}{sentence[1:]}."

"""The part of a script that watches a fit: what is printed, and which weights are kept."""

from core.runs.script.facts import ScriptFacts

REPORT = '''
class Report(Callback):
    """Print the loss of each step, and what each epoch has measured."""

    order = 62  # before EarlyStoppingCallback

    def __init__(self):
        self.n_steps = 0
{stop}
    def after_batch(self):
        if self.training:
            print(f"{{self.n_steps}}\\t{{self.learn.loss.item()!r}}", flush=True)
            self.n_steps += 1

    def after_epoch(self):
        pairs = zip(self.recorder.metric_names[1:], self.recorder.values[-1])
        print("# " + ", ".join(f"{{name}} {{value:.6f}}" for name, value in pairs), flush=True)
'''

STOP = """
    def before_batch(self):
        if self.training and self.n_steps == {n_steps}:
            raise CancelFitException("the run was stopped here")
"""

KEEP_BEST = '''
class KeepBest(TrackerCallback):
    """Keep the weights of the best epoch of all stages."""

    def __init__(self, model, monitor):
        super().__init__(monitor, reset_on_fit=False)
        self.whole, self.state = model, None

    def after_epoch(self):
        super().after_epoch()
        if self.new_best:
            self.state = deepcopy(self.whole.state_dict())

    def put_back(self):
        """Put the best epoch's weights back; False where the model has them, or there is none."""
        now = self.whole.state_dict()
        if self.state is None or all(torch.equal(self.state[name], now[name]) for name in now):
            return False
        self.whole.load_state_dict(self.state)
        return True
'''


def write(facts: ScriptFacts) -> list[str]:
    """Write the callbacks, each a block."""
    stop = "" if facts.n_steps is None else STOP.format(n_steps=facts.n_steps)
    kept = [KEEP_BEST] if facts.recipe.keep_best is not None else []
    return [block.strip("\n") for block in (REPORT.format(stop=stop), *kept)]

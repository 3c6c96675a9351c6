"""One sentence on over- or underfitting, read off the curves."""

from collections.abc import Sequence

from core.domain.runs import Epoch

RISE = 1.05  # the valid loss must end this much above its minimum to be called rising
FAR = 2.0  # a valid loss this many times the train loss is far above it
SMALL = 0.2  # a valid loss below it is small, whatever the train loss
FALL = 0.95  # a loss that ends this much below the epoch before is still falling


def sentence(epochs: Sequence[Epoch]) -> str:
    """Say what the losses of train and valid, an epoch at a time, suggest to do next."""
    if len(epochs) < 2:
        return "One epoch is too few to speak of over- or underfitting: train longer."
    last, before = epochs[-1], epochs[-2]
    best = min(epochs, key=lambda epoch: epoch.valid_loss)
    losses = f"train {last.train_loss:.3f}, valid {last.valid_loss:.3f}"
    if last.valid_loss > RISE * best.valid_loss and last.train_loss < best.train_loss:
        return (
            f"Overfitting: the valid loss was lowest after epoch {best.epoch + 1} "
            f"({best.valid_loss:.3f}) and has risen since, while the train loss kept falling "
            f"({losses}). Fewer epochs, more augmentation or more images would help."
        )
    if last.valid_loss < FALL * before.valid_loss:
        return (
            f"Still learning: the valid loss fell from {before.valid_loss:.3f} to "
            f"{last.valid_loss:.3f} in the last epoch ({losses}). More epochs would help."
        )
    if last.train_loss > 1.2 * last.valid_loss:
        return (
            f"Rather underfitting: the train loss stays above the valid loss ({losses}), and both "
            "have settled. Less augmentation, a higher rate or a larger network may help."
        )
    if last.valid_loss > FAR * last.train_loss and last.valid_loss > SMALL:
        return (
            f"Settled, with the valid loss far above the train loss ({losses}): the model knows "
            "the train images much better than others. More or cleaner images, stronger "
            "augmentation or fewer epochs may help."
        )
    return (
        f"Well fitted: the valid loss has settled near its lowest value ({losses}). More epochs "
        "would bring little; cleaner or more images may."
    )

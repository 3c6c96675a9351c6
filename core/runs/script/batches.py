"""The part of a script that makes batches: presize, augmentation, normalisation."""

from core.domain.recipes import Augmentation, Recipe
from core.runs.script import text
from core.runs.script.facts import ScriptFacts

LOADERS = '''
def make_loaders(items, *, size, batch_size):
    """Make the loaders of train and valid."""
    splits = [
        [index for index, item in enumerate(items) if item["part"] == part]
        for part in ("train", "valid")
    ]
    targets = {targets}
    datasets = Datasets(items, tfms=[[read_image], targets], splits=splits)
    return datasets.dataloaders(
        bs=batch_size,
        num_workers={n_workers},
        after_item=[{presize}, ToTensor()],
        after_batch={after_batch},
    )
'''

BARE_RESIZE = "AffineCoordTfm(size=size, pad_mode=PadMode.Reflection, align_corners=True)"
DEFAULTS = Augmentation()
"""The schema's defaults are those of fastai's `aug_transforms`."""


def write(facts: ScriptFacts) -> str:
    """Write the function that makes the loaders of a stage."""
    recipe = facts.recipe
    transforms = [
        "IntToFloatTensor()",
        *_augmentation(recipe.augmentation),
        *_normalisation(facts),
    ]
    return LOADERS.strip("\n").format(
        targets=_targets(facts),
        n_workers=recipe.n_workers,
        presize=text.call("Resize", ["PRESIZE", *_method(recipe)]),
        after_batch=text.indented(text.sequence(transforms, indent=6), 2).lstrip(),
    )


def _targets(facts: ScriptFacts) -> str:
    if facts.is_one_hot:
        return "[read_labels, MultiCategorize(vocab=CLASSES), OneHotEncode()]"
    return "[read_label, Categorize(vocab=CLASSES)]"


def _method(recipe: Recipe) -> list[str]:
    return text.changed({"method": recipe.resize}, {"method": "crop"})


def _augmentation(given: Augmentation) -> list[str]:
    names = (
        *("flip_vert", "max_rotate", "max_zoom", "max_warp", "max_lighting"),
        *("p_affine", "p_lighting", "min_scale"),
    )
    flips = given.flip or given.flip_vert
    values: dict[str, object] = {"do_flip": flips, **given.model_dump(include=set(names))}
    usual = {"do_flip": True, **DEFAULTS.model_dump()}
    arguments = ["size=size", *text.changed(values, usual)]
    composed = f"*{text.call('aug_transforms', arguments, indent=4)}"
    moves = (flips, given.max_rotate, given.max_warp, given.max_zoom > 1, given.min_scale != 1)
    erasing = text.call(
        "RandomErasing", text.named({"p": given.p_erase, "sh": given.max_erased, "max_count": 1})
    )
    return [
        *([] if any(moves) else [BARE_RESIZE]),
        composed,
        *([erasing] if given.p_erase else []),
    ]


def _normalisation(facts: ScriptFacts) -> list[str]:
    if facts.statistics is None:
        return []
    if facts.recipe.normalisation == "imagenet":
        return ["Normalize.from_stats(*imagenet_stats)"]
    mean, std = (list(each) for each in facts.statistics)
    return [f"Normalize.from_stats(\n    {mean!r},\n    {std!r},  # of the train images\n)"]

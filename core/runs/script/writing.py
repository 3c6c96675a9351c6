"""The whole script, and the text that goes with it."""

from core.runs.script import batches, features, fits, network, reading, text, watching
from core.runs.script.facts import ScriptFacts

DOC = '''\
"""Train again, with fastai alone, what a run of Winnow has trained: the same loss in each step.

    python train.py --data FOLDER

FOLDER is the one that the paths in items.csv are relative to. Printed are one loss a step, what
each epoch has measured, and at the end the weights are in model.pth beside this file.
"""
'''

MAIN = """
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the images")
    items = read_items(parser.parse_args().data)
{machine}    set_seed(SEED, reproducible=True)
    learn = make_learner(make_loaders(items, size={size}, batch_size={batch_size}))
    set_seed(SEED, reproducible=True)  # right before the fit, the loaders' own generators too
    for index, loader in enumerate(learn.dls.loaders):
        loader.rng = random.Random(SEED + index)
{begins}    report = Report()
{best}
{fits}

    torch.save(learn.model.state_dict(), HERE / "model.pth")


if __name__ == "__main__":
    main()
"""

IMPORTS = (  # a name, and what it needs besides fastai's own star import
    ("argparse.", "import argparse"),
    ("csv.", "import csv"),
    ("hashlib.", "import hashlib"),
    ("math.", "import math"),
    ("random.", "import random"),
    ("deepcopy(", "from copy import deepcopy"),
    ("HERE", "from pathlib import Path"),
)
LIBRARIES = (
    ("np.", "import numpy as np"),
    ("torch.", "import torch"),
    ("torchvision.", "import torchvision"),
    ("*", "from fastai.vision.all import *"),
    ("Image.", "from PIL import Image"),
    ("load_file(", "from safetensors.torch import load_file"),
)

README = """\
A plain fastai script that trains what a run of Winnow has trained
==================================================================

    python train.py --data FOLDER

train.py    the training, in fastai alone; Winnow need not be installed
items.csv   path (below FOLDER), label and part of each image, in the order of the run
{begins}
It needs fastai{more}. The run was made with:
{versions}

On the same machine with these versions the loss of each step equals the run's to the last bit.
Other versions, another processor, another number of threads, or a GPU give slightly different
numbers. Files that were changed since the run give others, too.
{notes}"""


def write(facts: ScriptFacts) -> str:
    """Write the script; it holds only what the run's recipe uses."""
    blocks = [
        *reading.write(facts),
        batches.write(facts),
        *network.write(facts),
        *watching.write(facts),
        *features.write(facts),
        *fits.write_helpers(facts),
        _main(facts),
    ]
    body = "\n\n\n".join(blocks) + "\n"
    head = "\n".join((_about(facts), "", _imports(body), "", _constants(facts, body)))
    return f"{DOC}{head}\n\n\n{body}"


def readme(facts: ScriptFacts) -> str:
    """Write the text beside the script."""
    is_timm = facts.recipe.arch.startswith("timm:")
    begins = "begins_from.safetensors   the weights that the run began with\n"
    return README.format(
        begins=begins if facts.begins_from is not None else "",
        more=" and timm" if is_timm else "",
        versions="\n".join(f"    {name} {each}" for name, each in sorted(facts.versions.items())),
        notes="".join(f"\n{each}\n" for each in _notes(facts)),
    )


def _about(facts: ScriptFacts) -> str:
    lines = [
        f"Run: {facts.run_name!r}",
        f"Recipe: {facts.recipe.name!r}",
        f"Dataset: {facts.dataset_name!r}, revision {facts.revision}, "
        f"fingerprint {facts.fingerprint}",
        *_notes(facts),
    ]
    return "\n".join(text.comment(line) for line in lines)


def _notes(facts: ScriptFacts) -> list[str]:
    notes = []
    if facts.n_steps is not None:
        notes.append(f"The run was stopped after {facts.n_steps} steps; so is this script.")
    if facts.is_on_cuda:
        notes.append("The run was trained on a CUDA device, whose sums may differ each time.")
    if any(facts.recipe.tracking.model_dump().values()):
        notes.append("What the run wrote for trackers is left out here.")
    return notes


def _imports(body: str) -> str:
    standard = [line for name, line in IMPORTS if name in body]
    others = [line for name, line in LIBRARIES if name in body]
    return "\n".join([*standard, "", *others])


def _constants(facts: ScriptFacts, body: str) -> str:
    lines = [
        "HERE = Path(__file__).resolve().parent",
        f"SEED = {facts.seed!r}",
        f"PRESIZE = {facts.recipe.presize_px!r}  # pixels, when an image is read",
        f"CLASSES = {text.sequence([repr(each) for each in facts.classes], indent=3)}",
    ]
    if "TURNS" in body:
        lines.append(reading.TURNS.strip("\n"))
    return "\n".join(lines)


def _main(facts: ScriptFacts) -> str:
    first = facts.recipe.stages[0]
    keep = facts.recipe.keep_best
    begins = '    learn.model.load_state_dict(load_file(HERE / "begins_from.safetensors"))\n'
    return MAIN.strip("\n").format(
        machine=_machine(facts),
        size=facts.recipe.size_of(first),
        batch_size=facts.recipe.batch_size_of(first),
        begins=begins if facts.begins_from is not None else "",
        best=f"    best = KeepBest(learn.model, {keep.metric!r})\n" if keep else "",
        fits="\n\n".join(text.indented(block) for block in fits.write(facts)),
    )


def _machine(facts: ScriptFacts) -> str:
    lines = [] if facts.is_on_cuda else ["default_device(False)  # as the run: on the CPU"]
    if facts.n_threads is not None:
        lines.append(f"torch.set_num_threads({facts.n_threads})  # the last bits depend on it")
    return "".join(f"    {line}\n" for line in lines)

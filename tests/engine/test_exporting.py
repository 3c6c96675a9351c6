"""A run's model taken along: each format gives the answers that the run's model gives here."""

import contextlib
import io
import json
import pickletools
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from fastai.vision.core import imagenet_stats
from fastai.vision.learner import create_vision_model
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from core.domain.errors import InputError
from core.domain.recipes import BinaryCrossEntropy, Recipe
from core.engine import predicting, trained, worker
from core.engine.exporting import to_onnx
from core.store import database, files, schema
from tests.engine.conftest import CLASSES, fine_tune, register, row_of

pytestmark = pytest.mark.engine
SINGLE, SIGMOID = "run-single", "run-sigmoid"
FORMATS = {SINGLE: ("fastai", "safetensors"), SIGMOID: ("fastai", "safetensors", "onnx")}
ABOUT = {"run": "Run 1", "dataset": "photos", "revision": 1, "fingerprint": "f", "versions": {}}

LOAD = """
import json, sys, warnings
warnings.simplefilter("ignore")
from fastai.learner import load_learner
said = {}
for path, picture in zip(sys.argv[1::2], sys.argv[2::2]):
    learn = load_learner(path)
    with learn.no_bar():
        pred, _, found = learn.predict(picture)
    named = pred if isinstance(pred, str) else list(pred)
    said[path + " " + picture] = [named, found.tolist()]
mine = sorted(name for name in sys.modules if name.split(".")[0] in ("core", "pages"))
print(json.dumps({"said": said, "mine": mine}))
"""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """The exports of two runs, and the probabilities that their models give here."""

    folder: Path
    results: dict[str, dict[str, Any]]
    expected: dict[tuple[str, str], np.ndarray]  # by run and picture

    def path(self, run_id: str, form: str) -> Path:
        return self.folder / run_id / self.results[f"{run_id}-{form}"]["file"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Draw a picture, and the same as a JPEG that lies on its side by its EXIF."""
    folder = tmp_path_factory.mktemp("pictures")
    pixels = np.random.default_rng(1).integers(0, 255, (40, 52, 3)).astype(np.uint8)
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(pixels).save(folder / "plain.png")
    Image.fromarray(pixels).save(folder / "turned.jpg", exif=turned)
    return {"plain": folder / "plain.png", "turned": folder / "turned.jpg"}


@pytest.fixture(scope="module")
def taken(
    tmp_path_factory: pytest.TempPathFactory, photos: Path, pictures: dict[str, Path]
) -> Taken:
    """Export a run of one label and one with a sigmoid a class, in a home of their own."""
    folder = tmp_path_factory.mktemp("taken")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WINNOW_HOME", str(folder / "home"))
        database.forget()
        registered = register(photos)
        results, expected = {}, {}
        recipes = {
            SINGLE: fine_tune(),
            SIGMOID: fine_tune(
                arch="resnet18", loss=BinaryCrossEntropy(threshold=0.4), resize="squish"
            ),
        }
        for run_id, recipe in recipes.items():
            registered.queue_run(run_id, recipe)
            leave_model(run_id, recipe)
            for form in FORMATS[run_id]:
                task_id = f"{run_id}-{form}"
                given = {"run_id": run_id, "format": form, "about": ABOUT}
                registered.queue_task(task_id, "export", given)
                worker.work_on("task", task_id)
                row = row_of(schema.tasks, task_id)
                assert row["error"] is None
                results[task_id] = row["result"]
                made = files.export_file(task_id, row["result"]["file"])
                (folder / run_id).mkdir(exist_ok=True)
                shutil.copy(made, folder / run_id)
            model = trained.load(run_id)
            for name, path in pictures.items():
                found = predicting.probabilities(model, [model.read(path)])
                expected[run_id, name] = found[0]
        database.forget()
    return Taken(folder=folder, results=results, expected=expected)


def leave_model(run_id: str, recipe: Recipe) -> None:
    """Leave what a finished run leaves: random weights, and the JSON beside them."""
    torch.manual_seed(3)
    make = getattr(torchvision.models, recipe.arch)
    mean, std = imagenet_stats
    about = {
        "arch": recipe.arch,
        "classes": list(CLASSES),
        "presize_px": recipe.presize_px,
        "size_px": recipe.size_px,
        "mean": list(mean),
        "std": list(std),
        "metrics": {"accuracy": 0.5},
        "recipe": recipe.model_dump(mode="json"),
    }
    files.write_json(files.run_model(run_id), about)
    state = create_vision_model(make, 3, pretrained=False).state_dict()
    save_file(state, files.run_weights(run_id))


@pytest.fixture(scope="module")
def loaded(taken: Taken, pictures: dict[str, Path]) -> dict[str, Any]:
    """Load both learners where Winnow is not, and ask them about both pictures."""
    pairs = [
        str(each)
        for run_id in (SINGLE, SIGMOID)
        for picture in pictures.values()
        for each in (taken.path(run_id, "fastai"), picture)
    ]
    done = subprocess.run(
        [sys.executable, "-I", "-c", LOAD, *pairs],
        cwd=taken.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.parametrize("run_id", [SINGLE, SIGMOID])
@pytest.mark.parametrize("picture", ["plain", "turned"])
def test_a_learner_gives_the_runs_probabilities_where_winnow_is_not_installed(
    taken: Taken, loaded: dict[str, Any], pictures: dict[str, Path], run_id: str, picture: str
) -> None:
    pred, found = loaded["said"][f"{taken.path(run_id, 'fastai')} {pictures[picture]}"]

    expected = taken.expected[run_id, picture]
    assert loaded["mine"] == []
    assert found == pytest.approx(expected, abs=1e-5)
    if run_id == SINGLE:
        assert pred == CLASSES[expected.argmax()]
    else:
        assert pred == [name for name, p in zip(CLASSES, expected, strict=True) if p > 0.4]


def test_a_learners_pickle_names_nothing_of_winnow_and_no_path_of_this_machine(
    taken: Taken,
) -> None:
    with zipfile.ZipFile(taken.path(SINGLE, "fastai")) as archive:
        (name,) = [each for each in archive.namelist() if each.endswith("/data.pkl")]
        content = archive.read(name)

    words = [str(argument) for _op, argument, _at in pickletools.genops(content) if argument]

    modules = {word.split(" ")[0].split(".")[0] for word in words}
    assert {"fastai", "torch"} <= modules
    assert modules.isdisjoint({"core", "pages", "tests"})
    assert str(taken.folder).encode() not in content


@pytest.mark.parametrize("run_id", [SINGLE, SIGMOID])
def test_the_lines_of_the_readme_give_the_runs_probabilities(
    taken: Taken, pictures: dict[str, Path], run_id: str, tmp_path: Path, monkeypatch: Any
) -> None:
    with zipfile.ZipFile(taken.path(run_id, "safetensors")) as archive:
        archive.extractall(tmp_path)
    shutil.copy(pictures["turned"], tmp_path / "image.jpg")
    monkeypatch.chdir(tmp_path)
    text = (tmp_path / "README.txt").read_text(encoding="utf-8")
    lines = "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))
    said = io.StringIO()

    with contextlib.redirect_stdout(said):
        exec(compile(lines, "README.txt", "exec"), {})

    found = json.loads(said.getvalue().replace("'", '"'))
    assert list(found) == list(CLASSES)
    assert list(found.values()) == pytest.approx(taken.expected[run_id, "turned"], abs=1e-5)
    assert sum(1 for line in lines.splitlines() if line) <= 20


def test_the_json_says_what_the_weights_are_and_where_they_come_from(taken: Taken) -> None:
    with zipfile.ZipFile(taken.path(SIGMOID, "safetensors")) as archive:
        names = sorted(archive.namelist())
        about = json.loads(archive.read("model.json"))

    assert names == ["README.txt", "model.json", "model.safetensors"]
    assert about["arch"] == "resnet18"
    assert about["classes"] == list(CLASSES)
    assert (about["presize_px"], about["size_px"], about["resize"]) == (40, 32, "squish")
    assert about["threshold"] == 0.4
    assert about["metrics"] == {"accuracy": 0.5}
    assert (about["dataset"], about["revision"], about["fingerprint"]) == ("photos", 1, "f")
    assert about["recipe"]["loss"]["kind"] == "binary_cross_entropy"


def test_an_onnx_graph_takes_pixels_and_gives_the_runs_probabilities(taken: Taken) -> None:
    onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    path = taken.path(SIGMOID, "onnx")
    image = np.random.default_rng(2).random((3, 3, 32, 32), dtype=np.float32)

    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    _scores, found = session.run(None, {"image": image})

    mean, std = (np.array(each, np.float32).reshape(1, 3, 1, 1) for each in imagenet_stats)
    expected = outputs_of("resnet18", (image - mean) / std).sigmoid().numpy()
    facts = {each.key: json.loads(each.value) for each in onnx.load(path).metadata_props}
    assert found == pytest.approx(expected, abs=1e-4)
    assert 0 < taken.results[f"{SIGMOID}-onnx"]["most_difference"] < 1e-3
    assert facts["classes"] == list(CLASSES)
    assert facts["threshold"] == 0.4


def outputs_of(arch: str, pixels: np.ndarray) -> torch.Tensor:
    """Give the outputs of the network that `leave_model` left, of normalised pixels."""
    torch.manual_seed(3)
    model = create_vision_model(getattr(torchvision.models, arch), 3, pretrained=False).eval()
    with torch.no_grad():
        found: torch.Tensor = model(torch.from_numpy(pixels))
    return found


def test_a_graph_that_differs_from_the_model_is_seen(taken: Taken) -> None:
    pytest.importorskip("onnxruntime")

    class Other(nn.Module):
        def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return torch.zeros(len(image), 3), torch.zeros(len(image), 3)

    found = to_onnx.difference(Other(), taken.path(SIGMOID, "onnx").read_bytes(), 32)

    assert found > to_onnx.MOST_DIFFERENCE


def test_a_missing_package_is_named_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = util.find_spec
    monkeypatch.setattr(
        to_onnx.util, "find_spec", lambda name: None if name == "onnxscript" else found(name)
    )

    with pytest.raises(InputError, match="needs onnxscript") as caught:
        to_onnx.check_installed()

    assert "pip install onnx onnxruntime onnxscript" in caught.value.hint

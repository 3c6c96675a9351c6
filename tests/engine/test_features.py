"""A stage on cached features: what is cached, what is trained, and what stays as it was."""

import copy
import multiprocessing
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from fastai.callback.core import Callback
from fastai.callback.schedule import Learner  # with fit_one_cycle
from fastai.data.core import DataLoaders, Datasets, TfmdDL
from fastai.data.transforms import IntToFloatTensor, Normalize, ToTensor
from fastai.optimizer import Adam
from fastai.vision.augment import Resize, aug_transforms
from fastai.vision.core import PILImage, imagenet_stats
from torch import nn

from core.domain.errors import UnreadableImageError
from core.domain.recipes import NO_AUGMENTATION, BinaryCrossEntropy, Recipe, Stage
from core.engine import data, environment, features, models, seeding, stages
from core.engine.data import TRAIN, VALID
from core.engine.features import cutting, entries, shards
from core.store import files
from tests.engine.conftest import FakeJob, fine_tune

pytestmark = pytest.mark.engine

STAGE = Stage(train="features", epochs=3, lr=3e-3)
SEED = 42
N_PHOTOS, N_BATCHES = 45, 3  # 16 photos go through the body at once
CHANNELS = 1024  # of squeezenet1_0: 512, pooled by their maximum and by their mean


def features_only(**changes: Any) -> Recipe:
    return fine_tune(stages=(STAGE,), **changes)


def learner_of(frame: pd.DataFrame, root: Path, recipe: Recipe, *, seed: int = SEED) -> Learner:
    seeding.seed_all(seed)
    batches = data.batches(frame, root, recipe, path=files.run_folder("run-a"))
    n_classes, folder = len(batches.classes), files.run_folder("run-a")
    learn = models.learner(batches.dls, recipe, n_classes=n_classes, path=folder)
    seeding.seed_fit(batches.dls, seed)
    return learn


def build(
    learn: Learner, frame: pd.DataFrame, root: Path, recipe: Recipe, **changes: Any
) -> features.FeatureFit:
    plain = {"path": files.run_folder("run-a"), "job": FakeJob()}
    found = features.build(learn, frame, root, recipe, recipe.stages[0], **(plain | changes))
    assert found is not None
    return found


@contextmanager
def counted(learn: Learner) -> Iterator[list[int]]:
    """List the images of each pass through the body."""
    passes: list[int] = []
    hook = learn.model[0].register_forward_hook(lambda _m, given, _o: passes.append(len(given[0])))
    yield passes
    hook.remove()


def served(fit: features.FeatureFit, part: int) -> dict[int, tuple[torch.Tensor, torch.Tensor]]:
    """Give activation and target by item id, of one pass of a loader."""
    loader, ids = fit.batches.dls[part], fit.batches.item_ids[part]
    found = {}
    for index, (rows, targets) in enumerate(loader):
        names = data.batch_ids(loader, ids, index, len(targets))
        found |= dict(zip(names.tolist(), zip(rows, targets, strict=True), strict=True))
    return found


def all_rows(fit: features.FeatureFit) -> torch.Tensor:
    """Give the plain activations of train and valid, in the order of the items."""
    datasets = [fit.batches.dls[part].dataset for part in (TRAIN, VALID)]
    return torch.stack([each[at][0] for each in datasets for at in range(len(each))])


def shard_paths() -> list[Path]:
    return sorted((files.home() / "features").glob("*/*.safetensors"))


class StepLosses(Callback):
    """The loss of each train batch."""

    run_valid = False

    def __init__(self) -> None:
        super().__init__()
        self.values: list[float] = []

    def after_loss(self) -> None:
        self.values.append(self.learn.loss.item())


@pytest.mark.parametrize("workers", [0, 2])
def test_the_features_are_body_and_pooling_of_the_valid_images_of_plain_fastai(
    frame: pd.DataFrame, photos: Path, workers: int
) -> None:
    recipe = features_only(n_workers=workers)
    learn = learner_of(frame, photos, recipe)

    fit = build(learn, frame, photos, recipe)

    splits = data.positions(frame)
    plain = Datasets([photos / path for path in frame["path"]], [[PILImage.create]], splits=splits)
    dls = plain.dataloaders(
        bs=8,
        num_workers=0,
        after_item=[Resize(40), ToTensor()],
        after_batch=[
            IntToFloatTensor(),
            *aug_transforms(size=32),
            Normalize.from_stats(*imagenet_stats),
        ],
    )
    ordered = [photos / frame["path"][at] for at in [*splits[TRAIN], *splits[VALID]]]
    pixels = torch.cat([batch for (batch,) in dls.test_dl(ordered, num_workers=0)])
    sixteens = torch.cat([pixels, pixels[-1:].expand(3, -1, -1, -1)]).as_subclass(torch.Tensor)
    body = nn.Sequential(learn.model[0], *learn.model[1][:2]).eval()
    with torch.no_grad():
        expected = torch.cat([body(each) for each in sixteens.split(16)])[:N_PHOTOS]
    assert expected.shape == (N_PHOTOS, CHANNELS)
    assert torch.equal(all_rows(fit), expected)


def test_a_stage_on_features_has_the_losses_of_a_plain_fit_of_the_head(
    frame: pd.DataFrame, photos: Path
) -> None:
    recipe = features_only()
    learn = learner_of(frame, photos, recipe)
    fit = build(learn, frame, photos, recipe)
    head = copy.deepcopy(nn.Sequential(*learn.model[1][2:]))
    datasets = [fit.batches.dls[part].dataset for part in (TRAIN, VALID)]
    train, valid = ([each[at] for at in range(len(each))] for each in datasets)
    ours, plain = StepLosses(), StepLosses()

    seeding.seed_fit(fit.batches.dls, SEED)
    stages.fit(fit.learn, STAGE, callbacks=[ours])
    dls = DataLoaders(
        TfmdDL(train, bs=8, shuffle=True, drop_last=True, num_workers=0),
        TfmdDL(valid, bs=8, num_workers=0),
    )
    by_hand = Learner(dls, head, loss_func=nn.CrossEntropyLoss(), opt_func=Adam)
    seeding.seed_fit(dls, SEED)
    with by_hand.no_bar(), by_hand.no_logging():
        by_hand.fit_one_cycle(3, 3e-3, cbs=plain)

    assert len(plain.values) == 3 * (30 // 8)
    assert ours.values == plain.values
    assert float(fit.learn.recorder.values[-1][1]) == float(by_hand.recorder.values[-1][1])


def test_the_head_of_the_model_learns_and_its_body_stays(
    frame: pd.DataFrame, photos: Path
) -> None:
    recipe = features_only(arch="resnet18")
    learn = learner_of(frame, photos, recipe)
    before = copy.deepcopy(learn.model.state_dict())

    fit = build(learn, frame, photos, recipe)
    stages.fit(fit.learn, STAGE, callbacks=[])

    after = learn.model.state_dict()
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert {name for name in changed if name.startswith("0.")} == set()
    assert {f"1.{name}" for name, _ in learn.model[1].named_parameters()} <= changed
    assert [str(each) for each in fit.learn.metrics] == [str(each) for each in learn.metrics]


def test_gradients_are_clipped_and_added_up_as_the_recipe_says(
    frame: pd.DataFrame, photos: Path
) -> None:
    recipe = features_only(grad_clip=0.5, accumulate=24, precision="bf16")
    learn = learner_of(frame, photos, recipe)

    fit = build(learn, frame, photos, recipe)
    stages.fit(fit.learn, STAGE, callbacks=[])

    assert fit.learn.gradient_clip.max_norm == 0.5
    assert fit.learn.gradient_accumulation.n_acc == 24
    assert "Bfloat16" not in [type(each).__name__ for each in fit.learn.cbs]
    states = [fit.learn.opt.state[each] for each in fit.learn.model.parameters()]
    assert {state["step"] for state in states} == {3}  # of nine batches of 8


def test_a_batch_names_its_items_and_an_epoch_leaves_the_incomplete_one_out(
    frame: pd.DataFrame, photos: Path
) -> None:
    recipe = features_only()
    learn = learner_of(frame, photos, recipe)

    fit = build(learn, frame, photos, recipe)
    train, valid = served(fit, TRAIN), served(fit, VALID)

    rows = dict(zip(np.concatenate(fit.batches.item_ids).tolist(), all_rows(fit), strict=True))
    classes = dict(zip(frame["item_id"], frame["label"], strict=True))
    assert len(train) == 3 * 8
    assert list(valid) == fit.batches.item_ids[VALID].tolist()
    for item_id, (row, target) in {**train, **valid}.items():
        assert torch.equal(row, rows[item_id])
        assert fit.batches.classes[target] == classes[item_id]


def test_features_are_shared_and_only_a_new_image_is_computed(
    frame: pd.DataFrame, photos: Path, tmp_path: Path
) -> None:
    recipe = features_only()
    learn = learner_of(frame, photos, recipe)
    fewer = frame[frame["path"] != "red/01.png"].reset_index(drop=True)
    moved = frame.assign(part=["valid" if part == "train" else "train" for part in frame["part"]])
    job = FakeJob()

    with counted(learn) as passes:
        build(learn, fewer, photos, recipe)
        n_first = len(passes)
        build(learn, moved, photos, recipe, job=job)
        n_then = len(passes) - n_first
        whole = build(learn, frame, photos, recipe, job=job)
        n_last = len(passes) - n_first - n_then
    files.features_folder(shard_paths()[0].parent.name).rename(tmp_path / "elsewhere")
    at_once = build(learn, frame, photos, recipe)

    assert (n_first, n_then, n_last) == (N_BATCHES, 1, 0)
    assert [said["message"] for said in job.reports] == ["reading the body's features, 45 of 45"]
    assert torch.equal(all_rows(whole), all_rows(at_once))  # whatever it was computed beside


def test_two_files_of_one_content_are_read_once(frame: pd.DataFrame, photos: Path) -> None:
    recipe = features_only()
    learn = learner_of(frame, photos, recipe)
    twins = frame.assign(content_hash=frame["label"])

    with counted(learn) as passes:
        fit = build(learn, twins, photos, recipe)

    assert len(passes) == 1
    assert len(all_rows(fit).unique(dim=0)) == 3


@pytest.mark.parametrize("damage", ["cut", "changed", "emptied"])
def test_a_damaged_shard_is_computed_again_and_replaced(
    frame: pd.DataFrame, photos: Path, damage: str
) -> None:
    recipe = features_only()
    learn = learner_of(frame, photos, recipe)
    expected = all_rows(build(learn, frame, photos, recipe))
    (path,) = shard_paths()
    content = path.read_bytes()
    broken = {
        "cut": content[: len(content) // 2],
        "changed": content[:-40] + bytes(40),
        "emptied": b"",
    }[damage]
    path.write_bytes(broken)

    with counted(learn) as passes:
        found = all_rows(build(learn, frame, photos, recipe))
        n_passes = len(passes)
        build(learn, frame, photos, recipe)

    assert torch.equal(found, expected)
    assert n_passes == len(passes) == N_BATCHES
    assert shard_paths() == [path]


def test_what_a_killed_writer_left_is_not_read() -> None:
    path = shards.save("a", [("one", "plain")], np.ones((1, 4), np.float32))
    half = path.with_name(f".{path.name}.k1ll3d")
    half.write_bytes(path.read_bytes()[:50])

    found = shards.load("a", [("one", "plain"), ("two", "plain")])

    assert list(found) == [("one", "plain")]
    assert half.exists()


def test_two_processes_that_add_at_once_lose_nothing() -> None:
    def add(first: int) -> None:
        for at in range(first, first + 60, 2):
            rows = np.full((2, 8), [[at], [at + 1]], np.float32)
            shards.save("a", [(str(at), "plain"), (str(at + 1), "plain")], rows)

    forked = multiprocessing.get_context("fork")
    writers = [forked.Process(target=add, args=(first,)) for first in (0, 40)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=60)
    found = shards.load("a", [(str(at), "plain") for at in range(100)])

    assert [writer.exitcode for writer in writers] == [0, 0]
    assert {int(content): row.tolist() for (content, _), row in found.items()} == {
        at: [float(at)] * 8 for at in range(100)
    }


def test_the_random_states_of_the_run_stay_as_they_are(frame: pd.DataFrame, photos: Path) -> None:
    recipe = features_only(feature_views=2)
    learn = learner_of(frame, photos, recipe)
    random.random(), np.random.rand(), torch.rand(1)
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    loaders = [loader.rng.getstate() for loader in learn.dls.loaders]

    fit = build(learn, frame, photos, recipe)

    after = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    assert after == before
    assert [loader.rng.getstate() for loader in learn.dls.loaders] == loaders
    assert [loader.rng.getstate() for loader in fit.batches.dls.loaders] == loaders


class StopsAfterTwoReports(FakeJob):
    def should_stop(self) -> bool:
        return len(self.reports) == 2


def test_who_stops_keeps_what_was_computed(frame: pd.DataFrame, photos: Path) -> None:
    recipe = features_only()
    learn = learner_of(frame, photos, recipe)
    path, job = files.run_folder("run-a"), StopsAfterTwoReports()

    with counted(learn) as passes:
        stopped = features.build(learn, frame, photos, recipe, STAGE, path=path, job=job)
        n_stopped = len(passes)
        build(learn, frame, photos, recipe)

    assert stopped is None
    assert (n_stopped, len(passes)) == (2, N_BATCHES)
    read = "reading the body's features,"
    assert [said["message"] for said in job.reports] == [f"{read} 16 of 45", f"{read} 32 of 45"]
    assert not any("progress_done" in said for said in job.reports)  # it counts batches


def test_a_broken_image_is_named_and_what_was_computed_before_it_stays(
    frame: pd.DataFrame, photos: Path, tmp_path: Path
) -> None:
    recipe = features_only()
    learn = learner_of(frame, photos, recipe)
    with_broken = frame.copy()
    last = with_broken.index[with_broken["part"] == "train"][-1]
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with_broken.loc[last, "path"] = str(tmp_path / "broken.png")

    with counted(learn) as passes, pytest.raises(UnreadableImageError, match=r"broken\.png"):
        build(learn, with_broken, photos, recipe)

    assert len(passes) == 1  # of two batches of train images
    assert len(shard_paths()) == 1


def test_views_are_augmented_in_the_same_way_in_every_run_and_drawn_by_its_generator(
    frame: pd.DataFrame, photos: Path
) -> None:
    recipe = features_only(feature_views=3)
    learn = learner_of(frame, photos, recipe)
    plain = build(learn, frame, photos, features_only())
    some = frame.iloc[::2].reset_index(drop=True)

    build(learn, some, photos, recipe)  # fewer images, and so other batches, draw first
    fit = build(learn, frame, photos, recipe)
    rows = fit.batches.dls.train.dataset.rows
    seeding.seed_fit(fit.batches.dls, 1)
    epochs = [served(fit, TRAIN) for _ in range(2)]
    seeding.seed_fit(fit.batches.dls, 1)
    again = served(fit, TRAIN)
    for path in shard_paths():
        path.unlink()
    seeding.seed_all(7)
    afresh = build(learn, frame, photos, recipe)

    assert rows.shape == (30, 3, CHANNELS)
    assert torch.equal(all_rows(fit), all_rows(plain))
    assert all(len(item.unique(dim=0)) == 3 for item in rows)
    assert torch.equal(afresh.batches.dls.train.dataset.rows, rows)
    assert fit.batches.dls.valid.dataset.rows.shape == (15, 1, CHANNELS)
    position = {id_: at for at, id_ in enumerate(fit.batches.item_ids[TRAIN].tolist())}
    drawn = [
        {id_: int((rows[position[id_]] == row).all(1).nonzero()) for id_, (row, _) in each.items()}
        for each in [*epochs, again]
    ]
    assert set(drawn[0].values()) == {0, 1, 2}
    assert drawn[0] == drawn[2]
    assert drawn[0] != drawn[1]


def test_an_xresnet_is_cut_behind_its_own_pooling(frame: pd.DataFrame, photos: Path) -> None:
    recipe = features_only(arch="xresnet18")
    learn = learner_of(frame, photos, recipe)

    fit = build(learn, frame, photos, recipe)

    assert all_rows(fit).shape == (N_PHOTOS, 512)
    assert [type(layer) for layer in fit.learn.model] == [nn.Dropout, nn.Linear]
    assert fit.learn.model[-1] is learn.model[-1]


@pytest.mark.parametrize("arch", ["squeezenet1_0", "resnet18", "xresnet18"])
def test_both_parts_of_a_cut_network_are_the_network(arch: str) -> None:
    dls = DataLoaders(*([TfmdDL([(torch.zeros(1), 0)], num_workers=0)] * 2))
    dls.train.dataset = type("Items", (), {"loss_func": nn.CrossEntropyLoss(), "split_idx": 0})()
    model = models.learner(
        dls, features_only(arch=arch), n_classes=3, path=files.run_folder("run-a")
    ).model.eval()
    pixels = torch.rand(2, 3, 32, 32)

    body, head = cutting.cut(model)

    assert body(pixels).ndim == 2
    assert torch.equal(head(body(pixels)), model(pixels))


def test_a_network_that_pools_by_itself_is_cut_at_its_head() -> None:
    body, head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), nn.Linear(3, 2)

    cached, trained = cutting.cut(nn.Sequential(body, nn.Sequential(head)))

    assert list(cached) == [body]
    assert list(trained) == [head]


def test_targets_are_a_zero_or_one_a_class_where_the_loss_asks_of_each(
    frame: pd.DataFrame, photos: Path
) -> None:
    recipe = features_only(loss=BinaryCrossEntropy())
    labels = ["red|green" if label == "red" else label for label in frame["label"]]
    several = frame.assign(label=labels)
    path = files.run_folder("run-a")
    seeding.seed_all(SEED)
    batches = data.batches(several, photos, recipe, path=path, multi=True)
    loss = nn.BCEWithLogitsLoss()
    model = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, 3)), nn.Sequential(nn.AdaptiveAvgPool2d(1))
    )
    model[1].extend([nn.Flatten(), nn.Linear(4, 3)])
    learn = Learner(batches.dls, model, loss_func=loss, path=path)

    fit = build(learn, several, photos, recipe, multi=True)
    valid = served(fit, VALID)
    stages.fit(fit.learn, STAGE, callbacks=[])

    label_of = dict(zip(several["item_id"], several["label"], strict=True))
    for item_id, (_, target) in valid.items():
        assert target.dtype == torch.float32
        has = {name for name, is_so in zip(fit.batches.classes, target, strict=True) if is_so}
        assert has == set(label_of[item_id].split("|"))


@pytest.mark.parametrize(
    "changes",
    [
        {"presize_px": 48},
        {"size_px": 40},
        {"resize": "squish"},
        {"input": "draft"},
        {"precision": "bf16"},
        {"memory_format": "channels_last"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_moves_the_activations_has_a_key_of_its_own(changes: dict[str, Any]) -> None:
    body, plain = nn.Linear(2, 2), features_only()

    keys = {
        entries.key(body, recipe, None, device="cpu")
        for recipe in (plain, features_only(**changes), features_only(batch_size=4, name="other"))
    }

    assert len(keys) == 2


def test_another_version_or_number_of_threads_has_a_key_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body, recipe, known = nn.Linear(2, 2), features_only(), environment.describe()
    others = ({}, {"platform": "Linux-6"}, {"torch": "9.9"}, {"pillow": "9.9"})
    keys = []

    for other in (*others, {"n_torch_threads": 64}):
        monkeypatch.setattr(environment, "describe", lambda other=other: known | other)
        keys.append(entries.key(body, recipe, None, device="cpu"))

    assert keys[0] == keys[1]  # the same, whatever the kernel
    assert len(set(keys)) == 4


def test_weights_and_statistics_and_the_device_are_part_of_the_key() -> None:
    body, recipe = nn.BatchNorm1d(2), features_only()
    other = copy.deepcopy(body)
    other.running_mean += 1
    statistics = ((0.5,) * 3, (0.25,) * 3)

    keys = {
        entries.key(body, recipe, None, device="cpu"),
        entries.key(copy.deepcopy(body), recipe, None, device="cpu"),
        entries.key(other, recipe, None, device="cpu"),
        entries.key(body, recipe, statistics, device="cpu"),
        entries.key(body, recipe, None, device="cuda"),
    }

    assert len(keys) == 4


def test_only_augmented_views_depend_on_the_augmentation() -> None:
    side_on, none = features_only(), features_only(augmentation=NO_AUGMENTATION)

    assert entries.entry("a", 0, side_on) == entries.entry("a", 0, none) == ("a", "plain")
    assert entries.entry("a", 1, side_on) != entries.entry("a", 1, none)
    assert entries.entry("a", 1, side_on) != entries.entry("a", 2, side_on)
    assert entries.seed("a", 1) != entries.seed("a", 2)


def test_a_body_in_lower_precision_gives_nearly_the_same(
    frame: pd.DataFrame, photos: Path
) -> None:
    recipe = features_only(precision="bf16", memory_format="channels_last")
    learn = learner_of(frame, photos, features_only())
    exact = all_rows(build(learn, frame, photos, features_only()))

    rough = all_rows(build(learn, frame, photos, recipe))

    assert rough.dtype == torch.float32
    assert not torch.equal(rough, exact)
    assert float(nn.functional.cosine_similarity(rough, exact).min()) > 0.999

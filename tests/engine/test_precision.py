"""Precision, memory format, clipping and accumulation, next to fastai and to a plain fit."""

import math

import pytest
import torch
from fastai.callback.channelslast import ChannelsLast
from fastai.callback.fp16 import MixedPrecision
from fastai.callback.training import GradientAccumulation, GradientClip

from core.domain.errors import RecipeError
from core.engine import precision
from tests.engine import tiny
from tests.engine.conftest import fine_tune

pytestmark = pytest.mark.engine

CPU = torch.device("cpu")


def image_losses(**changes: object) -> list[float]:
    """Train a network of images with what a recipe asks for."""
    return tiny.step_losses(
        tiny.loaders(shape=(3, 8, 8)),
        make=tiny.image_network,
        callbacks=precision.callbacks(fine_tune(**changes), CPU),
    )


@pytest.fixture(scope="module")
def plain() -> list[float]:
    """Give the losses of a fit without any of it."""
    return image_losses()


def test_a_recipe_that_says_nothing_needs_no_callback() -> None:
    assert precision.callbacks(fine_tune(), CPU) == []


def test_bf16_on_a_cpu_changes_the_losses_a_little(plain: list[float]) -> None:
    ours = image_losses(precision="bf16")

    assert all(math.isfinite(loss) for loss in ours)
    assert ours != plain
    assert ours == pytest.approx(plain, rel=0.02)


def test_fastai_s_own_mixed_precision_changes_nothing_on_a_cpu(plain: list[float]) -> None:
    theirs = tiny.step_losses(
        tiny.loaders(shape=(3, 8, 8)),
        make=tiny.image_network,
        callbacks=[MixedPrecision(amp_mode="bf16")],
    )

    assert theirs == plain


def test_bf16_leaves_weights_and_the_rest_of_the_process_in_single_precision() -> None:
    learn = tiny.learner(tiny.loaders(shape=(3, 8, 8)), make=tiny.image_network)

    tiny.watched(learn, callbacks=precision.callbacks(fine_tune(precision="bf16"), CPU))

    assert {each.dtype for each in learn.model.parameters()} == {torch.float32}
    assert not torch.is_autocast_enabled("cpu")


def test_channels_last_gives_the_losses_of_the_usual_format_almost(plain: list[float]) -> None:
    learn = tiny.learner(tiny.loaders(shape=(3, 8, 8)), make=tiny.image_network)
    callbacks = precision.callbacks(fine_tune(memory_format="channels_last"), CPU)

    ours = tiny.watched(learn, callbacks=callbacks).step_losses

    assert ours == pytest.approx(plain, rel=1e-4)
    assert learn.model[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert isinstance(callbacks[0], ChannelsLast)


def test_images_of_a_batch_are_channels_last_too() -> None:
    seen = []
    learn = tiny.learner(tiny.loaders(shape=(3, 8, 8)), make=tiny.image_network)
    learn.model[0].register_forward_pre_hook(lambda _layer, given: seen.append(given[0]))

    tiny.watched(
        learn,
        epochs=1,
        callbacks=precision.callbacks(fine_tune(memory_format="channels_last"), CPU),
    )

    assert all(each.is_contiguous(memory_format=torch.channels_last) for each in seen)


def test_clipping_takes_the_steps_of_fastai_s_gradient_clip() -> None:
    ours = tiny.step_losses(callbacks=precision.callbacks(fine_tune(grad_clip=0.1), CPU))

    assert ours == tiny.step_losses(callbacks=[GradientClip(max_norm=0.1)])
    assert ours != tiny.step_losses()


def test_accumulating_takes_the_steps_of_fastai_s_gradient_accumulation() -> None:
    ours = tiny.step_losses(callbacks=precision.callbacks(fine_tune(accumulate=16), CPU))

    assert ours == tiny.step_losses(callbacks=[GradientAccumulation(n_acc=16)])
    assert ours != tiny.step_losses()


def test_accumulating_no_more_than_a_batch_is_a_plain_fit() -> None:
    ours = tiny.step_losses(callbacks=precision.callbacks(fine_tune(accumulate=8), CPU))

    assert ours == pytest.approx(tiny.step_losses(), rel=1e-5)


def test_all_together_train_and_stay_finite() -> None:
    ours = image_losses(
        precision="bf16", memory_format="channels_last", grad_clip=0.5, accumulate=16
    )

    assert len(ours) == 6
    assert all(math.isfinite(loss) for loss in ours)


def test_fp16_is_refused_on_a_cpu() -> None:
    with pytest.raises(RecipeError, match="fp16 needs a CUDA device") as caught:
        precision.callbacks(fine_tune(precision="fp16"), CPU)

    assert "bf16" in caught.value.hint


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("kind", ["fp16", "bf16"])
def test_mixed_precision_on_cuda_is_fastai_s(kind: str) -> None:
    found = precision.callbacks(fine_tune(precision=kind), torch.device("cuda"))

    assert [(type(each), each.amp_mode.value) for each in found] == [(MixedPrecision, kind)]

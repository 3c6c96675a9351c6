"""How rate and momentum move over the batches of a stage, with fastai's defaults."""

from typing import Annotated, Literal

from pydantic import Field

from core.domain.values import Frozen

Share = Annotated[float, Field(gt=0, lt=1)]
Divisor = Annotated[float, Field(ge=1, le=1e12)]


class OneCycle(Frozen):
    """Warm up to the rate, then anneal; momentum moves the other way (Smith, arXiv:1803.09820)."""

    kind: Literal["one_cycle"] = "one_cycle"
    pct_start: Share = 0.25  # the share of batches that warm up
    div: Divisor = 25.0  # the first rate is the rate / div
    div_final: Divisor = 1e5  # the last rate is the rate / div_final


class FlatCos(Frozen):
    """Hold the rate, then anneal it along a cosine, as fastai's `fit_flat_cos`."""

    kind: Literal["flat_cos"] = "flat_cos"
    pct_start: Share = 0.75  # the share of batches before the rate falls
    div_final: Divisor = 1e5


class Constant(Frozen):
    """Keep the rate."""

    kind: Literal["constant"] = "constant"


class Sgdr(Frozen):
    """Anneal along a cosine and start again, cycle after cycle (Loshchilov, arXiv:1608.03983).

    With `cycle_len` 1 and `cycle_mult` 2 the cycles last 1, 2, 4 … epochs, as in fastai's
    `fit_sgdr`; with `cycle_mult` 1, which fastai itself cannot do, they stay equal.
    """

    kind: Literal["sgdr"] = "sgdr"
    cycle_len: Annotated[int, Field(ge=1, le=1000)] = 1  # epochs of the first cycle
    cycle_mult: Annotated[int, Field(ge=1, le=10)] = 2
    n_cycles: Annotated[int, Field(ge=1, le=100)] = 3

    @property
    def cycle_epochs(self) -> tuple[int, ...]:
        """Give the epochs of each cycle."""
        return tuple(self.cycle_len * self.cycle_mult**number for number in range(self.n_cycles))

    @property
    def n_epochs(self) -> int:
        """Count the epochs of all cycles."""
        return sum(self.cycle_epochs)


Schedule = Annotated[OneCycle | FlatCos | Constant | Sgdr, Field(discriminator="kind")]

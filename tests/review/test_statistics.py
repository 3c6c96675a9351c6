"""Intervals as textbooks have them, and as often right as they say."""

import numpy as np
import pytest

from core.review import statistics


@pytest.mark.parametrize(
    ("df", "expected"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (10, 2.228), (30, 2.042)],
)
def test_the_quantiles_of_students_t_are_those_of_the_tables(df: int, expected: float) -> None:
    assert statistics.t_quantile(0.975, df) == pytest.approx(expected, abs=0.0005)


def test_the_interval_of_paired_seeds_is_the_one_worked_out_by_hand() -> None:
    differences = np.array([0.02, 0.04, 0.03, 0.05, 0.01])  # mean 0.03, sd 0.0158114

    interval = statistics.t_interval(differences)

    half = 2.776445 * 0.0158114 / 5**0.5
    assert interval.low == pytest.approx(0.03 - half, abs=1e-6)
    assert interval.high == pytest.approx(0.03 + half, abs=1e-6)
    assert interval.excludes_zero


def test_one_seed_says_nothing_of_other_seeds() -> None:
    values = np.array([[0.0, 1.0, 1.0]])
    means = statistics.resampled_means(values)

    assert statistics.t_interval(values.mean(axis=1)) is None
    assert statistics.over_seeds_and_images(values.mean(axis=1), means) is None
    assert statistics.over_images(means).high == 1.0


def test_the_same_values_give_the_same_interval() -> None:
    values = np.random.default_rng(1).normal(size=(3, 50))

    first, second = (
        statistics.over_seeds_and_images(values.mean(axis=1), statistics.resampled_means(values))
        for _ in range(2)
    )

    assert first == second


def test_the_bootstrap_over_images_is_as_wide_as_the_normal_interval_of_many() -> None:
    values = np.repeat([[0.0, 1.0]], 200, axis=1).reshape(1, 400)

    interval = statistics.over_images(statistics.resampled_means(values))

    half = 1.96 * 0.5 / 400**0.5
    assert interval.low == pytest.approx(0.5 - half, abs=0.006)
    assert interval.high == pytest.approx(0.5 + half, abs=0.006)


def test_draws_that_come_in_blocks_are_the_same_images_for_all_rows() -> None:
    values = np.random.default_rng(2).normal(size=(2, 1500))
    values[1] = -values[0]

    means = statistics.resampled_means(values)  # in two blocks

    assert means.shape == (statistics.N_DRAWS, 2)
    assert means[:, 0] == pytest.approx(-means[:, 1])
    assert len(set(means[:, 0])) == statistics.N_DRAWS


@pytest.mark.parametrize(
    ("of_seeds", "of_images", "noise"), [(0.1, 1.0, 0.3), (0.0, 1.0, 0.5), (0.2, 0.2, 1.0)]
)
def test_the_interval_for_seeds_and_images_holds_at_least_as_often_as_it_says(
    of_seeds: float, of_images: float, noise: float
) -> None:
    rng = np.random.default_rng(3)
    n_held, n_trials = 0, 150
    for _ in range(n_trials):
        differences = (
            of_seeds * rng.normal(size=(5, 1))
            + of_images * rng.normal(size=(1, 80))
            + noise * rng.normal(size=(5, 80))
        )
        means = statistics.resampled_means(differences, n_draws=400)
        interval = statistics.over_seeds_and_images(differences.mean(axis=1), means)
        n_held += interval.low <= 0 <= interval.high

    assert n_held >= 0.92 * n_trials  # 0.95 less what 150 trials may miss


def test_for_seeds_that_differ_alone_it_is_as_wide_as_the_t_interval() -> None:
    by_seed = np.array([0.02, 0.04, 0.03, 0.05, 0.01])
    differences = np.repeat(by_seed[:, None], 60, axis=1)

    both = statistics.over_seeds_and_images(by_seed, statistics.resampled_means(differences))

    seeds = statistics.t_interval(by_seed)
    assert both.high - both.low == pytest.approx(seeds.high - seeds.low, rel=0.1)


def test_for_images_that_differ_alone_it_is_the_bootstrap_over_images() -> None:
    of_images = np.random.default_rng(4).normal(size=200)
    differences = np.repeat(of_images[None, :], 5, axis=0)
    means = statistics.resampled_means(differences)

    both = statistics.over_seeds_and_images(differences.mean(axis=1), means)

    assert both.low == pytest.approx(statistics.over_images(means).low)
    assert both.high == pytest.approx(statistics.over_images(means).high)


def test_an_image_has_flipped_where_at_least_half_of_the_seeds_turned_it() -> None:
    before = np.array([[0, 0, 1, 1], [0, 1, 1, 1], [0, 1, 1, 0], [1, 1, 1, 1]])
    after = np.array([[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 0]])

    found = statistics.flips(before, after)

    assert found.to_right.tolist() == [0]
    assert found.to_wrong.tolist() == [3]
    assert (found.n_to_right, found.n_to_wrong) == (5 / 4, 3 / 4)
    assert found.right_before.tolist() == [0.25, 0.75, 1.0, 0.75]

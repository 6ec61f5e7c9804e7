"""Facts about the page on which three laws meet: its training, its differences, its profile of the floor."""

import numpy as np
import pytest
import torch
from scipy import optimize, stats

from foretold.kit import gpt
from foretold.papers import annealing, learning_curves, scaling
from foretold.papers.three_laws import draw, experiment

STEPS = np.arange(100.0, 3_000.0, 50.0)


# One formula


def test_at_a_constant_rate_the_annealing_law_is_a_learning_curve():
    law = annealing.AnnealingLaw(1.9, 0.5, 0.4, 0.7)
    losses = law.predict(np.full(3_000, 1e-3), STEPS)
    found = learning_curves.fit_power_law(STEPS + 1, -losses)
    assert (-found.c, found.a, found.b) == pytest.approx((1.9, 0.5 * 1e-3**-0.4, 0.4), rel=1e-6)


def test_at_a_fixed_size_the_scaling_law_is_a_learning_curve():
    law = scaling.Law(n_c=1e9, alpha_n=0.1, s_c=500.0, alpha_s=0.6)
    found = learning_curves.fit_power_law(STEPS, -scaling.loss_surface(1e6, STEPS, law))
    assert (-found.c, found.a, found.b) == pytest.approx((1e3**0.1, 500**0.6, 0.6), rel=1e-6)


# The floor


def test_with_the_true_floor_the_profile_is_exact():
    losses = 1.3 + 4.0 * STEPS**-0.35
    error, a, b = experiment.floor_profile(STEPS, losses, [1.3])
    assert error[0] < 1e-12
    assert (a[0], b[0]) == pytest.approx((4.0, 0.35), rel=1e-9)


def test_the_profile_is_smallest_at_the_true_floor():
    losses = 1.3 + 4.0 * STEPS**-0.35
    floors = np.linspace(0.8, 1.5, 71)
    error, _, _ = experiment.floor_profile(STEPS, losses, floors)
    assert floors[error.argmin()] == pytest.approx(1.3, abs=1e-9)


def test_the_profile_is_nearly_the_best_fit_in_loss():
    rng = np.random.default_rng(3)
    losses = 1.3 + 4.0 * STEPS**-0.35 + rng.normal(0, 0.005, len(STEPS))
    error, _, _ = experiment.floor_profile(STEPS, losses, [0.9])
    best, _ = optimize.curve_fit(lambda s, a, b: 0.9 + a * s**-b, STEPS, losses, p0=[4.0, 0.35])
    exact = np.sqrt(np.mean((0.9 + best[0] * STEPS ** -best[1] - losses) ** 2))
    assert exact <= error[0] <= 1.01 * exact


def test_a_floor_above_a_loss_is_an_error():
    with pytest.raises(ValueError, match="floors go up to 2"):
        experiment.floor_profile(STEPS, 1.3 + 4.0 * STEPS**-0.35, [1.0, 2.0])


# Differences


def test_a_slope_is_that_of_linregress_column_by_column():
    sizes, values = np.array([1e3, 3e3, 2e4, 1e5]), np.random.default_rng(1).normal(size=(4, 6))
    expected = [stats.linregress(np.log(sizes), column).slope for column in values.T]
    assert experiment.slope_in_log_size(sizes, values) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("sizes", [[1e3], [1e3, 0.0], [1e3, 2e3, 3e3]])
def test_a_slope_needs_positive_sizes_one_for_each_row(sizes):
    with pytest.raises(ValueError, match="sizes is"):
        experiment.slope_in_log_size(sizes, np.ones((2, 4)))


# The runs


@pytest.fixture(scope="module")
def curves():
    text = gpt.corpus("".join(content for _, content in gpt.standard_library(0.2)), validation=0.2)
    flat = np.full(40, 3e-3)
    schedules = {name: flat * (1 if name == "constant" else np.linspace(1, 0, 40)) for name in experiment.SCHEDULES}
    generator = torch.Generator().manual_seed(1)
    return experiment.train(text, [8, 16], schedules, batch=2, context=16, generator=generator, evaluate_at=10)


def test_every_size_runs_under_every_schedule(curves):
    assert curves.losses.shape == (2, 3, 4)
    assert curves.windows.shape[:2] == (2, 3)
    assert curves.windows.mean(2) == pytest.approx(curves.losses[:, :, -1])
    assert list(curves.steps) == [10, 20, 30, 40]
    assert curves.sizes[0] < curves.sizes[1]


def test_equal_schedules_end_at_equal_losses(curves):
    assert np.array_equal(curves.losses[:, 1], curves.losses[:, 2])
    assert not np.array_equal(curves.losses[:, 0], curves.losses[:, 1])


def test_late_is_from_a_step_to_a_share_of_the_run(curves):
    assert curves.late(20).tolist() == [False, True, True, True]
    assert curves.late(10, 0.5).tolist() == [True, True, False, False]


def test_widths_must_increase():
    with pytest.raises(ValueError, match=r"widths is \[16, 8\]"):
        experiment.train(None, [16, 8], {}, batch=2, context=8, generator=None, evaluate_at=1)


def test_the_browser_gets_none_where_a_law_is_silent():
    data = draw.browser_data([0.5, 1.0], ["a law"], [[[0.1, np.nan, 0.3]], [[0.2, 0.1, 0.0]]])
    assert data["errors"] == [[[0.1, None, 0.3]], [[0.2, 0.1, 0.0]]]
    assert data["shares"] == [50, 100]

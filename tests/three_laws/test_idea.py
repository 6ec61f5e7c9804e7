"""The page on which three laws meet: one formula, the profile of the floor, slopes."""

import numpy as np
import pytest
from scipy import optimize, stats

from foretold.papers import annealing, learning_curves, scaling, three_laws
from foretold.papers.three_laws import idea

STEPS = np.arange(100.0, 3_000.0, 50.0)


def test_the_package_gives_what_a_reader_uses_of_the_idea():
    own = {name for name, value in vars(idea).items() if getattr(value, "__module__", None) == idea.__name__}
    assert set(three_laws.__all__) == {name for name in own if not name.startswith("_")}


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
    error, a, b = three_laws.floor_profile(STEPS, losses, [1.3])
    assert error[0] < 1e-12
    assert (a[0], b[0]) == pytest.approx((4.0, 0.35), rel=1e-9)


def test_the_profile_is_smallest_at_the_true_floor():
    losses = 1.3 + 4.0 * STEPS**-0.35
    floors = np.linspace(0.8, 1.5, 71)
    error, _, _ = three_laws.floor_profile(STEPS, losses, floors)
    assert floors[error.argmin()] == pytest.approx(1.3, abs=1e-9)


def test_the_profile_is_nearly_the_best_fit_in_loss():
    rng = np.random.default_rng(3)
    losses = 1.3 + 4.0 * STEPS**-0.35 + rng.normal(0, 0.005, len(STEPS))
    error, _, _ = three_laws.floor_profile(STEPS, losses, [0.9])
    best, _ = optimize.curve_fit(lambda s, a, b: 0.9 + a * s**-b, STEPS, losses, p0=[4.0, 0.35])
    exact = np.sqrt(np.mean((0.9 + best[0] * STEPS ** -best[1] - losses) ** 2))
    assert exact <= error[0] <= 1.01 * exact


def test_a_floor_above_a_loss_is_an_error():
    with pytest.raises(ValueError, match="floors go up to 2"):
        three_laws.floor_profile(STEPS, 1.3 + 4.0 * STEPS**-0.35, [1.0, 2.0])


@pytest.mark.parametrize(
    ("steps", "losses", "words"),
    [
        ([0, 10, 20], [3.0, 2.5, 2.2], r"steps is \[0, 10, 20\]; allowed is finite numbers above 0"),
        ([1, 10, 20], [3.0, np.nan, 2.2], "losses is"),
        ([1, 10], [3.0, 2.5, 2.2], r"the shapes are steps \(2,\), losses \(3,\)"),
        ([10, 10], [3.0, 2.5], "at least two different ones"),
        ([10], [3.0], "allowed is one row of at least 2"),
    ],
)
def test_a_profile_needs_a_curve(steps, losses, words):
    with pytest.raises(ValueError, match=words):
        three_laws.floor_profile(steps, losses, [1.0])


# Differences


def test_a_slope_is_that_of_linregress_column_by_column():
    sizes, values = np.array([1e3, 3e3, 2e4, 1e5]), np.random.default_rng(1).normal(size=(4, 6))
    expected = [stats.linregress(np.log(sizes), column).slope for column in values.T]
    assert three_laws.slope_in_log_size(sizes, values) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("sizes", [[1e3], [1e3, 0.0], [1e3, 2e3, 3e3], [300, 300]])
def test_a_slope_needs_positive_sizes_that_differ_one_for_each_row(sizes):
    with pytest.raises(ValueError, match=r"sizes (is|has)"):
        three_laws.slope_in_log_size(sizes, np.ones((2, 4)))

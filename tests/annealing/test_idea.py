"""The annealing paper's areas, law and fit: double sums, closed forms, another optimiser, the paper's own points."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize

from foretold.kit import schedules
from foretold.papers import annealing
from foretold.papers.annealing import data, experiment, idea
from foretold.papers.annealing.idea import AnnealingLaw, areas, fit

PRINTED = experiment.PRINTED
POINTS = data.published_points()
WARMUP = data.FIG2_WARMUP


def test_the_package_gives_what_a_reader_uses_of_the_idea():
    own = {name for name, value in vars(idea).items() if getattr(value, "__module__", None) == idea.__name__}
    assert set(annealing.__all__) == {name for name in own if not name.startswith("_")}


def double_sum(lr, decay):
    """S1 and S2 as the paper writes them."""
    s1 = [sum(lr[: s + 1]) for s in range(len(lr))]
    inner = [sum((lr[k - 1] - lr[k]) * decay ** (i - k) for k in range(1, i + 1)) for i in range(len(lr))]
    return np.array(s1), np.array([math.fsum(inner[: s + 1]) for s in range(len(lr))])


# The areas


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.99, 0.999, 1.0])
def test_areas_are_the_double_sums(decay, rng):
    """Independent: brute force, a random schedule with falls and re-warm-ups."""
    lr = 2e-4 * np.clip(np.cumsum(rng.normal(0, 0.1, 500)), 0, None)
    ours, slow = areas(lr, decay), double_sum(lr.tolist(), decay)
    assert np.abs(ours[0] - slow[0]).max() < 1e-12
    scale = lr.max() / (1 - decay) if decay < 1 else lr.max() * len(lr)
    assert np.abs(ours[1] - slow[1]).max() < 1e-12 * scale


def test_the_annealing_area_has_a_closed_form(rng):
    """Independent: S2(s) = sum over k of (eta_(k-1) - eta_k) (1 - lambda^(s-k+1)) / (1 - lambda)."""
    lr, decay = rng.random(5_000), 0.999
    s = np.arange(1, 5_000)
    expected = np.sum((lr[:-1] - lr[1:]) * (1 - decay ** (5_000.0 - s)) / (1 - decay))
    assert areas(lr, decay)[1][-1] == pytest.approx(expected, rel=1e-11)


def test_a_constant_rate_has_no_annealing_area_and_the_curve_is_chinchillas():
    s1, s2 = areas(np.full(1_000, 3e-4))
    assert (s2 == 0).all()
    assert s1 == pytest.approx(3e-4 * np.arange(1, 1_001), rel=1e-12)
    law = AnnealingLaw(L0=2.0, A=0.5, alpha=0.6, C=0.4)
    steps = np.arange(10, 1_000)
    expected = 2 + 0.5 * 3e-4**-0.6 * (steps + 1.0) ** -0.6
    assert law.predict(np.full(1_000, 3e-4), steps) == pytest.approx(expected, rel=1e-12)


def test_a_full_drop_is_worth_the_rate_times_the_window():
    lr = np.concatenate([np.full(100, 2e-4), np.zeros(40_000)])
    assert areas(lr, 0.999)[1][-1] == pytest.approx(2e-4 / (1 - 0.999), rel=1e-6)


def test_areas_are_linear_in_the_rates(rng):
    lr = rng.random(300)
    assert areas(3.7 * lr, 0.99)[1] == pytest.approx(3.7 * areas(lr, 0.99)[1], abs=1e-12)


def test_extremes_of_the_decay(rng):
    lr = rng.random(200)
    assert areas(lr, 0)[1] == pytest.approx(lr[0] - lr, abs=1e-13)
    assert areas(lr, 1)[1] == pytest.approx(np.cumsum(lr[0] - lr), abs=1e-11)


def test_warm_up_counts_as_the_peak_and_no_difference_is_taken_at_step_0():
    ramp = schedules.constant(1_000, 2e-4, 100)
    s1, s2 = areas(ramp, 0.999, 100)
    assert s1 == pytest.approx(2e-4 * np.arange(1, 1_001))
    assert (s2 == 0).all()
    assert areas(ramp)[1][0] == 0
    true, still = idea.areas_with_ramp(ramp, 0.999, 100)
    assert true == pytest.approx(np.cumsum(ramp))
    assert (still == 0).all()


def test_a_ramp_inside_s2_moves_l0_by_c_times_the_window():
    """The rising warm-up is negative annealing that is never paid back: about -peak / (1 - lambda)."""
    ramp = schedules.constant(20_000, 2e-4, 500)
    assert areas(ramp)[1][-1] == pytest.approx(-(2e-4 - ramp[0]) / (1 - 0.999), rel=1e-6)


def test_many_schedules_at_once_are_the_same_as_one_by_one(rng):
    many = rng.random((4, 50))
    for row, s2 in zip(many, areas(many, 0.9, 5)[1], strict=True):
        assert s2 == pytest.approx(areas(row, 0.9, 5)[1])


# The fit


def test_the_papers_points_give_the_papers_parameters():
    """Independent: Fig. 2, v2: 2.628, 0.429, 0.550, 0.411, R2 0.99964."""
    law = fit(POINTS, warmup=WARMUP)
    assert (law.L0, law.A, law.alpha, law.C) == pytest.approx((2.628, 0.429, 0.550, 0.411), abs=0.002)
    assert 0.9995 < law.r2 < 0.9998
    assert law.unidentified == ()
    assert isinstance(law, AnnealingLaw)


def sum_of_huber(x, s1, s2, losses):
    floor, gain, slope, alpha = x
    left = np.log(np.maximum(floor + gain * s1**-alpha - slope * s2, 1e-9) / losses)
    size = np.abs(left)
    return np.where(size < 1e-3, size**2 / 2, 1e-3 * (size - 5e-4)).sum()


@pytest.mark.slow
def test_the_optimum_is_that_of_54_starts_of_another_optimiser():
    """Independent: scipy's L-BFGS-B from the grid of starts of the authors' script."""
    parts = [np.stack(areas(lr, 0.999, WARMUP))[:, np.minimum(steps, len(lr) - 1)] for lr, steps, _ in POINTS.values()]
    s1, s2 = np.concatenate(parts, axis=1)
    losses = np.concatenate([curve[2] for curve in POINTS.values()])
    best = np.inf
    for floor in (0.1, 2.1):
        for gain in (1, 11.5, 22):
            for slope in (1, 11.5, 22):
                for alpha in (0, 0.4, 0.8):
                    start = np.array([floor, gain, slope, alpha])
                    found = optimize.minimize(
                        lambda x: 1e6 * sum_of_huber(x, s1, s2, losses),
                        start,
                        method="L-BFGS-B",
                        bounds=[(0, None)] * 4,
                        options={"maxiter": 20_000, "maxfun": 100_000},
                    )
                    best = min(best, found.fun / 1e6)
    law = fit(POINTS, warmup=WARMUP)
    assert law.objective == pytest.approx(sum_of_huber([law.L0, law.A, law.C, law.alpha], s1, s2, losses), rel=1e-6)
    assert law.objective <= 1.001 * best
    assert best == pytest.approx(1.62925e-5, rel=0.01)


def made_up(law, rng, names=("constant", "cosine"), noise=1e-3):
    rates = {"constant": schedules.constant(20_000, 2e-4), "cosine": schedules.cosine(20_000, 2e-4)}
    steps = np.arange(500, 20_001, 100)
    return {
        n: (rates[n], steps, law.predict(rates[n], steps) * np.exp(noise * rng.normal(size=len(steps)))) for n in names
    }


def test_known_parameters_come_back(rng):
    truth = AnnealingLaw(L0=2.5, A=0.5, alpha=0.5, C=0.4)
    law = fit(made_up(truth, rng))
    assert (law.L0, law.A, law.alpha, law.C) == pytest.approx((2.5, 0.5, 0.5, 0.4), rel=0.02)
    exact = fit(made_up(truth, rng, noise=0))
    assert (exact.L0, exact.A, exact.alpha, exact.C) == pytest.approx((2.5, 0.5, 0.5, 0.4), rel=1e-3)


def test_the_decay_comes_back_too(rng):
    truth = AnnealingLaw(L0=2.5, A=0.5, alpha=0.5, C=2.0, decay=0.995)
    assert fit(made_up(truth, rng), [0.98, 0.99, 0.995, 0.998, 0.999]).decay == 0.995


def test_a_constant_rate_says_nothing_about_annealing(rng):
    law = fit(made_up(AnnealingLaw(2.5, 0.5, 0.5, 0.4), rng, ["constant"]))
    assert law.unidentified == ("C",)
    assert law.C == 0


def test_without_the_annealing_term_the_fit_is_clearly_worse():
    law, without = fit(POINTS, warmup=WARMUP), fit(POINTS, warmup=WARMUP, annealing=False)
    assert without.C == 0
    assert np.abs(without.residuals).mean() > 5 * np.abs(law.residuals).mean()


def test_bounds_bind_where_a_floor_below_zero_would_fit_better(rng):
    steps = np.arange(100, 4_000, 20)
    rates = schedules.constant(4_000, 1e-3)
    losses = 6 - 0.5 * np.log(steps) + 1e-3 * rng.normal(size=len(steps))  # no floor at all
    assert fit([(rates, steps, losses)]).L0 == 0


def test_a_profile_has_its_lowest_point_at_the_fit():
    law = fit(POINTS, 0.999, warmup=WARMUP, delta=np.inf)
    alphas = np.sort(np.append(np.linspace(0.45, 0.65, 21), law.alpha))
    found = idea.profile(POINTS, alphas, [0.998, 0.999], warmup=WARMUP)
    assert alphas[found.deviance[1].argmin()] == law.alpha
    assert found.deviance.min() == 0
    assert found.parameters[1, found.deviance[1].argmin()] == pytest.approx((law.L0, law.A, law.C), rel=1e-5)


# Wrong input


def test_a_loss_before_the_first_rate_above_0_is_an_error():
    """A warm-up that begins at 0, with a loss at step 0: S1 is 0 there, and its power is infinite."""
    rates = np.minimum(1, np.arange(200) / 20) * 1e-3
    steps = np.arange(0, 200, 20)
    with pytest.raises(ValueError, match=r"curves\[0\] has a loss at a step before its first learning rate above 0"):
        fit([(rates, steps, 3 - steps / 1_000)])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: areas([]), "lr has the shape"),
        (lambda: areas([1e-4, -1e-4]), "allowed is finite learning rates >= 0"),
        (lambda: areas([1e-4, np.nan]), r"lr is \[0.0001, nan\]"),
        (lambda: areas([1e-4], 1.5), "decay is 1.5; allowed is a finite number from 0 to 1"),
        (lambda: areas([1e-4], 0.9, 2), "warmup is 2; allowed is a whole number from 0 to 1"),
        (lambda: areas([1e-4], 0.9, -1), "warmup is -1"),
        (lambda: PRINTED.predict(np.ones(10), [11]), "steps go up to 11; allowed are whole numbers from 0 to 10"),
        (lambda: PRINTED.predict(np.ones(10), [-1]), r"steps is \[-1\]"),
        (lambda: PRINTED.predict(np.ones((2, 10)), [1]), "lr has the shape"),
        (lambda: fit([]), "curves is empty"),
        (lambda: fit([(np.ones(10), [1, 2, 3], [3.0, 2.0])]), r"curves\[0\] is no triple"),
        (lambda: fit([(np.ones(10), [1, 2, 3], [3.0, 2.0, 1.0])]), "curves hold 3 losses"),
        (lambda: fit([(np.ones(10), [1, 2, 3, 4], [3.0, 2.0, 1.0, 0.0])]), "all finite and above 0"),
        (lambda: fit(POINTS, []), r"decay has the shape \(0,\)"),
        (lambda: fit(POINTS, 1.1), "allowed is finite numbers from 0 to 1"),
        (lambda: fit(POINTS, delta=0), "delta is 0"),
        (lambda: idea.profile(POINTS, [0.0, 0.5], [0.999]), r"alphas is \[0.0, 0.5\]"),
        (lambda: AnnealingLaw(np.nan, 0.4, 0.5, 0.4), "L0 is nan"),
        (lambda: AnnealingLaw(2.6, -1, 0.5, 0.4), "A is -1"),
        (lambda: AnnealingLaw(2.6, 0.4, 0, 0.4), "alpha is 0; allowed is a finite number above 0"),
        (lambda: AnnealingLaw(2.6, 0.4, 0.5, 0.4, decay=3), "decay is 3"),
    ],
)
def test_wrong_arguments_are_errors_that_say_what_is_allowed(call, words):
    with pytest.raises(ValueError, match=words):
        call()

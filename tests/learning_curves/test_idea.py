"""Learning curves: the fit against other ways to it, what two trends and a trace of them promise."""

import itertools
from collections import Counter

import numpy as np
import pytest
from scipy.optimize import curve_fit

import foretold
from foretold.papers.learning_curves import experiment, idea
from foretold.papers.learning_curves.idea import PowerLaw, fit_power_law, learning_trace

X = 5_000.0 * np.arange(1, 45)
EWT = experiment.by_table(foretold.data.table("learning_curves"))


def noisy(rng, a=3.0, b=0.4, c=0.95, sigma=0.001, x=X):
    return c - a * x**-b + sigma * rng.standard_normal(len(x))


# The power law


def test_an_exact_power_law_is_recovered_to_a_millionth():
    x = 5_000.0 * np.arange(1, 41)
    law = fit_power_law(x, 0.985 - 1.9 * x**-0.31)
    assert np.allclose(law, (1.9, 0.31, 0.985), rtol=1e-6)


def test_the_unit_of_x_changes_a_and_nothing_else():
    y = noisy(np.random.default_rng(0))
    words, thousands = fit_power_law(X, y), fit_power_law(X / 1_000, y)
    assert np.allclose((words.b, words.c), (thousands.b, thousands.c), rtol=1e-9)
    assert np.isclose(words.a, thousands.a * 1_000**words.b, rtol=1e-8)


@pytest.mark.parametrize("key", list(EWT), ids="-".join)
def test_measured_curves_are_fitted_as_scipy_fits_them(key):
    x, y = EWT[key].x / 1_000, EWT[key].mean
    for n in (10, 25, 44):
        law = fit_power_law(x[:n], y[:n])
        start = (0.2, 0.4, 0.95)
        limits = {"bounds": ([0, 1e-3, 0], [50, 5, 60]), "method": "trf", "max_nfev": 20_000}
        limits |= {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15}
        (a, b, c), _ = curve_fit(lambda x, a, b, c: c - a * x**-b, x[:n], y[:n], start, **limits)
        theirs = np.sum((c - a * x[:n] ** -b - y[:n]) ** 2)
        ours = np.sum((law(x[:n]) - y[:n]) ** 2)
        assert ours <= theirs * (1 + 1e-9)
        assert np.allclose(law, (a, b, c), rtol=1e-4, atol=1e-5)


def test_an_anchor_is_a_point_at_infinity():
    y = noisy(np.random.default_rng(1))
    far = fit_power_law(np.append(X, 1e200), np.append(y, 0.94))
    # at x = 1e200 x^-b is below 1e-60: nothing but rounding is between the two
    anchored = fit_power_law(X, y, anchor=0.94)
    assert np.allclose(anchored[1:], far[1:], rtol=1e-9)
    assert np.isclose(anchored.a, far.a, rtol=1e-8)


def test_an_anchor_at_the_asymptote_of_exact_data_changes_nothing():
    y = 0.985 - 1.9 * X**-0.31
    assert np.allclose(fit_power_law(X, y), fit_power_law(X, y, anchor=0.985), rtol=1e-6)


def test_residuals_are_orthogonal_to_both_columns_and_to_the_exponents_direction():
    y = noisy(np.random.default_rng(2))
    law = fit_power_law(X, y)
    residual, p = y - law(X), X**-law.b
    for column in (np.ones_like(X), p, p * np.log(X)):
        assert abs(residual @ column) <= 1e-9 * np.linalg.norm(residual) * np.linalg.norm(column)


def test_no_exponent_of_a_fine_grid_does_better():
    rng = np.random.default_rng(3)
    for n in (3, 5, 12, 44):
        y = noisy(rng, sigma=0.004)
        law = fit_power_law(X[:n], y[:n])
        rss = np.sum((law(X[:n]) - y[:n]) ** 2)
        for b in np.geomspace(1e-3, 5, 2_000):
            columns = np.stack([np.ones(n), -((X[:n] / X[0]) ** -b)], axis=1)
            (c, a), *_ = np.linalg.lstsq(columns, y[:n], rcond=None)
            if a >= 0:
                assert rss <= np.sum((columns @ (c, a) - y[:n]) ** 2) * (1 + 1e-7) + 1e-18


def test_trends_rise_and_bend_down():
    law = fit_power_law(X, noisy(np.random.default_rng(4)))
    y = law(np.linspace(1_000, 1e6, 1_000))
    assert np.all(np.diff(y) > 0) and np.all(np.diff(y, 2) < 0)
    assert law(np.inf) == law.c


def test_falling_data_get_the_constant():
    law = fit_power_law([1, 2, 3, 4], [0.9, 0.8, 0.7, 0.6])
    assert law.a == 0 and np.isclose(law.c, 0.75)


@pytest.mark.parametrize(
    ("x", "y", "anchor", "words"),
    [
        ([1, 2], [0.1, 0.2], None, r"n >= 3"),
        ([1], [0.1], 0.5, r"n >= 2"),
        ([1, 2, 3], [0.1, 0.2], None, r"shapes \(3,\) and \(2,\)"),
        ([0, 1, 2], [0.1, 0.2, 0.3], None, "x is .* above 0"),
        ([1, 3, 2], [0.1, 0.2, 0.3], None, "each larger"),
        ([1, 2, 3], [0.1, np.nan, 0.3], None, "y holds nan"),
        ([1, 2, 3], [0.1, 0.2, 0.3], np.inf, "anchor is inf"),
    ],
)
def test_bad_curves_are_errors(x, y, anchor, words):
    with pytest.raises(ValueError, match=words):
        fit_power_law(x, y, anchor)


# Two trends


def test_two_laws_cross_at_most_twice_and_all_crossings_are_found():
    rng, found = np.random.default_rng(5), Counter()
    x = np.exp(np.linspace(np.log(1e-3), np.log(1e12), 400_001))
    for _ in range(60):
        one, two = (PowerLaw(rng.uniform(0.1, 5), rng.uniform(0.2, 1.2), rng.uniform(0.8, 1)) for _ in range(2))
        signs = np.sign(one(x) - two(x))
        met = [q for q in idea.crossings(one, two) if x[0] < q < x[-1]]
        assert len(met) == np.count_nonzero(np.diff(signs))
        assert all(abs(one(q) - two(q)) < 1e-9 * (1 + abs(one(q))) for q in met)
        found[len(met)] += 1
    assert set(found) >= {1, 2}


def test_the_largest_gap_is_that_of_a_fine_grid():
    rng = np.random.default_rng(6)
    x = np.geomspace(5_000, 1e15, 200_001)
    for _ in range(40):
        one, two = (PowerLaw(rng.uniform(1, 5), rng.uniform(0.3, 0.9), rng.uniform(0.9, 1)) for _ in range(2))
        gap = np.append(np.abs(one(x) - two(x)), abs(one.c - two.c))
        assert np.isclose(idea.largest_gap(one, two, 5_000), gap.max(), rtol=1e-6)


def test_right_of_the_last_crossing_two_trends_differ_by_no_more_than_the_layer():
    rng, checked = np.random.default_rng(7), 0
    for _ in range(40):
        x = 5_000.0 * np.arange(1, 31)
        trace = learning_trace(x, np.minimum(noisy(rng, sigma=0.002, x=x), 1))
        for i, (one, two) in enumerate(itertools.pairwise(trace.laws)):
            if np.isfinite(trace.layers[i]):
                q = idea.crossings(one, two)[-1]
                assert two.c < one.c
                assert idea.largest_gap(one, two, q) <= trace.layers[i] + 1e-9
                checked += 1
    assert checked > 300


def test_the_layer_is_missing_exactly_where_the_backbone_does_not_fall_or_trends_do_not_cross():
    trace = learning_trace(X, EWT["xpos", "HMM"].mean)
    for i, (one, two) in enumerate(itertools.pairwise(trace.laws)):
        assert np.isfinite(trace.layers[i]) == (two.c < one.c and bool(idea.crossings(one, two)))
    assert np.isnan(trace.layers[-1]) and np.isnan(trace.moves[-1])


# The trace


def test_levels_of_an_exact_curve_are_the_first_ones():
    trace = learning_trace(X, 0.95 - 3 * X**-0.4)
    assert (trace.working_level, trace.prediction_level) == (3, 3)
    assert list(trace.levels) == list(range(3, 45))
    assert np.allclose(trace.asymptotes, 0.95, atol=1e-8)


def test_per_cent_and_fractions_give_the_same_levels():
    y = EWT["xpos", "unigram"].mean
    one, two = learning_trace(X, y), learning_trace(X, 100 * y)
    for name in ("working_level", "prediction_level", "convergence_level", "stop_level"):
        assert getattr(one, name) == getattr(two, name)
    assert np.allclose(100 * one.asymptotes, two.asymptotes, rtol=1e-7)


def test_the_verticality_of_per_cent_is_void_for_fractions():
    # 2e-5 a word is 0.1 points in 5,000 words if accuracies are in per cent, and 10 points if they are fractions
    y = EWT["xpos", "HMM"].mean
    assert learning_trace(X, y, verticality=2e-5).working_level < learning_trace(X, y, verticality=2e-7).working_level
    assert learning_trace(X, 100 * y, verticality=2e-5).working_level == learning_trace(X, y).working_level


def test_working_level_by_its_definition():
    for key in EWT:
        x, y = EWT[key].x, EWT[key].mean
        raw = [fit_power_law(x[:level], y[:level]).c for level in range(3, 45)]
        jumps = [
            abs(b - a) / (x[level] - x[level - 1]) for level, a, b in zip(range(3, 44), raw, raw[1:], strict=False)
        ]
        calm = [jump <= 2e-7 for jump in jumps]
        first = next((level for level in range(3, 39) if all(calm[level - 3 : level + 3])), None)
        assert learning_trace(x, y).working_level == first


def test_anchors_begin_after_the_working_level():
    x, y = EWT["xpos", "unigram"].x, EWT["xpos", "unigram"].mean
    trace = learning_trace(x, y)
    at = trace.working_level
    assert np.array_equal(trace.asymptotes[: at - 2], trace.raw[: at - 2])
    law = fit_power_law(x[: at + 1], y[: at + 1], anchor=trace.raw[at - 3])
    assert np.allclose(trace.law(at + 1), law, rtol=1e-9)
    assert np.array_equal(learning_trace(x, y, anchored=False).asymptotes, trace.raw)


def test_a_prediction_level_has_a_possible_asymptote():
    steep = np.minimum(1.2 - 2.2 * X**-0.18, 1)  # the trend ends at 120%
    trace = learning_trace(X, steep)
    assert trace.working_level is not None and trace.prediction_level is None and trace.convergence_level is None


def test_a_larger_tolerance_stops_no_later_and_stopping_needs_the_look_ahead():
    x, y = EWT["upos", "unigram"].x, EWT["upos", "unigram"].mean
    stops = [learning_trace(x, y, tolerance=tau).stop_level or 99 for tau in (0.03, 0.05, 0.08, 0.12)]
    assert stops == sorted(stops, reverse=True) and stops[-1] < 99
    trace = learning_trace(x, y, tolerance=1.0)
    assert trace.stop_level >= max(trace.working_level + 6, trace.convergence_level + 1)
    again = learning_trace(x[: trace.stop_level], y[: trace.stop_level], tolerance=1.0)
    assert again.convergence_level == trace.convergence_level  # what comes later is not needed


def test_distances_between_trends_stop_where_layers_do_not_exist():
    y = 0.9 - 0.2 * (X / X[0]) ** -0.4 - 0.03 * (X / X[0]) ** -0.05  # the slow part shows late: asymptotes rise
    trace = learning_trace(X, y)
    assert np.all(np.diff(trace.raw) > 0) and np.isnan(trace.layers).all()
    assert trace.convergence_level is None and learning_trace(X, y, layer="distance").convergence_level is not None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"tolerance": -1}, "tolerance is -1"),
        ({"verticality": -1}, "verticality is -1"),
        ({"layer": "deep"}, "layer is 'deep'"),
    ],
)
def test_bad_settings_are_errors(settings, words):
    with pytest.raises(ValueError, match=words):
        learning_trace(X, 0.95 - 3 * X**-0.4, **settings)


@pytest.mark.parametrize("y", [[-0.1, 0.5, 0.6, 0.7], [50, 60, 70, 101]])
def test_accuracies_below_0_and_above_100_are_errors(y):
    with pytest.raises(ValueError, match=r"y is .*allowed is accuracies from 0 to 1, or to 100"):
        learning_trace(X[:4], y)

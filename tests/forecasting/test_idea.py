"""The forecasting chapter's facts: closed forms, brute force over all signs, scipy and scikit-learn, fractions."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats
from sklearn.metrics import brier_score_loss, log_loss

from foretold.papers.forecasting import idea

GPT4, CROWD, N = (0.20, 0.18), (0.07, 0.08), 23


def random_forecasts(rng, n=200):
    return rng.random(n), rng.integers(0, 2, n)


# Tests from moments


def test_the_published_moments_give_the_statistics_that_were_computed_before():
    t, p = idea.t_from_moments(*GPT4, N, 0.25)
    assert t == pytest.approx(-1.33, abs=0.005)
    assert p == pytest.approx(0.196, abs=0.0005)
    t, p = idea.t_between_moments(*GPT4, *CROWD, N)
    assert t == pytest.approx(3.165, abs=0.0005)
    assert p == pytest.approx(0.0028, abs=0.00005)
    assert idea.t_between_moments(*GPT4, *CROWD, N, 0.4) == pytest.approx((3.77, 0.0010), abs=0.005)
    assert idea.t_between_moments(*GPT4, *CROWD, N, -0.2) == pytest.approx((2.95, 0.0073), abs=0.01)
    assert idea.t_from_moments(*CROWD, N, 0.25).t == pytest.approx(-10.8, abs=0.05)


def test_moments_of_real_samples_give_scipy_s_statistics(rng):
    x, y = rng.normal(0.2, 0.2, 31), rng.normal(0.1, 0.1, 31)
    moments = x.mean(), x.std(ddof=1), y.mean(), y.std(ddof=1)
    alone = stats.ttest_1samp(x, 0.25)
    assert idea.t_from_moments(*moments[:2], 31, 0.25) == pytest.approx((alone.statistic, alone.pvalue))
    apart = stats.ttest_ind(x, y)
    assert idea.t_between_moments(*moments, 31) == pytest.approx((apart.statistic, apart.pvalue))
    paired, r = stats.ttest_rel(x, y), np.corrcoef(x, y)[0, 1]
    assert idea.t_between_moments(*moments, 31, r) == pytest.approx((paired.statistic, paired.pvalue))


def test_rounding_is_carried_through_to_the_known_ends():
    low, high = idea.over_rounding(lambda m, s: idea.t_from_moments(m, s, N, 0.25), GPT4)
    assert (low.t, high.t) == pytest.approx((-1.51, -1.17), abs=0.005)
    assert (low.p, high.p) == pytest.approx((0.146, 0.256), abs=0.0005)
    low, high = idea.over_rounding(lambda *m: idea.t_between_moments(*m, N), (*GPT4, *CROWD))
    assert (low.t, high.t) == pytest.approx((2.83, 3.53), abs=0.005)


def test_gpt_4_is_worse_than_the_crowd_with_every_correlation_and_every_rounding(rng):
    for _ in range(3_000):
        mean1, sd1, mean2, sd2 = np.array([*GPT4, *CROWD]) + rng.uniform(-0.005, 0.005, 4)
        assert idea.t_between_moments(mean1, sd1, mean2, sd2, N, rng.uniform(-1, 1)).p < 0.05


def test_the_follow_up_s_statistics_lie_within_the_rounding_of_its_moments():
    low, high = idea.over_rounding(lambda m, s: idea.t_from_moments(m, s, 31, 0.25), (0.20, 0.12))
    assert low.t < -2.35 < high.t
    assert low.p < 0.026 < high.p
    low, high = idea.over_rounding(lambda *m: idea.t_between_moments(*m, 31), (0.20, 0.12, 0.19, 0.19))
    assert low.t < 0.19 < high.t
    assert low.p < 0.850 < high.p


# Power


def test_23_questions_have_a_quarter_of_power_and_104_are_needed():
    assert idea.power(0.05, 0.18, 23) == pytest.approx(0.247, abs=0.0005)
    assert idea.power(0.05, 0.18, 104) == pytest.approx(0.80, abs=0.01)
    assert idea.sample_size(0.05, 0.18) == 104
    assert idea.power(0.05, 0.18, 103) < 0.8 <= idea.power(0.05, 0.18, 104)


def test_power_is_what_simulated_tournaments_find(rng):
    for n in (23, 104):
        drawn = rng.normal(0.20, 0.18, (40_000, n))
        found = np.mean(stats.ttest_1samp(drawn, 0.25, axis=1).pvalue < 0.05)
        assert idea.power(0.05, 0.18, n) == pytest.approx(found, abs=0.01)


def test_power_is_statsmodels_power():
    power = pytest.importorskip("statsmodels.stats.power").TTestPower()
    for effect, n in ((0.2, 10), (0.5, 30), (1.3, 8)):
        assert idea.power(effect, 1.0, n) == pytest.approx(power.power(effect, n, 0.05), abs=1e-9)


def test_without_a_difference_power_is_the_level():
    assert idea.power(0.0, 1.0, 12) == pytest.approx(0.05)
    assert idea.power(-0.4, 1.0, 12) == idea.power(0.4, 1.0, 12)


def test_many_questions_are_counted_as_the_normal_distribution_says():
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    assert idea.sample_size(0.001, 1.0) == pytest.approx((z / 0.001) ** 2, rel=1e-5)
    assert idea.sample_size(10.0, 0.1) == 2


# Scores


def test_always_half_scores_exactly_a_quarter_and_the_truth_scores_nothing(rng):
    for n in (1, 7, 57):
        y = rng.integers(0, 2, n)
        assert idea.brier_score([0.5] * n, y) == 0.25
        assert idea.brier_score(y, y) == 0


def test_scores_equal_scikit_learn_s(rng):
    p, y = random_forecasts(rng)
    assert idea.brier_score(p, y) == pytest.approx(brier_score_loss(y, p), abs=1e-12)
    assert idea.log_score(p, y) == pytest.approx(log_loss(y, p), abs=1e-12)


def test_being_certain_and_wrong_costs_everything():
    assert idea.log_score([0.0, 0.5], [1, 0]) == math.inf
    assert idea.brier_score([0.0, 0.5], [1, 0]) == 0.625


def test_no_lie_improves_the_expected_brier_score():
    tenths = [Fraction(i, 10) for i in range(11)]
    for p, q in itertools.product(tenths, repeat=2):
        expected = q * (1 - p) ** 2 + (1 - q) * p**2
        assert expected - q * (1 - q) == (p - q) ** 2


def test_skill_is_the_share_of_the_reference_s_loss_that_is_saved():
    assert idea.skill_score(0.0, 0.25) == 1
    assert idea.skill_score(0.25, 0.25) == 0
    assert idea.skill_score(0.5, 0.25) == -1


def test_extremising_keeps_order_and_one_half_and_is_undone_by_the_inverse_exponent(rng):
    p = np.sort(rng.random(50))
    pushed = idea.extremise(p, 2.5)
    assert np.all(np.diff(pushed) > 0)
    assert np.all(np.abs(pushed - 0.5) >= np.abs(p - 0.5))
    assert idea.extremise(pushed, 1 / 2.5) == pytest.approx(p)
    assert idea.extremise([0.0, 0.5, 1.0], 3).tolist() == [0, 0.5, 1]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 1)), min_size=1, max_size=80))
def test_murphy_s_parts_add_up_to_the_score(pairs):
    p, y = np.array([a for a, _ in pairs]) / 10, np.array([b for _, b in pairs])
    reliability, resolution, uncertainty = idea.murphy_decomposition(p, y)
    assert reliability - resolution + uncertainty == pytest.approx(idea.brier_score(p, y), abs=1e-12)
    assert min(reliability, resolution, uncertainty) >= 0


def test_murphy_s_parts_by_hand():
    parts = idea.murphy_decomposition([0.2, 0.2, 0.8, 0.8], [0, 1, 1, 1])
    assert parts == pytest.approx((0.5 * 0.09 + 0.5 * 0.04, 0.0625, 0.1875))


# Sign flips


def all_signs(d):
    """The p-value with every pattern written out, in fractions."""
    d = [Fraction(x) for x in d]
    sums = [
        abs(sum(s * x for s, x in zip(signs, d, strict=True))) for signs in itertools.product((1, -1), repeat=len(d))
    ]
    return sum(s >= abs(sum(d)) for s in sums) / len(sums)


def test_halves_count_what_all_patterns_count(rng):
    for n in (1, 2, 5, 10):
        d = rng.normal(0.3, 1, n)
        assert idea.sign_flip_test(d).p == all_signs(d)
    assert idea.sign_flip_test([1, 1, -1, 1]).p == all_signs([1, 1, -1, 1])
    assert idea.sign_flip_test([0.1, 0.2, 0.3, -0.6]).p == 1  # a sum of 0, up to rounding


def test_ten_differences_give_scipy_s_exact_p_value(rng):
    d = rng.normal(0.4, 1, 10)
    exact = stats.permutation_test(
        (d, np.zeros(10)), lambda a, b: np.mean(a - b), permutation_type="samples", n_resamples=np.inf
    )
    assert idea.sign_flip_test(d).p == pytest.approx(exact.pvalue, abs=1e-12)


def test_drawn_patterns_estimate_the_exact_p_value(rng, monkeypatch):
    d = rng.normal(0.25, 1, 20)
    exact = idea.sign_flip_test(d).p
    monkeypatch.setattr(idea, "EXACT_UP_TO", 0)
    drawn = idea.sign_flip_test(d, 100_000, rng).p
    assert drawn == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 1e5))


def test_forty_differences_are_counted_exactly():
    assert idea.sign_flip_test(np.ones(40)).p == 2 / 2**40


# Bad input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: idea.brier_score([1.2], [1]), r"p is \[1.2\]; allowed is probabilities from 0 to 1"),
        (lambda: idea.brier_score([np.nan], [1]), r"p is \[nan\]; allowed is probabilities"),
        (lambda: idea.brier_score([0.5, 0.5], [1]), r"y has shape \(1,\)"),
        (lambda: idea.brier_score([0.5], [0.5]), r"y holds \[0.5\]; allowed are 0 and 1"),
        (lambda: idea.brier_score([], []), r"p has the shape \(0,\); allowed is one row of at least 1"),
        (lambda: idea.murphy_decomposition([[0.5]], [[1]]), r"p has the shape \(1, 1\)"),
        (lambda: idea.t_from_moments(0.2, 0, 23, 0.25), "sd is 0; allowed is a finite number above 0"),
        (lambda: idea.t_from_moments(0.2, 0.1, 1, 0.25), "n is 1; allowed is a whole number of at least 2"),
        (lambda: idea.t_from_moments(math.nan, 0.1, 9, 0.25), "mean is nan"),
        (
            lambda: idea.t_between_moments(*GPT4, *CROWD, 23, 1.5),
            "correlation is 1.5; allowed is a number from -1 to 1",
        ),
        (lambda: idea.t_between_moments(0.2, 0.1, 0.1, 0.1, 23, 1), "correlation is 1; allowed is one with which"),
        (lambda: idea.power(0.1, -0.2, 23), "sd is -0.2; allowed is a finite number above 0"),
        (lambda: idea.sample_size(0, 0.2), "difference is 0; allowed is a number other than 0"),
        (lambda: idea.sign_flip_test([]), "differences has the shape"),
        (lambda: idea.sign_flip_test([np.inf]), r"differences is \[inf\]; allowed is finite numbers"),
        (lambda: idea.sign_flip_test(np.ones(41)), "rng is None; allowed is a numpy.random.Generator"),
        (lambda: idea.sign_flip_test([1.0], 0), "flips is 0"),
        (lambda: idea.skill_score(0.1, 0), "reference is 0"),
        (lambda: idea.extremise([0.5], 0), "exponent is 0"),
    ],
)
def test_wrong_input_is_an_error_that_says_what_is_allowed(call, message):
    with pytest.raises(ValueError, match=message):
        call()

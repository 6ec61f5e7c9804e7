"""The interval beside a mean of runs."""

import numpy as np
import pytest
from scipy import stats

from foretold.kit.uncertainty import bootstrap, mean_interval, percentile_interval, share_interval


def test_it_is_the_t_interval_of_scipy():
    values = [0.1, 0.5, 0.4, 0.2, 0.9]
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert mean_interval(values) == pytest.approx((0.42, low, high))


def test_the_normal_quantile_gives_1_96_standard_errors_either_way():
    values = np.random.default_rng(2).normal(1.0, 0.3, 400)
    mean, low, high = mean_interval(values, "normal")
    assert mean == pytest.approx(values.mean())
    assert high - mean == pytest.approx(1.959964 * stats.sem(values))
    assert mean - low == pytest.approx(high - mean)


def test_it_covers_the_truth_in_95_of_100_with_three_runs_only_by_the_t_quantile():
    runs = np.random.default_rng(3).normal(size=(3, 20_000))
    share = {}
    for quantile in ("t", "normal"):
        _, low, high = mean_interval(runs, quantile)
        share[quantile] = np.mean((low < 0) & (high > 0))
    assert share["t"] == pytest.approx(0.95, abs=0.006)
    # P(|T| < 1.96) with two degrees of freedom
    assert share["normal"] == pytest.approx(stats.t.cdf(1.96, 2) - stats.t.cdf(-1.96, 2), abs=0.01)


def test_axes_after_the_first_are_measured_side_by_side():
    values = np.random.default_rng(4).normal(size=(6, 2, 3))
    found = np.array(mean_interval(values))
    assert found[:, 1, 2] == pytest.approx(mean_interval(values[:, 1, 2]))


@pytest.mark.parametrize("values", [1.0, [], [1.0]])
def test_one_run_has_no_interval(values):
    with pytest.raises(ValueError, match=r"values has the shape .* at least two runs"):
        mean_interval(values)


def test_other_quantiles_are_refused():
    with pytest.raises(ValueError, match="quantile is 'z'"):
        mean_interval([1.0, 2.0], "z")


def test_the_shares_intervals_are_those_of_statsmodels():
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    names = {"wilson": "wilson", "exact": "beta", "wald": "normal"}
    for successes, trials in ((0, 7), (3, 7), (7, 7), (140, 900)):
        for ours, theirs in names.items():
            if ours == "wald" and successes in (0, 7):
                continue  # statsmodels cuts at 0 and 1
            expected = proportion.proportion_confint(successes, trials, 0.05, theirs)
            assert share_interval(successes, trials, ours) == pytest.approx(expected, abs=1e-12)


def test_a_share_of_fractions_of_trials_lies_between_those_of_whole_ones():
    low = share_interval(3.5, 10)
    assert share_interval(3, 10)[0] < low[0] < share_interval(4, 10)[0]


@pytest.mark.parametrize("pair", [(-1, 3), (4, 3), (0, 0), (np.nan, 3)])
def test_more_successes_than_trials_is_an_error(pair):
    with pytest.raises(ValueError, match=r"(successes|trials) is"):
        share_interval(*pair)


def test_percentiles_of_normal_draws_are_1_96_standard_deviations_apart():
    draws = np.random.default_rng(5).normal(2.0, 3.0, 400_000)
    assert percentile_interval(draws) == pytest.approx((2 - 3 * 1.96, 2 + 3 * 1.96), abs=0.06)
    two = percentile_interval(draws.reshape(-1, 2), 0.5)
    assert np.shape(two) == (2, 2)
    assert two[1] == pytest.approx(2 + 3 * stats.norm.ppf(0.75), abs=0.02)


@pytest.mark.parametrize("draws", [[], 1.0, [1.0, np.nan]])
def test_draws_that_are_none_or_not_finite_have_no_interval(draws):
    with pytest.raises(ValueError, match="draws"):
        percentile_interval(draws)


def test_the_bootstrap_of_a_mean_has_its_standard_error():
    values = np.random.default_rng(6).normal(size=400)
    estimate, (low, high) = bootstrap(lambda i: values[i].mean(), 400, np.random.default_rng(7), 2_000)
    assert estimate == values.mean()
    assert high - low == pytest.approx(2 * 1.96 * stats.sem(values), rel=0.06)

"""The interval beside a mean of runs."""

import numpy as np
import pytest
from scipy import stats

from foretold.kit.uncertainty import mean_interval


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

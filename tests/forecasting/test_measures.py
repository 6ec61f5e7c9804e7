"""Facts about forecasting: how its claims are measured."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from foretold.papers.forecasting import measures

MODEL, CROWD = (0.20, 0.18), (0.07, 0.08)
SCORED = pd.DataFrame(
    {"crowd": [0.9, 0.1, 0.2, 0.8], "as_asked": [0.4, 0.4, 0.4, 0.4], "both_ways": [0.5, 0.6, 0.5, 0.6],
     "outcome": [1.0, 0.0, 0.0, 1.0], "family": ["a", "b", "c", "d"]}
)  # fmt: skip


def test_p_against_half_is_that_of_scipy():
    part = measures.not_different_from_half({"model": MODEL, "n": 23}).parts[""]
    assert part.estimate == pytest.approx(2 * stats.t.sf(0.05 / (0.18 / np.sqrt(23)), 22))
    assert part.interval[0] < part.estimate < part.interval[1]


def test_p_against_the_crowd_is_that_of_scipy_and_never_reaches_five_per_cent():
    part = measures.worse_than_crowd({"model": MODEL, "crowd": CROWD, "n": 23}).parts[""]
    expected = stats.ttest_ind_from_stats(0.20, 0.18, 23, 0.07, 0.08, 23).pvalue
    assert part.estimate == pytest.approx(expected)
    assert 0.04 < part.interval[1] < 0.05


def test_the_interval_of_23_questions_holds_half_and_a_very_good_forecaster():
    parts = measures.what_23_questions_say({"model": MODEL, "n": 23}).parts
    assert parts["mean"].interval == pytest.approx((0.122, 0.278), abs=0.001)
    assert parts["p of equivalence"].estimate == pytest.approx(0.5, abs=0.01)


def test_differences_are_of_squared_errors():
    found = measures.difference(SCORED, "as_asked").parts[""].estimate
    assert found == pytest.approx((0.36 + 0.16 + 0.16 + 0.36) / 4 - (0.01 + 0.01 + 0.04 + 0.04) / 4)


def test_exchanging_crowd_and_model_turns_the_sign():
    spoiled = measures.exchanged(np.random.default_rng(1), SCORED)["scored"]
    assert measures.difference(spoiled, "as_asked").parts[""].estimate == pytest.approx(
        -measures.difference(SCORED, "as_asked").parts[""].estimate
    )


def test_sharpened_forecasts_of_the_crowd_lie_further_from_the_middle():
    odds = (SCORED["crowd"] / (1 - SCORED["crowd"])) ** 3
    sharpened = SCORED.assign(both_ways=odds / (1 + odds))
    assert measures.midpoint({"scored": sharpened}).parts[""].estimate > 0

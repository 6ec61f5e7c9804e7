"""The forecasting chapter's figures are drawn, and what runs in the reader's browser is what the package computes."""

import itertools

import numpy as np
import pytest
from scipy import stats

from foretold.papers.forecasting import draw, idea


def positions():
    """Every forecaster with all controls at their ends, then 20 positions at random."""
    for who, exponent, shift, weight in itertools.product(draw.WHO, (0.1, 10), (-3, 3), (0, 95)):
        yield {"who": who, "exponent": exponent, "shift": shift, "weight": weight}
    rng = np.random.default_rng(3)
    for who in rng.choice(draw.WHO, 20):
        exponent, shift, weight = 10 ** rng.uniform(-1, 1), rng.uniform(-3, 3), 5 * int(rng.integers(20))
        yield {"who": str(who), "exponent": exponent, "shift": shift, "weight": weight}


def test_the_browser_computes_the_same_scores(forecasts, asked, javascript):
    y = asked["outcome"].to_numpy(float)
    sent = draw.browser_data(forecasts, y)
    for values in positions():
        found = javascript(draw.UPDATE, values, sent)["result"]
        share = values["weight"] / 100
        p = (1 - share) * idea.extremise(forecasts[values["who"]], values["exponent"], values["shift"]) + share / 2
        errors = idea.squared_errors(p, y)
        expected = {"brier": idea.brier_score(p, y), "log": idea.log_score(p, y), "distance": np.abs(p - 0.5).mean()}
        assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-9), values
        assert found["t"] == pytest.approx(stats.ttest_1samp(errors, 0.25).statistic, rel=1e-6), values


def test_mixed_with_nothing_but_50_per_cent_there_is_nothing_to_test(forecasts, asked, javascript):
    sent = draw.browser_data(forecasts, asked["outcome"].to_numpy(float))
    values = {"who": "crowd", "exponent": 1.0, "shift": 0.0, "weight": 100}
    found = javascript(draw.UPDATE, values, sent)
    assert found["result"]["brier"] == 0.25
    assert "All errors are equal, so there is nothing to test." in found["readout"]
    assert "skill 0% over always 50%" in found["readout"]


def test_figures_are_drawn(forecasts, asked, rng):
    y = asked["outcome"].to_numpy(float)
    three = {name: forecasts[name] for name in ("crowd", "model, as asked")}
    assert draw.per_question(forecasts, y).axes
    assert len(draw.reliability(three, y, rng, 20).axes) == 2

"""The speculative chapter's figures are drawn, and what runs in the reader's browser is what the package computes."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from foretold import data
from foretold.papers.speculative import draw, theory

COLOURS = {"grey": "#000000", "green": "#111111", "blue": "#222222"}


def settings():
    """(alpha, ratio, threshold): the corners of the sliders, and forty settings at random."""
    drawn = np.random.default_rng(6).uniform((0.3, 1.5, 0.02), (0.98, 30, 0.98), (40, 3))
    return [*itertools.product((0.3, 0.98), (1.5, 30.0), (0.02, 0.98)), *drawn.tolist()]


def test_the_browser_computes_the_closed_forms(javascript):
    for alpha, ratio, threshold in settings():
        given = alpha, ratio, threshold
        found = javascript(draw.UPDATE, {"alpha": alpha, "ratio": ratio, "threshold": threshold}, COLOURS)
        result, best = found["result"], theory.optimal_length(alpha, ratio)
        assert result["best"] == best, given
        assert result["star"] == pytest.approx(theory.optimal_threshold(alpha, ratio), rel=1e-9), given
        assert result["speed"] == pytest.approx(theory.speedup(alpha, best, ratio), rel=1e-9), given
        risks = 1 - alpha ** (np.arange(1_000) + 1)
        assert result["yours"] == np.argmax(risks >= threshold), given
        curve, diamond, circle = found["data"]
        assert curve["y"] == pytest.approx(theory.speedup(alpha, curve["x"], ratio), rel=1e-9), given
        for mark, count in ((diamond, best), (circle, result["yours"])):
            assert mark["x"] == [min(count, curve["x"][-1])], given
            assert mark["y"] == pytest.approx([theory.speedup(alpha, count, ratio)], rel=1e-9), given


def test_the_browser_says_what_a_threshold_costs(javascript):
    """By hand: with half of the candidates accepted and one drafted, a round brings 1.5 tokens and discards half of
    one."""
    found = javascript(draw.UPDATE, {"alpha": 0.5, "ratio": 4.0, "threshold": 0.4}, COLOURS)
    assert "drafts 0: speed 1.00, 1.00 tokens a round, 0.00 discarded and 1.00 target calls" in found["readout"]
    found = javascript(draw.UPDATE, {"alpha": 0.5, "ratio": 4.0, "threshold": 0.6}, COLOURS)
    assert "drafts 1: speed 1.20, 1.50 tokens a round, 0.33 discarded and 0.67 target calls" in found["readout"]


@pytest.fixture
def table():
    """Speeds of a few policies, as `experiment.speeds` gives them."""
    names = ["K = 1", "K = 3", "confidence 0.4", "head, h = 0.5", "paper's head, h = 0.7", "oracle, h = 0.5"]
    speed = np.array([1.5, 1.6, 1.55, 1.7, 1.6, 1.9])
    rates = {"verification": np.linspace(0.6, 0.3, 6), "discard": np.linspace(0.1, 0.5, 6)}
    return pd.DataFrame({"speed": speed, "low": speed - 0.1, "high": speed + 0.1, **rates}, index=names)


def test_a_policy_has_the_look_of_its_kind(table):
    assert [draw.kind(name) for name in table.index] == ["K", "K", "confidence", "head", "paper's head", "oracle"]


def test_figures_are_drawn(table):
    assert len(draw.pareto(data.table("speculative"), table, (4.5, 4.5)).axes) == 2
    assert draw.lengths(table, 0.7, 4.5, "head, h = 0.5").axes
    assert draw.calls([1, 2, 5], [1.0, 1.1, 1.2], data.table("speculative_calls")).axes
    assert draw.stops({3.0: [(0.1, True), (0.5, False)], 6.0: [(0.2, True), (0.9, False)]}).axes
    one = {"accepted": ["a"], "own": "b", "discarded": ["c"], "risk": np.array([0.1, 0.6])}
    assert len(draw.ladder([one, one], 0.5).axes) == 2

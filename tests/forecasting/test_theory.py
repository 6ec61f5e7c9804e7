"""Calibration by isotonic regression: its parts, its band, and the best monotone fit by brute force."""

import itertools

import numpy as np
import pytest

from foretold.papers.forecasting import idea, theory


def test_isotonic_parts_add_up_and_true_forecasts_lie_in_their_band(rng):
    p = rng.random(300)
    y = (rng.random(300) < p).astype(int)
    parts = theory.corp(p, y)
    total = parts.miscalibration - parts.discrimination + parts.uncertainty
    assert total == pytest.approx(idea.brier_score(p, y), abs=1e-12)
    assert min(parts) >= 0
    band = theory.consistency_band(p, rng, 300)
    curve = theory.recalibrated(p, y)[np.argsort(p)]
    assert np.mean((curve >= band["low"]) & (curve <= band["high"])) > 0.75
    assert theory.corp(1 - p, y).discrimination < 0.02


def test_pooling_adjacent_violators_is_the_best_monotone_fit(rng):
    y = rng.integers(0, 2, 7)
    best = min(
        sum((a - b) ** 2 for a, b in zip(levels, y, strict=True))
        for levels in itertools.combinations_with_replacement(np.linspace(0, 1, 13), 7)
    )
    ours = theory.recalibrated(np.linspace(0.1, 0.9, 7), y)
    assert np.sum((ours - y) ** 2) <= best + 1e-12
    assert np.all(np.diff(ours) >= 0)


def test_a_band_of_no_draws_is_refused():
    with pytest.raises(ValueError, match="draws is 0; allowed is a whole number of at least 1"):
        theory.consistency_band([0.5], None, 0)

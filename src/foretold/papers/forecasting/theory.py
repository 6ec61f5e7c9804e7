"""Reliability without bins: the calibration curve by isotonic regression, its decomposition, its consistency band.

After Dimitriadis, Gneiting and Jordan (2021), "Stable reliability diagrams for probabilistic classifiers", PNAS 118(8).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.isotonic import IsotonicRegression

from foretold.kit import check, uncertainty
from foretold.papers.forecasting import idea
from foretold.papers.forecasting.idea import Array


class Corp(NamedTuple):
    """Brier score = miscalibration - discrimination + uncertainty, each of the first two at least 0."""

    miscalibration: float
    discrimination: float
    uncertainty: float


def recalibrated(p: ArrayLike, y: ArrayLike) -> Array:
    """The best non-decreasing function of the forecast in hindsight, at each forecast, (n,): pool adjacent violators.

    Raises ValueError as `forecasting.brier_score`.
    """
    p, y = idea.check_forecasts(p, y)
    return IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit_transform(p, y)


def corp(p: ArrayLike, y: ArrayLike) -> Corp:
    """What hindsight recalibration would gain, what ranking gains over the base rate, and b (1 - b).

    Raises ValueError as `forecasting.brier_score`.
    """
    p, y = idea.check_forecasts(p, y)
    raw, best = idea.brier_score(p, y), float(np.mean((recalibrated(p, y) - y) ** 2))
    base = float(y.mean() * (1 - y.mean()))
    return Corp(raw - best, base - best, base)


def chance_discrimination(p: ArrayLike, y: ArrayLike, rng: np.random.Generator, draws: int) -> Array:
    """Discrimination of the same forecasts when outcomes are dealt out at random, (draws,): no skill at all."""
    p, y = idea.check_forecasts(p, y)
    return np.array([corp(p, rng.permutation(y)).discrimination for _ in range(draws)])


def consistency_band(p: ArrayLike, rng: np.random.Generator, draws: int) -> pd.DataFrame:
    """Where the curve would lie if the forecasts were right: outcomes are drawn with them, the curve is fitted again.

    One row for each distinct forecast, ascending: p, low, high (the middle 90% of draws at each).
    Raises ValueError for draws < 1.
    """
    check.whole("draws", draws, 1)
    p = np.sort(np.asarray(p, float))
    curves = np.array([recalibrated(p, (rng.random(len(p)) < p).astype(float)) for _ in range(draws)])
    low, high = uncertainty.percentile_interval(curves, 0.9)
    return pd.DataFrame({"p": p, "low": low, "high": high}).drop_duplicates("p")

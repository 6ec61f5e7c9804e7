"""Reliability without bins: the calibration curve by isotonic regression, its decomposition, its consistency band.

After Dimitriadis, Gneiting and Jordan (2021), "Stable reliability diagrams for probabilistic classifiers", PNAS 118(8).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.isotonic import IsotonicRegression

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


def consistency_band(p: ArrayLike, rng: np.random.Generator, draws: int, level: float = 0.9) -> pd.DataFrame:
    """Where the curve would lie if the forecasts were right: outcomes are drawn with them, the curve is fitted again.

    One row for each distinct forecast, ascending: p, low, high (pointwise quantiles over draws).
    Raises ValueError for draws < 1 or a level outside (0, 1).
    """
    if draws < 1 or not 0 < level < 1:
        raise ValueError(f"(draws, level) is {(draws, level)}; allowed are draws >= 1 and a level between 0 and 1")
    p = np.sort(np.asarray(p, float))
    curves = np.array([recalibrated(p, (rng.random(len(p)) < p).astype(float)) for _ in range(draws)])
    low, high = np.quantile(curves, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return pd.DataFrame({"p": p, "low": low, "high": high}).drop_duplicates("p")


def binned(p: ArrayLike, edges: ArrayLike) -> Array:
    """Each forecast replaced by the mean of its bin, (n,): what a decomposition over bins judges instead. Bins are
    [edge, next edge), the last one closed. Raises ValueError for forecasts outside the edges."""
    p, edges = np.asarray(p, float), np.asarray(edges, float)
    if p.min() < edges[0] or p.max() > edges[-1]:
        raise ValueError(f"edges run from {edges[0]} to {edges[-1]}; allowed are edges around all forecasts")
    group = np.minimum(np.digitize(p, edges) - 1, len(edges) - 2)
    return (np.bincount(group, p, len(edges)) / np.maximum(np.bincount(group, minlength=len(edges)), 1))[group]

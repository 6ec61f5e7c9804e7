"""What several measures share: a statistic with its draws over resampled data, a mean over runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from foretold.claims.measure import Measured

SEED = 20261127  # of every resampling: a measure is a pure function of its inputs
DRAWS = 1_000


def resampled(statistic: Callable[[Any], Any], rows: Any, by: str = "", draws: int = DRAWS) -> Measured:
    """A statistic of independent rows, with draws of it over rows drawn with replacement.

    `rows` is a table or an array, rows first; `statistic` takes one like it and returns a number, or a mapping from the
    name of a part to one. Rows that agree in the column `by` are drawn together. Raises ValueError where there are
    fewer than two groups of rows.
    """
    names = rows[by].to_numpy() if by else np.arange(len(rows))
    member = np.unique(names, return_inverse=True)[1]
    order = np.argsort(member, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(member[order])) + 1)
    if len(groups) < 2:
        raise ValueError(f"rows has {len(groups)} independent groups; allowed are at least two")
    rng = np.random.default_rng(SEED)
    found = [statistic(_taken(rows, groups, rng.integers(0, len(groups), len(groups)))) for _ in range(draws)]
    estimate = statistic(rows)
    if isinstance(estimate, dict):
        return Measured(estimate, draws={part: np.array([one[part] for one in found]) for part in estimate})
    return Measured(estimate, draws=np.array(found))


def _taken(rows: Any, groups: list[np.ndarray], chosen: np.ndarray) -> Any:
    places = np.concatenate([groups[number] for number in chosen])
    return rows.iloc[places] if hasattr(rows, "iloc") else rows[places]


def mean_of_runs(values: ArrayLike) -> Measured:
    """The mean of independent runs (runs,), with its 95% interval by Student's t. Raises ValueError for fewer than
    two."""
    from scipy import stats  # here, and not above: importing foretold is light

    runs = np.asarray(values, float)
    if runs.ndim != 1 or len(runs) < 2:
        raise ValueError(f"values has the shape {runs.shape}; allowed is (runs,) with at least two")
    half = stats.t.ppf(0.975, len(runs) - 1) * runs.std(ddof=1) / np.sqrt(len(runs))
    return Measured(runs.mean(), interval=(runs.mean() - half, runs.mean() + half))

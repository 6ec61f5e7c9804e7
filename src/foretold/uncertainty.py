"""The interval that stands beside a mean of independent runs."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

Z = stats.norm.ppf(0.975)


def mean_interval(values: ArrayLike, quantile: Literal["t", "normal"] = "t") -> tuple[Any, Any, Any]:
    """(mean, low, high) over the first axis, the runs, at 95%; the shape of each is that of one run's value.

    `values` (runs, ...), in any unit, are independent. The half-width is the standard error times the quantile of
    Student's t with runs - 1 degrees of freedom, which allows for a spread that was itself estimated from few runs, or
    of the normal distribution. Raises ValueError for fewer than two runs or another quantile.
    """
    values = np.asarray(values, float)
    if values.ndim == 0 or len(values) < 2:
        raise ValueError(f"values has the shape {values.shape}; allowed is (runs, ...) with at least two runs")
    if quantile not in ("t", "normal"):
        raise ValueError(f"quantile is {quantile!r}; allowed are 't' and 'normal'")
    width = Z if quantile == "normal" else stats.t.ppf(0.975, len(values) - 1)
    half = width * values.std(0, ddof=1) / np.sqrt(len(values))
    middle = values.mean(0)
    low, high = middle - half, middle + half
    return (middle, low, high) if values.ndim > 1 else (float(middle), float(low), float(high))

"""Intervals that stand beside estimates: of means, of shares, of whatever was resampled or drawn from a posterior."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from foretold.kit import check

Z = float(stats.norm.ppf(0.975))  # standard errors in the half-width of a 95% interval of a normal estimate
Interval = tuple[float, float]


def mean_interval(values: ArrayLike, quantile: Literal["t", "normal"] = "t") -> tuple[Any, Any, Any]:
    """(mean, low, high) over the first axis, the runs, at 95%; the shape of each is that of one run's value.

    `values` (runs, ...), in any unit, are independent. The half-width is the standard error times the quantile of
    Student's t with runs - 1 degrees of freedom, which allows for a spread that was itself estimated from few runs, or
    of the normal distribution. Raises ValueError for fewer than two runs or another quantile.
    """
    values = np.asarray(values, float)
    if values.ndim == 0 or len(values) < 2:
        raise ValueError(f"values has the shape {values.shape}; allowed is (runs, ...) with at least two runs")
    check.one_of("quantile", quantile, ("t", "normal"))
    width = Z if quantile == "normal" else stats.t.ppf(0.975, len(values) - 1)
    half = width * values.std(0, ddof=1) / np.sqrt(len(values))
    middle = values.mean(0)
    low, high = middle - half, middle + half
    return (middle, low, high) if values.ndim > 1 else (float(middle), float(low), float(high))


def percentile_interval(draws: ArrayLike, level: float = 0.95) -> tuple[Any, Any]:
    """(low, high): the central `level` of draws, each of shape (...), over their first axis; two floats for plain ones.

    Draws of a posterior give its equal-tailed interval, resampled estimates the percentile bootstrap's. Raises
    ValueError for no draws, draws that are not finite, and a level that is not between 0 and 1.
    """
    level = check.between("level", level, 0, 1)
    found = check.reals("draws", draws)
    if found.ndim == 0 or not len(found):
        raise ValueError(f"draws has the shape {found.shape}; allowed is (draws, ...) with at least one")
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return (low, high) if found.ndim > 1 else (float(low), float(high))


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], float], n: int, rng: np.random.Generator, resamples: int = 2_000
) -> tuple[float, Interval]:
    """A statistic of the indices 0 to n - 1, and its 95% percentile interval over indices drawn with replacement.

    What belongs together is drawn together: pass indices of clusters, and let `statistic` look up their rows. Raises
    ValueError for n below 1, fewer than two resamples, or no generator.
    """
    n, resamples = check.whole("n", n, 1), check.whole("resamples", resamples, 2)
    check.generator("rng", rng)
    drawn = [statistic(rng.integers(0, n, n)) for _ in range(resamples)]
    return float(statistic(np.arange(n))), percentile_interval(drawn)


def share_interval(
    successes: float, trials: float, method: Literal["wilson", "exact", "wald"] = "wilson", level: float = 0.95
) -> Interval:
    """The interval of a share of `successes` among `trials`, which may be fractions of trials.

    ``"wilson"`` inverts the score test (E. B. Wilson, JASA 22, 1927), ``"exact"`` two binomial tests (C. Clopper and
    E. Pearson, Biometrika 26, 1934), ``"wald"`` is the estimate with its standard errors, poor near 0 and 1. Raises
    ValueError unless 0 <= successes <= trials and trials > 0.
    """
    trials = check.positive("trials", trials)
    successes = check.real("successes", successes, 0, trials, f"a number from 0 to trials, {trials:g}")
    tail = (1 - check.between("level", level, 0, 1)) / 2
    if check.one_of("method", method, ("wilson", "exact", "wald")) == "exact":
        low = stats.beta.ppf(tail, successes, trials - successes + 1) if successes > 0 else 0.0
        high = stats.beta.isf(tail, successes + 1, trials - successes) if successes < trials else 1.0
        return float(low), float(high)
    share, z = successes / trials, float(stats.norm.isf(tail))
    if method == "wald":
        half = z * np.sqrt(share * (1 - share) / trials)
        return float(share - half), float(share + half)
    middle = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    # At the ends the formula gives 0 and 1 but for rounding.
    return 0.0 if successes == 0 else float(middle - half), 1.0 if successes == trials else float(middle + half)

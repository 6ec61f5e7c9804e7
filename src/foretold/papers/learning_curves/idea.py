"""Learning curves foretold: power laws by variable projection, traces of them, and when to stop labelling.

Paper: "Modeling of learning curves with applications to POS tagging", Computer Speech & Language 2017, arXiv
2402.02515. A tagger is trained on nested sets D_1, D_2, ... of x_1 < x_2 < ... words; y_i is its accuracy after x_i.

    trend of level l          A_l(x) = c_l - a_l x^(-b_l), fitted to the first l observations (l >= 3)
    asymptotic backbone       c_3, c_4, ...: the heights at which the trends end
    working level             from here on the backbone has stopped jumping
    prediction level          from here on the asymptote is a possible accuracy
    anchoring                 later trends also pass near (infinity, previous asymptote), one observation more
    layer of convergence      chi_l = |c_l - A_l(q_l)|, q_l the last crossing of A_l and A_{l+1}
    convergence level         the first one whose layer is within a tolerance: stop labelling

Units: words (any positive unit will do for a fit), accuracies as fractions of 1 or in per cent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from foretold.kit import check

Array = NDArray[np.float64]
EXPONENTS = (1e-3, 5.0)  # b is searched between these
GRID = np.geomspace(*EXPONENTS, 48)
LOOK_AHEAD = 5  # levels after the working level that must be calm too
# Where none is given, as fractions of the highest possible accuracy:
VERTICALITY = 2e-7  # largest jump of the backbone per word
TOLERANCE = {"crossing": 0.05, "distance": 0.001}  # largest layer at convergence


class PowerLaw(NamedTuple):
    """y = c - a x^-b: increasing and concave for a, b > 0, with the asymptote c."""

    a: float
    b: float
    c: float

    def __call__(self, x: ArrayLike) -> Array | float:
        """Accuracy after x words, of the shape of `x`; x may be infinite."""
        with np.errstate(divide="ignore"):
            y = self.c - self.a * np.asarray(x, dtype=float) ** -self.b
        return float(y) if np.ndim(y) == 0 else y


# Variable projection: for fixed b the law is linear in (a, c)


@njit(cache=True)
def project(b: float, log_x: Array, y: Array, anchor: float) -> tuple[float, float, float, float]:
    """(a, c, rss, g) at a fixed exponent b: the least-squares line of y on p = x^-b with slope -a <= 0, its sum of
    squares, and half the derivative of that sum by b. A finite anchor is one row more, p = 0."""
    p, n = np.exp(-b * log_x), y.size
    anchored = np.isfinite(anchor)
    rows, total = (n + 1, y.sum() + anchor) if anchored else (n, y.sum())
    mean_p, mean_y = p.sum() / rows, total / rows
    var = mean_p * mean_p if anchored else 0.0
    cov = -mean_p * (anchor - mean_y) if anchored else 0.0
    for i in range(n):
        var += (p[i] - mean_p) ** 2
        cov += (p[i] - mean_p) * (y[i] - mean_y)
    a = max(0.0, -cov / var)
    c = mean_y + a * mean_p
    rss = (anchor - c) ** 2 if anchored else 0.0
    g = 0.0
    for i in range(n):
        residual = y[i] - c + a * p[i]
        rss += residual * residual
        g -= residual * a * p[i] * log_x[i]
    return a, c, rss, g


@njit(cache=True)
def search(log_x: Array, y: Array, anchor: float, grid: Array) -> tuple[float, float, float]:
    """(a, b, c) with the smallest sum of squares: the best exponent of a grid, then the root of the derivative between
    its neighbours. Where it has none, the optimum is an end of the range, or the constant."""
    best, least = 0, np.inf
    for i in range(grid.size):
        rss = project(grid[i], log_x, y, anchor)[2]
        if rss < least:
            best, least = i, rss
    b = grid[best]
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)]
    if project(low, log_x, y, anchor)[3] < 0 < project(high, log_x, y, anchor)[3]:
        b = root(low, high, log_x, y, anchor)
    a, c, _, _ = project(b, log_x, y, anchor)
    return a, b, c


@njit(cache=True)
def root(low: float, high: float, log_x: Array, y: Array, anchor: float) -> float:
    """The exponent between `low` and `high` where the derivative, which changes its sign there, is 0.

    The Illinois rule: where the line through both ends meets 0, one end is replaced; an end that stays twice counts
    half, so that the other one moves too. Each fourth step halves the interval.
    """
    g_low, g_high = project(low, log_x, y, anchor)[3], project(high, log_x, y, anchor)[3]
    b, stayed = low, 0
    for step in range(200):
        b = (low * g_high - high * g_low) / (g_high - g_low)
        if step % 4 == 3 or not low < b < high:
            b = 0.5 * (low + high)
        g = project(b, log_x, y, anchor)[3]
        if g == 0.0 or high - low < 4e-16 * high:
            break
        if g < 0:
            low, g_low = b, g
            if stayed == 1:
                g_high *= 0.5
            stayed = 1
        else:
            high, g_high = b, g
            if stayed == -1:
                g_low *= 0.5
            stayed = -1
    return b


def fit_power_law(x: ArrayLike, y: ArrayLike, anchor: float | None = None) -> PowerLaw:
    """The least-squares power law y = c - a x^-b, with a >= 0 and 0.001 <= b <= 5, in the units of `x` as given.

    Variable projection: for each exponent the best (a, c) is a straight line's, so that one search over b finds the
    optimum, the same whatever the units and without a start. Data that do not rise give a = 0.

    Parameters
    ----------
    x: (n,) words (or any positive unit), increasing; n >= 3, or n >= 2 with an anchor
    y: (n,) accuracies, in any unit
    anchor: value of one observation more at x = infinity, where x^-b is exactly 0

    Raises ValueError for other shapes, numbers that are not finite, x not positive and increasing.
    """
    x, y = check_curve(x, y, 3 if anchor is None else 2)
    if anchor is None:
        return _fit(x, y)
    return _fit(x, y, check.real("anchor", anchor, allowed="a finite number, or None for no observation at infinity"))


def _fit(x: Array, y: Array, anchor: float = np.nan) -> PowerLaw:
    """`fit_power_law` without its checks. It fits in the unit of the mean of log x, and y without its mean: whatever
    the units, numbers are near 1."""
    unit, base = float(np.exp(np.log(x).mean())), float(y.mean())
    a, b, c = search(np.log(x / unit), y - base, anchor - base, GRID)
    return PowerLaw(a * unit**b, b, c + base)


def check_curve(x: ArrayLike, y: ArrayLike, least: int) -> tuple[Array, Array]:
    """x and y as float arrays. Raises ValueError as `fit_power_law` does."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.ndim != 1 or x.shape != y.shape or len(x) < least:
        raise ValueError(f"x and y have shapes {x.shape} and {y.shape}; allowed is the same (n,) with n >= {least}")
    if not (np.all(np.isfinite(x)) and np.all(x > 0) and np.all(np.diff(x) > 0)):
        raise ValueError(f"x is {x!r}; allowed are finite numbers above 0, each larger than the one before")
    if not np.all(np.isfinite(y)):
        raise ValueError(f"y holds {y[~np.isfinite(y)][0]}; allowed are finite numbers")
    return x, y


# Two trends


def turning_point(one: PowerLaw, two: PowerLaw) -> float:
    """Where the difference of two laws has its only stationary point, or NaN if it has none on (0, infinity)."""
    if one.b == two.b or one.a <= 0 or two.a <= 0:
        return np.nan
    with np.errstate(over="ignore"):
        return float(np.exp(np.log(one.a * one.b / (two.a * two.b)) / (one.b - two.b)))


def crossings(one: PowerLaw, two: PowerLaw) -> list[float]:
    """All x > 0 where two laws are equal, increasing: none, one or two, as their difference turns at most once.

    The search is over s = log x, on both sides of the turn, as far as x^-b is a number.
    """

    def gap(s: float) -> float:
        return (one.c - two.c) - one.a * np.exp(-one.b * s) + two.a * np.exp(-two.b * s)

    turn = turning_point(one, two)
    middle = float(np.log(turn)) if np.isfinite(turn) and turn > 0 else 0.0
    floor = -700.0 / max(one.b, two.b)
    found = []
    for low, high in ((middle - 100.0, middle), (middle, middle + 100.0 / min(one.b, two.b))):
        start = max(low, floor)
        if start < high and gap(start) * gap(high) < 0:
            found.append(float(np.exp(brentq(gap, start, high, xtol=1e-12, rtol=1e-14))))
    return [x for x in found if np.isfinite(x)]


def largest_gap(one: PowerLaw, two: PowerLaw, start: float) -> float:
    """sup |one(x) - two(x)| over x >= start, exactly: at the start, at infinity, or where the difference turns."""
    points = [start, np.inf]
    turn = turning_point(one, two)
    if turn > start:
        points.append(turn)
    return float(np.max(np.abs(one(np.array(points)) - two(np.array(points)))))


def layer_of_convergence(one: PowerLaw, two: PowerLaw) -> float:
    """chi = |c - A(q)| of a trend A and the next, q being their last crossing: how far apart they can be right of it.
    NaN where the next asymptote is not lower, or where the trends do not cross."""
    met = crossings(one, two) if two.c < one.c else []
    return abs(one.c - float(one(met[-1]))) if met else np.nan


# The trace


@dataclass(frozen=True)
class LearningTrace:
    """What `learning_trace` found. Levels count observations, from 3 to n; a level that was not reached is None.

    levels: (n - 2,) the levels 3 to n; all arrays below go with them
    laws: the trends, anchored beyond the working level (if anchoring is on)
    asymptotes: their c, the asymptotic backbone; raw: the same without anchors
    layers: chi_l, NaN where the next asymptote is not lower, where the trends do not cross, and at level n
    moves: sup |A_{l+1} - A_l| over x >= x_l, whatever the backbone does; NaN at level n
    working_level, prediction_level, convergence_level: see the module
    stop_level: the level at which all this was known: the layer needs one level more, the working level `LOOK_AHEAD`
    """

    x: Array
    y: Array
    levels: NDArray[np.int64]
    laws: Sequence[PowerLaw]
    asymptotes: Array
    raw: Array
    layers: Array
    moves: Array
    working_level: int | None
    prediction_level: int | None
    convergence_level: int | None
    stop_level: int | None

    def law(self, level: int) -> PowerLaw:
        """The trend of a level. Raises ValueError for a level that the trace has not."""
        if level not in self.levels:
            raise ValueError(f"level is {level!r}; allowed are {self.levels[0]} to {self.levels[-1]}")
        return self.laws[int(level) - 3]


def learning_trace(
    x: ArrayLike,
    y: ArrayLike,
    *,
    tolerance: float | None = None,
    verticality: float | None = None,
    anchored: bool = True,
    layer: str = "crossing",
) -> LearningTrace:
    """Fit all trends of a learning curve and find the levels at which its end can be foretold.

    Parameters
    ----------
    x, y: (n,) words and accuracies, n >= 4; y is taken for per cent where one of them is above 1
    tolerance: largest layer at convergence (tau), in the unit of y; if None, 0.05 of the highest possible accuracy for
        the layer "crossing" and 0.001 for "distance"
    verticality: largest jump of the backbone per word (nu); 2e-7 of the highest possible accuracy if None. The backbone
        has to keep it at six levels in a row, and the first of them is the working level.
    anchored: whether trends beyond the working level get an observation at infinity
    layer: "crossing", the paper's chi_l, which exists only where the backbone falls, or "distance", the largest
        distance between a trend and the next, which always exists

    Raises ValueError as `fit_power_law`, for y below 0 or above 100, negative settings and an unknown layer.
    """
    x, y = check_curve(x, y, 4)
    check.vector("y", y, low=0, high=100, allowed="accuracies from 0 to 1, or to 100")
    check.one_of("layer", layer, list(TOLERANCE))
    highest = 1.0 if y.max() <= 1 else 100.0
    nu = check.real("verticality", VERTICALITY * highest if verticality is None else verticality, 0)
    tau = check.real("tolerance", TOLERANCE[layer] * highest if tolerance is None else tolerance, 0)

    levels = np.arange(3, len(x) + 1)
    laws = [_fit(x[:level], y[:level]) for level in levels]
    raw = np.array([law.c for law in laws])
    working = working_level(x, raw, nu)
    if working is not None and anchored:
        laws = anchored_trends(x, y, laws, working)
    backbone = np.array([law.c for law in laws])
    layers, moves = distances(laws, x)
    prediction = first_level(backbone <= highest, working)
    converged = first_level((layers if layer == "crossing" else moves) <= tau, prediction)
    stop = None
    if working is not None and converged is not None:
        stop = max(converged + 1, working + LOOK_AHEAD + 1)
    return LearningTrace(x, y, levels, laws, backbone, raw, layers, moves, working, prediction, converged, stop)


def working_level(x: Array, backbone: Array, verticality: float) -> int | None:
    """The first level from which on the backbone (n - 2,) keeps the verticality, |c_{i+1} - c_i| <= nu (x_{i+1} - x_i),
    for six levels in a row; None if there is none."""
    calm = np.abs(np.diff(backbone)) / np.diff(x[2:]) <= verticality
    for i in range(len(calm) - LOOK_AHEAD):
        if calm[i : i + LOOK_AHEAD + 1].all():
            return i + 3
    return None


def anchored_trends(x: Array, y: Array, laws: Sequence[PowerLaw], working: int) -> list[PowerLaw]:
    """The trends up to the working level as they are; each later one with the asymptote of the trend before as one
    observation more, at infinity."""
    anchored = list(laws[: working - 2])
    for level in range(working + 1, len(x) + 1):
        anchored.append(_fit(x[:level], y[:level], anchor=anchored[-1].c))
    return anchored


def distances(laws: Sequence[PowerLaw], x: Array) -> tuple[Array, Array]:
    """(layers, moves) of each trend against the next, (n - 2,) each, as `LearningTrace` has them."""
    layers, moves = np.full(len(laws), np.nan), np.full(len(laws), np.nan)
    for i, (one, two) in enumerate(pairwise(laws)):
        layers[i] = layer_of_convergence(one, two)
        moves[i] = largest_gap(one, two, x[i + 2])
    return layers, moves


def first_level(holds: NDArray[np.bool_], start: int | None) -> int | None:
    """The first level from `start` on at which something holds; None if there is none, or no start."""
    if start is None or not holds[start - 3 :].any():
        return None
    return start + int(np.argmax(holds[start - 3 :]))

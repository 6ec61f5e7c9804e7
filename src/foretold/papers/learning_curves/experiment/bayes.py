"""An interval for a foretold accuracy: the power law as a Bayesian model, by quadrature and in PyMC.

    y_i = c - g (x_i / x_1)^-b + sigma e_i,    e_i ~ N(0, 1)

with c and the gain g uniform on [0, 1], ln b normal (median 0.4, a factor of 1.8 for one standard deviation) and ln
sigma flat. For fixed b this is a straight line, whose posterior is known; only b needs a grid. PyMC samples the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from foretold.kit import check
from foretold.kit.uncertainty import percentile_interval
from foretold.papers.learning_curves.idea import check_curve

Array = NDArray[np.float64]
MEDIAN_B, SPREAD_B = 0.4, 0.6  # the prior of b: median, standard deviation of ln b
NODES = 400  # points at which the posterior of b is computed
MASS = 0.9  # probability of an interval


class Draws(NamedTuple):
    """Draws from the posterior, each (n,); `unit` is the x to which b's power refers."""

    gain: Array
    b: Array
    c: Array
    sigma: Array
    unit: float

    def curve(self, x: ArrayLike) -> Array:
        """Accuracy without noise at each x, (n, points)."""
        ratio = np.atleast_1d(np.asarray(x, dtype=float)) / self.unit
        return self.c[:, None] - self.gain[:, None] * ratio[None, :] ** -self.b[:, None]

    def predict(self, x: ArrayLike, rng: np.random.Generator) -> Array:
        """Accuracies that might be observed at each x, (n, points): the curve and noise."""
        curve = self.curve(x)
        return curve + self.sigma[:, None] * rng.standard_normal(curve.shape)


def posterior(x: ArrayLike, y: ArrayLike, draws: int, rng: np.random.Generator) -> Draws:
    """Draws from the posterior of the model above, after accuracies y (n,) in [0, 1] at x (n,) words.

    The marginal posterior of b is computed on 400 points. Given b, the residual variance is inverse chi-squared and
    (c, g) is normal: 256 draws for each point, of which those with c or g outside [0, 1] are thrown away, as the
    uniform priors ask; of the rest, `draws` are taken with the weights of their points.
    Raises ValueError for fewer than 4 observations, an accuracy outside [0, 1], and as `check_curve`.
    """
    x, y = check_curve(x, y, 4)
    if y.min() < 0 or y.max() > 1:
        raise ValueError(f"y lies between {y.min()} and {y.max()}; allowed are accuracies from 0 to 1")
    n, mean_y, lines = len(x), y.mean(), _lines(x, y)
    shape = (NODES, 256)
    sigma = np.sqrt(lines.rss[:, None] / rng.chisquare(n - 2, shape))
    gain = -(lines.slope[:, None] + sigma / np.sqrt(lines.var)[:, None] * rng.standard_normal(shape))
    c = mean_y + sigma / np.sqrt(n) * rng.standard_normal(shape) + gain * lines.mean_p[:, None]
    node, which = np.nonzero((gain >= 0) & (gain <= 1) & (c >= 0) & (c <= 1))
    if len(node) == 0:
        raise ValueError(f"y is {y!r}: the model leaves no probability to an asymptote and a gain between 0 and 1")
    weight = np.exp(lines.log_weight[node] - lines.log_weight[node].max())
    taken = rng.choice(len(node), draws, p=weight / weight.sum())
    at = node[taken], which[taken]
    return Draws(gain[at], lines.b[node[taken]], c[at], sigma[at], float(x[0]))


class _Lines(NamedTuple):
    """Regressions of y on p = (x / x_1)^-b, one for each point b of a grid, (nodes,) each: the slope, mean and sum of
    squares of p, the sum of squared residuals, and the logarithm of b's marginal posterior."""

    b: Array
    slope: Array
    mean_p: Array
    var: Array
    rss: Array
    log_weight: Array


def _lines(x: Array, y: Array) -> _Lines:
    z = np.linspace(-6, 6, NODES)  # ln b in standard deviations of its prior
    b = MEDIAN_B * np.exp(SPREAD_B * z)
    p = np.exp(-b[:, None] * np.log(x / x[0]))
    mean_p, mean_y = p.mean(1), y.mean()
    centred = p - mean_p[:, None]
    var = (centred**2).sum(1)
    slope = (centred * (y - mean_y)).sum(1) / var
    rss = ((y - mean_y - slope[:, None] * centred) ** 2).sum(1)
    log_weight = -0.5 * z**2 - 0.5 * np.log(var) - 0.5 * (len(x) - 2) * np.log(rss)
    return _Lines(b, slope, mean_p, var, rss, log_weight)


def sample(x: ArrayLike, y: ArrayLike, draws: int, seed: int) -> tuple[Draws, Any]:
    """The same posterior by NUTS in PyMC: draws of two chains, and ArviZ's data with the diagnostics.

    c and g are hardly determined one by one; what the data do tell is the height at the first and at the last level.
    The sampler moves these two (in thousandths), and the logarithm of the Jacobian keeps c and g uniform.
    Raises ValueError as `posterior`.
    """
    with warnings.catch_warnings():  # no BLAS is needed for a sum of a few squares
        warnings.filterwarnings("ignore", message="PyTensor could not link to a BLAS installation")
        return _sample(*check_curve(x, y, 4), draws, seed)


def _sample(x: Array, y: Array, draws: int, seed: int) -> tuple[Draws, Any]:
    import pymc as pm

    with pm.Model():
        log_b = pm.Normal("log_b", np.log(MEDIAN_B), SPREAD_B)
        log_sigma = pm.Uniform("log_sigma", -16, 0)
        first, last = y[0] + pm.Flat("first", initval=0) / 1_000, y[-1] + pm.Flat("last", initval=0) / 1_000
        shrunk = pm.math.exp(-pm.math.exp(log_b) * np.log(x / x[0]))
        gain = pm.Deterministic("gain", (last - first) / (1 - shrunk[-1]))
        c = pm.Deterministic("c", first + gain)
        inside = (gain >= 0) & (gain <= 1) & (c >= 0) & (c <= 1)
        pm.Potential("uniform", pm.math.switch(inside, -pm.math.log(1 - shrunk[-1]), -np.inf))
        pm.Normal("y", c - gain * shrunk, pm.math.exp(log_sigma), observed=y)
        trace = pm.sample(
            draws,
            tune=1_000,
            chains=2,
            cores=1,
            random_seed=seed,
            target_accept=0.99,
            progressbar=False,
            quiet=True,
        )
    flat = {name: trace.posterior[name].to_numpy().ravel() for name in ("gain", "log_b", "c", "log_sigma")}
    found = Draws(flat["gain"], np.exp(flat["log_b"]), flat["c"], np.exp(flat["log_sigma"]), float(x[0]))
    return found, trace


def simulated_coverage(
    x: ArrayLike, seen: int, times: int, rng: np.random.Generator, correlation: float = 0.0
) -> float:
    """Share of simulated curves whose last accuracy lies in the 90% interval foretold from the first `seen` levels.

    Curves are drawn from the model: b from its prior, c between 0.85 and 0.98, a gain of 0.05 to 0.2, a sigma of 0.0005
    to 0.003. `correlation` is that of the noise at neighbouring levels; the fit always supposes it to be 0.
    Raises ValueError for a correlation outside [0, 1).
    """
    correlation = check.real("correlation", correlation, 0, np.nextafter(1, 0), "a number from 0 to below 1")
    x, hits = np.asarray(x, dtype=float), 0
    for _ in range(times):
        y = _simulated_curve(x, correlation, rng)
        low, high = foretold_interval(posterior(x[:seen], y[:seen], 1_000, rng), x[-1], rng)
        hits += low <= y[-1] <= high
    return hits / times


def _simulated_curve(x: Array, correlation: float, rng: np.random.Generator) -> Array:
    b = MEDIAN_B * np.exp(SPREAD_B * rng.standard_normal())
    sigma = np.exp(rng.uniform(np.log(0.0005), np.log(0.003)))
    noise = rng.standard_normal(len(x))
    for i in range(1, len(x)):
        noise[i] = correlation * noise[i - 1] + np.sqrt(1 - correlation**2) * noise[i]
    c, gain = rng.uniform(0.85, 0.98), rng.uniform(0.05, 0.2)
    return c - gain * (x / x[0]) ** -b + sigma * noise


def foretold_interval(draws: Draws, x: float, rng: np.random.Generator) -> tuple[float, float]:
    """The 90% interval of an accuracy that might be observed at x."""
    return percentile_interval(draws.predict(x, rng)[:, 0], MASS)


def held_back(x: Array, folds: Array, levels: Sequence[int], rng: np.random.Generator) -> pd.DataFrame:
    """The last accuracy foretold at each of some levels: share of the words seen, 90% interval of the mean over `folds`
    (folds, n), what came, and the share of single folds whose interval held what came there."""
    rows = []
    for level in levels:
        spans = []
        for y in (folds.mean(0), *folds):
            draws = posterior(x[:level], y[:level], 4_000, rng)
            spans.append((*foretold_interval(draws, x[-1], rng), y[-1]))
        (low, high, seen), *rest = spans
        held = np.mean([a <= end <= b for a, b, end in rest])
        rows.append({"share": x[level - 1] / x[-1], "low": low, "high": high, "seen": seen, "held": held})
    return pd.DataFrame(rows)


def stretched(x: Array, y: Array, level: int, rng: np.random.Generator) -> tuple[float, float, float]:
    """Half-width of the 90% interval for the last accuracy, foretold at a level; the same, stretched so that nine
    tenths of the earlier forecasts of this very level would have held; and how far the accuracy is from the median.

    Raises ValueError for a level below 9, which has no earlier forecasts.
    """
    check.whole("level", level, 9)
    misses = []
    for early in range(5, level - 3, 2):
        half, miss = _half_and_miss(np.append(x[:early], x[level - 1]), np.append(y[:early], y[level - 1]), rng)
        misses.append(miss / half)
    half, miss = _half_and_miss(np.append(x[:level], x[-1]), np.append(y[:level], y[-1]), rng)
    return half, half * max(1.0, float(np.quantile(misses, MASS))), miss


def _half_and_miss(x: Array, y: Array, rng: np.random.Generator) -> tuple[float, float]:
    """Half-width of the interval for the last of some accuracies, foretold from all others, and its distance from the
    median."""
    draws = posterior(x[:-1], y[:-1], 1_000, rng).predict(x[-1], rng)[:, 0]
    low, high = percentile_interval(draws, MASS)
    return 0.5 * (high - low), float(abs(y[-1] - np.median(draws)))

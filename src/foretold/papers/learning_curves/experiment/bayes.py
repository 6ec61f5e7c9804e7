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

from foretold.papers.learning_curves.idea import check_curve

Array = NDArray[np.float64]
MEDIAN_B, SPREAD_B = 0.4, 0.6  # the prior of b: median, standard deviation of ln b


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


def posterior(x: ArrayLike, y: ArrayLike, draws: int, rng: np.random.Generator, nodes: int = 400) -> Draws:
    """Draws from the posterior of the model above, after accuracies y (n,) in [0, 1] at x (n,) words.

    The marginal posterior of b is computed on `nodes` points. Given b, the residual variance is inverse chi-squared and
    (c, g) is normal: 256 draws for each point, of which those with c or g outside [0, 1] are thrown away, as the
    uniform priors ask; of the rest, `draws` are taken with the weights of their points.
    Raises ValueError for fewer than 4 observations, an accuracy outside [0, 1], and as `check_curve`.
    """
    x, y = check_curve(x, y, 4)
    if y.min() < 0 or y.max() > 1:
        raise ValueError(f"y lies between {y.min()} and {y.max()}; allowed are accuracies from 0 to 1")
    n, z = len(x), np.linspace(-6, 6, nodes)
    b = MEDIAN_B * np.exp(SPREAD_B * z)
    p = np.exp(-b[:, None] * np.log(x / x[0]))
    mean_p, mean_y = p.mean(1), y.mean()
    var = ((p - mean_p[:, None]) ** 2).sum(1)
    slope = ((p - mean_p[:, None]) * (y - mean_y)).sum(1) / var
    rss = ((y - mean_y - slope[:, None] * (p - mean_p[:, None])) ** 2).sum(1)
    log_weight = -0.5 * z**2 - 0.5 * np.log(var) - 0.5 * (n - 2) * np.log(rss)

    some = (nodes, 256)
    sigma = np.sqrt(rss[:, None] / rng.chisquare(n - 2, some))
    gain = -(slope[:, None] + sigma / np.sqrt(var)[:, None] * rng.standard_normal(some))
    c = mean_y + sigma / np.sqrt(n) * rng.standard_normal(some) + gain * mean_p[:, None]
    node, which = np.nonzero((gain >= 0) & (gain <= 1) & (c >= 0) & (c <= 1))
    if len(node) == 0:
        raise ValueError(f"y is {y!r}: the model leaves no probability to an asymptote and a gain between 0 and 1")
    weight = np.exp(log_weight[node] - log_weight[node].max())
    taken = rng.choice(len(node), draws, p=weight / weight.sum())
    at = node[taken], which[taken]
    return Draws(gain[at], b[node[taken]], c[at], sigma[at], float(x[0]))


def sample(x: ArrayLike, y: ArrayLike, draws: int, seed: int, chains: int = 2) -> tuple[Draws, Any]:
    """The same posterior by NUTS in PyMC: draws of all chains, and ArviZ's data with the diagnostics.

    c and g are hardly determined one by one; what the data do tell is the height at the first and at the last level.
    The sampler moves these two (in thousandths), and the logarithm of the Jacobian keeps c and g uniform.
    Raises ValueError as `posterior`.
    """
    with warnings.catch_warnings():  # no BLAS is needed for a sum of a few squares
        warnings.filterwarnings("ignore", message="PyTensor could not link to a BLAS installation")
        return _sample(*check_curve(x, y, 4), draws, seed, chains)


def _sample(x: Array, y: Array, draws: int, seed: int, chains: int) -> tuple[Draws, Any]:
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
            chains=chains,
            cores=1,
            random_seed=seed,
            target_accept=0.99,
            progressbar=False,
            quiet=True,
        )
    flat = {name: trace.posterior[name].to_numpy().ravel() for name in ("gain", "log_b", "c", "log_sigma")}
    found = Draws(flat["gain"], np.exp(flat["log_b"]), flat["c"], np.exp(flat["log_sigma"]), float(x[0]))
    return found, trace


def interval(values: Array, mass: float = 0.9) -> tuple[float, float]:
    """Equal-tailed interval with the given mass."""
    low, high = np.quantile(values, [(1 - mass) / 2, (1 + mass) / 2])
    return float(low), float(high)


def simulated_coverage(
    x: ArrayLike, seen: int, times: int, rng: np.random.Generator, correlation: float = 0.0, mass: float = 0.9
) -> float:
    """Share of simulated curves whose last accuracy lies in the interval foretold from the first `seen` levels.

    Curves are drawn from the model: b from its prior, c between 0.85 and 0.98, a gain of 0.05 to 0.2, a sigma of 0.0005
    to 0.003. `correlation` is that of the noise at neighbouring levels; the fit always supposes it to be 0.
    Raises ValueError for a correlation outside [0, 1).
    """
    if not 0 <= correlation < 1:
        raise ValueError(f"correlation is {correlation!r}; allowed is a number from 0 to below 1")
    x, hits = np.asarray(x, dtype=float), 0
    for _ in range(times):
        b = MEDIAN_B * np.exp(SPREAD_B * rng.standard_normal())
        sigma = np.exp(rng.uniform(np.log(0.0005), np.log(0.003)))
        noise = rng.standard_normal(len(x))
        for i in range(1, len(x)):
            noise[i] = correlation * noise[i - 1] + np.sqrt(1 - correlation**2) * noise[i]
        y = rng.uniform(0.85, 0.98) - rng.uniform(0.05, 0.2) * (x / x[0]) ** -b + sigma * noise
        low, high = interval(posterior(x[:seen], y[:seen], 1_000, rng).predict(x[-1], rng)[:, 0], mass)
        hits += low <= y[-1] <= high
    return hits / times


def held_back(
    x: Array, folds: Array, levels: Sequence[int], rng: np.random.Generator, mass: float = 0.9
) -> pd.DataFrame:
    """The last accuracy foretold at each of some levels: share of the words seen, interval of the mean over `folds`
    (folds, n), what came, and the share of single folds whose interval held what came there."""
    rows = []
    for level in levels:
        spans = []
        for y in (folds.mean(0), *folds):
            found = posterior(x[:level], y[:level], 4_000, rng).predict(x[-1], rng)[:, 0]
            spans.append((*interval(found, mass), y[-1]))
        (low, high, seen), *rest = spans
        held = np.mean([a <= end <= b for a, b, end in rest])
        rows.append({"share": x[level - 1] / x[-1], "low": low, "high": high, "seen": seen, "held": held})
    return pd.DataFrame(rows)


def stretched(x: Array, y: Array, level: int, rng: np.random.Generator) -> tuple[float, float, float]:
    """Half-width of the 90% interval for the last accuracy, foretold at a level; the same, stretched so that nine
    tenths of the earlier forecasts of this very level would have held; and how far the accuracy is from the median.

    Raises ValueError for a level below 9, which has no earlier forecasts.
    """
    if level < 9:
        raise ValueError(f"level is {level!r}; allowed is a whole number of at least 9")
    misses = []
    for early in range(5, level - 3, 2):
        draws = posterior(x[:early], y[:early], 1_000, rng).predict(x[level - 1], rng)[:, 0]
        misses.append(abs(y[level - 1] - np.median(draws)) / (0.5 * np.ptp(interval(draws))))
    draws = posterior(x[:level], y[:level], 1_000, rng).predict(x[-1], rng)[:, 0]
    half = 0.5 * float(np.ptp(interval(draws)))
    return half, half * max(1.0, float(np.quantile(misses, 0.9))), float(abs(y[-1] - np.median(draws)))

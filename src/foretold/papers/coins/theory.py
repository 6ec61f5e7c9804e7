"""Quadrature for the coin chapter: the likelihood of people who differ, integrated over what is not known about each.

Shapes: K people, A values of logit alpha, S of sigma, T of logit theta, B nodes for a person's own logit. `numbers` are
the counts (K, 4) of `coins.check_counts`: heads_same, heads_diff, tails_same, tails_diff.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats
from scipy.interpolate import CubicSpline

Floats = NDArray[np.float64]
Pair = tuple[float, float]


def log_likelihood(numbers: Floats, b: Floats, a: Floats) -> Floats:
    """Log-likelihood, shape (people, len(a), len(b)), of person logits `b` and heads logits `a`."""
    up, down = special.log_expit(a[:, None] + b), special.log_expit(a[:, None] - b)
    # heads_same: +(a+b)   heads_diff: +(a-b)   tails_same: -(a-b)   tails_diff: -(a+b)
    terms = np.stack([up, down, special.log_expit(b - a[:, None]), special.log_expit(-a[:, None] - b)])
    return np.tensordot(numbers, terms, axes=1)


@dataclass(frozen=True)
class Axes:
    """The grid: sigma (S), logit theta (T), logit alpha (A), and nodes for a person's own logit (B)."""

    sigma: Floats
    theta: Floats
    alpha: Floats
    person: Floats


def people_kernel(axes: Axes, s: int) -> Floats:
    """Quadrature weights N(b; logit theta, sigma_s) db, shape (B, T)."""
    step = axes.person[1] - axes.person[0]
    return stats.norm.pdf(axes.person[:, None], axes.theta, axes.sigma[s]) * step


def person_weights(numbers: Floats, axes: Axes) -> tuple[Floats, Floats]:
    """exp(log-likelihood - its maximum), shape (people, A, B), and the maxima (people,)."""
    values = log_likelihood(numbers, axes.person, axes.alpha)
    top = values.max(axis=(1, 2))
    return np.exp(values - top[:, None, None]), top


def person_log_marginals(numbers: Floats, axes: Axes) -> Floats:
    """log of the likelihood of each person with gamma integrated out, shape (people, A, S, T).

    The person's logit b = logit(theta) + gamma is the variable of integration, on equally spaced nodes that all people
    share. So the likelihood is evaluated once for each node, and the integrals for all theta are one matrix product.
    The trapezoid rule on a bell-shaped integrand converges faster than any power of the step.
    """
    weights, top = person_weights(numbers, axes)
    out = np.empty((*weights.shape[:2], len(axes.sigma), len(axes.theta)))
    for s in range(len(axes.sigma)):
        out[:, :, s] = weights @ people_kernel(axes, s)
    with np.errstate(divide="ignore"):
        return np.log(out, out=out) + top[:, None, None, None]


def axis(
    name: str, numbers: Floats, prior: Pair, truncated: bool, sigma: float, nodes: int
) -> tuple[Floats, Floats, Floats]:
    """Gauss nodes, their log weights and log prior densities, for the logit of theta or of alpha (`name`), where both
    prior and likelihood can have mass; `sigma` is a typical spread of people.
    """
    n = numbers.sum()
    wins = numbers[:, [0, 2]] if name == "theta" else numbers[:, [0, 1]]
    guesses = [special.logit((wins.sum() + 0.5) / (n + 1))]
    error = 2 / np.sqrt(n)
    if name == "theta":  # people differ: the mean of their logits is a second guess
        logits, _ = _person_logits(numbers)
        guesses.append(logits.mean())
        error = np.sqrt(error**2 + (logits.var() + 4 * sigma**2) / len(numbers))
    low, high = (float(special.logit(stats.beta.ppf(q, *prior))) for q in (1e-13, 1 - 1e-13))
    low = max(low, 0.0) if truncated else low
    near = max(low, min(guesses) - 8 * error), min(high, max(guesses) + 8 * error)
    if near[0] >= near[1]:  # prior and likelihood do not overlap: stay where the prior is
        near = low, min(high, low + 8 * error) if truncated else high
    x, w = np.polynomial.legendre.leggauss(nodes)
    x, w = (near[1] + near[0]) / 2 + (near[1] - near[0]) / 2 * x, (near[1] - near[0]) / 2 * w
    log_prior = prior[0] * special.log_expit(x) + prior[1] * special.log_expit(-x) - special.betaln(*prior)
    return x, np.log(w), log_prior - (stats.beta.logsf(0.5, *prior) if truncated else 0.0)


def person_nodes(numbers: Floats, theta: Floats, smallest: float, largest: float) -> Floats:
    """Equally spaced nodes for a person's logit, wherever both a likelihood and some N(theta, sigma) can have mass."""
    logit, error = _person_logits(numbers)
    low = max((logit - 9 * error).min(), theta.min() - 8 * largest)
    high = min((logit + 9 * error).max(), theta.max() + 8 * largest)
    step = 1.5 * smallest
    return low + step * np.arange(int(np.ceil((high - low) / step)) + 1)


def _person_logits(numbers: Floats) -> tuple[Floats, Floats]:
    """Each person's logit of the proportion of same-side landings, and its standard error."""
    n = numbers.sum(1)
    return special.logit((numbers[:, 0] + numbers[:, 2] + 0.5) / (n + 1)), 2 / np.sqrt(n)


def sigma_range(numbers: Floats, low: float, high: float) -> tuple[float, float]:
    """Smallest and largest sigma on the grid: the prior's range, but no finer than the data resolve and no narrower."""
    logit, error = _person_logits(numbers)
    return max(low, 0.05 * float(error.min())), max(high, 4 * float(logit.std()))


def sigma_weights(sigma: Floats, prior: Any) -> Floats:
    """Log weights of geometric sigma nodes. The first also gets the prior mass below it (a flat likelihood)."""
    step = np.log(sigma[1] / sigma[0])
    ends = np.ones(len(sigma))
    ends[[0, -1]] = 0.5
    weights = prior.pdf(sigma) * sigma * step * ends
    weights[0] += prior.cdf(sigma[0])
    return np.log(weights)


@dataclass(frozen=True)
class Marginal:
    """A one-dimensional density: equally spaced `x` (points,), `density` (points,) that sums to 1 / spacing."""

    x: Floats
    density: Floats

    @classmethod
    def through(cls, x: Floats, log_density: Floats, points: int = 4001) -> Marginal:
        """A smooth density through unnormalised log values at increasing `x`."""
        use = np.isfinite(log_density) & (log_density > log_density.max() - 80)
        fine = np.linspace(x[use][0], x[use][-1], points)
        density = np.exp(CubicSpline(x[use], log_density[use] - log_density.max())(fine))
        return cls(fine, density / density.sum() / (fine[1] - fine[0]))

    def expect(self, function: Any) -> float:
        """Expectation of a function of x."""
        return float(np.sum(function(self.x) * self.density) * (self.x[1] - self.x[0]))

    def quantile(self, q: ArrayLike) -> Floats:
        """Quantiles, by the cumulated density."""
        step = self.x[1] - self.x[0]
        return np.interp(q, (np.cumsum(self.density) - 0.5 * self.density) * step, self.x)

    def below(self, x: float) -> float:
        """Probability of a value below x."""
        step = self.x[1] - self.x[0]
        return float(np.interp(x, self.x, (np.cumsum(self.density) - 0.5 * self.density) * step, left=0, right=1))

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

NEGLIGIBLE = 1e-13  # prior mass beyond the end of an axis
POINTS = 4001  # of a marginal density


# --- the likelihood


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


def person_densities(numbers: Floats, axes: Axes, each: Floats, joint: Floats) -> tuple[Floats, Floats]:
    """Unnormalised posterior densities at the nodes: of each person's logit (people, B), and of a new person's (B,).

    `each` are the `person_log_marginals`, `joint` is the log posterior of the grid (A, S, T). A person's density is
    N(b; logit theta, sigma) times that person's likelihood, averaged over the posterior; a new person has none yet.
    """
    weights, top = person_weights(numbers, axes)
    mass = np.exp(joint)
    people, new = np.zeros((len(numbers), len(axes.person))), np.zeros(len(axes.person))
    for s in range(len(axes.sigma)):
        kernel = people_kernel(axes, s)
        new += kernel @ mass[:, s].sum(axis=0)
        share = mass[:, s] * np.exp(top[:, None, None] - each[:, :, s])
        people += np.einsum("kab,kab->kb", weights, share @ kernel.T)
    return people, new


# --- where the grid lies


@dataclass(frozen=True)
class Axis:
    """Nodes `x` on the logit scale, with the logs of their quadrature weights and of the prior's density there."""

    x: Floats
    log_weight: Floats
    log_prior: Floats

    @property
    def log_mass(self) -> Floats:
        """Log prior probability that a node stands for."""
        return self.log_weight + self.log_prior


ONE_HALF = Axis(np.zeros(1), np.zeros(1), np.zeros(1))  # a probability of 1/2 for certain: an effect that is absent


def beta_axis(prior: Pair, likely: Pair, nodes: int, above_half: bool = False) -> Axis:
    """Gauss nodes for the logit of a probability with a Beta(*prior) prior, where both the prior and the likelihood can
    have mass; the likelihood has some from `likely[0]` to `likely[1]`. With `above_half` the prior ends at 1/2.
    """
    low, high = (float(special.logit(stats.beta.ppf(q, *prior))) for q in (NEGLIGIBLE, 1 - NEGLIGIBLE))
    low = max(low, 0.0) if above_half else low
    left, right = max(low, likely[0]), min(high, likely[1])
    if left >= right:  # prior and likelihood do not overlap: stay at the prior's nearer end
        width = likely[1] - likely[0]
        left, right = (low, min(high, low + width)) if likely[1] <= low else (max(low, high - width), high)
    x, weight = np.polynomial.legendre.leggauss(nodes)
    x, weight = (right + left) / 2 + (right - left) / 2 * x, (right - left) / 2 * weight
    log_prior = prior[0] * special.log_expit(x) + prior[1] * special.log_expit(-x) - special.betaln(*prior)
    return Axis(x, np.log(weight), log_prior - (stats.beta.logsf(0.5, *prior) if above_half else 0.0))


def likely_theta(numbers: Floats, sigma: float) -> Pair:
    """Where logit theta can be likely, if people differ by about `sigma`: eight standard errors around two guesses, the
    logit of all flips together and the mean of people's logits."""
    n = numbers.sum()
    logits, _ = person_logits(numbers)
    guesses = special.logit((numbers[:, [0, 2]].sum() + 0.5) / (n + 1)), logits.mean()
    error = np.sqrt((2 / np.sqrt(n)) ** 2 + (logits.var() + 4 * sigma**2) / len(numbers))
    return min(guesses) - 8 * error, max(guesses) + 8 * error


def likely_alpha(numbers: Floats) -> Pair:
    """Where logit alpha can be likely: eight standard errors around the logit of the share of heads."""
    n = numbers.sum()
    guess, error = special.logit((numbers[:, [0, 1]].sum() + 0.5) / (n + 1)), 2 / np.sqrt(n)
    return guess - 8 * error, guess + 8 * error


def person_logits(numbers: Floats) -> tuple[Floats, Floats]:
    """Each person's logit of the proportion of same-side landings, and its standard error."""
    n = numbers.sum(1)
    return special.logit((numbers[:, 0] + numbers[:, 2] + 0.5) / (n + 1)), 2 / np.sqrt(n)


def person_nodes(numbers: Floats, theta: Floats, sigma: Floats) -> Floats:
    """Equally spaced nodes for a person's logit, wherever both a likelihood and some N(theta, sigma) can have mass."""
    logit, error = person_logits(numbers)
    smallest, largest = sigma[0], sigma[-1]
    low = max((logit - 9 * error).min(), theta.min() - 8 * largest)
    high = min((logit + 9 * error).max(), theta.max() + 8 * largest)
    step = 1.5 * smallest
    return low + step * np.arange(int(np.ceil((high - low) / step)) + 1)


def sigma_nodes(numbers: Floats, low: float, high: float, nodes: int) -> Floats:
    """Geometric nodes of sigma: the prior's range, but no finer than the data resolve and no narrower."""
    logit, error = person_logits(numbers)
    return np.geomspace(max(low, 0.05 * float(error.min())), max(high, 4 * float(logit.std())), nodes)


def sigma_weights(sigma: Floats, prior: Any) -> Floats:
    """Log weights of geometric sigma nodes. The first also gets the prior mass below it (a flat likelihood)."""
    step = np.log(sigma[1] / sigma[0])
    ends = np.ones(len(sigma))
    ends[[0, -1]] = 0.5
    weights = prior.pdf(sigma) * sigma * step * ends
    weights[0] += prior.cdf(sigma[0])
    return np.log(weights)


# --- what comes out


@dataclass(frozen=True)
class Marginal:
    """A one-dimensional density: equally spaced `x` (points,), `density` (points,) that sums to 1 / spacing."""

    x: Floats
    density: Floats

    @classmethod
    def through(cls, x: Floats, log_density: Floats) -> Marginal:
        """A smooth density through unnormalised log values at increasing `x`."""
        use = np.isfinite(log_density) & (log_density > log_density.max() - 80)
        fine = np.linspace(x[use][0], x[use][-1], POINTS)
        density = np.exp(CubicSpline(x[use], log_density[use] - log_density.max())(fine))
        return cls(fine, density / density.sum() / (fine[1] - fine[0]))

    def expect(self, function: Any) -> float:
        """Expectation of a function of x."""
        return float(np.sum(function(self.x) * self.density) * (self.x[1] - self.x[0]))

    def quantile(self, q: ArrayLike) -> Floats:
        """Quantiles, by the cumulated density."""
        return np.interp(np.asarray(q, float), self._below(), self.x)

    def below(self, x: float) -> float:
        """Probability of a value below x."""
        return float(np.interp(x, self.x, self._below(), left=0, right=1))

    def _below(self) -> Floats:
        """Probability of a value below each `x`, (points,)."""
        return (np.cumsum(self.density) - 0.5 * self.density) * (self.x[1] - self.x[0])

"""The forecasting tournament: what published moments imply, what a sample size can show, and scores of probabilities.

Paper: Schoenegger and Park, "Large Language Model Prediction Capabilities: Evidence from a Real-World Forecasting
Tournament", arXiv 2310.13014 (2023). A forecast p is the probability that a question resolves yes, an outcome y is 1 if
it did and 0 if not. Scores are losses: smaller is better, and "always 50%" has a Brier score of 1/4 on any questions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from foretold.kit import check

Array = NDArray[Any]
ROUNDING = 0.005  # of moments that are printed with two decimals
LEVEL, POWER = 0.05, 0.8  # of a test: how often it rejects a true null, and should find a difference
EXACT_UP_TO = 40  # differences whose sign flips are all counted, not sampled
DRAWN_AT_ONCE = 10_000  # sign patterns


class TTest(NamedTuple):
    """A t statistic and its two-sided p-value."""

    t: float
    p: float


class SignFlip(NamedTuple):
    """The mean difference and its two-sided p-value."""

    mean: float
    p: float


class Murphy(NamedTuple):
    """Brier score = reliability - resolution + uncertainty."""

    reliability: float
    resolution: float
    uncertainty: float


# Tests from published moments


def t_from_moments(mean: float, sd: float, n: int, null: float) -> TTest:
    """One-sample t test of a mean against `null`, from the mean and SD of n values: (t, two-sided p), n - 1 degrees of
    freedom. Raises ValueError for an SD that is not above 0, n < 2, and numbers that are not finite."""
    mean, null, sd = check.real("mean", mean), check.real("null", null), check.positive("sd", sd)
    n = check.whole("n", n, 2)
    return _t_test(mean - null, sd / math.sqrt(n), n - 1)


def t_between_moments(
    mean1: float, sd1: float, mean2: float, sd2: float, n: int, correlation: float | None = None
) -> TTest:
    """t test between two means of n values each, from their moments: (t, two-sided p).

    Without `correlation` the two samples are independent (2n - 2 degrees of freedom; n is the same for both, so the
    statistic is Welch's too). With it they are pairs, and it is the correlation of the two columns: the SD of the
    differences is then sqrt(sd1^2 + sd2^2 - 2 correlation sd1 sd2), with n - 1 degrees of freedom.
    Raises ValueError as `t_from_moments`, and for a correlation outside [-1, 1] or one that leaves no spread.
    """
    mean1, sd1 = check.real("mean1", mean1), check.positive("sd1", sd1)
    mean2, sd2 = check.real("mean2", mean2), check.positive("sd2", sd2)
    n = check.whole("n", n, 2)
    if correlation is None:
        return _t_test(mean1 - mean2, math.sqrt((sd1**2 + sd2**2) / n), 2 * n - 2)
    check.real("correlation", correlation, -1, 1, "a number from -1 to 1, or None (independent)")
    variance = sd1**2 + sd2**2 - 2 * correlation * sd1 * sd2
    if variance <= 1e-12 * (sd1**2 + sd2**2):
        raise check.refuse("correlation", correlation, "one with which the differences of these SDs have a spread")
    return _t_test(mean1 - mean2, math.sqrt(variance / n), n - 1)


def _t_test(difference: float, error: float, df: int) -> TTest:
    t = float(difference / error)
    return TTest(t, float(2 * stats.t.sf(abs(t), df)))


def over_rounding(test: Callable[..., TTest], moments: Sequence[float]) -> tuple[TTest, TTest]:
    """(smallest, largest) t and p of `test(*moments)` when each moment was rounded to two decimals: over five values of
    each, from 0.005 below what is printed to 0.005 above."""
    steps = np.linspace(-ROUNDING, ROUNDING, 5)
    found = [
        test(*(moment + step for moment, step in zip(moments, shift, strict=True)))
        for shift in itertools.product(steps, repeat=len(moments))
    ]
    t, p = zip(*found, strict=True)
    return TTest(min(t), min(p)), TTest(max(t), max(p))


# How much n questions can show


def power(difference: float, sd: float, n: int) -> float:
    """Probability that a two-sided one-sample (or paired) t test at the 5% level rejects, when the true mean is
    `difference` away from the null and values are normal with `sd`: tails of the noncentral t distribution.

    Raises ValueError as `t_from_moments`.
    """
    difference, sd = check.real("difference", difference), check.positive("sd", sd)
    n = check.whole("n", n, 2)
    limit = stats.t.isf(LEVEL / 2, n - 1)
    shift = abs(difference) / sd * math.sqrt(n)
    return float(stats.nct.sf(limit, n - 1, shift) + stats.nct.cdf(-limit, n - 1, shift))


def sample_size(difference: float, sd: float) -> int:
    """Smallest n whose `power` is at least 80%: doubled until it is enough, then by bisection. Raises ValueError as
    `power`, and for difference 0, which no sample size detects more often than the level."""
    if check.real("difference", difference) == 0:
        raise check.refuse("difference", difference, "a number other than 0, which no sample size detects")
    high = 2
    while power(difference, sd, high) < POWER:
        high *= 2
    low = max(2, high // 2)
    while low < high:
        middle = (low + high) // 2
        if power(difference, sd, middle) >= POWER:
            high = middle
        else:
            low = middle + 1
    return high


# Scores


def brier_score(p: ArrayLike, y: ArrayLike) -> float:
    """Mean of (p - y)^2, from 0 to 1 (Brier 1950, in the form for one outcome). p: (n,) probabilities, y: (n,) of 0 and
    1. Raises ValueError when they are not, or differ in length, or are empty."""
    return float(squared_errors(p, y).mean())


def squared_errors(p: ArrayLike, y: ArrayLike) -> Array:
    """(p - y)^2 for each question, (n,). Errors as `brier_score`."""
    p, y = check_forecasts(p, y)
    return (p - y) ** 2


def log_score(p: ArrayLike, y: ArrayLike) -> float:
    """Mean of -ln of the probability given to what happened, in nats; infinite if that was ever 0. Errors as
    `brier_score`."""
    p, y = check_forecasts(p, y)
    with np.errstate(divide="ignore"):
        return float(-np.log(np.where(y == 1, p, 1 - p)).mean())


def skill_score(score: float, reference: float) -> float:
    """1 - score / reference: 1 is perfect, 0 as good as the reference, below 0 worse. Raises ValueError for a reference
    that is not above 0."""
    return 1 - check.real("score", score) / check.positive("reference", reference)


def extremise(p: ArrayLike, exponent: float, shift: float = 0.0) -> Array:
    """Forecasts with their log odds multiplied by `exponent` and moved by `shift`, (n,): an exponent above 1 pushes
    them away from 50%, one below 1 towards it.

    Raises ValueError for p outside [0, 1], exponent <= 0 and numbers that are not finite.
    """
    p, exponent, shift = _check_probabilities(p), check.positive("exponent", exponent), check.real("shift", shift)
    return special.expit(exponent * special.logit(p) + shift)


def murphy_decomposition(p: ArrayLike, y: ArrayLike) -> Murphy:
    """(reliability, resolution, uncertainty), over groups of equal forecasts (Murphy 1973).

    With n_k questions at forecast f_k, of which a share o_k resolved yes, and b the base rate: reliability is the mean
    of (f_k - o_k)^2, resolution that of (o_k - b)^2, uncertainty b (1 - b). Errors as `brier_score`.
    """
    p, y = check_forecasts(p, y)
    level, group = np.unique(p, return_inverse=True)
    n = np.bincount(group)
    share, base = np.bincount(group, y) / n, y.mean()
    weight = n / len(y)
    return Murphy(float(weight @ (level - share) ** 2), float(weight @ (share - base) ** 2), float(base * (1 - base)))


# Paired comparison without a distribution


def sign_flip_test(differences: ArrayLike, flips: int = 100_000, rng: np.random.Generator | None = None) -> SignFlip:
    """Paired permutation test: if two forecasters are alike, each difference could as well have had the other sign.
    (mean, p), p the share of all 2^n sign patterns whose mean is at least as far from 0.

    Up to n = 40 all patterns are counted: half sums of the first and the second half are sorted, and counted against
    each other, so 2^(n/2) sums stand for 2^n. Beyond that `flips` patterns are drawn from `rng`, and p is
    (1 + hits) / (1 + flips). Raises ValueError for differences that are not finite numbers in one dimension, for
    flips < 1, and when a generator is needed and missing.
    """
    d = check.vector("differences", differences)
    flips = check.whole("flips", flips, 1)
    limit = abs(d.sum()) - 1e-12 * np.abs(d).sum()  # sums in another order round differently
    if limit <= 0:
        return SignFlip(float(d.mean()), 1.0)
    if len(d) <= EXACT_UP_TO:
        left, right = half_sums(d[: len(d) // 2]), np.sort(half_sums(d[len(d) // 2 :]))
        above = len(right) - np.searchsorted(right, limit - left, "left")
        below = np.searchsorted(right, -limit - left, "right")
        return SignFlip(float(d.mean()), float((above + below).sum()) / 2.0 ** len(d))
    rng = check.generator("rng", rng)
    hits = 0
    for start in range(0, flips, DRAWN_AT_ONCE):
        patterns = min(DRAWN_AT_ONCE, flips - start)
        signs = rng.integers(0, 2, (patterns, len(d)), dtype=np.int8) * 2 - 1
        hits += int((np.abs(signs @ d) >= limit).sum())
    return SignFlip(float(d.mean()), (1 + hits) / (1 + flips))


def half_sums(d: Array) -> Array:
    """Sums of d under every pattern of signs, (2^len(d),)."""
    sums = np.zeros(1)
    for value in d:
        sums = np.concatenate([sums - value, sums + value])
    return sums


# Checks


def check_forecasts(p: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """p and y as float arrays (n,). Raises ValueError when p leaves [0, 1], y is not 0 or 1, or they do not match."""
    p, outcomes = _check_probabilities(p), np.asarray(y)
    if outcomes.shape != p.shape:
        raise ValueError(f"y has shape {outcomes.shape}; allowed is {p.shape}, one outcome for each forecast")
    if outcomes.dtype.kind not in "biuf" or not np.isin(outcomes, (0, 1)).all():
        raise ValueError(f"y holds {outcomes[~np.isin(outcomes, (0, 1))][:1].tolist()}; allowed are 0 and 1")
    return p, outcomes.astype(float)


def _check_probabilities(p: ArrayLike) -> Array:
    return check.vector("p", p, low=0, high=1, allowed="probabilities from 0 to 1")

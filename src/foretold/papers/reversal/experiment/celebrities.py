"""The paper's Experiment 2, real parents and children, from published totals: what scoring and selection do to 33%.

No name and no row of the authors' files is here, only sums over all of them.
"""

from __future__ import annotations

import numpy as np
from scipy import optimize, special, stats

from foretold.kit import check
from foretold.kit.uncertainty import Z

PAIRS, REVERSED = 1513, 495  # rows of the authors' file, and rows marked as reversible
BY_PARENT = {"mothers": (216, 764), "fathers": (279, 749)}
ASKED = 2000  # 1,000 celebrities, two parents each
ATTEMPTS = 10  # a pair counts if one of ten answers is right


def mean_interval(mean: float, n: int) -> tuple[float, float]:
    """A 95% interval for the mean of n numbers between 0 and 1 of which only the mean is known: their variance is at
    most mean (1 - mean), so it is as wide as it can be. Raises ValueError for a mean outside of 0 to 1 or n < 1."""
    mean, n = check.probability("mean", mean), check.whole("n", n, 1)
    half = Z * np.sqrt(mean * (1 - mean) / n)
    return max(0.0, mean - half), min(1.0, mean + half)


def best_of(single: float, agreement: float) -> float:
    """Share of pairs with one right answer among ATTEMPTS, when a single answer is right in the share `single`.

    `agreement` is the correlation of two answers about the same pair: 0 where all pairs are equally hard, 1 where a
    pair is always answered or never. Between them the difficulty of pairs is a beta distribution, and the probability
    of no right answer a ratio of beta functions. Raises ValueError outside of 0 to 1.
    """
    single, agreement = check.probability("single", single), check.probability("agreement", agreement)
    if agreement == 0:
        return 1 - (1 - single) ** ATTEMPTS
    if agreement == 1 or single in (0, 1):
        return single
    a, b = np.array([single, 1 - single]) * (1 / agreement - 1)
    return float(-np.expm1(special.betaln(a, b + ATTEMPTS) - special.betaln(a, b)))


def single_answer(lenient: float, agreement: float) -> float:
    """The inverse of `best_of`: how often a single answer is right, if the best of ATTEMPTS is in the share `lenient`
    of pairs. Raises ValueError outside of 0 to 1."""
    lenient = check.between("lenient", lenient, 0, 1)
    return float(optimize.brentq(lambda single: best_of(single, agreement) - lenient, 1e-9, 1 - 1e-9))


def selected(
    forward: float, reverse: float, correlation: float, pairs: int, rng: np.random.Generator
) -> dict[str, float]:
    """A world of `pairs` pairs in which the two directions are known in the shares `forward` and `reverse`, and how
    well known they are is normal with `correlation`. Returns the shares "forward" and "reverse", and "reverse, chosen
    by forward" and "forward, chosen by reverse": what is found among the pairs that passed in the other direction.

    Raises ValueError for shares outside of 0 to 1, |correlation| > 1, pairs < 1.
    """
    forward, reverse = check.between("forward", forward, 0, 1), check.between("reverse", reverse, 0, 1)
    correlation, pairs = check.real("correlation", correlation, -1, 1), check.whole("pairs", pairs, 1)
    one = rng.standard_normal(pairs)
    two = correlation * one + np.sqrt(1 - correlation**2) * rng.standard_normal(pairs)
    known, back = one < stats.norm.ppf(forward), two < stats.norm.ppf(reverse)
    both = (known & back).sum()
    return {
        "forward": float(known.mean()),
        "reverse": float(back.mean()),
        "reverse, chosen by forward": float(both / max(known.sum(), 1)),
        "forward, chosen by reverse": float(both / max(back.sum(), 1)),
    }

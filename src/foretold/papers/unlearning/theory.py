"""The theory of deletions checked without its formulas: every set of deleted slices is looked at.

`mean_deletions` follows the deletions of a small system literally, in rational arithmetic. `mean_length` and `kept`
weigh all sets of slices of one shard by their probability. None of them uses harmonic numbers, heads or independence.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from foretold.papers.unlearning import idea
from foretold.papers.unlearning.idea import Order


def mean_deletions(shards: int, slices: int, sequences: Sequence[Sequence[int]]) -> Fraction:
    """Mean number of uniform deletions until no sequence of any shard has a prefix left, by following every case.

    From a set of hit slices the next *new* one comes after mL / (slices not hit) deletions on average. ValueError for
    more than 14 slices in all: there are 2^(mL) sets.
    """
    cells = shards * slices
    if cells > 14:
        raise ValueError(f"shards times slices is {cells}; allowed are at most 14, since all sets of them are followed")

    @cache
    def after(hit: frozenset[int]) -> Fraction:
        gone = [{cell % slices for cell in hit if cell // slices == shard} for shard in range(shards)]
        if all(idea.longest(sequences, numbers)[1] == 0 for numbers in gone):
            return Fraction(0)
        fresh = [cell for cell in range(cells) if cell not in hit]
        return (cells + sum(after(hit | {cell}) for cell in fresh)) / Fraction(len(fresh))

    return after(frozenset())


def chances(probabilities: ArrayLike, t: int) -> np.ndarray:
    """Probability of each set of slices, (2^L,), to be just the slices that t deletions hit; bit i stands for slice i.

    What `probabilities` lacks to 1 hits other shards. All deletions fall within a set with the t-th power of its
    probability; taking the smaller sets off (Moebius inversion) leaves those that hit all of it.
    """
    p = np.asarray(probabilities, float)
    within = np.full(1, 1 - p.sum())
    for chance in p:  # the sum over the slices of each set
        within = np.concatenate([within, within + chance])
    hit = np.maximum(within, 0) ** t
    for number in range(len(p)):
        view = hit.reshape(-1, 2, 2**number)
        view[:, 1] -= view[:, 0]
    return hit


def lengths(sequences: Sequence[Sequence[int]], slices: int) -> np.ndarray:
    """Length of the longest surviving prefix for each set of hit slices, (2^L,)."""
    best = np.zeros(2**slices, np.int64)
    hit = np.arange(2**slices)
    for sequence in sequences:
        alive, mask = np.ones(len(hit), bool), 0
        for place, number in enumerate(sequence, 1):
            mask |= 1 << number
            alive = hit & mask == 0
            best[alive] = np.maximum(best[alive], place)
    return best


def mean_length(sequences: Sequence[Sequence[int]], probabilities: ArrayLike, t: int) -> float:
    """Mean length of the longest surviving prefix after t deletions that hit slices with these probabilities."""
    return float(chances(probabilities, t) @ lengths(sequences, len(np.asarray(probabilities))))


def kept(sequences: Sequence[Sequence[int]], probabilities: ArrayLike, k: int, t: int) -> float:
    """Probability that the longest surviving prefix has k slices or more after t deletions."""
    return float(chances(probabilities, t) @ (lengths(sequences, len(np.asarray(probabilities))) >= k))


def spaced_sequences(slices: int, budget: int) -> list[Order]:
    """Right-rotations of (0, ..., L-1) that begin as far from each other as they can (ours): for a budget that divides
    L, prefixes of up to L / budget slices have nothing in common. ValueError for a budget outside 1..L."""
    if not 1 <= budget <= slices:
        raise ValueError(f"budget is {budget!r}; allowed are 1 to {slices}, the number of rotations")
    rotations = idea.cyclic_sequences(slices, slices)
    return [rotations[i * slices // budget] for i in range(budget)]


def orders(slices: int) -> list[Order]:
    """All L! sequences."""
    return list(itertools.permutations(range(slices)))


def shortfalls(
    most: int, deletions: int, first: int = 2, spaced: bool = False
) -> list[tuple[float, int, int, int, int]]:
    """Where the closed form of the retention lemma promises more than there is, over L = 2..most, B = 2..L rotations,
    prefixes of k = first..L slices and 1..deletions deletions: (shortfall, L, B, k, r), the largest first. The closed
    form is taken with B' = B. What is short by less than 1e-12 is rounding.

    With `spaced` the rotations are evenly spaced, B divides L, and prefixes are disjoint: k <= L / B.
    """
    found = []
    for slices in range(2, most + 1):
        for budget in range(2, slices + 1):
            if spaced and slices % budget:
                continue
            make = spaced_sequences if spaced else idea.cyclic_sequences
            rotations = make(slices, budget)
            for k in range(first, (slices // budget if spaced else slices) + 1):
                for r in range(1, deletions + 1):
                    exact = idea.retention(rotations, slices, k, r)
                    short = idea.independence(slices, k, r, budget) - exact
                    if short > 1e-12:
                        found.append((short, slices, budget, k, r))
    return sorted(found, reverse=True)

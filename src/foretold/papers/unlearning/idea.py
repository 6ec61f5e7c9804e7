"""Exact unlearning by switching off: how many deletions a system of shards, slices and sequences withstands.

Paper: Basu Roy Chowdhury et al., "Towards scalable exact machine unlearning using parameter-efficient fine-tuning"
(S3T), ICLR 2025, arXiv 2406.16257.
The data are cut into m disjoint shards, each shard into L disjoint slices, numbered from 0. On each shard B sequences
(orders of its slices) are trained, slice after slice. A deletion of a row of slice s leaves of every sequence of the
shard what stands before s: its longest surviving prefix. A shard is dead when no sequence has a prefix left, the system
fails when all shards are dead. Only first slices, the heads, matter for that, and there are B' = min(B, L) of them.

What deletions leave of a system is counted exactly in `theory`; `experiment` simulates and trains.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from foretold.kit import check

Order = tuple[int, ...]


# Deletions until failure


def expected_deletions(shards: int, slices: int, budget: int) -> float:
    """Mean number of uniform deletions until every shard is dead: m L H_K with K = m min(B, L) heads (Lemma 1).

    Parameters
    ----------
    shards, slices, budget: m, L and B, whole numbers of at least 1. A deletion hits each of the m L slices with the
        same chance, again and again: the data are thought endless.

    Raises ValueError for other numbers.
    """
    m, slices, heads = check_system(shards, slices, budget)
    return m * slices * harmonic(m * heads)


def harmonic(k: int) -> float:
    """H_k = 1 + 1/2 + ... + 1/k. Raises ValueError for k < 1."""
    return math.fsum(1 / j for j in range(1, check.whole("k", k, 1) + 1))


# What survives


def surviving(sequence: Sequence[int], deleted: Iterable[int]) -> int:
    """Length of the prefix of a sequence that stands before the first slice of `deleted`."""
    gone = set(deleted)
    return next((place for place, number in enumerate(sequence) if number in gone), len(sequence))


def longest(sequences: Sequence[Sequence[int]], deleted: Iterable[int]) -> tuple[int, int]:
    """(which sequence, length) of the longest surviving prefix; of several the first. Length 0 is a dead shard."""
    gone = set(deleted)
    lengths = [surviving(sequence, gone) for sequence in sequences]
    best = max(range(len(lengths)), key=lengths.__getitem__)
    return best, lengths[best]


# Which sequences to train


def cyclic_sequences(slices: int, budget: int) -> list[Order]:
    """Iterative cyclic rotation (Algorithm 1): `budget` different orders of the slices 0..L-1.

    Up to L of them are right-rotations of (0, ..., L-1). For more, the first slice of every sequence is kept and the
    rest is rotated, as often as the budget asks for, then the first two are kept, and so on. A larger
    budget begins with the heads of a smaller one, and uses all heads equally often, up to one.

    Raises ValueError for slices < 1 and for a budget below 1 or above L!, the number of orders.
    """
    slices = check.whole("slices", slices, 1)
    most = math.factorial(slices) if slices <= 20 else None  # above that no budget comes near
    budget = check.whole("budget", budget, 1, most)
    found: list[Order] = [tuple(range(slices))]
    for fixed in range(slices):
        wanted = min(budget, len(found) * (slices - fixed))
        each, more = divmod(wanted, len(found))
        turns = [each + (i < more) for i in range(len(found))]  # heads take turns in `found`, so they stay even
        rotations = []
        for turn in range(1, max(turns)):
            for order, several in zip(found, turns, strict=True):
                if turn < several:
                    rotations.append(order[:fixed] + _rotated(order[fixed:], turn))
        found += rotations
    return found


def _rotated(order: Order, turn: int) -> Order:
    return order[-turn:] + order[:-turn]


def sequence_score(sequence: Sequence[int], probabilities: ArrayLike, t: float) -> float:
    """Sum over n of n (1 - c_n)^t, where c_n is the chance that a deletion hits one of the first n slices.

    This is what the matching maximises. It is no expectation: without the factor n it would be the mean length of
    the surviving prefix after t deletions. `sequence` may be shorter than `probabilities`, which has one for each
    slice. Raises ValueError for slices that come twice or are not there, for probabilities that are negative or sum to
    more than 1, and for t < 0.
    """
    chances = check_probabilities(probabilities)
    t = check.real("t", t, 0)
    order = check_order("sequence", sequence, len(chances))
    untouched = 1 - np.cumsum(chances[list(order)])
    return float(np.sum(np.arange(1, len(order) + 1) * np.maximum(untouched, 0) ** t))


def bms_sequences(probabilities: ArrayLike, t: float = 100, budget: int | None = None) -> list[Order]:
    """Bipartite-matching selection (Algorithm 2) for slices that are deleted with different probabilities.

    Begins with the L sequences of one slice each. In each round sequences and slices are the two sides of a graph, the
    weight of an edge is the `sequence_score` of the sequence with that slice appended, and the heaviest perfect
    matching appends one slice to each: every slice stands once at every place (a Latin square). `budget` takes the
    first so many, by default all L. Raises ValueError as `sequence_score` does, and for a budget outside 1..L.
    """
    chances = check_probabilities(probabilities)
    t, slices = check.real("t", t, 0), len(chances)
    budget = slices if budget is None else check.whole("budget", budget, 1, slices)
    found: list[Order] = [(head,) for head in range(slices)]
    hit, score = chances.copy(), np.maximum(1 - chances, 0) ** t
    for length in range(2, slices + 1):
        weight = score[:, None] + length * np.maximum(1 - (hit[:, None] + chances), 0) ** t
        for row, order in enumerate(found):
            weight[row, list(order)] = -np.inf
        rows, new = linear_sum_assignment(weight, maximize=True)
        found = [(*order, int(number)) for order, number in zip(found, new, strict=True)]
        hit, score = hit + chances[new], weight[rows, new]
    return found[:budget]


# Checks of the input


def check_system(shards: int, slices: int, budget: int) -> tuple[int, int, int]:
    """(m, L, B') of a system; ValueError for numbers below 1."""
    m, slices = check.whole("shards", shards, 1), check.whole("slices", slices, 1)
    return m, slices, min(check.whole("budget", budget, 1), slices)


def check_probabilities(probabilities: ArrayLike) -> NDArray[np.float64]:
    """Chances of a deletion to hit each slice, at least one; ValueError for negative ones and a sum above 1."""
    chances = check.vector("probabilities", probabilities, low=0)
    if chances.sum() > 1 + 1e-9:
        raise check.refuse("probabilities", chances.tolist(), "numbers of at least 0 with a sum up to 1")
    return chances


def check_order(name: str, sequence: Sequence[int], slices: int) -> Order:
    """An order of some of the slices 0..L-1; ValueError for none, for one that comes twice or is not there."""
    order = tuple(sequence)
    whole = all(isinstance(number, Integral) and not isinstance(number, bool) for number in order)
    if not order or not whole or len(set(order)) < len(order) or not all(0 <= number < slices for number in order):
        raise check.refuse(name, order, f"different slices, numbered 0 to {slices - 1}")
    return tuple(int(number) for number in order)

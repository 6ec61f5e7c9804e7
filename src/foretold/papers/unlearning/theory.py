"""What deletions leave, counted exactly: every set of deleted slices is looked at, and nothing is rounded on the way.

`mean_deletions` follows the deletions of a small system literally, in rational arithmetic. `retention` counts the sets
of slices of one shard that leave a prefix alone, `mean_length` weighs all sets by their probability. None of these
three uses harmonic numbers, heads or independence.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foretold.kit import check
from foretold.papers.unlearning import idea
from foretold.papers.unlearning.idea import Order

CELLS, SLICES = 14, 22  # at most: all 2**CELLS sets of slices of a system, all 2**SLICES of a shard are looked at


# Deletions until failure


def mean_deletions(shards: int, slices: int, sequences: Sequence[Sequence[int]]) -> Fraction:
    """Mean number of uniform deletions until no sequence of any shard has a prefix left, by following every case.

    From a set of hit slices the next *new* one comes after mL / (slices not hit) deletions on average. ValueError for
    more than 14 slices in all: there are 2^(mL) sets.
    """
    cells = shards * slices
    if cells > CELLS:
        raise ValueError(f"shards times slices is {cells}; allowed are at most {CELLS}, since all sets are followed")

    @cache
    def after(hit: frozenset[int]) -> Fraction:
        gone = [{cell % slices for cell in hit if cell // slices == shard} for shard in range(shards)]
        if all(idea.longest(sequences, numbers)[1] == 0 for numbers in gone):
            return Fraction(0)
        fresh = [cell for cell in range(cells) if cell not in hit]
        return (cells + sum(after(hit | {cell}) for cell in fresh)) / Fraction(len(fresh))

    return after(frozenset())


def expected_deletions_finite(n: int, shards: int, slices: int, budget: int) -> float:
    """`expected_deletions` for n rows of which each can be deleted once, in uniformly random order (our derivation).

    The rows are dealt to the m L slices as evenly as they go; where some slices get one more than others, which ones is
    random. Rational arithmetic, rounded once at the end. Raises ValueError for m, L or B below 1, and for n < m L.
    """
    m, slices, heads = idea.check_system(shards, slices, budget)
    cells, kept = m * slices, m * heads
    allowed = f"a whole number of rows, at least one for each of the {cells} slices"
    rows = check.whole("n", n, cells, allowed=allowed)
    each, extra = divmod(rows, cells)
    total = Fraction(0)
    for j in range(1, kept + 1):
        # The first hit of j slices with s rows in all comes after (n + 1) / (s + 1) deletions on average.
        waits = Fraction(0)
        for larger in range(max(0, j + extra - cells), min(j, extra) + 1):
            chance = Fraction(math.comb(j, larger) * math.comb(cells - j, extra - larger), math.comb(cells, extra))
            waits += chance * Fraction(rows + 1, j * each + larger + 1)
        total += (-1) ** (j + 1) * math.comb(kept, j) * waits
    return float(total)


# What survives uniform deletions


def retention(sequences: Sequence[Sequence[int]], slices: int, k: int, deletions: int) -> float:
    """Exact probability that after so many uniform deletions in a shard some sequence has its first k slices left.

    Counts, for each number h of slices that were hit, the sets of h slices that leave some prefix alone, and the ways
    in which the deletions hit exactly such a set; whole numbers, divided once at the end.

    Parameters
    ----------
    sequences: orders of the slices 0..L-1, at least one; each may be cut short after its first k slices
    slices: L, at most 22 (all 2^L sets of slices are looked at)
    k: length of the prefix, 1..L
    deletions: number of deletions, each in a uniformly random slice, 0 or more

    Raises ValueError for other numbers, and for a sequence that is shorter than k, repeats a slice or has another one.
    """
    prefixes = _check_prefixes(sequences, slices, k)
    deletions = check.whole("deletions", deletions)
    hit = np.arange(2**slices, dtype=np.int64)  # bit i of a number stands for slice i
    alive = np.zeros(len(hit), bool)
    for prefix in prefixes:
        alive |= hit & sum(1 << number for number in prefix) == 0
    sizes = np.zeros(len(hit), np.int64)
    for number in range(slices):
        sizes += hit >> number & 1
    sets = np.bincount(sizes[alive], minlength=slices + 1)
    ways = sum(int(count) * surjections(deletions, h) for h, count in enumerate(sets))
    return float(Fraction(ways, slices**deletions))


def surjections(draws: int, targets: int) -> int:
    """In how many ways `draws` draws hit each of `targets` targets at least once: targets! times a Stirling number."""
    return sum((-1) ** j * math.comb(targets, j) * (targets - j) ** draws for j in range(targets + 1))


def independence(slices: int, k: int, deletions: int, heads: int) -> float:
    """What the retention would be if `heads` prefixes of k slices were hit independently: 1 - (1 - (1 - k/L)^r)^B'.

    The closed form of Lemma 2. Which B' is meant differs between summaries: min(B, L), or min(B, L! / (L-k)!), the
    number of different prefixes. Raises ValueError as `retention` does, and for heads < 1.
    """
    slices = check.whole("slices", slices, 1)
    k, deletions = check.whole("k", k, 1, slices), check.whole("deletions", deletions)
    hit = 1 - (1 - k / slices) ** deletions
    return 1 - hit ** check.whole("heads", heads, 1)


def spaced_sequences(slices: int, budget: int) -> list[Order]:
    """Right-rotations of (0, ..., L-1) that begin as far from each other as they can (ours): for a budget that divides
    L, prefixes of up to L / budget slices have nothing in common. ValueError for a budget outside 1..L."""
    slices = check.whole("slices", slices, 1)
    budget = check.whole("budget", budget, 1, slices)
    rotations = idea.cyclic_sequences(slices, slices)
    return [rotations[i * slices // budget] for i in range(budget)]


def orders(slices: int) -> list[Order]:
    """All L! sequences."""
    return list(itertools.permutations(range(slices)))


# What survives where some slices are likelier to be hit


def mean_length(sequences: Sequence[Sequence[int]], probabilities: ArrayLike, t: int) -> float:
    """Mean length of the longest surviving prefix after t deletions that hit slices with these probabilities.

    Raises ValueError as `chances` does, and for a sequence that repeats a slice or has another one.
    """
    p = idea.check_probabilities(probabilities)
    return float(chances(p, t) @ lengths(sequences, len(p)))


def chances(probabilities: ArrayLike, t: int) -> NDArray[np.float64]:
    """Probability of each set of slices, (2^L,), to be just the slices that t deletions hit; bit i stands for slice i.

    What `probabilities` lacks to 1 hits other shards. All deletions fall within a set with the t-th power of its
    probability; taking the smaller sets off (Moebius inversion) leaves those that hit all of it. Raises ValueError for
    probabilities that are negative, sum to more than 1 or are too many, and for t < 0.
    """
    p, t = idea.check_probabilities(probabilities), check.whole("t", t)
    check.whole("slices", len(p), 1, SLICES)
    within = np.full(1, 1 - p.sum())
    for chance in p:  # the sum over the slices of each set
        within = np.concatenate([within, within + chance])
    hit = np.maximum(within, 0) ** t
    for number in range(len(p)):
        view = hit.reshape(-1, 2, 2**number)
        view[:, 1] -= view[:, 0]
    return hit


def lengths(sequences: Sequence[Sequence[int]], slices: int) -> NDArray[np.int64]:
    """Length of the longest surviving prefix for each set of hit slices, (2^L,)."""
    best = np.zeros(2**slices, np.int64)
    hit = np.arange(2**slices)
    for i, sequence in enumerate(sequences):
        mask = 0
        for place, number in enumerate(idea.check_order(f"sequences[{i}]", sequence, slices), 1):
            mask |= 1 << number
            alive = hit & mask == 0
            best[alive] = np.maximum(best[alive], place)
    return best


def _check_prefixes(sequences: Sequence[Sequence[int]], slices: int, k: int) -> set[Order]:
    """The different first k slices of sequences."""
    slices = check.whole("slices", slices, 1, SLICES)
    k = check.whole("k", k, 1, slices)
    found = [idea.check_order(f"sequences[{i}]", sequence, slices) for i, sequence in enumerate(sequences)]
    if not found:
        raise ValueError("sequences is empty; allowed is at least one sequence")
    for order in found:
        if len(order) < k:
            raise ValueError(f"sequences holds {order}; allowed are at least the first k = {k} slices")
    return {order[:k] for order in found}

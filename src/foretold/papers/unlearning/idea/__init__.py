"""Exact unlearning by switching off: how many deletions a system of shards, slices and sequences withstands.

Paper: Basu Roy Chowdhury et al., "Towards scalable exact machine unlearning using parameter-efficient fine-tuning"
(S3T), ICLR 2025, arXiv 2406.16257.
The data are cut into m disjoint shards, each shard into L disjoint slices, numbered from 0. On each shard B sequences
(orders of its slices) are trained, slice after slice. A deletion of a row of slice s leaves of every sequence of the
shard what stands before s: its longest surviving prefix. A shard is dead when no sequence has a prefix left, the system
fails when all shards are dead. Only first slices, the heads, matter for that, and there are B' = min(B, L) of them.

The compiled simulation is in `loops`, exact checks of the theory in `theory`, training in
`training`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from foretold.papers.unlearning.idea import loops

Array = NDArray[Any]
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
    m, slices, heads = _system(shards, slices, budget)
    return m * slices * harmonic(m * heads)


def expected_deletions_finite(n: int, shards: int, slices: int, budget: int) -> float:
    """The same for n rows of which each can be deleted once, in uniformly random order (our derivation).

    The rows are dealt to the m L slices as evenly as they go; where some slices get one more than others, which ones is
    random. Rational arithmetic, rounded once at the end. Raises ValueError for m, L or B below 1, and for n < m L.
    """
    m, slices, heads = _system(shards, slices, budget)
    cells, kept = m * slices, m * heads
    rows = _whole("n", n, cells, f"a whole number of rows, at least one for each of the {cells} slices")
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


def simulate_deletions(shards: int, slices: int, budget: int, runs: int, rng: np.random.Generator) -> Array:
    """Deletions until every shard is dead in `runs` independent runs, (runs,) int64: each deletion is drawn.

    The sequences are the cyclic ones. Beyond L sequences all heads are in use, and nothing changes. Raises ValueError
    for numbers below 1, for more than 2**31 slices in all, and without a numpy Generator.
    """
    m, slices, heads = _system(shards, slices, budget)
    _generator(rng)
    if m * slices >= 2**31:
        raise ValueError(f"shards times slices is {m * slices}; allowed are fewer than 2**31 slices in all")
    protected = np.zeros((m, slices), np.uint8)
    protected[:, [sequence[0] for sequence in cyclic_sequences(slices, heads)]] = 1
    times = np.empty(_whole("runs", runs), np.int64)
    loops.until_failure(protected.ravel(), rng.integers(0, 2**64, dtype=np.uint64), times)
    return times


def harmonic(k: int) -> float:
    """H_k = 1 + 1/2 + ... + 1/k. Raises ValueError for k < 1."""
    return math.fsum(1 / j for j in range(1, _whole("k", k) + 1))


# Which sequences to train


def cyclic_sequences(slices: int, budget: int) -> list[Order]:
    """Iterative cyclic rotation (Algorithm 1): `budget` different orders of the slices 0..L-1.

    Up to L of them are right-rotations of (0, ..., L-1). For more, the first slice of every sequence is kept and the
    rest is rotated, as often as the budget asks for, then the first two are kept, and so on. A larger
    budget begins with the heads of a smaller one, and uses all heads equally often, up to one.

    Raises ValueError for slices < 1 and for a budget below 1 or above L!, the number of orders.
    """
    slices = _whole("slices", slices)
    budget = _whole("budget", budget)
    if slices <= 20 and budget > math.factorial(slices):
        raise ValueError(
            f"budget is {budget}; allowed are 1 to {math.factorial(slices)}, the orders of {slices} slices"
        )
    found: list[Order] = [tuple(range(slices))]
    for fixed in range(slices):
        if len(found) >= budget:
            break
        each, more = divmod(min(budget, len(found) * (slices - fixed)), len(found))
        turns = [each + (i < more) for i in range(len(found))]  # heads take turns in `found`, so they stay even
        found += [
            order[:fixed] + _rotated(order[fixed:], turn)
            for turn in range(1, max(turns))
            for order, several in zip(tuple(found), turns, strict=True)
            if turn < several
        ]
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
    chances = _probabilities(probabilities)
    t = _exponent(t)
    order = _order("sequence", sequence, len(chances))
    untouched = 1 - np.cumsum(chances[list(order)])
    return float(np.sum(np.arange(1, len(order) + 1) * np.maximum(untouched, 0) ** t))


def bms_sequences(probabilities: ArrayLike, t: float = 100, budget: int | None = None) -> list[Order]:
    """Bipartite-matching selection (Algorithm 2) for slices that are deleted with different probabilities.

    Begins with the L sequences of one slice each. In each round sequences and slices are the two sides of a graph, the
    weight of an edge is the `sequence_score` of the sequence with that slice appended, and the heaviest perfect
    matching appends one slice to each: every slice stands once at every place (a Latin square). `budget` takes the
    first so many, by default all L. Raises ValueError as `sequence_score` does, and for a budget outside 1..L.
    """
    chances = _probabilities(probabilities)
    t, slices = _exponent(t), len(chances)
    budget = slices if budget is None else _whole("budget", budget)
    if budget > slices:
        raise ValueError(f"budget is {budget}; allowed are 1 to {slices}, one sequence for each slice at most")
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
    slices = _whole("slices", slices)
    if slices > 22:
        raise ValueError(f"slices is {slices}; allowed are at most 22, since all 2**slices sets of them are looked at")
    k, deletions = _whole("k", k), _whole("deletions", deletions, 0)
    if k > slices:
        raise ValueError(f"k is {k}; allowed are 1 to {slices}, the number of slices")
    orders = [_order(f"sequences[{i}]", sequence, slices) for i, sequence in enumerate(sequences)]
    if not orders:
        raise ValueError("sequences is empty; allowed is at least one sequence")
    if short := [order for order in orders if len(order) < k]:
        raise ValueError(f"sequences holds {short[0]}; allowed are at least the first k = {k} slices")
    hit = np.arange(2**slices, dtype=np.int64)
    alive = np.zeros(len(hit), bool)
    for prefix in {sum(1 << number for number in order[:k]) for order in orders}:
        alive |= hit & prefix == 0
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
    slices, k = _whole("slices", slices), _whole("k", k)
    if k > slices:
        raise ValueError(f"k is {k}; allowed are 1 to {slices}, the number of slices")
    hit = 1 - (1 - k / slices) ** _whole("deletions", deletions, 0)
    return 1 - hit ** _whole("heads", heads)


# Checks of the input


def _system(shards: int, slices: int, budget: int) -> tuple[int, int, int]:
    """(m, L, B') of a system; ValueError for numbers below 1."""
    m, slices, budget = _whole("shards", shards), _whole("slices", slices), _whole("budget", budget)
    return m, slices, min(budget, slices)


def _whole(name: str, value: Any, least: int = 1, allowed: str | None = None) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} is {value!r}; allowed is {allowed or f'a whole number of at least {least}'}")
    return int(value)


def _generator(rng: Any) -> None:
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng is {rng!r}; allowed is a numpy.random.Generator")


def _exponent(t: Any) -> float:
    if isinstance(t, bool) or not isinstance(t, Real) or not 0 <= t < math.inf:
        raise ValueError(f"t is {t!r}; allowed is a finite number of deletions, at least 0")
    return float(t)


def _probabilities(values: ArrayLike) -> Array:
    chances = np.asarray(values, float)
    if chances.ndim != 1 or chances.size == 0:
        raise ValueError(f"probabilities has shape {chances.shape}; allowed is one number for each slice")
    if not np.all(chances >= 0) or chances.sum() > 1 + 1e-9:
        raise ValueError(f"probabilities is {chances.tolist()}; allowed are numbers of at least 0 with a sum up to 1")
    return chances


def _order(name: str, sequence: Sequence[int], slices: int) -> Order:
    order = tuple(sequence)
    whole = all(isinstance(number, Integral) and not isinstance(number, bool) for number in order)
    if not order or not whole or len(set(order)) < len(order) or not all(0 <= number < slices for number in order):
        raise ValueError(f"{name} is {order}; allowed are different slices, numbered 0 to {slices - 1}")
    return tuple(map(int, order))

"""Deletions until failure, simulated: every deletion is drawn, none is skipped, in compiled loops.

The draws are those of SplitMix64 (Steele, Lea and Flood 2014), a counter that is scrambled, seeded by a numpy
Generator. Its upper 32 bits times the number of slices, divided by 2**32, are the slice: for 30 slices the chance of
each is right to a part in a hundred million.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numba import njit
from numpy.typing import NDArray

from foretold.kit import check
from foretold.kit.uncertainty import mean_interval
from foretold.papers.unlearning import idea

Array = NDArray[Any]


def simulate_deletions(shards: int, slices: int, budget: int, runs: int, rng: np.random.Generator) -> Array:
    """Deletions until every shard is dead in `runs` independent runs, (runs,) int64: each deletion is drawn.

    The sequences are the cyclic ones. Beyond L sequences all heads are in use, and nothing changes. Raises ValueError
    for numbers below 1, for more than 2**31 slices in all, and without a numpy Generator.
    """
    protected, times = _prepared(shards, slices, budget, runs)
    seed = check.generator("rng", rng).integers(0, 2**64, dtype=np.uint64)
    until_failure(protected, seed, times)
    return times


def simulate_finite(n: int, shards: int, slices: int, budget: int, runs: int, rng: np.random.Generator) -> Array:
    """Deletions until failure when n rows are deleted in random order, each once, (runs,); equal slices only.

    Raises ValueError as `simulate_deletions` does, and unless n is a multiple of shards * slices.
    """
    protected, times = _prepared(shards, slices, budget, runs)
    cells = len(protected)
    if check.whole("n", n) < cells or n % cells:
        raise check.refuse("n", n, f"multiples of {cells}, the number of slices")
    where = np.repeat(np.arange(cells), n // cells)
    seed = check.generator("rng", rng).integers(0, 2**64, dtype=np.uint64)
    until_failure_finite(where, protected, seed, times)
    return times


def rates(shards: int, slices: int, budgets: Sequence[int], runs: int, rng: np.random.Generator) -> pd.DataFrame:
    """Simulated and expected deletions until failure for each budget: budget, theory, mean, low, high."""
    rows = []
    for budget in budgets:
        times = simulate_deletions(shards, slices, budget, runs, rng)
        rows.append((budget, idea.expected_deletions(shards, slices, budget), *mean_interval(times)))
    return pd.DataFrame(rows, columns=["budget", "theory", "mean", "low", "high"])


def _prepared(shards: int, slices: int, budget: int, runs: int) -> tuple[Array, Array]:
    """Which of the m L slices is a head, (m L,) of 0 and 1, and room for the times of all runs."""
    m, slices, heads = idea.check_system(shards, slices, budget)
    if m * slices >= 2**31:
        raise ValueError(f"shards times slices is {m * slices}; allowed are fewer than 2**31 slices in all")
    protected = np.zeros((m, slices), np.uint8)
    protected[:, [sequence[0] for sequence in idea.cyclic_sequences(slices, heads)]] = 1
    return protected.ravel(), np.empty(check.whole("runs", runs, 1), np.int64)


STEP, FIRST, SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
HALF = np.uint64(32)


@njit(cache=True)
def scrambled(state):
    """64 random bits from a counter."""
    z = (state ^ (state >> np.uint64(30))) * FIRST
    z = (z ^ (z >> np.uint64(27))) * SECOND
    return z ^ (z >> np.uint64(31))


@njit(cache=True)
def until_failure(protected, state, times):
    """Fill `times` (runs,) with the number of deletions until each slice with a 1 in `protected` (cells,) was hit.

    `mark` holds the run in which a slice was hit last, so that nothing has to be cleared between runs. There is no
    branch on a random number, which a processor could not foresee.
    """
    cells = np.uint64(protected.size)
    heads = np.int64(protected.sum())
    mark = np.full(protected.size, -1, np.int64)
    for run in range(times.size):
        left, count = heads, 0
        while left > 0:
            state += STEP
            cell = ((scrambled(state) >> HALF) * cells) >> HALF
            left -= np.int64(protected[cell]) & np.int64(mark[cell] != run)
            mark[cell] = run
            count += 1
        times[run] = count


@njit(cache=True)
def until_failure_finite(cell_of, protected, state, times):
    """The same for rows that are deleted once each: row i lies in slice `cell_of[i]`. A run shuffles the rows from the
    front, as far as it needs to."""
    rows = np.arange(cell_of.size)
    heads = np.int64(protected.sum())
    mark = np.full(protected.size, -1, np.int64)
    for run in range(times.size):
        left, count = heads, 0
        while left > 0:
            state += STEP
            span = np.uint64(rows.size - count)
            other = count + np.int64(((scrambled(state) >> HALF) * span) >> HALF)
            row = rows[other]
            rows[other] = rows[count]
            rows[count] = row
            cell = cell_of[row]
            left -= np.int64(protected[cell]) & np.int64(mark[cell] != run)
            mark[cell] = run
            count += 1
        times[run] = count

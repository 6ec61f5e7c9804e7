"""Compiled simulation of deletions: every deletion is drawn, none is skipped.

The draws are those of SplitMix64 (Steele, Lea and Flood 2014), a counter that is scrambled, seeded by a numpy
Generator. Its upper 32 bits times the number of slices, divided by 2**32, are the slice: for 30 slices the chance of
each is right to a part in a hundred million.
"""

from __future__ import annotations

import numpy as np
from numba import njit

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

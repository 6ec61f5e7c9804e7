"""The nested chain of partial programs with the largest total, by dynamic programming over all of them.

A tree is two arrays in preorder: costs (n,) and ends (n,), where the subtree of node v is v, ..., ends[v] - 1. A
partial program, here a *set* of kept nodes, is named by its holes a1 < a2 < ..., the removed nodes whose parent stays.
The root always stays.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]


class Sets(NamedTuple):
    """All S sets of a tree of n nodes with at most m holes: `holes` (S, m) and their numbers `sizes` (S,); which of
    them stands at a `place`, `at` (P,); the tree's `ends` and `parents` (n,), and binomial coefficients (n + 1, m + 1).
    """

    holes: Array
    sizes: Array
    at: Array
    ends: Array
    parents: Array
    binomials: Array


def count(ends: Array, holes: int) -> int:
    """How many sets a tree has with at most `holes` holes."""
    n = len(ends)
    ways = [[1] * (holes + 1) for _ in range(n + 1)]
    for v in range(n - 1, 0, -1):
        for h in range(1, holes + 1):
            ways[v][h] = ways[v + 1][h] + ways[int(ends[v])][h - 1]
    return ways[min(1, n)][holes]


@njit(cache=True)
def best_chain(costs, ends, budgets, most, total):
    """The nested chain, (T, n) of bool, with the largest total of sizes, among the `total` sets of up to `most` holes.

    Let W(K, i) be the largest total over the budgets i, i + 1, ... of a chain inside the set K, and e(K) the number of
    budgets that K keeps. Then W(K, i) is the largest W(S, i) over the sets S just below K, or for i < e(K) also
    (e(K) - i) size(K) + W(K, e(K)). Only i <= e(K) is ever asked for, because e rises as sets shrink.
    """
    sets = all_sets(ends, most, total)
    kept, fits = kept_nodes(sets), fitting_budgets(sets, costs, budgets)
    first = np.zeros(total + 1, np.int64)  # W(K, 0), W(K, 1), ... stand in `worth` from first[K] on
    first[1:] = np.cumsum(fits + 1)
    worth = largest_totals(sets, kept, fits, first)
    return read_chain(sets, kept, fits, first, worth, len(budgets))


@njit(cache=True)
def all_sets(ends, most, total):
    """Set 0 has no hole; each other one comes after the set without its last hole."""
    n = len(ends)
    binomials = np.zeros((n + 1, most + 1), np.int64)
    binomials[:, 0] = 1
    for a in range(1, n + 1):
        for j in range(1, most + 1):
            binomials[a, j] = binomials[a - 1, j - 1] + binomials[a - 1, j]
    holes, sizes = np.zeros((total, most), np.int16), np.zeros(total, np.int64)
    at = np.zeros(binomials[n].sum(), np.int32)
    made = 1
    for s in range(total):
        size = sizes[s]
        if size == most:
            break
        for a in range(ends[holes[s, size - 1]] if size > 0 else 1, n):
            holes[made, :size] = holes[s, :size]
            holes[made, size] = a
            sizes[made] = size + 1
            at[place(holes[made], size + 1, binomials)] = made
            made += 1
    return Sets(holes, sizes, at, ends, parents(ends), binomials)


@njit(cache=True)
def parents(ends):
    """Number of each node's parent, (n,); 0 for the root."""
    found = np.zeros(len(ends), np.int64)
    for v in range(len(ends)):
        child = v + 1
        while child < ends[v]:
            found[child] = v
            child = ends[child]
    return found


@njit(cache=True)
def place(holes, size, binomials):
    """The place of a set in the list of all choices of nodes: fewer nodes first, then by C(a1, 1) + C(a2, 2) + ..."""
    found = np.int64(0)
    for j in range(size):
        found += binomials[-1, j] + binomials[holes[j], j + 1]
    return found


@njit(cache=True)
def just_below(sets, s, found):
    """The sets just below set s: a hole moved up to its parent, or, if there is room, a new hole at a leaf. Every
    smaller set can be reached by such steps. Writes them into `found` (2 n + 2,), and returns how many."""
    holes, size, ends = sets.holes[s], sets.sizes[s], sets.ends
    changed, many = np.empty_like(holes), 0
    for hole in holes[:size]:
        up = sets.parents[hole]
        if up == 0:  # the root would go, and with it everything
            continue
        length = 0
        for other in holes[:size]:
            if other == hole or not up <= other < ends[up]:  # others below the new hole go with it
                changed[length] = up if other == hole else other
                length += 1
        found[many] = sets.at[place(changed, length, sets.binomials)]
        many += 1
    if size == len(holes):
        return many
    v, before = 1, 0
    while v < len(ends):
        if before < size and holes[before] == v:
            v, before = ends[v], before + 1
            continue
        if ends[v] == v + 1:
            changed[:before] = holes[:before]
            changed[before] = v
            changed[before + 1 : size + 1] = holes[before:size]
            found[many] = sets.at[place(changed, size + 1, sets.binomials)]
            many += 1
        v += 1
    return many


@njit(cache=True)
def kept_nodes(sets):
    """Number of nodes that each set keeps, (S,)."""
    found = np.full(len(sets.sizes), len(sets.ends), np.int64)
    for s in range(len(found)):
        for hole in sets.holes[s, : sets.sizes[s]]:
            found[s] -= sets.ends[hole] - hole
    return found


@njit(cache=True)
def fitting_budgets(sets, costs, budgets):
    """How many of the budgets, which do not rise and have room for rounding, are enough for each set, (S,)."""
    paid = np.zeros(len(costs) + 1)  # by the nodes before each
    paid[1:] = np.cumsum(costs)
    found = np.zeros(len(sets.sizes), np.int64)
    for s in range(len(found)):
        cost = paid[-1]
        for hole in sets.holes[s, : sets.sizes[s]]:
            cost -= paid[sets.ends[hole]] - paid[hole]
        while found[s] < len(budgets) and cost <= budgets[found[s]]:
            found[s] += 1
    return found


@njit(cache=True)
def largest_totals(sets, kept, fits, first):
    """W of `best_chain`, small sets before large ones."""
    worth = np.zeros(first[-1], np.int32)
    below = np.zeros(2 * len(sets.ends) + 2, np.int64)
    for s in np.argsort(kept):
        fit, row = fits[s], worth[first[s] : first[s + 1]]
        for smaller in below[: just_below(sets, s, below)]:
            other = worth[first[smaller] : first[smaller + 1]]
            for i in range(fit + 1):
                row[i] = max(row[i], other[i])
        for i in range(fit):
            row[i] = max(row[i], row[fit] + kept[s] * (fit - i))
    return worth


@njit(cache=True)
def read_chain(sets, kept, fits, first, worth, last):
    """A chain that has the largest total, (last, n) of bool: walk down from the whole tree, and stay with a set for all
    budgets that it keeps where that loses nothing."""
    chain = np.zeros((last, len(sets.ends)), np.bool_)
    below = np.zeros(2 * len(sets.ends) + 2, np.int64)
    s, i = np.int64(0), np.int64(0)
    while i < last and worth[first[s] + i] > 0:
        fit, total = fits[s], worth[first[s] + i]
        if i < fit and total == worth[first[s] + fit] + kept[s] * (fit - i):
            chain[i:fit] = True
            for hole in sets.holes[s, : sets.sizes[s]]:
                chain[i:fit, hole : sets.ends[hole]] = False
            i = fit
            continue
        for smaller in below[: just_below(sets, s, below)]:
            if worth[first[smaller] + i] == total:
                s = smaller
                break
    return chain

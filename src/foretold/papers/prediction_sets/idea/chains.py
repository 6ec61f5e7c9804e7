"""The largest partial program for every budget at once, and nested chains of them with the largest total: the loops.

A tree is two arrays in preorder: costs (n,) and ends (n,), where the subtree of node v is v, ..., ends[v] - 1. A
partial program is the set of its kept nodes, (n,) of bool.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]
SLACK = 1e-9  # sums of costs are compared with budgets up to rounding
LIMIT = 200_000_000  # numbers that the search for the best chain may keep, of 4 bytes each


@njit(cache=True)
def table(costs, ends, holes, allowed, required):
    """Least cost of keeping exactly k of the nodes v, v + 1, ... with at most h holes among them: (n + 1, holes + 1,
    n + 1) by v, h and k. The parent of v is kept.

    Either v is kept, and its first child or its next relative follows; or v becomes a hole, and its subtree is skipped.
    `allowed` and `required` (n,) are the nodes that may and that must be kept. Only a whole tree could lose its root.
    """
    n = len(costs)
    least = np.full((n + 1, holes + 1, n + 1), np.inf)
    least[n, :, 0] = 0.0
    for v in range(n - 1, -1, -1):
        for h in range(holes + 1):
            for k in range(n - v + 1):
                if k > 0 and allowed[v]:
                    least[v, h, k] = costs[v] + least[v + 1, h, k - 1]
                if h > 0 and v > 0 and not required[v]:
                    least[v, h, k] = min(least[v, h, k], least[ends[v], h - 1, k])
    return least


@njit(cache=True)
def sizes(least, budgets):
    """Number of nodes in the largest set for each budget, (T,); 0 where not even the root can be kept."""
    found = np.zeros(len(budgets), np.int64)
    n, holes = least.shape[0] - 1, least.shape[1] - 1
    for i in range(len(budgets)):
        for k in range(n, 0, -1):
            if least[0, holes, k] < np.inf and least[0, holes, k] <= budgets[i] + SLACK:
                found[i] = k
                break
    return found


@njit(cache=True)
def trace(least, costs, ends, allowed, size):
    """The cheapest set of `size` nodes, (n,) of bool, read from its table."""
    kept = np.zeros(len(costs), np.bool_)
    v, h, k = 0, least.shape[1] - 1, size
    while k > 0:
        if allowed[v] and costs[v] + least[v + 1, h, k - 1] <= least[v, h, k]:
            kept[v] = True
            v, k = v + 1, k - 1
        else:
            v, h = ends[v], h - 1
    return kept


@njit(cache=True)
def optima(costs, ends, budgets, holes):
    """The largest set for each budget, the cheapest of that size, (T, n). One table serves all budgets."""
    n = len(costs)
    everything = np.ones(n, np.bool_)
    least = table(costs, ends, holes, everything, np.zeros(n, np.bool_))
    sets = np.zeros((len(budgets), n), np.bool_)
    found = sizes(least, budgets)
    for i in range(len(budgets)):
        sets[i] = trace(least, costs, ends, everything, found[i])
    return sets


@njit(cache=True)
def one_after_another(costs, ends, budgets, holes, shrink):
    """A nested chain, (T, n): each set is the largest one inside the set before it (`shrink`), from the largest budget
    to the smallest, or the largest one around the set after it, from the smallest to the largest."""
    n, last = len(costs), len(budgets)
    everything, nothing = np.ones(n, np.bool_), np.zeros(n, np.bool_)
    sets = np.zeros((last, n), np.bool_)
    now, allowed = nothing, everything
    least = table(costs, ends, holes, everything, nothing)
    for step in range(last):
        i = step if shrink else last - 1 - step
        size = sizes(least, budgets[i : i + 1])[0]
        if step == 0 or size != now.sum():
            now = trace(least, costs, ends, allowed, size)
            allowed = now if shrink else everything
            least = table(costs, ends, holes, allowed, nothing if shrink else now)
        sets[i] = now
    return sets


def chain(costs: Array, ends: Array, budgets: Array, holes: int, exact: bool) -> Array:
    """Nested sets, (T, n), with the largest total of sizes; without `exact`, the better of two quick chains.

    The sum of the single optima is an upper bound. A quick chain that reaches it is optimal, and on trees of real
    programs most do. If neither does, the best chain is found among all sets with at most `holes` holes. Raises
    ValueError if that search would have to keep more than LIMIT numbers.
    """
    bound = int(optima(costs, ends, budgets, holes).sum())
    chains = [one_after_another(costs, ends, budgets, holes, shrink) for shrink in (True, False)]
    best = max(chains, key=np.sum)
    if not exact or best.sum() == bound:
        return best
    n = len(costs)
    choices = sum(math.comb(n, h) for h in range(holes + 1))
    needed = choices + partial_programs(ends, holes) * (len(budgets) + 1)
    if needed > LIMIT:
        raise ValueError(
            f"exact is True; {holes} holes in {n} nodes for {len(budgets)} budgets: {needed} numbers to keep, allowed"
            f" are {LIMIT}, or exact=False: that total, {best.sum()}, is at most {bound - best.sum()} below the optimum"
        )
    return best_chain(costs, ends, budgets, holes)


def partial_programs(ends: Array, holes: int) -> int:
    """How many partial programs a tree has that keep the root and have at most `holes` holes."""
    n = len(ends)
    ways = [[1] * (holes + 1) for _ in range(n + 1)]
    for v in range(n - 1, 0, -1):
        for h in range(1, holes + 1):
            ways[v][h] = ways[v + 1][h] + ways[int(ends[v])][h - 1]
    return ways[min(1, n)][holes]


@njit(cache=True)
def below(state, count, ends, parent, ranks, offsets, into):
    """Ranks of the sets just below one: a hole moved up to its parent, or, if there is room, a new hole at a leaf.
    Every smaller set with as few holes can be reached by such steps. Writes them into `into`, and returns how many."""
    found, room = 0, len(state)
    for j in range(count):
        up = parent[state[j]]
        if up == 0:  # the root would go, and with it everything
            continue
        rank, q, placed = np.int64(0), 0, False
        for i in range(count):
            swallowed = up <= state[i] < ends[up]
            if not (swallowed and placed):
                q += 1
                rank += ranks[up if swallowed else state[i], q]
                placed = placed or swallowed
        into[found] = offsets[q] + rank
        found += 1
    if count < room:
        v, j = 1, 0
        while v < len(ends):
            if j < count and state[j] == v:
                v, j = ends[v], j + 1
                continue
            if ends[v] == v + 1:
                rank = ranks[v, j + 1]
                for i in range(count):
                    rank += ranks[state[i], i + 1 if i < j else i + 2]
                into[found] = offsets[count + 1] + rank
                found += 1
            v += 1
    return found


@njit(cache=True)
def best_chain(costs, ends, budgets, holes):
    """The nested chain, (T, n), with the largest total: dynamic programming over all sets with at most `holes` holes.

    Let W(K, i) be the largest total over the budgets i, i + 1, ... of a chain inside K, and e(K) the number of budgets
    that K keeps. Then W(K, i) is the largest W(S, i) over the sets S just below K, or for i < e(K) also
    (e(K) - i) size(K) + W(K, e(K)). Only i <= e(K) is ever asked for, because e rises as sets shrink.
    """
    n, last = len(costs), len(budgets)
    parent = np.zeros(n, np.int64)
    for v in range(n):
        w = v + 1
        while w < ends[v]:
            parent[w] = v
            w = ends[w]
    paid = np.zeros(n + 1)
    for v in range(n):
        paid[v + 1] = paid[v] + costs[v]
    # A set is named by its holes a1 < a2 < ..., and found again by C(a1, 1) + C(a2, 2) + ...
    ranks = np.zeros((n + 1, holes + 2), np.int64)
    for a in range(n + 1):
        ranks[a, 0] = 1
        for j in range(1, holes + 1):
            ranks[a, j] = ranks[a - 1, j - 1] + ranks[a - 1, j] if a > 0 else 0
    offsets = np.zeros(holes + 2, np.int64)
    offsets[1] = 1
    for j in range(1, holes + 1):
        offsets[j + 1] = offsets[j] + ranks[n, j]
    number = np.full(offsets[holes + 1], -1, np.int32)
    ways = np.zeros((n + 1, holes + 1), np.int64)
    ways[:, 0] = 1
    for v in range(n - 1, 0, -1):
        for j in range(1, holes + 1):
            ways[v, j] = ways[v + 1, j] + ways[ends[v], j - 1]
    total = ways[1].sum() if n > 1 else 1
    state, count = np.zeros((total, holes), np.int16), np.zeros(total, np.int64)
    size, cost = np.zeros(total, np.int64), np.zeros(total)
    size[0], cost[0], number[0] = n, paid[n], 0
    made, low = 1, 0
    for j in range(holes):
        high = made
        for s in range(low, high):
            rank = np.int64(0)
            for i in range(j):
                rank += ranks[state[s, i], i + 1]
            for a in range(1 if j == 0 else ends[state[s, j - 1]], n):
                state[made, :j] = state[s, :j]
                state[made, j], count[made] = a, j + 1
                size[made] = size[s] - (ends[a] - a)
                cost[made] = cost[s] - (paid[ends[a]] - paid[a])
                number[offsets[j + 1] + rank + ranks[a, j + 1]] = made
                made += 1
        low = high
    fits, rows = np.zeros(made, np.int64), np.zeros(made + 1, np.int64)
    for s in range(made):
        while fits[s] < last and cost[s] <= budgets[fits[s]] + SLACK:
            fits[s] += 1
        rows[s + 1] = rows[s] + fits[s] + 1
    places = np.zeros(n + 2, np.int64)
    for s in range(made):
        places[size[s] + 1] += 1
    for k in range(n + 1):
        places[k + 1] += places[k]
    order = np.zeros(made, np.int64)
    for s in range(made):
        order[places[size[s]]] = s
        places[size[s]] += 1
    worth, near = np.zeros(rows[made], np.int32), np.zeros(2 * n + 2, np.int64)
    for s in order:
        e, row = fits[s], worth[rows[s] : rows[s + 1]]
        for t in range(below(state[s], count[s], ends, parent, ranks, offsets, near)):
            other = worth[rows[number[near[t]]] :]
            for i in range(e + 1):
                row[i] = max(row[i], other[i])
        for i in range(e):
            row[i] = max(row[i], row[e] + size[s] * (e - i))
    best, s, i = np.zeros((last, n), np.bool_), np.int64(0), np.int64(0)
    while i < last and worth[rows[s] + i] > 0:
        e = fits[s]
        if i < e and worth[rows[s] + i] == worth[rows[s] + e] + size[s] * (e - i):
            best[i:e] = True
            for j in range(count[s]):
                best[i:e, state[s, j] : ends[state[s, j]]] = False
            i = e
            continue
        for t in range(below(state[s], count[s], ends, parent, ranks, offsets, near)):
            following = number[near[t]]
            if worth[rows[following] + i] == worth[rows[s] + i]:
                s = np.int64(following)
                break
    return best

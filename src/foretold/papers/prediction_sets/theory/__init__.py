"""Partial programs for many budgets, nested and jointly optimal: what the paper gives to a solver.

The sum of the single optima is an upper bound. Two quick chains reach it on most trees of real programs; where neither
does, `search` finds the best chain among all partial programs. `oracles` checks, in other ways.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foretold.kit import check
from foretold.papers.prediction_sets.idea import SLACK, Node, Partial, check_tree, one_after_another, optima
from foretold.papers.prediction_sets.theory import search

Array = NDArray[Any]
LIMIT = 200_000_000  # numbers that the search for the best chain may keep, of 4 bytes each


def nested_partial_programs(tree: Node, budgets: ArrayLike, max_holes: int) -> list[Partial]:
    """One partial program for each budget, nested (a smaller budget keeps a subset), with most kept nodes in total.

    `budgets` (T,) must not rise, as -log(tau) for rising tau; each program has at most `max_holes` holes and keeps its
    budget. Raises ValueError for budgets that are negative, rise or are not one-dimensional, for max_holes below 0, and
    where the best chain must be searched for and that would keep more than `LIMIT` numbers.
    """
    values = np.asarray(budgets, dtype=float)
    if values.ndim != 1 or values.size == 0 or not np.all(values >= 0) or np.any(values[1:] > values[:-1]):
        raise check.refuse("budgets", budgets, "numbers of at least 0 that do not rise, as -log of rising taus")
    check_tree("tree", tree)
    holes = check.whole("max_holes", max_holes, 0)
    return [Partial(tree, kept) for kept in chain(tree.costs, tree.ends, values, holes)]


def chain(costs: Array, ends: Array, budgets: Array, holes: int) -> Array:
    """Nested sets of kept nodes, (T, n) of bool, with the largest total of sizes.

    A quick chain that reaches the bound is optimal. If neither does, the best one is found among all sets with at most
    `holes` holes. Raises ValueError if that search would have to keep more than LIMIT numbers.
    """
    bound = optima(costs, ends, budgets, holes).sum()
    best = max((one_after_another(costs, ends, budgets, holes, shrink) for shrink in (True, False)), key=np.sum)
    if best.sum() == bound:
        return best
    n, total = len(costs), search.count(ends, holes)
    needed = sum(math.comb(n, h) for h in range(holes + 1)) + total * (len(budgets) + 1)
    if needed > LIMIT:
        raise ValueError(
            f"max_holes is {holes}, for {n} nodes and {len(budgets)} budgets: the search would keep {needed} numbers, "
            f"allowed are {LIMIT}"
        )
    return search.best_chain(costs, ends, budgets + SLACK, holes, total)

"""Slow second opinions for the prediction-sets chapter: every partial program of a small tree, and an integer program.

They share no code with `nested_partial_programs`, against which `comparison` holds them, and take the same trees and
budgets.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from scipy import optimize, sparse

from foretold.papers.prediction_sets.idea import Node, Partial, largest_partial_program
from foretold.papers.prediction_sets.theory import nested_partial_programs


def parents(tree: Node) -> np.ndarray:
    """Number of each node's parent in preorder, (n,); -1 for the root."""
    found, number = np.full(len(tree.nodes), -1), {id(node): v for v, node in enumerate(tree.nodes)}
    if len(number) < len(tree.nodes):
        raise ValueError("tree holds the same node twice; allowed is a tree of different nodes")
    for v, node in enumerate(tree.nodes):
        for child in node.children:
            found[number[id(child)]] = v
    return found


def partial_programs(tree: Node, max_holes: int) -> Iterator[Partial]:
    """Every partial program with at most `max_holes` holes: subsets of nodes, tried one by one. For small trees."""
    above = parents(tree)
    n = len(above)
    yield Partial(tree, np.zeros(n, bool))
    for bits in itertools.product((False, True), repeat=n - 1):
        kept = np.array((True, *bits))
        if any(kept[v] and not kept[above[v]] for v in range(1, n)):
            continue
        if sum(not kept[v] and kept[above[v]] for v in range(1, n)) <= max_holes:
            yield Partial(tree, kept)


def best_total(tree: Node, budgets: np.ndarray, max_holes: int) -> int:
    """Largest total size of a nested chain, by trying all: for each partial program, the best chain that ends in it."""
    kept = np.array([partial.kept for partial in partial_programs(tree, max_holes)], float)
    sizes, costs, totals = kept.sum(1), kept @ tree.costs, np.zeros(len(kept))
    inside = (1 - kept) @ kept.T == 0  # [a, b]: no node of b is missing in a
    for budget in budgets:
        best = np.where(inside.T, totals, -np.inf).max(1)  # over the chains whose last set holds this one
        totals = np.where(costs <= budget + 1e-9, best + sizes, -np.inf)
    return int(totals.max())


def integer_program(tree: Node, budgets: np.ndarray, max_holes: int, seconds: float = 60.0) -> np.ndarray:
    """The paper's joint integer program, solved by HiGHS: kept nodes, (T, n) of bool, nested and with the largest
    total.

    For each budget i and node v a binary x_iv (kept) and, below the root, h_iv (a hole): a child is kept only with its
    parent, h_iv >= x_i,parent(v) - x_iv, sum_v h_iv <= max_holes, sum_v l_v x_iv <= budget_i, x_iv >= x_i+1,v.
    Raises RuntimeError if no optimum was found within `seconds`.
    """
    count, n = len(budgets), len(tree.nodes)
    gain = np.concatenate([-np.ones(count * n), np.zeros(count * n)])
    found = optimize.milp(
        gain,
        constraints=_constraints(tree, budgets, max_holes),
        integrality=np.ones(2 * count * n),
        bounds=optimize.Bounds(0, 1),
        options={"time_limit": seconds, "mip_rel_gap": 0.0},
    )
    if found.status != 0:
        raise RuntimeError(f"HiGHS found no optimum: {found.message}")
    return found.x[: count * n].reshape(count, n) > 0.5


def _constraints(tree: Node, budgets: np.ndarray, max_holes: int) -> optimize.LinearConstraint:
    """Low <= sum of terms <= high, row by row, over the variables x (T, n) and h (T, n)."""
    above, n, count = parents(tree), len(tree.nodes), len(budgets)
    x, h = np.arange(2 * count * n).reshape(2, count, n)
    rows: list[tuple[list[tuple[int, float]], float, float]] = []
    for i in range(count):
        for v in range(1, n):
            rows.append(([(x[i, v], 1), (x[i, above[v]], -1)], -np.inf, 0))
            rows.append(([(h[i, v], 1), (x[i, above[v]], -1), (x[i, v], 1)], 0, np.inf))
        rows.append(([(h[i, v], 1) for v in range(1, n)], -np.inf, max_holes))
        if np.isfinite(budgets[i]):
            rows.append(([(x[i, v], tree.costs[v]) for v in range(n)], -np.inf, budgets[i]))
        if i + 1 < count:
            rows += [([(x[i, v], 1), (x[i + 1, v], -1)], 0, np.inf) for v in range(n)]
    matrix = sparse.lil_array((len(rows), 2 * count * n))
    for number, (terms, _, _) in enumerate(rows):
        for column, value in terms:
            matrix[number, column] = value
    return optimize.LinearConstraint(matrix.tocsr(), [low for _, low, _ in rows], [high for _, _, high in rows])


def random_tree(nodes: int, rng: np.random.Generator) -> Node:
    """A tree in which each node hangs from one of the six before it; four in ten cost nothing, the others 0.4 nats on
    average."""
    above = [int(rng.integers(max(0, v - 6), v)) for v in range(1, nodes)]
    costs = rng.exponential(0.4, nodes) * (rng.random(nodes) < 0.6)
    made: dict[int, Node] = {}
    for v in reversed(range(nodes)):
        made[v] = Node(float(costs[v]), [made[c] for c in range(v + 1, nodes) if above[c - 1] == v], "f")
    return made[0]


def comparison(cases: int, rng: np.random.Generator) -> tuple[int, int]:
    """(largest difference of the totals, number of trees where nesting costs something) over small random trees: our
    joint optimum, HiGHS and brute force."""
    worst = binding = 0
    for _ in range(cases):
        tree, holes = random_tree(int(rng.integers(4, 10)), rng), int(rng.integers(1, 4))
        budgets = np.sort(rng.uniform(0, tree.costs.sum(), 5))[::-1]
        ours = sum(part.size for part in nested_partial_programs(tree, budgets, holes))
        solver, tried = int(integer_program(tree, budgets, holes).sum()), best_total(tree, budgets, holes)
        single = sum(largest_partial_program(tree, budget, holes).size for budget in budgets)
        worst, binding = max(worst, abs(ours - solver), abs(ours - tried)), binding + (single > ours)
    return worst, binding

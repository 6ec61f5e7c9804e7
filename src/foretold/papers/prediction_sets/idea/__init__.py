"""PAC prediction sets of programs: a syntax tree with holes, as large as a budget allows, and its calibration.

Paper: Khakhar, Mell and Bastani, "PAC prediction sets for large language models of code", ICML 2023, PMLR 202, arXiv
2302.08703. A model predicts one program and the probability of each of its tokens. Every node v of its syntax tree has
a cost l_v, minus the logarithm of the probability of the tokens that belong to v. Removing subtrees leaves a *partial
program*: it stands for all programs that fill its holes. For a threshold tau the set is the largest partial program
with at most m holes whose kept nodes cost at most -log(tau).

Nodes are numbered in preorder: the parent first, then its children from left to right, each with its whole subtree.
`chains` makes families over many thresholds nested and jointly optimal; `theory` checks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from foretold.papers.prediction_sets.idea import chains

Array = NDArray[Any]
HOLE = "??"


@dataclass(frozen=True, eq=False)
class Node:
    """A node of a syntax tree. A tree is its root.

    Parameters
    ----------
    cost: minus the natural logarithm of the probability of the tokens that this node owns, at least 0
    children: its subtrees, in order
    text: how the node is written: one string for a leaf; around c children c + 1 strings, or one name, which is then
        written like a call, ``name(child, child)``
    label: what two nodes must agree on to be the same (their kind and the names they own); if left out, the text

    Raises ValueError for a cost that is negative or not finite, children that are no nodes, a text that does not fit.
    """

    cost: float
    children: Sequence[Node] = ()
    text: str | Sequence[str] = ""
    label: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.cost, bool) or not isinstance(self.cost, Real) or not 0 <= self.cost < math.inf:
            raise ValueError(f"cost is {self.cost!r}; allowed is a finite number of at least 0")
        children, text = tuple(self.children), self.text
        if wrong := [child for child in children if not isinstance(child, Node)]:
            raise ValueError(f"children holds {wrong[0]!r}; allowed are nodes")
        if isinstance(text, str):
            text = (f"{text}(", *[", "] * (len(children) - 1), ")") if children else (text,)
        if len(text) != len(children) + 1:
            raise ValueError(
                f"text has {len(text)} parts; allowed are {len(children) + 1} for {len(children)} children"
            )
        label = HOLE.join(text) if self.label is None else self.label
        for name, value in {
            "cost": float(self.cost),
            "children": children,
            "text": tuple(text),
            "label": label,
        }.items():
            object.__setattr__(self, name, value)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """This node and all below it, in preorder."""
        found, waiting = [], [self]
        while waiting:
            found.append(waiting.pop())
            waiting.extend(reversed(found[-1].children))
        return tuple(found)

    @cached_property
    def costs(self) -> Array:
        """Costs of `nodes`, (n,)."""
        return np.array([node.cost for node in self.nodes])

    @cached_property
    def ends(self) -> Array:
        """Where each subtree ends, (n,): that of number v is ``nodes[v : ends[v]]``."""
        ends = np.empty(len(self.nodes), int)
        for v in reversed(range(len(ends))):
            ends[v] = v + 1
            for _ in self.nodes[v].children:
                ends[v] = ends[ends[v]]
        return ends


Tree = Node


@dataclass(frozen=True, eq=False)
class Partial:
    """A tree with subtrees removed: `kept`, (n,) of bool, says which nodes of `tree` stay, in preorder. Whatever lies
    below a removed node is removed. It stands for every program that fills the holes."""

    tree: Node
    kept: Array

    @cached_property
    def holes(self) -> tuple[int, ...]:
        """Numbers of the removed nodes whose parent stays (the root, if everything is removed), from left to right."""
        found, v = [], 0
        while v < len(self.kept):
            if self.kept[v]:
                v += 1
            else:
                found.append(v)
                v = int(self.tree.ends[v])
        return tuple(found)

    @property
    def size(self) -> int:
        """Number of nodes that stay."""
        return int(np.count_nonzero(self.kept))

    @property
    def cost(self) -> float:
        """Cost of the nodes that stay."""
        return float(self.tree.costs @ self.kept)

    @property
    def removed(self) -> float:
        """Share of the nodes that were removed, from 0 to 1."""
        return 1 - self.size / len(self.kept)


# The largest partial program


def largest_partial_program(tree: Node, budget: float, max_holes: int) -> Partial:
    """The partial program with most nodes among those with at most `max_holes` holes and a cost of at most `budget`.

    `budget` is -log(tau), infinite for tau = 0. Among those of equal size it is one of the cheapest. If not even the
    root can be kept, everything is removed, which is always allowed and counts as no hole.
    Raises ValueError for a negative budget and for max_holes below 0.
    """
    budgets = _check_budgets("budget", [budget])
    _check_tree(tree)
    kept = chains.optima(tree.costs, tree.ends, budgets, _check_count("max_holes", max_holes, 0))[0]
    return Partial(tree, kept)


def nested_partial_programs(tree: Node, budgets: ArrayLike, max_holes: int, *, exact: bool = True) -> list[Partial]:
    """One partial program for each budget, nested (a smaller budget keeps a subset), with most kept nodes in total.

    `budgets` (T,) must not rise, as -log(tau) for rising tau; each program has at most `max_holes` holes and keeps its
    budget. The optimum over the whole chain may need a search where the single optima do not nest; with `exact` False
    they are nested one after another instead, from both ends, and the better chain is returned.
    Raises ValueError for budgets that are negative, rise or are not one-dimensional, for max_holes below 0, and when
    the exact search would keep more than `chains.LIMIT` numbers.
    """
    budgets = _check_budgets("budgets", budgets)
    _check_tree(tree)
    m = _check_count("max_holes", max_holes, 0)
    return [Partial(tree, kept) for kept in chains.chain(tree.costs, tree.ends, budgets, m, exact)]


def greedy_partial_program(tree: Node, budget: float, max_holes: int) -> Partial:
    """The baseline: remove the dearest leaf again and again until the rest keeps the budget.

    A leaf is a kept node without kept children. If a new hole would be one too many, the parent of a hole goes instead,
    with all below it: the dearest such parent. Raises ValueError as `largest_partial_program` does.
    """
    (budget,) = _check_budgets("budget", [budget])
    _check_tree(tree)
    m = _check_count("max_holes", max_holes, 0)
    n, costs, ends = len(tree.costs), tree.costs, tree.ends
    parent = np.full(n, -1)
    for v in range(n):
        child = v + 1
        while child < ends[v]:
            parent[child] = v
            child = ends[child]
    kept = np.ones(n, bool)
    while kept.any() and costs @ kept > budget + chains.SLACK:
        leaves = [v for v in np.flatnonzero(kept) if not kept[v + 1 : ends[v]].any()]
        holes = Partial(tree, kept).holes
        fits = [v for v in leaves if len(holes) + 1 - sum(v < hole < ends[v] for hole in holes) <= m]
        choice = fits or [parent[hole] for hole in holes] or [0]
        v = max(choice, key=lambda v: (costs[v], -v))
        kept[v : ends[v]] = False
    return Partial(tree, kept)


# What a partial program contains


def contains(partial: Partial | Node, program: Node) -> bool:
    """Whether `program` (any tree) fills the holes of `partial`: kept nodes must agree with it in label, in the number
    of children and, child by child, in order. A whole tree contains only itself. Costs do not matter.

    Raises ValueError when one of the arguments is something else.
    """
    if isinstance(partial, Node):
        partial = Partial(partial, np.ones(len(partial.nodes), bool))
    if not isinstance(partial, Partial):
        raise ValueError(f"partial is {partial!r}; allowed is a Partial or a Node")
    _check_tree(program, "program")
    waiting = [(0, program)]
    while waiting:
        v, other = waiting.pop()
        if not partial.kept[v]:
            continue
        node = partial.tree.nodes[v]
        if node.label != other.label or len(node.children) != len(other.children):
            return False
        child = v + 1
        for there in other.children:
            waiting.append((child, there))
            child = int(partial.tree.ends[child])
    return True


def render(partial: Partial | Node) -> str:
    """The program as text, ``??`` for a hole. Raises ValueError for what is neither a partial program nor a tree."""
    if isinstance(partial, Node):
        partial = Partial(partial, np.ones(len(partial.nodes), bool))
    if not isinstance(partial, Partial):
        raise ValueError(f"partial is {partial!r}; allowed is a Partial or a Node")
    written: dict[int, str] = {}
    for v in reversed(range(len(partial.kept))):
        if not partial.kept[v]:
            written[v] = HOLE
            continue
        node, child = partial.tree.nodes[v], v + 1
        parts = [node.text[0]]
        for after in node.text[1:]:
            parts += [written[child], after]
            child = int(partial.tree.ends[child])
        written[v] = "".join(parts)
    return written[0]


# Calibration


def max_errors(n: int, epsilon: float, delta: float) -> int:
    """The largest k with P(Binomial(n, epsilon) <= k) <= delta: as many of n calibration programs may be missed.

    Raises ValueError for n < 1, for epsilon or delta outside (0, 1), and where there is none: even no error at all is
    likelier than delta, so n must be at least log(delta) / log(1 - epsilon).
    """
    n = _check_count("n", n, 1)
    epsilon, delta = _check_share("epsilon", epsilon), _check_share("delta", delta)
    allowed = np.flatnonzero(stats.binom.cdf(np.arange(n), n, epsilon) <= delta)
    if len(allowed) == 0:
        least = math.ceil(math.log(delta) / math.log1p(-epsilon))
        raise ValueError(f"n is {n}; allowed for epsilon = {epsilon} and delta = {delta} are at least {least} programs")
    return int(allowed[-1])


def calibrate(errors: ArrayLike, taus: ArrayLike, epsilon: float, delta: float) -> float:
    """The smallest threshold such that it and all larger ones miss at most `max_errors` calibration programs.

    `errors` (n, T) says with 1 or True where a program is not in its set at a threshold, `taus` (T,) are the
    thresholds, rising. For nested sets errors can only fall as tau rises, and "and all larger ones" changes nothing;
    for others it is what keeps the guarantee (tests in a fixed order, stopped at the first that fails).
    Raises ValueError for shapes that do not fit, values other than 0 and 1, taus that do not rise or leave [0, 1], as
    `max_errors`, and when even the largest tau misses too many (tau = 1 removes every program, and misses none).
    """
    missed = np.asarray(errors)
    grid = np.asarray(taus, dtype=float)
    if grid.ndim != 1 or grid.size == 0 or not np.all(np.diff(grid) > 0) or grid[0] < 0 or grid[-1] > 1:
        raise ValueError(f"taus is {taus!r}; allowed are rising numbers from 0 to 1")
    if missed.ndim != 2 or missed.shape[1] != len(grid) or len(missed) == 0:
        raise ValueError(f"errors has shape {missed.shape}; allowed is (n, {len(grid)}): a row for each program")
    if missed.dtype.kind not in "biuf" or not np.all((missed == 0) | (missed == 1)):
        raise ValueError("errors holds other values; allowed are 0 and 1, or False and True")
    too_many = np.flatnonzero(missed.sum(0) > max_errors(len(missed), epsilon, delta))
    first = too_many[-1] + 1 if len(too_many) else 0
    if first == len(grid):
        raise ValueError(
            f"taus ends at {grid[-1]}; allowed is a grid whose largest tau has few enough errors, such as 1"
        )
    return float(grid[first])


def _check_tree(tree: Any, name: str = "tree") -> None:
    if not isinstance(tree, Node):
        raise ValueError(f"{name} is {tree!r}; allowed is a Node")


def _check_budgets(name: str, budgets: ArrayLike) -> Array:
    """`budgets`, or one `budget` in a list, as an array."""
    values = np.asarray(budgets, dtype=float)
    if name == "budget" and (values.shape != (1,) or not values[0] >= 0):
        raise ValueError(f"budget is {budgets[0]!r}; allowed is a number of at least 0, which may be infinite")
    if values.ndim != 1 or values.size == 0 or not np.all(values >= 0) or np.any(values[1:] > values[:-1]):
        raise ValueError(
            f"budgets is {budgets!r}; allowed are numbers of at least 0 that do not rise, as -log of rising taus"
        )
    return values


def _check_count(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} is {value!r}; allowed is a whole number of at least {least}")
    return int(value)


def _check_share(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < value < 1:
        raise ValueError(f"{name} is {value!r}; allowed is a number between 0 and 1, both excluded")
    return float(value)

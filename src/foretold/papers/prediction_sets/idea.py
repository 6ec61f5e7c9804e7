"""PAC prediction sets of programs: a syntax tree with holes, as large as a budget allows, and its calibration.

Paper: Khakhar, Mell and Bastani, "PAC prediction sets for large language models of code", ICML 2023, PMLR 202, arXiv
2302.08703. A model predicts one program and the probability of each of its tokens. Every node v of its syntax tree has
a cost l_v, minus the logarithm of the probability of the tokens that belong to v. Removing subtrees leaves a *partial
program*: it stands for all programs that fill its holes. For a threshold tau the set is the largest partial program
with at most m holes whose kept nodes cost at most -log(tau).

Nodes are numbered in preorder: the parent first, then its children from left to right, each with its whole subtree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from foretold.kit import check

Array = NDArray[Any]
HOLE = "??"
SLACK = 1e-9  # sums of costs are compared with budgets up to rounding


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
        cost, children, text = check.real("cost", self.cost, 0), tuple(self.children), self.text
        for child in children:
            if not isinstance(child, Node):
                raise check.refuse("children", child, "nodes")
        if isinstance(text, str):
            text = (f"{text}(", *[", "] * (len(children) - 1), ")") if children else (text,)
        if len(text) != len(children) + 1:
            allowed = f"{len(children) + 1} for {len(children)} children"
            raise ValueError(f"text has {len(text)} parts; allowed are {allowed}")
        label = HOLE.join(text) if self.label is None else self.label
        for name, value in {"cost": cost, "children": children, "text": tuple(text), "label": label}.items():
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
    check_tree("tree", tree)
    budgets = np.array([check_budget(budget)])
    return Partial(tree, optima(tree.costs, tree.ends, budgets, check.whole("max_holes", max_holes, 0))[0])


@njit(cache=True)
def optima(costs, ends, budgets, holes):
    """The nodes that the largest partial program keeps for each budget, the cheapest of that size, (T, n) of bool: one
    table serves all budgets."""
    n = len(costs)
    everything = np.ones(n, np.bool_)
    least = table(costs, ends, holes, everything, np.zeros(n, np.bool_))
    sets = np.zeros((len(budgets), n), np.bool_)
    found = sizes(least, budgets)
    for i in range(len(budgets)):
        sets[i] = trace(least, costs, ends, everything, found[i])
    return sets


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


# What a partial program contains


def contains(partial: Partial | Node, program: Node) -> bool:
    """Whether `program` (any tree) fills the holes of `partial`: kept nodes must agree with it in label, in the number
    of children and, child by child, in order. A whole tree contains only itself. Costs do not matter.

    Raises ValueError when one of the arguments is something else.
    """
    partial = _as_partial(partial)
    check_tree("program", program)
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
    partial = _as_partial(partial)
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
    n = check.whole("n", n, 1)
    epsilon, delta = check.between("epsilon", epsilon, 0, 1), check.between("delta", delta, 0, 1)
    allowed = np.flatnonzero(stats.binom.cdf(np.arange(n), n, epsilon) <= delta)
    if len(allowed) == 0:
        least = math.ceil(math.log(delta) / math.log1p(-epsilon))
        raise ValueError(f"n is {n}; allowed for epsilon = {epsilon} and delta = {delta} are at least {least} programs")
    return int(allowed[-1])


def smallest_threshold(misses: Array, allowed: int) -> int:
    """Index of the smallest threshold such that it and all larger ones miss at most `allowed` programs, for the numbers
    of misses (T,) at rising thresholds; T where even the largest misses more."""
    too_many = np.flatnonzero(misses > allowed)
    return int(too_many[-1]) + 1 if len(too_many) else 0


def calibrate(errors: ArrayLike, taus: ArrayLike, epsilon: float, delta: float) -> float:
    """The smallest threshold such that it and all larger ones miss at most `max_errors` calibration programs.

    `errors` (n, T) says with 1 or True where a program is not in its set at a threshold, `taus` (T,) are the
    thresholds, rising. For nested sets errors can only fall as tau rises, and "and all larger ones" changes nothing;
    for others it is what keeps the guarantee (tests in a fixed order, stopped at the first that fails).
    Raises ValueError for shapes that do not fit, values other than 0 and 1, taus that do not rise or leave [0, 1], as
    `max_errors`, and when even the largest tau misses too many (tau = 1 removes every program, and misses none).
    """
    missed, grid = np.asarray(errors), check.vector("taus", taus, low=0, high=1, allowed="rising numbers from 0 to 1")
    if not np.all(np.diff(grid) > 0):
        raise check.refuse("taus", taus, "rising numbers from 0 to 1")
    if missed.ndim != 2 or missed.shape[1] != len(grid) or len(missed) == 0:
        raise ValueError(f"errors has shape {missed.shape}; allowed is (n, {len(grid)}): a row for each program")
    if missed.dtype.kind not in "biuf" or not np.all((missed == 0) | (missed == 1)):
        raise ValueError("errors holds other values; allowed are 0 and 1, or False and True")
    first = smallest_threshold(missed.sum(0), max_errors(len(missed), epsilon, delta))
    if first == len(grid):
        allowed = "a grid whose largest tau has few enough errors, such as 1"
        raise ValueError(f"taus ends at {grid[-1]}; allowed is {allowed}")
    return float(grid[first])


def check_tree(name: str, tree: Any) -> None:
    """Raises ValueError for what is no tree."""
    if not isinstance(tree, Node):
        raise check.refuse(name, tree, "a Node")


def check_budget(budget: Any) -> float:
    """A budget as a number; raises ValueError unless it is at least 0, which infinity is."""
    if budget == math.inf:
        return math.inf
    return check.real("budget", budget, 0, allowed="a number of at least 0, which may be infinite")


def _as_partial(partial: Any) -> Partial:
    if isinstance(partial, Node):
        return Partial(partial, np.ones(len(partial.nodes), bool))
    if not isinstance(partial, Partial):
        raise check.refuse("partial", partial, "a Partial or a Node")
    return partial

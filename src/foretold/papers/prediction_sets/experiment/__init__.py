"""The prediction-sets chapter's measurements: which threshold first covers each program, and what splits make of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from foretold.kit import check
from foretold.kit.uncertainty import percentile_interval, share_interval
from foretold.papers.prediction_sets import idea, theory
from foretold.papers.prediction_sets.data import Builder, as_text
from foretold.papers.prediction_sets.experiment.translator import Prediction
from foretold.papers.prediction_sets.idea import Node, Partial
from foretold.papers.prediction_sets.theory import search

# The grid of the authors' published code, and 1 for the set of all programs, which misses nothing.
TAUS = np.append(np.linspace(1e-5, 1 - 1e-5, 100), 1.0)
BUDGETS = np.abs(-np.log(TAUS))
Maker = Callable[[Node, np.ndarray, int], list[Partial]]


@dataclass(frozen=True)
class Measured:
    """Sets of N programs at T thresholds. `missed` (N, T): whether the true program is not in the set; `removed` (N,
    T): share of the predicted program's nodes that were removed."""

    missed: np.ndarray
    removed: np.ndarray

    @property
    def first(self) -> np.ndarray:
        """Index of the first threshold from which on the truth is in the set, (N,)."""
        columns = self.missed.shape[1]
        return np.where(self.missed.any(1), columns - np.argmax(self.missed[:, ::-1], 1), 0)


def alone(tree: Node, budgets: np.ndarray, max_holes: int) -> list[Partial]:
    """The single optimum for each budget, not nested."""
    return [Partial(tree, kept) for kept in idea.optima(tree.costs, tree.ends, budgets, max_holes)]


def greedy(tree: Node, budgets: np.ndarray, max_holes: int) -> list[Partial]:
    """The baseline, each threshold on its own, so not nested. What was found for one budget is kept while it fits the
    next ones: the walk would come to the same."""
    found: list[Partial] = []
    for budget in budgets:
        fits = found and found[-1].cost <= budget + idea.SLACK
        found.append(found[-1] if fits else greedy_partial_program(tree, budget, max_holes))
    return found


def greedy_partial_program(tree: Node, budget: float, max_holes: int) -> Partial:
    """The baseline: remove the dearest leaf again and again until the rest keeps the budget.

    A leaf is a kept node without kept children. If a new hole would be one too many, the parent of a hole goes instead,
    with all below it: the dearest such parent. Raises ValueError as `largest_partial_program` does.
    """
    idea.check_tree("tree", tree)
    budget, max_holes = idea.check_budget(budget), check.whole("max_holes", max_holes, 0)
    costs, ends, parent = tree.costs, tree.ends, search.parents(tree.ends)
    kept = np.ones(len(costs), bool)
    while kept.any() and costs @ kept > budget + idea.SLACK:
        leaves = [v for v in np.flatnonzero(kept) if not kept[v + 1 : ends[v]].any()]
        holes = Partial(tree, kept).holes
        fits = [v for v in leaves if len(holes) + 1 - sum(v < hole < ends[v] for hole in holes) <= max_holes]
        choice = fits or [parent[hole] for hole in holes] or [0]
        v = max(choice, key=lambda v: (costs[v], -v))
        kept[v : ends[v]] = False
    return Partial(tree, kept)


def measure(
    predicted: Sequence[Node],
    true: Sequence[Node],
    max_holes: int,
    make: Maker = theory.nested_partial_programs,
    inside: Callable[[Partial, Node], bool] = idea.contains,
) -> Measured:
    """Build the sets of all programs at all thresholds, and look whether the true ones are inside. At tau = 1
    everything is removed, even nodes that cost nothing: no model is certain, a probability of 1 has been rounded.

    Raises ValueError unless there is a true program for each predicted one.
    """
    if len(predicted) != len(true):
        raise ValueError(f"true has {len(true)} programs; allowed is one for each of {len(predicted)} predicted ones")
    missed, removed = np.zeros((len(predicted), len(TAUS)), bool), np.ones((len(predicted), len(TAUS)))
    for row, (tree, truth) in enumerate(zip(predicted, true, strict=True)):
        before = None
        for column, partial in enumerate(make(tree, BUDGETS, max_holes)):
            same = before is not None and (partial is before or np.array_equal(partial.kept, before.kept))
            if not same:
                answer = not inside(partial, truth)
            before = partial
            missed[row, column], removed[row, column] = answer, partial.removed
    missed[:, TAUS >= 1], removed[:, TAUS >= 1] = False, 1
    return Measured(missed, removed)


def exact_match(predicted: Sequence[Node], true: Sequence[Node]) -> np.ndarray:
    """Whether each predicted tree is the true one, (N,) of bool."""
    return np.array([idea.contains(tree, truth) for tree, truth in zip(predicted, true, strict=True)])


def with_costs(prediction: Prediction, build: Builder) -> Node:
    """The tree of a prediction, its words' costs on their owners; `build` makes trees, as `python_tree` does."""
    text, starts = as_text(prediction.words)
    return build(text, starts, prediction.costs, prediction.end)


def price_of_nesting(trees: Sequence[Node], max_holes: int) -> tuple[float, float]:
    """(share of kept nodes that nesting costs over all trees and `TAUS`, share of trees where it costs nothing)."""
    single = np.array([idea.optima(t.costs, t.ends, BUDGETS, max_holes).sum() for t in trees])
    nested = np.array([theory.chain(t.costs, t.ends, BUDGETS, max_holes).sum() for t in trees])
    return float(1 - nested.sum() / single.sum()), float(np.mean(nested == single))


def examples(predicted: Sequence[Node], true: Sequence[Node], right: np.ndarray, count: int) -> list[int]:
    """Programs to look at: of 5 to 16 nodes and at most 48 letters, four wrong ones to each right one, each with at
    least five different sets of at most two holes, in one of which the truth appears before all is removed."""
    found: dict[bool, list[int]] = {True: [], False: []}
    for i, (tree, truth) in enumerate(zip(predicted, true, strict=True)):
        wanted = -(-count // 5) if right[i] else count - count // 5
        if len(found[bool(right[i])]) >= wanted or not 5 <= len(tree.nodes) <= 16 or len(idea.render(tree)) > 48:
            continue
        family = theory.nested_partial_programs(tree, BUDGETS, 2)
        kinds = {part.kept.tobytes(): part for part in family}
        if len(kinds) >= 5 and any(part.size > 1 and idea.contains(part, truth) for part in kinds.values()):
            found[bool(right[i])].append(i)
    return (found[False] + found[True])[:count]


def opening(tree: Node, truth: Node, budgets: np.ndarray, max_holes: int) -> list[tuple[str, str]]:
    """Lines for a figure: the prediction, its different sets with the threshold at which each begins, the truth."""
    rows, before = [("predicted", idea.render(tree))], None
    for budget, partial in zip(budgets, theory.nested_partial_programs(tree, budgets, max_holes), strict=True):
        if before is None or not np.array_equal(partial.kept, before):
            mark = "\u2713" if idea.contains(partial, truth) else ""
            if partial.removed > 0:
                rows.append((f"$\\tau$ = {np.exp(-budget):.2f} {mark}", idea.render(partial)))
        before = partial.kept
    return [*rows, ("true", idea.render(truth))]


# Splits


def all_splits(
    best: Mapping[int, Measured],
    greedily: Mapping[int, Measured],
    n: int,
    rates: Sequence[float],
    delta: float,
    times: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Divide the pool at random, `times` times, into n programs to calibrate on and the others to test on. One row for
    each division, number of holes, method and epsilon: index of the threshold, calibration errors, held-out error,
    share of held-out nodes removed. All methods see the same divisions; the threshold is `calibrate`'s."""
    methods = [(m, "optimal", one) for m, one in best.items()] + [(m, "greedy", one) for m, one in greedily.items()]
    total = len(methods[0][2].missed)
    sums = [(one.missed.sum(0), one.removed.sum(0)) for _, _, one in methods]
    allowed, rows = [idea.max_errors(n, rate, delta) for rate in rates], []
    for _ in range(times):
        chosen = rng.permutation(total)[:n]
        for (m, name, one), (missed, removed) in zip(methods, sums, strict=True):
            errors = one.missed[chosen].sum(0)
            for rate, most in zip(rates, allowed, strict=True):
                at = idea.smallest_threshold(errors, most)
                left = (missed[at] - errors[at], removed[at] - one.removed[chosen, at].sum())
                rows.append((m, name, rate, at, errors[at], left[0] / (total - n), left[1] / (total - n)))
    return pd.DataFrame(rows, columns=["m", "method", "epsilon", "tau", "errors", "held-out error", "removed"])


def summary(runs: pd.DataFrame, n: int, tests: int, delta: float) -> pd.DataFrame:
    """Over all divisions: median tau, mean held-out error, share of divisions whose held-out error exceeds epsilon and
    what the exact law allows, mean share of removed nodes and the interval that holds 95% of the divisions."""
    rows = []
    for (m, method, epsilon), part in runs.groupby(["m", "method", "epsilon"]):
        limit = finite_law(n, tests, epsilon, delta).sf(np.floor(epsilon * tests + 1e-9))
        beyond = np.mean(part["held-out error"] > epsilon + 1e-12)
        tau, error = TAUS[int(part["tau"].median())], part["held-out error"].mean()
        middle, ends = part["removed"].mean(), percentile_interval(part["removed"])
        rows.append((m, method, epsilon, tau, error, beyond, limit, middle, *ends))
    columns = ["m", "method", "epsilon", "tau", "held-out error", "beyond", "law", "removed", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def greedy_minus_optimal(
    runs: pd.DataFrame, best: Mapping[int, Measured], greedily: Mapping[int, Measured]
) -> dict[tuple[int, float], dict[str, np.ndarray]]:
    """What greedy sets remove more than optimal ones, in points of nodes, in each division, by number of holes and
    epsilon: at the threshold calibrated for the optimal sets, and each at its own."""
    keyed, found = runs.set_index(["m", "epsilon", "method"]).sort_index(), {}
    for m, epsilon in sorted({(m, e) for m, e, _ in keyed.index}):
        ours, theirs = keyed.loc[(m, epsilon, "optimal")], keyed.loc[(m, epsilon, "greedy")]
        same = (greedily[m].removed - best[m].removed).mean(0)[ours["tau"].to_numpy()]
        own = theirs["removed"].to_numpy() - ours["removed"].to_numpy()
        found[m, epsilon] = {"same threshold": same, "each calibrated": own}
    return found


def advantage(runs: pd.DataFrame, best: Mapping[int, Measured], greedily: Mapping[int, Measured]) -> pd.DataFrame:
    """`greedy_minus_optimal`, means and the intervals that hold 95% of the divisions."""
    rows = []
    for (m, epsilon), views in greedy_minus_optimal(runs, best, greedily).items():
        for view, values in views.items():
            rows.append((view, m, epsilon, *(100 * v for v in (values.mean(), *percentile_interval(values)))))
    found = pd.DataFrame(rows, columns=["view", "m", "epsilon", "more", "low", "high"])
    return found.sort_values("view", ascending=False)


def mean_advantages(
    runs: pd.DataFrame, best: Mapping[int, Measured], greedily: Mapping[int, Measured]
) -> list[tuple[float, float, float]]:
    """As `advantage`, the mean over all numbers of holes and epsilons in each division, over divisions (mean, low,
    high): first at the same threshold, then each calibrated."""
    views, found = greedy_minus_optimal(runs, best, greedily).values(), []
    for name in ("same threshold", "each calibrated"):
        means = 100 * np.mean([view[name] for view in views], 0)
        found.append((float(means.mean()), *percentile_interval(means)))
    return found


def single_sizes(trees: Sequence[Node], holes: Sequence[int]) -> np.ndarray:
    """Kept nodes of the single optima, (len(holes), N, T)."""
    return np.array([[idea.optima(t.costs, t.ends, BUDGETS, m).sum(1) for t in trees] for m in holes])


def fewest(epsilon: float, delta: float) -> int:
    """The smallest n for which `max_errors` has an answer, found by asking it."""
    n = 1
    while True:
        try:
            idea.max_errors(n, epsilon, delta)
        except ValueError:
            n += 1
        else:
            return n


def breaking(
    strict: Measured,
    loose: Mapping[str, Measured],
    n: int,
    rates: Sequence[float],
    delta: float,
    times: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Calibrate with each containment of `loose`, judge by the strict one: share of divisions whose held-out error
    exceeds epsilon, with its exact 95% interval, and the mean held-out error."""
    total, rows = len(strict.missed), []
    chosen = [rng.permutation(total) for _ in range(times)]
    for name, measured in {"strict": strict, **loose}.items():
        for epsilon in rates:
            allowed, held = idea.max_errors(n, epsilon, delta), []
            for order in chosen:
                at = idea.smallest_threshold(measured.missed[order[:n]].sum(0), allowed)
                held.append(strict.missed[order[n:], at].mean())
            beyond = np.sum(np.array(held) > epsilon + 1e-12)
            rows.append((name, epsilon, np.mean(held), beyond / times, *share_interval(beyond, times, "exact")))
    return pd.DataFrame(rows, columns=["check", "epsilon", "held-out error", "share", "low", "high"])


def finite_law(n: int, tests: int, epsilon: float, delta: float) -> stats.rv_frozen:
    """The law of the number of held-out misses among `tests` programs, over random splits of any pool without ties.

    Of n + tests critical thresholds in random order, as many held-out ones lie above the (k+1)-th largest of the n
    calibration ones as a beta-binomial variable says, with k + 1 and n - k for parameters. With ties (a grid of
    thresholds) there are fewer misses. For `tests` to infinity the error is Beta(k + 1, n - k), and exceeds epsilon
    with the probability P(Binomial(n, epsilon) <= k) <= delta: the guarantee itself.
    """
    k = idea.max_errors(n, epsilon, delta)
    return stats.betabinom(tests, k + 1, n - k)


def simulate(curve: np.ndarray, n: int, epsilon: float, delta: float, times: int, rng: np.random.Generator) -> float:
    """Share of simulated calibrations that choose a threshold whose true error exceeds epsilon.

    `curve` (T,) is a known, falling error curve: each of n programs is covered from a random threshold on, such that a
    share of curve[i] is not covered at i.
    """
    allowed, violations = idea.max_errors(n, epsilon, delta), 0
    for _ in range(times):
        counts = (rng.random(n)[:, None] < curve[None]).sum(0)
        at = int(np.argmax(counts <= allowed))
        violations += curve[at] > epsilon
    return violations / times


# Results that travel with the package


def recorded(programs: pd.DataFrame, curves: pd.DataFrame, task: str, method: str, m: int) -> Measured:
    """A `Measured` from the two tables. Removed nodes are known as means over the pool, so each program has the mean.
    Nested sets are wholly described by their first threshold; greedy ones where they never lose a program again."""
    first = programs.loc[programs["task"] == task, f"{method}_{m}"].to_numpy()
    curve = curves.loc[curves["task"] == task, f"{method}_{m}"].to_numpy()
    return Measured(np.arange(len(TAUS)) < first[:, None], np.broadcast_to(curve, (len(first), len(TAUS))))

"""The prediction-sets chapter's measurements: which threshold first covers each program, and what splits make of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from foretold.papers.prediction_sets import idea
from foretold.papers.prediction_sets.experiment.translator import Prediction
from foretold.papers.prediction_sets.idea import Node, Partial, chains

# The grid of the authors' published code, and 1 for the set of all programs, which misses nothing.
TAUS = np.append(np.linspace(1e-5, 1 - 1e-5, 100), 1.0)
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


def joint(tree: Node, budgets: np.ndarray, max_holes: int) -> list[Partial]:
    """The nested family with most kept nodes."""
    return idea.nested_partial_programs(tree, budgets, max_holes)


def alone(tree: Node, budgets: np.ndarray, max_holes: int) -> list[Partial]:
    """The single optimum for each budget, not nested."""
    return [Partial(tree, kept) for kept in chains.optima(tree.costs, tree.ends, budgets, max_holes)]


def greedy(tree: Node, budgets: np.ndarray, max_holes: int) -> list[Partial]:
    """The baseline, each threshold on its own, so not nested. What was found for one budget is kept while it fits the
    next ones: the walk would come to the same."""
    found: list[Partial] = []
    for budget in budgets:
        fits = found and found[-1].cost <= budget + 1e-9
        found.append(found[-1] if fits else idea.greedy_partial_program(tree, budget, max_holes))
    return found


def measure(
    predicted: Sequence[Node], true: Sequence[Node], max_holes: int, make: Maker = joint,
    inside: Callable[[Partial, Node], bool] = idea.contains, taus: np.ndarray = TAUS,
) -> Measured:  # fmt: skip
    """Build the sets of all programs at all thresholds, and look whether the true ones are inside. At tau = 1
    everything is removed, even nodes that cost nothing: no model is certain, a probability of 1 has been rounded."""
    missed, removed = np.ones((2, len(predicted), len(taus)))
    budgets = np.abs(-np.log(taus))
    for row, (tree, truth) in enumerate(zip(predicted, true, strict=True)):
        before, answer = None, True
        for column, partial in enumerate(make(tree, budgets, max_holes)):
            if before is None or (partial is not before and not np.array_equal(partial.kept, before.kept)):
                answer = not inside(partial, truth)
            before = partial
            missed[row, column], removed[row, column] = answer, partial.removed
    missed[:, taus >= 1], removed[:, taus >= 1] = 0, 1
    return Measured(missed.astype(bool), removed)


def exact_match(predicted: Sequence[Node], true: Sequence[Node]) -> np.ndarray:
    """Whether each predicted tree is the true one, (N,) of bool."""
    return np.array([idea.contains(tree, truth) for tree, truth in zip(predicted, true, strict=True)])


def as_text(words: Sequence[str]) -> tuple[str, list[int]]:
    """Words joined by blanks, and where each begins."""
    starts = np.cumsum([0, *[len(word) + 1 for word in words]])[:-1]
    return " ".join(words) or " ", starts.tolist()


def with_costs(prediction: Prediction, build: Callable[..., Node]) -> Node:
    """The tree of a prediction, its words' costs on their owners; `build` makes trees, as `python_tree` does."""
    text, starts = as_text(prediction.words)
    return build(text, starts, prediction.costs, prediction.end)


def bare(words: Sequence[str], build: Callable[..., Node]) -> Node:
    """The tree of words, without costs."""
    text, starts = as_text(words)
    return build(text, starts, [0.0] * len(starts))


def share_interval(count: int, trials: int) -> tuple[float, float]:
    """95% interval of a share, exact (Clopper and Pearson)."""
    found = stats.binomtest(int(count), int(trials)).proportion_ci(0.95, "exact")
    return float(found.low), float(found.high)


def price_of_nesting(trees: Sequence[Node], max_holes: int) -> tuple[float, float]:
    """(share of kept nodes that nesting costs over all trees and `TAUS`, share of trees where it costs nothing)."""
    budgets = np.abs(-np.log(TAUS))
    single = np.array([chains.optima(t.costs, t.ends, budgets, max_holes).sum() for t in trees])
    nested = np.array([chains.chain(t.costs, t.ends, budgets, max_holes, True).sum() for t in trees])
    return float(1 - nested.sum() / single.sum()), float(np.mean(nested == single))


def examples(predicted: Sequence[Node], true: Sequence[Node], right: np.ndarray, count: int) -> list[int]:
    """Programs to look at: of 5 to 16 nodes and at most 48 letters, four wrong ones to each right one, each with at
    least five different sets of at most two holes, in one of which the truth appears before all is removed."""
    found: dict[bool, list[int]] = {True: [], False: []}
    for i, (tree, truth) in enumerate(zip(predicted, true, strict=True)):
        wanted = -(-count // 5) if right[i] else count - count // 5
        if len(found[bool(right[i])]) >= wanted or not 5 <= len(tree.nodes) <= 16 or len(idea.render(tree)) > 48:
            continue
        family = joint(tree, np.abs(-np.log(TAUS)), 2)
        kinds = {part.kept.tobytes(): part for part in family}
        if len(kinds) >= 5 and any(part.size > 1 and idea.contains(part, truth) for part in kinds.values()):
            found[bool(right[i])].append(i)
    return (found[False] + found[True])[:count]


def opening(tree: Node, truth: Node, budgets: np.ndarray, max_holes: int) -> list[tuple[str, str]]:
    """Lines for a figure: the prediction, its different sets with the threshold at which each begins, the truth."""
    rows, before = [("predicted", idea.render(tree))], None
    for budget, partial in zip(budgets, joint(tree, budgets, max_holes), strict=True):
        if before is None or not np.array_equal(partial.kept, before):
            mark = "\u2713" if idea.contains(partial, truth) else ""
            if partial.removed > 0:
                rows.append((f"$\\tau$ = {np.exp(-budget):.2f} {mark}", idea.render(partial)))
        before = partial.kept
    return [*rows, ("true", idea.render(truth))]


# Splits


def all_splits(
    best: Mapping[int, Measured], greedily: Mapping[int, Measured], n: int, rates: Sequence[float], delta: float,
    times: int, rng: np.random.Generator,
) -> pd.DataFrame:  # fmt: skip
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
                too_many = np.flatnonzero(errors > most)
                at = int(too_many[-1]) + 1 if len(too_many) else 0
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
        low, high = part["removed"].quantile([0.025, 0.975])
        tau, error = TAUS[int(part["tau"].median())], part["held-out error"].mean()
        rows.append((m, method, epsilon, tau, error, beyond, limit, part["removed"].mean(), low, high))
    return pd.DataFrame(
        rows, columns=["m", "method", "epsilon", "tau", "held-out error", "beyond", "law", "removed", "low", "high"]
    )


def advantage(runs: pd.DataFrame, best: Mapping[int, Measured], greedily: Mapping[int, Measured]) -> pd.DataFrame:
    """What greedy sets remove more than optimal ones, in points of nodes: at the threshold calibrated for the optimal
    sets, and each at its own. Intervals hold 95% of the divisions."""
    rows = []
    keyed = runs.set_index(["m", "epsilon", "method"]).sort_index()
    for m, epsilon in sorted({(m, e) for m, e, _ in keyed.index}):
        ours, theirs = keyed.loc[(m, epsilon, "optimal")], keyed.loc[(m, epsilon, "greedy")]
        at = ours["tau"].to_numpy()
        same = (greedily[m].removed - best[m].removed).mean(0)[at]
        own = theirs["removed"].to_numpy() - ours["removed"].to_numpy()
        for view, values in (("same threshold", same), ("each calibrated", own)):
            low, high = np.quantile(values, [0.025, 0.975])
            rows.append((view, m, epsilon, *(100 * v for v in (values.mean(), low, high))))
    return pd.DataFrame(rows, columns=["view", "m", "epsilon", "more", "low", "high"]).sort_values(
        "view", ascending=False
    )


def mean_advantages(
    runs: pd.DataFrame, best: Mapping[int, Measured], greedily: Mapping[int, Measured]
) -> list[tuple[float, float, float]]:
    """As `advantage`, the mean over all numbers of holes and epsilons in each division, over divisions (mean, low,
    high): first at the same threshold, then each calibrated."""
    keyed, views = runs.set_index(["m", "epsilon", "method"]).sort_index(), ([], [])
    for m, epsilon in sorted({(m, e) for m, e, _ in keyed.index}):
        ours, theirs = keyed.loc[(m, epsilon, "optimal")], keyed.loc[(m, epsilon, "greedy")]
        views[0].append((greedily[m].removed - best[m].removed).mean(0)[ours["tau"].to_numpy()])
        views[1].append(theirs["removed"].to_numpy() - ours["removed"].to_numpy())
    means = [100 * np.mean(view, 0) for view in views]
    return [(float(mean.mean()), *map(float, np.quantile(mean, [0.025, 0.975]))) for mean in means]


def single_sizes(trees: Sequence[Node], holes: Sequence[int]) -> np.ndarray:
    """Kept nodes of the single optima, (len(holes), N, T)."""
    budgets = np.abs(-np.log(TAUS))
    return np.array([[chains.optima(t.costs, t.ends, budgets, m).sum(1) for t in trees] for m in holes])


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
    strict: Measured, loose: Mapping[str, Measured], n: int, rates: Sequence[float], delta: float, times: int,
    rng: np.random.Generator,
) -> pd.DataFrame:  # fmt: skip
    """Calibrate with each containment of `loose`, judge by the strict one: share of divisions whose held-out error
    exceeds epsilon, with its 95% interval, and the mean held-out error."""
    total, rows = len(strict.missed), []
    chosen = [rng.permutation(total) for _ in range(times)]
    for name, measured in {"strict": strict, **loose}.items():
        for epsilon in rates:
            allowed, held = idea.max_errors(n, epsilon, delta), []
            for order in chosen:
                too_many = np.flatnonzero(measured.missed[order[:n]].sum(0) > allowed)
                at = int(too_many[-1]) + 1 if len(too_many) else 0
                held.append(strict.missed[order[n:], at].mean())
            beyond = np.sum(np.array(held) > epsilon + 1e-12)
            rows.append((name, epsilon, np.mean(held), beyond / times, *share_interval(beyond, times)))
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


def record(task: str, predicted: Sequence[Node], true: Sequence[Node]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the tables of the package hold of a task: for each program its nodes, whether it is right, and the index of
    the first threshold that covers it, by method and m; and for each method, m and threshold the share of removed
    nodes."""
    results = {
        f"{name}_{m}": measure(predicted, true, m, make)
        for name, make in (("optimal", joint), ("greedy", greedy))
        for m in (1, 2, 3, 4)
    }
    nodes = [len(tree.nodes) for tree in predicted]
    frame = pd.DataFrame({"task": task, "nodes": nodes, "right": exact_match(predicted, true).astype(int)})
    for name, result in results.items():
        frame[name] = result.first
    curves = pd.DataFrame({name: result.removed.mean(0).round(5) for name, result in results.items()})
    curves.insert(0, "task", task)
    curves.insert(1, "tau", TAUS)
    return frame, curves


def recorded(programs: pd.DataFrame, curves: pd.DataFrame, task: str, method: str, m: int) -> Measured:
    """A `Measured` from the two tables. Removed nodes are known as means over the pool, so each program has the mean.
    Nested sets are wholly described by their first threshold; greedy ones where they never lose a program again."""
    first = programs.loc[programs["task"] == task, f"{method}_{m}"].to_numpy()
    curve = curves.loc[curves["task"] == task, f"{method}_{m}"].to_numpy()
    return Measured(np.arange(len(TAUS)) < first[:, None], np.broadcast_to(curve, (len(first), len(TAUS))))

"""The unlearning chapter's experiment: accuracy while deletions come in, what it costs, and who attacks it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import torch

from foretold.kit.uncertainty import mean_interval
from foretold.papers.unlearning import idea, theory
from foretold.papers.unlearning.experiment.training import System, prefixes
from foretold.papers.unlearning.idea import Order

Table = Mapping[tuple[int, Order], np.ndarray]
Deletion = tuple[int, int]
Shortfall = tuple[float, int, int, int, int]


# How much survives


def shortfalls(most: int, deletions: int, first: int, spaced: bool = False) -> list[Shortfall]:
    """Where the closed form of the retention lemma promises more than there is, over L = 2..most, B = 2..L rotations,
    prefixes of k = first..L slices and 1..deletions deletions: (shortfall, L, B, k, r), the largest first. The closed
    form is taken with B' = B. What is short by less than 1e-12 is rounding.

    With `spaced` the rotations are evenly spaced, B divides L, and prefixes are disjoint: k <= L / B.
    """
    made = theory.spaced_sequences if spaced else idea.cyclic_sequences
    found = []
    for slices, budget, longest in _sizes(most, spaced):
        rotations = made(slices, budget)
        for k in range(first, longest + 1):
            for r in range(1, deletions + 1):
                exact = theory.retention(rotations, slices, k, r)
                short = theory.independence(slices, k, r, budget) - exact
                if short > 1e-12:
                    found.append((short, slices, budget, k, r))
    return sorted(found, reverse=True)


def _sizes(most: int, spaced: bool) -> Iterator[tuple[int, int, int]]:
    """(L, B, largest k) of all cases."""
    for slices in range(2, most + 1):
        for budget in range(2, slices + 1):
            if not spaced:
                yield slices, budget, slices
            elif slices % budget == 0:
                yield slices, budget, slices // budget


# Accuracy while deletions come in


def outputs(system: System) -> Table:
    """Logits (n, classes) of every checkpoint on the test images."""
    x = system.data.x[system.data.test]
    return {key: system.learner.logits(state, x).double().cpu().numpy() for key, state in system.checkpoints.items()}


def uniform_streams(shards: int, slices: int, runs: int, deletions: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform deletions, (runs, deletions, 2): shard and slice of each."""
    return np.stack([rng.integers(0, shards, (runs, deletions)), rng.integers(0, slices, (runs, deletions))], axis=-1)


def attack(sequences: Sequence[Sequence[int]], shards: int) -> list[Deletion]:
    """The shortest way to kill the system: one row of each first slice, shard after shard."""
    heads = sorted({sequence[0] for sequence in sequences})
    return [(shard, head) for shard in range(shards) for head in heads]


def follow(
    table: Table, labels: np.ndarray, sequences: Sequence[Order], shards: int, streams: np.ndarray, whole: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """(accuracy, living shards) before and after each deletion of each stream, both (runs, deletions + 1).

    A system without a living shard answers nothing: its accuracy is 0. `table` is that of `outputs`, `streams` that of
    `uniform_streams` or any array of its shape. `whole`: only whole sequences are kept, so that a shard dies of its
    first deletion.
    """
    runs, deletions, _ = streams.shape
    accuracy, living = np.zeros((runs, deletions + 1)), np.zeros((runs, deletions + 1), int)

    # The same sets of deleted slices, and the same prefixes together, come again and again.
    @cache
    def prefix(gone: frozenset[int]) -> Order:
        best, length = idea.longest(sequences, gone)
        return () if whole and gone else tuple(sequences[best][:length])

    @cache
    def score(deployed: tuple[Order, ...]) -> float:
        votes = [table[shard, order] for shard, order in enumerate(deployed) if order]
        return float(np.mean(sum(votes).argmax(1) == labels)) if votes else 0.0

    for run, stream in enumerate(streams):
        gone: list[frozenset[int]] = [frozenset()] * shards
        for time in range(deletions + 1):
            if time:
                shard, number = stream[time - 1].tolist()
                gone[shard] |= {number}
            deployed = tuple(prefix(numbers) for numbers in gone)
            accuracy[run, time] = score(deployed)
            living[run, time] = sum(bool(order) for order in deployed)
    return accuracy, living


def survival(
    system: System, budgets: Mapping[str, Sequence[Order]], streams: np.ndarray, part: int, whole: Sequence[str] = ()
) -> pd.DataFrame:
    """`follow` for several sets of sequences on the same streams; those that `whole` names keep no checkpoints. A row
    is one stream after one number of deletions: part (which repetition), method, run, deletions, accuracy, living."""
    table = outputs(system)
    labels = system.data.y[system.data.test].cpu().numpy()
    frames = []
    for method, sequences in budgets.items():
        accuracy, living = follow(table, labels, sequences, len(system.data.cells), streams, method in whole)
        run, time = np.indices(accuracy.shape)
        columns = {"run": run, "deletions": time, "accuracy": accuracy, "living": living}
        flat = {name: values.ravel() for name, values in columns.items()}
        frames.append(pd.DataFrame({"part": part, "method": method, **flat}))
    return pd.concat(frames, ignore_index=True)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Means over streams within each repetition, then their interval over repetitions: method,
    deletions, accuracy, low, high, living."""
    parts = frame.groupby(["method", "deletions", "part"])[["accuracy", "living"]].mean().reset_index()
    rows = []
    for (method, deletions), group in parts.groupby(["method", "deletions"]):
        rows.append((method, deletions, *mean_interval(group["accuracy"]), group["living"].mean()))
    return pd.DataFrame(rows, columns=["method", "deletions", "accuracy", "low", "high", "living"])


def gap(frame: pd.DataFrame, better: str, worse: str, deletions: int) -> tuple[float, float, float]:
    """Mean difference in accuracy of two methods on the same streams, with its interval over repetitions."""
    at = frame[frame["deletions"] == deletions].pivot_table("accuracy", "part", "method", aggfunc="mean")
    return mean_interval(at[better] - at[worse])


def useful(frame: pd.DataFrame, share: float) -> pd.DataFrame:
    """Deletions until the mean accuracy over streams falls below `share` of that without deletions, between two numbers
    by a straight line; one row for each method and part. ValueError where it never falls so low."""
    means = frame.groupby(["method", "part", "deletions"])["accuracy"].mean()
    rows = []
    for (method, part), curve in means.groupby(level=[0, 1]):
        values = curve.to_numpy() / curve.iloc[0]
        below = np.flatnonzero(values < share)
        if not len(below):
            raise ValueError(f"share is {share}; {method} stays above it in all {len(values) - 1} deletions")
        n = below[0]
        rows.append((method, part, n - 1 + (values[n - 1] - share) / (values[n - 1] - values[n])))
    return pd.DataFrame(rows, columns=["method", "part", "deletions"])


def by_length(system: System) -> pd.DataFrame:
    """Accuracy of single shards and of the ensemble when every shard has its first n slices, one row for each n:
    slices, one shard (mean over shards and sequences), ensemble (of the first sequence)."""
    table, labels = outputs(system), system.data.y[system.data.test].cpu().numpy()
    rows = []
    for length in range(1, len(system.sequences[0]) + 1):
        single = [np.mean(logits.argmax(1) == labels) for (_, order), logits in table.items() if len(order) == length]
        first = tuple(system.sequences[0][:length])
        votes = [table[shard, first] for shard in range(len(system.data.cells))]
        rows.append((length, float(np.mean(single)), float(np.mean(np.mean(votes, 0).argmax(1) == labels))))
    return pd.DataFrame(rows, columns=["slices", "one shard", "ensemble"])


def all_at_once(system: System, generator: torch.Generator, epochs: int) -> float:
    """Accuracy of the same backbone when all its LoRA layers and the head are trained together on all private rows."""
    learner, data = system.learner, system.data
    learner.load(learner.first)
    rows = torch.as_tensor(data.cells.ravel(), device=data.x.device)
    recipe = replace(system.recipe, epochs=epochs, rate=system.recipe.rate / 4)
    learner.fit(range(learner.groups), data.x[rows], data.y[rows], recipe, generator)
    logits = learner.logits(learner.state(), data.x[data.test])
    return float((logits.argmax(1) == data.y[data.test]).float().mean())


# What it costs


def costs(
    shards: int, slices: int, budgets: Mapping[str, Sequence[Order]], rows: int, each: Sequence[int]
) -> pd.DataFrame:
    """Training and storage of several sets of sequences beside what they buy.

    `rows` is the number of rows in a slice, `each` (L,) the numbers that the checkpoint of a prefix of length 1..L
    holds. A row has method, steps (trainings of one prefix on one shard, each different prefix once), row passes
    (rows read in one epoch of each), numbers (stored), deletions (expected until failure), and the last three
    relative to the first method.
    """
    found = []
    for method, sequences in budgets.items():
        made = prefixes(sequences)
        found.append(
            {
                "method": method,
                "steps": shards * len(made),
                "row passes": shards * rows * sum(map(len, made)),
                "numbers": shards * sum(each[len(order) - 1] for order in made),
                "deletions": idea.expected_deletions(shards, slices, len(sequences)),
            }
        )
    frame = pd.DataFrame(found)
    for name in ("row passes", "numbers", "deletions"):
        frame[f"{name}, times"] = frame[name] / frame[name].iloc[0]
    return frame


def prices(frame: pd.DataFrame, lasting: pd.DataFrame) -> pd.DataFrame:
    """A frame of `costs` with one of `useful` beside it: "useful, times" is in multiples of the first method, with low
    and high over repetitions."""
    wide = lasting.pivot_table("deletions", "part", "method")
    first = frame["method"].iloc[0]
    rows = [(method, *mean_interval(wide[method] / wide[first])) for method in frame["method"]]
    return frame.merge(pd.DataFrame(rows, columns=["method", "useful, times", "low", "high"]), on="method")

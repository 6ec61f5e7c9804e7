"""The unlearning chapter's experiment: accuracy while deletions come in, what it costs, and who attacks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch

from foretold.kit.uncertainty import mean_interval
from foretold.papers.unlearning import idea
from foretold.papers.unlearning.experiment.training import System, prefixes
from foretold.papers.unlearning.idea import Order, loops

Table = Mapping[tuple[int, Order], np.ndarray]
Deletion = tuple[int, int]


# Deletions until failure


def simulate_finite(n: int, shards: int, slices: int, budget: int, runs: int, rng: np.random.Generator) -> np.ndarray:
    """Deletions until failure when n rows are deleted in random order, each once, (runs,); equal slices only.

    ValueError unless n is a multiple of shards * slices.
    """
    cells = shards * slices
    if n < cells or n % cells:
        raise ValueError(f"n is {n}; allowed are multiples of {cells}, the number of slices")
    protected = np.zeros((shards, slices), np.uint8)
    protected[:, [s[0] for s in idea.cyclic_sequences(slices, min(budget, slices))]] = 1
    times = np.empty(runs, np.int64)
    where = np.repeat(np.arange(cells), n // cells)
    seed = rng.integers(0, 2**64, dtype=np.uint64)
    loops.until_failure_finite(where, protected.ravel(), seed, times)
    return times


def rates(shards: int, slices: int, budgets: Sequence[int], runs: int, rng: np.random.Generator) -> pd.DataFrame:
    """Simulated and expected deletions until failure for each budget: budget, theory, mean, low, high."""
    rows = []
    for budget in budgets:
        times = idea.simulate_deletions(shards, slices, budget, runs, rng)
        rows.append((budget, idea.expected_deletions(shards, slices, budget), *mean_interval(times)))
    return pd.DataFrame(rows, columns=["budget", "theory", "mean", "low", "high"])


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
    longest: dict[frozenset[int], Order] = {}
    scored: dict[tuple[Order, ...], float] = {}

    def prefix(gone: frozenset[int]) -> Order:
        if gone not in longest:
            best, length = idea.longest(sequences, gone)
            longest[gone] = () if whole and gone else tuple(sequences[best][:length])
        return longest[gone]

    def score(deployed: tuple[Order, ...]) -> float:
        if deployed not in scored:
            votes = [table[shard, order] for shard, order in enumerate(deployed) if order]
            scored[deployed] = float(np.mean(sum(votes).argmax(1) == labels)) if votes else 0.0
        return scored[deployed]

    for run, stream in enumerate(streams):
        gone = [frozenset()] * shards
        deployed = [prefix(numbers) for numbers in gone]
        for time in range(deletions + 1):
            if time:
                shard, number = (int(part) for part in stream[time - 1])
                gone[shard] |= {number}
                deployed[shard] = prefix(gone[shard])
            accuracy[run, time] = score(tuple(deployed))
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
        columns = {
            "run": run.ravel(),
            "deletions": time.ravel(),
            "accuracy": accuracy.ravel(),
            "living": living.ravel(),
        }
        frames.append(pd.DataFrame({"part": part, "method": method, **columns}))
    return pd.concat(frames, ignore_index=True)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Means over streams within each repetition, then `interval` over repetitions: method,
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
    whole = list(range(learner.groups))
    rows = torch.as_tensor(data.cells.ravel(), device=data.x.device)
    layers, learner.layers = learner.layers, [[name for group in whole for name in learner.layers[group]]]
    learner.fit(0, data.x[rows], data.y[rows], generator, epochs, system.recipe.batch, system.recipe.rate / 4)
    learner.layers = layers
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

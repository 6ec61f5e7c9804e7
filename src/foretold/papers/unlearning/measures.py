"""How each claim of the unlearning chapter is measured, with its rivals and its sabotage.

`systems` has a row for each small system: shards m, slices L, sequences B, and the exact mean number of deletions as
the whole numbers `numerator` / `denominator`. `simulated` has mean and standard deviation of the deletions of single
runs for each number of sequences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from foretold.claims import Measured, mean_of_runs, measures, replaced, resampled
from foretold.papers.unlearning import idea

RUNS = 100  # of which the authors' script takes the mean
DRAWS = 100_000  # so many that the verdict does not hang on the seed: a share near 0.95 is known to 0.001


# How many deletions


def harmonic(n: int) -> Fraction:
    """1 + 1/2 + ... + 1/n."""
    return sum((Fraction(1, j) for j in range(1, n + 1)), Fraction(0))


def largest_difference(systems: pd.DataFrame, every_sequence: bool = False) -> float:
    """Largest difference of m L H_K to the exact mean, with K = m min(B, L), or K = m B."""
    found = []
    for row in systems.itertuples():
        heads = row.sequences if every_sequence else min(row.sequences, row.slices)
        lemma = row.shards * row.slices * harmonic(row.shards * heads)
        found.append(abs(Fraction(int(row.numerator), int(row.denominator)) - lemma))
    return float(max(found))


def one_more(rng: np.random.Generator, systems: pd.DataFrame) -> dict[str, Any]:
    """Every system takes a deletion more."""
    return {"systems": systems.assign(numerator=systems["numerator"] + systems["denominator"])}


@measures(
    "deletion-rate",
    rivals={"every sequence counts": lambda systems: largest_difference(systems, every_sequence=True)},
    sabotage={"one deletion more": one_more},
)
def deletion_rate(systems: pd.DataFrame) -> Measured:
    return Measured(largest_difference(systems))


def by_budget(means: Sequence[float]) -> dict[str, float]:
    """Means by the name of the number of sequences."""
    return {f"B = {budget}": float(mean) for budget, mean in enumerate(means, start=1)}


def budgets_shuffled(rng: np.random.Generator, simulated: pd.DataFrame) -> dict[str, Any]:
    """The largest number of sequences takes the place of the smallest, and so on."""
    return {"simulated": simulated.assign(mean=simulated["mean"].to_numpy()[::-1])}


def fifth_fewer(rng: np.random.Generator, simulated: pd.DataFrame) -> dict[str, Any]:
    """A fifth of the deletions less."""
    return {"simulated": simulated.assign(mean=0.8 * simulated["mean"])}


@measures(
    "table-3",
    rivals={
        "whole shards": lambda simulated: Measured(by_budget([idea.expected_deletions(5, 1, 1)] * 6)),
        "one sequence for all": lambda simulated: Measured(by_budget([simulated["mean"].iloc[0]] * 6)),
    },
    sabotage={"budgets shuffled": budgets_shuffled, "a fifth fewer": fifth_fewer},
)
def table_3(simulated: pd.DataFrame) -> Measured:
    return Measured(by_budget(simulated["mean"]))


def ratio(many: Sequence[float], one: Sequence[float]) -> Measured:
    """Ratio of mean deletions, from (mean, SD) of single runs; its draws are ratios of means of 100 runs."""
    rng = np.random.default_rng(1)
    above, below = (rng.normal(mean, sd / np.sqrt(RUNS), DRAWS) for mean, sd in (many, one))
    return Measured(many[0] / one[0], draws=above / below)


@measures(
    "ratio-1-6",
    rivals={"as many as SISA": lambda many, one: 1.0},
    sabotage={"one sequence for eight": replaced("many", "one")},
)
def ratio_1_6(many: Sequence[float], one: Sequence[float]) -> Measured:
    return ratio(many, one)


@measures(
    "ratio-3",
    rivals={"as many as SISA": lambda many, one: 1.0},
    sabotage={"one sequence for all": replaced("many", "one")},
)
def ratio_3(many: Sequence[float], one: Sequence[float]) -> Measured:
    return ratio(many, one)


# Which sequences, and how much survives


def methods_exchanged(rng: np.random.Generator, left: pd.DataFrame) -> dict[str, Any]:
    """Sorted rotations are called matched, and the other way round."""
    return {"left": left.assign(matched=left["sorted"], sorted=left["matched"])}


@measures("selection-works", sabotage={"matched and sorted exchanged": methods_exchanged})
def selection_works(left: pd.DataFrame) -> Measured:
    return resampled(lambda rows: float((rows["matched"] - rows["sorted"]).mean()), left)


def exact_halved(rng: np.random.Generator, chances: pd.DataFrame) -> dict[str, Any]:
    """Half of the exact probabilities."""
    return {"chances": chances.assign(exact=chances["exact"] / 2)}


@measures("retention", sabotage={"exact probabilities halved": exact_halved})
def retention(chances: pd.DataFrame) -> Measured:
    return Measured((chances["closed form"] - chances["exact"]).abs().max())


@measures("retention-first-slice")
def retention_first_slice(shortfalls: Sequence[float]) -> Measured:
    return Measured(max(shortfalls, default=0.0))


@measures("retention-rotations")
def retention_rotations(shortfalls: Sequence[float]) -> Measured:
    return Measured(max(shortfalls, default=0.0))


# Training and deleting


@measures(
    "exactness",
    rivals={"switch off the one layer group": lambda deployed, later, switched_off: switched_off},
    sabotage={"a checkpoint that has seen the slice": replaced("deployed", "later")},
)
def exactness(deployed: Sequence[int], later: Sequence[int], switched_off: int) -> Measured:
    return Measured(sum(deployed))


@measures("accuracy-kept", sabotage={"one sequence in both": replaced("several", "one")})
def accuracy_kept(several: np.ndarray, one: np.ndarray) -> Measured:
    return mean_of_runs(np.asarray(several) - np.asarray(one))


def half_of_the_slices(
    rng: np.random.Generator, by_slices: Mapping[str, np.ndarray], at_once: np.ndarray
) -> dict[str, Any]:
    """Shards have only the first half of their slices, rounded down."""
    half = max(1, len(by_slices) // 2)
    return {"by_slices": {name: by_slices[str(half)] for name in by_slices}}


@measures(
    "slices-cost-little",
    rivals={
        "one slice alone": lambda by_slices, at_once: mean_of_runs(np.asarray(by_slices["1"]) - np.asarray(at_once))
    },
    sabotage={"half of the slices": half_of_the_slices},
)
def slices_cost_little(by_slices: Mapping[str, np.ndarray], at_once: np.ndarray) -> Measured:
    return mean_of_runs(np.asarray(by_slices[str(len(by_slices))]) - np.asarray(at_once))

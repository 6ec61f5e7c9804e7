"""Decisions with the three regimes: raise or lower the temperature, choose a parent; and what the decisions cost.

Maps are arrays (temperatures, densities), temperatures from hot to cold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from foretold import data
from foretold.papers.pruning import idea

Array = np.ndarray


@dataclass(frozen=True)
class Maps:
    """Temperatures (epochs of dense training, or radii), densities in per cent, and four maps of them; in the paper's
    Fig. 2 16 by 9."""

    epochs: Array
    densities: Array
    test_error: Array
    normalised_error: Array
    lmc: Array
    cka: Array


def paper_maps() -> Maps:
    """The four heat maps of Fig. 2, from the table of this package (digitised; see its head)."""
    wide = data.table("pruning").pivot_table(index="epochs", columns="density_percent")
    maps = [wide[name].to_numpy() for name in ("test_error", "normalised_error", "lmc", "cka")]
    return Maps(wide.index.to_numpy(), wide["lmc"].columns.to_numpy(), *maps)


def mean_maps(grid: Any, hottest_last: bool = False) -> Maps:
    """A `Grid` as maps: means over parents, densities in per cent. `hottest_last` turns the rows
    round, for temperatures that grow (radii of SAM)."""
    step = -1 if hottest_last else 1
    error, lmc, cka = (values.mean(0)[::step] for values in (grid.test_error, grid.lmc, grid.cka))
    excess = idea.normalised_error(error)
    return Maps(np.array(grid.temperatures)[::step], 100 * np.array(grid.densities), error, excess, lmc, cka)


def advice(lmc: Array, cka: Array, lmc_threshold: float, cka_threshold: float) -> Array:
    """ "raise" or "lower" for every cell: raise the temperature in regime I, lower it elsewhere."""
    regimes = idea.classify_regime(lmc, cka, lmc_threshold, cka_threshold)
    return np.vectorize(idea.MOVES.get)(regimes)


def better_side(error: Array, slack: float) -> Array:
    """Where the best temperature of a column lies, seen from each cell: "raise" if it is hotter, "lower" if it is
    colder, "" where the cell is within `slack` of the best error, so that no move is needed.

    Raises ValueError for a slack below 0.
    """
    if not slack >= 0:
        raise ValueError(f"slack is {slack!r}; allowed is an error of at least 0")
    excess = idea.normalised_error(error)
    colder = np.arange(len(error))[:, None] < excess.argmin(0)
    return np.where(excess <= slack + 1e-9, "", np.where(colder, "lower", "raise"))


def score(error: Array, given: Array, slack: float) -> pd.DataFrame:
    """How often advice points to the better side, per density (row): cells that need a move, and how many of them are
    advised rightly by `given` (temperatures, densities), by "always lower" and by "always raise"."""
    truth = better_side(error, slack)
    constant = {f"always {move}": np.full(truth.shape, move) for move in ("lower", "raise")}
    rules = {"regime": given, **constant}
    needed = truth != ""
    counts = {name: ((rule == truth) & needed).sum(0) for name, rule in rules.items()}
    return pd.DataFrame({"cells": needed.sum(0), **counts})


def choose(lmc: Array, cka: Array, lmc_threshold: float) -> Array:
    """The temperature's index chosen for each density: the most similar children among those that are connected; the
    best connected where none is. Needs no test error."""
    connected = lmc >= lmc_threshold
    return np.where(connected.any(0), np.where(connected, cka, -1).argmax(0), lmc.argmax(0))


def regret(error: Array, chosen: Array) -> Array:
    """What each density (column) loses by the temperature chosen for it, compared with the best one."""
    return idea.normalised_error(error)[chosen, np.arange(error.shape[1])]


def bootstrap(
    statistic: Callable[[Array], float], n: int, rng: np.random.Generator, draws: int = 2_000
) -> tuple[float, tuple[float, float]]:
    """A statistic of the indices 0 to n - 1, and its 95% percentile interval over resampled indices."""
    drawn = [statistic(rng.integers(0, n, n)) for _ in range(draws)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(statistic(np.arange(n))), (float(low), float(high))

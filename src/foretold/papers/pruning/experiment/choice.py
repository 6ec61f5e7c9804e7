"""What decisions with the three regimes are worth: how often advice is right, and what a choice costs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from foretold.kit import check
from foretold.papers.pruning import idea
from foretold.papers.pruning.experiment import Grid
from foretold.papers.pruning.idea import Array, Maps


def mean_maps(grid: Grid, hottest_last: bool = False) -> Maps:
    """A grid as maps: means over parents, densities in per cent. `hottest_last` turns the rows round, for temperatures
    that grow (radii of SAM)."""
    step = -1 if hottest_last else 1
    error, lmc, cka = (values.mean(0)[::step] for values in (grid.test_error, grid.lmc, grid.cka))
    excess = idea.normalised_error(error)
    return Maps(np.array(grid.temperatures)[::step], 100 * np.array(grid.densities), error, excess, lmc, cka)


def better_side(error: Array, slack: float) -> Array:
    """Where the best temperature of a column lies, seen from each cell: "raise" if it is hotter, "lower" if it is
    colder, "" where the cell is within `slack` of the best error, so that no move is needed.

    Raises ValueError for a slack below 0.
    """
    check.real("slack", slack, 0)
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


def regret(error: Array, chosen: Array) -> Array:
    """What each density (column) loses by the temperature chosen for it, compared with the best one."""
    return idea.normalised_error(error)[chosen, np.arange(error.shape[1])]

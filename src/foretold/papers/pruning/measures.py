"""How each claim of the pruning chapter is measured, with its rivals and its sabotage.

`maps` holds temperatures (T,), hottest first, densities (D,) in per cent, and test_error, lmc and cka, (T, D). `grid`
holds the same of our own networks for each parent, (parents, T, D), with dense_error (parents, T).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from foretold.claims import Measured, mean_of_runs, measures, resampled
from foretold.papers.pruning import idea
from foretold.papers.pruning.experiment import choice

Maps = Mapping[str, np.ndarray]
Grid = Mapping[str, np.ndarray]
LMC, CKA = -0.05, 0.97  # thresholds of the chapter's regimes
CONNECTED = {"paper": -0.1, "ours": -0.05}  # thresholds of its choice
NOISE = {"paper": 0.002, "ours": 0.005}  # test errors that count as equal


def row(maps: Maps, temperature: float) -> np.ndarray:
    """Test errors in per cent at a temperature, (D,)."""
    return 100 * maps["test_error"][list(maps["temperatures"]).index(temperature)]


def reversed_rows(rng: np.random.Generator, maps: Maps) -> dict[str, Any]:
    """The hottest temperature is called the coldest, and so on."""
    return {"maps": {**maps, "test_error": maps["test_error"][::-1]}}


def halves_exchanged(rng: np.random.Generator, maps: Maps) -> dict[str, Any]:
    """The first half of dense training is called the second, and the other way round."""
    return {"maps": {**maps, "test_error": np.roll(maps["test_error"], len(maps["temperatures"]) // 2, axis=0)}}


@measures("cold-hurts-map", sabotage={"halves of training exchanged": halves_exchanged})
def cold_hurts_map(maps: Maps) -> Measured:
    return Measured((row(maps, 160) - row(maps, 80))[np.asarray(maps["densities"]) <= 8].mean())


@measures("hot-hurts-map", sabotage={"temperatures reversed": reversed_rows})
def hot_hurts_map(maps: Maps) -> Measured:
    price = row(maps, 10) - row(maps, 160)
    return Measured({f"{density}%": price[list(maps["densities"]).index(density)] for density in (40, 80)})


def within_columns(name: str) -> Callable[..., dict[str, Any]]:
    """A map's values dealt anew over temperatures, in each column by itself."""
    return lambda rng, maps, **others: {"maps": {**maps, name: rng.permuted(maps[name], axis=0)}}


@measures("barrier-tracks-error", sabotage={"connectivity shuffled within columns": within_columns("lmc")})
def barrier_tracks_error(maps: Maps) -> Measured:
    late, few = np.asarray(maps["temperatures"]) >= 90, np.asarray(maps["densities"]) <= 10
    lmc, excess = (values[np.ix_(late, few)] for values in (maps["lmc"], idea.normalised_error(maps["test_error"])))

    def rank(columns: np.ndarray) -> float:
        return float(stats.spearmanr(lmc[:, columns].ravel(), excess[:, columns].ravel()).statistic)

    return resampled(rank, np.arange(few.sum()), draws=400)


# Case study 1


def edge(maps: Maps, columns: Any, noise: float) -> float:
    """Share of right advice minus that of the better constant rule, over some densities."""
    given = idea.advice(maps["lmc"], np.minimum(maps["cka"], 1), LMC, CKA)
    cells, right, lower, higher = choice.score(maps["test_error"], given, noise).to_numpy()[columns].sum(0)
    return float((right - max(lower, higher)) / max(cells, 1))


def advised(maps: Maps, noise: float) -> Measured:
    """The edge of the regime, with draws over densities."""
    return resampled(lambda columns: edge(maps, columns, noise), np.arange(len(maps["densities"])), draws=400)


def over_cells(name: str) -> Callable[..., dict[str, Any]]:
    """A map's values dealt anew over all cells."""
    return lambda rng, maps, **others: {
        "maps": {**maps, name: rng.permutation(maps[name].ravel()).reshape(maps[name].shape)}
    }


@measures(
    "advice-map",
    rivals={
        "connectivity alone": lambda maps: edge({**maps, "cka": np.ones_like(maps["cka"])}, slice(None), NOISE["paper"])
    },
    sabotage={"connectivity shuffled over cells": over_cells("lmc")},
)
def advice_map(maps: Maps) -> Measured:
    return advised(maps, NOISE["paper"])


Settings = Mapping[str, Maps]  # "three layers", "four layers"


def in_each(change: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """A sabotage of maps, done to those of every setting."""
    return lambda rng, settings: {"settings": {name: change(rng, maps=maps)["maps"] for name, maps in settings.items()}}


def parts(settings: Settings, measure: Callable[[Maps], Measured]) -> Measured:
    """A measure of one map as parts by setting."""
    return Measured.with_parts({name: measure(maps).parts[""] for name, maps in settings.items()})


@measures("advice-ours", sabotage={"connectivity shuffled over cells": in_each(over_cells("lmc"))})
def advice_ours(settings: Settings) -> Measured:
    return parts(settings, lambda maps: advised(maps, NOISE["ours"]))


# Case study 2


def saved(maps: Maps, chosen: np.ndarray) -> np.ndarray:
    """Test error lost by the coldest parent minus that lost by a choice, in points, (D,)."""
    coldest = np.full(len(chosen), len(maps["temperatures"]) - 1)
    return 100 * (choice.regret(maps["test_error"], coldest) - choice.regret(maps["test_error"], chosen))


def by_choice(maps: Maps, threshold: float) -> Measured:
    """What the choice saves, with draws over densities."""
    return resampled(lambda some: float(some.mean()), saved(maps, idea.choose(maps["lmc"], maps["cka"], threshold)))


def similarity_alone(maps: Maps) -> float:
    """What is saved by the most similar children, connected or not."""
    return float(saved(maps, idea.choose(np.zeros_like(maps["lmc"]), maps["cka"], CONNECTED["paper"])).mean())


def always(maps: Maps, temperature: float) -> float:
    """What is saved by one temperature for all densities."""
    place = list(maps["temperatures"]).index(temperature)
    return float(saved(maps, np.full(len(maps["densities"]), place)).mean())


@measures(
    "choice-map",
    rivals={"similarity alone": similarity_alone, "always 80 epochs": lambda maps: always(maps, 80)},
    sabotage={"similarity shuffled within columns": within_columns("cka")},
)
def choice_map(maps: Maps) -> Measured:
    return by_choice(maps, CONNECTED["paper"])


@measures("choice-ours", sabotage={"similarity shuffled within columns": in_each(within_columns("cka"))})
def choice_ours(settings: Settings) -> Measured:
    return parts(settings, lambda maps: by_choice(maps, CONNECTED["ours"]))


# Our own networks


def gap(grid: Grid, densities: Sequence[float], worse: float, better: float) -> np.ndarray:
    """(parents,): test error at one temperature minus that at another, mean over densities, in points."""
    columns = [list(grid["densities"]).index(density) for density in densities]
    one, other = (list(grid["temperatures"]).index(temperature) for temperature in (worse, better))
    return 100 * (grid["test_error"][:, one, columns] - grid["test_error"][:, other, columns]).mean(-1)


def shuffled_temperatures(rng: np.random.Generator, grid: Grid, **others: Any) -> dict[str, Any]:
    """For each parent by itself it is drawn by lot which temperature is which."""
    orders = np.argsort(rng.random(grid["test_error"].shape[:2]), axis=1)
    spoiled = np.take_along_axis(grid["test_error"], orders[:, :, None], axis=1)
    return {"grid": {**grid, "test_error": spoiled}}


def shuffled_densities(rng: np.random.Generator, grid: Grid) -> dict[str, Any]:
    """For each parent by itself it is drawn by lot which density is which."""
    count, _, many = grid["lmc"].shape
    orders = np.argsort(rng.random((count, many)), axis=1)[:, None]
    spoiled = {
        name: np.take_along_axis(grid[name], np.broadcast_to(orders, grid[name].shape), 2) for name in ("lmc", "cka")
    }
    return {"grid": {**grid, **spoiled}}


@measures("load-axis", sabotage={"densities shuffled": shuffled_densities})
def load_axis(grid: Grid) -> Measured:
    found = {}
    for name, key in (("connectivity", "lmc"), ("similarity", "cka")):
        few, many = grid[key][:, :, :2].mean(2), grid[key][:, :, -1]
        found[name] = mean_of_runs((few - many).mean(1)).parts[""]
    return Measured.with_parts(found)


@measures("hot-hurts", sabotage={"temperatures shuffled": shuffled_temperatures})
def hot_hurts(grid: Grid, hottest: float, coldest: float) -> Measured:
    return mean_of_runs(gap(grid, (0.2, 0.5), hottest, coldest))


def each_shuffled(rng: np.random.Generator, grids: Mapping[str, Grid], **others: Any) -> dict[str, Any]:
    """Temperatures shuffled in both settings."""
    return {"grids": {name: shuffled_temperatures(rng, grid)["grid"] for name, grid in grids.items()}}


@measures("cold-hurts", sabotage={"temperatures shuffled": each_shuffled})
def cold_hurts(grids: Mapping[str, Grid], coldest: float, before_drop: float) -> Measured:
    found = {}
    for name, grid in grids.items():
        found[name] = mean_of_runs(gap(grid, list(grid["densities"])[:2], coldest, before_drop)).parts[""]
    return Measured.with_parts(found)


@measures("sam-low", sabotage={"radii shuffled": shuffled_temperatures})
def sam_low(grid: Grid, tried: int) -> Measured:
    values = gap(grid, (0.03, 0.05), 0.0, 0.8)
    # Bonferroni: an interval for each of the radii that were tried, so that all hold together.
    half = stats.t.ppf(1 - 0.025 / tried, len(values) - 1) * stats.sem(values)
    return Measured(values.mean(), interval=(values.mean() - half, values.mean() + half))


@measures("sam-high", sabotage={"radii shuffled": shuffled_temperatures})
def sam_high(grid: Grid) -> Measured:
    return mean_of_runs(gap(grid, (0.5,), 1.6, 0.0))


@measures("beyond-dense")
def beyond_dense(grid: Grid) -> Measured:
    none, large = (list(grid["temperatures"]).index(radius) for radius in (0.0, 1.6))
    dense = 100 * (grid["dense_error"][:, large] - grid["dense_error"][:, none])
    return mean_of_runs(gap(grid, (0.5,), 1.6, 0.0) - dense)


# Another question


@measures("corner")
def corner(maps: Maps) -> Measured:
    inside = (np.asarray(maps["temperatures"])[:, None] >= 90) & (np.asarray(maps["densities"]) <= 8)
    found = {}
    for threshold in (-0.05, -0.1, -0.3):
        deep = maps["lmc"] < threshold
        found[f"below {threshold}"] = int(deep.sum())
        found[f"below {threshold}, elsewhere"] = int((deep & ~inside).sum())
    return Measured(found)

"""Makes the scaling chapter's table of measurements: what its own code finds in public data of training runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

import foretold.data
from foretold.kit import powerlaws
from foretold.kit.uncertainty import mean_interval, percentile_interval
from foretold.papers.scaling import data, experiment, idea

SEED, RESAMPLES = 240306563, 1000
LIMITS = {"0.3B": 3e8, "0.6B": 6e8, "all": 1e11}  # models below so many parameters are fitted
LARGEST = 1.5e9  # parameters; models above are "the largest"
TOKENS = (10, 20, 30, 50, 70, 100, 150, 200, 250, 300, 350)  # billions
COLUMNS = ["data", "models", "form", "quantity", "at", "value", "low", "high"]
NUMBERS = ["value", "low", "high"]
Row = tuple[str, object, float, float, float]  # quantity, at, value, low, high


def scaling() -> pd.DataFrame:
    """Fits and their errors with intervals, to eight significant digits. Two minutes on one core."""
    rng = np.random.default_rng(SEED)
    rows = [("chinchilla", "all", "floor", *row) for row in chinchilla_rows(rng)]
    points = data.gemstones(foretold.data.fetch("gemstones-hot"))
    for models, limit in LIMITS.items():
        draw = int(rng.integers(2**31))
        for form, irreducible in data.FORMS.items():  # the same resamples for both forms
            found = gemstone_rows(points, limit, irreducible, np.random.default_rng(draw))
            rows += [("gemstones", models, form, *row) for row in found]
    hot = points[points["tokens"] < 1.01e11]
    for name, form in (("gemstones-cool", "cooled down"), ("gemstones-lower-rate", "lower rate")):
        other = data.gemstones(foretold.data.fetch(name))
        rows += [("gemstones", "all", form, *row) for row in gap_rows(hot, other)]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.assign(**table[NUMBERS].map(lambda number: float(f"{number:.8g}")))


TABLES = {"scaling": scaling}


def chinchilla_rows(rng: np.random.Generator) -> Iterator[Row]:
    """Constants of the refitted form, with intervals over resampled points, and its objective beside those of the
    published constants."""
    n, d, loss = data.chinchilla(foretold.data.fetch("chinchilla-points"))
    fits = powerlaws.fit((n, d), loss, weights=experiment.resample(np.arange(len(n)), RESAMPLES, rng), keep=2)
    scales = np.exp(fits.log_scales * fits.exponents)
    alpha, beta = fits.exponents.T
    found = {"E": fits.floor, "A": scales[:, 0], "B": scales[:, 1], "alpha": alpha, "beta": beta}
    for name, values in (found | {"optimal size exponent": beta / (alpha + beta)}).items():
        yield (name, "", *_spread(values))
    rounded = replace(data.HOFFMANN, E=1.69, A=406.4, B=410.7, alpha=0.34, beta=0.28)
    best = idea.fit_chinchilla(n, d, loss)
    laws = {"objective": best, "objective of Hoffmann et al.": data.HOFFMANN, "the same, rounded": rounded}
    for name, law in laws.items():
        yield (name, "", idea.chinchilla_objective(law, n, d, loss), np.nan, np.nan)


def gemstone_rows(points: pd.DataFrame, limit: float, irreducible: bool, rng: np.random.Generator) -> Iterator[Row]:
    """The form fitted to all models below `limit`: its constants, how well it fits, and its errors on all others."""
    fits, off = experiment.held_out(points, limit, irreducible, RESAMPLES, rng)
    seen = (points["n"] < limit).to_numpy()
    for name, values in {"E": fits.floor, "alpha_n": fits.exponents[:, 0], "alpha_s": fits.exponents[:, 1]}.items():
        yield (name, "", *_spread(values))
    loss = points["loss"].to_numpy()
    residual = (off[0] * loss)[seen]
    yield ("R2 of the fit", "", 1 - residual @ residual / np.sum((loss[seen] - loss[seen].mean()) ** 2), np.nan, np.nan)
    if not seen.all():
        yield from _error_rows(points.reset_index(drop=True), ~seen, off)


def _error_rows(points: pd.DataFrame, unseen: np.ndarray, off: np.ndarray) -> Iterator[Row]:
    """Errors `off` (resamples, points) in per cent: of all unseen models, of the largest, of these at some numbers of
    tokens, and of each unseen model."""
    large = (points["n"] > LARGEST).to_numpy()
    yield ("error of unseen, absolute %", "", *_spread(100 * np.abs(off[:, unseen]).mean(1)))
    yield ("error of the largest, absolute %", "", *_spread(100 * np.abs(off[:, large]).mean(1)))
    yield ("error of the largest, %", "", *_spread(100 * off[:, large].mean(1)))
    for tokens in TOKENS:
        here = large & (np.round(points["tokens"] / 1e9).to_numpy() == tokens)
        yield ("error at tokens, %", tokens, *_spread(100 * off[:, here].mean(1)))
    for model, part in points[unseen].groupby("model"):
        size = round(part["n"].iloc[0] / 1e6)
        yield (f"error of {model.removeprefix('PyGemma-')}, %", size, *_spread(100 * off[:, part.index].mean(1)))


def _spread(values: np.ndarray) -> tuple[float, float, float]:
    """(value on the data, and the 95% interval of the resamples)."""
    return (float(values[0]), *percentile_interval(values[1:]))


def gap_rows(one: pd.DataFrame, other: pd.DataFrame) -> Iterator[Row]:
    """Means over models of `gap` with 95% intervals: at each point, and how much its size shrinks from 20B on."""
    table = gap(one, other).pivot_table("gap", "model", "tokens").dropna(axis=1)
    sign = np.sign(table.to_numpy().mean())
    quantities = {("gap", round(tokens / 1e9)): column for tokens, column in table.items()}
    first = next(column for (_, tokens), column in quantities.items() if tokens >= 20)
    quantities["gap shrinks by", round(table.columns[-1] / 1e9)] = sign * (first - table[table.columns[-1]])
    for (name, tokens), column in quantities.items():
        yield (name, tokens, *mean_interval(column, "normal"))


def gap(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Loss of `one` minus that of `other` at the same model and step, by the points of `one`: the other's curve is
    interpolated in log steps and not extrapolated. Columns model, steps, tokens, gap."""
    parts = []
    for model, mine in one.groupby("model"):
        theirs = other[other["model"] == model].sort_values("steps")
        if len(theirs):
            mine = mine[mine["steps"].between(theirs["steps"].min(), theirs["steps"].max())]
            same = np.interp(np.log(mine["steps"]), np.log(theirs["steps"]), theirs["loss"])
            parts.append(mine.assign(gap=mine["loss"] - same)[["model", "steps", "tokens", "gap"]])
    return pd.concat(parts)

"""Public data of the scaling chapter, and what its own code measures on them: the rows of ``tables/scaling.csv``.

None of the data are part of the package; readers of the page see the measured table, with or without the files.
`measure` makes it:

    rows = scaling.data.measure({name: data.fetch(name) for name in scaling.data.FILES}, rng)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from foretold.kit import powerlaws
from foretold.papers.scaling import idea

FILES = ("chinchilla-points", "gemstones-hot", "gemstones-cool", "gemstones-lower-rate")
VOCABULARY = 50_432  # rows of the embedding of the Gemstones
LIMITS = {"0.3B": 3e8, "0.6B": 6e8, "all": 1e11}
FORMS = {"no floor": False, "floor": True}
# Hoffmann et al. (2022): the constants to more digits, as the replication of Besiroglu et al. (2024) takes them.
HOFFMANN = idea.Chinchilla(np.exp(0.5267228), np.exp(6.0073404), np.exp(6.0179186), 0.33917084, 0.2849083)
COLUMNS = ["data", "models", "form", "quantity", "at", "value", "low", "high"]


def chinchilla(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, d, loss) of 240 runs, read off a figure: tokens are FLOP / (6 n). The five largest of 245 losses are left
    out, as in Besiroglu et al. (2024)."""
    points = pd.read_csv(path).sort_values("loss").head(240)
    n = points["Model Size"].to_numpy(float)
    return n, points["Training FLOP"].to_numpy(float) / 6 / n, points["loss"].to_numpy(float)


def gemstones(path: Path) -> pd.DataFrame:
    """Losses of the Gemstones every ten billion tokens: model, n (without embeddings), tokens, steps, loss."""
    rows = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    return pd.DataFrame(
        {
            "model": [row["run_name"].removeprefix("cooler_").partition("_pretrain")[0] for row in rows],
            "n": [float(row["params_active_precise"] - VOCABULARY * row["width"]) for row in rows],
            "tokens": [float(row["tokens"]) for row in rows],
            "steps": [float(row["step"]) for row in rows],
            "loss": [row["final_loss"] for row in rows],
        }
    )


def resample(groups: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Bootstrap weights, (1 + resamples, n): whole groups are drawn with replacement, the first row is the data."""
    names, member = np.unique(groups, return_inverse=True)
    draws = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), resamples)
    return np.concatenate([np.ones((1, len(groups))), draws[:, member]])


def held_out(points: pd.DataFrame, limit: float, irreducible: bool, resamples: int, rng: np.random.Generator) -> tuple:
    """Fit all models below `limit` parameters, and resamples of these models: the fits (row 0 is the data), and their
    relative errors at every point, (1 + resamples, n), positive where the prediction is too high."""
    seen = points[points["n"] < limit]
    weights = resample(seen["model"].to_numpy(), resamples, rng)
    columns = seen["n"].to_numpy(), seen["steps"].to_numpy()
    fits = powerlaws.fit(columns, seen["loss"].to_numpy(), irreducible=irreducible, weights=weights, keep=2)
    return fits, fits.predict(points["n"].to_numpy(), points["steps"].to_numpy()) / points["loss"].to_numpy() - 1


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


# The recorded table


def measure(paths: Mapping[str, Path], rng: np.random.Generator, resamples: int = 1000) -> pd.DataFrame:
    """All rows of ``tables/scaling.csv``; `paths` has a file for each name of `FILES`. Two minutes on one core."""
    rows = [*_chinchilla_rows(paths["chinchilla-points"], rng, resamples)]
    points = gemstones(paths["gemstones-hot"])
    for models, limit in LIMITS.items():
        draw = int(rng.integers(2**31))
        for form, irreducible in FORMS.items():  # the same resamples for both forms
            fits, off = held_out(points, limit, irreducible, resamples, np.random.default_rng(draw))
            rows += [("gemstones", models, form, *row) for row in _gemstone_rows(points, limit, fits, off)]
    hot = points[points["tokens"] < 1.01e11]
    for name, form in (("gemstones-cool", "cooled down"), ("gemstones-lower-rate", "lower rate")):
        table = gap(hot, gemstones(paths[name])).pivot_table("gap", "model", "tokens").dropna(axis=1)
        rows += [("gemstones", "all", form, *row) for row in _gap_rows(table)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _gap_rows(table: pd.DataFrame) -> Iterator[tuple]:
    """Means over models with 1.96 standard errors: the gap at each point, and how much its size shrinks from 20B on."""
    sign = np.sign(table.to_numpy().mean())
    quantities = {("gap", round(tokens / 1e9)): column for tokens, column in table.items()}
    first = next(column for (_, tokens), column in quantities.items() if tokens >= 20)
    quantities["gap shrinks by", round(table.columns[-1] / 1e9)] = sign * (first - table[table.columns[-1]])
    for (name, tokens), column in quantities.items():
        error = 1.96 * column.std() / np.sqrt(len(column))
        yield (name, tokens, column.mean(), column.mean() - error, column.mean() + error)


def _spread(values: np.ndarray) -> tuple[float, float, float]:
    """(value on the data, 2.5% and 97.5% of the resamples)."""
    return float(values[0]), *map(float, np.percentile(values[1:], [2.5, 97.5]))


def _chinchilla_rows(path: Path, rng: np.random.Generator, resamples: int) -> Iterator[tuple]:
    n, d, loss = chinchilla(path)
    best = idea.fit_chinchilla(n, d, loss)
    fits = powerlaws.fit((n, d), loss, weights=resample(np.arange(len(n)), resamples, rng), keep=2)
    scales = np.exp(fits.log_scales * fits.exponents)
    alpha, beta = fits.exponents.T
    found = {"E": fits.floor, "A": scales[:, 0], "B": scales[:, 1], "alpha": alpha, "beta": beta}
    for name, values in (found | {"optimal size exponent": beta / (alpha + beta)}).items():
        yield ("chinchilla", "all", "floor", name, "", *_spread(values))
    rounded = replace(HOFFMANN, E=1.69, A=406.4, B=410.7, alpha=0.34, beta=0.28)
    several = {"objective": best, "objective of Hoffmann et al.": HOFFMANN, "the same, rounded": rounded}
    for name, constants in several.items():
        value = idea.chinchilla_objective(constants, n, d, loss)
        yield ("chinchilla", "all", "floor", name, "", value, np.nan, np.nan)


def _gemstone_rows(points: pd.DataFrame, limit: float, fits: powerlaws.Fit, off: np.ndarray) -> Iterator[tuple]:
    seen = (points["n"] < limit).to_numpy()
    large = (points["n"] > 1.5e9).to_numpy()
    for name, values in {"E": fits.floor, "alpha_n": fits.exponents[:, 0], "alpha_s": fits.exponents[:, 1]}.items():
        yield (name, "", *_spread(values))
    loss = points["loss"].to_numpy()
    residual = (off[0] * loss)[seen]
    yield ("R2 of the fit", "", 1 - residual @ residual / np.sum((loss[seen] - loss[seen].mean()) ** 2), np.nan, np.nan)
    if seen.all():
        return
    yield ("error of unseen, absolute %", "", *_spread(100 * np.abs(off[:, ~seen]).mean(1)))
    yield ("error of the largest, absolute %", "", *_spread(100 * np.abs(off[:, large]).mean(1)))
    yield ("error of the largest, %", "", *_spread(100 * off[:, large].mean(1)))
    for tokens in (10, 20, 30, 50, 70, 100, 150, 200, 250, 300, 350):
        here = large & (np.round(points["tokens"] / 1e9).to_numpy() == tokens)
        yield ("error at tokens, %", tokens, *_spread(100 * off[:, here].mean(1)))
    for model, part in points.reset_index(drop=True)[~seen].groupby("model"):
        size = round(part["n"].iloc[0] / 1e6)
        yield (f"error of {model.removeprefix('PyGemma-')}, %", size, *_spread(100 * off[:, part.index].mean(1)))

"""Figures of the forecasting chapter, and what its interactive one is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from foretold import figures
from foretold.figures import COLOURS, INK
from foretold.papers.forecasting import idea, theory
from foretold.papers.forecasting.idea import Array

# One colour and one marker for each contestant, the same in every figure.
LOOK = {
    "crowd": ("blue", "o"),
    "model, as asked": ("orange", "s"),
    "model, both ways": ("purple", "D"),
    "always 50%": ("grey", "^"),
    "base rate": ("green", "v"),
}
WHO = ("crowd", "model, as asked", "model, both ways")  # who answered, question by question


def power_curves(effects: Mapping[str, tuple[float, float]], mark: int, sizes: Mapping[str, int]) -> Figure:
    """Power against the number of questions. `effects`: name -> (difference, SD); `mark`: a number of questions;
    `sizes`: name -> the number that gives 80%."""
    n = np.unique(np.geomspace(4, 400, 90).round().astype(int))
    fig, axis = plt.subplots(figsize=(5.8, 3.9))
    for name, colour, style in zip(effects, ("blue", "orange"), ("-", "--"), strict=True):
        ink = {"color": COLOURS[colour]}
        axis.plot(n, [idea.power(*effects[name], int(m)) for m in n], linestyle=style, label=name, **ink)
        here = idea.power(*effects[name], mark)
        axis.plot(mark, here, "o", markersize=9, **ink)
        beside = {"xytext": (10, -16) if here > 0.6 else (10, -6), "textcoords": "offset points"}
        axis.annotate(f"{here:.0%}", (mark, here), fontweight="bold", **beside, **ink)
        size = sizes[name]
        axis.plot([size] * 2, [0, 0.8], linewidth=1.2, linestyle=":", **ink)
        right = size > mark
        beside = {"xytext": (4 if right else -4, 2), "textcoords": "offset points", "ha": "left" if right else "right"}
        axis.annotate(f"{size}", (size, 0.02), **beside, **ink)
    axis.axvline(mark, color=INK, linewidth=1.1)
    axis.text(mark * 1.04, 1.03, f"{mark} questions", fontsize=11.5)
    axis.axhline(0.8, color=INK, linewidth=1, linestyle=":")
    axis.text(4.1, 0.815, "80%", fontsize=11)
    axis.set(xscale="log", xlabel="number of questions (log axis)", ylabel="power at the 5% level", ylim=(0, 1.1))
    axis.set_xticks([5, 10, 20, 50, 100, 200, 400], ["5", "10", "20", "50", "100", "200", "400"])
    axis.minorticks_off()
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=1)
    return fig


def correlation_curve(table: pd.DataFrame, independent: tuple[float, float, float]) -> Figure:
    """p of the paired test against the correlation: columns r, p, low, high (over rounding). `independent`: (p, low,
    high) of the test that does not pair."""
    fig, axis = plt.subplots(figsize=(5.8, 3.5))
    axis.fill_between(table["r"], table["low"], table["high"], color=COLOURS["blue"], alpha=0.25, linewidth=0)
    axis.plot(table["r"], table["p"], color=COLOURS["blue"], label="paired, shaded: rounding of the moments")
    p, low, high = independent
    error = [[p - low], [high - p]]
    axis.errorbar([0], [p], yerr=error, fmt="D", color=COLOURS["orange"], capsize=4, label="independent")
    axis.axhline(0.05, color=INK, linewidth=1.2, linestyle="--")
    axis.text(0.98, 0.057, "0.05", ha="right", fontsize=11)
    axis.set(xlabel="correlation of the two columns of Brier scores", ylabel="p-value (log axis)")
    axis.set(yscale="log", ylim=(1e-7, 0.3))
    axis.legend(loc="lower left")
    return fig


def per_question(forecasts: Mapping[str, Array], y: Array) -> Figure:
    """Each question one row, sorted by the crowd's forecast: forecasts as marks, the outcome at the edge."""
    order = np.argsort(forecasts["crowd"], kind="stable")
    rows = np.arange(len(y))
    fig, axis = plt.subplots(figsize=(5.8, 6.6))
    crowd, model = forecasts["crowd"][order], forecasts["model, as asked"][order]
    axis.hlines(rows, crowd, model, color=COLOURS["grey"], linewidth=0.8)
    for name in WHO:
        colour, marker = LOOK[name]
        axis.plot(forecasts[name][order], rows, marker, color=COLOURS[colour], markersize=4.5, label=name)
    yes, no = rows[y[order] == 1], rows[y[order] == 0]
    axis.plot(np.full(len(yes), 1.04), yes, "P", color=COLOURS["green"], markersize=5.5, label="resolved yes")
    axis.plot(np.full(len(no), -0.04), no, "x", color=COLOURS["red"], markersize=5, label="resolved no")
    axis.axvline(0.5, color=INK, linewidth=1, linestyle=":")
    axis.set(xlabel="probability of yes", ylabel="57 questions, by the crowd's forecast", xlim=(-0.08, 1.08))
    axis.set_yticks([])
    axis.grid(False, axis="y")
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.09), ncols=2)
    return fig


def reliability(forecasts: Mapping[str, Array], y: Array, rng: np.random.Generator, draws: int) -> Figure:
    """Calibration curves by isotonic regression with 90% consistency bands, one panel a contestant."""
    fig, axes = plt.subplots(len(forecasts), 1, figsize=(5.6, 2.75 * len(forecasts)), sharex=True)
    for axis, (name, p) in zip(np.atleast_1d(axes), forecasts.items(), strict=True):
        colour, _ = LOOK[name]
        band = theory.consistency_band(p, rng, draws)
        order = np.argsort(p, kind="stable")
        axis.fill_between(band["p"], band["low"], band["high"], color=COLOURS["grey"], alpha=0.35, linewidth=0)
        axis.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=":")
        axis.axhline(y.mean(), color=COLOURS["green"], linewidth=1.2, linestyle="--")
        axis.plot(p[order], theory.recalibrated(p, y)[order], color=COLOURS[colour], linewidth=2.4)
        axis.plot(p[y == 1], np.full(int(y.sum()), 1.06), "|", color=COLOURS[colour], markersize=7)
        axis.plot(p[y == 0], np.full(int((1 - y).sum()), -0.06), "|", color=COLOURS[colour], markersize=7)
        axis.set(ylabel="share that was yes", title=name, xlim=(-0.02, 1.02), ylim=(-0.12, 1.12))
    np.atleast_1d(axes)[-1].set_xlabel("forecast, probability of yes")
    return fig


def decomposition(table: pd.DataFrame) -> Figure:
    """Miscalibration and discrimination for each contestant (index), with the middle 90% of discrimination by chance:
    columns miscalibration, discrimination, low, high."""
    fig, axis = plt.subplots(figsize=(5.8, 0.85 * len(table) + 1.5))
    rows = np.arange(len(table))[::-1]
    axis.barh(rows + 0.18, table["miscalibration"], height=0.32, color=COLOURS["red"], label="miscalibration (bad)")
    axis.barh(rows - 0.18, table["discrimination"], height=0.32, color=COLOURS["blue"], label="discrimination (good)")
    axis.hlines(rows - 0.18, table["low"], table["high"], color=INK, linewidth=3, label="discrimination by chance, 90%")
    axis.set_yticks(rows, table.index)
    axis.set(xlabel="part of the Brier score")
    axis.grid(False, axis="y")
    axis.legend(loc="upper center", bbox_to_anchor=(0.4, -0.2), ncols=1)
    return fig


def both_ways(said: pd.DataFrame, names: Sequence[str]) -> Figure:
    """P(yes) to a question and to its negation, one row a pair of phrasings: all questions, and their means."""
    fig, axis = plt.subplots(figsize=(5.8, 0.72 * len(names) + 1.5))
    ways = (
        ("", "orange", 0.13, "s", "asked for Yes: mean"),
        (", no", "purple", -0.13, "D", "asked for No: mean"),
    )
    for row, name in enumerate(reversed(names)):
        for suffix, colour, shift, marker, label in ways:
            x = said[name + suffix].to_numpy()
            ink = {"color": COLOURS[colour], "label": label if row == 0 else None}
            axis.plot(x, np.full(len(x), row + shift), "|", color=COLOURS[colour], markersize=9, alpha=0.5)
            axis.plot(x.mean(), row + shift, marker, markersize=8, markeredgecolor=INK, **ink)
    axis.axvline(0.5, color=INK, linewidth=1.1, linestyle=":")
    axis.set_yticks(range(len(names)), reversed(list(names)))
    axis.set(xlabel="P(Yes) of the model", xlim=(0, 1))
    axis.grid(False, axis="y")
    axis.legend(loc="upper center", bbox_to_anchor=(0.4, -0.2), ncols=2)
    return fig


def knobs(extremised: pd.DataFrame, hybrids: pd.DataFrame, base: float) -> Figure:
    """Above: Brier against the exponent (columns exponent, name, Brier); below: against the weight of what is mixed
    into the crowd (columns weight, name, Brier). `base` is the Brier score of the base rate."""
    fig, (upper, lower) = plt.subplots(2, 1, figsize=(5.8, 6.4))
    for name, part in extremised.groupby("name", sort=False):
        upper.plot(part["exponent"], part["Brier"], color=COLOURS[LOOK[name][0]], label=name)
        best = part.loc[part["Brier"].idxmin()]
        upper.plot(best["exponent"], best["Brier"], LOOK[name][1], color=COLOURS[LOOK[name][0]], markersize=8)
    upper.axvline(1, color=INK, linewidth=1)
    upper.axhline(0.25, color=INK, linewidth=1, linestyle=":")
    upper.axhline(base, color=COLOURS["green"], linewidth=1.2, linestyle="--")
    upper.set(
        xscale="log", xlabel="exponent of the odds (log axis; marks: best)", ylabel="Brier score", ylim=(0.1, 0.36)
    )
    upper.set_xticks([0.1, 0.2, 0.5, 1, 2, 5], ["0.1", "0.2", "0.5", "1", "2", "5"])
    upper.minorticks_off()
    upper.legend(loc="upper left")
    styles = {"model, as asked": "-", "always 50%": ":", "base rate": "--"}
    for name, part in hybrids.groupby("name", sort=False):
        lower.plot(part["weight"], part["Brier"], styles[name], color=COLOURS[LOOK[name][0]], label=name)
    lower.set(xlabel="weight of what is mixed into the crowd", ylabel="Brier score", ylim=(0.115, 0.2))
    lower.legend(loc="upper left")
    return fig


# The interactive figure

UPDATE = figures.script(Path(__file__).with_name("browser.js"))


def browser_data(forecasts: Mapping[str, Array], y: Array) -> dict[str, Any]:
    """Forecasts and outcomes of 57 questions; the browser does the rest."""
    return {
        "forecasts": {name: np.asarray(forecasts[name]) for name in WHO},
        "y": np.asarray(y, float),
        "colours": dict(COLOURS),
        "hues": {name: COLOURS[LOOK[name][0]] for name in WHO},
    }


def browser_controls() -> list[figures.Control]:
    """A choice and three sliders; `UPDATE` reads them by name."""
    return [
        figures.Choice("who", "forecaster", {name: name for name in WHO}, "crowd"),
        figures.Slider("exponent", "multiply the log odds by", 0.1, 10, 0.05, 1, "", "log10"),
        figures.Slider("shift", "then move them by", -3, 3, 0.1, 0, " (log odds)"),
        figures.Slider("weight", "then mix with 50%", 0, 100, 5, 0, " %"),
    ]


def browser_layout() -> dict[str, Any]:
    """Plotly figure without traces: forecasts by outcome above, Brier score against the exponent below."""
    ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10]
    outcome = {
        "domain": [0.66, 1],
        "anchor": "x",
        "range": [-0.5, 1.5],
        "tickvals": [0, 1],
        "ticktext": ["no", "yes"],
        "title": {"text": "outcome"},
    }
    multiplier = {
        "domain": [0, 1],
        "anchor": "y2",
        "type": "log",
        "tickvals": ticks,
        "ticktext": [f"{t:g}" for t in ticks],
        "range": [-1, 1],
        "title": {"text": "multiplier of the log odds (log axis)"},
    }
    half = {"text": "always 50%", "showarrow": False, "xanchor": "right", "yshift": 9}
    forecast = {"range": [-0.02, 1.02], "title": {"text": "forecast, probability of yes"}}
    layout = {
        "height": 470,
        "margin": {"l": 60, "r": 15, "t": 10, "b": 50},
        "xaxis": {"domain": [0, 1], "anchor": "y", **forecast},
        "yaxis": outcome,
        "xaxis2": multiplier,
        "yaxis2": {"domain": [0, 0.44], "anchor": "x2", "title": {"text": "Brier score"}, "rangemode": "normal"},
        "annotations": [{"xref": "paper", "yref": "y2", "x": 0.99, "y": 0.25, **half}],
    }
    return {"data": [], "layout": layout}

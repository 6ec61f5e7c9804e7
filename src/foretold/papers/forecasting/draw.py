"""Figures of the forecasting chapter, and data and JavaScript of its interactive one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from foretold import figures
from foretold.figures import COLOURS, INK
from foretold.papers.forecasting import idea
from foretold.papers.forecasting.experiment import calibration
from foretold.papers.forecasting.idea import Array

# One colour and one marker for each contestant, the same in every figure.
LOOK = {
    "crowd": ("blue", "o"),
    "model, as asked": ("orange", "s"),
    "model, both ways": ("purple", "D"),
    "always 50%": ("grey", "^"),
    "base rate": ("green", "v"),
}


def power_curves(effects: Mapping[str, tuple[float, float]], mark: int, sizes: Mapping[str, int]) -> Figure:
    """Power against the number of questions. `effects`: name -> (difference, SD); `mark`: a number of questions;
    `sizes`: name -> the number that gives 80%."""
    n = np.unique(np.geomspace(4, 400, 90).round().astype(int))
    fig, axis = plt.subplots(figsize=(5.8, 3.9))
    for (name, (difference, sd)), colour, style in zip(effects.items(), ("blue", "orange"), ("-", "--"), strict=True):
        found = [idea.power(difference, sd, int(m)) for m in n]
        axis.plot(n, found, color=COLOURS[colour], linestyle=style, label=name)
        here = idea.power(difference, sd, mark)
        axis.plot(mark, here, "o", color=COLOURS[colour], markersize=9)
        beside = (10, -16) if here > 0.6 else (10, -6)
        axis.annotate(f"{here:.0%}", (mark, here), xytext=beside, textcoords="offset points", color=COLOURS[colour], fontweight="bold")  # fmt: skip  # noqa: E501
        axis.plot([sizes[name]] * 2, [0, 0.8], color=COLOURS[colour], linewidth=1.2, linestyle=":")
        axis.annotate(f"{sizes[name]}", (sizes[name], 0.02), xytext=(4, 2) if sizes[name] > mark else (-4, 2), ha="left" if sizes[name] > mark else "right", textcoords="offset points", color=COLOURS[colour])  # fmt: skip  # noqa: E501
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
    axis.errorbar([0], [p], yerr=[[p - low], [high - p]], fmt="D", color=COLOURS["orange"], capsize=4, label="independent")  # fmt: skip  # noqa: E501
    axis.axhline(0.05, color=INK, linewidth=1.2, linestyle="--")
    axis.text(0.98, 0.057, "0.05", ha="right", fontsize=11)
    axis.set(yscale="log", ylim=(1e-7, 0.3), xlabel="correlation of the two columns of Brier scores", ylabel="p-value (log axis)")  # fmt: skip  # noqa: E501
    axis.legend(loc="lower left")
    return fig


def per_question(forecasts: Mapping[str, Array], y: Array) -> Figure:
    """Each question one row, sorted by the crowd's forecast: forecasts as marks, the outcome at the edge."""
    order = np.argsort(forecasts["crowd"], kind="stable")
    rows = np.arange(len(y))
    fig, axis = plt.subplots(figsize=(5.8, 6.6))
    axis.hlines(rows, forecasts["crowd"][order], forecasts["model, as asked"][order], color=COLOURS["grey"], linewidth=0.8)  # fmt: skip  # noqa: E501
    for name in ("crowd", "model, as asked", "model, both ways"):
        colour, marker = LOOK[name]
        axis.plot(forecasts[name][order], rows, marker, color=COLOURS[colour], markersize=4.5, label=name)
    yes = y[order] == 1
    axis.plot(np.where(yes, 1.04, -0.04)[yes], rows[yes], "P", color=COLOURS["green"], markersize=5.5, label="resolved yes")  # fmt: skip  # noqa: E501
    axis.plot(np.where(yes, 1.04, -0.04)[~yes], rows[~yes], "x", color=COLOURS["red"], markersize=5, label="resolved no")  # fmt: skip  # noqa: E501
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
        band = calibration.consistency_band(p, rng, draws)
        order = np.argsort(p, kind="stable")
        axis.fill_between(band["p"], band["low"], band["high"], color=COLOURS["grey"], alpha=0.35, linewidth=0)
        axis.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=":")
        axis.axhline(y.mean(), color=COLOURS["green"], linewidth=1.2, linestyle="--")
        axis.plot(p[order], calibration.recalibrated(p, y)[order], color=COLOURS[colour], linewidth=2.4)
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
    for row, name in enumerate(reversed(names)):
        for column, colour, shift, marker in ((name, "orange", 0.13, "s"), (f"{name}, no", "purple", -0.13, "D")):
            x = said[column].to_numpy()
            axis.plot(x, np.full(len(x), row + shift), "|", color=COLOURS[colour], markersize=9, alpha=0.5)
            label = {"s": "asked for Yes: mean", "D": "asked for No: mean"}[marker] if row == 0 else None
            axis.plot(x.mean(), row + shift, marker, color=COLOURS[colour], markersize=8, markeredgecolor=INK, label=label)  # fmt: skip  # noqa: E501
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


def browser_data(forecasts: Mapping[str, Array], y: Array) -> dict[str, Any]:
    """Forecasts and outcomes of 57 questions; the browser does the rest."""
    names = ("crowd", "model, as asked", "model, both ways")
    return {
        "forecasts": {name: np.asarray(forecasts[name]) for name in names},
        "y": np.asarray(y, float),
        "colours": dict(COLOURS),
        "hues": {name: COLOURS[LOOK[name][0]] for name in names},
    }


def browser_controls() -> list[figures.Control]:
    """A choice and three sliders; `UPDATE` reads them by name."""
    names = {name: name for name in ("crowd", "model, as asked", "model, both ways")}
    return [
        figures.Choice("who", "forecaster", names, "crowd"),
        figures.Slider("exponent", "multiply the log odds by", 0.1, 10, 0.05, 1, "", "log10"),
        figures.Slider("shift", "then move them by", -3, 3, 0.1, 0, " (log odds)"),
        figures.Slider("weight", "then mix with 50%", 0, 100, 5, 0, " %"),
    ]


# values: who (a name), exponent, shift, weight (per cent of "always 50%" in the mixture)
UPDATE = r"""
const y = Array.from(data.y), n = y.length, source = Array.from(data.forecasts[values.who]);
const logit = (p) => Math.log(p / (1 - p)), expit = (x) => 1 / (1 + Math.exp(-x));
const move = (p, a) => (1 - values.weight / 100) * expit(a * logit(p) + values.shift) + values.weight / 200;
const mean = (list) => list.reduce((s, x) => s + x, 0) / list.length;
const errors = (p) => p.map((x, i) => (x - y[i]) ** 2);
const p = source.map((x) => move(x, values.exponent)), e = errors(p), brier = mean(e);
const base = mean(y), climate = base * (1 - base);
const log = mean(p.map((x, i) => -Math.log(y[i] ? x : 1 - x)));
const sd = Math.sqrt(e.reduce((s, x) => s + (x - brier) ** 2, 0) / (n - 1)), t = (brier - 0.25) / (sd / Math.sqrt(n));
const distance = mean(p.map((x) => Math.abs(x - 0.5)));
const grid = Array.from({ length: 81 }, (_, i) => Math.pow(10, -1 + i / 40)), curve = grid.map((a) => mean(errors(source.map((x) => move(x, a)))));
const jitter = (i) => ((i * 0.61803) % 1 - 0.5) * 0.5, hue = data.hues[values.who];
const some = (v) => y.map((r, i) => i).filter((i) => y[i] === v);
const dots = (v, colour, symbol, name) => ({ type: "scatter", mode: "markers", x: some(v).map((i) => p[i]), y: some(v).map((i) => v + jitter(i)), marker: { color: colour, symbol, size: 8 }, name, showlegend: false, hovertemplate: name + ": %{x:.2f}<extra></extra>" });
const line = (level, colour, dash) => ({ type: "scatter", mode: "lines", x: [0.1, 10], y: [level, level], xaxis: "x2", yaxis: "y2", line: { color: colour, dash, width: 1.5 }, showlegend: false, hoverinfo: "skip" });
const traces = [
  dots(1, data.colours.green, "cross", "resolved yes"), dots(0, data.colours.red, "x", "resolved no"),
  { type: "scatter", mode: "lines", x: grid, y: curve, xaxis: "x2", yaxis: "y2", line: { color: hue, width: 2.5 }, showlegend: false, hovertemplate: "exponent %{x:.2f}: Brier %{y:.3f}<extra></extra>" },
  line(0.25, data.colours.grey, "dot"), line(climate, data.colours.green, "dash"),
  { type: "scatter", mode: "markers", x: [values.exponent], y: [brier], xaxis: "x2", yaxis: "y2", marker: { color: hue, size: 13 }, showlegend: false, hoverinfo: "skip" },
];
const percent = (x) => (100 * x).toFixed(0).replace("-", "−") + "%";
const readout = `Brier score ${brier.toFixed(4)}: skill ${percent(1 - brier / 0.25)} over always 50%, ${percent(1 - brier / climate)} over the base rate. `
  + `Log score ${log.toFixed(3)} nats (always 50%: 0.693). Mean distance from 50%: ${distance.toFixed(3)}. `
  + (sd > 1e-9 ? `Against 0.25: t(${n - 1}) = ${t.toFixed(2).replace("-", "−")}, significant at the 5% level beyond ±2.00.` : "All errors are equal, so there is nothing to test.");
return { data: traces, readout, result: { brier, log, t, distance } };
"""  # noqa: E501


def browser_layout() -> dict[str, Any]:
    """Plotly figure without traces: forecasts by outcome above, Brier score against the exponent below."""
    ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10]
    layout = {
        "height": 470,
        "margin": {"l": 60, "r": 15, "t": 10, "b": 50},
        "xaxis": {"domain": [0, 1], "anchor": "y", "range": [-0.02, 1.02], "title": {"text": "forecast, probability of yes"}},  # noqa: E501
        "yaxis": {"domain": [0.66, 1], "anchor": "x", "range": [-0.5, 1.5], "tickvals": [0, 1], "ticktext": ["no", "yes"], "title": {"text": "outcome"}},  # noqa: E501
        "xaxis2": {"domain": [0, 1], "anchor": "y2", "type": "log", "tickvals": ticks, "ticktext": [f"{t:g}" for t in ticks], "range": [-1, 1], "title": {"text": "multiplier of the log odds (log axis)"}},  # noqa: E501
        "yaxis2": {"domain": [0, 0.44], "anchor": "x2", "title": {"text": "Brier score"}, "rangemode": "normal"},
        "annotations": [
            {"xref": "paper", "yref": "y2", "x": 0.99, "y": 0.25, "yshift": 9, "xanchor": "right", "showarrow": False, "text": "always 50%"}  # noqa: E501
        ],
    }  # fmt: skip
    return {"data": [], "layout": layout}

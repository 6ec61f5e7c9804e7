"""Figures of the learning-curve chapter, and what its interactive one in ``browser.js`` is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from foretold import figures
from foretold.figures import COLOURS, INK
from foretold.kit.uncertainty import Z
from foretold.papers.learning_curves.experiment import Curve
from foretold.papers.learning_curves.idea import LearningTrace, crossings, fit_power_law

LOOK = {
    "unigram": ("orange", "s"),
    "HMM": ("blue", "o"),
    "unigram, no suffixes": ("grey", "D"),
    "HMM, no suffixes": ("purple", "^"),
    "neural": ("green", "P"),
}


def _observed(axis: Axes, curve: Curve, **style: Any) -> None:
    """Fold means with 1.96 standard errors, in per cent, against thousands of words."""
    style |= {"color": INK, "markersize": 3.5, "linewidth": 1, "capsize": 0}
    axis.errorbar(curve.x / 1_000, 100 * curve.mean, yerr=100 * Z * curve.error, fmt="o", **style)


def learners(curves: Mapping[str, Curve], title: str) -> Figure:
    """Accuracy against words, one colour for each learner; bands are the spread (standard deviation) of folds."""
    fig, axis = plt.subplots(figsize=(6, 3.8))
    for name, curve in curves.items():
        colour, marker = LOOK[name]
        middle, spread = 100 * curve.mean, 100 * curve.y.std(0, ddof=1)
        x = curve.x / 1_000
        axis.plot(x, middle, color=COLOURS[colour], marker=marker, markersize=4, markevery=4, label=name)
        axis.fill_between(x, middle - spread, middle + spread, color=COLOURS[colour], alpha=0.25, linewidth=0)
    axis.set(xlabel="words of training data (thousands)", ylabel="accuracy (%)", title=title)
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    return fig


def fan(curves: Mapping[str, Curve], shares: Sequence[float]) -> Figure:
    """Trends fitted to growing shares of a curve, against all its observations; one panel for each entry."""
    fig, axes = plt.subplots(len(curves), 1, figsize=(6, 3.5 * len(curves) + 0.5))
    hues = [plt.get_cmap("viridis")(level) for level in np.linspace(0.15, 0.8, len(shares))]
    for axis, (title, curve) in zip(np.atleast_1d(axes), curves.items(), strict=True):
        far = np.geomspace(curve.x[0], 2.2 * curve.x[-1], 200)
        for share, hue in zip(shares, hues, strict=True):
            n = int(np.sum(curve.x <= 1.001 * share * curve.x[-1]))
            law = fit_power_law(curve.x[:n], curve.mean[:n])
            axis.plot(far / 1_000, 100 * law(far), color=hue, label=f"from {share:.0%} (level {n})")
            axis.plot(curve.x[n - 1] / 1_000, 100 * law(curve.x[n - 1]), "|", color=hue, markersize=16, mew=2.5)
        _observed(axis, curve, zorder=5, label="observed")
        low, high = 100 * curve.mean.min(), 100 * curve.mean.max()
        axis.set(xlabel="words (thousands)", ylabel="accuracy (%)", title=title)
        axis.set(ylim=(low + 0.3 * (high - low), high + 0.35 * (high - low)))
    handles, labels = np.atleast_1d(axes)[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="lower center", ncols=2, bbox_to_anchor=(0.5, -0.15 / len(curves) - 0.03))
    return fig


def backbones(traces: Mapping[str, LearningTrace]) -> Figure:
    """Raw and anchored asymptotes against the words seen, with the working and convergence levels."""
    fig, axes = plt.subplots(len(traces), 1, figsize=(6, 3.1 * len(traces) + 0.5))
    handles: dict[str, Any] = {}
    for axis, (title, trace) in zip(np.atleast_1d(axes), traces.items(), strict=True):
        _backbone(axis, trace)
        axis.set_title(title)
        handles |= {label: handle for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    fig.legend(handles.values(), handles, loc="lower center", ncols=2, bbox_to_anchor=(0.5, -0.2 / len(traces) - 0.03))
    return fig


def _backbone(axis: Axes, trace: LearningTrace) -> None:
    x = trace.x / 1_000
    axis.plot(x[2:], 100 * trace.raw, color=COLOURS["orange"], label="asymptotes, without anchors", linewidth=1.6)
    axis.plot(x[2:], 100 * trace.asymptotes, color=COLOURS["blue"], label="anchored")
    levels = (
        ("working level", "-", "red", trace.working_level),
        ("convergence level", ":", "green", trace.convergence_level),
    )
    for name, style, colour, level in levels:
        if level is not None:
            axis.axvline(x[level - 1], color=COLOURS[colour], linestyle=style, linewidth=1.6, label=name)
    axis.plot(x, 100 * trace.y, "o", color=INK, markersize=2.5, label="observed accuracy")
    shown = np.concatenate([trace.asymptotes[5:], trace.y[3:]])
    low, high = 100 * shown.min(), 100 * min(shown.max(), 1.05)
    axis.set(xlabel="words seen (thousands)", ylabel="per cent")
    axis.set(ylim=(low - 0.05 * (high - low), high + 0.15 * (high - low)))


def layer(trace: LearningTrace, one: int, two: int) -> Figure:
    """Two trends, their last crossing, and the layer of convergence between the crossing and the first asymptote."""
    fig, axis = plt.subplots(figsize=(6, 3.6))
    a, b = trace.law(one), trace.law(two)
    q = crossings(a, b)[-1]
    x = np.geomspace(trace.x[0], 40 * trace.x[-1], 400)
    for law, colour, level in ((a, "orange", one), (b, "blue", two)):
        axis.plot(x / 1_000, 100 * law(x), color=COLOURS[colour], label=f"trend of level {level}")
        axis.axhline(100 * law.c, color=COLOURS[colour], linestyle=":", linewidth=1.4)
    axis.axhspan(100 * a(q), 100 * a.c, xmin=0, color=COLOURS["green"], alpha=0.15, linewidth=0)
    axis.axvline(q / 1_000, color=INK, linewidth=1.2, linestyle="--")
    axis.plot(q / 1_000, 100 * a(q), "o", color=INK)
    axis.annotate(r"last crossing $q$", (q / 1_000, 100 * a(q)), xytext=(12, -20), textcoords="offset points")
    axis.set(xscale="log", xlabel="words (thousands, log scale)", ylabel="accuracy (%)")
    axis.legend(loc="lower right")
    return fig


def intervals(frame: pd.DataFrame) -> Figure:
    """Foretold 90% intervals of the last accuracy against the share of words seen, and the accuracy that came. A row
    has curve, share, low, high (foretold) and seen; one panel for each curve."""
    names = list(dict.fromkeys(frame["curve"]))
    fig, axes = plt.subplots(len(names), 1, figsize=(6, 2.5 * len(names) + 0.4), sharex=True)
    for axis, name in zip(np.atleast_1d(axes), names, strict=True):
        rows = frame[frame["curve"] == name]
        inside = (rows["low"] <= rows["seen"]) & (rows["seen"] <= rows["high"])
        for held, part in rows.groupby(inside):
            colour = COLOURS["blue"] if held else COLOURS["red"]
            label = "holds it" if held else "misses it"
            axis.vlines(
                100 * part["share"], 100 * part["low"], 100 * part["high"], color=colour, linewidth=4, label=label
            )
        axis.axhline(100 * rows["seen"].iloc[0], color=INK, linestyle="--", linewidth=1.3, label="what came")
        axis.set(ylabel="accuracy (%)", title=name)
        axis.legend(loc="upper right", ncols=3)
        low, high = 100 * rows["low"].min(), 100 * rows["high"].max()
        axis.set_ylim(low - 0.1 * (high - low), high + 0.3 * (high - low))
    np.atleast_1d(axes)[-1].set_xlabel("words seen (% of all)")
    return fig


def crossing(one: Curve, two: Curve, names: tuple[str, str], seen: int) -> Figure:
    """Two learners' observations and their trends from the first `seen` levels."""
    fig, axis = plt.subplots(figsize=(6, 3.6))
    for name, curve in zip(names, (one, two), strict=True):
        colour, marker = LOOK[name]
        law = fit_power_law(curve.x[:seen], curve.mean[:seen])
        far = np.geomspace(curve.x[0], curve.x[-1], 100)
        axis.plot(far / 1_000, 100 * law(far), color=COLOURS[colour], linewidth=1.4, linestyle="--")
        error = 100 * Z * curve.error if len(curve.y) > 1 else None
        axis.errorbar(curve.x / 1_000, 100 * curve.mean, yerr=error, fmt=marker, color=COLOURS[colour], label=name)
    axis.axvspan(0, one.x[seen - 1] / 1_000, color=INK, alpha=0.08, linewidth=0)
    axis.set(xlabel="words (thousands)", ylabel="accuracy (%)", xlim=(0, None))
    axis.legend(loc="lower right")
    return fig


# The interactive figure


def browser_data(curves: Mapping[str, Curve]) -> dict[str, Any]:
    """Words, fold means and colours; the browser fits."""
    shown = {name: {"x": curve.x, "y": curve.mean} for name, curve in curves.items()}
    return {"curves": shown, "blue": COLOURS["blue"], "orange": COLOURS["orange"], "red": COLOURS["red"]}


def browser_controls(names: Sequence[str], levels: int) -> list[figures.Control]:
    """A choice and two sliders; `UPDATE` reads them by name."""
    return [
        figures.Choice("curve", "corpus and tagger", {name: name for name in names}, names[0]),
        figures.Slider("level", "level: stop after so many observations", 3, levels, 1, min(9, levels)),
        figures.Slider("tolerance", "tolerance on the layer", 2, 12, 0.5, 5, " points"),
    ]


def browser_layout() -> dict[str, Any]:
    """Plotly figure without traces."""
    layout = {
        "height": 430,
        "margin": {"l": 60, "r": 15, "t": 55, "b": 50},
        "xaxis": {"title": {"text": "words (thousands)"}},
        "yaxis": {"title": {"text": "accuracy (%)"}},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    }
    return {"data": [], "layout": layout}


UPDATE = figures.script(Path(__file__).with_name("browser.js"))

"""Figures of the learning-curve chapter, and data and JavaScript of its interactive one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from foretold import figures
from foretold.figures import COLOURS, INK
from foretold.papers.learning_curves.experiment import Curve
from foretold.papers.learning_curves.idea import LearningTrace, PowerLaw, fit_power_law

LOOK = {
    "unigram": ("orange", "s"),
    "HMM": ("blue", "o"),
    "unigram, no suffixes": ("grey", "D"),
    "HMM, no suffixes": ("purple", "^"),
    "neural": ("green", "P"),
}


def _observed(axis: Axes, curve: Curve, **style: Any) -> None:
    """Fold means with 1.96 standard errors, in per cent, against thousands of words."""
    axis.errorbar(
        curve.x / 1_000, 100 * curve.mean, yerr=196 * curve.error, fmt="o", color=INK, markersize=3.5, linewidth=1,
        capsize=0, **style,
    )  # fmt: skip


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
    """Raw and anchored asymptotes against the words seen, with the working, prediction and convergence levels."""
    fig, axes = plt.subplots(len(traces), 1, figsize=(6, 3.1 * len(traces) + 0.5))
    for axis, (title, trace) in zip(np.atleast_1d(axes), traces.items(), strict=True):
        x = trace.x[2:] / 1_000
        axis.plot(x, 100 * trace.raw, color=COLOURS["orange"], label="asymptotes, without anchors", linewidth=1.6)
        axis.plot(x, 100 * trace.asymptotes, color=COLOURS["blue"], label="anchored")
        marks = (
            ("working level", "-", "red", trace.working_level),
            ("convergence level", ":", "green", trace.convergence_level),
        )
        for name, style, colour, level in marks:
            if level is not None:
                axis.axvline(
                    trace.x[level - 1] / 1_000, color=COLOURS[colour], linestyle=style, linewidth=1.6, label=name
                )
        axis.plot(trace.x / 1_000, 100 * trace.y, "o", color=INK, markersize=2.5, label="observed accuracy")
        shown = np.concatenate([trace.asymptotes[5:], trace.y[3:]])
        low, high = 100 * shown.min(), 100 * min(shown.max(), 1.05)
        axis.set(xlabel="words seen (thousands)", ylabel="per cent", title=title)
        axis.set(ylim=(low - 0.05 * (high - low), high + 0.15 * (high - low)))
    handles: dict[str, Any] = {}
    for axis in np.atleast_1d(axes):
        handles |= {label: handle for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    fig.legend(handles.values(), handles, loc="lower center", ncols=2, bbox_to_anchor=(0.5, -0.2 / len(traces) - 0.03))
    return fig


def layer(trace: LearningTrace, one: int, two: int) -> Figure:
    """Two trends, their last crossing, and the layer of convergence between the crossing and the first asymptote."""
    from foretold.papers.learning_curves.idea import crossings

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
            axis.vlines(100 * part["share"], 100 * part["low"], 100 * part["high"], color=colour, linewidth=4,
                        label="holds it" if held else "misses it")  # fmt: skip
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
        law: PowerLaw = fit_power_law(curve.x[:seen], curve.mean[:seen])
        far = np.geomspace(curve.x[0], curve.x[-1], 100)
        axis.plot(far / 1_000, 100 * law(far), color=COLOURS[colour], linewidth=1.4, linestyle="--")
        error = 196 * curve.error if len(curve.y) > 1 else None
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


# values: curve (a name), level, tolerance (percentage points). Fits by variable projection, as learning_curves.py does.
UPDATE = r"""
const curve = data.curves[values.curve], X = Array.from(curve.x), Y = Array.from(curve.y), n = X.length, level = Math.min(values.level, n);
const project = (b, s, y, anchor) => {
  const p = s.map((v) => Math.exp(-b * v)), rows = y.length + (anchor === null ? 0 : 1);
  let mp = 0, my = anchor === null ? 0 : anchor;
  for (let i = 0; i < y.length; i++) { mp += p[i]; my += y[i]; }
  mp /= rows; my /= rows;
  let v = anchor === null ? 0 : mp * mp, k = anchor === null ? 0 : -mp * (anchor - my);
  for (let i = 0; i < y.length; i++) { v += (p[i] - mp) ** 2; k += (p[i] - mp) * (y[i] - my); }
  const a = Math.max(0, -k / v), c = my + a * mp;
  let rss = anchor === null ? 0 : (anchor - c) ** 2, g = 0;
  for (let i = 0; i < y.length; i++) { const r = y[i] - c + a * p[i]; rss += r * r; g -= r * a * p[i] * s[i]; }
  return { a, b, c, rss, g };
};
const GRID = Array.from({ length: 48 }, (_, i) => 1e-3 * Math.pow(5e3, i / 47));
const fit = (x, y, anchor) => {
  const unit = Math.exp(x.reduce((t, v) => t + Math.log(v), 0) / x.length), s = x.map((v) => Math.log(v / unit));
  let best = 0, least = Infinity;
  GRID.forEach((b, i) => { const rss = project(b, s, y, anchor).rss; if (rss < least) { least = rss; best = i; } });
  let low = GRID[Math.max(best - 1, 0)], high = GRID[Math.min(best + 1, 47)], b = GRID[best];
  if (project(low, s, y, anchor).g < 0 && project(high, s, y, anchor).g > 0) {
    for (let i = 0; i < 60; i++) { b = (low + high) / 2; if (project(b, s, y, anchor).g < 0) low = b; else high = b; }
  }
  const { a, c } = project(b, s, y, anchor);
  return { a: a * Math.pow(unit, b), b, c };
};
const at = (law, x) => law.c - law.a * Math.pow(x, -law.b);
const laws = [];
for (let l = 3; l <= n; l++) laws.push(fit(X.slice(0, l), Y.slice(0, l), null));
const NU = 2e-7, AHEAD = 5;
let working = null;
for (let i = 0; i + AHEAD + 1 < laws.length && working === null; i++) {
  let calm = true;
  for (let j = i; j <= i + AHEAD; j++) calm = calm && Math.abs(laws[j + 1].c - laws[j].c) / (X[j + 3] - X[j + 2]) <= NU;
  if (calm) working = i + 3;
}
if (working !== null) for (let l = working + 1; l <= n; l++) laws[l - 3] = fit(X.slice(0, l), Y.slice(0, l), laws[l - 4].c);
const crossing = (p, q) => {  // the last one; the difference turns at most once
  const gap = (s) => p.c - q.c - p.a * Math.exp(-p.b * s) + q.a * Math.exp(-q.b * s);
  const turn = p.b === q.b ? 0 : Math.log((p.a * p.b) / (q.a * q.b)) / (p.b - q.b), middle = Number.isFinite(turn) ? turn : 0;
  const floor = -700 / Math.max(p.b, q.b);
  for (let [low, high] of [[middle, middle + 100 / Math.min(p.b, q.b)], [middle - 100, middle]]) {
    low = Math.max(low, floor);
    if (!(low < high) || !(gap(low) * gap(high) < 0)) continue;
    for (let i = 0; i < 100; i++) { const m = (low + high) / 2; if (gap(low) * gap(m) <= 0) high = m; else low = m; }
    return Math.exp((low + high) / 2);
  }
  return null;
};
const layers = laws.map((law, i) => {
  if (i + 1 === laws.length || !(laws[i + 1].c < law.c)) return null;
  const q = crossing(law, laws[i + 1]);
  return q === null || !Number.isFinite(q) ? null : Math.abs(law.c - at(law, q));
});
let prediction = null, convergence = null, stop = null;
if (working !== null) for (let l = working; l <= n && prediction === null; l++) if (laws[l - 3].c <= 1) prediction = l;
if (prediction !== null) for (let l = prediction; l < n && convergence === null; l++)
  if (layers[l - 3] !== null && 100 * layers[l - 3] <= values.tolerance + 1e-9) convergence = l;
if (convergence !== null) stop = Math.max(convergence + 1, working + AHEAD + 1);

const law = laws[level - 3], far = Array.from({ length: 120 }, (_, i) => X[0] * Math.pow((2 * X[n - 1]) / X[0], i / 119));
const error = (l) => 100 * (at(laws[l - 3], X[n - 1]) - Y[n - 1]), saved = (l) => 100 * (1 - X[l - 1] / X[n - 1]);
const words = (v) => Math.round(v).toLocaleString("en");
const k = (v) => v / 1000, pc = (v) => 100 * v;
const traces = [
  { type: "scatter", mode: "lines", name: "trend", x: far.map(k), y: far.map((x) => pc(at(law, x))), line: { color: data.blue, width: 2.5 } },
  { type: "scatter", mode: "markers", name: "seen", x: X.slice(0, level).map(k), y: Y.slice(0, level).map(pc), marker: { color: data.orange, size: 8 } },
  { type: "scatter", mode: "markers", name: "still to come", x: X.slice(level).map(k), y: Y.slice(level).map(pc), marker: { color: data.orange, size: 7, symbol: "circle-open" } },
];
const shapes = [{ type: "line", x0: k(far[0]), x1: k(far[119]), y0: pc(law.c), y1: pc(law.c), line: { width: 1.5, dash: "dot", color: data.blue } }];
if (stop !== null && stop <= n) shapes.push({ type: "line", x0: k(X[stop - 1]), x1: k(X[stop - 1]), y0: 0, y1: 1, yref: "paper", line: { width: 2, dash: "dash", color: data.red } });
const sign = (v) => (v < 0 ? "−" : "+") + Math.abs(v).toFixed(2);
let readout = `Level ${level}: ${words(X[level - 1])} words, ${saved(level).toFixed(0)}% of the labelling saved; the last accuracy is foretold with an error of ${sign(error(level))} points, asymptote ${pc(law.c).toFixed(2)}%. `;
readout += stop !== null && stop <= n
  ? `The rule with a tolerance of ${values.tolerance} points stops at level ${stop} (red line): ${saved(stop).toFixed(0)}% saved, error ${sign(error(stop))} points.`
  : working === null ? "No working level: the rule never stops here." : `Working level ${working}, but no layer is within ${values.tolerance} points: the rule does not stop.`;
const shown = Y.slice(1).map(pc), low = Math.min(...shown), high = Math.max(...shown, Math.min(pc(law.c), Math.max(...shown) + 8));
return { data: traces, layout: { shapes, yaxis: { range: [low - 1, high + 1], title: { text: "accuracy (%)" } } }, readout,
  result: { law, working, prediction, convergence, stop, layers } };
"""  # noqa: E501

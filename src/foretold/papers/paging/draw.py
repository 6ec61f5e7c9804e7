"""Figures of the paging chapter that are more than a seaborn call, and data and JavaScript of its interactive one."""

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
from foretold.papers.paging import idea, theory

# One colour and one marker for each policy, the same in every figure.
NAMES = {
    "lru": "LRU",
    "marker": "Marker",
    "flush": "Flush",
    "mark0": "Mark0",
    "mark_predict": "Mark&Predict",
    "follow": "lazy follower",
    "combine": "combination (ours)",
}
LOOK = {
    "lru": ("grey", "s"),
    "marker": ("grey", "D"),
    "flush": ("orange", "^"),
    "mark0": ("blue", "o"),
    "mark_predict": ("green", "v"),
    "follow": ("purple", "P"),
    "combine": ("red", "X"),
}


def _level(axis: Axes, rows: pd.DataFrame, policy: str) -> None:
    """A horizontal line at the cost of a policy that takes no advice: "lru" dashed, others dotted."""
    style = "--" if policy == "lru" else ":"
    axis.axhline(rows["ratio"].mean(), color=INK, linewidth=1.3, linestyle=style, label=NAMES[policy])


def _line(axis: Axes, x: Any, rows: pd.DataFrame, policy: str, **style: Any) -> None:
    colour, marker = LOOK[policy]
    middle = rows["ratio"].to_numpy()
    error = np.abs(np.stack([middle - rows["low"], rows["high"] - middle]))
    axis.errorbar(
        x, middle, yerr=error, color=COLOURS[colour], marker=marker, markersize=5, label=NAMES[policy], **style
    )


def timeline(trace: Sequence[int], k: int, advice: Mapping[str, Sequence[int]]) -> Figure:
    """What Flush holds at each request of a short trace, one panel for each bit vector of `advice` (title: bits)."""
    fig, axes = plt.subplots(len(advice), 1, figsize=(6, 2.35 * len(advice)), sharex=True)
    for axis, (title, bits) in zip(np.atleast_1d(axes), advice.items(), strict=True):
        state, paid = theory.EMPTY["flush"], 0
        for t, (page, bit) in enumerate(zip(trace, bits, strict=True)):
            fault, (state,) = theory.step("flush", state, page, int(bit), k)
            paid += fault
            for held in state:
                axis.add_patch(
                    plt.Rectangle((t - 0.5, held - 0.4), 1, 0.8, color=COLOURS["blue"], alpha=0.3, linewidth=0)
                )
            axis.plot(
                t, page, "X" if fault else "o", color=COLOURS["red"] if fault else INK, markersize=8 if fault else 5
            )
            if bit:
                axis.annotate(
                    "1",
                    (t, page),
                    xytext=(9, 0),
                    textcoords="offset points",
                    ha="center",
                    va="center",
                    fontweight="bold",
                )
        axis.set(ylabel="page", ylim=(max(trace) + 0.9, -1.0), xlim=(-0.7, len(trace) - 0.3))
        axis.set_yticks(range(max(trace) + 1), [chr(ord("A") + page) for page in range(max(trace) + 1)])
        axis.set_title(f"{title}: {paid} faults")
        axis.grid(False)
    np.atleast_1d(axes)[-1].set_xlabel("request")
    return fig


def sweep(frame: pd.DataFrame, titles: Mapping[str, str]) -> Figure:
    """Cost over the optimum against the rate of flipped bits; a row of `frame` has trace, policy, rate, ratio, low and
    high. One panel for each trace of `titles`."""
    fig, axes = plt.subplots(len(titles), 1, figsize=(6, 3.4 * len(titles) + 0.6))
    for axis, (trace, title) in zip(np.atleast_1d(axes), titles.items(), strict=True):
        for policy in NAMES:
            rows = frame[(frame["trace"] == trace) & (frame["policy"] == policy)].sort_values("rate")
            if policy in ("lru", "marker") and len(rows):
                _level(axis, rows, policy)
            elif len(rows):
                _line(axis, rows["rate"], rows, policy)
        axis.set_xscale("symlog", linthresh=0.01, linscale=0.5)
        axis.set_xticks([0, 0.01, 0.1, 0.5], ["0", "1%", "10%", "50%"])
        axis.minorticks_off()
        axis.set(xlabel="bits turned round", ylabel="cost / optimum", title=title)
    handles, labels = np.atleast_1d(axes)[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="lower center", ncols=3, bbox_to_anchor=(0.5, -0.11))
    return fig


def slopes(frame: pd.DataFrame, k: int) -> Figure:
    """Extra faults against wrong bits, both over the optimum: wrong ones above, wrong zeros below. A row
    of `frame` has side ("zeros" or "ones", the true bits that were flipped), policy, errors, ratio, low and high."""
    fig, (upper, lower) = plt.subplots(2, 1, figsize=(6, 7))
    top = {"zeros": 0.0, "ones": 0.0}
    for axis, side in ((upper, "zeros"), (lower, "ones")):
        for policy in ("flush", "mark0"):
            rows = frame[(frame["side"] == side) & (frame["policy"] == policy)].sort_values("errors")
            wide = {"linewidth": 6, "alpha": 0.5} if policy == "flush" and side == "zeros" else {}  # the lines coincide
            _line(axis, rows["errors"], rows, policy, **wide)
            top[side] = max(top[side], rows["high"].max())
    x = np.array([0, frame.loc[frame["side"] == "zeros", "errors"].max()])
    upper.plot(x, x, color=INK, linewidth=1.2, linestyle="--")
    upper.text(x[1] * 0.55, x[1] * 0.68, "bound: 1 for each", ha="right", fontsize=11)
    limit = 1.25 * top["ones"]
    for slope, text, policy in (
        (k - 1, f"$k-1={k - 1}$", "flush"),
        (2 * idea.harmonic(k), f"$2H_k={2 * idea.harmonic(k):.1f}$", "mark0"),
    ):
        lower.plot([0, limit / slope], [0, limit], color=COLOURS[LOOK[policy][0]], linewidth=1.2, linestyle="--")
        lower.text(limit / slope, limit * 1.02, text, color=COLOURS[LOOK[policy][0]], fontsize=11, ha="center")
    upper.set(xlabel="wrong ones, $\\eta_1$ / optimum", ylabel="extra faults / optimum")
    lower.set(xlabel="wrong zeros, $\\eta_0$ / optimum", ylabel="extra faults / optimum", ylim=(0, limit * 1.12))
    upper.legend(loc="upper left")
    return fig


def thresholds(frame: pd.DataFrame, best: float, titles: Mapping[str, str]) -> Figure:
    """Cost of learned advice against the threshold on its probability; a row of `frame` has trace, policy, threshold,
    ratio, low and high. `best` is the threshold that the bound suggests."""
    fig, axes = plt.subplots(len(titles), 1, figsize=(6, 3.4 * len(titles) + 0.4))
    for axis, (trace, title) in zip(axes, titles.items(), strict=True):
        for policy in ("lru", "marker", "flush", "mark0", "follow"):
            rows = frame[(frame["trace"] == trace) & (frame["policy"] == policy)].sort_values("threshold")
            if policy in ("lru", "marker"):
                _level(axis, rows, policy)
            else:
                _line(axis, rows["threshold"], rows, policy)
        axis.axvline(best, color=COLOURS["red"], linewidth=1.4, linestyle="-.", label="threshold from the bound")
        axis.set(xlabel="say 1 above this probability", ylabel="cost / optimum", title=title, xlim=(0, 1))
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="lower center", ncols=3, bbox_to_anchor=(0.5, -0.08))
    return fig


# The interactive figure


def browser_data(traces: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Traces (renumbered, at most 65,536 pages) and colours: the reader's browser does all the rest."""
    numbered = {name: np.unique(trace, return_inverse=True)[1].astype(np.uint16) for name, trace in traces.items()}
    hues = {policy: COLOURS[LOOK[policy][0]] for policy in NAMES}
    return {"traces": numbered, "names": NAMES, "colours": hues}


def browser_controls(titles: Mapping[str, str]) -> list[figures.Control]:
    """A choice and three sliders; `UPDATE` reads them by name."""
    return [
        figures.Choice("trace", "trace", dict(titles), next(iter(titles))),
        figures.Slider("zeros", "true zeros turned into wrong ones", 0, 100, 1, 0, " %"),
        figures.Slider("ones", "true ones turned into wrong zeros", 0, 100, 1, 0, " %"),
        figures.Slider("k", "cache size k", 5, 60, 5, 20, " pages"),
    ]


# values: trace (a name), zeros and ones (per cent of the true zeros and ones that are turned round), k
UPDATE = r"""
const trace = data.traces[values.trace], n = trace.length, k = values.k, RUNS = 8;
let seed = 12345;
const random = () => { seed = (seed + 0x6D2B79F5) | 0; let x = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x; return ((x ^ (x >>> 14)) >>> 0) / 4294967296; };
const pick = (list) => list[Math.floor(random() * list.length)];

// Belady: the optimum and the true discard bits. A page that never comes again: the smallest number goes first.
const next = new Array(n), seen = new Map();
for (let t = n - 1; t >= 0; t--) { next[t] = seen.has(trace[t]) ? seen.get(trace[t]) : n + 65536 - trace[t]; seen.set(trace[t], t); }
const truth = new Array(n).fill(0);
let optimum = 0;
{ const held = new Map();
  for (let t = 0; t < n; t++) {
    if (!held.has(trace[t])) {
      optimum++;
      if (held.size === k) {
        let victim = -1, far = -1;
        for (const [page, at] of held) if (next[at] > far) { far = next[at]; victim = page; }
        truth[held.get(victim)] = 1; held.delete(victim);
      }
    }
    held.set(trace[t], t);
  } }
// Phase bits: cut into k-phases, then look one phase ahead.
const phases = [new Set()], number = new Array(n);
for (let t = 0; t < n; t++) {
  if (!phases[phases.length - 1].has(trace[t]) && phases[phases.length - 1].size === k) phases.push(new Set());
  phases[phases.length - 1].add(trace[t]); number[t] = phases.length - 1;
}
const present = number.map((p, t) => (p + 1 < phases.length && phases[p + 1].has(trace[t]) ? 0 : 1));
const turn = (bits) => bits.map((b) => (random() < (b ? values.ones : values.zeros) / 100 ? 1 - b : b));
const bits = turn(truth), phase = turn(present);
const errors = (given, right) => given.reduce((e, b, t) => (b === right[t] ? e : [e[0] + (b ? 0 : 1), e[1] + (b ? 1 : 0)]), [0, 0]);

const lru = () => { const held = new Map(); let cost = 0;
  for (const page of trace) { if (!held.delete(page)) { cost++; if (held.size === k) held.delete(held.keys().next().value); } held.set(page, 1); }
  return cost; };
const flush = () => { const held = new Set(); let cost = 0;
  for (let t = 0; t < n; t++) { const page = trace[t];
    if (!held.has(page)) { cost++; if (held.size === k) held.clear(); held.add(page); }
    if (bits[t]) held.delete(page); }
  return cost; };
const marking = (drops, prefers) => { const held = new Set(), marked = new Set(), latest = new Map(); let cost = 0;
  for (let t = 0; t < n; t++) { const page = trace[t];
    if (!held.has(page)) { cost++;
      if (held.size === k) {
        if (marked.size === k) marked.clear();
        const unmarked = [...held].filter((p) => !marked.has(p));
        const ones = prefers ? unmarked.filter((p) => latest.get(p)) : [];
        held.delete(pick(ones.length ? ones : unmarked));
      }
      held.add(page); }
    marked.add(page);
    if (prefers) latest.set(page, phase[t]);
    if (drops && bits[t]) { held.delete(page); marked.delete(page); } }
  return cost; };
const follow = () => { const held = new Map(); let cost = 0;
  for (let t = 0; t < n; t++) { if (!held.has(trace[t])) { cost++;
      if (held.size === k) { const ones = [...held.keys()].filter((p) => held.get(p)); held.delete(pick(ones.length ? ones : [...held.keys()])); } }
    held.set(trace[t], bits[t]); }
  return cost; };
const mean = (run) => { let total = 0; for (let i = 0; i < RUNS; i++) total += run(); return total / RUNS; };
const cost = { lru: lru(), marker: mean(() => marking(false, false)), flush: flush(), mark0: mean(() => marking(true, false)),
  mark_predict: mean(() => marking(false, true)), follow: mean(follow) };
let h = 0; for (let i = 1; i <= k; i++) h += 1 / i;
const [eta0, eta1] = errors(bits, truth), [p0, p1] = errors(phase, present);
const bound = { flush: optimum + (k - 1) * eta0 + eta1, mark0: optimum + 2 * h * eta0 + eta1, mark_predict: 2 * optimum + h * p0 + p1 };

const order = ["follow", "mark_predict", "mark0", "flush", "marker", "lru"], right = Math.max(2, 1.25 * Math.max(...order.map((p) => cost[p] / optimum)));
const guarded = order.filter((p) => bound[p] !== undefined);
const traces = [
  { type: "bar", orientation: "h", y: order.map((p) => data.names[p]), x: order.map((p) => cost[p] / optimum), marker: { color: order.map((p) => data.colours[p]) },
    text: order.map((p) => (cost[p] / optimum).toFixed(2)), textposition: "outside", cliponaxis: false, showlegend: false, hoverinfo: "skip" },
  { type: "scatter", mode: "markers", name: "bound", y: guarded.map((p) => data.names[p]), x: guarded.map((p) => Math.min(bound[p] / optimum, right)), showlegend: false,
    marker: { symbol: guarded.map((p) => (bound[p] / optimum > right ? "triangle-right" : "line-ns-open")), size: 18, line: { width: 3 }, color: guarded.map((p) => data.colours[p]) },
    hovertext: guarded.map((p) => "bound: " + (bound[p] / optimum).toFixed(2)), hoverinfo: "text" },
];
const say = (p) => `${data.names[p]} ${(cost[p] / optimum).toFixed(2)}` + (bound[p] === undefined ? "" : ` (bound ${(bound[p] / optimum).toFixed(1)})`);
const readout = `${n.toLocaleString("en")} requests, optimum ${optimum.toLocaleString("en")} faults, ${eta0.toLocaleString("en")} wrong zeros and ${eta1.toLocaleString("en")} wrong ones among the discard bits. `
  + `Cost over the optimum: ${["flush", "mark0", "mark_predict", "follow", "lru", "marker"].map(say).join(", ")}.`;
return { data: traces, layout: { xaxis: { range: [0, right * 1.06], title: { text: "cost / optimum" } } }, readout,
  result: { optimum, cost, bound, bits, phase, eta0, eta1 } };
"""  # noqa: E501


def browser_layout() -> dict[str, Any]:
    """Plotly figure without traces: a bar for each policy, a mark for its bound."""
    layout = {
        "height": 360,
        "margin": {"l": 110, "r": 25, "t": 10, "b": 50},
        "xaxis": {"range": [0, 2.1], "title": {"text": "cost / optimum"}},
        "yaxis": {"automargin": True},
        "shapes": [{"type": "line", "x0": 1, "x1": 1, "y0": 0, "y1": 1, "yref": "paper", "line": {"width": 1.5, "dash": "dot", "color": INK}}],  # noqa: E501
    }  # fmt: skip
    return {"data": [], "layout": layout}

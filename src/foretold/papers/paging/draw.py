"""Figures of the paging chapter, and what its interactive one in ``browser.js`` is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
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
    pages = range(max(trace) + 1)
    for axis, (title, bits) in zip(np.atleast_1d(axes), advice.items(), strict=True):
        state, paid = theory.State(), 0
        for t, (page, bit) in enumerate(zip(trace, bits, strict=True)):
            fault, (state,) = theory.step("flush", state, page, int(bit), k)
            paid += fault
            _request(axis, t, page, bool(bit), bool(fault), state.cache)
        axis.set(ylabel="page", ylim=(max(trace) + 0.9, -1.0), xlim=(-0.7, len(trace) - 0.3))
        axis.set_yticks(pages, [chr(ord("A") + page) for page in pages])
        axis.set_title(f"{title}: {paid} faults")
        axis.grid(False)
    np.atleast_1d(axes)[-1].set_xlabel("request")
    return fig


def _request(axis: Axes, t: int, page: int, bit: bool, fault: bool, cache: Iterable[int]) -> None:
    """Request t: a cross for a fault, a dot for a hit, the bit if it is 1; shaded what the cache holds after it."""
    for held in cache:
        axis.add_patch(plt.Rectangle((t - 0.5, held - 0.4), 1, 0.8, color=COLOURS["blue"], alpha=0.3, linewidth=0))
    if fault:
        axis.plot(t, page, "X", color=COLOURS["red"], markersize=8)
    else:
        axis.plot(t, page, "o", color=INK, markersize=5)
    if bit:
        beside = {"xytext": (9, 0), "textcoords": "offset points", "ha": "center", "va": "center"}
        axis.annotate("1", (t, page), fontweight="bold", **beside)


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
    for axis, side in ((upper, "zeros"), (lower, "ones")):
        for policy in ("flush", "mark0"):
            rows = frame[(frame["side"] == side) & (frame["policy"] == policy)].sort_values("errors")
            wide = {"linewidth": 6, "alpha": 0.5} if policy == "flush" and side == "zeros" else {}  # the lines coincide
            _line(axis, rows["errors"], rows, policy, **wide)
    most = frame.loc[frame["side"] == "zeros", "errors"].max()
    upper.plot([0, most], [0, most], color=INK, linewidth=1.2, linestyle="--")
    upper.text(most * 0.55, most * 0.68, "bound: 1 for each", ha="right", fontsize=11)
    limit = 1.25 * frame.loc[frame["side"] == "ones", "high"].max()
    h = idea.harmonic(k)
    for slope, text, policy in ((k - 1, f"$k-1={k - 1}$", "flush"), (2 * h, f"$2H_k={2 * h:.1f}$", "mark0")):
        colour = COLOURS[LOOK[policy][0]]
        lower.plot([0, limit / slope], [0, limit], color=colour, linewidth=1.2, linestyle="--")
        lower.text(limit / slope, limit * 1.02, text, color=colour, fontsize=11, ha="center")
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


UPDATE = figures.script(Path(__file__).with_name("browser.js"))


def browser_layout() -> dict[str, Any]:
    """Plotly figure without traces: a bar for each policy, a mark for its bound, a line at the optimum."""
    optimum = {"type": "line", "x0": 1, "x1": 1, "y0": 0, "y1": 1, "yref": "paper"}
    layout = {
        "height": 360,
        "margin": {"l": 110, "r": 25, "t": 10, "b": 50},
        "xaxis": {"range": [0, 2.1], "title": {"text": "cost / optimum"}},
        "yaxis": {"automargin": True},
        "shapes": [optimum | {"line": {"width": 1.5, "dash": "dot", "color": INK}}],
    }
    return {"data": [], "layout": layout}

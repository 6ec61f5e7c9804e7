"""Figures of the prediction-sets chapter."""

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
from foretold.kit import uncertainty
from foretold.papers.prediction_sets import idea, theory
from foretold.papers.prediction_sets.experiment import BUDGETS, TAUS, Measured
from foretold.papers.prediction_sets.idea import Node, Partial

CODE: dict[str, Any] = {"fontsize": 10.5, "va": "center", "family": "DejaVu Sans Mono"}
HOLES = {1: ("blue", "o"), 2: ("orange", "s"), 3: ("green", "^"), 4: ("purple", "D")}


def programs(rows: Sequence[tuple[str, str]]) -> Figure:
    """Programs with holes, one a line: (what stands before it, program)."""
    fig = plt.figure(figsize=(5.2, 0.34 * len(rows) + 0.2), layout="none")
    axis = fig.add_axes((0, 0, 1, 1))  # no layout may move what has been measured
    axis.set_axis_off()
    axis.set(xlim=(0, 1), ylim=(len(rows) - 0.4, -0.6))
    for at, (before, text) in enumerate(rows):
        axis.text(0, at, before, fontsize=11.5, va="center")
        parts, x = text.split(idea.HOLE), 0.21
        for i, part in enumerate(parts):
            if i:
                box = {"facecolor": COLOURS["red"], "edgecolor": "none", "pad": 1.5}
                x = _right(fig, axis, axis.text(x, at, " ?? ", **CODE, color="white", bbox=box))
            if part:
                x = _right(fig, axis, axis.text(x, at, part, **CODE))
    return fig


def _right(fig: Figure, axis: Any, text: Any) -> float:
    box = text.get_window_extent(fig.canvas.get_renderer())
    return float(axis.transData.inverted().transform((box.x1, 0))[0])


def curves(measured: Mapping[int, Measured], greedy: Mapping[int, Measured]) -> Figure:
    """Missed programs and removed nodes against tau: optimal sets as lines, greedy ones dashed."""
    fig, (upper, lower) = plt.subplots(2, 1, figsize=(5.8, 6.2), sharex=True)
    for m, (colour, _) in HOLES.items():
        for result, style in ((measured.get(m), "-"), (greedy.get(m), "--")):
            if result is None:
                continue
            missed, removed = result.missed.mean(0), result.removed.mean(0)
            error = uncertainty.Z * np.sqrt(missed * (1 - missed) / len(result.missed))
            label = f"m = {m}" + ("" if style == "-" else ", greedy")
            upper.plot(TAUS, missed, style, color=COLOURS[colour], label=label, linewidth=1.6)
            if style == "-":
                upper.fill_between(TAUS, missed - error, missed + error, color=COLOURS[colour], alpha=0.15, linewidth=0)
            lower.plot(TAUS, removed, style, color=COLOURS[colour], linewidth=1.6)
    upper.set(ylabel="share of programs missed", ylim=(0, None))
    lower.set(xlabel="threshold $\\tau$", ylabel="share of nodes removed", xlim=(0, 1), ylim=(0, 1))
    upper.legend(ncols=2)
    return fig


def law(held: np.ndarray, tests: int, expected: Any, epsilon: float, delta: float) -> Figure:
    """Share of splits whose held-out error exceeds x, beside what the exact law allows."""
    fig, axis = plt.subplots()
    k = np.arange(int(expected.ppf(1e-4)), int(expected.ppf(1 - 1e-4)) + 1)
    misses = np.round(held * tests).astype(int)
    beyond = (misses[:, None] > k).mean(0)
    error = uncertainty.Z * np.sqrt(beyond * (1 - beyond) / len(misses))
    axis.plot(k / tests, expected.sf(k), color=COLOURS["orange"], linestyle="--", label="beta-binomial law")
    axis.step(k / tests, beyond, where="post", color=COLOURS["blue"], linewidth=1.6, label=f"{len(held):,} splits")
    axis.fill_between(
        k / tests, beyond - error, beyond + error, step="post", color=COLOURS["blue"], alpha=0.25, linewidth=0
    )
    axis.axvline(epsilon, color=INK, linestyle=":", linewidth=1.4, label="$\\epsilon$")
    axis.axhline(delta, color=INK, linestyle="-.", linewidth=1, label="$\\delta$")
    axis.set(xlabel="x, share of held-out programs missed", ylabel="share of splits above x", ylim=(0, 1))
    axis.legend()
    return fig


def _bars(rows: pd.DataFrame, name: str) -> np.ndarray:
    """Lengths of error bars, (2, n): a mean may lie outside of an interval that holds 95% of a very skewed sample."""
    return np.maximum([rows[name] - rows["low"], rows["high"] - rows[name]], 0)


def sizes(table: pd.DataFrame, title: str = "") -> Figure:
    """Removed nodes after calibration against epsilon; rows of `table`: m, method, epsilon, removed, low, high."""
    fig, axis = plt.subplots(layout="constrained")
    for (m, method), rows in table.groupby(["m", "method"]):
        colour, mark = HOLES[m]
        rows = rows.sort_values("epsilon")
        bars = _bars(rows, "removed")
        line = "-" if method == "optimal" else "--"
        shift = 0.002 * (m - 2.5)
        name = f"m = {m}" + ("" if method == "optimal" else ", greedy")
        look = {"linestyle": line, "color": COLOURS[colour], "marker": mark, "markersize": 5, "linewidth": 1.5}
        axis.errorbar(rows["epsilon"] + shift, rows["removed"], bars, label=name, **look)
    axis.set(xlabel="allowed error $\\epsilon$", ylabel="share of nodes removed", ylim=(0, 1), title=title)
    fig.legend(*axis.get_legend_handles_labels(), ncols=2, loc="outside lower center")
    return fig


def advantages(table: pd.DataFrame) -> Figure:
    """What greedy removes more than the optimum: at one threshold, and after each has its own. Columns: m, view
    ("same threshold" or "each calibrated"), epsilon, more, low, high; in percentage points."""
    fig, axes = plt.subplots(1, 2, figsize=(6, 3.8), sharey=True, layout="constrained")
    for axis, (view, part) in zip(axes, table.groupby("view", sort=False), strict=True):
        for m, rows in part.groupby("m"):
            colour, mark = HOLES[m]
            rows = rows.sort_values("epsilon")
            bars = _bars(rows, "more")
            look = {"color": COLOURS[colour], "marker": mark, "markersize": 5, "linewidth": 1.5}
            axis.errorbar(rows["epsilon"] + 0.003 * (m - 2.5), rows["more"], bars, label=f"m = {m}", **look)
        axis.axhline(0, color=INK, linewidth=1)
        axis.set(xlabel="allowed error $\\epsilon$", title=view)
    axes[0].set_ylabel("greedy minus optimal,\npoints of removed nodes")
    fig.legend(*axes[1].get_legend_handles_labels(), ncols=4, loc="outside lower center")
    return fig


def broken(table: pd.DataFrame, delta: float) -> Figure:
    """Share of splits whose true error exceeds epsilon, by the containment used to calibrate: columns check, epsilon,
    share, low, high."""
    fig, axis = plt.subplots(layout="constrained")
    looks = {
        "strict": ("blue", "o"),
        "order": ("orange", "s"),
        "names": ("green", "^"),
        "order and names": ("red", "D"),
    }
    for check, (colour, mark) in looks.items():
        rows = table[table["check"] == check].sort_values("epsilon")
        bars = _bars(rows, "share")
        axis.errorbar(
            rows["epsilon"], rows["share"], bars, color=COLOURS[colour], marker=mark, label=check, linewidth=1.6
        )
    axis.axhline(delta, color=INK, linestyle="--", linewidth=1.4)
    axis.text(0.25, delta - 0.005, "$\\delta$", va="top", fontsize=12)
    axis.set(xlabel="allowed error $\\epsilon$", ylabel="splits with more misses\nthan allowed, share", ylim=(0, None))
    fig.legend(*axis.get_legend_handles_labels(), title="calibrated with", ncols=4, loc="outside lower center")
    return fig


# The interactive figure


def family(tree: Node, truth: Node, max_holes: Sequence[int]) -> dict[str, Any]:
    """One program for the browser: its nodes' texts and costs, and for each m which nodes are kept at each threshold
    and whether the true program is in the set."""
    everything = Partial(tree, np.zeros(len(tree.nodes), bool))
    partials = {m: [*theory.nested_partial_programs(tree, BUDGETS[:-1], m), everything] for m in max_holes}
    return {
        "texts": [list(node.text) for node in tree.nodes],
        "costs": tree.costs.tolist(),
        "ends": tree.ends.astype(np.int32),
        "truth": idea.render(truth),
        "kept": {str(m): np.array([p.kept for p in part], np.uint8) for m, part in partials.items()},
        "inside": {str(m): [bool(idea.contains(p, truth)) for p in part] for m, part in partials.items()},
    }


def controls(names: Mapping[str, str], first: Mapping[str, Any]) -> list[figures.Control]:
    """Program, threshold, holes; `UPDATE` reads them by name. The slider begins where `first`, the
    first program's `family`, opens a hole."""
    opened = np.argmin(first["kept"]["2"].all(1))
    return [
        figures.Choice("program", "predicted program", dict(names), next(iter(names))),
        figures.Choice("m", "holes at most", {str(m): str(m) for m in HOLES}, "2"),
        figures.Slider("tau", "threshold τ", 0, 1, 0.01, float(np.ceil(100 * TAUS[opened]) / 100)),
    ]


def browser_data(
    families: Sequence[Mapping[str, Any]], errors: Mapping[int, np.ndarray], n: int, delta: float
) -> dict[str, Any]:
    """Programs, and how many of n calibration programs are missed at each threshold, by m."""
    counts = {str(m): count.astype(int).tolist() for m, count in errors.items()}
    return {
        "programs": {f"p{i}": dict(one) for i, one in enumerate(families)},
        "errors": counts,
        "n": n,
        "delta": delta,
    }


UPDATE = figures.script(Path(__file__).with_name("browser.js"))

"""Figures of the speculative chapter, and data and JavaScript of its interactive one."""

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
from foretold.papers.speculative import theory

HUES = {"Alpaca": "blue", "HumanEval": "orange", "GSM8K": "green"}
KINDS = {  # how the name of a policy begins: colour, marker
    "K": ("grey", "s"),
    "confidence": ("orange", "^"),
    "head": ("blue", "o"),
    "paper's head": ("purple", "v"),
    "oracle": ("green", "D"),
}


def kind(name: str) -> str:
    """Which of `KINDS` a policy belongs to."""
    return next(start for start in sorted(KINDS, key=len, reverse=True) if name.startswith(start))


def iso_speed(axis: Axes, cost_ratio: float, speeds: Sequence[float]) -> None:
    """Lines of equal speed in the plane of verification and discard rate: (1 + d) + (rho - 1) v = rho / s."""
    (left, right), (bottom, top) = axis.get_xlim(), axis.get_ylim()
    x = np.array([left, right])
    for s in speeds:
        y = cost_ratio / s - 1 - (cost_ratio - 1) * x
        axis.plot(x, y, color=INK, linewidth=0.9, linestyle="--", alpha=0.7, zorder=0)
        # The text stands where the line enters the frame, from above or from the left.
        at = (left, y[0]) if y[0] <= top else ((cost_ratio / s - 1 - top) / (cost_ratio - 1), top)
        if left <= at[0] <= right and bottom <= at[1] <= top:
            axis.annotate(f"{s:g}x", at, xytext=(3, -12), textcoords="offset points", fontsize=10.5, color=INK)
    axis.set(xlim=(left, right), ylim=(bottom, top))


def pareto(dots: pd.DataFrame, ours: pd.DataFrame, ratios: tuple[float, float]) -> Figure:
    """Discard against verification: the paper's dots above, our policies below, with lines of equal speed."""
    fig, (upper, lower) = plt.subplots(2, 1, figsize=(6, 8.2))
    for name, hue in HUES.items():
        for method, marker, size in (("SpecDec", "s", 34), ("SpecDec++", "o", 9)):
            part = dots[(dots["dataset"] == name) & (dots["method"] == method)]
            label = name if method == "SpecDec" else None
            upper.scatter(
                part["verification"], part["discard"], s=size, marker=marker, color=COLOURS[hue], label=label, alpha=0.8
            )
    upper.set(xlim=(0.13, 0.31), ylim=(0, 1.7), title="the paper: squares fixed K, dots SpecDec++")
    upper.legend(loc="upper right")
    for name in dict.fromkeys(map(kind, ours.index)):
        part = ours[[kind(index) == name for index in ours.index]].sort_values("verification")
        colour, marker = KINDS[name]
        lower.plot(part["verification"], part["discard"], marker=marker, color=COLOURS[colour], label=name)
    lower.set(xlim=(0.28, 0.62), ylim=(0, 1.3), title="ours: fixed K, and rules that look")
    lower.legend(loc="upper right")
    for axis, rho, lines in ((upper, ratios[0], (1.6, 1.8, 2.0, 2.2)), (lower, ratios[1], (1.4, 1.5, 1.6, 1.7, 1.8))):
        iso_speed(axis, rho, lines)
        axis.set(xlabel="target calls per token", ylabel="discarded candidates per token")
    return fig


def lengths(table: pd.DataFrame, alpha: float, cost_ratio: float, chosen: str) -> Figure:
    """Speed against the number of candidates, with a line for the head, the oracle, and the closed form."""
    fig, axis = plt.subplots()
    fixed = table[[name.startswith("K") for name in table.index]]
    k = [int(name.split("=")[1]) for name in fixed.index]
    error = np.abs(np.stack([fixed["speed"] - fixed["low"], fixed["high"] - fixed["speed"]]))
    axis.errorbar(k, fixed["speed"], yerr=error, marker="s", color=COLOURS["grey"], label="fixed K")
    grid = np.arange(0, max(k) + 1)
    axis.plot(
        grid,
        theory.speedup(alpha, grid, cost_ratio),
        linestyle=":",
        color=INK,
        label=f"all accepted alike, $\\alpha$ = {alpha:.2f}",
    )
    oracle = table[[name.startswith("oracle") for name in table.index]]["speed"].idxmax()
    for name, colour, label in ((chosen, "blue", "head"), (oracle, "green", "oracle")):
        low, high = table.loc[name, ["low", "high"]]
        axis.axhspan(low, high, color=COLOURS[colour], alpha=0.25, linewidth=0)
        axis.axhline(table.loc[name, "speed"], color=COLOURS[colour], label=f"{label}, adaptive")
    axis.set(
        xlabel="candidates a round, K",
        ylabel="speed (target alone = 1)",
        title=f"a target call costs {cost_ratio:g} draft calls",
    )
    axis.legend(loc="upper center", bbox_to_anchor=(0.45, -0.24), ncols=2)
    return fig


def ladder(rounds: Sequence[Mapping[str, Any]], threshold: float) -> Figure:
    """One decoded text, a row for each round: accepted candidates, the target's own token, discarded candidates; below,
    the running risk of a rejection of the same rounds."""
    colours = {"accepted": "green", "target's own": "blue", "discarded": "red"}
    fig, (upper, lower) = plt.subplots(2, 1, figsize=(6, 8), height_ratios=[3, 1.5])
    widest = 0
    for row, one in enumerate(rounds):
        cells = [(text, "accepted") for text in one["accepted"]] + [(one["own"], "target's own")]
        lost = [(text, "discarded") for text in one["discarded"]]
        widest = max(widest, len(cells) + len(lost) + 1)
        for column, (text, what) in enumerate([*cells, ("", None), *lost]):
            if what is None:
                continue
            box = {"boxstyle": "round,pad=0.15", "facecolor": COLOURS[colours[what]], "alpha": 0.25, "linewidth": 0}
            upper.text(column, row, text, family="DejaVu Sans Mono", ha="center", va="center", fontsize=12, bbox=box)
        lower.plot(np.arange(1, len(one["risk"]) + 1), one["risk"], color=COLOURS["purple"], linewidth=1.2, alpha=0.6)
        lower.plot(len(one["risk"]), one["risk"][-1], "o", color=COLOURS["purple"], markersize=4)
    upper.set(xlim=(-0.8, max(widest, 12)), ylim=(len(rounds) - 0.4, -0.6), ylabel="round", xticks=[])
    upper.set_yticks(range(len(rounds)), [str(row + 1) for row in range(len(rounds))])
    upper.grid(False)
    marks = [plt.Rectangle((0, 0), 1, 1, color=COLOURS[hue], alpha=0.35, linewidth=0) for hue in colours.values()]
    upper.legend(marks, list(colours), loc="upper center", bbox_to_anchor=(0.45, -0.01), ncols=3)
    lower.axhline(threshold, color=COLOURS["red"], linestyle="--", linewidth=1.3)
    lower.set(xlabel="candidates so far", ylabel="predicted risk\nof a rejection", ylim=(0, 1))
    return fig


def calls(counts: Sequence[int], target: Sequence[float], recorded: pd.DataFrame) -> Figure:
    """Cost of a target call against the tokens that it reads, over that of one token: here, and of a 135M model."""
    fig, axis = plt.subplots()
    axis.plot(counts, np.array(target) / target[0], marker="o", color=COLOURS["blue"], label="our target, here")
    axis.plot(
        recorded["tokens"],
        recorded["ms"] / recorded["ms"].iloc[0],
        marker="s",
        color=COLOURS["orange"],
        label="SmolLM2-135M's shape, recorded",
    )
    axis.axhline(1, color=INK, linestyle=":", label="flat, as the model assumes")
    axis.set(xlabel="tokens read in one call", ylabel="time / time for one token", ylim=(0, None))
    axis.legend(loc="upper left")
    return fig


def stops(values: Mapping[float, Sequence[tuple[float, bool]]]) -> Figure:
    """Risk of a rejection at each state of exact decision processes, for each cost ratio: where it is best to go on and
    where to stop, and the theorem's limit at a slack of zero."""
    fig, axis = plt.subplots(figsize=(5.8, 3.8))
    rng = np.random.default_rng(0)
    for row, (rho, states) in enumerate(values.items()):
        risk, goes = np.array([r for r, _ in states]), np.array([g for _, g in states])
        for flag, colour, shift in ((True, "green", 0.14), (False, "orange", -0.14)):
            x = risk[goes == flag]
            x = rng.choice(x, min(len(x), 400), replace=False)
            axis.plot(
                x,
                row + shift + rng.uniform(-0.1, 0.1, len(x)),
                ".",
                color=COLOURS[colour],
                markersize=3,
                label=("best to go on" if flag else "best to stop") if row == 0 else None,
            )
        axis.plot([(rho - 1) / rho] * 2, [row - 0.35, row + 0.35], color=COLOURS["red"], linewidth=2.2)
    axis.set_yticks(range(len(values)), [f"{rho:g}" for rho in values])
    axis.set(xlabel="probability that a candidate is rejected", ylabel="cost ratio", xlim=(-0.02, 1.02))
    axis.legend(loc="upper center", bbox_to_anchor=(0.45, -0.18), ncols=2, markerscale=4)
    return fig


# The interactive figure


def browser_controls() -> list[figures.Control]:
    """Three sliders; `UPDATE` reads them by name."""
    return [
        figures.Slider("alpha", "acceptance rate α", 0.3, 0.98, 0.01, 0.8),
        figures.Slider("ratio", "cost ratio: a target call in draft calls", 1.5, 30, 0.5, 6),
        figures.Slider("threshold", "threshold h on the risk of a rejection", 0.02, 0.98, 0.02, 0.66),
    ]


UPDATE = figures.script(Path(__file__).with_name("browser.js"))


def browser_layout() -> dict[str, Any]:
    """Plotly figure without traces: speed against the number of candidates, and the speed of the target alone."""
    alone = {"width": 1.5, "dash": "dot", "color": INK}
    layout = {
        "height": 360,
        "margin": {"l": 55, "r": 15, "t": 10, "b": 50},
        "xaxis": {"range": [-0.6, 24.6], "title": {"text": "candidates a round, K"}},
        "yaxis": {"title": {"text": "speed over the target alone"}},
        "legend": {"orientation": "h", "y": 1.12},
        "shapes": [{"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": 1, "y1": 1, "line": alone}],
    }
    return {"data": [], "layout": layout}

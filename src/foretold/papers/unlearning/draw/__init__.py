"""Figures of the unlearning chapter that are more than a seaborn call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps, pyplot as plt
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from foretold.figures import COLOURS, INK, SEQUENTIAL
from foretold.papers.unlearning import idea, theory
from foretold.papers.unlearning.idea import Order

# One colour and marker for each way to train, the same in every figure.
LOOK = {
    "whole": ("grey", "D", ":", "SISA, whole shards only"),
    "B = 1": ("orange", "s", "--", "SISA with checkpoints (B = 1)"),
    "B = 2": ("purple", "v", "-", "S3T, B = 2"),
    "B = 3": ("red", "P", "-", "S3T, B = 3"),
    "B = L": ("blue", "o", "-", "S3T, B = L"),
    "B = L!": ("green", "^", "-.", "S3T, all L! orders"),
}


def _errors(rows: pd.DataFrame, middle: str) -> np.ndarray:
    return np.abs(np.stack([rows[middle] - rows["low"], rows["high"] - rows[middle]]))


def cards(sequences: Sequence[Order], deleted: Sequence[int]) -> Figure:
    """The sequences of one shard before and after each of some deletions: a row is a sequence, a box a slice."""
    fig, axes = plt.subplots(1, len(deleted) + 1, figsize=(6, 2.3), sharey=True)
    for time, axis in enumerate(axes):
        gone, slices = set(deleted[:time]), len(sequences[0])
        best, length = idea.longest(sequences, gone)
        for row, sequence in enumerate(sequences):
            kept = idea.surviving(sequence, gone)
            for place, number in enumerate(sequence):
                state = "alive" if place < kept else "hit" if number in gone else "cut"
                colour = {"alive": COLOURS["blue"], "hit": COLOURS["red"], "cut": "none"}[state]
                axis.add_patch(
                    Rectangle((place - 0.45, row - 0.42), 0.9, 0.84, facecolor=colour, alpha=0.4, linewidth=0)
                )
                text = {"weight": "bold"} if state == "alive" else {}
                axis.text(place, row, "×" if state == "hit" else number, ha="center", va="center", **text)
            if length and row == best:
                box = Rectangle((-0.48, row - 0.46), length - 0.04, 0.92, fill=False, edgecolor=INK, linewidth=2)
                axis.add_patch(box)
        title = "all there" if not time else f"slice {deleted[time - 1]} is hit"
        axis.set_title(title, fontsize=11.5)
        axis.set(xlim=(-0.6, slices - 0.4), ylim=(len(sequences) - 0.4, -0.6), xticks=[], yticks=[])
        axis.grid(False)
        for side in axis.spines.values():
            side.set_visible(False)
    axes[0].set_ylabel("sequences of a shard")
    return fig


def dying(sequences: Sequence[Order], shards: int, stream: Sequence[tuple[int, int]]) -> Figure:
    """Surviving prefix of every sequence (rows, grouped by shard) after each deletion (columns) of a stream."""
    slices, several = len(sequences[0]), len(sequences)
    gone: list[set[int]] = [set() for _ in range(shards)]
    lengths = np.zeros((shards * several, len(stream) + 1), int)
    for time in range(len(stream) + 1):
        if time:
            shard, number = stream[time - 1]
            gone[shard].add(int(number))
        lengths[:, time] = [idea.surviving(s, gone[shard]) for shard in range(shards) for s in sequences]
    shades = [colormaps[SEQUENTIAL](0.2 + 0.7 * i / max(1, slices - 1)) for i in range(slices)]
    shown = np.ma.masked_equal(lengths, 0)
    fig, axis = plt.subplots(figsize=(6, 4.6))
    norm = BoundaryNorm(np.arange(0.5, slices + 1), slices)
    axis.imshow(shown, aspect="auto", interpolation="nearest", cmap=ListedColormap(shades), norm=norm)
    for shard in range(shards):
        dead = np.flatnonzero(lengths[shard * several : (shard + 1) * several].max(0) == 0)
        if len(dead):
            axis.plot(dead[0], (shard + 0.5) * several - 0.5, "X", color=COLOURS["red"], markersize=9)
        if shard:
            axis.axhline(shard * several - 0.5, color=INK, linewidth=1)
    axis.set_yticks([(i + 0.5) * several - 0.5 for i in range(shards)], [f"shard {i}" for i in range(shards)])
    axis.set(xlabel="deletions", ylabel=f"{several} sequences each")
    axis.grid(False)
    handles = [Patch(color=shade, label=f"{i}") for i, shade in enumerate(shades, 1)]
    fig.legend(handles=handles, title="slices left", loc="lower center", ncols=slices, bbox_to_anchor=(0.55, -0.14))
    return fig


def rates(frame: pd.DataFrame, shards: int, slices: int) -> Figure:
    """Simulated and expected deletions against the budget; a row of `frame` is one of `rates`."""
    fig, axis = plt.subplots(figsize=(5.6, 4))
    axis.plot(frame["budget"], frame["theory"], color=INK, linewidth=1.4, label="$m\\,L\\,H_{m\\min(B,L)}$")
    rows = {"fmt": "o", "color": COLOURS["blue"], "markersize": 7, "label": "simulated"}
    axis.errorbar(frame["budget"], frame["mean"], yerr=_errors(frame, "mean"), **rows)
    axis.axhline(shards * idea.harmonic(shards), color=COLOURS["grey"], linestyle=":", label=LOOK["whole"][3])
    axis.axvline(slices, color=COLOURS["orange"], linewidth=1.3, linestyle="--", label="$B = L$")
    axis.set(xlabel="budget $B$ (sequences for each shard)", ylabel="deletions until failure", ylim=(0, None))
    fig.legend(loc="lower center", ncols=2, bbox_to_anchor=(0.55, -0.17))
    return fig


def finite(frame: pd.DataFrame) -> Figure:
    """Deletions until failure against rows in a slice; a row has look, rows, exact, endless, mean, low and high."""
    fig, axis = plt.subplots(figsize=(5.6, 3.8))
    for look, group in frame.groupby("look", sort=False):
        colour, marker, _, label = LOOK[look]
        axis.plot(group["rows"], group["exact"], color=COLOURS[colour], linewidth=1.4)
        dots = {"fmt": marker, "color": COLOURS[colour], "label": label}
        axis.errorbar(group["rows"], group["mean"], yerr=_errors(group, "mean"), **dots)
        axis.axhline(group["endless"].iloc[0], color=COLOURS[colour], linewidth=1.2, linestyle="--")
    axis.set_xscale("log")
    axis.set(xlabel="rows in a slice", ylabel="deletions until failure", ylim=(0, None))
    axis.legend(loc="lower right")
    return fig


def retention(slices: int, budget: int, k: int, most: int, small: int, inner: int) -> Figure:
    """Probability that k slices survive: above two ways to choose rotations, below all orders of `small` slices with
    prefixes of `inner`; exact, and by the closed form for independent prefixes."""
    fig, (upper, lower) = plt.subplots(2, 1, figsize=(6, 7))
    r = np.arange(most + 1)
    kinds = {
        "consecutive rotations": (idea.cyclic_sequences(slices, budget), "orange", "s"),
        "spaced rotations": (theory.spaced_sequences(slices, budget), "blue", "o"),
    }
    for label, (sequences, colour, marker) in kinds.items():
        exact = [idea.retention(sequences, slices, k, int(n)) for n in r]
        upper.plot(r, exact, marker=marker, color=COLOURS[colour], label=label)
    formula = [idea.independence(slices, k, int(n), budget) for n in r]
    upper.plot(r, formula, color=INK, linestyle="--", linewidth=1.5, label="closed form")
    everything = theory.orders(small)
    exact = [idea.retention(everything, small, inner, int(n)) for n in r]
    lower.plot(r, exact, marker="^", color=COLOURS["green"], label=f"all {len(everything)} orders")
    for heads, style, text in (
        (small, ":", f"$B' = {small}$"),
        (small * (small - 1), "--", f"$B' = {small * (small - 1)}$"),
    ):
        formula = [idea.independence(small, inner, int(n), heads) for n in r]
        lower.plot(r, formula, color=INK, linestyle=style, linewidth=1.5, label=f"closed form, {text}")
    for axis, title in (
        (upper, f"$L={slices}$, $B={budget}$, $k={k}$"),
        (lower, f"$L={small}$, $B={small}!$, $k={inner}$"),
    ):
        axis.set(xlabel="deletions in the shard", ylabel="P(some $k$ slices are left)", title=title, ylim=(0, 1.04))
        axis.legend(loc="upper right")
    return fig


def survival(frame: pd.DataFrame, methods: Sequence[str], shards: int) -> Figure:
    """Accuracy, and living shards below it, against deletions; `frame` is a summary of `experiment`."""
    fig, (upper, lower) = plt.subplots(2, 1, figsize=(6, 6.4), sharex=True, height_ratios=(2.2, 1))
    for method in methods:
        rows = frame[frame["method"] == method].sort_values("deletions")
        colour, _, style, label = LOOK[method]
        line = {"color": COLOURS[colour], "linestyle": style}
        upper.fill_between(rows["deletions"], rows["low"], rows["high"], color=COLOURS[colour], alpha=0.25, linewidth=0)
        upper.plot(rows["deletions"], rows["accuracy"], label=label, **line)
        lower.plot(rows["deletions"], rows["living"], **line)
    upper.set(ylabel="accuracy (a dead system: 0)", ylim=(0, 1))
    lower.set(xlabel="deletions", ylabel="living shards", ylim=(0, shards + 0.2))
    fig.legend(*upper.get_legend_handles_labels(), loc="lower center", ncols=2, bbox_to_anchor=(0.53, -0.14))
    return fig


def prices(frame: pd.DataFrame) -> Figure:
    """What a budget buys against what it costs, in multiples of B = 1; a row of `frame` has method, row passes times,
    deletions times, and accuracy times (with low and high)."""
    fig, axis = plt.subplots(figsize=(5.6, 4))
    x = frame["row passes, times"]
    axis.plot(x, frame["deletions, times"], marker="o", color=COLOURS["blue"], label="deletions until failure")
    errors = _errors(frame, "useful, times")
    rows = {
        "marker": "s",
        "color": COLOURS["orange"],
        "linestyle": "--",
        "label": "deletions until a fifth of the accuracy is lost",
    }
    axis.errorbar(x, frame["useful, times"], yerr=errors, **rows)
    for _, row in frame.iterrows():
        higher = max(row["deletions, times"], row["useful, times"])
        axis.annotate(
            row["method"], (row["row passes, times"], higher), xytext=(0, 10), textcoords="offset points", ha="center"
        )
    axis.plot([1, 3.4], [1, 3.4], color=INK, linewidth=1.2, linestyle=":", label="worth its price")
    axis.set_xscale("log")
    axis.set_xticks([1, 2, 4, 8, 16], ["1", "2", "4", "8", "16"])
    axis.minorticks_off()
    axis.set(xlabel="rows read in training, times B = 1", ylabel="gain, times B = 1", ylim=(0.8, 3.5), xlim=(0.8, 26))
    fig.legend(loc="lower center", ncols=1, bbox_to_anchor=(0.55, -0.24))
    return fig


def attacked(curves: Mapping[str, Mapping[str, np.ndarray]], most: int) -> Figure:
    """Accuracy against deletions for each method, by chance and by an attacker who knows the first slices."""
    fig, axes = plt.subplots(len(curves), 1, figsize=(6, 2.9 * len(curves)), sharex=True)
    for axis, (method, lines) in zip(axes, curves.items(), strict=True):
        colour, _, _, label = LOOK[method]
        n = np.arange(most + 1)
        axis.plot(n, lines["chance"][: most + 1], color=COLOURS[colour], label="by chance (mean)")
        target = lines["attack"]
        line = {"color": COLOURS["red"], "linestyle": "--", "drawstyle": "steps-post"}
        axis.plot(range(len(target)), target, label="aimed at first slices", **line)
        axis.plot(len(target) - 1, 0, "X", color=COLOURS["red"], markersize=10)
        axis.set(ylabel="accuracy", ylim=(-0.04, 1), title=label)
    axes[0].legend(loc="upper right")
    axes[-1].set_xlabel("deletions")
    return fig

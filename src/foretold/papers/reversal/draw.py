"""Figures of the reversal chapter that are more than a seaborn call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from scipy.special import expit

from foretold import figures
from foretold.figures import COLOURS, DIVERGING, INK
from foretold.kit.uncertainty import percentile_interval
from foretold.papers.reversal import theory
from foretold.papers.reversal.data import Cell
from foretold.papers.reversal.experiment import GROUPS, Likelihood, celebrities
from foretold.papers.reversal.experiment.small_models import Trained

PAIRS, DIMENSION = 10, 16  # of the interactive figure
MODELS = {"onehot": "one-hot tokens", "vectors": "random vectors", "symmetric": "one-hot, symmetric"}
UPDATE = figures.script(Path(__file__).with_name("browser.js"))


def _errors(rows: pd.DataFrame) -> np.ndarray:
    return np.abs(np.stack([rows["right"] - rows["low"], rows["high"] - rows["right"]])) * 100


def accuracy(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Share of right answers by group and order asked, with intervals; `tables`: a title and the frame of
    `accuracy` for each of two ways of training."""
    fig, axis = plt.subplots(figsize=(5.6, 4.6))
    first = next(iter(tables.values()))
    cells = list(zip(first["group"], first["asked"], strict=True))
    looks = ("o", "blue"), ("D", "green")
    for number, ((title, rows), (marker, colour)) in enumerate(zip(tables.items(), looks, strict=True)):
        y = np.arange(len(cells)) + 0.26 * (number - 0.5 * (len(tables) - 1))
        look = {"fmt": marker, "color": COLOURS[colour], "label": title, "capsize": 3}
        axis.errorbar(100 * rows["right"], y, xerr=_errors(rows), **look)
    labels = [f"{'asked as told' if order in GROUPS[group] else 'other order'}:\n{order}" for group, order in cells]
    axis.set_yticks(range(len(cells)), labels, fontsize=10.5)
    for y in range(2, len(cells), 2):
        axis.axhline(y - 0.5, color=INK, linewidth=0.8)
    for number, group in enumerate(GROUPS):
        axis.text(50, 2 * number + 0.5, f"told {group}", ha="center", va="center", fontsize=11)
    axis.set(xlabel="right answers, %", xlim=(-3, 103), ylim=(len(cells) - 0.5, -0.5))
    axis.legend(loc="upper center", bbox_to_anchor=(0.4, 1.13), ncols=2)
    return fig


def histograms(tests: Mapping[str, Sequence[Likelihood]], titles: Sequence[str]) -> Figure:
    """Log probabilities of right and of wrong answers: a row of panels for each entry of `tests`, with two tests each,
    in the order told and in the other; `titles` name the columns."""
    fig, axes = plt.subplots(len(tests), 2, figsize=(6, 2.6 * len(tests) + 0.4), sharex=True, sharey="row")
    low = min(each.wrong.min() for pair in tests.values() for each in pair)
    bins = np.linspace(np.floor(low), 0, 31)
    for row, (group, pair) in zip(axes, tests.items(), strict=True):
        for axis, each in zip(row, pair, strict=True):
            axis.hist(each.right, bins, color=COLOURS["blue"], alpha=0.6, label="right answer")
            axis.hist(each.wrong, bins, histtype="step", color=COLOURS["orange"], linewidth=2, label="another's answer")
        row[0].set_ylabel(f"told {group.removesuffix(' only')}\nfacts", fontsize=11.5)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title)
    for axis in axes[-1]:
        axis.set_xlabel("ln probability, nats")
    axes[0][0].legend(loc="upper left", fontsize=10)
    return fig


def curves(trained: Trained, cells: Mapping[Cell, str]) -> Figure:
    """Mean ln probability of answers while the models learn, mean and range over models; `cells`: what to draw, and
    what to call it. Cells come in pairs, one of each colour."""
    fig, axis = plt.subplots(figsize=(5.6, 3.8))
    for number, (cell, title) in enumerate(cells.items()):
        track, colour = trained.tracks[cell], COLOURS[("blue", "orange")[number % 2]]
        style, marker = ("-", "o") if "as told" in title else (":", "X")
        axis.fill_between(trained.steps, track.min(0), track.max(0), color=colour, alpha=0.2, linewidth=0)
        axis.plot(trained.steps, track.mean(0), style, color=colour, marker=marker, markersize=5, label=title)
    axis.set_xscale("log")
    axis.set(xlabel="steps of training", ylabel="ln p(answer), nats")
    axis.legend(loc="upper center", bbox_to_anchor=(0.45, -0.24), ncols=1)
    return fig


def weights(matrices: Mapping[str, np.ndarray], pairs: int) -> Figure:
    """Heat maps of the bilinear model's weights, tokens a first and then b."""
    fig, axes = plt.subplots(1, len(matrices), figsize=(6.2, 3.1))
    top = max(np.abs(matrix).max() for matrix in matrices.values())
    for axis, (title, matrix) in zip(axes, matrices.items(), strict=True):
        image = axis.imshow(matrix, cmap=DIVERGING, vmin=-top, vmax=top)
        axis.set_title(title, fontsize=12)
        axis.set_xticks([pairs / 2 - 0.5, 1.5 * pairs - 0.5], ["$a$", "$b$"])
        axis.set_yticks([pairs / 2 - 0.5, 1.5 * pairs - 0.5], ["$a$", "$b$"])
        axis.axhline(pairs - 0.5, color=INK, linewidth=0.8)
        axis.axvline(pairs - 0.5, color=INK, linewidth=0.8)
        axis.grid(False)
    axes[0].set_ylabel("given")
    axes[0].set_xlabel("next")
    fig.colorbar(image, ax=axes[-1], fraction=0.046, label=r"$\Theta$")
    return fig


def sweep(rows: pd.DataFrame) -> Figure:
    """Right answers against the share of facts that were told in both orders, from `sweep`."""
    fig, axis = plt.subplots(figsize=(5.6, 3.8))
    axis.plot([0, 100], [0, 100], color=INK, linewidth=1, linestyle="--")
    look = {
        "in an order it was told in": ("blue", "o"),
        "in the other order, all facts": ("green", "D"),
        "in the other order, told one way": ("red", "X"),
    }
    for kind, (colour, marker) in look.items():
        part = rows[rows["kind"] == kind].sort_values("share")
        look_of = {"color": COLOURS[colour], "marker": marker, "capsize": 3, "label": f"asked {kind}"}
        axis.errorbar(100 * part["share"], 100 * part["right"], yerr=_errors(part), **look_of)
    axis.set(xlabel="facts told in both orders, %", ylabel="right answers, %", xlim=(-3, 103), ylim=(-4, 104))
    axis.legend(loc="upper center", bbox_to_anchor=(0.45, -0.24), ncols=1)
    return fig


def posteriors(draws: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """Log odds and probabilities of a right answer under each prior: medians and 95% intervals by cell."""
    fig, (upper, lower) = plt.subplots(2, 1, figsize=(5.8, 6.4))
    cells = sorted(next(iter(draws.values())), key=lambda cell: ("other" in cell, cell))
    for number, (title, found) in enumerate(draws.items()):
        y = np.arange(len(cells)) + 0.24 * (number - 0.5)
        look = {"fmt": "os"[number], "color": COLOURS[("blue", "orange")[number]], "capsize": 3, "label": title}
        log_odds = [found[cell] for cell in cells]
        for axis, values in ((upper, log_odds), (lower, [100 * expit(some) for some in log_odds])):
            middle = np.median(values, axis=1)
            low, high = np.transpose([percentile_interval(some) for some in values])
            axis.errorbar(middle, y, xerr=[middle - low, high - middle], **look)
    for axis, label in ((upper, "log odds of a right answer"), (lower, "probability of a right answer, %")):
        axis.set_yticks(range(len(cells)), [cell.replace(" only", "") for cell in cells])
        axis.set(xlabel=label, ylim=(len(cells) - 0.5, -0.5))
    upper.legend(loc="upper center", bbox_to_anchor=(0.3, 1.2), ncols=2)
    return fig


def parents(table: pd.DataFrame, n: int) -> Figure:
    """Experiment 2's published means with the widest intervals that they allow."""
    fig, axis = plt.subplots(figsize=(5.6, 3.6))
    looks = {
        "parent_given_child": ("o", "blue", "parent, given the child"),
        "child_given_parent": ("X", "red", "child, given parent"),
    }
    for number, (column, (marker, colour, title)) in enumerate(looks.items()):
        y = np.arange(len(table)) + 0.24 * (number - 0.5)
        mean = table[column].to_numpy()
        ends = np.abs(np.array([celebrities.mean_interval(m, n) for m in mean]).T - mean) * 100
        axis.errorbar(100 * mean, y, xerr=ends, fmt=marker, color=COLOURS[colour], label=title, capsize=3)
    axis.set_yticks(range(len(table)), table["model"].str.replace(", ", ",\n"))
    axis.set(xlabel="right, %", ylim=(len(table) - 0.5, -0.5), xlim=(0, 40))
    axis.legend(loc="upper center", bbox_to_anchor=(0.4, 1.18), ncols=2)
    return fig


def readings(lenient: float, worlds: pd.DataFrame) -> Figure:
    """Above: how often a single answer is right, against how alike ten answers are. Below: what is found in reverse
    among pairs that passed forward, in worlds without a curse; `worlds` has share, correlation and reverse."""
    fig, (upper, lower) = plt.subplots(2, 1, figsize=(5.6, 6.8))
    alike = np.linspace(0, 1, 60)
    upper.plot(alike, [100 * celebrities.single_answer(lenient, a) for a in alike], color=COLOURS["blue"])
    upper.axhline(100 * lenient, color=INK, linewidth=1, linestyle="--")
    upper.text(0.02, 100 * lenient - 2.6, "best of ten answers", fontsize=10.5)
    upper.set(xlabel="correlation of two answers about one pair", ylabel="a single answer right, %", ylim=(0, 36))
    for (share, rows), colour, marker in zip(worlds.groupby("share"), COLOURS.values(), "osD^", strict=False):
        lower.plot(rows["correlation"], 100 * rows["reverse"], color=colour, marker=marker, label=f"{share:.0%} known")
    lower.axhline(100 * lenient, color=INK, linewidth=1, linestyle="--")
    lower.text(0.98, 100 * lenient - 6.5, "Experiment 2", ha="right", fontsize=10.5)
    lower.set(xlabel="correlation of the two directions", ylabel="reverse right, chosen\nby forward, %", ylim=(0, 103))
    lower.legend(loc="upper center", bbox_to_anchor=(0.45, -0.22), ncols=3)
    return fig


# The interactive figure: the bilinear model learns in the reader's browser


def controls() -> list[figures.Control]:
    """A choice and two sliders; `UPDATE` reads them by name."""
    return [
        figures.Slider("share", "pairs told in both orders", 0, 100, 10, 30, " %"),
        figures.Slider("steps", "steps of gradient descent", 0, 400, 20, 200),
        figures.Choice("model", "model", MODELS, "onehot"),
    ]


def layout() -> dict[str, Any]:
    """Plotly figure without traces: the table p(next | given) above right answers against the share."""
    ticks = {"tickvals": [PAIRS / 2 - 0.5, 1.5 * PAIRS - 0.5], "ticktext": ["a", "b"], "showgrid": False}
    given = {"domain": [0.56, 1], "autorange": "reversed", "title": {"text": "given token"}, "zeroline": False}
    return {
        "data": [],
        "layout": {
            "height": 600,
            "margin": {"l": 55, "r": 15, "t": 25, "b": 45},
            "xaxis": {**ticks, "domain": [0.1, 0.9], "anchor": "y", "title": {"text": "next token"}, "zeroline": False},
            "yaxis": {**ticks, **given},
            "xaxis2": {"domain": [0, 1], "anchor": "y2", "range": [-3, 103], "title": {"text": "told both ways, %"}},
            "yaxis2": {"domain": [0, 0.3], "anchor": "x2", "range": [-5, 108], "title": {"text": "reverse, %"}},
            "legend": {"orientation": "h", "y": 0.445, "yanchor": "top", "x": 0},
        },
    }


def browser_data(rows: pd.DataFrame) -> dict[str, Any]:
    """Vectors for the tokens, and the small language models' answers by share (from `sweep`)."""
    kinds = {"all": "in the other order, all facts", "one": "in the other order, told one way"}
    measured = {}
    for name, kind in kinds.items():
        part = rows[rows["kind"] == kind].sort_values("share")
        measured[name] = part[["share", "right", "low", "high"]].to_numpy()
    vectors = theory.random_vectors(2 * PAIRS, DIMENSION, np.random.default_rng(0))
    return {"pairs": PAIRS, "rate": theory.RATE, "vectors": vectors.tolist(), "measured": measured}

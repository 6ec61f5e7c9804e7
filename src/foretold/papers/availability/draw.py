"""Figures of the availability chapter, and controls and data of its interactive ones."""

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
from foretold.kit.uncertainty import mean_interval
from foretold.papers.availability import experiment, idea
from foretold.papers.availability.experiment import NAMES, OUTCOMES, Attack, rates, title

# One colour for each outcome and each attack, the same in every figure.
HUES = {"certified right": COLOURS["blue"], "certified wrong": COLOURS["red"], "abstain": COLOURS["orange"]}
BROWSER = Path(__file__).with_name("browser.js")
POISON, QUEUE = figures.script(BROWSER, "poison"), figures.script(BROWSER, "queue")
LOOK = {"random": (COLOURS["orange"], "o"), "process": (COLOURS["purple"], "s")}


def examples(x: np.ndarray, columns: int = 6) -> Figure:
    """The first images of x (n, pixels), above as they are, below with the trigger."""
    side = round(x.shape[1] ** 0.5)
    fig, axes = plt.subplots(2, columns, figsize=(5.8, 2.4))
    for row, images in zip(axes, (x, idea.add_trigger(x)), strict=True):
        for axis, image in zip(row, images, strict=False):
            axis.imshow(image.reshape(side, side), vmin=0, vmax=1)
            axis.set_xticks([])
            axis.set_yticks([])
            axis.grid(False)
    for row, name in zip(axes, ("clean", "triggered"), strict=True):
        row[0].set_ylabel(name)
    return fig


def stacked(frame: pd.DataFrame, attacks: Sequence[Attack]) -> Figure:
    """Outcomes of each attack, clean above triggered, as shares of the test images; the bar at the right end of what is
    certified is the 95% t interval of the abstentions over seeds."""
    fig, axis = plt.subplots(figsize=(6, 1.1 * len(attacks) + 1.3))
    ticks = []
    for place, (kind, fraction) in enumerate(attacks):
        for offset, source in ((-0.16, "clean"), (0.16, "triggered")):
            left = 0.0
            for outcome in OUTCOMES:
                width = 100 * rates(frame, kind, fraction, source, outcome).mean()
                axis.barh(place + offset, width, 0.29, left=left, color=HUES[outcome], label=outcome, linewidth=0)
                left += width
            mean, _, high = mean_interval(rates(frame, kind, fraction, source, "abstain"))
            axis.errorbar(
                100 * (1 - mean), place + offset, xerr=100 * (high - mean), color=INK, capsize=3, linewidth=1.5
            )
            ticks.append((place + offset, source))
        axis.text(0, place - 0.33, title(Attack(kind, fraction)), ha="left", va="bottom", fontsize=11.5)
    axis.set_yticks(*zip(*ticks, strict=True))
    axis.set(xlabel="share of test images (%)", xlim=(0, 100), ylim=(len(attacks) - 0.6, -0.6))
    axis.grid(False)
    handles, labels = axis.get_legend_handles_labels()
    shown = dict(zip(labels, handles, strict=True))
    fig.legend(shown.values(), shown.keys(), loc="lower center", ncols=3, bbox_to_anchor=(0.5, -0.06))
    return fig


def ladder(frame: pd.DataFrame, kinds: Sequence[str]) -> Figure:
    """Abstentions on triggered images against the share of poison: a mark for each seed, lines through the means; the
    band is what networks without an attack do with triggered images."""
    fig, axis = plt.subplots(figsize=(5.8, 4))
    fractions = sorted(set(frame["fraction"]) - {0.0})
    for kind in kinds:
        colour, marker = LOOK[kind]
        points = [mean_interval(rates(frame, kind, f, "triggered")) for f in fractions]
        for fraction in fractions:
            seeds = 100 * rates(frame, kind, fraction, "triggered")
            axis.plot([100 * fraction] * len(seeds), seeds, marker, color=colour, markersize=5, alpha=0.5, linewidth=0)
        axis.plot(100 * np.array(fractions), [100 * mean for mean, _, _ in points], color=colour, label=NAMES[kind])
    mean, low, high = mean_interval(rates(frame, "none", 0, "triggered"))
    axis.axhspan(100 * low, 100 * high, color=INK, alpha=0.25, linewidth=0)
    axis.axhline(100 * mean, color=INK, linewidth=1.3, linestyle="--", label="no attack")
    axis.set_xscale("log")
    axis.set_xticks([100 * f for f in fractions], [f"{100 * f:.3g}" for f in fractions])
    axis.minorticks_off()
    axis.set(xlabel="triggered images in training (% of the clean ones)", ylabel="triggered images refused (%)")
    axis.set_ylim(0, 100)
    fig.legend(loc="lower center", ncols=3, bbox_to_anchor=(0.5, -0.08))
    return fig


def margins(names: pd.DataFrame, decided: Mapping[str, experiment.Decisions], attacks: Sequence[Attack]) -> Figure:
    """Distribution of the certified margin on clean and triggered images, thin lines for seeds; above 0 certified."""
    fig, axes = plt.subplots(len(attacks), 1, figsize=(5.8, 1.75 * len(attacks) + 1), sharex=True)
    every = np.concatenate([part.margin.ravel() for part in decided.values()])
    edges = np.linspace(*np.quantile(every, [0.005, 0.99]), 45)
    for axis, attack in zip(axes, attacks, strict=True):
        rows = names[(names["kind"] == attack.kind) & (names["fraction"] == attack.fraction)].index
        for source, colour in (("clean", COLOURS["blue"]), ("triggered", COLOURS["orange"])):
            shares = [np.histogram(decided[source].margin[row], edges)[0] for row in rows]
            shares = 100 * np.array(shares) / decided[source].margin.shape[1]
            for share in shares:
                axis.stairs(share, edges, color=colour, alpha=0.25, linewidth=0.9)
            axis.stairs(shares.mean(0), edges, color=colour, linewidth=2, label=source)
        axis.axvline(0, color=INK, linewidth=1.3, linestyle="--")
        axis.set_title(title(attack))
        axis.set_ylabel("images (%)")
    axes[0].legend(loc="upper left")
    axes[-1].set_xlabel("lower bound of the margin over the box (logits)")
    return fig


DEFENDED = (
    ("no attack", "none", 0.0),
    ("+ gently", "none, gently", 0.0),
    ("+ firmly", "none, firmly", 0.0),
    ("random labels, 1%", "random", 0.01),
    ("+ filtered", "filtered", 0.01),
    ("+ gently", "random, gently", 0.01),
    ("+ firmly", "random, firmly", 0.01),
    ("process, 10%", "process", 0.1),
    ("+ gently", "process, gently", 0.1),
    ("+ firmly", "process, firmly", 0.1),
)


def defended(frame: pd.DataFrame) -> Figure:
    """Abstentions before and after the defences of `DEFENDED`; marks are seeds, bars their means."""
    fig, axis = plt.subplots(figsize=(5.8, 0.5 * len(DEFENDED) + 1.4))
    for place, (_, kind, fraction) in enumerate(DEFENDED):
        for offset, source, colour in ((-0.15, "clean", COLOURS["blue"]), (0.15, "triggered", COLOURS["orange"])):
            seeds = 100 * rates(frame, kind, fraction, source)
            axis.plot(seeds, [place + offset] * len(seeds), "o", color=colour, alpha=0.5, markersize=5)
            mean = {"color": colour, "markersize": 14, "markeredgewidth": 3, "linewidth": 0}
            axis.plot([seeds.mean()], [place + offset], "|", label=source, **mean)
    axis.set_yticks(range(len(DEFENDED)), [label for label, _, _ in DEFENDED])
    axis.set(xlabel="images refused (%)", xlim=(0, 100), ylim=(len(DEFENDED) - 0.5, -0.5))
    for place in (2.5, 6.5):
        axis.axhline(place, color=INK, linewidth=0.8)
    handles, labels = axis.get_legend_handles_labels()
    shown = dict(zip(labels, handles, strict=True))
    fig.legend(shown.values(), shown.keys(), loc="lower center", ncols=2, bbox_to_anchor=(0.6, -0.06))
    return fig


def shifts(backlogs: Mapping[str, np.ndarray], window: tuple[int, int]) -> Figure:
    """Cases that wait, minute by minute: (runs, minutes) for each name; thin lines are runs, thick ones their mean."""
    fig, axis = plt.subplots(figsize=(5.8, 3.6))
    for (name, runs), colour in zip(
        backlogs.items(), (COLOURS["grey"], COLOURS["orange"], COLOURS["purple"]), strict=False
    ):
        minutes = np.arange(1, runs.shape[1] + 1)
        axis.plot(minutes, runs.T, color=colour, alpha=0.15, linewidth=0.8)
        axis.plot(minutes, runs.mean(0), color=colour, label=name)
    axis.axvspan(*window, color=INK, alpha=0.12, linewidth=0)
    axis.set(xlabel="minute of the shift", ylabel="cases that wait")
    axis.set_xticks(range(0, 481, 60))
    axis.legend(loc="upper right")
    return fig


# Interactive: poison and the size of the box


def poison_data(
    frame: pd.DataFrame,
    shares: Mapping[str, tuple[np.ndarray, np.ndarray]],
    radii: Sequence[float],
    images: Sequence[int],
) -> dict[str, Any]:
    """Means and spreads over seeds of the shares at each half-width; `frame` names the replicas, `shares` holds
    (certified right, certified wrong) of each, (replicas, radii), for clean and triggered; `images`: how many images
    each fraction is."""
    table: dict[str, Any] = {}
    for (kind, fraction), rows in frame.groupby(["kind", "fraction"]).groups.items():
        table[f"{kind} {100 * fraction:.3g}"] = {
            source: {
                "right": right[rows].mean(0),
                "wrong": wrong[rows].mean(0),
                "spread": (1 - right[rows] - wrong[rows]).std(0, ddof=1 if len(rows) > 1 else 0),
            }
            for source, (right, wrong) in shares.items()
        }
    counts = {f"{100 * f:.3g}": int(n) for f, n in zip(sorted(set(frame["fraction"]) - {0.0}), images, strict=True)}
    return {"table": table, "radii": list(radii), "images": counts, "hues": HUES, "seeds": int(frame["seed"].nunique())}


def poison_controls(radii: Sequence[float]) -> list[figures.Control]:
    """A choice and two sliders; `POISON` reads them by name."""
    step, middle = radii[1] - radii[0], radii[len(radii) // 2]
    return [
        figures.Choice("kind", "attack", {kind: NAMES[kind] for kind in LOOK}, "random"),
        figures.Slider("rate", "triggered images in training", 0.1, 10, 0.5, 1, " %", "log10"),
        figures.Slider("eps", "half-width of the box", radii[0], radii[-1], step, middle),
    ]


def poison_layout() -> dict[str, Any]:
    """Plotly figure without traces: four stacked bars."""
    layout = {
        "height": 330,
        "barmode": "stack",
        "margin": {"l": 135, "r": 15, "t": 40, "b": 50},
        "xaxis": {"range": [0, 100], "title": {"text": "share of test images (%)"}},
        "yaxis": {"automargin": True},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
    }
    return {"data": [], "layout": layout}


# Interactive: the people behind


def queue_controls(options: Mapping[str, str]) -> list[figures.Control]:
    """A choice of the attacked network and three sliders; `QUEUE` reads them by name."""
    return [
        figures.Choice("attack", "network", dict(options), next(iter(options))),
        figures.Slider("share", "requests with the trigger, while the attack lasts", 0, 50, 1, 20, " %"),
        figures.Slider("staff", "people at the fallback", 5, 40, 1, 12),
        figures.Slider("minutes", "length of the attack", 30, 300, 30, 120, " min"),
    ]


def queue_data(requests: float, treats: float, rates_of: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    """Requests a minute, cases a person treats in a minute, and (clean, triggered) abstention of each network."""
    hues = {"run": COLOURS["orange"], "mean": COLOURS["orange"], "band": "rgba(128, 128, 128, 0.18)"}
    return {"requests": requests, "treats": treats, "rates": {k: list(v) for k, v in rates_of.items()}, "hues": hues}


def queue_layout() -> dict[str, Any]:
    """Plotly figure without traces: cases that wait against minutes of a shift."""
    layout = {
        "height": 340,
        "margin": {"l": 60, "r": 15, "t": 10, "b": 50},
        "xaxis": {"range": [0, 480], "dtick": 60, "title": {"text": "minute of the shift"}},
        "yaxis": {"title": {"text": "cases that wait"}},
    }
    return {"data": [], "layout": layout}

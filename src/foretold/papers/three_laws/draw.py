"""Figures of the page on which three laws meet, and data and JavaScript of its interactive one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from foretold import figures
from foretold.figures import COLOURS, INK
from foretold.kit.uncertainty import mean_interval
from foretold.papers.three_laws.experiment import SCHEDULES, Array, Curves

LOOK = dict(zip(SCHEDULES, (("blue", "-"), ("orange", "--"), ("green", "-.")), strict=True))


def losses(curves: Curves, error: float) -> Figure:
    """Loss against steps: the largest size under each schedule, with the error of the last loss, and the smaller sizes
    at constant rate behind it."""
    fig, axes = plt.subplots(figsize=(6, 4))
    for i, (size, curve) in enumerate(zip(curves.sizes[:-1], curves.losses[:-1, 0], strict=True)):
        axes.plot(curves.steps, curve, color=INK, alpha=0.45, linewidth=1)
        end, beside = (curves.steps[-1], curve[-1]), (7 + 24 * (i % 2), 0)
        axes.annotate(f"{size / 1e3:,.0f}k", end, xytext=beside, textcoords="offset points", va="center")
    for (name, (colour, style)), curve in zip(LOOK.items(), curves.losses[-1], strict=True):
        axes.plot(curves.steps, curve, color=COLOURS[colour], linestyle=style, label=name)
        axes.errorbar(curves.steps[-1], curve[-1], yerr=error, color=COLOURS[colour], capsize=3)
    axes.set(xlabel="steps", ylabel="validation loss (nats per token)", xlim=(0, curves.steps[-1] * 1.2))
    axes.set_ylim(curves.losses[-1, :, -1].min() - 0.08, np.quantile(curves.losses[0], 0.9))
    axes.legend(title=f"{curves.sizes[-1] / 1e3:,.0f}k parameters")
    return fig


def errors(table: Mapping[str, Mapping[str, float]], error: float) -> Figure:
    """Predicted minus observed final loss (`table[law][schedule]`) with the observation's error: a panel for each
    schedule, a row for each law."""
    fig, axes = plt.subplots(len(LOOK), 1, figsize=(6, 1.75 * len(LOOK) + 0.6), sharex=True)
    for axis, (schedule, (colour, _)) in zip(axes, LOOK.items(), strict=True):
        laws = list(table)
        values = [table[law].get(schedule, np.nan) for law in laws]
        axis.errorbar(values, range(len(laws)), xerr=error, fmt="o", color=COLOURS[colour], capsize=3)
        axis.axvline(0, color=INK, linewidth=1, linestyle=":")
        axis.set_yticks(range(len(laws)), laws)
        axis.set(ylim=(len(laws) - 0.5, -0.5))
        axis.set_title(f"truth: {schedule}")
    axes[-1].set_xlabel("predicted minus observed loss (nats)")
    return fig


def gains(curves: Curves) -> Figure:
    """What the decay at the end is worth at each size, with the gain from the next size up as a measure."""
    fig, axes = plt.subplots(figsize=(6, 3.6))
    names = list(LOOK)
    constant, decayed = names.index("constant"), names.index("warm, stable, decay")
    middle, *ends = mean_interval((curves.windows[:, constant] - curves.windows[:, decayed]).T)
    spread, green = np.abs(np.array(ends) - middle), COLOURS["green"]
    axes.errorbar(
        curves.sizes, middle, yerr=spread, color=green, fmt="o-", capsize=3, label="decay instead of constant"
    )
    larger = curves.losses[:-1, constant, -1] - curves.losses[1:, constant, -1]
    axes.plot(curves.sizes[:-1], larger, "s:", color=COLOURS["grey"], label="the next size instead of this one")
    axes.set(xscale="log", xlabel="parameters without embeddings", ylabel="loss saved (nats per token)")
    axes.set_xticks(curves.sizes, [f"{size / 1e3:,.0f}k" for size in curves.sizes])
    axes.minorticks_off()
    axes.set_ylim(0, None)
    axes.legend()
    return fig


def floors(assumed: Array, fit_error: Array, far: Array, ahead: float) -> Figure:
    """Error of the fit against the assumed floor (above), and what it predicts `ahead` times further (below)."""
    fig, axes = plt.subplots(2, 1, figsize=(6, 5), sharex=True)
    axes[0].plot(assumed, 1e3 * fit_error, color=COLOURS["blue"])
    axes[0].set(ylabel="error of the fit\n(thousandths of a nat)", ylim=(0, None))
    axes[1].plot(assumed, far, color=COLOURS["red"])
    axes[1].set(xlabel="assumed floor (nats per token)", ylabel=f"predicted loss\nafter {ahead:g} times the steps")
    return fig


# The interactive figure


def browser_layout() -> dict[str, Any]:
    """Plotly figure without traces: predicted minus observed, laws by schedules."""
    layout = {
        "height": 340,
        "margin": {"l": 8, "r": 12, "t": 30, "b": 50},
        "xaxis": {"title": {"text": "predicted minus observed (nats)"}, "zeroline": True, "zerolinecolor": INK},
        "yaxis": {"automargin": True, "autorange": "reversed"},
    }
    return {"data": [], "layout": layout}


def browser_controls(shares: Sequence[float]) -> list[figures.Control]:
    """How much of the runs the laws may see, in per cent."""
    low, high, step = (round(100 * value) for value in (shares[0], shares[-1], shares[1] - shares[0]))
    return [figures.Slider("share", "share of the runs that the laws see", low, high, step, high, " %")]


UPDATE = figures.script(Path(__file__).with_name("browser.js"))


def browser_data(shares: Sequence[float], laws: Sequence[str], errors: Sequence[Sequence[Sequence[float]]]) -> dict:
    """What `UPDATE` reads; a law that says nothing about a schedule has nan there."""
    plain = [[[None if np.isnan(e) else round(float(e), 4) for e in row] for row in found] for found in errors]
    return {
        "shares": [round(100 * share) for share in shares],
        "laws": list(laws),
        "schedules": list(LOOK),
        "colours": [COLOURS[colour] for colour, _ in LOOK.values()],
        "errors": plain,
    }

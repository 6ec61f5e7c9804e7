"""Figures of the scaling chapter that are more than a seaborn call, and data and JavaScript of its interactive one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from foretold import figures
from foretold.figures import COLOURS, INK
from foretold.kit.uncertainty import Z, percentile_interval
from foretold.papers.scaling import idea
from foretold.papers.scaling.experiment import Curve

SERIES = ("blue", "orange", "green", "purple", "red", "grey")
MARKS = ("o", "s", "^", "D", "v", "P")


def hyperbolas(reached: pd.DataFrame, fitted: pd.DataFrame, losses: Sequence[float]) -> Figure:
    """Steps against tokens for some losses: measured points, the fitted hyperbola, and its corner B = B_crit."""
    fig, axis = plt.subplots(figsize=(6, 4.4))
    for loss, colour, mark in zip(losses, SERIES, MARKS, strict=False):
        part = reached[np.isclose(reached["loss"], loss)]
        axis.plot(part["steps"] * part["batch"], part["steps"], mark, color=COLOURS[colour], label=f"loss {loss:.2f}")
        row = fitted[np.isclose(fitted["loss"], loss)].iloc[0]
        ratio = np.geomspace(0.05, 20, 200)  # B_crit / B
        axis.plot(row["e_min"] * (1 + 1 / ratio), row["s_min"] * (1 + ratio), color=COLOURS[colour], linewidth=1.4)
        axis.plot(2 * row["e_min"], 2 * row["s_min"], "+", color=INK, markersize=15, markeredgewidth=2, zorder=4)
    low, high = (reached["steps"] * reached["batch"]).agg(["min", "max"])
    axis.set(xscale="log", yscale="log", xlabel="tokens seen, $E = SB$", ylabel="steps, $S$")
    axis.set(xlim=(low / 2, high * 2), ylim=(reached["steps"].min() / 1.5, reached["steps"].max() * 1.5))
    axis.plot([], [], "+", color=INK, markersize=12, markeredgewidth=2, linestyle="", label="$B = B_{crit}$")
    axis.legend(loc="upper right")
    return fig


def critical(fitted: pd.DataFrame, b_star: float, alpha_b: float) -> Figure:
    """Critical batch size against loss with 95% intervals, the fitted power law, and Kaplan's slope."""
    fig, axis = plt.subplots(figsize=(6, 3.7))
    value, error = fitted["b_crit"], np.exp(Z * fitted["error"])
    spread = np.stack([value - value / error, value * error - value])
    axis.errorbar(fitted["loss"], value, yerr=spread, fmt="o", color=COLOURS["blue"], label="measured", linewidth=1.4)
    loss = np.linspace(fitted["loss"].min() * 0.98, fitted["loss"].max() * 1.02, 50)
    line = idea.critical_batch_size(loss, b_star, alpha_b)
    axis.plot(loss, line, color=COLOURS["orange"], label=f"fit, $\\alpha_B$ = {alpha_b:.3f}")
    middle = np.exp(np.log(fitted[["loss", "b_crit"]]).mean())
    kaplan = middle["b_crit"] * (middle["loss"] / loss) ** (1 / idea.KAPLAN.alpha_b)
    axis.plot(loss, kaplan, color=COLOURS["grey"], linestyle="--", label="Kaplan's slope, $\\alpha_B$ = 0.21")
    axis.set(yscale="log", xlabel="loss (nats a character)", ylabel="$B_{crit}$ (characters)")
    ticks = [t for t in (100, 200, 500, 1_000, 2_000, 5_000) if line.min() / 2 < t < line.max() * 2]
    axis.set_yticks(ticks, [f"{t:,}" for t in ticks])
    axis.minorticks_off()
    axis.legend()
    return fig


def sizes(seen: Sequence[Curve], unseen: Sequence[Curve], laws: Sequence[idea.Law], after: int) -> Figure:
    """Curves of all sizes, thin; the law (first of `laws`) solid where it was fitted and dashed where it predicts, with
    the band of the others, its bootstrap."""
    fig, axis = plt.subplots(figsize=(6, 4.6))
    ordered = sorted({c.n for c in (*seen, *unseen)})
    hidden = {c.n for c in unseen}
    for n, colour in zip(ordered, cycle(SERIES), strict=False):
        for curve in (c.after(after) for c in (*seen, *unseen) if c.n == n):
            axis.plot(curve.steps, curve.losses, color=COLOURS[colour], alpha=0.45, linewidth=1)
            steps, batch = curve.steps, curve.batch
        lines = np.array([idea.trajectory(n, steps, batch, law) for law in laws])
        style = "--" if n in hidden else "-"
        label = f"{n:,}, predicted" if n in hidden else f"{n:,}"
        axis.plot(steps, lines[0], style, color=COLOURS[colour], linewidth=2.2, label=label)
        if n in hidden and len(laws) > 1:
            low, high = percentile_interval(lines[1:])
            axis.fill_between(steps, low, high, color=COLOURS[colour], alpha=0.2, linewidth=0)
    axis.set(xscale="log", xlabel="steps", ylabel="loss (nats a character)")
    _plain_log(axis, steps)
    fig.legend(title="parameters", loc="lower center", ncols=3, bbox_to_anchor=(0.5, -0.17))
    return fig


def batches(curves: Sequence[Curve], law: idea.Law, blind: idea.Law, after: int) -> Figure:
    """Runs at batch sizes that no fit has seen, with the law's trajectories, and those of a law blind to the batch."""
    sizes = sorted({c.batch for c in curves})
    fig, axes = plt.subplots(1, len(sizes), figsize=(6.4, 3.8), sharey=True)
    for axis, batch in zip(np.atleast_1d(axes), sizes, strict=True):
        for curve in (c.after(after) for c in curves if c.batch == batch):
            axis.plot(curve.steps, curve.losses, color=COLOURS["blue"], alpha=0.6, linewidth=1.2)
            steps, n = curve.steps, curve.n
        axis.plot([], [], color=COLOURS["blue"], label="observed")
        axis.plot(steps, idea.trajectory(n, steps, batch, law), "--", color=COLOURS["orange"], label="with $B_{crit}$")
        axis.plot(steps, idea.trajectory(n, steps, batch, blind), ":", color=COLOURS["grey"], label="without")
        axis.set(xscale="log", xlabel="steps", title=f"B = {batch:,}")
        _plain_log(axis, steps)
    axes[0].set_ylabel("loss (nats a character)")
    axes[0].legend(loc="upper right")
    return fig


def _plain_log(axis: plt.Axes, steps: np.ndarray) -> None:
    ticks = [t for t in (50, 100, 200, 500, 1_000, 2_000, 5_000) if steps.min() <= t * 1.01 and t <= steps.max()]
    axis.set_xticks(ticks, [f"{t:,}" for t in ticks])
    axis.minorticks_off()


def floors(table: pd.DataFrame, titles: Mapping[str, str]) -> Figure:
    """The picture to remember: the error of the predicted loss of the 2B models along training, with and without a
    floor, and 95% bands; a panel for each entry of `titles` (column `models`)."""
    fig, axes = plt.subplots(len(titles), 1, figsize=(6, 3.3 * len(titles)), sharex=True)
    looks = {
        "no floor": ("orange", "--", "o", "no floor (the paper's form)"),
        "floor": ("blue", "-", "s", "floor E fitted"),
    }
    for axis, (models, title) in zip(axes, titles.items(), strict=True):
        for form, (colour, style, mark, label) in looks.items():
            here = table["quantity"].eq("error at tokens, %") & table["models"].eq(models) & table["form"].eq(form)
            rows = table[here].astype({"at": float}).sort_values("at")
            axis.plot(rows["at"], rows["value"], style, marker=mark, markersize=4.5, color=COLOURS[colour], label=label)
            axis.fill_between(rows["at"], rows["low"], rows["high"], color=COLOURS[colour], alpha=0.18, linewidth=0)
        axis.axhline(0, color=INK, linewidth=1.2)
        axis.set(ylabel="error of predicted loss (%)", title=title, ylim=(-15, 12), xscale="log")
        axis.set_xticks([10, 20, 50, 100, 200, 350], ["10", "20", "50", "100", "200", "350"])
        axis.minorticks_off()
    axes[-1].set_xlabel("tokens (billions)")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="lower center", ncols=2, bbox_to_anchor=(0.5, -0.07))
    axes[0].text(345, 0.35, "observed", ha="right", fontsize=11)
    return fig


def gaps(table: pd.DataFrame) -> Figure:
    """How far two other ways to train lie from the constant rate at the same step, by tokens, with 95% intervals."""
    fig, axis = plt.subplots(figsize=(6, 3.7))
    looks = {"lower rate": ("blue", "o", "a lower constant rate"), "cooled down": ("orange", "s", "after a cooldown")}
    for form, (colour, mark, label) in looks.items():
        rows = table[table["form"].eq(form) & table["quantity"].eq("gap")].astype({"at": float})
        middle = -rows["value"]
        error = np.stack([rows["high"] - rows["value"], rows["value"] - rows["low"]])
        axis.errorbar(rows["at"], middle, yerr=error, fmt=f"{mark}-", color=COLOURS[colour], label=label, linewidth=1.6)
    axis.axhline(0, color=INK, linewidth=1.2)
    axis.set(xlabel="tokens (billions)", ylabel="loss minus that of\nthe constant rate (nats)", ylim=(-0.12, 0.11))
    axis.legend(loc="center right", bbox_to_anchor=(1, 0.42))
    return fig


# The interactive figure


def browser_data(law: idea.Law) -> dict[str, Any]:
    """Constants of the law, and colours: the reader's browser solves the implicit equation itself."""
    return {"law": asdict(law), "colours": dict(COLOURS)}


def browser_controls() -> list[figures.Control]:
    """Four sliders; `UPDATE` reads them by name."""
    return [
        figures.Slider("n", "parameters N", 1e6, 1e12, 0.25, 1e9, "", "log10"),
        figures.Slider("s", "steps S", 1e2, 1e7, 0.1, 1e5, "", "log10"),
        figures.Slider("b", "batch B", 1e4, 1e9, 0.25, 1e6, " tokens", "log10"),
        figures.Slider("floor", "floor E", 0, 2, 0.1, 0, " nats"),
    ]


UPDATE = figures.script(Path(__file__).with_name("browser.js"))


def browser_layout() -> dict[str, Any]:
    """Plotly figure without traces: loss against steps."""
    layout = {
        "height": 400,
        "margin": {"l": 60, "r": 15, "t": 10, "b": 50},
        "xaxis": {"type": "log", "range": [2, 7], "title": {"text": "steps"}, "dtick": 1, "exponentformat": "power"},
        "yaxis": {"range": [0, 7], "title": {"text": "loss (nats a token)"}},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    }
    return {"data": [], "layout": layout}

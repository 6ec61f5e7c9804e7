"""Figures of the annealing chapter that are more than a seaborn call, and the JavaScript of its interactive one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from foretold import figures
from foretold.figures import COLOURS, INK
from foretold.kit.uncertainty import percentile_interval
from foretold.papers.annealing import experiment, idea
from foretold.papers.annealing.idea import AnnealingLaw, Curve, Floats

HUES = ("blue", "orange", "green", "purple", "red", "grey")
STYLES = ("-", "--", "-.", ":")


def pictures(rates: Mapping[str, Floats], decay: float) -> Figure:
    """Learning rate, momentum of its falls and annealing area of some schedules, one under another; the forward area of
    the first is shaded."""
    fig, axes = plt.subplots(3, 1, figsize=(6, 7.2), sharex=True)
    for (name, lr), hue, style in zip(rates.items(), HUES, STYLES, strict=False):
        s2 = idea.areas(lr, decay)[1]
        for axis, values in zip(axes, (lr, np.diff(s2, prepend=0), s2), strict=True):
            axis.plot(values, color=COLOURS[hue], linestyle=style, label=name)
    first = next(iter(rates.values()))
    axes[0].fill_between(np.arange(len(first)), first, color=COLOURS["blue"], alpha=0.15, linewidth=0)
    axes[0].text(len(first) * 0.04, first.max() * 0.12, "$S_1$: area under the curve", fontsize=11.5)
    axes[0].set(ylabel="learning rate $\\eta$", title="rate", ylim=(0, None))
    axes[1].set(ylabel="momentum $m$", title="falls of the rate, slowly forgotten")
    axes[2].set(ylabel="annealing area $S_2$", title="their sum", xlabel="step")
    for axis in axes:
        axis.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2))
    axes[2].legend(loc="upper left")
    return fig


def refit(curves: Mapping[str, Curve], law: AnnealingLaw, drawn: list[AnnealingLaw], warmup: int) -> Figure:
    """Points and fit above; below the relative error of the fit, with the middle 95% of refits."""
    fig, (upper, lower) = plt.subplots(2, 1, figsize=(6, 6.2), sharex=True, height_ratios=(2, 1))
    for (name, (rates, steps, losses)), hue, marker in zip(curves.items(), HUES, "os", strict=False):
        line = np.arange(steps[0], steps[-1] + 1, 50)
        upper.plot(line, law.predict(rates, line, warmup), color=COLOURS[hue], label=f"{name}: law")
        upper.plot(
            steps, losses, marker, color=COLOURS[hue], markersize=6, markerfacecolor="none", label=f"{name}: points"
        )
        predicted = law.predict(rates, steps, warmup)
        low, high = percentile_interval([one.predict(rates, steps, warmup) / predicted - 1 for one in drawn])
        lower.fill_between(steps, 100 * low, 100 * high, color=COLOURS[hue], alpha=0.2, linewidth=0)
        lower.plot(steps, 100 * (losses / predicted - 1), marker, color=COLOURS[hue], markersize=5)
    lower.axhline(0, color=INK, linewidth=1)
    upper.set(ylabel="validation loss (nats)", ylim=(None, 3.75))
    lower.set(ylabel="point - law (%)", xlabel="step")
    upper.legend(ncols=2)
    return fig


def valley(found: idea.Profile, best: AnnealingLaw, printed: AnnealingLaw | None) -> Figure:
    """Deviance over alpha and the window 1 / (1 - lambda), with the region that a chi-square would call 95%."""
    fig, axis = plt.subplots(figsize=(6, 4.4))
    windows = 1 / (1 - found.decays)
    shown = np.minimum(found.deviance, 60)
    mesh = axis.pcolormesh(found.alphas, windows, shown, shading="nearest", cmap=figures.SEQUENTIAL + "_r")
    lines = axis.contour(found.alphas, windows, found.deviance, levels=[5.99], colors=[COLOURS["red"]], linewidths=2)
    lines.set_linestyle("--")
    axis.plot(best.alpha, 1 / (1 - best.decay), "P", color=COLOURS["red"], markersize=11, label="fit")
    if printed is not None:
        at = 1 / (1 - printed.decay)
        axis.plot(
            printed.alpha,
            at,
            "o",
            color="white",
            markeredgecolor=COLOURS["blue"],
            markersize=12,
            label="paper",
            zorder=1.5,
        )
    axis.set(xlabel="exponent $\\alpha$", ylabel="window $1/(1-\\lambda)$ (steps)", yscale="log")
    axis.grid(False)
    fig.colorbar(mesh, label="deviance (60 and more alike)")
    axis.legend(loc="lower right", labelcolor="white")
    return fig


def real_errors(frame: pd.DataFrame, titles: Mapping[str, str]) -> Figure:
    """Predicted minus observed loss over the steps, a panel for each unseen curve, a line for each size. A row of
    `frame` has size, curve, step and error."""
    fig, axes = plt.subplots(3, 2, figsize=(6.2, 7.6), sharey=True)
    for axis, (name, title) in zip(axes.T.flat, titles.items(), strict=True):
        for (size, rows), hue, style in zip(frame[frame["curve"] == name].groupby("size"), HUES, STYLES, strict=False):
            axis.plot(rows["step"], rows["error"], color=COLOURS[hue], linestyle=style, label=f"{size}M")
        axis.axhline(0, color=INK, linewidth=1)
        axis.set_title(title.replace(", ", ",\n"), fontsize=11.5)
        axis.xaxis.set_major_formatter(lambda step, _: f"{step / 1000:g}K")
        axis.set(ylim=(-0.032, 0.032))
    for axis in axes[:, 0]:
        axis.set_ylabel("error (nats)")
    for axis in axes[-1]:
        axis.set_xlabel("step")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="lower center", ncols=3, bbox_to_anchor=(0.5, -0.05))
    return fig


def predicted(
    curves: Mapping[str, Curve], law: AnnealingLaw, without: AnnealingLaw, spread: Mapping[str, Floats], warmup: int
) -> Figure:
    """A panel for each curve: observed losses with two standard errors, the law's prediction, and that of a law
    without annealing. `spread` holds standard errors of the losses."""
    fig, axes = plt.subplots(3, 2, figsize=(6.2, 8), sharex=True, sharey=True)
    for axis, (name, (rates, steps, losses)) in zip(axes.flat, curves.items(), strict=True):
        seen = name in experiment.FITTED
        hue = COLOURS["grey" if seen else "blue"]
        line = np.arange(steps[0], steps[-1] + 1)
        axis.fill_between(
            steps, losses - 2 * spread[name], losses + 2 * spread[name], color=hue, alpha=0.2, linewidth=0
        )
        axis.plot(steps, losses, ".", color=hue, markersize=4.5, label="fitted" if seen else "observed, unseen")
        axis.plot(line, law.predict(rates, line, warmup), color=COLOURS["orange"], linewidth=2.2, label="law")
        axis.plot(
            line, without.predict(rates, line, warmup), color=COLOURS["green"], linestyle=":", label="without $S_2$"
        )
        axis.set_title(experiment.TITLES[name].replace(", ", ",\n").replace(": ", ":\n"), fontsize=11.5)
        axis.xaxis.set_major_formatter(lambda step, _: f"{step / 1000:g}K")
    for axis in axes[:, 0]:
        axis.set_ylabel("validation loss")
    for axis in axes[-1]:
        axis.set_xlabel("step")
    handles = {label: h for axis in axes.flat for h, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    fig.legend(handles.values(), handles, loc="lower center", ncols=2, bbox_to_anchor=(0.5, -0.09))
    return fig


def shares(frame: pd.DataFrame) -> Figure:
    """Predicted final loss against the share of the steps that goes down, a line for each shape (a column)."""
    fig, axis = plt.subplots(figsize=(6, 4))
    names = {"cosine": "cosine", "linear": "linear", "sqrt": "1 - sqrt", "drop": "drop to 0 at once"}
    for shape, hue, style in zip(frame.columns, HUES, STYLES, strict=False):
        axis.plot(100 * frame.index, frame[shape], color=COLOURS[hue], linestyle=style, label=names[shape])
        least = frame[shape].idxmin()
        axis.plot(100 * least, frame[shape].min(), "o", color=COLOURS[hue], markersize=7)
    axis.set(xlabel="share of the steps that goes down (%)", ylabel="predicted final loss (nats)")
    axis.legend(title="shape of the decay")
    return fig


def favourite(
    found: Mapping[int, Floats], law: AnnealingLaw, truth: Curve, drop: int, loss: float, warmup: int
) -> Figure:
    """Above, schedules after some rounds of descent on the law; below, what the law predicts for its favourite on our
    own runs and what the weights must do: stand still."""
    fig, (upper, lower) = plt.subplots(2, 1, figsize=(6, 7))
    for (number, rates), hue, style in zip(found.items(), HUES, STYLES, strict=False):
        upper.plot(rates, color=COLOURS[hue], linestyle=style, label=f"round {number}")
    upper.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2))
    upper.set(xlabel="step", ylabel="learning rate", title="the law improves a schedule", ylim=(0, None))
    upper.legend(loc="lower left")
    rates, steps, losses = truth
    at = len(rates) - drop
    dropped = np.where(np.arange(len(rates)) < at, rates, 0.0)
    line = np.arange(steps[0], len(rates))
    still = np.interp(at, steps, losses)
    lower.plot(steps, losses, ".", color=COLOURS["grey"], markersize=5, label="constant rate, observed")
    lower.plot(line, law.predict(dropped, line, warmup), color=COLOURS["orange"], label="rate 0 from the line on: law")
    lower.plot(
        [at, len(rates)], [still, still], color=COLOURS["blue"], linestyle="--", label="rate 0: what must happen"
    )
    lower.axvline(at, color=INK, linewidth=1, linestyle=":")
    lower.plot(len(rates), loss, "v", color=COLOURS["orange"], markersize=9)
    lower.set(
        xlabel="step", ylabel="validation loss", title="its favourite, on our own run", xlim=(len(rates) * 0.5, None)
    )
    near = losses[steps >= len(rates) * 0.5]
    lower.set_ylim(loss - 0.03, near.max() + 0.02)
    lower.legend(loc="lower left")
    return fig


# The interactive figure


def browser_layout() -> dict[str, Any]:
    """Plotly figure without traces: the learning rate above, the predicted loss below."""
    layout = {
        "height": 470,
        "margin": {"l": 60, "r": 15, "t": 10, "b": 50},
        "xaxis": {"title": {"text": "step"}, "anchor": "y2"},
        "yaxis": {"domain": [0.66, 1], "title": {"text": "rate"}, "rangemode": "tozero"},
        "yaxis2": {"domain": [0, 0.56], "title": {"text": "predicted loss"}, "range": [2.55, 3.3]},
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 0.57, "yanchor": "bottom"},
    }
    return {"data": [], "layout": layout}


def browser_controls() -> list[figures.Control]:
    """A choice and five sliders; `UPDATE` reads them by name."""
    shapes = {"linear": "a line", "cosine": "half a cosine", "sqrt": "1 - sqrt", "drop": "a drop at once"}
    return [
        figures.Choice("shape", "the way down", shapes, "linear"),
        figures.Slider("share", "steps that go down", 0, 100, 1, 20, " %"),
        figures.Slider("low", "lowest rate", 0, 100, 5, 0, " % of the peak"),
        figures.Slider("rewarm", "back to the peak after", 10, 100, 5, 100, " % of the steps"),
        figures.Slider("steps", "length", 10_000, 100_000, 5_000, 50_000, " steps"),
        figures.Slider("window", "window 1/(1 - lambda)", 100, 10_000, 0.1, 1_000, " steps", "log10"),
    ]


def browser_data(law: AnnealingLaw, peak: float) -> dict[str, Any]:
    """The law's constants, the peak and colours."""
    constants = {"L0": law.L0, "A": law.A, "alpha": law.alpha, "C": law.C, "peak": peak}
    return constants | {"blue": COLOURS["blue"], "orange": COLOURS["orange"], "grey": COLOURS["grey"]}


UPDATE = figures.script(Path(__file__).with_name("browser.js"))

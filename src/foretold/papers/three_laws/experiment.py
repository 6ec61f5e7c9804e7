"""Three laws of training on one set of curves: the training itself, differences with intervals, and the figures.

The laws are the papers' (`learning_curves`, `scaling`, `annealing`); the notebook calls them. Here is what they are
applied to: K sizes of one small language model, each trained under R learning-rate schedules on the same batches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from foretold import figures
from foretold.figures import COLOURS, INK
from foretold.kit import gpt
from foretold.kit.uncertainty import mean_interval

Array = NDArray[np.float64]
LOOK = {"constant": ("blue", "-"), "cosine": ("orange", "--"), "warm, stable, decay": ("green", "-.")}


@dataclass(frozen=True)
class Curves:
    """Validation losses in nats per token of K sizes under R schedules, at E evaluations.

    `sizes` (K,) are parameters without embeddings; `steps` (E,); `losses` (K, R, E); `windows` (K, R, W) the losses of
    the W validation windows at the last evaluation, the same windows for all; `schedules` maps a name to (T,) learning
    rates; `seconds` is the wall clock of all trainings.
    """

    sizes: Array
    steps: NDArray[np.int64]
    losses: Array
    windows: Array
    schedules: Mapping[str, Array]
    seconds: float

    def late(self, first: int, share: float = 1.0) -> NDArray[np.bool_]:
        """Which evaluations lie from step `first` to `share` of the run, (E,)."""
        return (self.steps >= first) & (self.steps <= share * self.steps[-1])


def train(
    text: gpt.Corpus,
    widths: Sequence[int],
    schedules: Mapping[str, Array],
    *,
    batch: int,
    context: int,
    generator: torch.Generator,
    evaluate_at: int,
    device: str | torch.device = "cpu",
    precision: str = "float32",
) -> Curves:
    """Two-layer GPT-2s of the given widths, each under all schedules at once, all on the same batches.

    Raises ValueError as `gpt.train_each` does, and for fewer than two widths or widths that do not increase.
    """
    if len(widths) < 2 or any(np.diff(widths) <= 0):
        raise ValueError(f"widths is {list(widths)}; allowed are at least two increasing numbers")
    shared = {"context": context, "vocabulary": text.vocabulary, "activation": "relu"}
    configs = [gpt.Config(layers=2, width=width, heads=max(2, width // 16), **shared) for width in widths]
    found = gpt.train_each(
        configs,
        text.train,
        text.validation,
        np.stack(list(schedules.values())),
        batch=batch,
        generator=generator,
        evaluate_at=evaluate_at,
        windows=256,
        device=device,
        precision=precision,
    )
    return Curves(
        sizes=np.array([trained.parameters for trained in found], float),
        steps=found[0].steps,
        losses=np.stack([trained.losses for trained in found]),
        windows=np.stack([trained.window_losses[:, -1] for trained in found]),
        schedules=dict(schedules),
        seconds=sum(trained.seconds for trained in found),
    )


def slope_in_log_size(sizes: ArrayLike, values: ArrayLike) -> Array:
    """Least-squares slope of `values` (K, W) against log size, one for each of W columns, (W,): per e-fold of size."""
    sizes, values = np.asarray(sizes, float), np.asarray(values, float)
    if sizes.ndim != 1 or len(sizes) < 2 or not (sizes > 0).all() or len(values) != len(sizes):
        raise ValueError(f"sizes is {sizes}; allowed are at least two positive numbers, one for each row of values")
    centred = np.log(sizes) - np.log(sizes).mean()
    return np.tensordot(centred, values, 1) / np.sum(centred**2)


def floor_profile(steps: ArrayLike, losses: ArrayLike, floors: ArrayLike) -> tuple[Array, Array, Array]:
    """How well a power law with a *given* floor describes a curve: log(L - floor) = log a - b log s, by least squares.

    Returns for each floor, shapes (F,): the root mean square error in loss, a and b. Raises ValueError for a floor that
    is not below all losses.
    """
    steps, losses, floors = (np.asarray(values, float) for values in (steps, losses, floors))
    if floors.max() >= losses.min():
        raise ValueError(f"floors go up to {floors.max():g}; allowed is below the smallest loss, {losses.min():g}")
    x, above = np.log(steps), np.log(losses - floors[:, None])
    weights = losses - floors[:, None]  # so that the squares are those of the loss, to first order
    total = (weights**2).sum(1, keepdims=True)
    x_mean = (weights**2 * x).sum(1, keepdims=True) / total
    y_mean = (weights**2 * above).sum(1, keepdims=True) / total
    slope = (weights**2 * (x - x_mean) * (above - y_mean)).sum(1) / (weights**2 * (x - x_mean) ** 2).sum(1)
    a = np.exp(y_mean[:, 0] - slope * x_mean[:, 0])
    fitted = floors[:, None] + a[:, None] * steps ** slope[:, None]
    return np.sqrt(np.mean((fitted - losses) ** 2, 1)), a, -slope


# Figures


def curves_figure(curves: Curves, error: float) -> Figure:
    """Loss against steps: the largest size under each schedule, with the error of the last loss, and the smaller sizes
    at constant rate behind it."""
    fig, axes = plt.subplots(figsize=(6, 4))
    for i, (size, losses) in enumerate(zip(curves.sizes[:-1], curves.losses[:-1, 0], strict=True)):
        axes.plot(curves.steps, losses, color=INK, alpha=0.45, linewidth=1)
        axes.annotate(f"{size / 1e3:,.0f}k", (curves.steps[-1], losses[-1]), xytext=(7 + 24 * (i % 2), 0), textcoords="offset points", va="center")  # noqa: E501  # fmt: skip
    for (name, (colour, style)), losses in zip(LOOK.items(), curves.losses[-1], strict=True):
        axes.plot(curves.steps, losses, color=COLOURS[colour], linestyle=style, label=name)
        axes.errorbar(curves.steps[-1], losses[-1], yerr=error, color=COLOURS[colour], capsize=3)
    axes.set(xlabel="steps", ylabel="validation loss (nats per token)", xlim=(0, curves.steps[-1] * 1.2))
    axes.set_ylim(curves.losses[-1, :, -1].min() - 0.08, np.quantile(curves.losses[0], 0.9))
    axes.legend(title=f"{curves.sizes[-1] / 1e3:,.0f}k parameters")
    return fig


def errors_figure(table: Mapping[str, Mapping[str, float]], error: float) -> Figure:
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


def gain_figure(curves: Curves, better: int = 2, than: int = 0) -> Figure:
    """What the schedule is worth at each size, with the gain from the next size up as a measure."""
    fig, axes = plt.subplots(figsize=(6, 3.6))
    middle, *ends = mean_interval((curves.windows[:, than] - curves.windows[:, better]).T)
    axes.errorbar(curves.sizes, middle, yerr=np.abs(np.array(ends) - middle), color=COLOURS["green"], fmt="o-", capsize=3, label="decay instead of constant")  # noqa: E501  # fmt: skip
    larger = curves.losses[:-1, than, -1] - curves.losses[1:, than, -1]
    axes.plot(curves.sizes[:-1], larger, "s:", color=COLOURS["grey"], label="the next size instead of this one")
    axes.set(xscale="log", xlabel="parameters without embeddings", ylabel="loss saved (nats per token)")
    axes.set_xticks(curves.sizes, [f"{size / 1e3:,.0f}k" for size in curves.sizes])
    axes.minorticks_off()
    axes.set_ylim(0, None)
    axes.legend()
    return fig


def floors_figure(floors: Array, errors: Array, far: Array, ahead: float) -> Figure:
    """Error of the fit against the assumed floor (above), and what it predicts `ahead` times further (below)."""
    fig, axes = plt.subplots(2, 1, figsize=(6, 5), sharex=True)
    axes[0].plot(floors, 1e3 * errors, color=COLOURS["blue"])
    axes[0].set(ylabel="error of the fit\n(thousandths of a nat)", ylim=(0, None))
    axes[1].plot(floors, far, color=COLOURS["red"])
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


# values: share (per cent); data: shares, laws, schedules, errors[share][law][schedule] (null where a law is silent)
UPDATE = r"""
const at = data.shares.findIndex((s) => Math.abs(s - values.share) < 1e-6), found = data.errors[at];
const traces = data.schedules.map((name, j) => ({ type: "scatter", mode: "markers", name, y: data.laws,
  x: data.laws.map((_, i) => found[i][j]), marker: { size: 11, color: data.colours[j], symbol: ["circle", "square", "diamond"][j] },
  hovertemplate: "%{y}: %{x:.3f}<extra>" + name + "</extra>" }));
const say = (i) => data.laws[i] + " " + data.schedules.map((name, j) => found[i][j] === null ? null : name + " " + (found[i][j] > 0 ? "+" : "") + found[i][j].toFixed(3)).filter((t) => t).join(", ");
const most = Math.max(0.05, ...data.errors.flat(2).filter((e) => e !== null).map(Math.abs));
return { data: traces, layout: { xaxis: { range: [-1.1 * most, 1.1 * most] } }, readout: `Seen: ${values.share}% of the runs. ${data.laws.map((_, i) => say(i)).join("; ")}.`, result: found };
"""  # noqa: E501


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

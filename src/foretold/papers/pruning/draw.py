"""Figures of the pruning chapter that are more than a seaborn call, and controls and data of its interactive one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from foretold import figures
from foretold.figures import COLOURS, INK
from foretold.kit.uncertainty import mean_interval
from foretold.papers.pruning import idea
from foretold.papers.pruning.experiment import Grid
from foretold.papers.pruning.idea import Maps

# One colour for each regime in every figure.
HUES = {"I": COLOURS["red"], "II-A": COLOURS["orange"], "II-B": COLOURS["blue"]}
WORDS = {"I": "I: a barrier", "II-A": "II-A: connected, dissimilar", "II-B": "II-B: connected, similar"}
MARKERS = ("o", "s", "^", "D", "v", "P")
LINES = ("red", "orange", "green", "blue", "purple", "grey")


def _axes(axis: Axes, epochs: Sequence[float], densities: Sequence[float], every: int) -> None:
    axis.set_xticks(range(len(densities)), [f"{density:g}" for density in densities])
    axis.set_yticks(range(0, len(epochs), every), [f"{epoch:g}" for epoch in epochs[::every]])
    axis.grid(False)


def heat_maps(maps: Maps) -> Figure:
    """The paper's four maps: test error, normalised error, connectivity, similarity."""
    panels = (
        ("test error, %", 100 * maps.test_error, "viridis_r"),
        ("normalised error, points", 100 * maps.normalised_error, "viridis_r"),
        ("connectivity (LMC)", maps.lmc, "viridis"),
        ("similarity (CKA)", maps.cka, "viridis"),
    )
    fig, axes = plt.subplots(2, 2, figsize=(6, 7.2), sharex=True, sharey=True)
    for axis, (title, values, hues) in zip(axes.flat, panels, strict=True):
        image = axis.imshow(values, aspect="auto", cmap=hues)
        bar = fig.colorbar(image, ax=axis, orientation="horizontal", pad=0.03, location="top", fraction=0.06)
        bar.set_label(title, fontsize=11.5)
        bar.ax.locator_params(nbins=4)
        _axes(axis, maps.epochs, maps.densities, 3)
        axis.tick_params(axis="x", labelsize=10)
    for axis in axes[-1]:
        axis.set_xlabel("density, %")
    for axis in axes[:, 0]:
        axis.set_ylabel("epochs of dense training")
    return fig


def regime_map(maps: Maps, lmc_threshold: float, cka_threshold: float) -> Figure:
    """Regimes over temperature and density, with the best temperature of each density."""
    regimes = idea.classify_regime(maps.lmc, maps.cka, lmc_threshold, cka_threshold)
    number = np.vectorize(idea.REGIMES.index)(regimes)
    fig, axis = plt.subplots(figsize=(6, 5.4))
    axis.imshow(number, aspect="auto", cmap=ListedColormap(list(HUES.values())), vmin=0, vmax=2, alpha=0.55)
    best = maps.test_error.argmin(0)
    axis.plot(range(len(best)), best, "o", color=INK, markersize=8)
    _axes(axis, maps.epochs, maps.densities, 1)
    axis.set(xlabel="density: weights kept, %", ylabel="epochs of dense training")
    handles = [Patch(color=HUES[name], alpha=0.55, label=WORDS[name]) for name in idea.REGIMES]
    handles.append(plt.Line2D([], [], color=INK, marker="o", linestyle="", markersize=8, label="best of its density"))
    fig.legend(handles=handles, loc="lower center", ncols=2, bbox_to_anchor=(0.5, -0.13))
    return fig


def flip(maps: Maps, densities: Sequence[int]) -> Figure:
    """Excess error over the best of each density against epochs of dense training."""
    fig, axis = plt.subplots(figsize=(5.8, 4.2))
    for density, hue, marker in zip(densities, ("red", "orange", "blue"), MARKERS, strict=False):
        column = list(maps.densities).index(density)
        excess = 100 * (maps.test_error[:, column] - maps.test_error[:, column].min())
        axis.plot(maps.epochs, excess, color=COLOURS[hue], marker=marker, label=f"{density}% of weights kept")
    for epoch in (80, 120):
        axis.axvline(epoch, color=INK, linestyle=":", linewidth=1.3)
    axis.set(xlabel="epochs of dense training (few: hot)", ylabel="excess test error, points", ylim=(-0.1, None))
    axis.legend(loc="upper left", bbox_to_anchor=(0.13, 1))
    return fig


def _bars(axis: Axes, x: Any, values: np.ndarray, hue: str, marker: str, label: str) -> None:
    """Means over the first axis with their intervals."""
    middle, low, _ = mean_interval(values)
    axis.errorbar(x, middle, yerr=middle - low, color=COLOURS[hue], marker=marker, capsize=2.5, label=label)


def temperature_axis(grids: Mapping[str, Grid], shown: Sequence[float]) -> Figure:
    """Test error minus that of the longest-trained parents, paired by parent, against epochs: a panel a grid."""
    fig, axes = plt.subplots(len(grids), 1, figsize=(6, 3.5 * len(grids)), sharex=True)
    for axis, (title, grid) in zip(np.atleast_1d(axes), grids.items(), strict=True):
        for number, (density, hue, marker) in enumerate(zip(shown, LINES, MARKERS, strict=False)):
            column = grid.densities.index(density)
            aside = 1 + 0.04 * (number - 1.5)  # so that bars stand side by side
            gap = 100 * (grid.test_error[:, :, column] - grid.test_error[:, -1:, column])
            _bars(axis, aside * np.array(grid.temperatures), gap, hue, marker, f"{100 * density:g}% kept")
        axis.axhline(0, color=INK, linewidth=1)
        axis.set_title(title)
        axis.set(ylabel="error minus that of the\nlongest training, points", xscale="log")
        axis.set_xticks(grid.temperatures, [f"{epoch:g}" for epoch in grid.temperatures])
        axis.minorticks_off()
        axis.set_xlim(0.8 * min(grid.temperatures), 1.2 * max(grid.temperatures))
    np.atleast_1d(axes)[0].legend(ncols=2)
    np.atleast_1d(axes)[-1].set_xlabel("epochs of dense training (few: hot)")
    return fig


def load_axis(grids: Mapping[str, Grid]) -> Figure:
    """Connectivity and similarity against density, means over temperatures, intervals over parents."""
    fig, axes = plt.subplots(2, 1, figsize=(5.8, 6), sharex=True)
    for (title, grid), hue, marker in zip(grids.items(), ("blue", "red"), MARKERS, strict=False):
        x = 100 * np.array(grid.densities)
        _bars(axes[0], x, grid.lmc.mean(1), hue, marker, title)
        _bars(axes[1], x, grid.cka.mean(1), hue, marker, title)
    axes[0].set(ylabel="connectivity (LMC)", xscale="log")
    axes[1].set(ylabel="similarity (CKA)", xlabel="density: weights kept, %")
    axes[1].set_xticks(x, [f"{value:g}" for value in x])
    axes[1].minorticks_off()
    axes[0].legend(loc="lower right")
    return fig


def lines(curves: Mapping[str, np.ndarray]) -> Figure:
    """Training error along straight lines; each curve is (11,), or (parents, 11) with intervals."""
    fig, axis = plt.subplots(figsize=(5.8, 4))
    for (label, curve), hue, marker in zip(curves.items(), ("blue", "red", "orange", "green"), MARKERS, strict=False):
        t = np.linspace(0, 1, np.shape(curve)[-1])
        if np.ndim(curve) == 2:
            _bars(axis, t, 100 * curve, hue, marker, label)
        else:
            axis.plot(t, 100 * curve, color=COLOURS[hue], marker=marker, label=label)
    axis.set(xlabel="t, from one child (0) to the other (1)", ylabel="training error, %", ylim=(0, None))
    axis.legend()
    return fig


def rho_axis(grid: Grid) -> Figure:
    """Test error against the radius of SAM in dense training, one panel for each density."""
    fig, axes = plt.subplots(len(grid.densities), 1, figsize=(5.8, 2.1 * len(grid.densities) + 0.6), sharex=True)
    for axis, column, hue, marker in zip(axes, range(len(grid.densities)), LINES, MARKERS, strict=False):
        _bars(axis, grid.temperatures, 100 * grid.test_error[:, :, column], hue, marker, "")
        axis.set_ylabel("test error, %")
        axis.set_title(f"{100 * grid.densities[column]:g}% of weights kept")
    axes[-1].set_xlabel("radius rho of SAM in dense training (large: hot)")
    return fig


def collapse(kept: Mapping[str, Mapping[float, Sequence[float]]]) -> Figure:
    """Share of each layer's weights that is kept: rows of `kept` are scopes, then densities, then layers."""
    fig, axes = plt.subplots(len(kept), 1, figsize=(5.8, 2.6 * len(kept)), sharex=True)
    for axis, (scope, shares) in zip(axes, kept.items(), strict=True):
        for number, (density, layers) in enumerate(shares.items()):
            x = np.arange(len(layers)) + (number - (len(shares) - 1) / 2) * 0.25
            axis.bar(x, 100 * np.array(layers), 0.23, color=COLOURS[LINES[number]], label=f"density {100 * density:g}%")
            for place, share in zip(x, layers, strict=True):
                if share == 0:
                    axis.annotate("0", (place, 0), ha="center", va="bottom", fontsize=11.5, color=COLOURS["red"])
        axis.set(ylabel="weights kept, %", title=f"magnitude pruning, {scope}")
        axis.set_xticks(range(len(layers)), [f"layer {layer + 1}" for layer in range(len(layers))])
    axes[-1].legend()
    return fig


def regrets(densities: Sequence[float], rules: Mapping[str, np.ndarray]) -> Figure:
    """What each rule for choosing a parent loses at each density, points of test error."""
    fig, axis = plt.subplots(figsize=(5.8, 4.2))
    for (label, loss), hue, marker in zip(rules.items(), ("grey", "orange", "blue", "purple"), MARKERS, strict=False):
        axis.plot(range(len(densities)), 100 * loss, color=COLOURS[hue], marker=marker, label=label)
    axis.set_xticks(range(len(densities)), [f"{density:g}" for density in densities])
    axis.set(
        xlabel="density: weights kept, %",
        ylabel="lost by the choice, points",
        ylim=(-0.1, 1.45 * max(100 * loss.max() for loss in rules.values())),
    )
    axis.legend()
    return fig


# The interactive figure

UPDATE = figures.script(Path(__file__).with_name("browser.js"))


def browser_data(maps: Mapping[str, tuple[str, Maps]]) -> dict[str, Any]:
    """For each name the title of its temperature axis and the maps, rows from hot to cold. The reader's browser
    classifies, advises and keeps the score."""
    made = {}
    for name, (title, each) in maps.items():
        values = {"error": each.test_error, "lmc": each.lmc, "cka": each.cka}
        sides = {"rows": each.epochs, "columns": each.densities}
        labels = {side: [f"{value:g}" for value in ticks] for side, ticks in sides.items()}
        made[name] = {"title": title, **labels, **{key: value.tolist() for key, value in values.items()}}
    return {"maps": made, "hues": HUES, "words": WORDS, "ink": INK}


def browser_controls(titles: Mapping[str, str]) -> list[figures.Control]:
    """A choice and three sliders; `UPDATE` reads them by name."""
    return [
        figures.Choice("map", "map", dict(titles), next(iter(titles))),
        figures.Slider("lmc", "a barrier is a connectivity below", -0.6, 0, 0.005, -0.05),
        figures.Slider("cka", "similar is a CKA of at least", 0.86, 1, 0.002, 0.97),
        figures.Slider("slack", "no move needed within (points)", 0, 1, 0.05, 0.2),
    ]


def browser_layout() -> dict[str, Any]:
    """Plotly figure without traces."""
    layout = {
        "height": 520,
        "margin": {"l": 60, "r": 15, "t": 78, "b": 50},
        "xaxis": {"showgrid": False, "zeroline": False},
        "yaxis": {"showgrid": False, "zeroline": False},
        "legend": {"orientation": "h", "y": 1.01, "yanchor": "bottom"},
    }
    return {"data": [], "layout": layout}

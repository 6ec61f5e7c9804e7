"""Figures of the coin chapter that are more than a seaborn call, and what its interactive one is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from scipy import special, stats

from foretold import figures
from foretold.figures import COLOURS, INK
from foretold.kit import uncertainty
from foretold.papers.coins import experiment, idea, theory

GREY = COLOURS["grey"]


def ladder(rungs: Sequence[Mapping[str, Any]]) -> Figure:
    """The evidence ladder. A rung has `label`, `text` (its Bayes factor as it is written), `here` (log10 of it), `span`
    (log10, over priors), and `paper` (log10) or None."""
    fig, axis = plt.subplots(figsize=(6, 3.9))
    for y, rung in enumerate(reversed(rungs)):
        axis.plot(rung["span"], [y, y], color=COLOURS["blue"], alpha=0.35, linewidth=9, solid_capstyle="butt")
        axis.plot(rung["here"], y, "o", color=COLOURS["blue"], markersize=9)
        if rung["paper"] is not None:
            axis.plot(rung["paper"], y, "|", color=COLOURS["orange"], markersize=26, markeredgewidth=2.5)
        axis.text(max(rung["here"], 1.7), y + 0.2, rung["text"], ha="center", fontsize=12, fontweight="bold")
        axis.text(0.3, y + 0.45, rung["label"], fontsize=11.5)
    axis.axvline(0, color=INK, linewidth=1.2)
    axis.set_xlim(-1, 19)
    axis.set_ylim(-0.4, len(rungs) - 0.2)
    axis.set_yticks([])
    axis.grid(False, axis="y")
    axis.spines["left"].set_visible(False)
    ticks = np.arange(0, 19, 3)
    axis.set_xticks(ticks, ["1", *(f"$10^{{{t}}}$" for t in ticks[1:])])
    axis.set_xlabel("Bayes factor for a same-side bias (log axis)")
    here = plt.Line2D([], [], marker="o", color=COLOURS["blue"], linestyle="", label="here")
    band = plt.Line2D([], [], color=COLOURS["blue"], alpha=0.35, linewidth=9, label="other priors")
    stroke = {"marker": "|", "linestyle": "", "markersize": 16, "markeredgewidth": 2.5}
    paper = plt.Line2D([], [], color=COLOURS["orange"], label="paper", **stroke)
    axis.legend(handles=[here, band, paper], loc="center right", bbox_to_anchor=(1, 0.4))
    return fig


def caterpillar(people: pd.DataFrame, found: idea.Posterior) -> Figure:
    """Raw proportions with Wilson intervals beside the model's estimates, one row a person, sorted by proportion."""
    ranked = people.sort_values("p_same").reset_index(drop=True)
    raw_low, raw_high = zip(*map(uncertainty.share_interval, ranked["same"], ranked["n"]), strict=True)
    middle, low, high = zip(*(found.proportion(found.people[name]) for name in ranked["person"]), strict=True)
    rows = np.arange(len(ranked))
    fig, axis = plt.subplots(figsize=(6, 8.6))
    axis.hlines(rows + 0.18, raw_low, raw_high, color=GREY, linewidth=1.4)
    axis.plot(ranked["p_same"], rows + 0.18, "o", color=GREY, markersize=3.6, label="proportion, 95% Wilson interval")
    axis.hlines(rows - 0.18, low, high, color=COLOURS["blue"], linewidth=2)
    label = "hierarchical model, 95% interval"
    axis.plot(middle, rows - 0.18, "o", color=COLOURS["blue"], markersize=4.2, label=label)
    axis.axvline(0.5, color=INK, linewidth=1.2)
    axis.axvline(0.51, color=COLOURS["orange"], linewidth=1.6, linestyle="--")
    axis.text(0.4995, len(rows) + 0.1, "chance", ha="right", fontsize=11)
    axis.text(0.5105, len(rows) + 0.1, "theory, 0.51", ha="left", fontsize=11, color=COLOURS["orange"])
    axis.set_yticks(rows, ranked["person"], fontsize=8.5)
    axis.set_ylim(-0.8, len(rows) + 1.2)
    axis.set_xlabel("probability of landing on the starting side")
    axis.grid(False, axis="y")
    axis.legend(loc="lower right")
    return fig


def beliefs(found: idea.Posterior) -> Figure:
    """Priors and posteriors of theta and of the SD of people, as probabilities (a logit of x is 1/2 + x/4 near 1/2)."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(6.6, 3.5))
    p = np.linspace(0.48, 0.53, 400)
    left.plot(p, stats.beta(312, 312).pdf(p), color=COLOURS["orange"], linestyle="--", label="prior")
    left.plot(special.expit(found.theta.x), found.theta.density * 4, color=COLOURS["blue"], label="posterior")
    left.set(xlabel="typical person, $\\theta$", ylabel="density", xlim=(0.48, 0.53))
    left.set_xticks([0.48, 0.50, 0.52])
    s = np.linspace(0, 0.12, 400)
    to_estimate, to_test = stats.halfnorm(scale=0.04), stats.gamma(4, scale=1 / 200)
    right.plot(s / 4, 4 * to_estimate.pdf(s), color=COLOURS["orange"], linestyle="--", label="prior, to estimate")
    right.plot(s / 4, 4 * to_test.pdf(s), color=COLOURS["green"], linestyle=":", label="prior, to test")
    right.plot(found.sigma.x / 4, 4 * found.sigma.density, color=COLOURS["blue"], label="posterior")
    right.set(xlabel="SD of people (probability)", xlim=(0, 0.03), ylim=(None, 290))
    left.set_ylim(None, 215)
    for axis in (left, right):
        axis.legend(loc="upper left")
    return fig


def leave_one_out(without: pd.DataFrame, everyone: float, names: Sequence[str]) -> Figure:
    """Bayes factor without a person (column `bf`) against the person's `p_same`, area by flips `n`; `names` are written
    beside their points."""
    fig, axis = plt.subplots(figsize=(6, 3.6))
    axis.scatter(without["p_same"], without["bf"], s=without["n"] / 120, color=COLOURS["blue"], alpha=0.7)
    axis.axhline(everyone, color=COLOURS["orange"], linestyle="--")
    axis.text(0.605, everyone * 1.06, "everyone", ha="right", color=COLOURS["orange"], fontsize=11)
    above = {"xytext": (0, 9), "textcoords": "offset points", "ha": "center", "fontsize": 11}
    for name in names:
        row = without.set_index("person").loc[name]
        axis.annotate(name, (row["p_same"], row["bf"]), **above)
    axis.set(xlabel="proportion of the person left out", ylabel="Bayes factor without")
    axis.set(yscale="log", ylim=(850, 11_000))
    axis.set_yticks([1_000, 2_000, 5_000, 10_000], ["1,000", "2,000", "5,000", "10,000"])
    axis.minorticks_off()
    return fig


def trimming(series: pd.DataFrame) -> Figure:
    """Two panels over `i` people dropped at each end: the Bayes factors `same` and `people`."""
    fig, (upper, lower) = plt.subplots(2, 1, figsize=(6, 4.4), sharex=True)
    upper.plot(series["i"], series["same"], "o-", color=COLOURS["blue"])
    for i, bf in zip(series["i"], series["same"], strict=True):
        beside = {"xytext": (0, 8 if i else -17), "textcoords": "offset points", "ha": "center"}
        upper.annotate(f"{bf:,.0f}", (i, bf), fontsize=10.5, **beside)
    upper.set(ylabel="same-side bias", yscale="log", ylim=(900, 60_000), xlim=(-0.35, 5.35))
    upper.set_yticks([1_000, 10_000, 50_000], ["1,000", "10,000", "50,000"])
    upper.minorticks_off()
    lower.plot(series["i"], series["people"], "s--", color=COLOURS["green"])
    lower.set(ylabel="people differ", yscale="log", xlabel="people dropped at each end", ylim=(1, 1e27))
    lower.set_yticks([1, 1e8, 1e16, 1e24])
    fig.supylabel("Bayes factor", fontsize=12.5)
    return fig


def new_person(found: idea.Posterior) -> Figure:
    """Predictive density of a new person's probability, the part below one half shaded, beside the typical person's."""
    new, below = found.new_person, found.new_person.below(0)
    p, density = special.expit(new.x), new.density * 4
    fig, axis = plt.subplots(figsize=(6, 3.3))
    axis.plot(p, density, color=COLOURS["blue"])
    axis.fill_between(p, density, where=p < 0.5, color=GREY, alpha=0.4)
    typical = found.theta
    near = np.abs(typical.x - 0.04) < 0.05
    axis.plot(special.expit(typical.x[near]), typical.density[near], color=COLOURS["orange"], linestyle="--")
    axis.text(0.516, 32, "typical person\n(height divided by 4)", color=COLOURS["orange"], fontsize=11)
    axis.text(0.534, 12, "new person", color=COLOURS["blue"], fontsize=11)
    axis.text(0.4585, 7, f"{below:.0%} of\nnew people", fontsize=11)
    axis.set(xlim=(0.455, 0.565), xlabel="probability of landing on the starting side", ylabel="density")
    return fig


def wobble_curve(degrees: np.ndarray, landed: np.ndarray, error: np.ndarray, marks: Mapping[str, float]) -> Figure:
    """P(same) against psi: the formula, simulated points, and `marks` (name: probability) on the curve."""
    fine = np.linspace(38, 90, 400)
    fig, axis = plt.subplots(figsize=(6, 3.5))
    axis.plot(fine, experiment.same_side_probability(np.deg2rad(fine)), color=COLOURS["orange"])
    axis.errorbar(degrees, landed, yerr=error, fmt="o", color=COLOURS["blue"], markersize=5)
    for name, p in marks.items():
        psi = np.rad2deg(np.arctan(np.sin(np.pi * (p - 0.5)) ** -0.5))
        above = {"xytext": (0, 30), "textcoords": "offset points", "ha": "center"}
        axis.annotate(name, (psi, p), arrowprops={"arrowstyle": "->", "color": GREY}, **above)
    axis.set(xlabel="wobble angle $\\psi$ (degrees; 90 is none)", ylabel="P(same side)")
    return fig


def practice(flips: np.ndarray, curves: np.ndarray, blocks: np.ndarray, shares: np.ndarray, made: np.ndarray) -> Figure:
    """Curves (draws, flips) as median and 95% band; `shares` of `made` simulated flips in each block, 95% intervals."""
    low, high = uncertainty.percentile_interval(curves)
    fig, axis = plt.subplots(figsize=(6, 3.6))
    axis.fill_between(flips, low, high, color=COLOURS["blue"], alpha=0.25, linewidth=0)
    axis.plot(flips, np.median(curves, axis=0), color=COLOURS["blue"])
    error = uncertainty.Z * np.sqrt(shares * (1 - shares) / made)
    axis.errorbar(blocks, shares, yerr=error, fmt="o", color=GREY, markersize=5, linewidth=1.2)
    axis.axhline(0.5, color=INK, linewidth=1)
    axis.set(xlabel="flips made before", ylabel="P(same side)")
    axis.set_xticks(np.arange(0, 20_001, 5_000), ["0", "5,000", "10,000", "15,000", "20,000"])
    return fig


# The interactive figure

UPDATE = figures.script(Path(__file__).with_name("browser.js"))


def browser_data(counts: pd.DataFrame) -> dict[str, Any]:
    """What the reader's browser needs to average over four models (alpha = 1/2) for any subset of people and any prior.

    `log_marginal` (people, (1 + S) * T), float32: each person's log likelihood relative to a fair coin with the
    deviation integrated out; first the T values at sigma = 0, then those of each of the S sigmas.
    `theta` (T,) holds logits, the first of them 0 (no bias), the others Gauss nodes with weights `weight`.
    """
    # Finer up to 0.18, beyond which only a few strong wobblers can be.
    near, far = _gauss_nodes(0, 0.18, 56), _gauss_nodes(0.18, 1, 40)
    theta, weight = np.concatenate([np.zeros((2, 1)), near, far], axis=1)  # theta = 1/2 comes first
    sigma = np.geomspace(0.002, 0.4, 37)
    numbers = idea.check_counts(counts)
    nodes = np.arange(-1.2, 1.6, 0.003)
    none = np.zeros(1)
    spread = theory.person_log_marginals(numbers, theory.Axes(sigma, theta, none, nodes))[:, 0]
    alike = theory.log_likelihood(numbers, theta, none)
    table = np.concatenate([alike, spread], axis=1) - numbers.sum(1)[:, None, None] * np.log(0.5)
    people = idea.summary(counts)
    return {
        "log_marginal": table.reshape(len(counts), -1).astype(np.float32),
        "theta": theta,
        "weight": weight,
        "sigma": sigma,
        "person": people["person"].tolist(),
        "n": people["n"].to_numpy(),
        "p": people["p_same"].to_numpy(),
        "colours": dict(COLOURS),
    }


def _gauss_nodes(low: float, high: float, nodes: int) -> np.ndarray:
    """Nodes and weights of Gauss and Legendre's rule, (2, nodes)."""
    x, weight = np.polynomial.legendre.leggauss(nodes)
    return np.stack([low + (high - low) / 2 * (1 + x), (high - low) / 2 * weight])


def browser_controls(counts: pd.DataFrame) -> list[figures.Control]:
    """Sliders and checkboxes; `UPDATE` reads them by name."""
    names = counts["person"].tolist()
    return [
        figures.Slider("high", "leave out the most biased", 0, 12, 1, 0, " people"),
        figures.Slider("low", "leave out the least biased", 0, 12, 1, 0, " people"),
        figures.Slider("mean", "prior mean of θ", 0.502, 0.53, 0.002, 0.51),
        figures.Slider("concentration", "prior concentration of θ", 1_000, 100_000, 0.25, 10_000, " flips", "log10"),
        figures.Slider("spread", "prior mean of σ (logit)", 0.005, 0.1, 0.005, 0.02),
        figures.Toggles("people", "people left in", names, names),
    ]


def browser_layout() -> dict[str, Any]:
    """Plotly figure without traces: bars of Bayes factors above, prior and posterior of theta below."""
    ticks = list(range(0, 25, 6))
    bayes_factors = {
        "domain": [0, 1],
        "anchor": "y",
        "range": [-2.5, 37],
        "tickvals": ticks,
        "ticktext": ["1", *(f"10<sup>{t}</sup>" for t in ticks[1:])],
        "title": {"text": "Bayes factor (log axis)"},
    }
    probability = {
        "domain": [0, 1],
        "anchor": "y2",
        "range": [0.5, 0.54],
        "title": {"text": "P(same side), typical person"},
    }
    legend = {"text": "dashed: prior, solid: posterior", "showarrow": False, "xanchor": "right"}
    layout = {
        "height": 460,
        "margin": {"l": 120, "r": 20, "t": 10, "b": 50},
        "xaxis": bayes_factors,
        "yaxis": {"domain": [0.58, 1], "anchor": "x", "automargin": True},
        "xaxis2": probability,
        "yaxis2": {"domain": [0, 0.36], "anchor": "x2", "rangemode": "tozero", "title": {"text": "density"}},
        "annotations": [{"xref": "paper", "yref": "paper", "x": 0.98, "y": 0.36, **legend}],
    }
    return {"data": [], "layout": layout}

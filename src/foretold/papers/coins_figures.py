"""Figures of the coin chapter that are more than a seaborn call, and the data and JavaScript of its interactive one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from foretold.figures import COLOURS, INK
from foretold.papers import coins

GREY = COLOURS["grey"]


def ladder(rungs: Sequence[Mapping[str, Any]]) -> Figure:
    """The evidence ladder. A rung has `label`, `here` (log10 of a Bayes factor), `span` (log10, over priors), and `paper` (log10) or None."""  # noqa: E501
    fig, axis = plt.subplots(figsize=(6, 4.1))
    for y, rung in enumerate(reversed(rungs)):
        axis.plot(rung["span"], [y, y], color=COLOURS["blue"], alpha=0.35, linewidth=9, solid_capstyle="butt")
        axis.plot(rung["here"], y, "o", color=COLOURS["blue"], markersize=9)
        if rung["paper"] is not None:
            axis.plot(rung["paper"], y, "|", color=COLOURS["orange"], markersize=26, markeredgewidth=2.5)
        axis.text(rung["here"], y + 0.2, rung["text"], ha="center", fontsize=12, fontweight="bold")
        axis.text(-2.6, y + 0.42, rung["label"], fontsize=11.5)
    axis.axvline(0, color=INK, linewidth=1.2)
    axis.set_xlim(-2.8, 19.5)
    axis.set_ylim(-0.4, len(rungs) - 0.25)
    axis.set_yticks([])
    axis.grid(False, axis="y")
    axis.spines["left"].set_visible(False)
    ticks = np.arange(-2, 19, 4)
    axis.set_xticks(ticks, [f"$10^{{{t}}}$" for t in ticks])
    axis.set_xlabel("Bayes factor, effect : no effect (log axis)")
    here = plt.Line2D([], [], marker="o", color=COLOURS["blue"], linestyle="", label="here")
    band = plt.Line2D([], [], color=COLOURS["blue"], alpha=0.35, linewidth=9, label="other priors")
    paper = plt.Line2D([], [], marker="|", color=COLOURS["orange"], markersize=16, markeredgewidth=2.5, linestyle="", label="paper")  # fmt: skip  # noqa: E501
    fig.legend(handles=[here, band, paper], loc="outside upper center", ncols=3)
    return fig


def caterpillar(people: pd.DataFrame, found: coins.Posterior) -> Figure:
    """Raw proportions with Wilson intervals beside the model's estimates, one row a person, sorted by proportion."""
    from scipy.stats import binomtest

    ranked = people.sort_values("p_same").reset_index(drop=True)
    raw = [binomtest(int(s), int(n)).proportion_ci(method="wilson") for s, n in zip(ranked["same"], ranked["n"], strict=True)]  # fmt: skip  # noqa: E501
    pulled = [found.proportion(found.people[name]) for name in ranked["person"]]
    rows = np.arange(len(ranked))
    fig, axis = plt.subplots(figsize=(6, 8.6))
    axis.hlines(rows + 0.18, [r.low for r in raw], [r.high for r in raw], color=GREY, linewidth=1.4)
    axis.plot(ranked["p_same"], rows + 0.18, "o", color=GREY, markersize=3.6, label="proportion, 95% Wilson interval")
    axis.hlines(rows - 0.18, [p[1] for p in pulled], [p[2] for p in pulled], color=COLOURS["blue"], linewidth=2)
    axis.plot([p[0] for p in pulled], rows - 0.18, "o", color=COLOURS["blue"], markersize=4.2, label="hierarchical model, 95% interval")  # fmt: skip  # noqa: E501
    axis.axvline(0.5, color=INK, linewidth=1.2)
    axis.axvline(0.51, color=COLOURS["orange"], linewidth=1.6, linestyle="--")
    axis.text(0.4995, len(rows) + 0.1, "chance", ha="right", fontsize=11)
    axis.text(0.5105, len(rows) + 0.1, "theory, 0.51", ha="left", fontsize=11, color=COLOURS["orange"])
    axis.set_yticks(rows, ranked["person"], fontsize=8.5)
    axis.set_ylim(-0.8, len(rows) + 1.2)
    axis.set_xlabel("probability of landing on the starting side")
    axis.grid(False, axis="y")
    fig.legend(loc="outside upper center", ncols=1)
    return fig


# The interactive figure


def browser_data(counts: pd.DataFrame) -> dict[str, Any]:
    """What the reader's browser needs to average over four models (alpha = 1/2) for any subset of people and any prior.

    `log_marginal` (people, (1 + S) * T), float32: each person's log likelihood relative to a fair coin with the
    deviation integrated out; first the T values at sigma = 0, then those of each of the S sigmas.
    `theta` (T,) holds logits, the first of them 0 (no bias), the others Gauss nodes with weights `weight`.
    """
    x, w = np.polynomial.legendre.leggauss(56)
    theta, weight = np.append(0.0, 0.09 + 0.09 * x), np.append(0.0, 0.09 * w)  # theta = 1/2 comes first
    sigma = np.geomspace(0.002, 0.4, 37)
    numbers = coins.check_counts(counts)
    nodes = np.arange(-1.2, 1.6, 0.003)
    none = np.zeros(1)
    spread = coins.person_log_marginals(counts, coins.Axes(sigma, theta, none, nodes))[:, 0]
    alike = coins.log_likelihood(numbers, theta, none)
    table = np.concatenate([alike, spread], axis=1) - numbers.sum(1)[:, None, None] * np.log(0.5)
    people = coins.summary(counts)
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


# values: people (list of names), high, low (numbers of people to leave out), mean, concentration, spread (prior means)
UPDATE = r"""
const T = data.theta.length, S = data.sigma.length;
const logSum = (a) => { const m = Math.max(...a); return m === -Infinity ? m : m + Math.log(a.reduce((s, x) => s + Math.exp(x - m), 0)); };
const order = data.person.map((_, k) => k).sort((i, j) => data.p[i] - data.p[j]);
const inside = new Set(order.slice(values.low, order.length - values.high));
const kept = data.person.map((name, k) => k).filter((k) => inside.has(k) && values.people.includes(data.person[k]));
const total = new Float64Array((1 + S) * T);
let flips = 0;
for (const k of kept) { const row = data.log_marginal[k]; flips += data.n[k]; for (let i = 0; i < total.length; i++) total[i] += row[i]; }

// Prior of logit(theta): Beta(mean * c, (1 - mean) * c) above one half, normalised on a fine grid.
const a = values.mean * values.concentration, b = (1 - values.mean) * values.concentration;
const density = (x) => -a * Math.log1p(Math.exp(-x)) - b * Math.log1p(Math.exp(x));
const fine = Array.from({ length: 4001 }, (_, i) => density(i * 0.00025) + Math.log(0.00025 * (i === 0 || i === 4000 ? 0.5 : 1)));
const norm = logSum(fine);
const logTheta = Array.from(data.theta, (x, j) => density(x) - norm + Math.log(data.weight[j]));
// Prior of sigma: Gamma(4, rate); what lies below the first node is given to it.
const rate = 4 / values.spread, step = Math.log(data.sigma[1] / data.sigma[0]), x0 = rate * data.sigma[0];
const below = 1 - Math.exp(-x0) * (1 + x0 + x0 * x0 / 2 + x0 * x0 * x0 / 6);
const logSigma = Array.from(data.sigma, (s, i) => Math.log(
  Math.pow(rate * s, 4) * Math.exp(-rate * s) / 6 * step * (i === 0 || i === S - 1 ? 0.5 : 1) + (i === 0 ? below : 0)));

const bySigma = (j) => logSum(logSigma.map((w, i) => w + total[(1 + i) * T + j]));
const spreadAt = Array.from({ length: T }, (_, j) => bySigma(j));
const none = total[0], same = logSum(logTheta.map((w, j) => w + total[j]));
const people = spreadAt[0], both = logSum(logTheta.map((w, j) => w + spreadAt[j]));
const ten = Math.LN10;
const result = {
  alike: (same - none) / ten,
  same: (logSum([same, both]) - logSum([none, people])) / ten,
  people: (logSum([people, both]) - logSum([none, same])) / ten,
};
const tidy = (l) => Math.abs(l) < 4 ? Number(Math.pow(10, l).toPrecision(3)).toLocaleString("en") : Math.pow(10, l - Math.floor(l)).toFixed(1) + " × 10^" + Math.floor(l);
const pretty = (l) => Math.abs(l) < 4 ? tidy(l) : Math.pow(10, l - Math.floor(l)).toFixed(1) + "×10<sup>" + Math.floor(l) + "</sup>";

const names = ["people differ", "same-side bias,<br>people may differ", "same-side bias,<br>people alike"];
const found = [result.people, result.same, result.alike];
const hues = [data.colours.green, data.colours.blue, data.colours.grey];
const clamp = found.map((v) => Math.max(-2, Math.min(26, v)));
const probability = Array.from(data.theta, (x) => 1 / (1 + Math.exp(-x)));
const jacobian = probability.map((p) => 1 / (p * (1 - p)));
const prior = Array.from(data.theta, (x, j) => Math.exp(density(x) - norm) * jacobian[j]);
const posterior = spreadAt.map((l, j) => Math.exp(density(data.theta[j]) - norm + l - both) * jacobian[j]);
const line = (name, y, color, dash) => ({ type: "scatter", mode: "lines", name, x: probability, y, xaxis: "x2", yaxis: "y2", line: { color, dash, width: 2.5, shape: "spline" }, showlegend: false, hovertemplate: name + ": %{x:.4f}<extra></extra>" });
const traces = [
  { type: "bar", orientation: "h", x: clamp, y: names, marker: { color: hues }, text: found.map(pretty), textposition: "outside", cliponaxis: false, showlegend: false, hoverinfo: "skip" },
  line("prior", prior, data.colours.orange, "dash"),
  line("posterior", posterior, data.colours.blue, "solid"),
];
const readout = kept.length === 0 ? "Nobody is left in: without data every Bayes factor is 1."
  : `${kept.length} people, ${flips.toLocaleString("en")} flips: the data favour a same-side bias by ${tidy(result.same)} to 1 when people may differ, `
  + `by ${tidy(result.alike)} to 1 when they are treated as alike; they favour differences between people by ${tidy(result.people)} to 1.`;
return { data: traces, readout, result };
"""  # noqa: E501


def browser_layout() -> dict[str, Any]:
    """Plotly figure without traces: bars of Bayes factors above, prior and posterior of theta below."""
    ticks = list(range(0, 25, 6))
    layout = {
        "height": 460,
        "margin": {"l": 120, "r": 20, "t": 10, "b": 50},
        "xaxis": {"domain": [0, 1], "anchor": "y", "range": [-2.5, 30], "tickvals": ticks, "ticktext": ["1", *(f"10<sup>{t}</sup>" for t in ticks[1:])], "title": {"text": "Bayes factor (log axis)"}},  # noqa: E501
        "yaxis": {"domain": [0.58, 1], "anchor": "x", "automargin": True},
        "xaxis2": {"domain": [0, 1], "anchor": "y2", "range": [0.5, 0.54], "title": {"text": "P(same side), typical person"}},  # noqa: E501
        "yaxis2": {"domain": [0, 0.36], "anchor": "x2", "rangemode": "tozero", "title": {"text": "density"}},
        "annotations": [
            {"xref": "paper", "yref": "paper", "x": 0.98, "y": 0.36, "xanchor": "right", "showarrow": False, "text": "dashed: prior, solid: posterior"}  # noqa: E501
        ],
    }  # fmt: skip
    return {"data": [], "layout": layout}


def log10(average: coins.ModelAverage, name: str) -> float:
    """log10 of an inclusion Bayes factor."""
    return average.log_inclusion_bayes_factor[name] / np.log(10)

"""The interactive figure of the reversal chapter: the bilinear model learns in the reader's browser."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from foretold import figures

PAIRS, DIMENSION, RATE = 10, 16, 0.5
MODELS = {"onehot": "one-hot tokens", "vectors": "random vectors", "symmetric": "one-hot, symmetric"}


def data(rows: pd.DataFrame) -> dict[str, Any]:
    """Vectors for the tokens, and the small language models' answers by share (from `sweep`)."""
    vectors = np.random.default_rng(0).standard_normal((2 * PAIRS, DIMENSION))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    kinds = {
        "all": "in the other order, all facts",
        "one": "in the other order, told one way",
    }
    measured = {}
    for name, kind in kinds.items():
        part = rows[rows["kind"] == kind].sort_values("share")
        measured[name] = part[["share", "right", "low", "high"]].to_numpy()
    return {"pairs": PAIRS, "rate": RATE, "vectors": vectors.tolist(), "measured": measured}


def controls() -> list[figures.Control]:
    """A choice and two sliders; `UPDATE` reads them by name."""
    return [
        figures.Slider("share", "pairs told in both orders", 0, 100, 10, 30, " %"),
        figures.Slider("steps", "steps of gradient descent", 0, 400, 20, 200),
        figures.Choice("model", "model", MODELS, "onehot"),
    ]


def layout() -> dict[str, Any]:
    """Plotly figure without traces: the table p(next | given) beside right answers against the share."""
    ticks = {"tickvals": [PAIRS / 2 - 0.5, 1.5 * PAIRS - 0.5], "ticktext": ["a", "b"], "showgrid": False}
    return {
        "data": [],
        "layout": {
            "height": 600,
            "margin": {"l": 55, "r": 15, "t": 25, "b": 45},
            "xaxis": {**ticks, "domain": [0.1, 0.9], "anchor": "y", "title": {"text": "next token"}, "zeroline": False},
            "yaxis": {
                **ticks, "domain": [0.56, 1], "autorange": "reversed", "title": {"text": "given token"},
                "zeroline": False,
            },
            "xaxis2": {"domain": [0, 1], "anchor": "y2", "range": [-3, 103], "title": {"text": "told both ways, %"}},
            "yaxis2": {"domain": [0, 0.3], "anchor": "x2", "range": [-5, 108], "title": {"text": "reverse, %"}},
            "legend": {"orientation": "h", "y": 0.445, "yanchor": "top", "x": 0},
        },
    }  # fmt: skip


# values: share (per cent of pairs told in both orders), steps, model
UPDATE = r"""
const n = data.pairs, V = 2 * n, both = Math.round(n * values.share / 100);
const X = values.model === "vectors" ? data.vectors : Array.from({ length: V }, (_, i) => Array.from({ length: V }, (_, j) => (i === j ? 1 : 0)));
const d = X[0].length, examples = [];
for (let i = 0; i < n; i++) examples.push([i, n + i]);
for (let i = 0; i < both; i++) examples.push([n + i, i]);
const theta = Array.from({ length: d }, () => new Float64Array(d));
const given = (x) => { const h = new Float64Array(d);
  for (let i = 0; i < d; i++) if (X[x][i] !== 0) for (let j = 0; j < d; j++) h[j] += X[x][i] * theta[i][j];
  const z = X.map((y) => y.reduce((s, v, j) => s + v * h[j], 0)), top = Math.max(...z), e = z.map((v) => Math.exp(v - top));
  const total = e.reduce((s, v) => s + v, 0); return e.map((v) => v / total); };
for (let step = 0; step < values.steps; step++) {
  const change = Array.from({ length: d }, () => new Float64Array(d));
  for (const [a, b] of examples) { const p = given(a), g = new Float64Array(d);
    for (let y = 0; y < V; y++) for (let j = 0; j < d; j++) g[j] += (p[y] - (y === b ? 1 : 0)) * X[y][j];
    for (let i = 0; i < d; i++) if (X[a][i] !== 0) for (let j = 0; j < d; j++) change[i][j] += X[a][i] * g[j]; }
  for (let i = 0; i < d; i++) for (let j = 0; j < d; j++)
    theta[i][j] -= data.rate * (values.model === "symmetric" ? (change[i][j] + change[j][i]) / 2 : change[i][j]);
}
const table = Array.from({ length: V }, (_, x) => given(x));
const mean = (list) => (list.length ? list.reduce((s, v) => s + v, 0) / list.length : null);
const pairs = Array.from({ length: n }, (_, i) => i), two = pairs.slice(0, both), one = pairs.slice(both);
const forward = mean(pairs.map((i) => table[i][n + i])), back = (list) => mean(list.map((i) => table[n + i][i]));
const all = back(pairs), told = back(two), untold = back(one);
const m = data.measured, points = (rows, name, symbol, colour) => ({ type: "scatter", mode: "markers", name, xaxis: "x2", yaxis: "y2",
  x: rows.map((r) => 100 * r[0]), y: rows.map((r) => 100 * r[1]), marker: { symbol, size: 9, color: colour },
  error_y: { type: "data", symmetric: false, array: rows.map((r) => 100 * (r[3] - r[1])), arrayminus: rows.map((r) => 100 * (r[1] - r[2])), color: colour } });
const hues = figure.layout.colorway || [];
const traces = [
  { type: "heatmap", z: table, zmin: 0, zmax: 1, colorscale: "Viridis", showscale: true, colorbar: { len: 0.44, y: 0.78, thickness: 10, title: { text: "p" } }, hovertemplate: "p = %{z:.3f}<extra></extra>" },
  points(m.all, "small GPT, all facts", "diamond", "#09a561"), points(m.one, "small GPT, one-way facts", "x", "#d10c30"),
  { type: "scatter", mode: "markers", name: "this model, mean p(a | b)", xaxis: "x2", yaxis: "y2", x: [values.share], y: [100 * all], marker: { symbol: "star", size: 15, color: "#2658f5" } },
];
const per = (p) => (p === null ? "none" : p.toFixed(3));
const near = m.all.reduce((best, r) => (Math.abs(100 * r[0] - values.share) < Math.abs(100 * best[0] - values.share) ? r : best));
const readout = `${both} of ${n} pairs told in both orders, ${values.steps} steps. Mean p(b | a): ${per(forward)}. Mean p(a | b): ${per(told)} where b to a was told, `
  + `${per(untold)} where it was not (chance ${per(1 / V)}). The small GPT with ${(100 * near[0]).toFixed(0)}% told both ways: ${(100 * near[1]).toFixed(0)}% right in reverse.`;
return { data: traces, layout: {}, readout, result: { table, forward, all, told, untold } };
"""  # noqa: E501

"""The unlearning chapter's interactive figure: its controls, and the JavaScript that the reader's browser runs."""

from __future__ import annotations

from typing import Any

from foretold import figures
from foretold.figures import COLOURS, INK


def controls() -> list[figures.Control]:
    """A choice and five sliders; `UPDATE` reads them by name."""
    streams = {"random": "random slices", "attack": "an attacker: first slices, shard after shard"}
    return [
        figures.Slider("deletions", "deletions so far", 0, 200, 1, 12),
        figures.Slider("shards", "shards m", 1, 8, 1, 4),
        figures.Slider("slices", "slices L", 1, 8, 1, 4),
        figures.Slider("budget", "budget B: sequences for each shard", 1, 24, 1, 4),
        figures.Slider("seed", "another stream of deletions", 1, 50, 1, 7),
        figures.Choice("stream", "who deletes", streams, "random"),
    ]


def data() -> dict[str, Any]:
    """Colours of slices that are alive, cut off behind a hit one, and hit."""
    return {"alive": COLOURS["blue"], "cut": "rgba(128,128,128,0.25)", "hit": COLOURS["red"], "ink": INK}


# values: deletions, shards, slices, budget, seed, stream ("random" or "attack")
UPDATE = r"""
const m = values.shards, L = values.slices, factorial = (n) => (n < 2 ? 1 : n * factorial(n - 1)), B = Math.min(values.budget, factorial(L));
// Iterative cyclic rotation.
const rotated = (list, turn) => [...list.slice(list.length - turn), ...list.slice(0, list.length - turn)];
let sequences = [Array.from({ length: L }, (_, i) => i)];
for (let fixed = 0; fixed < L && sequences.length < B; fixed++) {
  const c = sequences.length, want = Math.min(B, c * (L - fixed)), more = want % c, turns = sequences.map((_, i) => Math.floor(want / c) + (i < more ? 1 : 0)), found = [...sequences];
  for (let turn = 1; turn < Math.max(...turns); turn++)
    sequences.forEach((s, i) => { if (turn < turns[i]) found.push([...s.slice(0, fixed), ...rotated(s.slice(fixed), turn)]); });
  sequences = found;
}
let state = Math.imul(values.seed, 0x9E3779B1) | 0;
const random = () => { state = (state + 0x6D2B79F5) | 0; let x = Math.imul(state ^ (state >>> 15), 1 | state);
  x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x; return ((x ^ (x >>> 14)) >>> 0) / 4294967296; };
const heads = [...new Set(sequences.map((s) => s[0]))].sort((a, b) => a - b);
const aimed = []; for (let j = 0; j < m; j++) for (const head of heads) aimed.push([j, head]);
const next = (t) => (values.stream === "attack" && t < aimed.length ? aimed[t] : [Math.floor(random() * m), Math.floor(random() * L)]);

const hit = Array.from({ length: m }, () => new Set()), stream = [];
const left = (s, gone) => { const at = s.findIndex((slice) => gone.has(slice)); return at < 0 ? L : at; };
const best = (gone) => Math.max(...sequences.map((s) => left(s, gone)));
// The whole stream is drawn: up to the slider for the picture, beyond it for the moment of failure.
let failed = null, shown = null, alive = m;
for (let t = 0; ; t++) {
  if (t === values.deletions) shown = hit.map((gone) => new Set(gone));
  if (failed === null && hit.every((gone) => best(gone) === 0)) failed = t;
  if (shown && failed !== null) break;
  const [shard, slice] = next(t); hit[shard].add(slice); stream.push([shard, slice]);
}
const lengths = shown.map((gone) => sequences.map((s) => left(s, gone))), longest = lengths.map((row) => Math.max(...row));
alive = longest.filter((n) => n > 0).length;

// Rows are sequences, shard 0 on top; a place is alive (0), cut off (1) or hit (2).
const z = [], text = [], y = [];
for (let j = 0; j < m; j++) sequences.forEach((s, i) => {
  z.push(s.map((slice, place) => (place < lengths[j][i] ? 0 : shown[j].has(slice) ? 2 : 1)));
  text.push(s.map((slice) => (shown[j].has(slice) ? "×" : String(slice)))); y.push(z.length - 1);
});
const rows = z.length, few = rows <= 40;
const colours = [[0, data.alive], [1 / 3, data.alive], [1 / 3, data.cut], [2 / 3, data.cut], [2 / 3, data.hit], [1, data.hit]];
const lines = Array.from({ length: Math.max(0, m - 1) }, (_, j) => ({ type: "line", x0: -0.5, x1: L - 0.5, y0: (j + 1) * B - 0.5, y1: (j + 1) * B - 0.5, line: { width: 1.5, color: data.ink } }));
const traces = [
  { type: "heatmap", z, x: Array.from({ length: L }, (_, i) => i), y, zmin: 0, zmax: 2, colorscale: colours, showscale: false, xgap: 2, ygap: few ? 2 : 0, opacity: 0.75,
    text, hovertemplate: "slice %{text}<extra></extra>", ...(few ? { texttemplate: "%{text}", textfont: { size: rows > 24 ? 10 : 13, color: data.ink } } : {}) },
];
let h = 0; for (let i = 1; i <= m * heads.length; i++) h += 1 / i;
const theory = m * L * h;
const clipped = values.budget > B ? ` (there are only ${B} orders of ${L} ${L > 1 ? "slices" : "slice"})` : "";
const readout = `After ${values.deletions} deletions ${alive} of ${m} shards live; their longest prefixes have ${longest.join(", ")} of ${L} slices. `
  + `This stream kills the system at deletion ${failed}; random ones do at ${theory.toFixed(1)} on average, `
  + `an attacker who knows the first slices at ${m * heads.length}. Trained: ${m * B} sequences${clipped}.`;
const layout = { shapes: lines, xaxis: { range: [-0.5, L - 0.5], tickvals: Array.from({ length: L }, (_, i) => i), ticktext: Array.from({ length: L }, (_, i) => String(i + 1)) },
  yaxis: { range: [rows - 0.5, -0.5], tickvals: Array.from({ length: m }, (_, j) => (j + 0.5) * B - 0.5), ticktext: Array.from({ length: m }, (_, j) => `shard ${j}`) } };
return { data: traces, layout, readout, result: { sequences, stream: stream.slice(0, values.deletions), failed, lengths, alive, theory, attack: m * heads.length } };
"""  # noqa: E501


def layout() -> dict[str, Any]:
    """Plotly figure without traces: places of a sequence across, sequences down."""
    return {
        "data": [],
        "layout": {
            "height": 480,
            "margin": {"l": 70, "r": 10, "t": 10, "b": 50},
            "xaxis": {"title": {"text": "place in the sequence"}, "showgrid": False},
            "yaxis": {"showgrid": False},
        },
    }

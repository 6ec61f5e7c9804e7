// Sequences of slices die while deletions come in, as idea.py counts it.

const count = (n) => Array.from({ length: n }, (_, i) => i);
const factorial = (n) => (n < 2 ? 1 : n * factorial(n - 1));
const harmonic = (n) => count(n).reduce((total, i) => total + 1 / (i + 1), 0);

// values: deletions, shards, slices, budget, seed, stream ("random" or "attack")
export function update(values, data) {
  const { shards, slices } = values;
  const budget = Math.min(values.budget, factorial(slices));
  const sequences = cyclicSequences(slices, budget);
  const heads = [...new Set(sequences.map(([head]) => head))].sort((a, b) => a - b);
  const { shown, failed, stream } = run(values, sequences, deletions(values, heads));
  const lengths = shown.map((gone) => sequences.map((sequence) => surviving(sequence, gone)));
  const longest = lengths.map((row) => Math.max(...row));
  const alive = longest.filter((length) => length > 0).length;
  const theory = shards * slices * harmonic(shards * heads.length);
  const attack = shards * heads.length;
  return {
    data: [heatmap(sequences, shown, lengths, data)],
    layout: layout(shards, slices, budget, data.ink),
    readout: readout(values, budget, { alive, longest, failed, theory, attack }),
    result: { sequences, stream, failed, lengths, alive, theory, attack },
  };
}

// Iterative cyclic rotation: heads take turns, so that all are used equally often, up to one.
function cyclicSequences(slices, budget) {
  let found = [count(slices)];
  for (let fixed = 0; fixed < slices; fixed++) {
    const wanted = Math.min(budget, found.length * (slices - fixed));
    const each = Math.floor(wanted / found.length);
    const more = wanted % found.length;
    const turns = found.map((_, i) => each + (i < more ? 1 : 0));
    const rotations = [];
    for (let turn = 1; turn < Math.max(...turns); turn++) {
      const turning = found.filter((_, i) => turn < turns[i]);
      rotations.push(...turning.map((order) => rotated(order, fixed, turn)));
    }
    found = [...found, ...rotations];
  }
  return found;
}

// The first slices stay, the rest is rotated to the right.
function rotated(order, fixed, turn) {
  const rest = order.slice(fixed);
  const cut = rest.length - turn;
  return [...order.slice(0, fixed), ...rest.slice(cut), ...rest.slice(0, cut)];
}

function surviving(sequence, gone) {
  const first = sequence.findIndex((slice) => gone.has(slice));
  return first < 0 ? sequence.length : first;
}

// [shard, slice] of one deletion after another, without an end.
function* deletions(values, heads) {
  if (values.stream === "attack") {
    for (const shard of count(values.shards)) {
      yield* heads.map((head) => [shard, head]);
    }
  }
  const random = generator(values.seed);
  for (;;) {
    yield [Math.floor(random() * values.shards), Math.floor(random() * values.slices)];
  }
}

// Mulberry32: numbers from 0 to 1, the same in each browser.
function generator(seed) {
  let state = Math.imul(seed, 0x9e3779b1) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

// The stream goes on up to the slider, for the picture, and beyond it, for the moment of failure.
function run(values, sequences, source) {
  const hit = count(values.shards).map(() => new Set());
  const dead = (gone) => sequences.every((sequence) => surviving(sequence, gone) === 0);
  const stream = [];
  let failed = null;
  let shown = null;
  while (shown === null || failed === null) {
    if (stream.length === values.deletions) {
      shown = hit.map((gone) => new Set(gone));
    }
    if (failed === null && hit.every(dead)) {
      failed = stream.length;
    }
    const [shard, slice] = source.next().value;
    hit[shard].add(slice);
    stream.push([shard, slice]);
  }
  return { shown, failed, stream: stream.slice(0, values.deletions) };
}

// Rows are sequences, shard 0 on top; a place is alive (0), cut off (1) or hit (2).
function heatmap(sequences, shown, lengths, colours) {
  const z = shown.flatMap((gone, shard) =>
    sequences.map((sequence, i) => states(sequence, lengths[shard][i], gone)),
  );
  const text = shown.flatMap((gone) =>
    sequences.map((sequence) => sequence.map((slice) => (gone.has(slice) ? "×" : String(slice)))),
  );
  const bands = [colours.alive, colours.cut, colours.hit];
  const ends = (band) => [band / 3, (band + 1) / 3];
  const few = z.length <= 40;
  const font = { size: z.length > 24 ? 10 : 13, color: colours.ink };
  return {
    type: "heatmap",
    z,
    x: count(sequences[0].length),
    y: count(z.length),
    zmin: 0,
    zmax: 2,
    colorscale: bands.flatMap((colour, i) => ends(i).map((end) => [end, colour])),
    showscale: false,
    xgap: 2,
    ygap: few ? 2 : 0,
    opacity: 0.75,
    text,
    hovertemplate: "slice %{text}<extra></extra>",
    ...(few ? { texttemplate: "%{text}", textfont: font } : {}),
  };
}

function states(sequence, kept, gone) {
  return sequence.map((slice, place) => {
    if (place < kept) {
      return 0;
    }
    return gone.has(slice) ? 2 : 1;
  });
}

function layout(shards, slices, budget, ink) {
  const between = count(shards - 1).map((shard) => (shard + 1) * budget - 0.5);
  return {
    shapes: between.map((y) => ({
      type: "line",
      x0: -0.5,
      x1: slices - 0.5,
      y0: y,
      y1: y,
      line: { width: 1.5, color: ink },
    })),
    xaxis: {
      range: [-0.5, slices - 0.5],
      tickvals: count(slices),
      ticktext: count(slices).map((place) => String(place + 1)),
    },
    yaxis: {
      range: [shards * budget - 0.5, -0.5],
      tickvals: count(shards).map((shard) => (shard + 0.5) * budget - 0.5),
      ticktext: count(shards).map((shard) => `shard ${shard}`),
    },
  };
}

function readout(values, budget, { alive, longest, failed, theory, attack }) {
  const { shards, slices } = values;
  const orders = `${budget} orders of ${slices} ${slices > 1 ? "slices" : "slice"}`;
  const clipped = values.budget > budget ? ` (there are only ${orders})` : "";
  return (
    `After ${values.deletions} deletions ${alive} of ${shards} shards live; ` +
    `their longest prefixes have ${longest.join(", ")} of ${slices} slices. ` +
    `This stream kills the system at deletion ${failed}; ` +
    `random ones do at ${theory.toFixed(1)} on average, ` +
    `an attacker who knows the first slices at ${attack}. ` +
    `Trained: ${shards * budget} sequences${clipped}.`
  );
}

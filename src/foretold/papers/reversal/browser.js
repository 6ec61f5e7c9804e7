// The bilinear model of theory.py, trained in the reader's browser. Tokens are every a, then every b.

const sum = (list) => list.reduce((total, value) => total + value, 0);
const mean = (list) => (list.length ? sum(list) / list.length : null);
const count = (n) => Array.from({ length: n }, (_, i) => i);
const zeros = (rows, columns) => Array.from({ length: rows }, () => new Float64Array(columns));

// values: share (per cent of pairs told in both orders), steps, model ("onehot", "vectors" or "symmetric")
export function update(values, data) {
  const both = Math.round((data.pairs * values.share) / 100);
  const vectors = values.model === "vectors" ? data.vectors : oneHot(2 * data.pairs);
  const theta = trained(vectors, examples(data.pairs, both), values, data.rate);
  const table = vectors.map((given) => probabilities(given, vectors, theta));
  const learned = summary(table, data.pairs, both);
  return {
    data: [heatmap(table), ...measured(data.measured), star(values.share, learned.all)],
    layout: {},
    readout: readout(values, data, both, learned),
    result: { table, ...learned },
  };
}

function oneHot(tokens) {
  return count(tokens).map((i) => count(tokens).map((j) => (i === j ? 1 : 0)));
}

// [given, wanted]: every pair as (a, b), the first so many as (b, a) too.
function examples(pairs, both) {
  const told = count(pairs).map((i) => [i, pairs + i]);
  return [...told, ...told.slice(0, both).map(([a, b]) => [b, a])];
}

// Gradient descent from zero; the symmetric model takes the symmetric part of the gradient.
function trained(vectors, told, values, rate) {
  const d = vectors[0].length;
  const theta = zeros(d, d);
  for (let step = 0; step < values.steps; step++) {
    const change = gradient(vectors, theta, told);
    for (let i = 0; i < d; i++) {
      for (let j = 0; j < d; j++) {
        const own = values.model === "symmetric" ? (change[i][j] + change[j][i]) / 2 : change[i][j];
        theta[i][j] -= rate * own;
      }
    }
  }
  return theta;
}

function gradient(vectors, theta, told) {
  const d = vectors[0].length;
  const change = zeros(d, d);
  for (const [given, wanted] of told) {
    const errors = probabilities(vectors[given], vectors, theta);
    errors[wanted] -= 1;
    const right = new Float64Array(d);
    errors.forEach((error, token) => addTimes(right, error, vectors[token]));
    vectors[given].forEach((x, i) => addTimes(change[i], x, right));
  }
  return change;
}

// p(next | given) of all tokens, for the vector of the given one.
function probabilities(given, vectors, theta) {
  const heard = new Float64Array(given.length);
  given.forEach((x, i) => addTimes(heard, x, theta[i]));
  const logits = vectors.map((next) => dot(next, heard));
  const top = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp(logit - top));
  const total = sum(weights);
  return weights.map((weight) => weight / total);
}

// Most entries of a one-hot token are zero.
function addTimes(row, factor, other) {
  if (factor === 0) {
    return;
  }
  for (let j = 0; j < row.length; j++) {
    row[j] += factor * other[j];
  }
}

function dot(one, other) {
  let total = 0;
  for (let j = 0; j < one.length; j++) {
    total += one[j] * other[j];
  }
  return total;
}

// Means over pairs: p(b | a), and p(a | b) of all, of those told both ways, and of those told one way.
function summary(table, n, both) {
  const back = count(n).map((i) => table[n + i][i]);
  return {
    forward: mean(count(n).map((i) => table[i][n + i])),
    all: mean(back),
    told: mean(back.slice(0, both)),
    untold: mean(back.slice(both)),
  };
}

function heatmap(table) {
  return {
    type: "heatmap",
    z: table,
    zmin: 0,
    zmax: 1,
    colorscale: "Viridis",
    showscale: true,
    colorbar: { len: 0.44, y: 0.78, thickness: 10, title: { text: "p" } },
    hovertemplate: "p = %{z:.3f}<extra></extra>",
  };
}

// Answers of the small language models: rows of share, right, low and high.
function measured(answers) {
  return [
    points(answers.all, "small GPT, all facts", "diamond", "#09a561"),
    points(answers.one, "small GPT, one-way facts", "x", "#d10c30"),
  ];
}

function points(rows, name, symbol, color) {
  return {
    ...below(name),
    x: rows.map(([share]) => 100 * share),
    y: rows.map(([, right]) => 100 * right),
    marker: { symbol, size: 9, color },
    error_y: {
      type: "data",
      symmetric: false,
      array: rows.map(([, right, , high]) => 100 * (high - right)),
      arrayminus: rows.map(([, right, low]) => 100 * (right - low)),
      color,
    },
  };
}

function star(share, all) {
  const marker = { symbol: "star", size: 15, color: "#2658f5" };
  return { ...below("this model, mean p(a | b)"), x: [share], y: [100 * all], marker };
}

function below(name) {
  return { type: "scatter", mode: "markers", name, xaxis: "x2", yaxis: "y2" };
}

function readout(values, data, both, learned) {
  const percent = (x) => `${(100 * x).toFixed(0)}%`;
  const shown = (p) => (p === null ? "none" : p.toFixed(3));
  const distance = (row) => Math.abs(100 * row[0] - values.share);
  const nearer = (best, row) => (distance(row) < distance(best) ? row : best);
  const [share, right] = data.measured.all.reduce(nearer);
  return (
    `${both} of ${data.pairs} pairs told in both orders, ${values.steps} steps. ` +
    `Mean p(b | a): ${shown(learned.forward)}. ` +
    `Mean p(a | b): ${shown(learned.told)} where b to a was told, ` +
    `${shown(learned.untold)} where it was not (chance ${shown(1 / (2 * data.pairs))}). ` +
    `The small GPT with ${percent(share)} told both ways: ${percent(right)} right in reverse.`
  );
}

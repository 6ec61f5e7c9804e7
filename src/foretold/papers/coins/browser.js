// Bayes factors for the people who are left in, under any prior: the average over four models (a same-side
// bias or not, people who differ or not) where heads and tails are equally likely. The integrals over each
// person's own probability come with the data (`browser_data` in draw.py); sums over sigma and theta are left.

const FINE = 4001; // points for the integral of theta's prior
const FINE_STEP = 0.00025; // logits
const CURVE_LOGITS = Array.from({ length: 321 }, (_, i) => i * 0.0005);

// values: people (names), high and low (numbers of people to leave out), mean, concentration, spread (priors).
export function update(values, data) {
  const kept = peopleLeftIn(values, data);
  const prior = thetaPrior(values);
  const total = sumOverPeople(kept, data);
  const evidence = average(total, logMassOfTheta(prior, data), logMassOfSigma(values, data));
  const result = bayesFactors(evidence);
  return {
    data: [bars(result, data), ...curves(prior, evidence, data)],
    readout: sentence(kept, result, data),
    result,
  };
}

// Indices of the people between the most and the least biased who are left out, and whose box is ticked.
function peopleLeftIn(values, data) {
  const order = data.person.map((_, k) => k).sort((i, j) => data.p[i] - data.p[j]);
  const inside = new Set(order.slice(values.low, order.length - values.high));
  return data.person.map((_, k) => k).filter((k) => inside.has(k) && values.people.includes(data.person[k]));
}

// Log-likelihoods of all who are kept: the nodes of theta at sigma = 0, then at each sigma.
function sumOverPeople(kept, data) {
  const total = new Float64Array((1 + data.sigma.length) * data.theta.length);
  for (const k of kept) {
    data.log_marginal[k].forEach((value, i) => {
      total[i] += value;
    });
  }
  return total;
}

// Log density of logit(theta) where theta is Beta(mean * c, (1 - mean) * c) above one half, and 0 below.
function thetaPrior(values) {
  const a = values.mean * values.concentration;
  const b = (1 - values.mean) * values.concentration;
  const unnormalised = (x) => -a * Math.log1p(Math.exp(-x)) - b * Math.log1p(Math.exp(x));
  const pieces = Array.from({ length: FINE }, (_, i) => {
    const width = i === 0 || i === FINE - 1 ? FINE_STEP / 2 : FINE_STEP;
    return unnormalised(i * FINE_STEP) + Math.log(width);
  });
  const total = logSumExp(pieces);
  return (x) => unnormalised(x) - total;
}

function logMassOfTheta(prior, data) {
  return Array.from(data.theta, (x, j) => prior(x) + Math.log(data.weight[j]));
}

// The prior of sigma is Gamma(4, rate); what lies below the first node is given to it.
function logMassOfSigma(values, data) {
  const rate = 4 / values.spread;
  const last = data.sigma.length - 1;
  const step = Math.log(data.sigma[1] / data.sigma[0]);
  const first = rate * data.sigma[0];
  const below = 1 - Math.exp(-first) * (1 + first + first ** 2 / 2 + first ** 3 / 6);
  return Array.from(data.sigma, (sigma, i) => {
    const density = ((rate * sigma) ** 4 * Math.exp(-rate * sigma)) / 6;
    const width = i === 0 || i === last ? step / 2 : step;
    return Math.log(density * width + (i === 0 ? below : 0));
  });
}

// Log marginal likelihoods of the four models, and that of people who differ at each node of theta. The first
// node is theta = 1/2, no bias.
function average(total, logTheta, logSigma) {
  const nodes = logTheta.length;
  const differAt = logTheta.map((_, j) => logSumExp(logSigma.map((w, i) => w + total[(1 + i) * nodes + j])));
  return {
    none: total[0],
    same: logSumExp(logTheta.map((w, j) => w + total[j])),
    people: differAt[0],
    both: logSumExp(logTheta.map((w, j) => w + differAt[j])),
    differAt,
  };
}

// Decimal logarithms: a same-side bias if all are alike, a same-side bias, differences between people.
function bayesFactors({ none, same, people, both }) {
  return {
    alike: (same - none) / Math.LN10,
    same: (logSumExp([same, both]) - logSumExp([none, people])) / Math.LN10,
    people: (logSumExp([people, both]) - logSumExp([none, same])) / Math.LN10,
  };
}

function bars(result, data) {
  const found = [result.people, result.same, result.alike];
  return {
    type: "bar",
    orientation: "h",
    x: found.map((value) => Math.max(-2, Math.min(26, value))),
    y: ["people differ", "same-side bias,<br>people may differ", "same-side bias,<br>people alike"],
    marker: { color: [data.colours.green, data.colours.blue, data.colours.grey] },
    text: found.map(asNumber),
    textposition: "outside",
    cliponaxis: false,
    showlegend: false,
    hoverinfo: "skip",
  };
}

// Prior and posterior densities of the typical person's probability.
function curves(prior, evidence, data) {
  const probability = CURVE_LOGITS.map((x) => 1 / (1 + Math.exp(-x)));
  const density = (log, i) => Math.exp(log) / (probability[i] * (1 - probability[i]));
  const posterior = (x) => prior(x) + interpolate(data.theta, evidence.differAt, x) - evidence.both;
  const before = CURVE_LOGITS.map((x, i) => density(prior(x), i));
  const after = CURVE_LOGITS.map((x, i) => density(posterior(x), i));
  return [
    curve("prior", probability, before, data.colours.orange, "dash"),
    curve("posterior", probability, after, data.colours.blue, "solid"),
  ];
}

function curve(name, x, y, color, dash) {
  return {
    type: "scatter",
    mode: "lines",
    name,
    x,
    y,
    xaxis: "x2",
    yaxis: "y2",
    line: { color, dash, width: 2.5 },
    showlegend: false,
    hovertemplate: `${name}: %{x:.4f}<extra></extra>`,
  };
}

// The parabola through the three nodes that are nearest to `at`.
function interpolate(x, y, at) {
  let j = 1;
  while (j < x.length - 2 && Math.abs(x[j + 1] - at) < Math.abs(x[j] - at)) {
    j += 1;
  }
  const [p, q, r] = [x[j - 1], x[j], x[j + 1]];
  const left = (y[j - 1] * (at - q) * (at - r)) / ((p - q) * (p - r));
  const middle = (y[j] * (at - p) * (at - r)) / ((q - p) * (q - r));
  const right = (y[j + 1] * (at - p) * (at - q)) / ((r - p) * (r - q));
  return left + middle + right;
}

function sentence(kept, result, data) {
  if (kept.length === 0) {
    return "Nobody is left in: without data every Bayes factor is 1.";
  }
  const flips = kept.reduce((sum, k) => sum + data.n[k], 0);
  return (
    `${kept.length} people, ${flips.toLocaleString("en")} flips: the data favour a same-side bias by ` +
    `${asNumber(result.same)} to 1 when people may differ, by ${asNumber(result.alike)} to 1 when they are ` +
    `treated as alike; they favour differences between people by ${asNumber(result.people)} to 1.`
  );
}

// A number by its decimal logarithm: 2,366 or 1.7×10¹⁷.
function asNumber(log10) {
  if (Math.abs(log10) >= 5) {
    const exponent = Math.floor(log10);
    return `${(10 ** (log10 - exponent)).toFixed(1)}×10${superscript(exponent)}`;
  }
  const rounded = Number((10 ** log10).toPrecision(log10 > 3 ? 4 : 3));
  return rounded.toLocaleString("en", { maximumSignificantDigits: 4 });
}

function superscript(whole) {
  return String(whole).replace(/./g, (sign) => "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"["0123456789-".indexOf(sign)]);
}

function logSumExp(values) {
  const largest = Math.max(...values);
  if (largest === -Infinity) {
    return largest;
  }
  return largest + Math.log(values.reduce((sum, x) => sum + Math.exp(x - largest), 0));
}

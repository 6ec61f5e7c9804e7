// The learning-curve figure in the reader's browser: trends by variable projection, and where the rule stops.
// A law is { a, b, c }, y = c - a x^-b; level l is the trace's entry l - 3; what does not exist is null.

const GRID = Array.from({ length: 48 }, (_, i) => 1e-3 * Math.pow(5e3, i / 47)); // exponents
const VERTICALITY = 2e-7; // largest jump of the backbone per word
const LOOK_AHEAD = 5;

// The least-squares line of y on p = x^-b at a fixed exponent b, with a >= 0; its sum of squares, and half
// the derivative of that by b. An anchor is one row more, p = 0.
function project(b, logX, y, anchor) {
  const p = logX.map((value) => Math.exp(-b * value));
  const anchored = anchor !== null;
  const rows = y.length + (anchored ? 1 : 0);
  const meanP = sum(p) / rows;
  const meanY = (sum(y) + (anchored ? anchor : 0)) / rows;
  let variance = anchored ? meanP * meanP : 0;
  let covariance = anchored ? -meanP * (anchor - meanY) : 0;
  for (let i = 0; i < y.length; i++) {
    variance += (p[i] - meanP) ** 2;
    covariance += (p[i] - meanP) * (y[i] - meanY);
  }
  const a = Math.max(0, -covariance / variance);
  const c = meanY + a * meanP;
  let squares = anchored ? (anchor - c) ** 2 : 0;
  let slope = 0;
  for (let i = 0; i < y.length; i++) {
    const residual = y[i] - c + a * p[i];
    squares += residual * residual;
    slope -= residual * a * p[i] * logX[i];
  }
  return { a, b, c, squares, slope };
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

// The best exponent of the grid, then the root of the derivative between its neighbours.
function fit(x, y, anchor) {
  const unit = Math.exp(sum(x.map(Math.log)) / x.length);
  const logX = x.map((value) => Math.log(value / unit));
  const squares = GRID.map((b) => project(b, logX, y, anchor).squares);
  const best = squares.indexOf(Math.min(...squares));
  const low = GRID[Math.max(best - 1, 0)];
  const high = GRID[Math.min(best + 1, GRID.length - 1)];
  const slope = (b) => project(b, logX, y, anchor).slope;
  const b = slope(low) < 0 && slope(high) > 0 ? bisect(slope, low, high, 60) : GRID[best];
  const { a, c } = project(b, logX, y, anchor);
  return { a: a * Math.pow(unit, b), b, c };
}

// Where a function that has different signs at both ends is 0.
function bisect(f, low, high, steps) {
  const sign = Math.sign(f(low));
  let [left, right] = [low, high];
  for (let i = 0; i < steps; i++) {
    const middle = (left + right) / 2;
    if (Math.sign(f(middle)) === sign) {
      left = middle;
    } else {
      right = middle;
    }
  }
  return (left + right) / 2;
}

function accuracy(law, x) {
  return law.c - law.a * Math.pow(x, -law.b);
}

// The last x where two laws are equal. Their difference turns at most once.
function lastCrossing(one, two) {
  const gap = (s) => one.c - two.c - one.a * Math.exp(-one.b * s) + two.a * Math.exp(-two.b * s);
  const turn = Math.log((one.a * one.b) / (two.a * two.b)) / (one.b - two.b);
  const middle = Number.isFinite(turn) ? turn : 0;
  const floor = -700 / Math.max(one.b, two.b);
  const sides = [
    [middle, middle + 100 / Math.min(one.b, two.b)],
    [middle - 100, middle],
  ];
  for (const [low, high] of sides) {
    const start = Math.max(low, floor);
    if (start < high && gap(start) * gap(high) < 0) {
      const x = Math.exp(bisect(gap, start, high, 100));
      return Number.isFinite(x) ? x : null;
    }
  }
  return null;
}

function layerOfConvergence(one, two) {
  if (!(two.c < one.c)) {
    return null;
  }
  const met = lastCrossing(one, two);
  return met === null ? null : Math.abs(one.c - accuracy(one, met));
}

function workingLevel(x, laws) {
  const calm = [];
  for (let i = 0; i + 1 < laws.length; i++) {
    calm.push(Math.abs(laws[i + 1].c - laws[i].c) / (x[i + 3] - x[i + 2]) <= VERTICALITY);
  }
  for (let i = 0; i + LOOK_AHEAD < calm.length; i++) {
    if (calm.slice(i, i + LOOK_AHEAD + 1).every((quiet) => quiet)) {
      return i + 3;
    }
  }
  return null;
}

// The first level from `start` on at which something holds, null if there is none, or no start.
function firstLevel(holds, start) {
  if (start === null) {
    return null;
  }
  const at = holds.findIndex((held, i) => i >= start - 3 && held);
  return at < 0 ? null : at + 3;
}

// All trends of a curve and its levels; the tolerance is in percentage points.
function learningTrace(x, y, tolerance) {
  const laws = [];
  for (let level = 3; level <= x.length; level++) {
    laws.push(fit(x.slice(0, level), y.slice(0, level), null));
  }
  const working = workingLevel(x, laws);
  for (let level = working === null ? Infinity : working + 1; level <= x.length; level++) {
    laws[level - 3] = fit(x.slice(0, level), y.slice(0, level), laws[level - 4].c);
  }
  const layers = laws.map((law, i) => (i + 1 < laws.length ? layerOfConvergence(law, laws[i + 1]) : null));
  const possible = laws.map((law) => law.c <= 1);
  const near = layers.map((layer) => layer !== null && 100 * layer <= tolerance + 1e-9);
  const prediction = firstLevel(possible, working);
  const convergence = firstLevel(near, prediction);
  const stop = convergence === null ? null : Math.max(convergence + 1, working + LOOK_AHEAD + 1);
  return { laws, layers, working, prediction, convergence, stop };
}

// What the figure shows: thousands of words, per cent.

function thousands(x) {
  return x.map((value) => value / 1000);
}

function percent(y) {
  return y.map((value) => 100 * value);
}

function traces(x, y, law, level, far, colours) {
  return [
    {
      type: "scatter",
      mode: "lines",
      name: "trend",
      x: thousands(far),
      y: percent(far.map((value) => accuracy(law, value))),
      line: { color: colours.blue, width: 2.5 },
    },
    {
      type: "scatter",
      mode: "markers",
      name: "seen",
      x: thousands(x.slice(0, level)),
      y: percent(y.slice(0, level)),
      marker: { color: colours.orange, size: 8 },
    },
    {
      type: "scatter",
      mode: "markers",
      name: "still to come",
      x: thousands(x.slice(level)),
      y: percent(y.slice(level)),
      marker: { color: colours.orange, size: 7, symbol: "circle-open" },
    },
  ];
}

function asymptoteLine(law, far, colour) {
  return {
    type: "line",
    x0: far[0] / 1000,
    x1: far[far.length - 1] / 1000,
    y0: 100 * law.c,
    y1: 100 * law.c,
    line: { width: 1.5, dash: "dot", color: colour },
  };
}

function stopLine(words, colour) {
  const line = { width: 2, dash: "dash", color: colour };
  return { type: "line", x0: words / 1000, x1: words / 1000, y0: 0, y1: 1, yref: "paper", line };
}

function signed(value) {
  return (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);
}

// What stopping at a level saves, in per cent of all words, and its error at the last one, in points.
function worth(x, y, laws, level) {
  const last = x.length - 1;
  const saved = 100 * (1 - x[level - 1] / x[last]);
  const error = 100 * (accuracy(laws[level - 3], x[last]) - y[last]);
  return { saved: saved.toFixed(0), error: signed(error) };
}

function sentences(x, y, trace, level, tolerance, stopped) {
  const words = Math.round(x[level - 1]).toLocaleString("en");
  const here = worth(x, y, trace.laws, level);
  const asymptote = (100 * trace.laws[level - 3].c).toFixed(2);
  const first =
    `Level ${level}: ${words} words, ${here.saved}% of the labelling saved; the last accuracy is foretold ` +
    `with an error of ${here.error} points, asymptote ${asymptote}%. `;
  if (stopped) {
    const then = worth(x, y, trace.laws, trace.stop);
    return (
      `${first}The rule with a tolerance of ${tolerance} points stops at level ${trace.stop} (red line): ` +
      `${then.saved}% saved, error ${then.error} points.`
    );
  }
  if (trace.working === null) {
    return `${first}No working level: the rule never stops here.`;
  }
  return (
    `${first}Working level ${trace.working}, but no layer is within ${tolerance} points: ` +
    "the rule does not stop."
  );
}

// All observations but the first, and the asymptote where it is not far above them.
function heights(y, law) {
  const shown = percent(y.slice(1));
  const highest = Math.max(...shown);
  return [Math.min(...shown) - 1, Math.max(highest, Math.min(100 * law.c, highest + 8)) + 1];
}

// values: curve (a name), level, tolerance (percentage points)
export function update(values, data) {
  const x = Array.from(data.curves[values.curve].x);
  const y = Array.from(data.curves[values.curve].y);
  const n = x.length;
  const level = Math.min(values.level, n);
  const trace = learningTrace(x, y, values.tolerance);
  const law = trace.laws[level - 3];
  const far = Array.from({ length: 120 }, (_, i) => x[0] * Math.pow((2 * x[n - 1]) / x[0], i / 119));
  const stopped = trace.stop !== null && trace.stop <= n;
  const shapes = [asymptoteLine(law, far, data.blue)];
  if (stopped) {
    shapes.push(stopLine(x[trace.stop - 1], data.red));
  }
  return {
    data: traces(x, y, law, level, far, data),
    layout: { shapes, yaxis: { range: heights(y, law), title: { text: "accuracy (%)" } } },
    readout: sentences(x, y, trace, level, values.tolerance, stopped),
    result: { law, ...trace },
  };
}

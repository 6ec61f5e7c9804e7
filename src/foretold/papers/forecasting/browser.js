// Forecasts of one forecaster, moved by the reader: log odds multiplied and shifted, then mixed with "always
// 50%". Their scores, and the Brier score for every multiplier.

const EXPONENTS = Array.from({ length: 81 }, (_, i) => 10 ** (-1 + i / 40));

// values: who (a name), exponent, shift, weight (per cent of "always 50%" in the mixture).
export function update(values, data) {
  const outcomes = Array.from(data.y);
  const forecasts = Array.from(data.forecasts[values.who]);
  const moved = move(forecasts, values.exponent, values);
  const result = scores(moved, outcomes);
  const base = mean(outcomes);
  const baseRate = base * (1 - base);
  const curve = EXPONENTS.map((exponent) => mean(errors(move(forecasts, exponent, values), outcomes)));
  const hue = data.hues[values.who];
  return {
    data: [
      dots(1, moved, outcomes, { color: data.colours.green, symbol: "cross" }, "resolved yes"),
      dots(0, moved, outcomes, { color: data.colours.red, symbol: "x" }, "resolved no"),
      curveOfScores(curve, hue),
      level(0.25, data.colours.grey, "dot"),
      level(baseRate, data.colours.green, "dash"),
      here(values.exponent, result.brier, hue),
    ],
    readout: sentence(result, baseRate, outcomes.length),
    result,
  };
}

function move(forecasts, exponent, { shift, weight }) {
  return forecasts.map((p) => {
    const odds = exponent * Math.log(p / (1 - p)) + shift;
    return (1 - weight / 100) / (1 + Math.exp(-odds)) + weight / 200;
  });
}

function scores(forecasts, outcomes) {
  const squares = errors(forecasts, outcomes);
  const brier = mean(squares);
  const n = outcomes.length;
  const sd = Math.sqrt(squares.reduce((sum, x) => sum + (x - brier) ** 2, 0) / (n - 1));
  return {
    brier,
    log: mean(forecasts.map((p, i) => -Math.log(outcomes[i] ? p : 1 - p))),
    sd,
    t: (brier - 0.25) / (sd / Math.sqrt(n)),
    distance: mean(forecasts.map((p) => Math.abs(p - 0.5))),
  };
}

function errors(forecasts, outcomes) {
  return forecasts.map((p, i) => (p - outcomes[i]) ** 2);
}

function mean(list) {
  return list.reduce((sum, x) => sum + x, 0) / list.length;
}

// The forecasts of questions with one outcome, in a row with some jitter.
function dots(outcome, forecasts, outcomes, marker, name) {
  const some = outcomes.map((_, i) => i).filter((i) => outcomes[i] === outcome);
  return {
    type: "scatter",
    mode: "markers",
    x: some.map((i) => forecasts[i]),
    y: some.map((i) => outcome + (((i * 0.61803) % 1) - 0.5) * 0.5),
    marker: { ...marker, size: 8 },
    name,
    showlegend: false,
    hovertemplate: `${name}: %{x:.2f}<extra></extra>`,
  };
}

function curveOfScores(y, color) {
  return {
    type: "scatter",
    mode: "lines",
    x: EXPONENTS,
    y,
    xaxis: "x2",
    yaxis: "y2",
    line: { color, width: 2.5 },
    showlegend: false,
    hovertemplate: "exponent %{x:.2f}: Brier %{y:.3f}<extra></extra>",
  };
}

function level(y, color, dash) {
  return {
    type: "scatter",
    mode: "lines",
    x: [0.1, 10],
    y: [y, y],
    xaxis: "x2",
    yaxis: "y2",
    line: { color, dash, width: 1.5 },
    showlegend: false,
    hoverinfo: "skip",
  };
}

function here(x, y, color) {
  return {
    type: "scatter",
    mode: "markers",
    x: [x],
    y: [y],
    xaxis: "x2",
    yaxis: "y2",
    marker: { color, size: 13 },
    showlegend: false,
    hoverinfo: "skip",
  };
}

function sentence({ brier, log, sd, t, distance }, baseRate, n) {
  const overHalf = percent(1 - brier / 0.25);
  const overBaseRate = percent(1 - brier / baseRate);
  const test =
    sd > 1e-9
      ? `Against 0.25: t(${n - 1}) = ${withMinus(t.toFixed(2))}, significant at the 5% level beyond ±2.00.`
      : "All errors are equal, so there is nothing to test.";
  return (
    `Brier score ${brier.toFixed(4)}: skill ${overHalf} over always 50%, ${overBaseRate} over the base ` +
    `rate. Log score ${log.toFixed(3)} nats (always 50%: 0.693). ` +
    `Mean distance from 50%: ${distance.toFixed(3)}. ${test}`
  );
}

function percent(share) {
  return `${withMinus((100 * share).toFixed(0))}%`;
}

function withMinus(text) {
  return text.replace("-", "−");
}

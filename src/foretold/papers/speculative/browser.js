// Speed against the number of candidates where all are accepted alike: the best number, and the one that a threshold on
// the risk of a rejection leads to.
// values: alpha, ratio, threshold; data: colours by name.

const SHOWN = 24; // candidates on the axis
const LONGEST = 400; // candidates that are tried

export function update(values, data) {
  const { alpha, ratio, threshold } = values;
  const tokens = (count) => (1 - alpha ** (count + 1)) / (1 - alpha);
  const speed = (count) => (ratio * tokens(count)) / (count + ratio);
  const discarded = (count) => count + 1 - tokens(count);

  const best = fastest(speed);
  const price = (ratio - 1 + discarded(best)) / tokens(best);
  const star = price / (1 + price);
  const yours = firstBeyond(alpha, threshold);
  const readout =
    `Best: K* = ${best} candidates, speed ${speed(best).toFixed(2)}, threshold h* = ${star.toFixed(3)}. ` +
    `Your threshold ${threshold.toFixed(2)} drafts ${yours}: speed ${speed(yours).toFixed(2)}, ` +
    `${tokens(yours).toFixed(2)} tokens a round, ` +
    `${(discarded(yours) / tokens(yours)).toFixed(2)} discarded and ` +
    `${(1 / tokens(yours)).toFixed(2)} target calls per token.`;
  return {
    data: [curve(speed, data.grey), diamond(best, speed, data.green), circle(yours, speed, data.blue)],
    layout: { yaxis: { range: [0, Math.max(1.1, 1.12 * speed(best))] } },
    readout,
    result: { best, star, yours, speed: speed(best) },
  };
}

function fastest(speed) {
  let best = 0;
  for (let count = 1; count <= LONGEST; count += 1) {
    if (speed(count) > speed(best)) {
      best = count;
    }
  }
  return best;
}

// The first number of candidates after which one more would be too risky.
function firstBeyond(alpha, threshold) {
  let count = 0;
  while (count < LONGEST && 1 - alpha ** (count + 1) < threshold) {
    count += 1;
  }
  return count;
}

function curve(speed, colour) {
  const counts = Array.from({ length: SHOWN + 1 }, (_, count) => count);
  return {
    type: "scatter",
    mode: "lines+markers",
    x: counts,
    y: counts.map(speed),
    name: "speed",
    line: { color: colour },
    marker: { color: colour, size: 5 },
    showlegend: false,
    hovertemplate: "K = %{x}: %{y:.2f}x<extra></extra>",
  };
}

function diamond(count, speed, colour) {
  const marker = { color: colour, size: 15, symbol: "diamond" };
  return point("best K", count, speed, marker);
}

function circle(count, speed, colour) {
  const marker = { color: colour, size: 13, symbol: "circle-open", line: { width: 3 } };
  return point("your threshold", count, speed, marker);
}

// What lies beyond the axis stands at its end.
function point(name, count, speed, marker) {
  return {
    type: "scatter",
    mode: "markers",
    x: [Math.min(count, SHOWN)],
    y: [speed(count)],
    name,
    marker,
    hoverinfo: "skip",
  };
}

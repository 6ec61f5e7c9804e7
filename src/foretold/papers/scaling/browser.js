// The implicit law of a training run, solved for the sliders: parameters n, steps s, tokens a batch b, floor.

const ENDLESS = 1e30; // tokens of a batch that is as good as infinite

// The root in x = log L: x - h(x) is concave and rises, so Newton's method climbs to it from the loss of an endless
// batch and never passes it. As idea.trajectory.
function trajectory(law, floor, n, s, b) {
  const power = 1 / law.alpha_b;
  const rest = limit(law, floor, n);
  const fast = Math.pow(law.s_c / s, law.alpha_s);
  let x = Math.log(rest + fast);
  for (let i = 0; i < 60; i++) {
    const extra = (law.b_star / b) * Math.exp(-power * x);
    const slow = fast * Math.pow(1 + extra, law.alpha_s);
    const total = rest + slow;
    const slope = (((-law.alpha_s * power * extra) / (1 + extra)) * slow) / total;
    const step = (x - Math.log(total)) / (1 - slope);
    x -= step;
    if (Math.abs(step) < 1e-14 * Math.max(1, Math.abs(x))) break;
  }
  return Math.exp(x);
}

function limit(law, floor, n) {
  return floor + Math.pow(law.n_c / n, law.alpha_n);
}

function raised(exponent) {
  return String(exponent).replace(/./g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"["0123456789-".indexOf(digit)]);
}

function tidy(value) {
  if (value >= 0.01 && value < 1e4) return Number(value.toPrecision(3)).toLocaleString("en");
  const exponent = Math.floor(Math.log10(value));
  return (value / Math.pow(10, exponent)).toFixed(2) + "×10" + raised(exponent);
}

function curve(name, steps, losses, color, dash) {
  const line = { color, dash, width: 2.5 };
  const hovertemplate = "%{x:.3s} steps: %{y:.3f}<extra></extra>";
  return { type: "scatter", mode: "lines", name, x: steps, y: losses, line, hovertemplate };
}

function traces(values, law, colours, found) {
  const { n, s, b, floor } = values;
  const steps = Array.from({ length: 121 }, (_, i) => Math.pow(10, 2 + (5 * i) / 120));
  const losses = (batch) => steps.map((step) => trajectory(law, floor, n, step, batch));
  return [
    curve("batch B", steps, losses(b), colours.blue, "solid"),
    curve("endless batch", steps, losses(ENDLESS), colours.orange, "dash"),
    {
      type: "scatter",
      mode: "lines",
      name: "endless training",
      x: [100, 1e7],
      y: [found.limit, found.limit],
      line: { color: colours.grey, dash: "dot", width: 2 },
      hoverinfo: "skip",
    },
    {
      type: "scatter",
      mode: "markers",
      name: "S steps",
      x: [s],
      y: [found.loss],
      marker: { color: colours.red, size: 12, symbol: "diamond" },
      hoverinfo: "skip",
    },
  ];
}

function sentence(s, b, { loss, critical, fewest, least, limit }) {
  return (
    `Loss ${loss.toFixed(3)} after ${tidy(s)} steps and ${tidy(s * b)} tokens. ` +
    `There B_crit is ${tidy(critical)} tokens, ` +
    `so this run takes ${tidy(s / fewest)} times the fewest steps (${tidy(fewest)}) ` +
    `and ${tidy((s * b) / least)} times the fewest tokens (${tidy(least)}). ` +
    `Endless training would end at ${limit.toFixed(3)}.`
  );
}

export function update(values, data) {
  const { n, s, b, floor } = values;
  const law = data.law;
  const loss = trajectory(law, floor, n, s, b);
  const critical = law.b_star / Math.pow(loss, 1 / law.alpha_b);
  const fewest = s / (1 + critical / b);
  const found = { loss, critical, fewest, least: fewest * critical, limit: limit(law, floor, n) };
  return { data: traces(values, law, data.colours, found), readout: sentence(s, b, found), result: found };
}

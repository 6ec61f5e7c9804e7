// A table look-up: errors of three laws for three schedules, by the share of the runs that they see, in %.
// data: shares, laws, schedules, colours, errors[share][law][schedule] (null where a law is silent).

const SYMBOLS = ["circle", "square", "diamond"];

function trace(name, column, found, data) {
  return {
    type: "scatter",
    mode: "markers",
    name,
    x: data.laws.map((_, row) => found[row][column]),
    y: data.laws,
    marker: { size: 11, color: data.colours[column], symbol: SYMBOLS[column] },
    hovertemplate: "%{y}: %{x:.3f}<extra>" + name + "</extra>",
  };
}

function signed(error) {
  return (error > 0 ? "+" : "") + error.toFixed(3);
}

// One law and its errors, those that there are.
function sentence(law, errors, schedules) {
  const told = schedules.flatMap((name, column) =>
    errors[column] === null ? [] : [name + " " + signed(errors[column])],
  );
  return law + " " + told.join(", ");
}

// The largest error of all shares, so that the axis stands still while the slider moves.
function largest(errors) {
  const sizes = errors
    .flat(2)
    .filter((error) => error !== null)
    .map(Math.abs);
  return Math.max(0.05, ...sizes);
}

export function update(values, data) {
  const at = data.shares.findIndex((share) => Math.abs(share - values.share) < 1e-6);
  const found = data.errors[at];
  const said = data.laws.map((law, row) => sentence(law, found[row], data.schedules));
  const edge = 1.1 * largest(data.errors);
  return {
    data: data.schedules.map((name, column) => trace(name, column, found, data)),
    layout: { xaxis: { range: [-edge, edge] } },
    readout: `Seen: ${values.share}% of the runs. ${said.join("; ")}.`,
    result: found,
  };
}

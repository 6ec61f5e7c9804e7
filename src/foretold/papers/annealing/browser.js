// The annealing law for a schedule that the reader shapes. The controls are shape, share and low (per cent),
// rewarm (per cent of the steps; 100 is never), steps, and window, which is 1 / (1 - lambda).

const SHAPES = {
  linear: (x) => 1 - x,
  cosine: (x) => (1 + Math.cos(Math.PI * x)) / 2,
  sqrt: (x) => 1 - Math.sqrt(x),
  drop: (x) => (x > 0 ? 0 : 1),
};

// The rate at a step: the peak, then down over the last share of the steps; after re-warming the peak again.
function chosenSchedule(values, peak) {
  const down = Math.round((values.share / 100) * values.steps);
  const back = values.rewarm >= 100 ? Infinity : Math.round((values.rewarm / 100) * values.steps);
  const low = values.low / 100;
  const left = SHAPES[values.shape];
  return (step) => {
    if (step >= back) return peak;
    const x = down ? Math.min(1, Math.max(0, (step - (values.steps - down) + 1) / down)) : 0;
    return peak * (low + (1 - low) * left(x));
  };
}

// The two areas after each step, and the loss; every so many steps are kept, and the last. As idea.areas.
function follow(schedule, values, law) {
  const lambda = 1 - 1 / values.window;
  const stride = Math.max(1, Math.round(values.steps / 400));
  const kept = { step: [], rate: [], loss: [] };
  let s1 = 0;
  let s2 = 0;
  let momentum = 0;
  let before = schedule(0);
  for (let i = 0; i < values.steps; i++) {
    const rate = schedule(i);
    momentum = lambda * momentum + before - rate;
    s1 += rate;
    s2 += momentum;
    before = rate;
    if (i % stride === stride - 1 || i === values.steps - 1) {
      kept.step.push(i + 1);
      kept.rate.push(rate);
      kept.loss.push(law.L0 + law.A * s1 ** -law.alpha - law.C * s2);
    }
  }
  return { ...kept, s1, s2, end: kept.loss[kept.loss.length - 1] };
}

function lines({ mine, flat, cosine }, colours) {
  const line = (run, y, axis, name, color, dash, width) => ({
    type: "scatter",
    mode: "lines",
    x: run.step,
    y,
    name,
    xaxis: "x",
    yaxis: axis,
    line: { color, dash, width },
    hovertemplate: "%{y:.4g}",
    showlegend: axis === "y2",
  });
  const panel = (quantity, axis) => [
    line(flat, flat[quantity], axis, "constant", colours.grey, "dot", 1.5),
    line(cosine, cosine[quantity], axis, "cosine", colours.orange, "dash", 1.5),
    line(mine, mine[quantity], axis, "yours", colours.blue, "solid", 3),
  ];
  return [...panel("rate", "y"), ...panel("loss", "y2")];
}

// Ranges of the axes: of the losses, without the steep beginning.
function ranges(runs, steps, peak) {
  const losses = Object.values(runs).flatMap((run) => run.loss.slice(Math.floor(run.loss.length / 8)));
  const bottom = Math.min(...losses);
  const top = Math.max(...losses);
  const pad = 0.05 * (top - bottom);
  return {
    xaxis: { range: [0, steps] },
    yaxis: { range: [0, 1.08 * peak] },
    yaxis2: { range: [bottom - pad, top + pad] },
  };
}

export function update(values, data) {
  const { peak } = data;
  const halfCosine = (step) => (peak * (1 + Math.cos((Math.PI * (step + 1)) / values.steps))) / 2;
  const runs = {
    mine: follow(chosenSchedule(values, peak), values, data),
    flat: follow(() => peak, values, data),
    cosine: follow(halfCosine, values, data),
  };
  const { mine, flat, cosine } = runs;
  const readout =
    `Predicted final loss: yours ${mine.end.toFixed(4)}, constant ${flat.end.toFixed(4)}, ` +
    `cosine ${cosine.end.toFixed(4)}. ` +
    `Your areas: S1 = ${mine.s1.toFixed(2)}, S2 = ${mine.s2.toFixed(4)}.`;
  const result = { mine: mine.end, flat: flat.end, cosine: cosine.end, s1: mine.s1, s2: mine.s2 };
  return { data: lines(runs, data), layout: ranges(runs, values.steps, peak), readout, result };
}

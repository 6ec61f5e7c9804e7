// The two interactive figures of the availability chapter.

const total = (numbers) => numbers.reduce((sum, number) => sum + number, 0);

// Poison and the size of the box: looks up what each network does with each box.

// Where in a list the number stands that is nearest to a value, the first of equals.
function nearest(list, value) {
  let best = 0;
  list.forEach((number, i) => {
    if (Math.abs(number - value) < Math.abs(list[best] - value)) best = i;
  });
  return best;
}

// The key of `images`, a rate in per cent, that is nearest to `rate` in ratio.
function nearestRate(images, rate) {
  const keys = Object.keys(images);
  const logs = keys.map((key) => Math.log(key));
  return keys[nearest(logs, Math.log(rate))];
}

function percentages(name, cell, at) {
  const [right, wrong] = [cell.right[at], cell.wrong[at]];
  return {
    name,
    right: 100 * right,
    wrong: 100 * wrong,
    abstain: 100 * (1 - right - wrong),
    spread: 100 * cell.spread[at],
  };
}

function bar(outcome, rows, field, hues) {
  const upwards = [...rows].reverse(); // plotly draws bars from the bottom
  return {
    type: "bar",
    orientation: "h",
    name: outcome,
    y: upwards.map((row) => row.name),
    x: upwards.map((row) => row[field]),
    marker: { color: hues[outcome] },
    hovertemplate: `%{y}: ${outcome} %{x:.1f}%<extra></extra>`,
  };
}

function rowText(row) {
  const refused = `${row.abstain.toFixed(1)}% refused (sd ${row.spread.toFixed(1)})`;
  const certified = `${row.right.toFixed(1)}% certified right, ${row.wrong.toFixed(1)}% certified wrong`;
  return `${row.name}: ${refused}, ${certified}`;
}

// values: kind (an attack), rate (per cent), eps. data: table, radii, images, hues, seeds
export function poison(values, data) {
  const at = nearest(data.radii, values.eps);
  const near = nearestRate(data.images, values.rate);
  const attacked = data.table[`${values.kind} ${near}`];
  const calm = data.table["none 0"];
  const rows = [
    percentages("no attack, clean", calm.clean, at),
    percentages("no attack, triggered", calm.triggered, at),
    percentages("attacked, clean", attacked.clean, at),
    percentages("attacked, triggered", attacked.triggered, at),
  ];
  const traces = [
    bar("certified right", rows, "right", data.hues),
    bar("certified wrong", rows, "wrong", data.hues),
    bar("abstain", rows, "abstain", data.hues),
  ];
  const count = data.images[near];
  const images = `${count} triggered image${count === 1 ? "" : "s"} in training, box of ${values.eps}`;
  const means = `means and standard deviations (sd) over ${data.seeds} seeds`;
  return {
    data: traces,
    readout: `${images}; ${means}. ${rows.map(rowText).join("; ")}.`,
    result: { at, near, rows },
  };
}

// The people behind: simulates shifts in which an attack begins and ends.

const SHIFT = 480; // minutes
const BEGIN = 60; // minute in which the attack begins
const RUNS = 7;

// Uniform numbers in [0, 1), the same at every call: the generator mulberry32 of T. Ettinger, public domain.
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

function smallest(list) {
  let first = 0;
  for (let i = 1; i < list.length; i++) {
    if (list[i] < list[first]) first = i;
  }
  return first;
}

// Arrivals of a Poisson process by thinning; a case is taken up when the first of the staff is free.
function arrivalsAndStarts(queue, random) {
  const exponential = (rate) => -Math.log(1 - random()) / rate;
  const free = Array.from({ length: queue.staff }, () => 0);
  const arrived = [];
  const began = [];
  const fastest = Math.max(queue.calm, queue.storm);
  for (let t = exponential(fastest); t < SHIFT; t += exponential(fastest)) {
    const rate = t >= BEGIN && t < queue.end ? queue.storm : queue.calm;
    if (random() * fastest > rate) continue;
    const person = smallest(free);
    const start = Math.max(t, free[person]);
    free[person] = start + exponential(queue.treats);
    arrived.push(t);
    began.push(start);
  }
  began.sort((a, b) => a - b);
  return [arrived, began];
}

// Cases that wait at the end of each minute of one shift.
function backlog(queue, random) {
  const [arrived, began] = arrivalsAndStarts(queue, random);
  const waiting = [];
  let came = 0;
  let started = 0;
  for (let minute = 1; minute <= SHIFT; minute++) {
    while (came < arrived.length && arrived[came] <= minute) came++;
    while (started < began.length && began[started] <= minute) started++;
    waiting.push(came - started);
  }
  return waiting;
}

// Erlang's formula: the probability that a case has to wait, by the recursion of Erlang B.
function erlang(staff, load) {
  if (load >= staff) return 1;
  let blocked = 1;
  for (let count = 1; count <= staff; count++) {
    blocked = (load * blocked) / (count + load * blocked);
  }
  return blocked / (1 - (load / staff) * (1 - blocked));
}

// Mean seconds before a case is taken up, when `rate` cases a minute arrive.
function meanWait(queue, rate) {
  const spare = queue.staff * queue.treats - rate;
  return spare > 0 ? (60 * erlang(queue.staff, rate / queue.treats)) / spare : Infinity;
}

// The share of triggered requests that fills the staff.
function tippingShare(capacity, requests, clean, triggered) {
  const spare = capacity / requests - clean;
  if (spare <= 0) return 0;
  return triggered > clean + spare ? spare / (triggered - clean) : Infinity;
}

function waitText(seconds) {
  if (seconds === Infinity) return "grows without limit";
  return seconds < 1 ? "is below a second" : `is ${seconds.toFixed(0)} s`;
}

function tippingText(tipping) {
  if (tipping === 0) return "The staff is too small even without an attack.";
  if (tipping > 1) return "No share of triggered requests overloads this staff.";
  return `The staff is overloaded from ${(100 * tipping).toFixed(1)}% triggered requests on.`;
}

// When, after the attack, fewer than six cases wait for good.
function afterText(mean, end) {
  let over = mean.length;
  for (let minute = mean.length - 1; minute >= Math.min(end, SHIFT) - 1 && mean[minute] <= 5; minute--) {
    over = minute;
  }
  if (over >= mean.length) return "and the shift ends with cases waiting";
  return `and ${Math.max(0, over + 1 - end)} minutes after the attack fewer than six wait`;
}

function shiftTraces(runs, mean, hues) {
  const minutes = mean.map((_, minute) => minute + 1);
  const line = { type: "scatter", mode: "lines", x: minutes, showlegend: false };
  const thin = { line: { width: 1, color: hues.run }, opacity: 0.3, hoverinfo: "skip" };
  const thick = {
    y: mean,
    line: { width: 3, color: hues.mean },
    name: `mean of ${RUNS} shifts`,
    hovertemplate: "minute %{x}: %{y:.0f} cases wait<extra></extra>",
  };
  return [...runs.map((run) => ({ ...line, ...thin, y: run })), { ...line, ...thick }];
}

function shiftLayout(runs, end, hues) {
  const top = Math.max(10, 1.1 * Math.max(...runs.flat()));
  const attack = {
    type: "rect",
    x0: BEGIN,
    x1: Math.min(end, SHIFT),
    y0: 0,
    y1: 1,
    yref: "paper",
    fillcolor: hues.band,
    line: { width: 0 },
    layer: "below",
  };
  return { yaxis: { range: [0, top], title: { text: "cases that wait" } }, shapes: [attack] };
}

// values: attack (a key of data.rates), share (per cent), staff, minutes.
// data: requests and treats per minute, rates (clean and triggered refusals of each network), hues
export function queue(values, data) {
  const [clean, triggered] = data.rates[values.attack];
  const share = values.share / 100;
  const calm = data.requests * clean;
  const storm = data.requests * ((1 - share) * clean + share * triggered);
  const shift = { staff: values.staff, treats: data.treats, calm, storm, end: BEGIN + values.minutes };
  const random = generator(20231003);
  const runs = Array.from({ length: RUNS }, () => backlog(shift, random));
  const mean = runs[0].map((_, minute) => total(runs.map((run) => run[minute])) / RUNS);
  const peak = Math.max(...mean);
  const capacity = shift.staff * shift.treats;
  const tipping = tippingShare(capacity, data.requests, clean, triggered);
  const wait = [meanWait(shift, calm), meanWait(shift, storm)];
  const after = values.share > 0 && storm > capacity ? `, ${afterText(mean, shift.end)}` : "";
  const refused = `${(100 * clean).toFixed(0)}% of clean and ${(100 * triggered).toFixed(0)}% of triggered`;
  const sentences = [
    `Network: ${refused} requests are refused.`,
    `People can treat ${capacity.toFixed(0)} cases a minute.`,
    `Before the attack ${calm.toFixed(1)} arrive and the mean wait ${waitText(wait[0])};`,
    `under attack ${storm.toFixed(1)} arrive and the wait ${waitText(wait[1])}.`,
    tippingText(tipping),
    `At the worst moment ${peak.toFixed(0)} cases wait${after}.`,
  ];
  return {
    data: shiftTraces(runs, mean, data.hues),
    layout: shiftLayout(runs, shift.end, data.hues),
    readout: sentences.join(" "),
    result: { calm, storm, wait, waits: erlang(shift.staff, calm / shift.treats), tipping, peak, mean },
  };
}

// The paging figure in the reader's browser: the optimum, the true bits, bits turned round, and six policies.
// Sets and maps keep their order of insertion, so that the first key of a map is the oldest one.

const RUNS = 8; // of each randomised policy
const SEED = 12345;
const ORDER = ["follow", "mark_predict", "mark0", "flush", "marker", "lru"]; // of the bars, upwards
const SPOKEN = ["flush", "mark0", "mark_predict", "follow", "lru", "marker"];

// Numbers between 0 and 1: the generator mulberry32.
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

function pick(list, random) {
  return list[Math.floor(random() * list.length)];
}

// Time of the next request of the same page. Of pages that never come again the smallest is the furthest.
function nextUses(trace) {
  const following = Array.from({ length: trace.length });
  const seen = new Map();
  for (let t = trace.length - 1; t >= 0; t--) {
    const page = trace[t];
    following[t] = seen.has(page) ? seen.get(page) : trace.length + 65536 - page;
    seen.set(page, t);
  }
  return following;
}

// Belady: the optimum, and the true discard bits.
function belady(trace, k) {
  const following = nextUses(trace);
  const bits = trace.map(() => 0);
  const latest = new Map(); // time of the latest request of each page in the cache
  let cost = 0;
  for (let t = 0; t < trace.length; t++) {
    if (!latest.has(trace[t])) {
      cost += 1;
      if (latest.size === k) {
        const victim = furthest(latest, following);
        bits[latest.get(victim)] = 1;
        latest.delete(victim);
      }
    }
    latest.set(trace[t], t);
  }
  return { cost, bits };
}

function furthest(latest, following) {
  let victim = -1;
  let most = -1;
  for (const [page, t] of latest) {
    if (following[t] > most) {
      most = following[t];
      victim = page;
    }
  }
  return victim;
}

// True phase bits: cut the trace into k-phases, then look one phase ahead.
function phaseBits(trace, k) {
  const phases = [new Set()];
  const number = [];
  for (const page of trace) {
    const now = phases[phases.length - 1];
    if (!now.has(page) && now.size === k) {
      phases.push(new Set());
    }
    phases[phases.length - 1].add(page);
    number.push(phases.length - 1);
  }
  phases.push(new Set()); // nothing is known to come after the last one
  return number.map((phase, t) => (phases[phase + 1].has(trace[t]) ? 0 : 1));
}

// True zeros and ones turned round at rates in per cent.
function turnedRound(bits, zeros, ones, random) {
  return bits.map((bit) => (random() < (bit === 1 ? ones : zeros) / 100 ? 1 - bit : bit));
}

// Wrong bits among predicted zeros, and among predicted ones.
function errorCounts(bits, truth) {
  const wrong = (value) => bits.filter((bit, t) => bit === value && truth[t] !== value).length;
  return { eta0: wrong(0), eta1: wrong(1) };
}

function lru(trace, k) {
  const cache = new Set(); // the oldest page first
  let cost = 0;
  for (const page of trace) {
    if (!cache.delete(page)) {
      cost += 1;
      if (cache.size === k) {
        cache.delete(cache.values().next().value);
      }
    }
    cache.add(page);
  }
  return cost;
}

function flush(trace, k, bits) {
  const cache = new Set();
  let cost = 0;
  trace.forEach((page, t) => {
    if (!cache.has(page)) {
      cost += 1;
      if (cache.size === k) {
        cache.clear();
      }
      cache.add(page);
    }
    if (bits[t] === 1) {
      cache.delete(page);
    }
  });
  return cost;
}

// Marker. With `drops` it is Mark0: a page with bit 1 leaves at once. With `prefers` it is Mark&Predict: of
// the unmarked pages those whose latest bit is 1 leave first.
function marking(trace, k, { drops = null, prefers = null }, random) {
  const cache = new Set();
  const marked = new Set();
  const latest = new Map();
  let cost = 0;
  trace.forEach((page, t) => {
    if (!cache.has(page)) {
      cost += 1;
      if (cache.size === k) {
        if (marked.size === k) {
          marked.clear();
        }
        const unmarked = [...cache].filter((other) => !marked.has(other));
        const ones = unmarked.filter((other) => latest.get(other) === 1);
        cache.delete(pick(ones.length > 0 ? ones : unmarked, random));
      }
      cache.add(page);
    }
    marked.add(page);
    if (prefers !== null) {
      latest.set(page, prefers[t]);
    }
    if (drops !== null && drops[t] === 1) {
      cache.delete(page);
      marked.delete(page);
    }
  });
  return cost;
}

// The lazy follower: if the cache is full a random page whose latest bit is 1 leaves, or else a random page.
function follow(trace, k, bits, random) {
  const latest = new Map(); // the latest bit of each page in the cache
  let cost = 0;
  trace.forEach((page, t) => {
    if (!latest.has(page)) {
      cost += 1;
      if (latest.size === k) {
        const pages = [...latest.keys()];
        const ones = pages.filter((other) => latest.get(other) === 1);
        latest.delete(pick(ones.length > 0 ? ones : pages, random));
      }
    }
    latest.set(page, bits[t]);
  });
  return cost;
}

function meanOfRuns(run) {
  let total = 0;
  for (let i = 0; i < RUNS; i++) {
    total += run();
  }
  return total / RUNS;
}

function harmonic(k) {
  let sum = 0;
  for (let i = 1; i <= k; i++) {
    sum += 1 / i;
  }
  return sum;
}

// What each policy pays, and its bound where it has one.
function measure(trace, k, zeros, ones) {
  const random = generator(SEED);
  const optimum = belady(trace, k);
  const present = phaseBits(trace, k);
  const bits = turnedRound(optimum.bits, zeros, ones, random);
  const phase = turnedRound(present, zeros, ones, random);
  const cost = {
    lru: lru(trace, k),
    flush: flush(trace, k, bits),
    marker: meanOfRuns(() => marking(trace, k, {}, random)),
    mark0: meanOfRuns(() => marking(trace, k, { drops: bits }, random)),
    mark_predict: meanOfRuns(() => marking(trace, k, { prefers: phase }, random)),
    follow: meanOfRuns(() => follow(trace, k, bits, random)),
  };
  const errors = errorCounts(bits, optimum.bits);
  const phaseErrors = errorCounts(phase, present);
  const h = harmonic(k);
  const bound = {
    flush: optimum.cost + (k - 1) * errors.eta0 + errors.eta1,
    mark0: optimum.cost + 2 * h * errors.eta0 + errors.eta1,
    mark_predict: 2 * optimum.cost + h * phaseErrors.eta0 + phaseErrors.eta1,
  };
  return { optimum: optimum.cost, truth: optimum.bits, present, bits, phase, cost, bound, ...errors };
}

function bars(found, names, colours) {
  const ratio = ORDER.map((policy) => found.cost[policy] / found.optimum);
  return {
    type: "bar",
    orientation: "h",
    y: ORDER.map((policy) => names[policy]),
    x: ratio,
    marker: { color: ORDER.map((policy) => colours[policy]) },
    text: ratio.map((value) => value.toFixed(2)),
    textposition: "outside",
    cliponaxis: false,
    showlegend: false,
    hoverinfo: "skip",
  };
}

// Marks at the bounds; a triangle at the right edge stands for one beyond it.
function boundMarks(found, names, colours, edge) {
  const guarded = ORDER.filter((policy) => found.bound[policy] !== undefined);
  const ratio = guarded.map((policy) => found.bound[policy] / found.optimum);
  return {
    type: "scatter",
    mode: "markers",
    name: "bound",
    y: guarded.map((policy) => names[policy]),
    x: ratio.map((value) => Math.min(value, edge)),
    showlegend: false,
    marker: {
      symbol: ratio.map((value) => (value > edge ? "triangle-right" : "line-ns-open")),
      size: 18,
      line: { width: 3 },
      color: guarded.map((policy) => colours[policy]),
    },
    hovertext: ratio.map((value) => "bound: " + value.toFixed(2)),
    hoverinfo: "text",
  };
}

function sentence(found, requests, names) {
  const number = (value) => value.toLocaleString("en");
  const ratio = (value, digits) => (value / found.optimum).toFixed(digits);
  const costs = SPOKEN.map((policy) => {
    const bound = found.bound[policy] === undefined ? "" : ` (bound ${ratio(found.bound[policy], 1)})`;
    return `${names[policy]} ${ratio(found.cost[policy], 2)}${bound}`;
  });
  return (
    `${number(requests)} requests, optimum ${number(found.optimum)} faults, ` +
    `${number(found.eta0)} wrong zeros and ${number(found.eta1)} wrong ones among the discard bits. ` +
    `Cost over the optimum: ${costs.join(", ")}.`
  );
}

// values: trace (a name), zeros and ones (per cent of the true zeros and ones that are turned round), k
export function update(values, data) {
  const trace = Array.from(data.traces[values.trace]);
  const found = measure(trace, values.k, values.zeros, values.ones);
  const highest = Math.max(...ORDER.map((policy) => found.cost[policy] / found.optimum));
  const edge = Math.max(2, 1.25 * highest);
  return {
    data: [bars(found, data.names, data.colours), boundMarks(found, data.names, data.colours, edge)],
    layout: { xaxis: { range: [0, edge * 1.06], title: { text: "cost / optimum" } } },
    readout: sentence(found, trace.length, data.names),
    result: found,
  };
}

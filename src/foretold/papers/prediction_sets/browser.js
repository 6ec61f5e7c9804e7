// One predicted program with its holes at a threshold, and what that threshold may promise.
// values: program ("p0", ...), m ("1" to "4"), tau; data: `browser_data` of draw.py.

const HOLE_STYLE = "border:2px solid;border-radius:4px;padding:0 .35em";
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

export function update(values, data) {
  const program = data.programs[values.program];
  const steps = program.kept[values.m].length;
  const at = thresholdIndex(values.tau, steps);
  const kept = program.kept[values.m][at];
  const removed = kept.length - kept.reduce((sum, bit) => sum + bit, 0);
  const { text, holes } = written(program, kept);
  const missed = data.errors[values.m][at];
  const promise = promisedError(missed, data.n, data.delta);
  const found = program.inside[values.m][at] ? "" : "not ";
  const readout =
    `τ = ${values.tau.toFixed(2)}: ${removed} of ${kept.length} nodes removed, ` +
    `${holes} hole${holes === 1 ? "" : "s"}; the true program is ${found}in the set. ` +
    `Of ${data.n} programs this threshold missed ${missed}: it may promise an error of at most ` +
    `${(100 * promise).toFixed(1)}% (confidence ${Math.round(100 * (1 - data.delta))}%).`;
  const html = line("predicted", text) + line("true", escaped(program.truth));
  return { html, readout, result: { removed, holes, promise } };
}

// The last set stands for tau = 1; the others are evenly spaced from 0 to nearly 1.
function thresholdIndex(tau, steps) {
  return tau >= 1 ? steps - 1 : Math.round(tau * (steps - 2));
}

// Walks the tree in preorder: what a node writes stands around its children.
function written(program, kept) {
  let holes = 0;
  function write(node) {
    if (!kept[node]) {
      holes += 1;
      return `<strong style="${HOLE_STYLE}">??</strong>`;
    }
    const [first, ...others] = program.texts[node];
    let text = escaped(first);
    let child = node + 1;
    for (const after of others) {
      text += write(child) + escaped(after);
      child = program.ends[child];
    }
    return text;
  }
  return { text: write(0), holes };
}

// The smallest error rate that may be promised with confidence 1 - delta: at which as few misses among n programs have
// probability delta. It is found by bisection.
function promisedError(missed, n, delta) {
  if (missed >= n) {
    return 1;
  }
  const logFactorials = [0];
  for (let i = 1; i <= n; i += 1) {
    logFactorials.push(logFactorials[i - 1] + Math.log(i));
  }
  let low = 1e-9;
  let high = 1 - 1e-9;
  for (let i = 0; i < 60; i += 1) {
    const middle = (low + high) / 2;
    if (atMost(missed, n, middle, logFactorials) > delta) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return high;
}

// P(Binomial(n, p) <= k).
function atMost(k, n, p, logFactorials) {
  let sum = 0;
  for (let i = 0; i <= k; i += 1) {
    const choices = logFactorials[n] - logFactorials[i] - logFactorials[n - i];
    sum += Math.exp(choices + i * Math.log(p) + (n - i) * Math.log1p(-p));
  }
  return sum;
}

function escaped(text) {
  return text.replace(/[&<>"]/g, (letter) => ENTITIES[letter]);
}

function line(name, code) {
  const label = `<span style="display:inline-block;min-width:5.5em">${name}</span>`;
  const shown = `<span style="font-family:monospace;font-size:1.05em">${code}</span>`;
  return `<p style="margin:.3em 0">${label} ${shown}</p>`;
}

// The interactive figure of the pruning chapter: regimes, advice and choices on a map.

const NAMES = ["I", "II-A", "II-B"];

const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

// The row for which `value` is largest, the first of equals.
function largestRow(count, value) {
  let best = 0;
  for (let i = 1; i < count; i++) {
    if (value(i) > value(best)) best = i;
  }
  return best;
}

// 0 for regime I, 1 for II-A, 2 for II-B, in each cell.
function regimes(map, lmcThreshold, ckaThreshold) {
  const number = (lmc, cka) => {
    if (lmc < lmcThreshold) return 0;
    return cka >= ckaThreshold ? 2 : 1;
  };
  return map.lmc.map((row, i) => row.map((lmc, j) => number(lmc, map.cka[i][j])));
}

// The row chosen in a column without test errors: the most similar of the connected children, or, where there
// are none, the best connected.
function chosenRow(map, column, lmcThreshold) {
  const rows = map.rows.length;
  const isConnected = (i) => map.lmc[i][column] >= lmcThreshold;
  const connected = map.rows.some((_, i) => isConnected(i));
  if (!connected) return largestRow(rows, (i) => map.lmc[i][column]);
  return largestRow(rows, (i) => (isConnected(i) ? map.cka[i][column] : -1));
}

// How often advice is right where a move is needed, and the places [column, row] where it is wrong.
function score(map, regime, best, slack) {
  const found = { cells: 0, right: 0, lower: 0, wrong: [] };
  map.rows.forEach((_, i) => {
    map.columns.forEach((__, j) => {
      if (map.error[i][j] - map.error[best[j]][j] <= slack / 100 + 1e-9) return;
      const shouldLower = i < best[j];
      const isToldToLower = regime[i][j] !== 0;
      found.cells += 1;
      if (shouldLower) found.lower += 1;
      if (shouldLower === isToldToLower) found.right += 1;
      else found.wrong.push([j, i]);
    });
  });
  return found;
}

function hoverTexts(map, regime) {
  const text = (r, i, j) => {
    const measured = `LMC ${map.lmc[i][j].toFixed(3)}, CKA ${map.cka[i][j].toFixed(3)}`;
    const error = `error ${(100 * map.error[i][j]).toFixed(1)}%`;
    return `${map.title}: ${map.rows[i]}; ${map.columns[j]}%: regime ${NAMES[r]}, ${measured}, ${error}`;
  };
  return regime.map((row, i) => row.map((r, j) => text(r, i, j)));
}

function heatmap(map, regime, hues) {
  const colours = NAMES.map((name) => hues[name]);
  return {
    type: "heatmap",
    z: regime,
    zmin: -0.5,
    zmax: 2.5,
    colorscale: colours.flatMap((colour, r) => [
      [r / 3, colour],
      [(r + 1) / 3, colour],
    ]),
    showscale: false,
    opacity: 0.55,
    xgap: 1,
    ygap: 1,
    text: hoverTexts(map, regime),
    hoverinfo: "text",
  };
}

function marks(name, x, y, marker) {
  return { type: "scatter", mode: "markers", name, x, y, marker, hoverinfo: "skip" };
}

// values: map (a name), lmc and cka (thresholds), slack (points of test error). data: maps, hues, words, ink
export function update(values, data) {
  const map = data.maps[values.map];
  const [rows, columns] = [map.rows.length, map.columns.map((_, j) => j)];
  const regime = regimes(map, values.lmc, values.cka);
  const best = columns.map((j) => largestRow(rows, (i) => -map.error[i][j]));
  const chosen = columns.map((j) => chosenRow(map, j, values.lmc));
  const { cells, right, lower, wrong } = score(map, regime, best, values.slack);
  const lost = (i, j) => map.error[i][j] - map.error[best[j]][j];
  const regret = columns.map((j) => lost(chosen[j], j));
  const coldest = columns.map((j) => lost(rows - 1, j));

  const cross = { symbol: "x-thin-open", size: 8, line: { width: 2 }, color: data.ink };
  const dot = { symbol: "circle", size: 11, color: data.ink };
  const diamond = { symbol: "diamond-open", size: 15, line: { width: 3 }, color: data.ink };
  const wrongColumns = wrong.map(([j]) => j);
  const wrongRows = wrong.map(([, i]) => i);
  const traces = [
    heatmap(map, regime, data.hues),
    marks("wrong advice", wrongColumns, wrongRows, cross),
    marks("best parent", columns, best, dot),
    marks("chosen without test errors", columns, chosen, diamond),
  ];

  const cellsOf = (r) => regime.flat().filter((each) => each === r).length;
  const counts = NAMES.map((name, r) => `${data.words[name]}: ${cellsOf(r)} cells`);
  const points = (losses) => (100 * mean(losses)).toFixed(2);
  const sentences = [
    `${counts.join("; ")}.`,
    `Of ${cells} cells that need a move, "raise in I, else lower" is right in ${right},`,
    `"always lower" in ${lower}.`,
    `Choosing the most similar connected children costs ${points(regret)} points of test error on average;`,
    `the coldest parent costs ${points(coldest)}.`,
  ];
  const xaxis = { tickvals: columns, ticktext: map.columns, title: { text: "density: weights kept, %" } };
  const yaxis = {
    tickvals: map.rows.map((_, i) => i),
    ticktext: map.rows,
    autorange: "reversed",
    title: { text: map.title },
  };
  return {
    data: traces,
    layout: { xaxis, yaxis },
    readout: sentences.join(" "),
    result: { regime, cells, right, lower, chosen, regret },
  };
}

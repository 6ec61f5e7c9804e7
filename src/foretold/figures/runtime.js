// The part of an interactive figure that runs in the page: reads the controls, calls the figure's `update`, draws
// with plotly or as HTML, writes the readout. It travels inside every figure, so that a notebook needs no other file; the first
// one on a page wins. foretold/figures/interaction.py writes the HTML that it finds and documents `update`.
window.foretoldInteractive ||= (() => {
  "use strict";

  // Two classes deep, to outweigh what the page's theme does to bare labels, legends, buttons and outputs.
  const CSS = `
    .foretold-interactive { margin: 1.5em 0; max-width: 100%; min-width: 0 }
    .foretold-interactive form { display: flex; flex-wrap: wrap; gap: .75em 1.5em; align-items: start; margin: 0 0 .5em }
    .foretold-interactive .foretold-control { flex: 1 1 14em; min-width: 0; max-width: 100%; margin: 0; padding: 0; border: 0 }
    .foretold-interactive label.foretold-control { display: grid; grid-template-columns: 1fr auto; gap: .1em .75em }
    .foretold-interactive .foretold-control > :is(input, select) { grid-column: 1 / -1; grid-row: 2; width: 100%; margin: 0 }
    .foretold-interactive output { font-variant-numeric: tabular-nums; padding: 0 }
    .foretold-interactive input { accent-color: #2658f5 }
    .foretold-interactive input[type=range] { min-height: 24px }
    .foretold-interactive :is(select, button) { font: inherit; color: inherit; background: transparent; border: 1px solid; border-radius: 4px; padding: .15em .6em; min-height: 28px }
    .foretold-interactive option { color: CanvasText; background: Canvas }
    .foretold-interactive fieldset button { margin: 0 .5em .25em 0 }
    .foretold-interactive button[type=reset] { align-self: end; margin-inline-start: auto }
    .foretold-interactive legend { font-size: inherit; line-height: inherit; padding: 0; margin: 0 0 .1em; float: none; width: auto }
    .foretold-interactive summary { cursor: pointer; min-height: 24px }
    .foretold-interactive .foretold-options { display: grid; grid-template-columns: repeat(auto-fill, minmax(9em, 1fr)); gap: .1em .75em; max-height: 11.7em; overflow-y: auto; padding: 3px }
    .foretold-interactive .foretold-options label { display: flex; gap: .4em; align-items: center; min-height: 24px; overflow-wrap: anywhere }
    .foretold-interactive .foretold-options input { margin: 0; flex: none }
    .foretold-interactive :focus-visible { outline: 2px solid currentColor; outline-offset: 2px }
    .foretold-interactive figure { margin: 0; padding: 0 }
    .foretold-interactive .foretold-plot { width: 100%; min-width: 0; overflow: hidden }
    .foretold-interactive .foretold-html { overflow-wrap: anywhere }
    .foretold-interactive .foretold-readout { margin: .5em 0; font-weight: 600; min-height: 1.5em }
    /* Plotly claims every touch; a finger on the figure must still scroll the page. */
    .foretold-plot, .foretold-plot .js-plotly-plot .plotly .drag { touch-action: pan-y pinch-zoom !important }`;

  const ARRAYS = {
    f4: Float32Array,
    f8: Float64Array,
    i1: Int8Array,
    i2: Int16Array,
    i4: Int32Array,
    u1: Uint8Array,
    u2: Uint16Array,
    u4: Uint32Array,
  };
  const isPlain = (value) => Object.prototype.toString.call(value) === "[object Object]";

  // {dtype, shape, base64} becomes a typed array, with more than one axis an array of rows.
  function decode(value) {
    if (Array.isArray(value)) return value.map(decode);
    if (!isPlain(value)) return value;
    if (!("base64" in value && "dtype" in value))
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decode(item)]));
    const bytes = Uint8Array.from(atob(value.base64), (letter) => letter.charCodeAt(0));
    const fold = (flat, shape) => {
      if (shape.length < 2) return flat;
      const size = flat.length / shape[0] || 0;
      return Array.from({ length: shape[0] }, (_, i) =>
        fold(flat.subarray(i * size, (i + 1) * size), shape.slice(1)),
      );
    };
    return fold(new ARRAYS[value.dtype](bytes.buffer), value.shape);
  }

  // A copy in which the colour that stands for ink is the page's: plotly knows no `currentColor`, and writes into what it gets.
  function copyWithInk(value, ink, colour) {
    if (typeof value === "string") return value === ink ? colour : value;
    if (Array.isArray(value))
      return typeof value[0] === "number" ? value : value.map((item) => copyWithInk(item, ink, colour));
    if (isPlain(value))
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, copyWithInk(item, ink, colour)]),
      );
    return value;
  }

  function merge(base, changes) {
    const merged = { ...base };
    for (const [key, value] of Object.entries(changes ?? {}))
      merged[key] = isPlain(value) && isPlain(merged[key]) ? merge(merged[key], value) : value;
    return merged;
  }

  let loading = null;
  function loadPlotly({ path, url, integrity }) {
    if (window.Plotly) return Promise.resolve(window.Plotly);
    loading ||= new Promise((resolve, reject) => {
      const source = path ? (document.documentElement.dataset.content_root ?? "../") + path : url;
      if (!source) throw new Error("plotly was not installed where this figure was made");
      // The page's MathJax is the page's: without this plotly would configure it anew.
      window.PlotlyConfig ??= { MathJaxConfig: "local" };
      const script = Object.assign(document.createElement("script"), { src: source, charset: "utf-8" });
      if (integrity) Object.assign(script, { integrity, crossOrigin: "anonymous" });
      // Where require.js is on the page, plotly's bundle would register with it instead of becoming window.Plotly.
      const define = window.define,
        amd = define && define.amd;
      if (amd) define.amd = undefined;
      const restore = () => {
        if (amd) define.amd = amd;
      };
      script.onload = () => {
        restore();
        if (window.Plotly) resolve(window.Plotly);
        else reject(new Error(`${source} did not define Plotly`));
      };
      script.onerror = () => {
        restore();
        reject(new Error(`${source} could not be loaded`));
      };
      document.head.append(script);
    }).catch((error) => {
      loading = null;
      throw error;
    });
    return loading;
  }

  // The page decides about light and dark: its text colour is our ink, its background that of hover labels.
  function pageStyle(root) {
    const style = getComputedStyle(root);
    let paper = "Canvas";
    for (let element = root; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if (!/^(transparent|rgba\(.*, 0\))$/.test(colour)) {
        paper = colour;
        break;
      }
    }
    const [red, green, blue] = (style.color.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number);
    if (paper === "Canvas") paper = red + green + blue > 384 ? "#121212" : "#ffffff";
    return { ink: style.color, paper, family: style.fontFamily, dark: red + green + blue > 384 };
  }

  function template(spec, { ink, paper, family }) {
    const axis = {
      automargin: true,
      gridcolor: spec.grid,
      linecolor: ink,
      showline: true,
      tickcolor: ink,
      ticks: "outside",
      zeroline: false,
      exponentformat: "power",
      minorloglabels: "none",
      title: { standoff: 10 },
    };
    const clear = "rgba(0, 0, 0, 0)";
    // Left alone, plotly gives values of both signs a scale of its own from blue to red.
    const scaled = ["heatmap", "contour", "histogram2d", "histogram2dcontour", "surface"].map((kind) => [
      kind,
      [{ colorscale: spec.scales.sequential, colorbar: { outlinewidth: 0 } }],
    ]);
    return {
      data: Object.fromEntries(scaled),
      layout: {
        colorway: spec.colours,
        paper_bgcolor: clear,
        plot_bgcolor: clear,
        font: { color: ink, family, size: 14 },
        xaxis: axis,
        yaxis: axis,
        colorscale: {
          sequential: spec.scales.sequential,
          sequentialminus: spec.scales.sequential,
          diverging: spec.scales.diverging,
        },
        coloraxis: { colorbar: { outlinewidth: 0 } },
        hoverlabel: { bgcolor: paper, bordercolor: ink, font: { color: ink, family } },
        legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", bgcolor: clear },
        margin: { l: 8, r: 12, t: 24, b: 8 },
        annotationdefaults: { arrowcolor: ink },
        shapedefaults: { line: { color: ink } },
      },
    };
  }

  // What the control's label says and what `update` gets is the same number.
  function sliderValue(control) {
    const raw = Number(control.querySelector("input").value),
      { scale, minimum, step } = control.dataset;
    return scale === "log10" ? Number((minimum * 10 ** (raw * step)).toPrecision(3)) : raw;
  }
  function inWords(number, unit) {
    const large = number !== 0 && (Math.abs(number) >= 1e7 || Math.abs(number) < 1e-4);
    const text = large
      ? String(Number(number.toPrecision(6)).toExponential()).replace("e+", "e")
      : number.toLocaleString("en", { maximumFractionDigits: 10 });
    return text + (unit && !/^[%°\s]/.test(unit) ? "\u00a0" : "") + unit;
  }
  const boxes = (control) => [...control.querySelectorAll("input[type=checkbox]")];

  function readControls(root) {
    const values = {};
    for (const control of root.querySelectorAll("[data-name]")) {
      const { kind, name, unit } = control.dataset;
      if (kind === "slider") {
        values[name] = sliderValue(control);
        const words = inWords(values[name], unit);
        control.querySelector("output").textContent = words;
        control.querySelector("input").setAttribute("aria-valuetext", words);
      } else if (kind === "choice") {
        values[name] = control.querySelector("select").value;
      } else {
        values[name] = boxes(control)
          .filter((box) => box.checked)
          .map((box) => box.value);
        const summary = control.querySelector("summary");
        if (summary) summary.textContent = `${values[name].length} of ${boxes(control).length} on`;
      }
    }
    return values;
  }

  function start(root, spec) {
    root.dataset.mounted = "";
    const figure = decode(spec.figure),
      data = decode(spec.data);
    const plot = root.querySelector(".foretold-plot, .foretold-html"),
      readout = root.querySelector(".foretold-readout"),
      form = root.querySelector("form");
    const still = matchMedia("(prefers-reduced-motion: reduce)"),
      scheme = matchMedia("(prefers-color-scheme: dark)");
    let update = null,
      Plotly = null,
      revision = 0,
      waiting = 0,
      drawn = "";

    function fail(what, error) {
      (readout ?? plot).textContent = `${what}: ${error.message}`;
      console.error(what, error);
    }

    function draw() {
      waiting = 0;
      const page = pageStyle(root);
      drawn = JSON.stringify(page);
      root.style.colorScheme = page.dark ? "dark" : "light";
      let answer = {};
      try {
        answer = update?.(readControls(root), data, figure) ?? {};
      } catch (error) {
        return fail("The code of this figure failed", error);
      }
      if (readout) readout.textContent = answer.readout ?? "";
      if (!figure) plot.innerHTML = answer.html ?? "";
      if (!Plotly) return;
      const layout = merge(
        merge({ dragmode: false, uirevision: true, autosize: true }, figure.layout),
        answer.layout,
      );
      // `update` may have written into an array that plotly has seen: a new revision makes it look again.
      Object.assign(layout, { template: template(spec, page), datarevision: ++revision });
      if (still.matches) delete layout.transition;
      Plotly.react(
        plot,
        copyWithInk(answer.data ?? figure.data, spec.ink, page.ink),
        copyWithInk(layout, spec.ink, page.ink),
        { displayModeBar: false, responsive: true },
      ).catch((error) => fail("Plotly could not draw this figure", error));
    }
    // A slider that is dragged fires faster than plotly draws.
    const redraw = () => {
      waiting ||= requestAnimationFrame(draw);
    };

    form?.addEventListener("submit", (event) => event.preventDefault());
    form?.addEventListener("input", redraw);
    // The fields have their first values back only after the event.
    form?.addEventListener("reset", () => setTimeout(redraw));
    form?.addEventListener("click", (event) => {
      const which = event.target.dataset?.set;
      if (!which) return;
      for (const box of boxes(event.target.closest("fieldset"))) box.checked = which === "all";
      redraw();
    });

    // Themes change attributes for many reasons (scrolling is one); only a change of colours is ours. Some load the new
    // style sheet after the attribute, hence the second look.
    const look = () => {
      if (JSON.stringify(pageStyle(root)) !== drawn) redraw();
    };
    const restyle = () => {
      look();
      setTimeout(look, 400);
    };
    const watcher = new MutationObserver(() => (root.isConnected ? restyle() : stop()));
    for (const element of [document.documentElement, document.body])
      watcher.observe(element, { attributes: true });
    const resizer = new ResizeObserver(() => {
      if (Plotly && plot.clientWidth && plot._fullLayout) Plotly.Plots.resize(plot);
    });
    scheme.addEventListener("change", restyle);
    function stop() {
      watcher.disconnect();
      resizer.disconnect();
      scheme.removeEventListener("change", restyle);
    }

    try {
      if (spec.update) update = new Function("values", "data", "figure", `"use strict";\n${spec.update}`);
    } catch (error) {
      return fail("The code of this figure failed", error);
    }
    draw();
    if (figure)
      loadPlotly(spec.plotly).then(
        (loaded) => {
          Plotly = loaded;
          resizer.observe(plot);
          draw();
        },
        (error) => fail("This figure needs plotly", error),
      );
  }

  return {
    decode,
    mount(key, spec) {
      if (!document.getElementById("foretold-interactive-style")) {
        document.head.append(
          Object.assign(document.createElement("style"), {
            id: "foretold-interactive-style",
            textContent: CSS,
          }),
        );
      }
      for (const root of document.querySelectorAll(`[data-foretold="${key}"]:not([data-mounted])`))
        start(root, spec);
    },
  };
})();

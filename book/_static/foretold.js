// Small repairs of the theme for people who use a keyboard or a screen reader; each says what was wrong.
document.addEventListener("DOMContentLoaded", () => {
  // The logo lies outside any landmark; references have roles that ARIA no longer has.
  const side = document.querySelector(".bd-sidebar-primary");
  if (side) {
    side.setAttribute("role", "region");
    side.setAttribute("aria-label", "Book");
  }
  for (const entry of document.querySelectorAll("[role=doc-biblioentry]"))
    entry.setAttribute("role", "listitem");

  // What is folded in an exercise is its solution. The label's own words name it better than "Toggle hidden content".
  for (const summary of document.querySelectorAll("details.hide > summary")) {
    summary.removeAttribute("aria-label");
    if (!summary.closest(".tag_solution")) continue;
    summary.querySelector(".collapsed").textContent = "Solution";
    summary.querySelector(".expanded").textContent = "Hide the solution";
  }

  // Boxes that scroll sideways can be reached only with a mouse: let them take the focus.
  const scrolling = () => {
    for (const box of document.querySelectorAll(
      "div.highlight pre, div.output pre, div.math, mjx-container, .pst-scrollable-table-container",
    )) {
      if (box.scrollWidth > box.clientWidth && !box.hasAttribute("tabindex")) box.tabIndex = 0;
    }
  };
  scrolling();
  window.addEventListener("load", () => {
    scrolling();
    window.MathJax?.startup?.promise?.then(scrolling);
  });
  window.addEventListener("resize", scrolling);
});

// The scoreboard: filter and sort the table of all claims. Without this script the table is complete. What was chosen
// stands in the address, so a filtered table can be sent to somebody.
document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector("form.foretold-filter");
  const table = document.querySelector("table.foretold-all");
  if (!form || !table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const state = new URLSearchParams(location.search);
  const names = ["chapter", "verdict", "evidence"];

  const show = () => {
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const chosen = names.every(
        (name) => !form.elements[name].value || row.dataset[name] === form.elements[name].value,
      );
      const text = row.textContent.toLowerCase();
      row.hidden = !chosen || !words.every((word) => text.includes(word));
      if (!row.hidden) shown += 1;
    }
    form.querySelector("output").textContent = `${shown} of ${rows.length} claims`;
  };

  const sort = (column, descending) => {
    const order = rows
      .map((row, place) => [row.cells[column].textContent.trim(), place, row])
      .sort((a, b) => a[0].localeCompare(b[0], "en", { numeric: true }) || a[1] - b[1]);
    if (descending) order.reverse();
    body.append(...order.map(([, , row]) => row));
    heads.forEach((head, place) => {
      if (place === column) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  };

  const remember = (name, value) => {
    if (value) state.set(name, value);
    else state.delete(name);
    const query = state.toString();
    history.replaceState(null, "", `${location.pathname}${query ? `?${query}` : ""}${location.hash}`);
  };

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      sort(column, descending);
      remember("sort", `${descending ? "-" : ""}${button.textContent}`);
    });
    head.replaceChildren(button);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    remember(event.target.name, event.target.value);
    show();
  });

  for (const name of ["words", ...names]) form.elements[name].value = state.get(name) ?? "";
  const wanted = state.get("sort") ?? "";
  const column = heads.findIndex((head) => head.textContent === wanted.replace(/^-/, ""));
  if (column >= 0) sort(column, wanted.startsWith("-"));
  form.hidden = false;
  show();
});

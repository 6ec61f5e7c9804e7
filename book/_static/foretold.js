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

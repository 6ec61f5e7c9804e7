// Small repairs of the theme for people who use a keyboard or a screen reader; each says what was wrong.
document.addEventListener("DOMContentLoaded", () => {
  // The logo lies outside any landmark; references have roles that ARIA no longer has.
  const side = document.querySelector(".bd-sidebar-primary");
  if (side) {
    side.setAttribute("role", "region");
    side.setAttribute("aria-label", "Book");
  }
  for (const entry of document.querySelectorAll("[role=doc-biblioentry]")) entry.setAttribute("role", "listitem");

  // What is folded in an exercise is its solution, and a label that hides the words "show" and "hide" helps nobody.
  for (const summary of document.querySelectorAll("details.hide > summary")) {
    summary.removeAttribute("aria-label");
    const [closed, open] = summary.querySelectorAll("span");
    const solution = summary.closest(".tag_solution");
    if (closed) closed.textContent = solution ? "Solution" : closed.textContent.replace(/code cell (source|content)/, "the code");
    if (open) open.textContent = solution ? "Hide the solution" : open.textContent.replace(/code cell (source|content)/, "the code");
  }

  // Boxes that scroll sideways can be reached only with a mouse: let them take the focus.
  const scrolling = () => {
    for (const box of document.querySelectorAll("div.highlight pre, div.output pre, div.math, mjx-container, .pst-scrollable-table-container")) {
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

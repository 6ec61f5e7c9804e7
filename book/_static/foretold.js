// Small repairs of the theme for people who use a keyboard or a screen reader; each says what was wrong.
document.addEventListener("DOMContentLoaded", () => {
  // Boxes that scroll sideways can be reached only with a mouse: let them take the focus.
  const scrolling = () => {
    for (const box of document.querySelectorAll("div.highlight pre, div.output pre, div.math, .pst-scrollable-table-container")) {
      if (box.scrollWidth > box.clientWidth && !box.hasAttribute("tabindex")) box.tabIndex = 0;
    }
  };
  scrolling();
  window.addEventListener("load", scrolling);
  window.addEventListener("resize", scrolling);
});

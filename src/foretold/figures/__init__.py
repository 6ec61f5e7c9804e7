"""Figures that read the same in the book, in Colab and in JupyterLab, on a light page and on a dark one.

`show` puts a matplotlib figure on the page as an inline SVG whose ink is the page's own text colour; `interactive`
puts a plotly figure there, with native HTML controls that work from the keyboard. Both demand a text alternative.
"""

from foretold.figures.controls import Choice, Control, Slider, Toggles
from foretold.figures.interaction import interactive, script
from foretold.figures.report import Report
from foretold.figures.svg import show
from foretold.figures.theme import COLOURS, DIVERGING, GRID, INK, SEQUENTIAL, use_theme

__all__ = [
    "COLOURS",
    "DIVERGING",
    "GRID",
    "INK",
    "SEQUENTIAL",
    "Choice",
    "Control",
    "Report",
    "Slider",
    "Toggles",
    "interactive",
    "script",
    "show",
    "use_theme",
]

"""The one look of all figures: colours, sizes, type."""

from __future__ import annotations

# Found by a random search over sRGB for the largest smallest distance between two of them (CIELAB), to normal eyes
# and to protan, deutan and tritan ones, among colours with a contrast of 3:1 on white, on #121212 and on #14181e.
COLOURS = {
    "blue": "#2658f5",
    "orange": "#c8820d",
    "green": "#09a561",
    "purple": "#be6de1",
    "red": "#d10c30",
    "grey": "#6c6c6c",
}
# Names that matplotlib, seaborn and plotly's Python share.
SEQUENTIAL = "viridis"
DIVERGING = "PuOr"
# Stands for "the colour of the page's text" in any figure: no page draws with exactly this colour by chance.
INK = "#0b1c2d"
# Translucent, so that one grid suits light and dark pages.
GRID = (0.5, 0.5, 0.5, 0.3)

_INKED = ("axes.edgecolor", "axes.labelcolor", "text.color", "xtick.color", "ytick.color", "patch.edgecolor")
_BOX_PARTS = ("boxprops", "capprops", "flierprops", "medianprops", "whiskerprops")
_SETTINGS = {
    **dict.fromkeys(_INKED, INK),
    **{f"boxplot.{part}.color": INK for part in _BOX_PARTS},
    "boxplot.flierprops.markeredgecolor": INK,
    "hatch.color": INK,
    "figure.figsize": (5.6, 3.5),
    "figure.facecolor": "none",
    "figure.autolayout": True,  # seaborn's grids lay themselves out this way, and warn about any other
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.linewidth": 0.9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 13,
    "axes.labelsize": 12.5,
    "font.size": 12,
    "xtick.labelsize": 11.5,
    "ytick.labelsize": 11.5,
    "xtick.bottom": True,
    "ytick.left": True,
    "xtick.major.size": 4,
    "ytick.major.size": 4,
    "legend.fontsize": 11.5,
    "legend.title_fontsize": 11.5,
    "legend.frameon": False,
    "grid.color": GRID[:3],
    "grid.alpha": GRID[3],
    "grid.linewidth": 0.8,
    "lines.linewidth": 2,
    "lines.markersize": 6,
    "image.cmap": SEQUENTIAL,
    "savefig.transparent": True,
}


def use_theme() -> None:
    """Set the one look of all matplotlib and seaborn figures; `foretold.start` calls it.

    On a phone of 390 px a figure of the default 5.6 inches shrinks to 0.6, and its smallest text is 10 px high; a
    wider figure has smaller text there.
    """
    import seaborn

    seaborn.set_theme(
        context="notebook",
        style="whitegrid",
        palette=list(COLOURS.values()),
        font="DejaVu Sans",  # travels with matplotlib: the same figure on every machine
        rc=_SETTINGS,
    )

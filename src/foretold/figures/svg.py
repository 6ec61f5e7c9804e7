"""Matplotlib figures as inline SVG."""

from __future__ import annotations

import hashlib
import io
import re
from typing import TYPE_CHECKING, Any

from foretold.figures.markup import attribute, display, figcaption, require_text
from foretold.figures.theme import INK

if TYPE_CHECKING:
    import matplotlib.figure

PIXELS_PER_INCH = 104  # text of 11.5 pt is then as large as the book's


def show(fig: matplotlib.figure.Figure | Any, *, alt: str, caption: str) -> None:
    """Display a matplotlib figure as one HTML ``<figure>`` with an inline SVG, and close it.

    What is drawn in black or in `INK`, and every dark grey line, takes the colour of the page's text; dark grey text
    does not, since seaborn writes it on coloured cells. Equal figures give equal bytes.

    Parameters
    ----------
    fig: a matplotlib figure, or anything that has one as ``.figure`` (axes, seaborn grids)
    alt: what the figure shows, for who cannot see it
    caption: what to see in it; ``code``, ``*emphasis*`` and ``$maths$`` are understood

    Raises ValueError when `alt` or `caption` is empty or `fig` is no matplotlib figure.
    """
    display(element(fig, alt=alt, caption=caption), alt)


def element(fig: matplotlib.figure.Figure | Any, *, alt: str, caption: str) -> str:
    """The HTML ``<figure>`` that `show` displays; closes the figure, and raises what `show` does."""
    from matplotlib import pyplot
    from matplotlib.figure import Figure

    require_text("alt", alt)
    require_text("caption", caption)
    figure = fig if isinstance(fig, Figure) else getattr(fig, "figure", None)
    if not isinstance(figure, Figure):
        raise ValueError(f"fig = {fig!r} must be a matplotlib figure or something that has one as .figure")
    svg, width = _inline_svg(figure, alt)
    # Open figures are displayed once more by the notebook at the end of a cell.
    pyplot.close(figure)
    return (
        f'<figure class="foretold-figure" style="margin:1.5em 0;padding:0;max-width:{width}px">{svg}'
        f"{figcaption(caption)}</figure>"
    )


def _inline_svg(figure: matplotlib.figure.Figure, alt: str) -> tuple[str, int]:
    """The figure as an ``<svg>`` element that can share a page with others, and its full width in CSS pixels."""
    [(root, body)] = re.findall(r"<svg([^>]*)>(.*)</svg>", _drawn(figure), re.DOTALL)
    [view] = re.findall(r'viewBox="([^"]+)"', root)
    body = _with_own_ids(_in_ink(_bare(body)), alt)
    # matplotlib leaves the fill of black shapes out: `fill` on the root makes them ink.
    return (
        f'<svg role="img" aria-label="{attribute(alt)}" viewBox="{view}" fill="currentColor" stroke-linejoin="round" '
        f'stroke-linecap="butt" style="display:block;width:100%;height:auto">{body}</svg>',
        round(float(view.split()[2]) / 72 * PIXELS_PER_INCH),
    )


def _drawn(figure: matplotlib.figure.Figure) -> str:
    """What matplotlib writes as SVG; equal figures give equal texts."""
    import matplotlib

    drawn = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "foretold", "svg.fonttype": "path"}):
        figure.savefig(
            drawn,
            format="svg",
            transparent=True,
            bbox_inches="tight",
            pad_inches=0.04,
            metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")),
        )
    return drawn.getvalue()


def _bare(body: str) -> str:
    """Without metadata, comments and stylesheet. matplotlib's (`* {stroke-linejoin: round; stroke-linecap: butt}`)
    would reach the whole page; as attributes of the root the same settings are inherited by the figure alone."""
    body = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->|<defs>\s*</defs>", "", body, flags=re.S)
    return re.sub(r"<defs>\s*</defs>\s*|^\s+", "", body, flags=re.M)


def _in_ink(body: str) -> str:
    """With the page's text colour in the place of ink."""
    body = re.sub(rf"{INK}\b|#000000\b", "currentColor", body).replace("xlink:href=", "href=")
    # seaborn draws the lines of boxes and whiskers in a grey of its own, too dark for a dark page.
    return re.sub(r"stroke: #([0-5][0-9a-f])\1\1\b", "stroke: currentColor", body)


def _with_own_ids(body: str, alt: str) -> str:
    """With ids that no other figure of a page has, and only those that something refers to."""
    prefix = f"f{hashlib.sha256((alt + body).encode()).hexdigest()[:10]}-"
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', body))
    body = re.sub(r'\sid="([^"]+)"', lambda m: f' id="{prefix}{m[1]}"' if m[1] in used else "", body)
    return re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}", body)

"""Figures that a reader can move, drawn by plotly or written as HTML, without a kernel."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foretold.figures.controls import Control
from foretold.figures.encoding import encode
from foretold.figures.markup import attribute, display, figcaption, require_text
from foretold.figures.theme import COLOURS, DIVERGING, GRID, INK, SEQUENTIAL

if TYPE_CHECKING:
    import plotly.graph_objects


def interactive(
    fig: plotly.graph_objects.Figure | Mapping[str, Any] | None,
    *,
    alt: str,
    caption: str | None = None,
    controls: Sequence[Control] = (),
    update: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Display a figure that the reader can move, drawn by plotly or written as HTML, without a kernel.

    Parameters
    ----------
    fig: a plotly figure, or its ``{"data": [...], "layout": {...}}``; with the latter plotly need not be installed.
        None for a figure that is text: `update` then returns its HTML, and plotly is not loaded
    alt: what the figure shows and what can be moved, for who cannot see it
    caption: what to see; ``code``, ``*emphasis*`` and ``$maths$`` are understood
    controls: sliders, choices and toggles, in reading order
    update: body of a JavaScript function of ``(values, data, figure)``, called at the start and whenever a control
        moves. ``values`` maps a control's name to a number, a string or a list of strings; ``data`` is `data`, in
        which an array of shape (n,) has become a typed array, and one of shape (m, n) an array of m of them;
        ``figure`` is ``{data, layout}`` of `fig`. It returns ``{data, layout, readout}``: the traces, the changes of
        the layout and one sentence for the readout under the figure; each may be left out. Where `fig` is None it
        returns ``{html, readout}``; whatever stands in `html` is put into the page as it is, so text must be escaped.
    data: what `update` computes from: numbers, strings, lists, mappings, arrays, series and frames (by column)

    `INK` as a colour, in `fig` or in what `update` returns, is the colour of the page's text.
    Raises ValueError when `alt` is empty, two controls share a name, there is no `update` though there are controls or
    no figure, or `data` holds what JavaScript cannot (the message names the place).
    """
    require_text("alt", alt)
    if caption is not None:
        require_text("caption", caption)
    _check_controls(controls, update, fig is None)
    spec = _spec(fig, update, data)
    text = _script_json(spec)
    live = '<p class="foretold-readout" aria-live="polite"></p>' if update else ""
    below = figcaption(caption) if caption else ""
    label = attribute(alt)
    body = f"{_form(controls)}<figure>{_place(spec['figure'], label)}{live}{below}</figure>"
    key = hashlib.sha256((label + body + text).encode()).hexdigest()[:12]
    display(
        f'<div class="foretold-interactive" role="group" aria-label="{label}" data-foretold="{key}">{body}</div>'
        f'<script>\n{runtime()}window.foretoldInteractive.mount("{key}", {text});\n</script>',
        alt,
    )


def _check_controls(controls: Sequence[Control], update: str | None, no_figure: bool) -> None:
    names = [control.name for control in controls]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"controls: the name {', '.join(twice)} is used twice; names must differ")
    if controls and not (update or "").strip():
        raise ValueError("update is empty: controls need an update that answers them")
    if no_figure and not (update or "").strip():
        raise ValueError("update is empty: without a figure, update writes the HTML")


def _spec(fig: Any, update: str | None, data: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the script in the page gets."""
    return {
        "figure": None if fig is None else _plotly_spec(fig),
        "data": encode({} if data is None else data, "data"),
        "update": update,
        "plotly": {"path": "_static/plotly.min.js"} if os.environ.get("FORETOLD_BOOK") == "1" else _plotly_online(),
        "colours": list(COLOURS.values()),
        "ink": INK,
        "grid": f"rgba({', '.join(str(round(255 * part)) for part in GRID[:3])}, {GRID[3]})",
        "scales": {"sequential": _stops(SEQUENTIAL), "diverging": _stops(DIVERGING)},
    }


def _script_json(spec: dict[str, Any]) -> str:
    """JSON of which no character can end the script element or open a comment in it."""
    text = json.dumps(spec, allow_nan=False, separators=(",", ":"))
    return re.sub(r"[<>&\u2028\u2029]", lambda match: f"\\u{ord(match[0]):04x}", text)


def _form(controls: Sequence[Control]) -> str:
    if not controls:
        return ""
    inner = "".join(control.markup() for control in controls)
    return f'<form autocomplete="off">{inner}<button type="reset">reset</button></form>'


def _place(figure: dict[str, Any] | None, label: str) -> str:
    """The element that the script draws into."""
    if figure is None:
        return f'<div class="foretold-html" role="group" aria-label="{label}"></div>'
    height = figure["layout"].get("height") or 380
    return f'<div class="foretold-plot" role="img" aria-label="{label}" style="height:{height:g}px"></div>'


def script(path: Path, function: str = "update") -> str:
    """The `update` of `interactive` from an ES module in a file, ``browser.js`` beside the rooms of a paper.

    The module imports nothing; `function` is the one that it exports for this figure, of ``(values, data, figure)``.
    Raises ValueError where the module does not export it.
    """
    source = path.read_text(encoding="utf-8")
    if not re.search(rf"^export function {re.escape(function)}\(", source, re.M):
        raise ValueError(f"{path.name} does not export function {function}")
    source = re.sub(r"^export (?=function |const )", "", source, flags=re.M)
    return f"{source}\nreturn {function}(values, data, figure);"


@lru_cache
def runtime() -> str:
    """The part of an interactive figure that runs in the page, the same for all."""
    return Path(__file__).with_name("runtime.js").read_text(encoding="utf-8")


@lru_cache
def _stops(name: str) -> list[list[float | str]]:
    """A colour map of matplotlib as plotly takes it, which knows few of them by name."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [[i / 10, to_hex(colormaps[name](i / 10))] for i in range(11)]


@lru_cache
def _plotly_online() -> dict[str, str]:
    """Where a page outside the book finds plotly's JavaScript: the address that the installed plotly itself uses."""
    try:
        import plotly.io
    except ImportError:  # a machine that executes and does not render, with figures given as mappings
        return {}
    page = plotly.io.to_html({}, include_plotlyjs="cdn", full_html=False)
    tag, url = re.findall(r'(<script[^>]*\ssrc="([^"]+)"[^>]*>)', page)[0]
    digests = re.findall(r'\sintegrity="([^"]+)"', tag)
    return {"url": url} | ({"integrity": digests[0]} if digests else {})


def _plotly_spec(fig: Any) -> dict[str, Any]:
    if isinstance(fig, Mapping):
        whole = dict(fig)
    elif hasattr(fig, "to_plotly_json"):
        whole = fig.to_plotly_json()
    else:
        raise ValueError(f"fig = {fig!r} must be a plotly figure or a mapping with data and layout")
    if unknown := {key for key, value in whole.items() if value} - {"data", "layout"}:
        raise ValueError(f"fig has {', '.join(sorted(unknown))}; only data and layout are shown, use controls instead")
    # The book has one look: whatever template was the default when the figure was made gives way to it.
    layout = {key: value for key, value in whole.get("layout", {}).items() if key != "template"}
    data = whole.get("data", [])
    return {"data": encode(list(data), "fig.data", gaps=True), "layout": encode(layout, "fig.layout", gaps=True)}

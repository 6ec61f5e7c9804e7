"""Figures that read the same in the book, in Colab and in JupyterLab, on a light page and on a dark one.

`show` puts a matplotlib figure on the page as an inline SVG whose ink is the page's own text colour; `interactive`
puts a plotly figure there, with native HTML controls that work from the keyboard. Both demand a text alternative.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import html
import io
import json
import math
import numbers
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import matplotlib.figure
    import plotly.graph_objects

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

PIXELS_PER_INCH = 104  # text of 11.5 pt is then as large as the book's


def use_theme() -> None:
    """Set the one look of all matplotlib and seaborn figures; `foretold.start` calls it.

    On a phone of 390 px a figure of the default 5.6 inches shrinks to 0.6, and its smallest text is 10 px high; a
    wider figure has smaller text there.
    """
    import seaborn

    ink = ("axes.edgecolor", "axes.labelcolor", "text.color", "xtick.color", "ytick.color", "patch.edgecolor")
    boxes = ("boxprops", "capprops", "flierprops", "medianprops", "whiskerprops")
    seaborn.set_theme(
        context="notebook",
        style="whitegrid",
        palette=list(COLOURS.values()),
        font="DejaVu Sans",  # travels with matplotlib: the same figure on every machine
        rc={
            **dict.fromkeys(ink, INK),
            **{f"boxplot.{part}.color": INK for part in boxes},
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
        },
    )


# Matplotlib figures


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
    from matplotlib import pyplot
    from matplotlib.figure import Figure

    _require_text("alt", alt)
    _require_text("caption", caption)
    figure = fig if isinstance(fig, Figure) else getattr(fig, "figure", None)
    if not isinstance(figure, Figure):
        raise ValueError(f"fig = {fig!r} must be a matplotlib figure or something that has one as .figure")
    svg, width = _inline_svg(figure, alt)
    # Open figures are displayed once more by the notebook at the end of a cell.
    pyplot.close(figure)
    _display(
        f'<figure class="foretold-figure" style="margin:1.5em 0;padding:0;max-width:{width}px">{svg}'
        f"{_figcaption(caption)}</figure>",
        alt,
    )


def _inline_svg(figure: matplotlib.figure.Figure, alt: str) -> tuple[str, int]:
    """The figure as an ``<svg>`` element that can share a page with others, and its full width in CSS pixels."""
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
    root, body = re.search(r"<svg([^>]*)>(.*)</svg>", drawn.getvalue(), re.DOTALL).groups()
    view = re.search(r'viewBox="([^"]+)"', root).group(1)
    # The stylesheet of matplotlib (`* {stroke-linejoin: round; stroke-linecap: butt}`) would reach the whole page;
    # as attributes of the root the same settings are inherited by the figure alone.
    body = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->|<defs>\s*</defs>", "", body, flags=re.S)
    body = re.sub(r"<defs>\s*</defs>\s*|^\s+", "", body, flags=re.M)
    body = re.sub(rf"{INK}\b|#000000\b", "currentColor", body).replace("xlink:href=", "href=")
    # seaborn draws the lines of boxes and whiskers in a grey of its own, too dark for a dark page.
    body = re.sub(r"stroke: #([0-5][0-9a-f])\1\1\b", "stroke: currentColor", body)
    prefix = f"f{hashlib.sha256((alt + body).encode()).hexdigest()[:10]}-"
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', body))
    body = re.sub(r'\sid="([^"]+)"', lambda m: f' id="{prefix}{m[1]}"' if m[1] in used else "", body)
    body = re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}", body)
    width = round(float(view.split()[2]) / 72 * PIXELS_PER_INCH)
    # matplotlib leaves the fill of black shapes out: `fill` on the root makes them ink.
    return (
        f'<svg role="img" aria-label="{_attribute(alt)}" viewBox="{view}" fill="currentColor" stroke-linejoin="round" '
        f'stroke-linecap="butt" style="display:block;width:100%;height:auto">{body}</svg>',
        width,
    )


# Interactive figures


@dataclass(frozen=True)
class Slider:
    """A number between `minimum` and `maximum`, both reachable.

    On the scale "linear" it moves in steps of `step`; on "log10" `step` is in decades and values are rounded to three
    significant digits, so that the number read is the number used. Raises ValueError when the numbers do not fit:
    `value` and `maximum` must be a whole number of steps above `minimum`.
    """

    name: str
    label: str
    minimum: float
    maximum: float
    step: float
    value: float
    unit: str = ""
    scale: Literal["linear", "log10"] = "linear"

    def __post_init__(self) -> None:
        _check_control(self)
        for key in ("minimum", "maximum", "step", "value"):
            number = getattr(self, key)
            if not isinstance(number, numbers.Real) or not math.isfinite(number):
                raise ValueError(f"slider {self.name!r}: {key} = {number!r} must be a finite number")
        if self.scale not in ("linear", "log10"):
            raise ValueError(f"slider {self.name!r}: scale = {self.scale!r} must be 'linear' or 'log10'")
        if self.step <= 0:
            raise ValueError(f"slider {self.name!r}: step = {self.step} must be above 0")
        if self.scale == "log10" and self.minimum <= 0:
            raise ValueError(f"slider {self.name!r}: minimum = {self.minimum} must be above 0 on a log10 scale")
        if self.minimum >= self.maximum:
            raise ValueError(f"slider {self.name!r}: minimum = {self.minimum} must be below maximum = {self.maximum}")
        if not self.minimum <= self.value <= self.maximum:
            raise ValueError(
                f"slider {self.name!r}: value = {self.value} must lie between {self.minimum} and {self.maximum}"
            )
        for key in ("minimum", "maximum", "value"):
            number = getattr(self, key)
            steps = math.floor(self._steps(number) + 1e-6)
            near = [self._at(steps), self._at(steps + 1), self._at(max(steps - 1, 0))]
            if not any(math.isclose(number, other, rel_tol=1e-9, abs_tol=self._slack()) for other in near):
                raise ValueError(
                    f"slider {self.name!r}: {key} = {number} must be a whole number of steps of {self.step} above "
                    f"{self.minimum}; the nearest are {near[0]:g} and {near[1]:g}"
                )

    def _slack(self) -> float:
        return self.step * 1e-6 if self.scale == "linear" else 0.0

    def _steps(self, number: float) -> float:
        if self.scale == "log10":
            return (math.log10(number) - math.log10(self.minimum)) / self.step
        return (number - self.minimum) / self.step

    def _at(self, steps: int) -> float:
        if self.scale == "log10":
            return float(f"{10 ** (math.log10(self.minimum) + steps * self.step):.3g}")
        return self.minimum + steps * self.step

    def _html(self) -> str:
        if self.scale == "log10":
            # The slider counts steps: decimals of a logarithm would leave its upper end out of reach.
            low, high, step, value = 0, round(self._steps(self.maximum)), 1, round(self._steps(self.value))
        else:
            low, high, step, value = (f"{n:.12g}" for n in (self.minimum, self.maximum, self.step, self.value))
        return (
            f'<label class="foretold-control" data-kind="slider" data-name="{self.name}" data-scale="{self.scale}" '
            f'data-minimum="{float(self.minimum)!r}" data-step="{float(self.step)!r}" '
            f'data-unit="{_attribute(self.unit)}">'
            f"<span>{html.escape(self.label)}</span>"
            f'<input type="range" min="{low}" max="{high}" step="{step}" value="{value}">'
            # The slider itself speaks its value (aria-valuetext); a live <output> would say it twice.
            f'<output aria-hidden="true">{self.value:g}{html.escape(self.unit)}</output></label>'
        )


@dataclass(frozen=True)
class Choice:
    """One of several options: `options` maps what `update` gets to what the reader sees.

    Raises ValueError when there are no options or `value` is not one of them.
    """

    name: str
    label: str
    options: Mapping[str, str]
    value: str

    def __post_init__(self) -> None:
        _check_control(self)
        if not isinstance(self.options, Mapping) or not self.options:
            raise ValueError(f"choice {self.name!r}: options = {self.options!r} must be a mapping with an entry")
        if self.value not in self.options:
            raise ValueError(f"choice {self.name!r}: value = {self.value!r} must be one of {', '.join(self.options)}")

    def _html(self) -> str:
        options = "".join(
            f'<option value="{_attribute(key)}"{" selected" if key == self.value else ""}>{html.escape(text)}</option>'
            for key, text in self.options.items()
        )
        return (
            f'<label class="foretold-control" data-kind="choice" data-name="{self.name}">'
            f"<span>{html.escape(self.label)}</span><select>{options}</select></label>"
        )


@dataclass(frozen=True)
class Toggles:
    """Any number of several options, as checkboxes; `value` lists those that are on.

    Raises ValueError when there are no options, an option comes twice, or `value` holds something else.
    """

    name: str
    label: str
    options: Sequence[str]
    value: Sequence[str]

    def __post_init__(self) -> None:
        _check_control(self)
        for key in ("options", "value"):
            items = getattr(self, key)
            if isinstance(items, str) or len(set(items)) != len(items):
                raise ValueError(f"toggles {self.name!r}: {key} = {items!r} must be a list of different strings")
        if not self.options:
            raise ValueError(f"toggles {self.name!r}: options = {self.options!r} must not be empty")
        if unknown := [item for item in self.value if item not in self.options]:
            raise ValueError(f"toggles {self.name!r}: value holds {', '.join(unknown)}, not among the options")

    def _html(self) -> str:
        label, on = html.escape(self.label), set(self.value)
        boxes = "".join(
            f'<label><input type="checkbox" value="{_attribute(option)}"{" checked" if option in on else ""}>'
            f"{html.escape(option)}</label>"
            for option in self.options
        )
        boxes = f'<div class="foretold-options">{boxes}</div>'
        if len(self.options) > 8:
            boxes = f"<details><summary>{len(self.value)} of {len(self.options)} on</summary>{boxes}</details>"
        buttons = "".join(
            f'<button type="button" data-set="{which}" aria-label="{which}: {_attribute(self.label)}">{which}</button>'
            for which in ("all", "none")
        )
        return (
            f'<fieldset class="foretold-control" data-kind="toggles" data-name="{self.name}">'
            f"<legend>{label}</legend>{buttons}{boxes}</fieldset>"
        )


Control = Slider | Choice | Toggles


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
    _require_text("alt", alt)
    if caption is not None:
        _require_text("caption", caption)
    names = [control.name for control in controls]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"controls: the name {', '.join(twice)} is used twice; names must differ")
    if controls and not (update or "").strip():
        raise ValueError("update is empty: controls need an update that answers them")
    if fig is None and not (update or "").strip():
        raise ValueError("update is empty: without a figure, update writes the HTML")
    spec = {
        "figure": None if fig is None else _plotly_spec(fig),
        "data": _encode({} if data is None else data, "data"),
        "update": update,
        "plotly": {"path": "_static/plotly.min.js"} if os.environ.get("FORETOLD_BOOK") == "1" else _plotly_online(),
        "colours": list(COLOURS.values()),
        "ink": INK,
        "grid": f"rgba({', '.join(str(round(255 * part)) for part in GRID[:3])}, {GRID[3]})",
        "scales": {"sequential": _stops(SEQUENTIAL), "diverging": _stops(DIVERGING)},
    }
    # No character of the JSON may end the script element or open a comment in it.
    text = json.dumps(spec, allow_nan=False, separators=(",", ":"))
    text = re.sub(r"[<>&\u2028\u2029]", lambda match: f"\\u{ord(match[0]):04x}", text)
    form = "".join(control._html() for control in controls)
    if form:
        form = f'<form autocomplete="off">{form}<button type="reset">reset</button></form>'
    live = '<p class="foretold-readout" aria-live="polite"></p>' if update else ""
    below = _figcaption(caption) if caption else ""
    label = _attribute(alt)
    if fig is None:
        place = f'<div class="foretold-html" role="group" aria-label="{label}"></div>'
    else:
        height = spec["figure"]["layout"].get("height") or 380
        place = f'<div class="foretold-plot" role="img" aria-label="{label}" style="height:{height:g}px"></div>'
    body = f"{form}<figure>{place}{live}{below}</figure>"
    key = hashlib.sha256((label + body + text).encode()).hexdigest()[:12]
    _display(
        f'<div class="foretold-interactive" role="group" aria-label="{label}" data-foretold="{key}">{body}</div>'
        f'<script>\n{_runtime()}window.foretoldInteractive.mount("{key}", {text});\n</script>',
        alt,
    )


@lru_cache
def _runtime() -> str:
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
    tag = re.search(r'<script[^>]*\ssrc="([^"]+)"[^>]*>', page)
    digest = re.search(r'\sintegrity="([^"]+)"', tag[0])
    return {"url": tag[1]} | ({"integrity": digest[1]} if digest else {})


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
    return {"data": _encode(list(data), "fig.data", gaps=True), "layout": _encode(layout, "fig.layout", gaps=True)}


def _encode(value: Any, where: str, *, gaps: bool = False) -> Any:
    """`value` as JSON, arrays as base64. With `gaps`, a number that is not finite becomes null, plotly's gap."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, np.generic):
        return _encode(value.item() if value.dtype.kind != "M" else str(value), where, gaps=gaps)
    if isinstance(value, int):
        if abs(value) > 2**53:
            raise ValueError(f"{where} = {value} is too large for JavaScript, which is exact to 2**53")
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        if gaps:
            return None
        raise ValueError(f"{where} = {value} is not finite; JSON has no such number, put it into an array")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if hasattr(value, "to_numpy"):  # pandas, known by its methods: importing it would cost every run half a second
        if hasattr(value, "columns"):
            return {str(name): _encode(column, f"{where}[{name!r}]", gaps=gaps) for name, column in value.items()}
        return _encode(value.to_numpy(), where, gaps=gaps)
    if isinstance(value, np.ndarray):
        return _encode_array(value, where, gaps)
    if isinstance(value, Mapping):
        if "bdata" in value:  # plotly's own form of an array
            array = np.frombuffer(base64.b64decode(value["bdata"]), dtype=value["dtype"])
            shape = value.get("shape")
            if shape is not None:
                array = array.reshape([int(n) for n in str(shape).split(",")])
            return _encode_array(array, where, gaps)
        return {str(key): _encode(item, f"{where}[{key!r}]", gaps=gaps) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encode(item, f"{where}[{i}]", gaps=gaps) for i, item in enumerate(value)]
    raise ValueError(f"{where} is a {type(value).__name__}; JavaScript gets numbers, strings, lists, mappings, arrays")


def _encode_array(array: np.ndarray, where: str, gaps: bool) -> Any:
    kind = array.dtype.kind
    if kind == "M":
        return np.datetime_as_string(array).tolist()
    if array.ndim == 0 or kind in "OUST":
        return _encode(array.tolist(), where, gaps=gaps)
    if kind == "b":
        array = array.astype("u1")
    elif kind == "f":
        array = array.astype("f4" if array.dtype.itemsize <= 4 else "f8")
    elif kind in "iu" and array.dtype.itemsize == 8:
        # JavaScript's 64-bit integers do not mix with its numbers.
        largest = max(abs(int(array.min())), abs(int(array.max()))) if array.size else 0
        if largest > 2**53:
            raise ValueError(f"{where} holds {largest}, too large for JavaScript, which is exact to 2**53")
        array = array.astype("i4" if largest < 2**31 else "f8")
    elif kind not in "iu":
        raise ValueError(f"{where} has the dtype {array.dtype}; JavaScript gets real numbers, strings and dates")
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return {
        "dtype": f"{array.dtype.kind}{array.dtype.itemsize}",
        "shape": list(array.shape),
        "base64": base64.b64encode(little.tobytes()).decode("ascii"),
    }


# Shared


def _check_control(control: Control) -> None:
    kind = type(control).__name__.lower()
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", str(control.name)):
        raise ValueError(f"{kind}: name = {control.name!r} must be letters, digits and _, as in values.{kind}")
    if not str(control.label).strip():
        raise ValueError(f"{kind} {control.name!r}: label = {control.label!r} must not be empty")


def _require_text(argument: str, text: Any) -> None:
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{argument} = {text!r} must be a sentence: every figure says in words what it shows")


def _attribute(text: str) -> str:
    return html.escape(" ".join(text.split()), quote=True)


def _figcaption(caption: str) -> str:
    return f'<figcaption style="text-align:left;padding:0">{_inline_markdown(caption)}</figcaption>'


def _inline_markdown(text: str) -> str:
    """Escaped HTML with ``code``, ``*emphasis*`` and ``$maths$``; blanks matter as in Pandoc."""
    pattern = re.compile(
        r"`(?P<code>[^`]+)`|\$(?P<maths>(?!\s)[^$]+(?<!\s))\$(?!\d)|\*(?P<stress>(?!\s)[^*]+(?<!\s))\*"
    )
    parts, end = [], 0
    for match in pattern.finditer(text):
        parts.append(html.escape(text[end : match.start()], quote=False))
        inner = html.escape(match[match.lastgroup], quote=False)
        # The classes that Sphinx gives maths: MathJax looks nowhere else on its pages.
        parts.append(
            {
                "code": f"<code>{inner}</code>",
                "maths": f'<span class="math notranslate nohighlight">\\({inner}\\)</span>',
                "stress": f"<em>{inner}</em>",
            }[match.lastgroup]
        )
        end = match.end()
    return "".join(parts) + html.escape(text[end:], quote=False)


def _display(markup: str, text: str) -> None:
    from IPython.display import display

    display({"text/html": markup, "text/plain": text}, raw=True)

"""The strip: one line on which a claim's regions, the paper's value, ours with its interval and the rivals lie.

Drawn as SVG with colours that read on a light and on a dark ground, and with shapes that tell the marks apart without
them. Nothing of a page's style sheet is needed: the strip is the same in the book and in Colab.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from foretold.claims.text import number

WIDTH, HEIGHT, EDGE = 320, 46, 10  # of the drawing, and from its sides to the line, in px
LINE, TOP, BOTTOM = 18, 6, 30  # heights of the line and of the bands
GREEN, RUST, GREY = "#1f8a53", "#c2561b", "#808080"
Place = Callable[[float], float]  # from a number of the quantity to px


def strip(part: Mapping[str, Any], unit: str = "") -> str:
    """The strip of one part of a record of `Verdict.record`, as an SVG element with its text for a screen reader."""
    place = _axis(part)
    layers = [
        *(_band(span, place, GREEN, "") for span in part["agrees"]),
        *(_band(span, place, RUST, " stroke-dasharray='3 2'") for span in part["against"]),
        f"<line x1='{EDGE}' x2='{WIDTH - EDGE}' y1='{LINE}' y2='{LINE}' stroke='{GREY}'/>",
        *_no_effect(part, place),
        *(_cross(place(value), name, value) for name, value in part["rivals"].items()),
        *(_diamond(place(value)) for value in part["paper"]),
        *_ours(part, place),
        *_ticks(part, place),
    ]
    label = html.escape(in_words(part, unit), quote=True)
    frame = f"viewBox='0 0 {WIDTH} {HEIGHT}' width='{WIDTH}' height='{HEIGHT}' style='max-width:100%;height:auto'"
    return f"<svg role='img' aria-label='{label}' {frame} font-size='11' fill='currentColor'>{''.join(layers)}</svg>"


def in_words(part: Mapping[str, Any], unit: str = "") -> str:
    """What the strip shows, as text."""
    unit = f" {unit}" if unit else ""
    interval = f" [{', '.join(map(number, part['interval']))}]" if part["interval"] else ""
    said = [f"here {number(part['estimate'])}{interval}{unit}"]
    said += [f"paper {number(value)}{unit}" for value in part["paper"]]
    said += [f"agreement {_spans_text(part['agrees'])}"]
    said += [f"contradiction {_spans_text(part['against'])}"] if part["against"] else []
    said += [f"{name} {number(value)}" for name, value in part["rivals"].items()]
    return "; ".join(said)


def _spans_text(spans: Sequence[Sequence[float | None]]) -> str:
    def one(low: float | None, high: float | None) -> str:
        if low is not None and high is not None:
            return f"{number(low)} to {number(high)}"
        return f"from {number(low)} up" if low is not None else f"up to {number(high)}" if high is not None else "all"

    return " or ".join(one(*span) for span in spans)


def _axis(part: Mapping[str, Any]) -> Place:
    """Linear or, for quantities above 0 that span decades, logarithmic; with everything that is shown inside."""
    spans = [*part["agrees"], *part["against"]]
    shown = [part["estimate"], *(part["interval"] or ()), *part["paper"], *part["rivals"].values()]
    shown += [end for span in spans for end in span if end is not None]
    shown += [] if part["no_effect"] is None else [part["no_effect"]]
    scale = math.log10 if part["axis"] == "log" and min(shown) > 0 else float
    ends = sorted(scale(value) for value in shown)
    low, high = ends[0], ends[-1]
    margin = 0.08 * (high - low) or 0.5 * abs(low) or 1.0
    low, high = low - margin, high + margin

    def place(value: float) -> float:
        return round(EDGE + (WIDTH - 2 * EDGE) * (scale(value) - low) / (high - low), 1)

    return place


def _band(span: Sequence[float | None], place: Place, colour: str, dashes: str) -> str:
    left = EDGE if span[0] is None else place(span[0])
    right = WIDTH - EDGE if span[1] is None else place(span[1])
    box = f"x='{left}' y='{TOP}' width='{max(round(right - left, 1), 1.5)}' height='{BOTTOM - TOP}'"
    return f"<rect {box} fill='{colour}' fill-opacity='.22' stroke='{colour}'{dashes}/>"


def _no_effect(part: Mapping[str, Any], place: Place) -> list[str]:
    if part["no_effect"] is None:
        return []
    x = place(part["no_effect"])
    return [f"<line x1='{x}' x2='{x}' y1='{TOP - 4}' y2='{BOTTOM + 4}' stroke='{GREY}' stroke-dasharray='1 2'/>"]


def _cross(x: float, name: str, value: float) -> str:
    title = f"<title>{html.escape(name)}: {number(value)}</title>"
    return f"<path d='M{x - 4} {LINE - 4}l8 8m0 -8l-8 8' stroke='{GREY}' stroke-width='2' fill='none'>{title}</path>"


def _diamond(x: float) -> str:
    shape = f"d='M{x} {LINE - 7}l5 7l-5 7l-5 -7z' fill='none' stroke='currentColor' stroke-width='1.5'"
    return f"<path {shape}><title>paper</title></path>"


def _ours(part: Mapping[str, Any], place: Place) -> list[str]:
    x = place(part["estimate"])
    dot = f"<circle cx='{x}' cy='{LINE}' r='4' stroke='none'><title>here</title></circle>"
    if not part["interval"]:
        return [dot]
    low, high = (place(end) for end in part["interval"])
    return [f"<line x1='{low}' x2='{high}' y1='{LINE}' y2='{LINE}' stroke='currentColor' stroke-width='2.5'/>", dot]


def _ticks(part: Mapping[str, Any], place: Place) -> list[str]:
    """Numbers below the line: the ends of agreement, and no effect, as far as they do not overlap."""
    ends = [end for span in part["agrees"] for end in span if end is not None]
    wanted = [*ends, *([part["no_effect"]] if part["no_effect"] is not None else [])]
    drawn: list[tuple[float, float]] = []
    texts = []
    for value in wanted:
        label, x = number(value), place(value)
        half = 3.2 * len(label)
        x = min(max(x, half), WIDTH - half)
        if all(x + half < left or x - half > right for left, right in drawn):
            drawn.append((x - half, x + half))
            texts.append(f"<text x='{round(x, 1)}' y='{HEIGHT - 3}' text-anchor='middle'>{label}</text>")
    return texts

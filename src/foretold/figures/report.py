"""What an analysis of somebody's own data says: answers with intervals, what cannot be answered, figures.

A `Report` shows itself in a notebook, prints as text in a shell, and writes itself as one HTML file without a script.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foretold.figures.markup import require_text
from foretold.figures.svg import element

Interval = tuple[float, float]

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }}
figcaption, .foretold-note {{ font-size: 0.92em; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""
CELL = 'style="text-align:left;vertical-align:top;padding:0.3em 0.8em 0.3em 0"'


@dataclass(frozen=True)
class Answer:
    """An estimate with its 95% interval, or None where it has none by its nature (a count, a Bayes factor)."""

    name: str
    value: float
    interval: Interval | None
    unit: str
    note: str

    @property
    def text(self) -> str:
        """The value and its interval, with as many digits as the interval's width makes worth reading."""
        if self.interval is None:
            return _number(self.value)
        low, high = self.interval
        width = high - low
        return f"{_number(self.value, width)} [{_number(low, width)}, {_number(high, width)}]"


@dataclass
class Report:
    """Answers to questions about a data set; `title` names the analysis and `data` says in a sentence what was read."""

    title: str
    data: str
    answers: list[Answer] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)
    tables: list[tuple[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        require_text("title", self.title)
        require_text("data", self.data)

    def __getitem__(self, name: str) -> Answer:
        """The answer of that name; a KeyError says which there are."""
        found = {answer.name: answer for answer in self.answers}
        if name not in found:
            raise KeyError(f"no answer {name!r}; there are {sorted(found)}")
        return found[name]

    def answer(self, name: str, value: float, interval: Interval | None = None, unit: str = "", note: str = "") -> None:
        """Add an answer. `interval` is that at 95%; where there is none, `note` says why.

        Raises ValueError for a value that is no number, an interval that does not go upwards, and neither an interval
        nor a note.
        """
        if math.isnan(value) or (interval is not None and not interval[0] <= interval[1]):
            raise ValueError(
                f"{name} is {value} with the interval {interval}; allowed are numbers, the lower end first"
            )
        if interval is None and not note:
            raise ValueError(f"{name} has no interval; allowed is that with a note that says why")
        ends = None if interval is None else (float(interval[0]), float(interval[1]))
        self.answers.append(Answer(name, float(value), ends, unit, note))

    def not_identified(self, name: str, why: str) -> None:
        """Say what these data cannot answer, and why."""
        require_text("why", why)
        self.missing.append((name, why))

    def warn(self, text: str) -> None:
        """Say what the reader should know before believing an answer."""
        require_text("text", text)
        self.warnings.append(text)

    def figure(self, fig: Any, *, alt: str, caption: str) -> None:
        """Add a matplotlib figure, as `figures.show` shows one."""
        self.figures.append(element(fig, alt=alt, caption=caption))

    def table(self, caption: str, frame: Any) -> None:
        """Add a pandas table; its numbers are rounded to four digits, its index is left out unless it has a name."""
        require_text("caption", caption)
        self.tables.append((caption, frame))

    # How it looks

    def _repr_html_(self) -> str:
        parts = [f"<h3>{_escape(self.title)}</h3>", f"<p>{_escape(self.data)}</p>"]
        if self.answers:
            rows = [(a.name, a.text, a.unit, a.note) for a in self.answers]
            parts.append(_table(("", "estimate [95% interval]", "unit", ""), rows))
        parts += [f"<p><strong>Note.</strong> {_escape(text)}</p>" for text in self.warnings]
        if self.missing:
            items = "".join(f"<li><em>{_escape(name)}</em>: {_escape(why)}</li>" for name, why in self.missing)
            parts.append(f"<p><strong>Not identified by these data</strong></p><ul>{items}</ul>")
        parts += self.figures
        parts += [_frame(caption, frame) for caption, frame in self.tables]
        return f'<div class="foretold-report">{"".join(parts)}</div>'

    def __str__(self) -> str:
        lines = [self.title, self.data, ""]
        wide = max((len(a.name) for a in self.answers), default=0)
        for a in self.answers:
            note = f" ({a.note})" if a.note else ""
            lines.append(f"{a.name:<{wide}}  {a.text} {a.unit}".rstrip() + note)
        lines += [f"note: {text}" for text in self.warnings]
        lines += [f"not identified: {name}: {why}" for name, why in self.missing]
        return "\n".join(lines)

    def write(self, path: str | Path) -> Path:
        """Write the report as one HTML file that needs nothing else; returns its path."""
        path = Path(path)
        path.write_text(PAGE.format(title=_escape(self.title), body=self._repr_html_()), encoding="utf-8")
        return path


def _number(value: float, width: float | None = None) -> str:
    """A number; beside an interval of a `width` its digits end where a hundredth of the width is lost."""
    if math.isinf(value):
        return "infinity" if value > 0 else "-infinity"
    if width is None or width == 0 or math.isinf(width):
        return f"{value:,.0f}" if value == round(value) and abs(value) < 1e9 else f"{value:,.4g}"
    digits = 1 - math.floor(math.log10(width))
    if abs(value) >= 1e9 or digits > 9:
        return f"{value:.4g}"
    return f"{value:,.{max(digits, 0)}f}"


def _escape(text: str) -> str:
    return html.escape(str(text), quote=True)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    def line(cells: Sequence[str], kind: str) -> str:
        return "<tr>" + "".join(f"<{kind} {CELL}>{_escape(cell)}</{kind}>" for cell in cells) + "</tr>"

    head = line(heads, "th") if any(heads) else ""
    title = f'<caption style="text-align:left">{_escape(caption)}</caption>' if caption else ""
    body = "".join(line(row, "td") for row in rows)
    return f'<div style="overflow-x:auto"><table>{title}<thead>{head}</thead><tbody>{body}</tbody></table></div>'


def _frame(caption: str, frame: Any) -> str:
    named = frame.reset_index() if frame.index.name else frame
    rows = [[_number(v) if isinstance(v, float) else str(v) for v in row] for row in named.itertuples(index=False)]
    return _table([str(name) for name in named.columns], rows, caption)

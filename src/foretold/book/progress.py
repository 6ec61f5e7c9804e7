"""What a person sees while chapters execute, and the table at the end. Plain lines where there is no terminal, or no
rich."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from foretold.book import scoreboard
from foretold.book.execute import Outcome, Progress


def line(progress: Progress) -> str:
    """One line of progress."""
    failed = sum(outcome.status == "failed" for outcome in progress.done)
    parts = [
        f"{len(progress.done)} of {len(progress.waiting)} chapters executed",
        f"{progress.cached} cached" if progress.cached else "",
        f"{failed} failed" if failed else "",
        f"running: {', '.join(progress.running) or 'none'}",
        f"about {progress.minutes_left:.1f} min left",
    ]
    return "; ".join(part for part in parts if part)


@contextmanager
def watching() -> Iterator[Callable[[Progress], None]]:
    """A `watch` function for `execute.execute`: a live line on a terminal, and one line per change elsewhere."""
    said, when = "", 0.0

    def plain(progress: Progress) -> None:
        nonlocal said, when
        # Without a terminal the minutes left would make a new line twice a second: say something when a chapter starts
        # or ends, and once a minute.
        key = f"{len(progress.done)} {list(progress.running)}"
        if key != said or time.monotonic() - when >= 60:
            said, when = key, time.monotonic()
            print(line(progress), file=sys.stderr, flush=True)

    try:
        from rich.console import Console
    except ImportError:
        yield plain
        return
    console = Console(stderr=True)
    if not console.is_terminal:
        yield plain
        return
    with console.status("looking at the chapters") as status:
        yield lambda progress: status.update(line(progress))


def summary(outcomes: list[Outcome]) -> str:
    """The table at the end: chapter, cached or executed, seconds, verdicts."""
    rows = [("chapter", "status", "seconds", "verdicts")]
    for outcome in outcomes:
        rows.append((outcome.name, outcome.status, f"{outcome.seconds:.1f}", verdicts(outcome.ledger)))
    return table(rows)


def verdicts(ledger: dict[str, Any] | None) -> str:
    """The verdicts of a ledger: ``8 recomputed, 2 inconclusive``, and how many are not as expected."""
    if ledger is None:
        return "no claims"
    changed = sum(not c["is_expected"] for c in ledger["claims"])
    return scoreboard.verdicts(ledger) + (f" ({changed} not as expected)" if changed else "")


def table(rows: list[tuple[str, ...]]) -> str:
    """Rows as aligned text; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])

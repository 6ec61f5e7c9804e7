"""What a person sees while chapters execute, and the table at the end. Plain lines where there is no terminal, or no
rich."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from foretold import claims
from foretold.book.execute import Chapter, Outcome

Watch = Callable[[list[Chapter], list[Outcome], list[str]], None]


def minutes_left(waiting: list[Chapter], done: list[Outcome], at_once: int) -> float:
    """Expected minutes until the last chapter ends: the work that is left, shared among those that run at once, but at
    least the longest chapter."""
    finished = {outcome.name for outcome in done}
    left = [chapter.expected_seconds for chapter in waiting if chapter.name not in finished]
    return max(sum(left) / max(1, at_once), max(left, default=0.0)) / 60


def line(waiting: list[Chapter], done: list[Outcome], running: list[str]) -> str:
    """One line of progress."""
    left = minutes_left(waiting, done, len(running))
    failed = sum(outcome.status == "failed" for outcome in done)
    words = f"{len(done)} of {len(waiting)} chapters executed, running: {', '.join(running) or 'none'}"
    return words + (f", {failed} failed" if failed else "") + f"; about {left:.1f} min left"


@contextmanager
def watching(cached: Callable[[], int] | None = None) -> Iterator[Watch]:
    """A `watch` function for `execute.execute`: a live line on a terminal, and one line per change elsewhere."""
    said = ""

    def plain(waiting: list[Chapter], done: list[Outcome], running: list[str]) -> None:
        nonlocal said
        # Without a terminal the minutes left would make a new line twice a second; say something only when a chapter
        # starts or ends.
        key = f"{len(done)} {running}"
        if key != said:
            said = key
            print(line(waiting, done, running), file=sys.stderr, flush=True)

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
        yield lambda waiting, done, running: status.update(line(waiting, done, running))


def summary(outcomes: list[Outcome]) -> str:
    """The table at the end: chapter, cached or executed, seconds, verdicts."""
    rows = [("chapter", "status", "seconds", "verdicts")]
    for outcome in outcomes:
        rows.append((outcome.name, outcome.status, f"{outcome.seconds:.1f}", verdicts(outcome.ledger)))
    return table(rows)


def verdicts(ledger: dict[str, Any] | None) -> str:
    """The verdicts of a ledger: ``8 reproduced, 2 differs``, and how many are not as expected."""
    if ledger is None:
        return "no claims"
    tally = Counter(c["verdict"] for c in ledger["claims"])
    changed = sum(c["verdict"] != c["expected"] for c in ledger["claims"])
    words = ", ".join(f"{tally[verdict]} {verdict}" for verdict in claims.VERDICTS if tally[verdict])
    return words + (f" ({changed} not as expected)" if changed else "")


def table(rows: list[tuple[str, ...]]) -> str:
    """Rows as aligned text; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])

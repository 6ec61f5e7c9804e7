"""``foretold record CHAPTER``: makes the chapter's tables of measurements again.

A room ``papers/CHAPTER/record.py`` has a function for each table, ``TABLES = {"scaling": scaling}``, which takes
nothing and returns the rows. Rows that come out as they are in the table leave the table as it is but for its stamp;
others are written only where that is asked for, because the book's numbers move with them.
"""

from __future__ import annotations

import argparse
import importlib
import io
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from foretold import run
from foretold.book import digest, execute, reach, rooms, tables
from foretold.claims import one_of


def command(chapter: str, names: list[str], replace: bool) -> int:
    """Record in a process of its own, with one thread: sums come out the same on each machine that does it so."""
    words = [sys.executable, "-m", __name__, chapter, *names, *(["--replace"] if replace else [])]
    return subprocess.run(words, env={**os.environ, **dict.fromkeys(execute.THREAD_VARIABLES, "1")}).returncode


def chosen(chapter: str, names: list[str]) -> list[str]:
    """The tables of these names that a chapter makes, or all of them. Raises ValueError for a chapter that makes none,
    and for an unknown table."""
    makers = {room.parent.name: room for room in tables.maker_rooms() if tables.made_by(room)}
    room = makers[one_of("chapter that makes tables", chapter, list(makers))]
    return [one_of("table", name, tables.made_by(room)) for name in names] or tables.made_by(room)


def record(chapter: str, names: list[str], replace: bool = False) -> bool:
    """Make tables again, stamp those whose rows are the same, and say how the others differ; with `replace` they are
    written too. Returns whether all are as their makers made them now.

    Raises ValueError where a table has no head that says what it is, its source and its licence; where its maker
    changed while it ran; and as `chosen`.
    """
    done = [_record(chapter, name, replace) for name in chosen(chapter, names)]
    if not all(done):
        print("Tables whose rows differ are as they were; --replace writes them.")
    return all(done)


def _record(chapter: str, name: str, replace: bool) -> bool:
    room, path = rooms.record_room(chapter), _path(chapter, name)
    before, began = tables.code(room), time.process_time()
    made = _maker(room, name)()
    seconds = time.process_time() - began
    if tables.code(room) != before:
        raise ValueError(f"{reach.name(room)}, or what it reaches, changed while table {name!r} was made")
    old, new = tables.rows(path), as_csv(made)
    differ, rounded = differences(old, new)
    print(f"{name}: {differ or 'the same rows'}{rounded} ({seconds:.0f} s of CPU time)", flush=True)
    if not differ or replace:
        write(path, new if differ else old, f"foretold record {chapter}", before)
    return not differ or replace


def write(path: Path, rows: str, by: str, code: str) -> None:
    """Write a table's rows below its head, with a new stamp."""
    top, _ = tables.head(path)
    path.write_text(top + rows, encoding="utf-8", newline="\n")
    today = datetime.now(UTC).date().isoformat()
    stamp = tables.Stamp(today, device(), packages(), by, code, digest.rows_hash(path))
    path.write_text(top + stamp.line() + rows, encoding="utf-8", newline="\n")


def as_csv(frame: pd.DataFrame) -> str:
    """Rows as they stand in a table."""
    return frame.to_csv(index=False, lineterminator="\n")


def differences(old: str, new: str) -> tuple[str, str]:
    """How a table's rows differ from those that were made now, both as they stand in a file: by more than rounding, and
    by rounding. Empty where they do not.

    Sums are not to the last digit the same on every processor. So numbers are the same that differ by one unit of the
    last place which is written, or by a millionth of themselves.
    """
    one, other = (
        pd.read_csv(io.StringIO(text or "nothing\n"), dtype=str, keep_default_na=False) for text in (old, new)
    )
    if list(one.columns) != list(other.columns) or len(one) != len(other):
        return f"{len(other)} rows of {', '.join(other)}, where {len(one)} of {', '.join(one)} were", ""
    apart, rounded = [], []
    for column in one:
        cells = [(a, b) for a, b in zip(one[column], other[column], strict=True) if a != b]
        numbers = [(a, b) for a, b in cells if _is_number(a) and _is_number(b) and float(a) != float(b)]
        close = [(a, b) for a, b in numbers if _differ_by_rounding(a, b)]
        if words := len([1 for a, b in cells if not (_is_number(a) and _is_number(b))]):
            apart.append(f"{column} in {words} of {len(one)} rows")
        if far := [pair for pair in numbers if pair not in close]:
            apart.append(f"{column} in {len(far)} of {len(one)} rows by up to {_largest(far):.2g}")
        if close:
            rounded.append(f"{column} in {len(close)} of {len(one)} rows by up to {_largest(close):.2g}")
    found = f"other rows: {'; '.join(apart)}" if apart else ""
    return found, f", but for rounding: {'; '.join(rounded)}" if rounded else ""


def _differ_by_rounding(old: str, new: str) -> bool:
    places = len(old.partition("e")[0].partition(".")[2])
    unit = 1.01 * 10.0**-places if "." in old else 0.0
    return abs(float(old) - float(new)) <= max(unit, 1e-6 * abs(float(old)))


def _largest(pairs: list[tuple[str, str]]) -> float:
    return max(abs(float(old) - float(new)) for old, new in pairs)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def device() -> str:
    """The class and the name of what this process has computed on: the GPU only if torch has used it."""
    torch = sys.modules.get("torch")
    if run.device_class() == "cpu" or (torch is not None and torch.cuda.is_initialized()):
        return f"{run.device_class()}, {run.device_name()}"
    return f"cpu, {platform.processor() or platform.machine()}"


def packages() -> str:
    """Versions of the packages that this process has used and whose numbers could differ between versions."""
    used = {name: version for name, version in run.package_versions().items() if name in sys.modules}
    return ", ".join(f"{name} {version}" for name, version in used.items() if name != "foretold")


def _path(chapter: str, name: str) -> Path:
    path = rooms.record_room(chapter).parent / "tables" / f"{name}.csv"
    if not path.is_file() or not tables.head(path)[0]:
        at_top = "lines that begin with # and say what it is, its source and its licence"
        raise ValueError(f"table {name!r} is not at {reach.name(path)}; allowed is a file with, at its top, {at_top}")
    return path


def _maker(room: Path, name: str) -> Callable[[], pd.DataFrame]:
    module = importlib.import_module(".".join(["foretold", *room.relative_to(rooms.PACKAGE).with_suffix("").parts]))
    return module.TABLES[name]


def main(arguments: list[str]) -> int:
    """The process that `command` starts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("chapter")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--replace", action="store_true")
    given = parser.parse_args(arguments)
    try:
        return 0 if record(given.chapter, given.names, given.replace) else 1
    except (ValueError, ConnectionError) as error:
        print(f"foretold: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

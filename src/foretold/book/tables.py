"""The tables that hold this project's own measurements: which room makes them, when and where it did, and whether it
would make the same today.

A line at a table's top is its stamp:

    # recorded: 2026-11-27; device: cpu, ...; with: torch 2.13.0; by: foretold record x; code: ...; rows: ...

`code` is the code digest of the room that made it (`papers/x/record.py` and what it reaches), `rows` the hash of its
rows. A table that its room has not made, because that takes long or needs another machine, says ``by: commit ...``: the
commit that is known to have brought it, and `code` is the digest of its maker there, if that is known.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from foretold import data
from foretold.book import digest, reach, rooms

BEGINNING = "# recorded: "
STAMP = re.compile(
    BEGINNING + r"(?P<date>[0-9-]+); device: (?P<device>[^;\n]+); with: (?P<packages>[^;\n]+); by: (?P<by>[^;\n]+); "
    r"code: (?P<code>[0-9a-f]{32}|not known); rows: (?P<rows>[0-9a-f]{32})\n"
)
COMMIT = "commit "


@dataclass(frozen=True)
class Stamp:
    """When a table was made (ISO 8601), on what, with which versions of packages, by which command or commit; the code
    digest of its maker, and the hash of its rows."""

    date: str
    device: str
    packages: str
    by: str
    code: str
    rows: str

    def line(self) -> str:
        """The stamp as it stands at a table's top."""
        made = f"{BEGINNING}{self.date}; device: {self.device}; with: {self.packages}; by: {self.by}"
        return f"{made}; code: {self.code}; rows: {self.rows}\n"


@dataclass(frozen=True)
class State:
    """Whether a table is what its maker would make today: ``recorded``, ``stale``, ``not stamped``, or ``by commit``
    where only the commit is known that made it; `because` says more."""

    table: str
    state: str
    because: str = ""


def survey() -> list[State]:
    """The state of every table that holds measurements of this project, by name."""
    makers = {table: room for room in maker_rooms() for table in made_by(room)}
    found = [_state(name, path, makers.get(name)) for name, path in data.tables().items()]
    missing = [State(name, "absent", reach.name(makers[name])) for name in sorted(set(makers) - set(data.tables()))]
    return [state for state in found if state is not None] + missing


def maker_rooms() -> list[Path]:
    """The rooms that make tables."""
    return sorted(rooms.PACKAGE.glob(rooms.record_room("*").relative_to(rooms.PACKAGE).as_posix()))


def made_by(room: Path) -> list[str]:
    """Names of the tables that a room makes: the keys of its ``TABLES``, read without running it."""
    for node in ast.parse(room.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and [reach.dotted(target) for target in node.targets] == ["TABLES"]:
            return [name for key in node.value.keys if (name := reach.literal(key)) is not None]
    return []


def code(room: Path) -> str:
    """The code digest of a room that makes tables."""
    return digest.of_maker(room, made_by(room))


def head(path: Path) -> tuple[str, Stamp | None]:
    """The lines at a table's top that say where it comes from, but for the stamp; and the stamp."""
    top = list(_commentary(path.read_text(encoding="utf-8").splitlines(keepends=True)))
    stamps = [found for line in top if (found := STAMP.fullmatch(line))]
    about = "".join(line for line in top if not line.startswith(BEGINNING))
    return about, Stamp(**stamps[0].groupdict()) if stamps else None


def rows(path: Path) -> str:
    """A table without the lines at its top."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(lines[len(list(_commentary(lines))) :])


def _commentary(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if not line.startswith("#"):
            return
        yield line


def _state(name: str, path: Path, room: Path | None) -> State | None:
    _, stamp = head(path)
    if stamp is None:
        return State(name, "not stamped", f"{reach.name(room)} makes it") if room else None
    if stamp.rows != digest.rows_hash(path):
        return State(name, "stale", "its rows are not those that were recorded")
    if stamp.by.startswith(COMMIT):
        return State(name, "by commit", f"recorded {stamp.date} by {stamp.by}, not made again here")
    if room is None:
        return State(name, "stale", "no room makes it")
    if stamp.code != code(room):
        return State(name, "stale", f"{reach.name(room)}, or what it reaches, has changed")
    return State(name, "recorded")

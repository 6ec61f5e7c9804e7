"""Which room of the package a file is, and what follows from it for digests. The one place of the machinery that knows
how rooms are called."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import foretold

PACKAGE = Path(foretold.__file__).parent
# Names are relative to the package; a star stands for any letters, slashes too.
DRAWING = ("figures/*", "*.js", "papers/*/draw.py", "papers/*/draw/*")
# Judging and its look. Recorded results are judged again when they are shown, so no number of theirs comes from here.
JUDGING = ("claims/*", "papers/*/claims.yml")
PROVENANCE = ("run/provenance.py",)
# Pages show all of these, their docstrings and comments too.
SHOWN = ("papers/*/idea.py", "papers/*/idea/*.py", "papers/*/theory.py", "papers/*/theory/*.py")
# These find tables, the registry, claims and the clone, and set the look of figures, on behalf of all others.
SERVANTS = ("data.py", "claims/*", "run/*")
MACHINERY = ("book/*",)


def is_drawing(name: str) -> bool:
    """Whether a file only draws: it can change a page, and no number."""
    return _any(name, DRAWING)


def is_shown(name: str) -> bool:
    """Whether pages show a file's text."""
    return _any(name, SHOWN)


def serves_all(name: str) -> bool:
    """Whether a file is one of the few that find files and know of figures, so that no other has to."""
    return _any(name, SERVANTS)


def is_machinery(name: str) -> bool:
    """Whether a file belongs to what builds the book, which no notebook imports."""
    return _any(name, MACHINERY)


def can_change_a_number(name: str) -> bool:
    """Whether a recorded result or table can come out otherwise because of a file."""
    return not _any(name, (*DRAWING, *JUDGING, *PROVENANCE, *MACHINERY))


def claims_file(chapter: str) -> Path:
    """The file of a chapter's claims."""
    return PACKAGE / "papers" / chapter / "claims.yml"


def record_room(chapter: str) -> Path:
    """The module that makes a chapter's tables of measurements; most chapters have none."""
    return PACKAGE / "papers" / chapter / "record.py"


def _any(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)

"""``foretold analyse``: a chapter's function for other people's data, from a shell.

The options of a chapter are the keyword-only parameters of the function ``analyse`` in its room ``yours``.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import types
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from foretold.book import rooms

Analyse = Callable[..., Any]


def chapters() -> list[str]:
    """The chapters that analyse other people's data."""
    return sorted(path.parent.name for path in rooms.PACKAGE.glob("papers/*/yours.py"))


def function(chapter: str) -> Analyse:
    """The function of a chapter; raises ValueError for a chapter that has none."""
    if chapter not in chapters():
        raise ValueError(f"CHAPTER is {chapter!r}; allowed is one of {', '.join(chapters())}")
    found: Analyse = importlib.import_module(f"foretold.papers.{chapter}.yours").analyse
    return found


def parser(chapter: str, analyse: Analyse) -> argparse.ArgumentParser:
    """The options of a chapter: a keyword-only parameter ``per_flip: float = 0.5`` is ``--per-flip FLOAT``."""
    made = argparse.ArgumentParser(
        prog=f"foretold analyse {chapter}",
        description=inspect.getdoc(analyse),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("file", metavar="FILE")
    made.add_argument(
        "--out", metavar="REPORT.html", help="where the report goes (default: the name of the file, in this folder)"
    )
    kinds = typing.get_type_hints(analyse)
    for name, parameter in inspect.signature(analyse).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY:
            _add_option(made, name, kinds[name], parameter.default)
    return made


def _add_option(made: argparse.ArgumentParser, name: str, kind: Any, default: Any) -> None:
    """One option by its annotation: a type, a type or None, a list of a type, a Literal, or a truth value."""
    flag = "--" + name.replace("_", "-")
    if isinstance(kind, types.UnionType):
        [kind] = [part for part in typing.get_args(kind) if part is not type(None)]
    text = "" if default is None else f"default: {default}"
    if kind is bool:
        made.add_argument(flag, dest=name, action=argparse.BooleanOptionalAction, default=default, help=text)
    elif typing.get_origin(kind) is typing.Literal:
        made.add_argument(flag, dest=name, choices=typing.get_args(kind), default=default, help=text)
    elif typing.get_origin(kind) in (list, Sequence):
        [kind] = typing.get_args(kind)
        made.add_argument(flag, dest=name, nargs="+", type=kind, default=default, metavar=kind.__name__.upper())
    else:
        made.add_argument(flag, dest=name, type=kind, default=default, metavar=kind.__name__.upper(), help=text)


def command(chapter: str, arguments: Sequence[str]) -> int:
    """Analyse a file, print the answers, and write the report; the file's name without ending names the report."""
    analyse = function(chapter)
    given = vars(parser(chapter, analyse).parse_args(arguments))
    file, out = Path(given.pop("file")), given.pop("out")
    report = analyse(file, **given)
    print(report)
    written = report.write(out or f"{file.name.partition('.')[0]}.{chapter}.html")
    print(f"\nwrote {written}")
    return 0

"""Traces for the paging chapter: drawn, recorded from a Python program at work, and read from a public archive."""

from __future__ import annotations

import ast
import difflib
import html.parser
import inspect
import io
import json
import sys
import textwrap
import tokenize
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from foretold.kit import check

Traces = dict[str, np.ndarray]


def zipf(n: int, objects: int, rng: np.random.Generator) -> np.ndarray:
    """Independent requests, (n,): object i (from 0) with probability proportional to 1 / (i + 1).

    Raises ValueError for n < 1 and objects < 1.
    """
    n, objects = check.whole("n", n, 1), check.whole("objects", objects, 1)
    weight = np.cumsum(1 / np.arange(1, objects + 1))
    return np.searchsorted(weight, rng.random(n) * weight[-1], side="right")


BLOCK = 4  # source lines


def record(work: Callable[[], Any], limit: int) -> np.ndarray:
    """What a Python program touches while it runs, (at most `limit`,): each line of Python that is executed asks for
    the block of four source lines that holds it, as a processor asks for a line of its instruction cache.

    Requests for the block just asked for are left out: every policy has it. Only pure Python code is seen. Blocks are
    numbered in the order in which they come. `work` is called again until there is enough. A tracing function that was
    set before (a debugger's) is put back.
    Raises ValueError for limit < 1.
    """
    limit = check.whole("limit", limit, 1)
    numbers: dict[tuple[str, int], int] = {}
    trace: list[int] = []

    def on_line(frame: Any, event: str, _: Any) -> Any:
        if event == "line":
            at = (frame.f_code.co_filename, frame.f_lineno // BLOCK)
            page = numbers.setdefault(at, len(numbers))
            if not trace or trace[-1] != page:
                trace.append(page)
                if len(trace) >= limit:
                    raise _EnoughError
        return on_line

    work()  # once unseen: what is read or compiled at first use is ready then
    before = sys.gettrace()
    sys.settrace(lambda frame, event, _: on_line)
    try:
        length = -1
        while length < len(trace):  # a program that asks for nothing new ends the recording
            length = len(trace)
            work()
    except _EnoughError:
        pass
    finally:
        sys.settrace(before)
    return np.array(trace, dtype=np.int64)


class _EnoughError(BaseException):
    """The trace is long enough. No `except Exception` of the program at work stops it."""


# A recording holds this function's own lines, in blocks of four: its first one stands at line 4 i + 3 of this file, and
# anywhere else every number that was measured on a recorded trace would be another.
def chores() -> None:
    """A small program at work: for several modules of the standard library it rewrites the source and cuts it into
    tokens, wraps it, compares it with itself, turns it into JSON and reads it as HTML, all in Python."""
    for module in (textwrap, difflib, json.decoder, tokenize, html.parser, ast, inspect):
        source = inspect.getsource(module)
        lines = source.splitlines()
        for node in ast.parse(source).body[:12]:
            list(tokenize.generate_tokens(io.StringIO(ast.unparse(node)).readline))
        textwrap.fill(" ".join(lines[:60]), 70)
        list(difflib.unified_diff(lines[:60], lines[20:80]))
        json.dumps({"lines": lines[:40]}, indent=1)
        html.parser.HTMLParser().feed("".join(f"<p class='x'>{line}</p>" for line in lines[:30]))


def archive(path: Path, prefix: str) -> Traces:
    """Traces of the public archive whose names begin with `prefix` ("bk": BrightKite users, "citi": months of Citi Bike
    trips): one request a line, numbered by the sorted order of their names.

    Raises ValueError when no member begins so.
    """
    with zipfile.ZipFile(path) as file:
        texts_of = [name for name in file.namelist() if name.endswith(".txt")]
        members = sorted(name for name in texts_of if Path(name).name.startswith(prefix))
        texts = {Path(name).stem: file.read(name).decode("ascii") for name in members}
    if not texts:
        raise ValueError(f"prefix is {prefix!r}; allowed is the beginning of a member's name in {path}")
    return {name: np.unique(text.split(), return_inverse=True)[1] for name, text in texts.items()}

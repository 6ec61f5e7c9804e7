"""Executed chapters on disk: one file for each cache digest, complete and checked, or out of date.

A file is four lines: the sha256 of what follows; then in JSON a head, the ledger, and the executed notebook. It is
written beside its place, flushed to the disk and renamed, so it is whole or not there. Reading writes nothing, takes no
lock, and takes whatever is odd for not there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

KEPT = 6  # executions of one chapter at one profile
NAME = re.compile(r"(?P<chapter>[a-z][a-z0-9_]*)\.(?P<digest>[0-9a-f]{32})\.json")


@dataclass(frozen=True)
class Head:
    """What is known of an execution without its outputs: whose it is and by which digest, the `parts` of that digest,
    the `code` digest, what the kernel loaded or opened `besides`, by name with its hash or version, and how long it
    took. `text` is the hash of its whole source and `names` that of the names of foretold's files: while they and all
    parts are as they were, the digest is, and need not be found again. While a file has the text of `texts`, it means
    what it did."""

    chapter: str
    digest: str
    text: str
    names: str
    profile: str
    parts: dict[str, str]
    code: str
    texts: dict[str, str]
    besides: dict[str, str]
    seconds: float
    cpu_seconds: float
    finished: str  # ISO 8601, UTC


@dataclass(frozen=True)
class Entry:
    """One execution: its head, its ledger (the claims with what was measured for them, where and when), and the text
    of its notebook."""

    head: Head
    ledger: dict[str, Any]
    text: str

    @cached_property
    def notebook(self) -> NotebookNode:
        """The executed notebook."""
        return nbformat.reads(self.text, as_version=4)


def write(folder: Path, head: Head, notebook: NotebookNode, ledger: dict[str, Any]) -> Entry:
    """Keep an execution, and drop the oldest of its chapter. Raises OSError where the disk does not take it; nothing
    is left of it then."""
    folder.mkdir(parents=True, exist_ok=True)
    entry = Entry(head, ledger, json.dumps(notebook))
    content = "\n".join([json.dumps(asdict(head)), json.dumps(ledger), entry.text, ""]).encode()
    target = folder / f"{head.chapter}.{head.digest}.json"
    partial = folder / f".{head.chapter}.{uuid.uuid4().hex}.part"
    try:
        with partial.open("xb") as file:
            file.write(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists() and read(folder, head.chapter, head.digest) is None:
            os.replace(target, target.with_suffix(".damaged"))  # evidence, for whoever wonders
        os.replace(partial, target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _drop_oldest(folder, head)
    return entry


def read(folder: Path, chapter: str, digest: str) -> Entry | None:
    """The execution of a chapter under a digest; None where there is none, or a file that is not what it should be."""
    return _read(folder / f"{chapter}.{digest}.json")


def newest(folder: Path, chapter: str) -> list[Entry]:
    """All executions of a chapter that can be read, the newest first."""
    found = filter(None, map(_read, folder.glob(f"{chapter}.*.json")))
    return sorted(found, key=lambda entry: entry.head.finished, reverse=True)


def _read(path: Path) -> Entry | None:
    if not path.is_file():  # reading a pipe would wait for ever
        return None
    try:
        checksum, _, content = path.read_bytes().partition(b"\n")
        named = NAME.fullmatch(path.name)
        if named is None or hashlib.sha256(content).hexdigest().encode() != checksum:
            return None
        first, second, third, _ = content.decode().split("\n")
        given = json.loads(first)
        entry = Entry(Head(**{field.name: given[field.name] for field in fields(Head)}), json.loads(second), third)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return entry if (entry.head.chapter, entry.head.digest) == named.groups() else None


def _drop_oldest(folder: Path, head: Head) -> None:
    same = [entry.head for entry in newest(folder, head.chapter) if entry.head.profile == head.profile]
    for old in same[KEPT:]:
        (folder / f"{old.chapter}.{old.digest}.json").unlink(missing_ok=True)

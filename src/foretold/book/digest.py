"""What a chapter's page and its numbers depend on, each as one digest.

Helper modules, tables, claims, package versions and the profile stand behind the code cells of a notebook; a changed
helper must not show old numbers. The *cache digest* is of all that can change the page: a chapter executes again when
it moves. The *code digest* is of what can change a number: results and tables that were recorded are stale when it
moves. Modules count by what they mean, so that a comment moves neither.

`of` finds the parts by syntax, before anything runs. What the syntax does not show (the packages behind a package, a
file that somebody opens), the kernel reports when it has run: `besides` gives it names, and `now` says whether it is
still so. No time and no absolute path enters a digest.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from foretold import data, run
from foretold.book import drawing, meaning, reach, rooms, shown

TEXT_PARTS = ("notebook code", "tags or bootstrap cell")
# How the names of parts begin; that of a file of this package has no beginning.
DISTRIBUTION, SET, COPY, FILE = "package ", "data set ", "copy of ", "file "


@dataclass(frozen=True)
class Digest:
    """What a chapter depends on: all `parts` that can change its page, each with its own hash or version; the `code`
    digest; and the hash of the text of each module that is a part, or of which one shows a text. While that text is
    the same, so is what it means."""

    parts: dict[str, str]
    code: str
    texts: dict[str, str]

    @property
    def cache(self) -> str:
        """The cache digest: a chapter executes again when it moves."""
        return text_hash(json.dumps(self.parts, sort_keys=True))


def of(notebook: NotebookNode, profile: str | None = None) -> Digest:
    """The digest of a notebook as this process would run it, with its device and installed packages.

    `profile` is by default this process's own.
    """
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    # The bootstrap cell holds the repository's address; a fork's recorded results are not stale because of it.
    cells = [cell for cell in code if "bootstrap" not in cell.metadata.get("tags", [])]
    trees = [reach.parse_cell(cell.source) for cell in code]
    known = [tree for tree in trees if tree is not None]
    nodes = [node for tree in known for node in ast.walk(tree)]
    reached = reach.everything(reach.facts_of(nodes))
    parts = {"notebook code": text_hash("\n\0\n".join(cell.source.replace("\r\n", "\n") for cell in cells))}
    parts |= {reach.name(path): module.means for path, module in sorted(reached.modules.items())}
    parts |= shown.parts(known, reached.modules)
    parts |= {reach.name(path): _file_hash(path) for path in sorted(reached.files)}
    parts |= {_table(name): now(_table(name)) for name in sorted(reached.tables)}
    parts |= {reach.name(path): now(reach.name(path)) for path in map(rooms.claims_file, sorted(_started(nodes)))}
    parts |= {f"{SET}{name}": _entry_hash(name) for name in sorted(reached.sets)}
    parts |= {"profile": profile or run.default_profile(), "device": run.device_class()}
    aside = [(cell.metadata.get("tags"), "" if cell in cells else cell.source) for cell in code]
    parts["tags or bootstrap cell"] = text_hash(json.dumps(aside))
    parts["python"] = sys.version  # all of it: the source of the standard library is a corpus here
    parts |= {f"{DISTRIBUTION}{name}": version for name, version in _versions(reached.packages).items()}
    parts |= {f"{COPY}{name}": _at_hand(name) for name in sorted(reached.sets)}
    texts = {reach.name(path): module.text for path, module in reached.modules.items()}
    return Digest(parts, _code(cells), texts)


def _code(cells: list[NotebookNode]) -> str:
    """The code digest of a notebook's cells."""
    trees = [reach.parse_cell(cell.source) for cell in cells]
    measuring = [drawing.without(tree) for tree in trees if tree is not None]
    unknown = [cell.source for cell, tree in zip(cells, trees, strict=True) if tree is None]
    own = {"notebook code": text_hash(json.dumps([*map(meaning.of_tree, measuring), *unknown]))}
    return _numbers(reach.facts_of(node for tree in measuring for node in ast.walk(tree)), own)


def of_maker(module: Path, made: Iterable[str]) -> str:
    """The code digest of a module that makes the tables `made`: of all that can change a number in them."""
    source = reach.source(module)
    return _numbers(source.facts, {reach.name(module): source.means}, set(made))


def _numbers(facts: reach.Facts, own: dict[str, str], made: Iterable[str] = ()) -> str:
    reached = reach.numbers(facts)
    parts = own | {reach.name(path): module.means for path, module in reached.modules.items()}
    parts |= {reach.name(path): _file_hash(path) for path in reached.files}
    parts |= {
        _table(name): rows_hash(data.table_path(name)) for name in reached.tables - set(made) & set(data.tables())
    }
    registry = data.registry()
    parts |= {f"{SET}{name}": str(registry.get(name, {}).get("sha256")) for name in reached.sets}
    return text_hash(json.dumps(parts, sort_keys=True))


def besides(ran: dict[str, Any], known: dict[str, str]) -> dict[str, str]:
    """What a kernel reports to have loaded, opened and looked up beyond the `known` parts of a digest, as parts with
    their hashes and versions. Files that are known stand in it too where they held something else than the digest
    says."""
    found = {name: content for name, content in ran["files"].items() if name != "registry.yml"}  # its entries count
    found |= {f"{shown.TEXT}{name}": ran["texts"][name] for name in ran["read"]}
    for part in known:
        # Whether a text that was shown had changed by then, only its whole file can tell.
        if part.startswith(shown.TEXT) and (text := ran["texts"].get(shown.file_of(part))) is not None:
            found |= {part: text} if text != now(shown.TEXT + shown.file_of(part)) else {}
    installed = _versions(set(ran["packages"]) & set(_distributions()))  # others are private modules of these
    found |= {f"{DISTRIBUTION}{name}": version for name, version in installed.items()}
    for name in ran["data"]:
        found |= {f"{SET}{name}": _entry_hash(name), f"{COPY}{name}": _at_hand(name)}
    return {name: value for name, value in sorted(found.items()) if known.get(name) != value}


def forget() -> None:
    """Look at installed versions anew: somebody may have installed others while this process ran."""
    importlib.invalidate_caches()
    _version.cache_clear()
    _distributions.cache_clear()


def now(part: str, root: Path | None = None) -> str:
    """What a part other than `TEXT_PARTS` holds now; ``absent`` where it is gone. `root` is the book's folder."""
    if part in ("profile", "device", "python"):
        return {"profile": run.default_profile, "device": run.device_class, "python": lambda: sys.version}[part]()
    for beginning, value in ((DISTRIBUTION, _version), (SET, _entry_hash), (COPY, _at_hand)):
        if part.startswith(beginning):
            return value(part.removeprefix(beginning))
    path = _path(shown.file_of(part), root)
    if not path.is_file():
        return "absent"
    if "::" in part:
        return shown.now(part)
    return _file_hash(path) if part.startswith(shown.TEXT) else _meaning_hash(path)


def _path(file: str, root: Path | None) -> Path:
    """The file of a name that `name` has given."""
    return Path(root or "", file.removeprefix(FILE)) if file.startswith(FILE) else rooms.PACKAGE / file


def unchanged(parts: dict[str, str], texts: dict[str, str], root: Path) -> bool:
    """Whether all these parts, but those of the text, are now as they are given. A file whose text is still that of
    `texts` need not be parsed."""
    # A package that was absent may have come under another name than the one it is imported by.
    if any(value == "absent" and name.startswith(DISTRIBUTION) for name, value in parts.items()):
        return False
    same = {file for file, text in texts.items() if now(shown.TEXT + file, root) == text}
    moving = (name for name in parts if name not in TEXT_PARTS and shown.file_of(name) not in same)
    return all(now(name, root) == parts[name] for name in moving)


def names() -> str:
    """One hash of the names of all files of this package, since a new one may be what an import finds; and of the
    rules by which digests are made."""
    files = [reach.name(path) for path in rooms.PACKAGE.rglob("*") if path.suffix != ".pyc"]
    return text_hash("\n".join([*sorted(files), *_rules()]))


@lru_cache
def _rules() -> tuple[str, ...]:
    modules = (sys.modules[__name__], drawing, meaning, reach, rooms, shown)
    return tuple(_file_hash(Path(module.__file__)) for module in modules)


def of_modules() -> str:
    """One hash of all modules that a notebook can import: what numba compiled from them is kept under it. numba itself
    looks at the file of a function alone, and not at those that it calls or takes constants from."""
    files = [path for path in sorted(rooms.PACKAGE.rglob("*.py")) if not rooms.is_machinery(reach.name(path))]
    return text_hash("".join(f"{reach.name(path)} {_file_hash(path)}\n" for path in files))


def name(path: Path, root: Path) -> str:
    """The name of a file as a part: relative to this package, to the book's folder `root`, or as it is."""
    if path.is_relative_to(rooms.PACKAGE):
        return reach.name(path)
    return FILE + (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def _table(name: str) -> str:
    path = data.tables().get(name)
    return reach.name(path) if path else f"table {name}"


def _entry_hash(name: str) -> str:
    return text_hash(json.dumps(data.registry().get(name), sort_keys=True, default=str))


def _at_hand(name: str) -> str:
    return str(name in data.registry() and data.available(name))


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Names of the parts that differ between two `Digest.parts`, in the order in which a reader looks for them. A text
    is not named where what it means has changed too."""
    found = [name for name in after | before if before.get(name) != after.get(name)]
    return [name for name in found if not name.startswith(shown.TEXT) or shown.file_of(name) not in found]


def text_hash(text: str) -> str:
    """A hash of a text, short enough to read."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def rows_hash(path: Path) -> str:
    """The hash of a table without the lines at its top that say where it comes from."""
    lines = path.read_bytes().replace(b"\r\n", b"\n").split(b"\n")
    head = next((number for number, line in enumerate(lines) if not line.startswith(b"#")), len(lines))
    return meaning.of_text(b"\n".join(lines[head:]))


@lru_cache(maxsize=4096)
def _text_of(path: Path, stamp: tuple[int, int]) -> str:
    return meaning.of_text(path.read_bytes())


@lru_cache(maxsize=4096)
def _meaning_of(path: Path, stamp: tuple[int, int]) -> str:
    return meaning.of_file(path.name, path.read_bytes())


def _file_hash(path: Path) -> str:
    return _text_of(path, reach.stamp(path))


def _meaning_hash(path: Path) -> str:
    return _meaning_of(path, reach.stamp(path))


def _started(nodes: list[ast.AST]) -> set[str]:
    """Chapters that a notebook starts, by literal names: the claims files it depends on."""
    found = set()
    for node in (node for node in nodes if isinstance(node, ast.Call)):
        if getattr(node.func, "attr", getattr(node.func, "id", None)) == "start":
            given = node.args[:1] + [keyword.value for keyword in node.keywords if keyword.arg == "chapter"]
            found |= {chapter for value in given if (chapter := reach.literal(value)) is not None}
    return found


@lru_cache
def _distributions() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())


def _versions(packages: Iterable[str]) -> dict[str, str]:
    """Installed versions of the distributions that provide these import names; ``absent`` where none does."""
    found = {}
    for package in sorted(packages):
        for name in _distributions().get(package, [package]):
            found[name.lower()] = _version(name)
    return found


@lru_cache
def _version(distribution: str) -> str:
    # A local label ("2.13.0+cpu") says how torch was built; the class of device already tells that apart.
    try:
        return importlib.metadata.version(distribution).partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return "a module" if _is_module(distribution) else "absent"


def _is_module(name: str) -> bool:
    """Whether there is a top-level module of this name, which no installed package has brought."""
    try:
        return name.isidentifier() and importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False

"""What a chapter's numbers depend on, as one digest.

Helper modules, tables, claims, package versions and the profile stand behind the code cells of a notebook; a changed
helper must not show old numbers. `of` finds them by syntax, before anything runs. What the syntax does not show (a
module imported by name, a table read by path, the packages behind a package), the kernel reports when it has run:
`besides` gives it names, and `now` says whether it is still so. No time and no absolute path enters a digest.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

import foretold
from foretold import data, run

PACKAGE = Path(foretold.__file__).parent
# Calls in foretold.data whose first argument names a table or a data set.
TABLE_CALLS = {"table", "table_path"}
DATA_CALLS = {"fetch", "available"}
TEXT_PARTS = ("notebook code", "tags or bootstrap cell")
# How the names of parts begin; that of a file of this package has no beginning.
DISTRIBUTION, SET, COPY, FILE = "package ", "data set ", "copy of ", "file "
MACHINE_PARTS = ("profile", "device", "tags or bootstrap cell", "python")


@dataclass(frozen=True)
class Digest:
    """The parts that a chapter depends on, each with its own hash or version.

    `code` parts are the same on every machine (notebook code, modules, tables, claims, registry entries); `machine`
    parts are the profile, the class of device, the versions of packages, and which optional data sets are at hand.
    """

    code_parts: dict[str, str]
    machine_parts: dict[str, str]

    @classmethod
    def of_parts(cls, parts: dict[str, str]) -> Digest:
        """The digest that has these parts."""
        machine = {name for name in parts if name in MACHINE_PARTS or name.startswith((DISTRIBUTION, COPY))}
        return cls(
            {name: value for name, value in parts.items() if name not in machine},
            {name: value for name, value in parts.items() if name in machine},
        )

    @property
    def code(self) -> str:
        """The code digest: recorded results are stale when it moves."""
        return text_hash(json.dumps(self.code_parts, sort_keys=True))

    @property
    def cache(self) -> str:
        """The cache digest: a chapter executes again when it moves."""
        return text_hash(json.dumps([self.code_parts, self.machine_parts], sort_keys=True))

    @property
    def parts(self) -> dict[str, str]:
        """All parts by name, for `foretold status`."""
        return self.code_parts | self.machine_parts


def of(notebook: NotebookNode, profile: str | None = None) -> Digest:
    """The digest of a notebook as this process would run it, with its device and installed packages.

    `profile` is by default this process's own.
    """
    # The bootstrap cell holds the repository's address; a fork's recorded results are not stale because of it.
    cells = [c for c in notebook.cells if c.cell_type == "code" and "bootstrap" not in c.metadata.get("tags", [])]
    code = [c.source for c in cells]
    trees = list(_parse_cells(c.source for c in notebook.cells if c.cell_type == "code"))
    modules, packages, tables, sets = _closure(trees)
    parts = {"notebook code": text_hash("\n\0\n".join(line.replace("\r\n", "\n") for line in code))}
    for path in modules:
        parts[path.relative_to(PACKAGE).as_posix()] = _file_hash(path)
    for name in sorted(tables):
        path = data.tables().get(name)
        parts[path.relative_to(PACKAGE).as_posix() if path else f"table {name}"] = (
            _file_hash(path) if path else "absent"
        )
    for name in sorted(_started(trees)):
        path = PACKAGE / "papers" / name / "claims.yml"
        parts[f"papers/{name}/claims.yml"] = _file_hash(path) if path.exists() else "absent"
    for name in sorted(sets):
        parts[f"{SET}{name}"] = _entry_hash(name)
    machine = {"profile": profile or run.default_profile(), "device": run.device_class()}
    aside = [(c.metadata.get("tags"), "" if c in cells else c.source) for c in notebook.cells if c.cell_type == "code"]
    machine["tags or bootstrap cell"] = text_hash(json.dumps(aside))
    machine["python"] = sys.version  # all of it: the source of the standard library is a corpus here
    machine |= {f"{DISTRIBUTION}{name}": version for name, version in _versions(packages).items()}
    machine |= {f"{COPY}{name}": _at_hand(name) for name in sorted(sets)}
    return Digest(parts, machine)


def besides(ran: dict[str, Any], known: dict[str, str]) -> dict[str, str]:
    """What a kernel reports to have loaded, opened and looked up beyond the `known` parts of a digest, as parts with
    their hashes and versions. Files that are known stand in it too where they held something else than the digest
    says."""
    found = {name: content for name, content in ran["files"].items() if name != "registry.yml"}  # its entries count
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


def now(part: str, root: Path) -> str:
    """What a part other than `TEXT_PARTS` holds now; ``absent`` where it is gone."""
    if part in ("profile", "device", "python"):
        return {"profile": run.default_profile, "device": run.device_class, "python": lambda: sys.version}[part]()
    for beginning, value in ((DISTRIBUTION, _version), (SET, _entry_hash), (COPY, _at_hand)):
        if part.startswith(beginning):
            return value(part.removeprefix(beginning))
    path = root / part.removeprefix(FILE) if part.startswith(FILE) else PACKAGE / part
    return _file_hash(path) if path.is_file() else "absent"


def unchanged(parts: dict[str, str], root: Path) -> bool:
    """Whether all these parts, but those of the text, are now as they are given."""
    # A package that was absent may have come under another name than the one it is imported by.
    if any(value == "absent" and name.startswith(DISTRIBUTION) for name, value in parts.items()):
        return False
    return all(now(name, root) == value for name, value in parts.items() if name not in TEXT_PARTS)


def names() -> str:
    """One hash of the names of all files of this package: a new one may be what an import finds."""
    files = (path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*") if path.suffix != ".pyc")
    return text_hash("\n".join(sorted(files)))


def of_modules() -> str:
    """One hash of all modules that a notebook can import: what numba compiled from them is kept under it. numba itself
    looks at the file of a function alone, and not at those that it calls or takes constants from."""
    files = [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent != PACKAGE / "book"]
    return text_hash("".join(f"{path.relative_to(PACKAGE)} {_file_hash(path)}\n" for path in files))


def name(path: Path, root: Path) -> str:
    """The name of a file as a part: relative to this package, to the book's folder `root`, or as it is."""
    if path.is_relative_to(PACKAGE):
        return path.relative_to(PACKAGE).as_posix()
    return FILE + (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def _entry_hash(name: str) -> str:
    return text_hash(json.dumps(data.registry().get(name), sort_keys=True, default=str))


def _at_hand(name: str) -> str:
    return str(name in data.registry() and data.available(name))


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Names of the parts that differ between two `Digest.parts`, in the order in which a reader looks for them."""
    return [name for name in after | before if before.get(name) != after.get(name)]


def text_hash(text: str) -> str:
    """A hash of a text, short enough to read."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@lru_cache(maxsize=4096)
def _hash_of(path: Path, stamp: tuple[int, int]) -> str:
    # Line ends are normalised: git may write either kind into a checkout.
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()[:32]


def _file_hash(path: Path) -> str:
    stat = path.stat()
    return _hash_of(path, (stat.st_mtime_ns, stat.st_size))


def _parse_cells(sources: Iterable[str]) -> Iterator[list[ast.AST]]:
    """The nodes of each cell's syntax tree."""
    for source in sources:
        try:
            tree = ast.parse(source)
        except SyntaxError:  # a magic, perhaps; else it will fail when it runs, with a traceback that says where
            try:
                tree = ast.parse(TransformerManager().transform_cell(source))
            except SyntaxError:
                continue
        yield list(ast.walk(tree))


@dataclass(frozen=True)
class Facts:
    """What one syntax tree names: dotted imports, tables and data sets; None stands for a name that is computed."""

    imports: frozenset[str]
    tables: frozenset[str | None]
    sets: frozenset[str | None]


def _facts(tree: list[ast.AST], package: str) -> Facts:
    called = list(_called(tree))
    return Facts(
        frozenset(_imports(tree, package)),
        frozenset(name for function, name in called if function in TABLE_CALLS),
        frozenset(name for function, name in called if function in DATA_CALLS),
    )


@lru_cache(maxsize=4096)
def _facts_of_module(path: Path, package: str, stamp: tuple[int, int]) -> tuple[Facts, frozenset[Path]]:
    """(what a module names, files beside it that it names)."""
    tree = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=path.name)))
    stub = path.with_suffix(".pyi")  # says which modules lazy_loader imports when a name is first used
    if stub.exists():
        tree += ast.walk(ast.parse(stub.read_text(encoding="utf-8"), filename=stub.name))
    facts = _facts(tree, package)
    if path == PACKAGE / "data.py":  # its functions pass names on: it names no table, no data set and no file
        return Facts(facts.imports, frozenset(), frozenset()), frozenset()
    return facts, frozenset(_siblings(tree, path.parent)) | ({stub} if stub.exists() else frozenset())


def _closure(trees: list[list[ast.AST]]) -> tuple[list[Path], set[str], set[str], set[str]]:
    """(files of the package, third-party top-level packages, tables, data sets) that these syntax trees reach."""
    files: set[Path] = set()
    packages: set[str] = set()
    tables: set[str] = set()
    sets: set[str] = set()
    waiting = [_facts(tree, "") for tree in trees]
    while waiting:
        facts = waiting.pop()
        for name in facts.imports:
            top = name.partition(".")[0]
            if top != "foretold":
                if top not in sys.stdlib_module_names:
                    packages.add(top)
                continue
            path = _module_file(name)
            if path is None or path in files:
                continue
            inside = name if path.name == "__init__.py" else name.rpartition(".")[0]
            stat = path.stat()
            named, siblings = _facts_of_module(path, inside, (stat.st_mtime_ns, stat.st_size))
            waiting.append(named)
            files |= {path, *siblings}
        # A name that is not a literal could be any: depend on all, rather than show old numbers.
        tables.update(data.tables() if None in facts.tables else facts.tables)
        sets.update(data.registry() if None in facts.sets else facts.sets)
    return sorted(files), packages, tables, sets


def _siblings(tree: list[ast.AST], folder: Path) -> set[Path]:
    """Files beside a module that it names as a whole string: figures/interaction.py names runtime.js."""
    named = {node.value for node in tree if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {path for path in folder.iterdir() if path.is_file() and path.suffix != ".py" and path.name in named}


def _module_file(name: str) -> Path | None:
    """The file of a module of this package, or None where the dotted name is no module (a function, say)."""
    path = PACKAGE.joinpath(*name.split(".")[1:])
    for candidate in (path.with_suffix(".py") if path != PACKAGE else None, path / "__init__.py"):
        if candidate is not None and candidate.is_file():
            return candidate
    return None


def _imports(tree: list[ast.AST], package: str) -> Iterator[str]:
    """Dotted names that a syntax tree imports, parents included; a `from` import also yields its names, which may be
    modules."""
    for node in tree:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _parents(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base]) if base else ".".join(above)
            yield from _parents(base)
            for alias in node.names:
                yield f"{base}.{alias.name}"


def _parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        yield ".".join(parts[:end])


def _called(tree: list[ast.AST]) -> Iterator[tuple[str, str | None]]:
    """Calls to functions of `foretold.data`: the function's name, and its first argument: the literal, or None where it
    is not one."""
    modules, direct = {"data"}, {}
    for node in tree:
        if isinstance(node, ast.Import):
            modules.update(a.asname for a in node.names if a.name == "foretold.data" and a.asname)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").rpartition(".")[2] in ("foretold", ""):
            modules.update(a.asname or a.name for a in node.names if a.name == "data")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").rpartition(".")[2] == "data":
            direct.update({a.asname or a.name: a.name for a in node.names})
    for node in tree:
        if not isinstance(node, ast.Call):
            continue
        function = None
        if isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if (owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", None)) in modules:
                function = node.func.attr
        elif isinstance(node.func, ast.Name):
            function = direct.get(node.func.id)
        if function is not None:
            given = node.args[0] if node.args else next((k.value for k in node.keywords if k.arg == "name"), None)
            literal = isinstance(given, ast.Constant) and isinstance(given.value, str)
            yield function, given.value if literal else None


def _started(trees: list[list[ast.AST]]) -> set[str]:
    """Chapters that a notebook starts, by literal names: the claims files it depends on."""
    found = set()
    for node in (node for tree in trees for node in tree if isinstance(node, ast.Call)):
        if getattr(node.func, "attr", getattr(node.func, "id", None)) == "start":
            given = node.args[:1] + [keyword.value for keyword in node.keywords if keyword.arg == "chapter"]
            found |= {
                value.value for value in given if isinstance(value, ast.Constant) and isinstance(value.value, str)
            }
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

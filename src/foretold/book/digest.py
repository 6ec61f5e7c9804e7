"""What a chapter's numbers depend on, as one digest.

jupyter-cache keys an executed notebook by its code cells, their metadata and the kernel. It does not see the helper
modules, tables, claims, package versions or the profile behind them; so a changed helper would show old numbers. `of`
collects those, and the reader puts their digest into the metadata of the first code cell, where jupyter-cache does see
it. No time and no absolute path enters.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import json
import platform
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

import foretold
from foretold import data, run

PACKAGE = Path(foretold.__file__).parent
# Calls in foretold.data whose first argument names a table or a data set.
TABLE_CALLS = {"table", "table_path"}
DATA_CALLS = {"fetch", "available"}


@dataclass(frozen=True)
class Digest:
    """The parts that a chapter depends on, each with its own hash or version.

    `code` parts are the same on every machine (notebook code, modules, tables, claims, registry entries); `machine`
    parts are the profile, the class of device, the versions of packages, and which optional data sets are at hand.
    """

    code_parts: dict[str, str]
    machine_parts: dict[str, str]

    @property
    def code(self) -> str:
        """The code digest: recorded results are stale when it moves."""
        return _hash(json.dumps(self.code_parts, sort_keys=True))

    @property
    def cache(self) -> str:
        """The cache digest: a chapter executes again when it moves."""
        return _hash(json.dumps([self.code_parts, self.machine_parts], sort_keys=True))

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
    parts = {"notebook code": _hash("\n\0\n".join(line.replace("\r\n", "\n") for line in code))}
    for path in modules:
        parts[path.relative_to(PACKAGE).as_posix()] = _file_hash(path)
    for name in sorted(tables):
        path = data.tables_path() / f"{name}.csv"
        parts[f"tables/{name}.csv"] = _file_hash(path) if path.exists() else "absent"
    for name in sorted(_started(trees)):
        path = PACKAGE / "claims" / f"{name}.yml"
        parts[f"claims/{name}.yml"] = _file_hash(path) if path.exists() else "absent"
    entries = _registry()
    for name in sorted(sets):
        parts[f"data set {name}"] = _hash(json.dumps(entries.get(name), sort_keys=True, default=str))
    machine = {"profile": profile or run.default_profile(), "device": run.device_class()}
    # jupyter-cache keys on these too; here they are for `foretold status`, which says why a chapter is out of date.
    aside = [(c.metadata.get("tags"), "" if c in cells else c.source) for c in notebook.cells if c.cell_type == "code"]
    machine["tags or bootstrap cell"] = _hash(json.dumps(aside))
    machine["python"] = ".".join(platform.python_version_tuple()[:2])
    machine |= {f"package {name}": version for name, version in _versions(frozenset(packages)).items()}
    machine |= {f"copy of {name}": str(name in entries and data.available(name)) for name in sorted(sets)}
    return Digest(parts, machine)


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Names of the parts that differ between two `Digest.parts`, in the order in which a reader looks for them."""
    return [name for name in after | before if before.get(name) != after.get(name)]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@lru_cache(maxsize=4096)
def _hash_of(path: Path, stamp: tuple[int, int]) -> str:
    # Line ends are normalised: git may write either kind into a checkout.
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()[:32]


def _file_hash(path: Path) -> str:
    stat = path.stat()
    return _hash_of(path, (stat.st_mtime_ns, stat.st_size))


def _parse_cells(sources: Iterable[str]) -> Iterator[ast.Module]:
    to_python = TransformerManager().transform_cell
    for source in sources:
        try:
            yield ast.parse(to_python(source))
        except SyntaxError:
            continue  # it will fail when it runs, with a traceback that says where


@lru_cache(maxsize=4096)
def _parse_module(path: Path, stamp: tuple[int, int]) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=path.name)


def _closure(trees: list[ast.Module]) -> tuple[list[Path], set[str], set[str], set[str]]:
    """(files of the package, third-party top-level packages, tables, data sets) that these syntax trees reach."""
    files: set[Path] = set()
    packages: set[str] = set()
    tables: set[str] = set()
    sets: set[str] = set()
    waiting: list[tuple[ast.Module, str, Path | None]] = [(tree, "", None) for tree in trees]
    while waiting:
        tree, package, origin = waiting.pop()
        for name in _imports(tree, package):
            top = name.partition(".")[0]
            if top != "foretold":
                if top not in sys.stdlib_module_names:
                    packages.add(top)
                continue
            path = _module_file(name)
            if path is None or path in files:
                continue
            files.add(path)
            stat = path.stat()
            inside = name if path.name == "__init__.py" else name.rpartition(".")[0]
            waiting.append((_parse_module(path, (stat.st_mtime_ns, stat.st_size)), inside, path))
        if origin == PACKAGE / "data.py":
            continue  # its functions pass names on; it names no table, and of the registry only the entries used count
        if origin is not None:
            files.update(_siblings(tree, origin.parent))
        for calls, named, everything in (
            (TABLE_CALLS, tables, data.tables()),
            (DATA_CALLS, sets, list(_registry())),
        ):
            for name in _named(tree, calls):
                # A name that is not a literal could be any: depend on all, rather than show old numbers.
                named.update([name] if name is not None else everything)
    return sorted(files), packages, tables, sets


def _siblings(tree: ast.Module, folder: Path) -> set[Path]:
    """Files beside a module that it names as a whole string: figures.py names interactive.js."""
    named = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {path for path in folder.iterdir() if path.is_file() and path.suffix != ".py" and path.name in named}


def _registry() -> dict[str, dict]:
    return yaml.safe_load(data.registry_path().read_text(encoding="utf-8")) or {}


def _module_file(name: str) -> Path | None:
    """The file of a module of this package, or None where the dotted name is no module (a function, say)."""
    path = PACKAGE.joinpath(*name.split(".")[1:])
    for candidate in (path.with_suffix(".py") if path != PACKAGE else None, path / "__init__.py"):
        if candidate is not None and candidate.is_file():
            return candidate
    return None


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    """Dotted names that a syntax tree imports, parents included; a `from` import also yields its names, which may be
    modules."""
    for node in ast.walk(tree):
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


def _named(tree: ast.Module, functions: set[str]) -> Iterator[str | None]:
    """First arguments of calls to these functions of `foretold.data`: the literal, or None where it is not one."""
    modules, direct = {"data"}, {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules.update(a.asname for a in node.names if a.name == "foretold.data" and a.asname)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").rpartition(".")[2] in ("foretold", ""):
            modules.update(a.asname or a.name for a in node.names if a.name == "data")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").rpartition(".")[2] == "data":
            direct.update({a.asname or a.name: a.name for a in node.names})
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Attribute):
            owner = called.value
            owner_name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", None)
            hit = called.attr in functions and owner_name in modules
        else:
            hit = isinstance(called, ast.Name) and direct.get(called.id) in functions
        if hit:
            given = node.args[0] if node.args else next((k.value for k in node.keywords if k.arg == "name"), None)
            yield given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else None


def _started(trees: list[ast.Module]) -> set[str]:
    """Chapters that a notebook starts: the claims files it depends on."""
    return {
        node.args[0].value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", None)) == "start"
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def chapter_name(notebook: NotebookNode) -> str | None:
    """The chapter that a notebook starts with ``foretold.start("...")``, or None."""
    names = _started(list(_parse_cells(c.source for c in notebook.cells if c.cell_type == "code")))
    return min(names) if len(names) == 1 else None


@lru_cache
def _distributions() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())


@lru_cache
def _versions(packages: frozenset[str]) -> dict[str, str]:
    """Installed versions of the distributions that provide these import names; ``absent`` where none does."""
    found = {}
    for package in sorted(packages):
        for name in _distributions().get(package, []):
            # A local label ("2.13.0+cpu") says how torch was built; the class of device already tells that apart.
            found[name.lower()] = importlib.metadata.version(name).partition("+")[0]
        if package not in _distributions():
            found[package] = "absent"
    return found

"""What a syntax tree reaches: modules of this package through their imports, third-party packages, tables and data
sets. `foretold.book.unseen` refuses what would be reached and not be seen here."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager

from foretold import data
from foretold.book import meaning, rooms

# Calls in foretold.data whose first argument names a table or a data set.
TABLE_CALLS = {"table", "table_path"}
DATA_CALLS = {"fetch", "available"}


@dataclass(frozen=True)
class Facts:
    """What one syntax tree names: modules that it imports, names that it imports `from` modules (which may be modules
    too), tables and data sets; None stands for a name that is computed."""

    imports: frozenset[str] = frozenset()
    froms: frozenset[tuple[str, str]] = frozenset()
    tables: frozenset[str | None] = frozenset()
    sets: frozenset[str | None] = frozenset()


@dataclass(frozen=True)
class Source:
    """A module's source from one reading: the hash of its text, that of what it means, what it names, and the files
    beside it that it names."""

    text: str
    means: str
    facts: Facts
    siblings: frozenset[Path]


@dataclass
class Reached:
    """What syntax trees reach: modules by path, other files of the package, third-party top-level packages, tables and
    data sets by name."""

    modules: dict[Path, Source] = field(default_factory=dict)
    files: set[Path] = field(default_factory=set)
    packages: set[str] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)
    sets: set[str] = field(default_factory=set)


def name(path: Path) -> str:
    """A file's name: its place in this package."""
    return path.relative_to(rooms.PACKAGE).as_posix()


def source(path: Path) -> Source:
    """A module's `Source`, read again only if the file changes."""
    return _source(path, stamp(path))


def stamp(path: Path) -> tuple[int, int]:
    """What moves when somebody writes a file, in this process's lifetime."""
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size


@lru_cache(maxsize=4096)
def _source(path: Path, stamp: tuple[int, int]) -> Source:
    content = path.read_bytes()
    tree = meaning.parse(content)
    facts, siblings = Facts(), frozenset()
    if tree is not None:
        nodes = list(ast.walk(tree))
        facts, siblings = facts_of(nodes, package_of(path)), frozenset(_siblings(nodes, path))
    if path == rooms.PACKAGE / "data.py":  # its functions pass names on: it names no table, no data set and no file
        facts, siblings = Facts(facts.imports, facts.froms), frozenset()
    return Source(meaning.of_text(content), meaning.of_parsed(content, tree), facts, siblings)


def package_of(path: Path) -> str:
    """The dotted name of the package that a module belongs to: relative imports begin there."""
    return ".".join(["foretold", *path.parent.relative_to(rooms.PACKAGE).parts])


def parse_cell(source: str) -> ast.Module | None:
    """A cell's syntax tree; None where it does not parse: it will fail when it runs, with a traceback that says
    where."""
    for text in (source, TransformerManager().transform_cell(source)):  # a magic, perhaps
        try:
            return ast.parse(text)
        except SyntaxError:
            continue
    return None


def facts_of(nodes: Iterable[ast.AST], package: str = "") -> Facts:
    """What the nodes of a tree name; `package` is where its relative imports begin."""
    nodes = list(nodes)
    called = list(_called(nodes, package))
    froms = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    return Facts(
        frozenset(alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names),
        frozenset((import_base(node, package), alias.name) for node in froms for alias in node.names),
        frozenset(name for function, name in called if function in TABLE_CALLS),
        frozenset(name for function, name in called if function in DATA_CALLS),
    )


def everything(facts: Facts) -> Reached:
    """All that runs or is read because of these facts."""
    return _closure(facts, lambda name: True)


def numbers(facts: Facts) -> Reached:
    """Of that, what can change a number. What only a drawing reaches is not among it, nor what the package as a whole
    loads whenever one of its modules is imported."""
    return _closure(facts, rooms.can_change_a_number, without="foretold")


def _closure(facts: Facts, counts: Callable[[str], bool], without: str = "") -> Reached:
    found = Reached()
    waiting = [facts]
    while waiting:
        now = waiting.pop()
        named = _named(now)
        for module in named | {parent for one in named for parent in _parents(one)} - {without}:
            top = module.partition(".")[0]
            if top != "foretold":
                found.packages |= {top} - sys.stdlib_module_names
                continue
            path = module_file(module)
            if path is None or path in found.modules or not counts(name(path)):
                continue
            for file in (path, *stub(path)):
                found.modules[file] = source(file)
                waiting.append(found.modules[file].facts)
                found.files |= {sibling for sibling in found.modules[file].siblings if counts(name(sibling))}
        # A name that is not a literal could be any: depend on all, rather than show old numbers.
        found.tables.update(data.tables() if None in now.tables else now.tables)
        found.sets.update(data.registry() if None in now.sets else now.sets)
    return found


def _named(facts: Facts) -> set[str]:
    """Dotted names of the modules that facts name: `from a import b` names a.b if that is a module, and else a."""
    modules = {f"{base}.{name}" if module_file(f"{base}.{name}") else base for base, name in facts.froms}
    return modules | facts.imports


def stub(path: Path) -> list[Path]:
    """The file that says which names a package loads when they are first used, where it has one."""
    stub = path.with_suffix(".pyi")
    return [stub] if path.name == "__init__.py" and stub.is_file() else []


def _siblings(nodes: Iterable[ast.AST], path: Path) -> set[Path]:
    """Files beside a module that it names as a whole string: figures/interaction.py names runtime.js."""
    named = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {file for file in beside(path) if file.name in named}


def beside(path: Path) -> list[Path]:
    """Files that are no modules beside a module, or beside the room that it is a part of: papers/x/draw/curves.py may
    name papers/x/browser.js."""
    folders = (path.parent, path.parent.parent)
    files = (file for folder in folders if folder.is_relative_to(rooms.PACKAGE) for file in folder.iterdir())
    return [file for file in files if file.is_file() and file.suffix not in (*meaning.MODULES, ".pyc")]


def module_file(module: str) -> Path | None:
    """The file of a module of this package, or None where the dotted name is none (a function, say)."""
    if module.partition(".")[0] != "foretold":
        return None
    path = rooms.PACKAGE.joinpath(*module.split(".")[1:])
    for candidate in (path.with_suffix(".py") if path != rooms.PACKAGE else None, path / "__init__.py"):
        if candidate is not None and candidate.is_file():
            return candidate
    return None


def import_base(node: ast.ImportFrom, package: str) -> str:
    """The dotted name that a `from` import takes names from, inside a module of `package`."""
    if not node.level:
        return node.module or ""
    above = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def _parents(module: str) -> Iterator[str]:
    parts = module.split(".")
    for end in range(1, len(parts)):
        yield ".".join(parts[:end])


def _called(nodes: list[ast.AST], package: str) -> Iterator[tuple[str, str | None]]:
    """Calls to functions of `foretold.data`: the function's name, and its first argument: the literal, or None where it
    is not one."""
    modules, direct = data_names(nodes, package)
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        function = data_function(node.func, modules, direct)
        if function is not None:
            given = node.args[0] if node.args else next((k.value for k in node.keywords if k.arg == "name"), None)
            yield function, literal(given)


def dotted(node: ast.AST) -> str:
    """A name with its attributes; "?" stands for what is no name."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def literal(node: ast.AST | None) -> str | None:
    """The string that a node is, or None."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def data_names(nodes: Iterable[ast.AST], package: str = "") -> tuple[set[str], dict[str, str]]:
    """The names under which a tree has `foretold.data`, and those of its functions that it imports by name."""
    modules: set[str] = set()
    direct: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            modules.update(a.asname for a in node.names if a.name == "foretold.data" and a.asname)
        elif isinstance(node, ast.ImportFrom):
            base = import_base(node, package)
            modules.update(a.asname or a.name for a in node.names if f"{base}.{a.name}" == "foretold.data")
            direct.update({a.asname or a.name: a.name for a in node.names if base == "foretold.data"})
    return modules, direct


def data_function(node: ast.AST, modules: set[str], direct: dict[str, str]) -> str | None:
    """The function of `foretold.data` that a name or an attribute stands for, or None."""
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value)
        return node.attr if owner in modules or owner == "foretold.data" else None
    return direct.get(node.id) if isinstance(node, ast.Name) else None

"""What a chapter would reach and its digest would not see, by file and line: each of these is an error.

A digest finds by syntax what a chapter depends on, so the syntax must show it. What only draws or shows is no part of
the code digest, so no number may come from it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from foretold import data
from foretold.book import drawing, meaning, reach, rooms
from foretold.book.project import Project

Place = tuple[ast.AST, str]
DYNAMIC = {"import_module", "__import__", "run_path", "run_module", "spec_from_file_location", "attach", "exec", "eval"}
NO_METHODS = {"exec", "eval"}  # `model.eval()` is torch's
PATHS = {"papers_path", "table_path", "registry_path"}  # of foretold.data
DATA = reach.TABLE_CALLS | reach.DATA_CALLS
GENERATORS = {"rng", "torch_generator", "default_rng", "Generator"}


def problems(project: Project) -> list[str]:
    """Every such place in the notebooks and in what they can import, as ``path:line: what is wrong``."""
    modules = [path for path in sorted(rooms.PACKAGE.rglob("*.py")) if not rooms.is_machinery(reach.name(path))]
    found, files = [], _data_files(project)
    for path in [*project.notebooks.values(), *modules]:
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=path.name)
        package = reach.package_of(path) if path in modules else ""
        nodes = list(ast.walk(tree))
        rules = _in_a_module(nodes, path) if path in modules else _in_a_notebook(nodes)
        hidden = files - {beside.name for beside in reach.beside(path)} if path in modules else files
        places = [*_everywhere(nodes, package), *_files(nodes, path, hidden), *rules]
        shown = path.relative_to(project.root) if path.is_relative_to(project.root) else path
        found += [f"{shown.as_posix()}:{line}: {what}" for line, what in sorted({(n.lineno, w) for n, w in places})]
    return found


def _data_files(project: Project) -> set[str]:
    """Names of the book's and the package's files that are no code."""
    folders = (rooms.PACKAGE, project.root / "notebooks", project.root / "book")
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    return {file.name for file in files if file.suffix not in (*meaning.MODULES, ".pyc")}


def _everywhere(nodes: list[ast.AST], package: str) -> Iterator[Place]:
    yield from _dynamic_imports(nodes)
    yield from _uses_of_data(nodes, package)


def _in_a_module(nodes: list[ast.AST], path: Path) -> Iterator[Place]:
    yield from _compiled(nodes, reach.package_of(path))
    if rooms.can_change_a_number(reach.name(path)) and not rooms.serves_all(reach.name(path)):
        drawn = _drawing_names(nodes, reach.package_of(path))
        yield from ((node, f"{name} only draws: a module of numbers may not use it") for name, node in drawn.items())


def _in_a_notebook(nodes: list[ast.AST]) -> Iterator[Place]:
    called = {id(node.func): node for node in nodes if isinstance(node, ast.Call)}
    for node in nodes:
        if _last(node) == "getsource":
            yield node, "getsource shows text that no digest sees: use run.show"
        elif isinstance(node, ast.Attribute) and node.attr == "show" and id(node) not in called:
            yield node, "run.show under another name is not seen by the digest: call it where it is needed"
        elif isinstance(node, ast.Call) and _last(node.func) == "start" and _last(node.func, 1) == "foretold":
            given = _first(node, "chapter")
            if reach.literal(given) is None:
                yield node, "foretold.start with a computed name could be any chapter: write its name"
    yield from _numbers_from_drawings(nodes)


# Code that is not seen


def _dynamic_imports(nodes: list[ast.AST]) -> Iterator[Place]:
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            used = {alias.name for alias in node.names}
            if "*" in used:
                yield node, "a star import hides what comes from where: import the module, or its names"
        elif isinstance(node, ast.Attribute):
            used = {node.attr} - NO_METHODS
        else:
            used = {node.id} if isinstance(node, ast.Name) else set()
        for name in used & DYNAMIC:
            yield node, f"{name} reaches code that no digest sees: write an import, inside a function if need be"


def _compiled(nodes: list[ast.AST], package: str) -> Iterator[Place]:
    """Functions that numba compiles and keeps, with what they take from other modules: numba looks for changes in
    their own file alone."""
    body = nodes[0].body
    kept = [n for n in body if isinstance(n, ast.FunctionDef) and any(_keeps(one) for one in n.decorator_list)]
    if not kept:
        return
    imported = {}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and reach.import_base(node, package).startswith("foretold"):
            imported |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            imported |= {a.asname or "foretold": a.name for a in node.names if a.name.startswith("foretold")}
    needs = {name: _loaded(node) for node in body for name in _bound(node)}
    for node in kept:
        for name in sorted(_all_needs(node.name, needs) & set(imported)):
            yield node, f"{node.name} is compiled and kept, but {name} is of another module, where no change is seen"


def _keeps(decorator: ast.expr) -> bool:
    """Whether a decorator is ``njit(cache=True)`` or one of its kind."""
    words = decorator.keywords if isinstance(decorator, ast.Call) else []
    return any(word.arg == "cache" and getattr(word.value, "value", None) is not False for word in words)


def _bound(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _loaded(node: ast.stmt) -> set[str]:
    """Names that a statement uses; annotations are not run by what numba compiles."""
    parts = node.body if isinstance(node, ast.FunctionDef) else [node]
    return {n.id for part in parts for n in ast.walk(part) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _all_needs(name: str, needs: dict[str, set[str]]) -> set[str]:
    found, waiting = set(), {name}
    while waiting:
        found |= waiting
        waiting = {one for some in waiting for one in needs.get(some, set())} - found
    return found


# Data that are not seen


def _uses_of_data(nodes: list[ast.AST], package: str) -> Iterator[Place]:
    """Uses of `foretold.data` that are no plain calls with a name that stands there."""
    modules, direct = reach.data_names(nodes, package)
    called = {id(node.func): node for node in nodes if isinstance(node, ast.Call)}
    owners = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    for node in nodes:
        function = reach.data_function(node, modules, direct)
        if function in PATHS:
            yield node, f"data.{function} leads to files that no digest sees: use data.table"
        elif function in DATA and id(node) not in called:
            yield node, f"data.{function} under another name is not seen by the digest: call it where it is needed"
        elif function in DATA:
            name = reach.literal(_first(called[id(node)], "name"))
            if name is None and function in reach.TABLE_CALLS:
                yield node, f"data.{function} with a computed name could be any table: write its name"
            elif name is not None and name not in (data.tables() if function in reach.TABLE_CALLS else data.registry()):
                yield node, f"data.{function} has no {name!r}"
        elif isinstance(node, ast.Name) and node.id in modules and id(node) not in owners:
            yield node, "foretold.data under another name is not seen by the digest: write data.table or data.fetch"


def _files(nodes: list[ast.AST], path: Path, hidden: set[str]) -> Iterator[Place]:
    """Files that are read by their paths or names, `hidden` ones."""
    if path.is_relative_to(rooms.PACKAGE) and rooms.serves_all(reach.name(path)):
        return
    neighbours = {id(node) for call in nodes for node in _neighbours(call, path)}
    for node in nodes:
        text = reach.literal(node)
        if text is not None and text.rpartition("/")[2] in hidden:
            yield node, f"{text!r} names a file that no digest sees: use data.table or data.fetch"
        elif _last(node) == "__file__" and id(node) not in neighbours:
            yield node, "__file__ leads to files that no digest sees: use data.table, data.fetch, or a file beside it"
        elif isinstance(node, ast.Attribute) and node.attr == "load" and _last(node.value) == "claims":
            yield node, "claims.load reads claims that no digest sees: run.claim has the chapter's own"


def _neighbours(call: ast.AST, path: Path) -> Iterator[ast.AST]:
    """The ``__file__`` in ``Path(__file__).with_name("file")``, where the digest sees that file; and in a package that
    loads what its stub names."""
    if not isinstance(call, ast.Call):
        return
    if _last(call.func) == "with_name" and reach.literal(_first(call, "name")) in {f.name for f in reach.beside(path)}:
        yield from ast.walk(call.func)
    elif _last(call.func) == "attach_stub" and reach.stub(path):
        yield from call.args


# Numbers that come from drawings


def _numbers_from_drawings(nodes: list[ast.AST]) -> Iterator[Place]:
    statements = [node for node in nodes if drawing.draws(node)]
    inside = {id(node) for statement in statements for node in ast.walk(statement)}
    drawn = set(_drawing_names(nodes, ""))
    for node in nodes:
        # What is prepared for a drawing may have a name, if only drawings use it.
        if isinstance(node, ast.Assign) and _loaded(node) & drawn:
            inside |= {id(inner) for inner in ast.walk(node)}
            drawn |= _bound(node)
    generators = {name for node in nodes for name in _generators(node)}
    for node in nodes:
        if isinstance(node, ast.Name) and node.id in drawn and id(node) not in inside:
            yield node, f"{node.id} is of a module that only draws: no number may come from it"
        elif isinstance(node, ast.NamedExpr) and id(node) in inside:
            yield node, "a drawing may not name what numbers could use"
        elif isinstance(node, ast.Name) and node.id in generators and id(node) in inside:
            yield node, f"a drawing that draws from {node.id} changes the numbers after it: give it run.rng of its own"


def _drawing_names(nodes: list[ast.AST], package: str) -> dict[str, ast.AST]:
    """Names that are imported from modules that only draw, or are such modules, with their imports."""
    found = {}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            names = drawing.names(node, package)
            found |= {alias.asname or alias.name: node for alias in names}
        elif isinstance(node, ast.Import):
            found |= {alias.asname or alias.name: node for alias in node.names if drawing.is_module(alias.name)}
    return found


def _generators(node: ast.AST) -> Iterator[str]:
    """Names to which an assignment gives generators of random numbers."""
    if not isinstance(node, ast.Assign):
        return
    for target in node.targets:
        pairs = [(target, node.value)]
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(target.elts, node.value.elts, strict=False))
        for one, value in pairs:
            if isinstance(one, ast.Name) and isinstance(value, ast.Call) and _last(value.func) in GENERATORS:
                yield one.id


def _first(call: ast.Call, name: str) -> ast.expr | None:
    """A call's first argument, which may be given by its name."""
    return call.args[0] if call.args else next((word.value for word in call.keywords if word.arg == name), None)


def _last(node: ast.AST, before: int = 0) -> str:
    """The last word of a dotted name, or the one so many `before` it; empty where there is none."""
    for _ in range(before):
        node = getattr(node, "value", node)
    return getattr(node, "attr", getattr(node, "id", ""))

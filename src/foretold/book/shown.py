"""What a page shows of this package's source, with its docstrings and comments: the arguments of ``run.show(...)`` in
its cells, and all of the rooms that are there to be read."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from foretold.book import meaning, reach, rooms

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
# A shown text as the name of a part: "text of papers/coins.py", or of one definition, "text of papers/coins.py::toss".
TEXT = "text of "


def parts(trees: Iterable[ast.Module], modules: Iterable[Path]) -> dict[str, str]:
    """The texts that a notebook shows, by name with their hashes: `trees` are those of its cells, `modules` all that
    they reach. What `run.show` is given and cannot be found by its name may be the text of any module."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names, found = _imported(nodes, ""), {path: [""] for path in modules if rooms.is_shown(reach.name(path))}
    own = {node.name for node in nodes if isinstance(node, Definition)}
    for argument in _arguments(nodes):
        dotted = reach.dotted(argument)
        head, _, rest = dotted.partition(".")
        if head in own:
            continue
        path, definition = find(f"{names.get(head, '?')}.{rest}".strip("."))
        if path is None:
            found = {path: [""] for path in modules}
            break
        found.setdefault(path, []).append(definition)
    named = {
        f"{TEXT}{reach.name(path)}{f'::{one}' if one else ''}" for path, several in found.items() for one in several
    }
    return {name: now(name) for name in sorted(named)}


def file_of(part: str) -> str:
    """The name of the file that a part is, or whose text, in all or of one definition, it is."""
    return part.removeprefix(TEXT).partition("::")[0]


def now(part: str) -> str:
    """The hash of what a shown text is now; ``absent`` where it is gone."""
    path, definition = rooms.PACKAGE / file_of(part), part.partition("::")[2]
    if not path.is_file():
        return "absent"
    if not definition:
        return reach.source(path).text
    lines = _definitions(path, reach.stamp(path)).get(definition)
    return meaning.of_text(lines) if lines is not None else "absent"


def find(dotted: str) -> tuple[Path | None, str]:
    """The module in which a dotted name is defined, and the definition's own name there (``Class.method``). (None, "")
    where it cannot be told."""
    for _ in range(9):  # a name may be imported from where it was imported
        module, rest = _split(dotted)
        path = reach.module_file(module)
        if path is None or not rest:
            return path, ""
        defined = _definitions(path, reach.stamp(path))
        for end in range(len(rest), 0, -1):
            if ".".join(rest[:end]) in defined:
                # What is left must be what numba and functools put beside a function, never an inherited method.
                known = end == len(rest) or rest[end:] in (["py_func"], ["__wrapped__"])
                return (path, ".".join(rest[:end])) if known else (None, "")
        names = _names(path, reach.stamp(path))
        if rest[0] not in names:
            break
        dotted = ".".join([names[rest[0]], *rest[1:]])
    return None, ""


def _split(dotted: str) -> tuple[str, list[str]]:
    """The longest beginning of a dotted name that is a module of this package, and what follows it."""
    names = dotted.split(".")
    for end in range(len(names), 0, -1):
        if reach.module_file(".".join(names[:end])):
            return ".".join(names[:end]), names[end:]
    return "", names


def _arguments(nodes: Iterable[ast.AST]) -> list[ast.expr]:
    """What ``run.show`` is given, whatever the run is called; ``figures.show`` is given figures."""
    found: list[ast.expr] = []
    for node in nodes:
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr == "show" and reach.dotted(called.value) != "figures":
            found += node.args
    return found


def _imported(nodes: Iterable[ast.AST], package: str) -> dict[str, str]:
    """What each imported name stands for, dotted."""
    found = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {
                a.asname or a.name.partition(".")[0]: a.name if a.asname else a.name.partition(".")[0]
                for a in node.names
            }
        elif isinstance(node, ast.ImportFrom):
            base = reach.import_base(node, package)
            found |= {alias.asname or alias.name: f"{base}.{alias.name}" for alias in node.names}
    return found


@lru_cache(maxsize=512)
def _names(path: Path, stamp: tuple[int, int]) -> dict[str, str]:
    trees = [meaning.parse(file.read_bytes()) for file in (path, *reach.stub(path))]
    nodes = [node for tree in trees if tree is not None for node in ast.walk(tree)]
    return _imported(nodes, reach.package_of(path))


@lru_cache(maxsize=512)
def _definitions(path: Path, stamp: tuple[int, int]) -> dict[str, bytes]:
    """The text of each function and class of a module, decorators included, and of those inside classes."""
    content = path.read_bytes()
    tree, lines = meaning.parse(content), content.splitlines()
    found: dict[str, bytes] = {}

    def add(body: list[ast.stmt], before: str) -> None:
        for node in body:
            if isinstance(node, Definition):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                found[before + node.name] = b"\n".join(lines[first - 1 : node.end_lineno])
                if isinstance(node, ast.ClassDef):
                    add(node.body, f"{before}{node.name}.")

    add(tree.body if tree is not None else [], "")
    return found

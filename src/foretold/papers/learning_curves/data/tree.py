"""Roles of Python's names by position: a walk over the syntax tree, with the scopes that say what is local."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from typing import Any

Position = tuple[int, int]  # line from 1, column from 0, in characters
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class Marks:
    """Roles by position, from a walk over the syntax tree."""

    def __init__(self, source: str) -> None:
        self._lines = source.splitlines()
        self.at: dict[Position, str] = {}
        self.before: dict[Position, str] = {}  # role of the `if` that precedes an expression beginning there
        tree = ast.parse(source)
        self._module = _bound(tree)
        self._walk(tree, [])

    def _place(self, line: int, byte: int) -> Position:
        text = self._lines[line - 1]
        return line, byte if text.isascii() else len(text.encode()[:byte].decode())

    def _mark(self, node: ast.AST, role: str) -> None:
        self.at.setdefault(self._place(node.lineno, node.col_offset), role)

    def _end(self, node: ast.Attribute, role: str) -> None:
        line, column = self._place(node.end_lineno, node.end_col_offset)
        self.at.setdefault((line, column - len(node.attr)), role)

    def _name(self, node: ast.expr | None, role: str) -> None:
        """A role for the last name of a dotted expression, if it is one."""
        if isinstance(node, ast.Name):
            self._mark(node, role)
        elif isinstance(node, ast.Attribute):
            self._end(node, role)

    def _walk(self, node: ast.AST, scopes: list[set[str]]) -> None:
        marker = MARKERS.get(type(node))
        if marker is not None:
            marker(self, node, scopes)
        if not isinstance(node, FUNCTIONS):
            for child in ast.iter_child_nodes(node):
                self._walk(child, scopes)
            return
        outside = [*getattr(node, "decorator_list", []), *node.args.defaults, *filter(None, node.args.kw_defaults)]
        for child in outside:  # decorators and defaults are evaluated outside
            self._walk(child, scopes)
        inner = [*scopes, _bound(node)]
        for child in [*ast.iter_child_nodes(node), *ast.iter_child_nodes(node.args)]:
            if child not in outside and not isinstance(child, ast.arguments):
                self._walk(child, inner)

    # What each kind of node says of names: the first that says something of a place is believed

    def _class(self, node: ast.ClassDef, scopes: list[set[str]]) -> None:
        for base in node.bases:
            self._name(base, "base class")
        self._decorators(node)
        for statement in node.body:
            if not isinstance(statement, ast.For | ast.AugAssign):
                self._class_attributes(getattr(statement, "targets", [getattr(statement, "target", None)]))

    def _class_attributes(self, targets: list[ast.expr | None]) -> None:
        for target in targets:
            if isinstance(target, ast.Name):
                self._mark(target, "class attribute")

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scopes: list[set[str]]) -> None:
        self._decorators(node)
        if node.returns is not None:
            self._name(node.returns, "annotation")

    def _decorators(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self._name(_called(decorator), "decorator")

    def _parameter(self, node: ast.arg, scopes: list[set[str]]) -> None:
        self._mark(node, "parameter")
        if node.annotation is not None:
            self._name(node.annotation, "annotation")

    def _annotated(self, node: ast.AnnAssign, scopes: list[set[str]]) -> None:
        self._name(node.annotation, "annotation")

    def _keyword(self, node: ast.keyword, scopes: list[set[str]]) -> None:
        if node.arg is not None:
            self._mark(node, "keyword argument")

    def _handler(self, node: ast.ExceptHandler, scopes: list[set[str]]) -> None:
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        for kind in kinds:
            self._name(kind, "exception")

    def _raise(self, node: ast.Raise, scopes: list[set[str]]) -> None:
        self._name(_called(node.exc), "exception")

    def _call(self, node: ast.Call, scopes: list[set[str]]) -> None:
        if isinstance(node.func, ast.Attribute):
            self._end(node.func, "method call")
        elif isinstance(node.func, ast.Name):
            self._mark(node.func, f"{self._scope(node.func.id, scopes)} call")

    def _attribute(self, node: ast.Attribute, scopes: list[set[str]]) -> None:
        self._end(node, "attribute store" if isinstance(node.ctx, ast.Store) else "attribute")

    def _variable(self, node: ast.Name, scopes: list[set[str]]) -> None:
        kind = "load" if isinstance(node.ctx, ast.Load) else "store"
        self._mark(node, f"{self._scope(node.id, scopes)} {kind}")

    def _subscript(self, node: ast.Subscript, scopes: list[set[str]]) -> None:
        self._key(node.slice)

    def _dict(self, node: ast.Dict, scopes: list[set[str]]) -> None:
        for key in node.keys:
            self._key(key)

    def _key(self, node: ast.expr | None) -> None:
        if isinstance(node, ast.Constant):
            self._mark(node, "key")

    def _expression(self, node: ast.Expr, scopes: list[set[str]]) -> None:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            self._mark(node.value, "docstring")

    def _unary(self, node: ast.UnaryOp, scopes: list[set[str]]) -> None:
        if not isinstance(node.op, ast.Not):
            self._mark(node, "sign")

    def _choice(self, node: ast.IfExp, scopes: list[set[str]]) -> None:
        self.before[self._place(node.test.lineno, node.test.col_offset)] = "if: choice"

    def _comprehension(self, node: ast.comprehension, scopes: list[set[str]]) -> None:
        for test in node.ifs:
            self.before[self._place(test.lineno, test.col_offset)] = "if: filter"

    def _starred(self, node: ast.Starred, scopes: list[set[str]]) -> None:
        self._mark(node, "unpack")

    def _scope(self, name: str, scopes: list[set[str]]) -> str:
        if any(name in scope for scope in scopes):
            return "local"
        return "builtin" if hasattr(builtins, name) and name not in self._module else "global"


MARKERS: dict[type[ast.AST], Callable[[Marks, Any, list[set[str]]], None]] = {
    ast.ClassDef: Marks._class,
    ast.FunctionDef: Marks._function,
    ast.AsyncFunctionDef: Marks._function,
    ast.arg: Marks._parameter,
    ast.AnnAssign: Marks._annotated,
    ast.keyword: Marks._keyword,
    ast.ExceptHandler: Marks._handler,
    ast.Raise: Marks._raise,
    ast.Call: Marks._call,
    ast.Attribute: Marks._attribute,
    ast.Name: Marks._variable,
    ast.Subscript: Marks._subscript,
    ast.Dict: Marks._dict,
    ast.Expr: Marks._expression,
    ast.UnaryOp: Marks._unary,
    ast.IfExp: Marks._choice,
    ast.comprehension: Marks._comprehension,
    ast.Starred: Marks._starred,
}


def _called(node: ast.expr | None) -> ast.expr | None:
    """What is called, if anything is: the decorator itself where it is given arguments."""
    return node.func if isinstance(node, ast.Call) else node


def _bound(node: ast.AST) -> set[str]:
    """Names that a function (or the module) binds itself: parameters, assignments, loops, imports, definitions."""
    names: set[str] = set()
    foreign: set[str] = set()
    queue = list(ast.iter_child_nodes(node))
    while queue:
        item = queue.pop()
        match item:
            case ast.Name(ctx=ast.Store()):
                names.add(item.id)
            case ast.arg():
                names.add(item.arg)
            case ast.alias():
                names.add((item.asname or item.name).split(".")[0])
            case ast.Global():
                foreign.update(item.names)
            case ast.ExceptHandler(name=str()):
                names.add(item.name)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(item.name)
        if not isinstance(item, (*FUNCTIONS, ast.ClassDef)):
            queue.extend(ast.iter_child_nodes(item))
    return names - foreign

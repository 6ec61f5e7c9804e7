"""Roles of Python's names by position: a walk over the syntax tree, with the scopes that say what is local."""

from __future__ import annotations

import ast
import builtins

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

    def _name(self, node: ast.expr, role: str) -> None:
        """A role for the last name of a dotted expression."""
        if isinstance(node, ast.Name):
            self._mark(node, role)
        elif isinstance(node, ast.Attribute):
            self._end(node, role)

    def _walk(self, node: ast.AST, scopes: list[set[str]]) -> None:
        self._roles(node, scopes)
        inner, outside = scopes, []
        if isinstance(node, FUNCTIONS):  # decorators and defaults are evaluated outside
            inner = [*scopes, _bound(node)]
            outside = [*getattr(node, "decorator_list", []), *node.args.defaults, *filter(None, node.args.kw_defaults)]
            for child in outside:
                self._walk(child, scopes)
        children = [*ast.iter_child_nodes(node)]
        if isinstance(node, FUNCTIONS):
            children += ast.iter_child_nodes(node.args)
        for child in children:
            if child not in outside and not isinstance(child, ast.arguments):
                self._walk(child, inner)

    def _roles(self, node: ast.AST, scopes: list[set[str]]) -> None:
        match node:
            case ast.ClassDef():
                for base in node.bases:
                    self._name(base, "base class")
                for decorator in node.decorator_list:
                    self._decorator(decorator)
                for statement in node.body:
                    for target in getattr(statement, "targets", [getattr(statement, "target", None)]):
                        if isinstance(target, ast.Name) and not isinstance(statement, ast.For | ast.AugAssign):
                            self._mark(target, "class attribute")
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                for decorator in node.decorator_list:
                    self._decorator(decorator)
                if node.returns is not None:
                    self._name(node.returns, "annotation")
            case ast.arg():
                self._mark(node, "parameter")
                if node.annotation is not None:
                    self._name(node.annotation, "annotation")
            case ast.AnnAssign():
                self._name(node.annotation, "annotation")
            case ast.keyword() if node.arg is not None:
                self._mark(node, "keyword argument")
            case ast.ExceptHandler(type=ast.expr() as kind):
                for each in kind.elts if isinstance(kind, ast.Tuple) else [kind]:
                    self._name(each, "exception")
            case ast.Raise(exc=ast.expr() as raised):
                self._name(raised.func if isinstance(raised, ast.Call) else raised, "exception")
            case ast.Call():
                if isinstance(node.func, ast.Attribute):
                    self._end(node.func, "method call")
                elif isinstance(node.func, ast.Name):
                    self._mark(node.func, f"{self._scope(node.func.id, scopes)} call")
            case ast.Attribute():
                self._end(node, "attribute store" if isinstance(node.ctx, ast.Store) else "attribute")
            case ast.Name():
                kind = "load" if isinstance(node.ctx, ast.Load) else "store"
                self._mark(node, f"{self._scope(node.id, scopes)} {kind}")
            case ast.Subscript(slice=ast.Constant() as key):
                self._mark(key, "key")
            case ast.Dict():
                for key in node.keys:
                    if isinstance(key, ast.Constant):
                        self._mark(key, "key")
            case ast.Expr(value=ast.Constant(value=str())):
                self._mark(node.value, "docstring")
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Invert()):
                self._mark(node, "sign")
            case ast.IfExp():
                self.before[self._place(node.test.lineno, node.test.col_offset)] = "if: choice"
            case ast.comprehension():
                for test in node.ifs:
                    self.before[self._place(test.lineno, test.col_offset)] = "if: filter"
            case ast.Starred():
                self._mark(node, "unpack")

    def _decorator(self, node: ast.expr) -> None:
        self._name(node.func if isinstance(node, ast.Call) else node, "decorator")

    def _scope(self, name: str, scopes: list[set[str]]) -> str:
        if any(name in scope for scope in scopes):
            return "local"
        return "builtin" if hasattr(builtins, name) and name not in self._module else "global"


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

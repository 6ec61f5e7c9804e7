"""The statements of a notebook that only draw or show: ``figures.show(...)``, ``figures.interactive(...)`` and
``run.show(...)``, whose value nobody takes. They change a page and no number: `foretold.book.unseen` makes sure."""

from __future__ import annotations

import ast

from foretold.book import reach, rooms

SHOWING = {"figures.show", "figures.interactive", "run.show"}


def draws(node: ast.AST) -> bool:
    """Whether a statement only draws."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and reach.dotted(node.value.func) in SHOWING


def without(tree: ast.Module) -> ast.Module:
    """A cell's syntax tree, which is changed, without what only draws."""
    return _Without().visit(tree)


def names(node: ast.ImportFrom, package: str = "") -> list[ast.alias]:
    """Those of the imported names that are modules which only draw, or are of such a module. Relative imports begin at
    `package`."""
    base = reach.import_base(node, package)
    return [alias for alias in node.names if is_module(f"{base}.{alias.name}") or is_module(base)]


def is_module(module: str) -> bool:
    """Whether a dotted name is that of a module which only draws."""
    path = reach.module_file(module)
    return path is not None and rooms.is_drawing(reach.name(path))


class _Without(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        return None if draws(node) else node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom | None:
        drawing = names(node)
        node.names = [alias for alias in node.names if alias not in drawing]
        return node if node.names else None

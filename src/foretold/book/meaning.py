"""What a file means, as one hash. A module means its syntax tree: its docstrings, comments and line breaks are for its
readers. Any other file means its text.

It needs nothing but Python itself, because the `observer` takes it along into the kernel.
"""

import ast
import hashlib
from functools import lru_cache

MODULES = (".py", ".pyi")
# A module that uses one of these may look at its own text: at docstrings, at source, at the numbers of lines.
LOOKING = (b"__doc__", b"getdoc", b"getsource", b"f_lineno", b"co_firstlineno", b"settrace", b"setprofile")


def of_text(content):
    """The hash of a text, given as bytes; short enough to read. Git may write either kind of line end."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()[:32]


@lru_cache(maxsize=4096)
def of_module(content):
    """The hash of what a module's source, given as bytes, means."""
    return of_parsed(content, parse(content))


def parse(content):
    """The syntax tree of a module's source, given as bytes; None where it does not parse."""
    try:
        return ast.parse(content)
    except (SyntaxError, ValueError, RecursionError):
        return None


def of_parsed(content, tree):
    """As `of_module`, where the tree is there already. A module that may look at its own text means its text, and so
    does one that does not parse."""
    return of_text(content) if tree is None or any(word in content for word in LOOKING) else of_tree(tree)


def of_tree(tree):
    """The hash of what a syntax tree means, the same in every version of Python."""
    return of_text(repr(_plain(tree)).encode())


def of_file(name, content):
    """The hash of what a file of this name means."""
    return of_module(content) if name.endswith(MODULES) else of_text(content)


def _plain(node):
    """A syntax tree as tuples of names and values. Empty fields are left out: newer Pythons have more of them."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, ast.AST):
        return node
    fields = [(name, value) for name in node._fields if (value := getattr(node, name, None)) is not None]
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        fields = [(name, value[_has_docstring(node) :] if name == "body" else value) for name, value in fields]
    given = [(name, _plain(value)) for name, value in fields if value != [] and name not in ("ctx", "kind")]
    return type(node).__name__, given


def _has_docstring(node):
    first = node.body[0] if node.body else None
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)

"""Python for the prediction-sets chapter: syntax trees whose nodes own the tokens, and expressions with their bytecode.

The task is a small decompiler. Input is the bytecode of an expression, as a list of words; output is the expression.
Expressions are those of the standard library's own source, so what is learned depends on the version of Python.
"""

from __future__ import annotations

import ast
import dis
import hashlib
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import CodeType

import numpy as np

from foretold.papers.prediction_sets.idea import Node

LEXEME = re.compile(
    r"""[rRbBuUfF]{0,2}(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")"""  # strings, an f-string being one word
    r"""|\d[\w.]*|\.\d\w*|\w+|\*\*=?|//=?|<<=?|>>=?|->|:=|[-+*/%@&|^<>=!]=|\.\.\.|[^\s\w]"""
)
# What every expression has, and what says nothing about it.
SILENT = {"CACHE", "RESUME", "PRECALL", "PUSH_NULL", "EXTENDED_ARG", "NOP", "RETURN_VALUE", "COPY_FREE_VARS"}
SILENT |= {"RETURN_GENERATOR", "POP_TOP", "NOT_TAKEN"}
LEFT_OUT = (ast.JoinedStr, ast.Yield, ast.YieldFrom, ast.Await, ast.NamedExpr)


def words(text: str) -> list[str]:
    """A line of Python cut into words: names, numbers, strings, operators."""
    return LEXEME.findall(text)


# Syntax trees


def python_tree(text: str, starts: Sequence[int], costs: Sequence[float], rest: float = 0.0) -> Node:
    """The syntax tree of one line of Python, each token's cost on the one node that owns it.

    A token belongs to the innermost node around its first character: in ``x.append(y)`` the dot and ``append`` are the
    attribute's, the parentheses the call's. `starts` (T,) are the places of these characters in `text`, `costs` (T,)
    what the tokens cost; `rest`, the cost of the end of the line, goes to the root. So the costs of all nodes add up to
    that of the whole line. Operators and the like, which have no place of their own, are part of their parent.

    A text that is no Python becomes a single node: it can be kept or removed as a whole, and equals nothing but itself.
    Raises ValueError for more than one line and for starts that do not match the costs or lie outside of the text.
    """
    if "\n" in text or len(starts) != len(costs) or not all(0 <= start < len(text) for start in starts):
        raise ValueError(f"text is {text!r}, with {len(starts)} starts and {len(costs)} costs; allowed is one line, a "
                         "cost for each start, and starts inside of the text")  # fmt: skip
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            (statement,) = ast.parse(text.strip()).body
    except (SyntaxError, ValueError):
        return Node(sum(costs) + rest, (), text, f"no Python: {text}")
    shift, code = len(text) - len(text.lstrip()), text.strip().encode()
    root = statement.value if isinstance(statement, ast.Expr) else statement
    below: dict[int, list[ast.AST]] = {}
    span: dict[int, tuple[int, int]] = {id(root): (0, len(text))}
    labels: dict[int, str] = {}
    order, waiting = [], [root]
    while waiting:
        node = waiting.pop()
        order.append(node)
        labels[id(node)], children = _own(node)
        children.sort(key=lambda child: child.col_offset)
        for child in children:
            places = (child.col_offset, child.end_col_offset)
            span[id(child)] = tuple(shift + len(code[:place].decode()) for place in places)
        below[id(node)] = children
        waiting.extend(reversed(children))
    owner = np.zeros(len(text), int)
    for number, node in enumerate(order):
        low, high = span[id(node)]
        owner[low:high] = number
    owned = np.bincount(owner[list(starts)], weights=list(costs), minlength=len(order))
    owned[0] += rest
    made: dict[int, Node] = {}
    for number in reversed(range(len(order))):
        node = order[number]
        (low, high), children = span[id(node)], below[id(node)]
        edges = [low, *(place for child in children for place in span[id(child)]), high]
        pieces = [text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]
        inside = [made[id(child)] for child in children]
        made[id(node)] = Node(float(owned[number]), inside, pieces, labels[id(node)])
    return made[id(root)]


def _own(node: ast.AST) -> tuple[str, list[ast.AST]]:
    """What a node says itself (its kind, its names and values, which parts it has), and the nodes below it."""
    if isinstance(node, ast.JoinedStr):
        return ast.dump(node), []
    said, children = [type(node).__name__], []
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.expr_context):
            continue
        said.append(f"{name}=")
        for part in value if isinstance(value, list) else [value]:
            if not isinstance(part, ast.AST):
                said.append(repr(part))
            elif hasattr(part, "col_offset"):
                said.append("_")
                children.append(part)
            else:  # operators, comprehensions, the arguments of a lambda: no place in the text
                label, inner = _own(part)
                said.append(f"({label})")
                children.extend(inner)
    return " ".join(said), children


# Expressions and their bytecode


@dataclass(frozen=True)
class Example:
    """Words that go in, words that should come out, and the number of nodes of the output's tree."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    nodes: int


def bytecode(code: CodeType) -> list[str]:
    """Instructions of a code object as words: name, argument. Jumps go without their target; what an inner function or
    comprehension does stands in braces."""
    found = []
    for step in dis.get_instructions(code):
        if step.opname in SILENT:
            continue
        if isinstance(step.argval, CodeType):
            found += ["{", *bytecode(step.argval), "}"]
            continue
        name = "LOAD_CONST" if step.opname == "RETURN_CONST" else step.opname
        if name == "KW_NAMES":  # dis gives the place of the names, not the names
            found += [name, *code.co_consts[step.arg]]
            continue
        if name == "CALL_KW" and found[-2] == "LOAD_CONST":  # from Python 3.13 on they come as a constant
            found[-2:] = ["KW_NAMES", *ast.literal_eval(found[-1])]
        found.append(name)
        if step.arg is None or "JUMP" in name or name in ("FOR_ITER", "SEND"):
            continue
        if name == "LOAD_CONST":
            found.append(repr(step.argval))
        else:
            found.append(step.argrepr or str(step.argval) if name in ("BINARY_OP", "COMPARE_OP") else str(step.argval))
    return found


def expressions(files: Iterable[tuple[str, str]], least: int = 5, most: int = 40) -> list[Example]:
    """Different expressions of source files, each (name, text): right-hand sides, returned and stand-alone ones, of
    `least` to `most` nodes, with their bytecode; in the order in which they come. Their text is `ast.unparse`'s, so
    that spacing and quotes carry no surprise. f-strings, yields, awaits and := are left out."""
    found: dict[str, Example] = {}
    for _, text in files:
        try:
            module = ast.parse(text)
        except SyntaxError:
            continue
        for statement in ast.walk(module):
            if not isinstance(statement, ast.Return | ast.Assign | ast.AugAssign | ast.Expr) or not statement.value:
                continue
            inside = list(ast.walk(statement.value))
            nodes = sum(hasattr(node, "col_offset") for node in inside)
            if not least <= nodes <= most or any(isinstance(node, LEFT_OUT) for node in inside):
                continue
            line = ast.unparse(statement.value)
            if line in found or "\n" in line:
                continue
            source, target = bytecode(compile(line, "", "eval")), words(line)
            if len(source) <= 110 and len(target) <= 60:
                found[line] = Example(tuple(source), tuple(target), nodes)
    return list(found.values())


def held_out(example: Example, share: float) -> bool:
    """Whether a share of all examples holds this one: a hash of its target decides, so the answer never changes."""
    digest = hashlib.sha256(" ".join(example.target).encode()).digest()
    return int.from_bytes(digest[:6], "big") < share * 2**48


def same_bytecode(words_: Sequence[str], others: Sequence[str]) -> bool:
    """Whether two expressions, as words, compile to the same bytecode; False where one does not compile."""
    try:
        with warnings.catch_warnings():  # a compiler that doubts what a model wrote is no news
            warnings.simplefilter("ignore", SyntaxWarning)
            one, other = (bytecode(compile(" ".join(line), "", "eval")) for line in (words_, others))
    except (SyntaxError, ValueError):
        return False
    return one == other

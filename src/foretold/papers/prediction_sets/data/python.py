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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any

import numpy as np

from foretold.papers.prediction_sets.data import check_tokens
from foretold.papers.prediction_sets.idea import Node

LEXEME = re.compile(
    r"""[rRbBuUfF]{0,2}(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")"""  # strings, an f-string being one word
    r"""|\d[\w.]*|\.\d\w*|\w+|\*\*=?|//=?|<<=?|>>=?|->|:=|[-+*/%@&|^<>=!]=|\.\.\.|[^\s\w]"""
)
# What every expression has, and what says nothing about it.
SILENT = {"CACHE", "RESUME", "PRECALL", "PUSH_NULL", "EXTENDED_ARG", "NOP", "RETURN_VALUE", "COPY_FREE_VARS"}
SILENT |= {"RETURN_GENERATOR", "POP_TOP", "NOT_TAKEN"}
LONGEST_SOURCE, LONGEST_TARGET = 110, 60  # words
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
    check_tokens(text, starts, costs)
    if "\n" in text:
        raise ValueError(f"text is {text!r}; allowed is one line")
    statement = _parsed(text)
    if statement is None:
        return Node(sum(costs) + rest, (), text, f"no Python: {text}")
    parts = _parts(statement, text)
    owner = np.zeros(len(text), int)
    for number, part in enumerate(parts):  # parents come before their children
        owner[part.low : part.high] = number
    owned = np.bincount(owner[list(starts)], weights=list(costs), minlength=len(parts))
    owned[0] += rest
    made: dict[int, Node] = {}
    for number, part in reversed(list(enumerate(parts))):
        edges = [part.low]
        for child in part.children:
            edges += [parts[child].low, parts[child].high]
        edges.append(part.high)
        pieces = [text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]
        made[number] = Node(float(owned[number]), [made[child] for child in part.children], pieces, part.label)
    return made[0]


@dataclass
class _Part:
    """A node of Python's own tree: what it says itself, its characters from `low` to `high`, its children's numbers."""

    label: str
    low: int
    high: int
    children: list[int]


def _parsed(text: str) -> ast.stmt | ast.expr | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            (statement,) = ast.parse(text.strip()).body
    except (SyntaxError, ValueError):
        return None
    return statement.value if isinstance(statement, ast.Expr) else statement


def _parts(root: ast.AST, text: str) -> list[_Part]:
    """The nodes that have a place in the text, in preorder; the root has all of it."""
    shift, code = len(text) - len(text.lstrip()), text.strip().encode()

    def character(byte: int) -> int:  # ast counts bytes of the stripped text
        return shift + len(code[:byte].decode())

    found: list[_Part] = []
    waiting: list[tuple[Any, int | None]] = [(root, None)]
    while waiting:
        node, parent = waiting.pop()
        label, children = _own(node)
        if parent is None:
            found.append(_Part(label, 0, len(text), []))
        else:
            found[parent].children.append(len(found))
            found.append(_Part(label, character(node.col_offset), character(node.end_col_offset), []))
        children.sort(key=lambda child: child.col_offset)
        waiting += [(child, len(found) - 1) for child in reversed(children)]
    return found


def _own(node: ast.AST) -> tuple[str, list[Any]]:
    """What a node says itself (its kind, its names and values, which parts it has), and the nodes below it."""
    if isinstance(node, ast.JoinedStr):
        return ast.dump(node), []
    said: list[str] = [type(node).__name__]
    children: list[Any] = []
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
    found: list[str] = []
    for step in dis.get_instructions(code):
        if step.opname in SILENT:
            continue
        if isinstance(step.argval, CodeType):
            found += ["{", *bytecode(step.argval), "}"]
        elif step.opname == "KW_NAMES":  # dis gives the place of the names, not the names
            found += ["KW_NAMES", *code.co_consts[step.arg]]
        elif step.opname == "CALL_KW" and found[-2] == "LOAD_CONST":  # from Python 3.13 on they come as a constant
            found[-2:] = ["KW_NAMES", *ast.literal_eval(found[-1]), *_instruction(step)]
        else:
            found += _instruction(step)
    return found


def _instruction(step: dis.Instruction) -> list[str]:
    """The name of an instruction, and its argument if that says something."""
    name = "LOAD_CONST" if step.opname == "RETURN_CONST" else step.opname
    if step.arg is None or "JUMP" in name or name in ("FOR_ITER", "SEND"):
        return [name]
    if name == "LOAD_CONST":
        return [name, repr(step.argval)]
    if name in ("BINARY_OP", "COMPARE_OP") and step.argrepr:
        return [name, step.argrepr]
    return [name, str(step.argval)]


def expressions(files: Iterable[tuple[str, str]], least: int, most: int) -> list[Example]:
    """Different expressions of source files, each (name, text): right-hand sides, returned and stand-alone ones, of
    `least` to `most` nodes, with their bytecode; in the order in which they come. Their text is `ast.unparse`'s, so
    that spacing and quotes carry no surprise. f-strings, yields, awaits and := are left out."""
    found: dict[str, Example] = {}
    for _, text in files:
        for expression in _expressions(text):
            inside = list(ast.walk(expression))
            nodes = sum(hasattr(node, "col_offset") for node in inside)
            if not least <= nodes <= most or any(isinstance(node, LEFT_OUT) for node in inside):
                continue
            line = ast.unparse(expression)
            if line in found or "\n" in line:
                continue
            source, target = bytecode(compile(line, "", "eval")), words(line)
            if len(source) <= LONGEST_SOURCE and len(target) <= LONGEST_TARGET:
                found[line] = Example(tuple(source), tuple(target), nodes)
    return list(found.values())


def _expressions(text: str) -> Iterator[ast.expr]:
    try:
        module = ast.parse(text)
    except SyntaxError:
        return
    for statement in ast.walk(module):
        if isinstance(statement, ast.Return | ast.Assign | ast.AugAssign | ast.Expr) and statement.value:
            yield statement.value


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

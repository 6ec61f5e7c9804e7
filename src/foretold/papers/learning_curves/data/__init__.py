"""A corpus that every Python has: the tokens of its standard library, each with its role.

A "sentence" is a logical line of source, a "word" is a token, and its tag is the role that the syntax tree gives it:
`len` is a call of a builtin here, a keyword argument there. What the tree does not say of brackets, colons and signs of
equality follows from the bracket they stand in.
"""

from __future__ import annotations

import hashlib
import io
import sys
import sysconfig
import tokenize
from collections.abc import Iterator
from pathlib import Path

from foretold.papers.learning_curves.data.tree import Marks

# Packages that some distributions leave out or that hold mostly data and tests, and modules made when Python is built.
LEFT_OUT = {"idlelib", "lib2to3", "distutils", "ensurepip", "turtledemo", "tkinter", "test", "venv", "pydoc_data"}
LEFT_OUT |= {"encodings", "this", "antigravity"}
TWO_FACED = {"if", "for", "else", "in", "not", "is", "from", "as", "import", "async", "lambda", "with"}
LONGEST = 120  # words of a sentence: a longer line is a table, and would bend a curve all by itself
KEYWORDS = {"and", "or", "def", "class", "return", "yield", "await", "del", "global", "nonlocal", "assert", "raise"}
KEYWORDS |= {"try", "except", "finally", "while", "elif", "break", "continue", "pass", "None", "True", "False"}


def modules() -> list[Path]:
    """Source files of the standard library, in an order that a hash of their names sets: the same on every machine with
    the same files, and with the subjects mixed."""
    root = Path(sysconfig.get_paths()["stdlib"])
    found = []
    for name in sorted(sys.stdlib_module_names - LEFT_OUT):
        if name.startswith("_sysconfigdata") or (root / f"{name}.py").is_file():
            found += [root / f"{name}.py"] if (root / f"{name}.py").is_file() else []
        elif (root / name / "__init__.py").is_file():
            inside = (root / name).glob("**/*.py")
            found += [path for path in inside if not {"test", "tests"} & set(path.relative_to(root).parts)]
    return sorted(found, key=lambda path: _digest(path.relative_to(root).as_posix()))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def corpus(words: int) -> tuple[list[list[tuple[str, str]]], list[int]]:
    """At least `words` tokens of the standard library as sentences of (token, role), whole modules in their order, and
    the number of each sentence's module. Lines of more than 120 tokens are left out.

    Raises ValueError for words < 1 and when the library has fewer.
    """
    if words < 1:
        raise ValueError(f"words is {words!r}; allowed is a whole number of at least 1")
    sentences: list[list[tuple[str, str]]] = []
    module: list[int] = []
    size = 0
    for number, path in enumerate(modules()):
        for sentence in roles(path.read_text(encoding="utf-8")):
            if len(sentence) <= LONGEST:
                sentences.append(sentence)
                module.append(number)
                size += len(sentence)
        if size >= words:
            return sentences, module
    raise ValueError(f"words is {words!r}; this Python's library has {size}")


def coarse(role: str) -> str:
    """A smaller tag set: names lose their scope ("local load" and "global load" are "load"), brackets, signs and
    keywords what they belong to."""
    if role[0].isalpha() and ":" not in role:
        return role.split()[0] if role.startswith("keyword ") and role != "keyword argument" else role.split()[-1]
    return role.split()[0].rstrip(":") or ":"


def roles(source: str) -> Iterator[list[tuple[str, str]]]:
    """The logical lines of a module as lists of (token, role). Comments and indentation are left out; a string longer
    than 40 characters keeps its two ends. Raises SyntaxError for what is no Python."""
    marks = Marks(source)
    line: list[tokenize.TokenInfo] = []
    for token in _whole_strings(tokenize.generate_tokens(io.StringIO(source).readline)):
        if token.type == tokenize.NEWLINE:
            if line:
                yield list(_line(line, marks))
            line = []
        elif token.type in (tokenize.NAME, tokenize.NUMBER, tokenize.STRING, tokenize.OP):
            line.append(token)


def _whole_strings(tokens: Iterator[tokenize.TokenInfo]) -> Iterator[tokenize.TokenInfo]:
    """From Python 3.12 on a formatted string comes in parts: put them together, as Python 3.11 has them."""
    begins, ends = getattr(tokenize, "FSTRING_START", None), getattr(tokenize, "FSTRING_END", None)
    depth, first, text = 0, None, ""
    for token in tokens:
        if begins is not None and token.type == begins:
            first = token if depth == 0 else first
            depth += 1
        if depth:
            text += token.string
            if token.type == ends:
                depth -= 1
                if depth == 0:
                    yield tokenize.TokenInfo(tokenize.STRING, text, first.start, token.end, first.line)
                    text = ""
        else:
            yield token


def _line(tokens: list[tokenize.TokenInfo], marks: Marks) -> Iterator[tuple[str, str]]:
    """Tokens of one logical line with their roles. `brackets` holds the roles of the brackets that are open."""
    brackets: list[str] = []
    head = tokens[0].string
    head = tokens[1].string if head == "async" and len(tokens) > 1 else head
    before, role, lambdas, module = "", "", 0, head in ("import", "from")
    for i, token in enumerate(tokens):
        text, after = token.string, tokens[i + 1 : i + 2]
        previous, role = role, marks.at.get(token.start, "")
        if token.type == tokenize.STRING:
            role = role if role in ("docstring", "key") else "string"
            text = text if len(text) <= 40 else text[:20] + "..." + text[-20:]
        elif token.type == tokenize.NUMBER:
            role = "key" if role == "key" else "number"
        elif text in KEYWORDS:
            role = f"keyword {text}"
        elif text in TWO_FACED:
            role = _two_faced(text, i, tokens, marks, bool(brackets), head)
            lambdas += text == "lambda"
            module = (module and text != "import") or head == "import"
        elif token.type == tokenize.NAME:
            role = role or _plain_name(before, head, module, after)
        else:
            role = _sign(text, role, before, previous, brackets, head, lambdas, after)
            lambdas -= role == ": lambda"
        yield text, role
        before = text


def _two_faced(text: str, i: int, tokens: list[tokenize.TokenInfo], marks: Marks, inside: bool, head: str) -> str:
    if text == "if":
        if i == 0:
            return "if: statement"
        for token in tokens[i + 1 :]:
            if token.start in marks.before:
                return marks.before[token.start]
            if token.string != "(":
                break
        return "if: choice"
    if text == "for":
        return "for: loop" if i <= 1 and not inside else "for: comprehension"
    if text == "in":
        fors = [token.string for token in tokens[:i] if token.string in ("for", "in", "if")]
        return "in: loop" if fors and fors[-1] == "for" else "in: test"
    if text == "else":
        return "else: statement" if i == 0 else "else: choice"
    if text == "not":
        return "not: in" if tokens[i + 1].string == "in" else "not: is" if tokens[i - 1].string == "is" else "not"
    if text == "from":
        return "from: import" if i == 0 else "from: raise" if head == "raise" else "from: yield"
    if text == "as":
        return f"as: {head}" if head in ("import", "from", "with", "except") else "as: case"
    return f"keyword {text}"


def _plain_name(before: str, head: str, module: bool, after: list[tokenize.TokenInfo]) -> str:
    if before == "def":
        return "function name"
    if before == "class":
        return "class name"
    if head in ("import", "from"):
        return "alias" if before == "as" else "module" if module else "imported name"
    if head in ("global", "nonlocal"):
        return "declared name"
    if head == "except" and before == "as":
        return "local store"
    return "other name"


def _sign(
    text: str,
    role: str,
    before: str,
    previous: str,
    brackets: list[str],
    head: str,
    lambdas: int,
    after: list[tokenize.TokenInfo],
) -> str:
    if text in "([{":
        value = previous.rpartition(" ")[2] in ("load", "call", "attribute", "key", "string", "decorator", "exception")
        closes = before in (")", "]", "}") and before != ""
        kind = (
            {
                "(": "definition" if previous == "function name" else "bases" if previous == "class name" else "call",
                "[": "index",
                "{": "braces",
            }[text]
            if (value or closes or previous in ("function name", "class name", "base class")) and text != "{"
            else {
                "(": "group",
                "[": "list",
                "{": "braces",
            }[text]
        )
        brackets.append(kind)
        return f"{text} {kind}"
    if text in ")]}":
        return f"{text} {brackets.pop() if brackets else 'group'}"
    inside = brackets[-1] if brackets else "line"
    if text == ":":
        if lambdas > 0 and inside not in ("index", "definition"):
            return ": lambda"
        return {"index": ": slice", "definition": ": annotation", "braces": ": key"}.get(inside, ": block")
    if text == "=":
        return {"definition": "= default", "call": "= keyword", "bases": "= keyword"}.get(inside, "= assignment")
    if text in ("*", "**"):
        loose = before in ("(", ",", "[", "{", "=", "", "lambda", "return", "in", ":") or role == "unpack"
        return f"{text} {'unpack' if loose else 'operator'}"
    if text in "+-~":
        return f"{text} {'sign' if role == 'sign' else 'operator'}"
    if text == ".":
        return ". module" if head in ("import", "from") else ". attribute"
    if text == ",":
        return f", {inside}"
    return "operator"

"""Sentences of words with tags: from a corpus that every Python has, and from files of Universal Dependencies.

The corpus is the source of Python's standard library. A "sentence" is a logical line, a "word" is a token, and its tag
is the role that the syntax tree gives it: `len` is a call of a builtin here, a keyword argument there. What the tree
does not say of brackets, colons and signs of equality follows from the bracket they stand in.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import sys
import sysconfig
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from foretold.kit import check
from foretold.papers.learning_curves.data.lexicon import Sentence
from foretold.papers.learning_curves.data.lines import Line
from foretold.papers.learning_curves.data.tree import Marks

# Packages that some distributions leave out or that hold mostly data and tests, and modules made when Python is built.
LEFT_OUT = {"idlelib", "lib2to3", "distutils", "ensurepip", "turtledemo", "tkinter", "test", "venv", "pydoc_data"}
LEFT_OUT |= {"encodings", "this", "antigravity"}
LONGEST = 120  # words of a sentence: a longer line is a table, and would bend a curve all by itself


def modules() -> list[Path]:
    """Source files of the standard library, in an order that a hash of their names sets: the same on every machine with
    the same files, and with the subjects mixed."""
    root = Path(sysconfig.get_paths()["stdlib"])
    found = []
    for name in sorted(sys.stdlib_module_names - LEFT_OUT):
        if (root / f"{name}.py").is_file():
            found.append(root / f"{name}.py")
        elif (root / name / "__init__.py").is_file():
            inside = (root / name).glob("**/*.py")
            found += [path for path in inside if not {"test", "tests"} & set(path.relative_to(root).parts)]
    return sorted(found, key=lambda path: _digest(path.relative_to(root).as_posix()))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def corpus(words: int) -> tuple[list[Sentence], list[int]]:
    """At least `words` tokens of the standard library as sentences of (token, role), whole modules in their order, and
    the number of each sentence's module. Lines of more than 120 tokens are left out.

    Raises ValueError for words < 1 and when the library has fewer.
    """
    words = check.whole("words", words, 1)
    sentences: list[Sentence] = []
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
    parts = role.split()
    if ":" in role or not role[0].isalpha():
        return parts[0].rstrip(":") or ":"
    if parts[0] == "keyword" and role != "keyword argument":
        return "keyword"
    return parts[-1]


def roles(source: str) -> Iterator[Sentence]:
    """The logical lines of a module as lists of (token, role). Comments and indentation are left out; a string longer
    than 40 characters keeps its two ends. Raises SyntaxError for what is no Python."""
    marks = Marks(source)
    line: list[tokenize.TokenInfo] = []
    for token in _whole_strings(tokenize.generate_tokens(io.StringIO(source).readline)):
        if token.type == tokenize.NEWLINE:
            if line:
                yield list(Line(line, marks).roles())
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


# Universal Dependencies


def read_ud(path: Path, column: Literal["upos", "xpos"] = "xpos") -> list[Sentence]:
    """Sentences of (form, tag) from a Universal Dependencies file: CoNLL-U as published, or the mirror's three columns
    (form, UPOS, XPOS) compressed. Parts of multiword tokens count as words, the whole does not, nor do empty nodes.

    Raises ValueError for a column other than "upos" and "xpos".
    """
    check.one_of("column", column, ("upos", "xpos"))
    compact = path.suffix == ".gz"
    text = gzip.decompress(path.read_bytes()).decode() if compact else path.read_text(encoding="utf-8")
    columns = ("form", "upos", "xpos") if compact else ("id", "form", "lemma", "upos", "xpos")
    form, tag = columns.index("form"), columns.index(column)
    sentences: list[list[tuple[str, str]]] = [[]]
    for line in text.splitlines():
        cells = line.split("\t")
        if not line.strip():
            sentences.append([])
        elif not line.startswith("# ") and (compact or cells[0].isdigit()):
            sentences[-1].append((cells[form], cells[tag]))
    return [sentence for sentence in sentences if sentence]

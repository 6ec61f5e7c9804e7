"""Roles of the tokens of a logical line: what the syntax tree says of names, and what follows for all other tokens from
the tokens before them and the brackets they stand in."""

from __future__ import annotations

import tokenize
from collections.abc import Iterator, Sequence

from foretold.papers.learning_curves.data.tree import Marks

TWO_FACED = {"if", "for", "else", "in", "not", "is", "from", "as", "import", "async", "lambda", "with"}
KEYWORDS = {"and", "or", "def", "class", "return", "yield", "await", "del", "global", "nonlocal", "assert", "raise"}
KEYWORDS |= {"try", "except", "finally", "while", "elif", "break", "continue", "pass", "None", "True", "False"}
LONGEST_STRING = 40  # characters; a longer one keeps its two ends

# Roles and signs after which a bracket calls or indexes; after others it groups or lists.
VALUES = {"load", "call", "attribute", "key", "string", "decorator", "exception"}  # last words of roles
DEFINED = {"function name", "class name", "base class"}
OPENING, CLOSING = {"(", "[", "{"}, {")", "]", "}"}
# Signs after which a star unpacks; after others it multiplies.
BEFORE_UNPACKING = {"(", ",", "[", "{", "=", "", "lambda", "return", "in", ":"}
COLONS = {"index": ": slice", "definition": ": annotation", "braces": ": key"}
EQUALS = {"definition": "= default", "call": "= keyword", "bases": "= keyword"}


class Line:
    """A logical line, read from left to right: `roles` gives (token, role) for each token.

    `open` holds the kinds of the brackets that are open, `lambdas` how many lambdas wait for their colon, `module` says
    whether names of modules come next in an import; `before` and `previous` are text and role of the token before.
    """

    def __init__(self, tokens: Sequence[tokenize.TokenInfo], marks: Marks) -> None:
        self.tokens = tokens
        self.marks = marks
        words = [token.string for token in tokens[:2]]
        self.head = words[-1] if words[0] == "async" else words[0]
        self.open: list[str] = []
        self.before = self.previous = ""
        self.lambdas = 0
        self.module = self.head in ("import", "from")

    def roles(self) -> Iterator[tuple[str, str]]:
        for at, token in enumerate(self.tokens):
            role = self._role(at, token)
            yield _shortened(token), role
            self.before, self.previous = _shortened(token), role

    def _role(self, at: int, token: tokenize.TokenInfo) -> str:
        text, marked = token.string, self.marks.at.get(token.start, "")
        if token.type == tokenize.STRING:
            return marked if marked in ("docstring", "key") else "string"
        if token.type == tokenize.NUMBER:
            return "key" if marked == "key" else "number"
        if text in KEYWORDS:
            return f"keyword {text}"
        if text in TWO_FACED:
            return self._two_faced(at, text)
        if token.type == tokenize.NAME:
            return marked or self._plain_name()
        if text in OPENING:
            return self._opening(text)
        if text in CLOSING:
            return f"{text} {self.open.pop() if self.open else 'group'}"
        return self._sign(text, marked)

    # Keywords that mean different things in different places

    def _two_faced(self, at: int, text: str) -> str:
        role = self._keyword(at, text)
        if text == "lambda":
            self.lambdas += 1
        self.module = (self.module and text != "import") or self.head == "import"
        return role

    def _keyword(self, at: int, text: str) -> str:
        match text:
            case "if":
                return "if: statement" if at == 0 else self._inner_if(at)
            case "for":
                return "for: loop" if at <= 1 and not self.open else "for: comprehension"
            case "in":
                return self._in(at)
            case "else":
                return "else: statement" if at == 0 else "else: choice"
            case "not":
                return self._not(at)
            case "from":
                return "from: import" if at == 0 else self._inner_from()
            case "as":
                return f"as: {self.head}" if self.head in ("import", "from", "with", "except") else "as: case"
        return f"keyword {text}"

    def _inner_if(self, at: int) -> str:
        """The tree knows where the condition begins, behind any brackets."""
        for token in self.tokens[at + 1 :]:
            if token.start in self.marks.before:
                return self.marks.before[token.start]
            if token.string != "(":
                break
        return "if: choice"

    def _in(self, at: int) -> str:
        """The first `in` after a `for` belongs to it."""
        earlier = [token.string for token in self.tokens[:at] if token.string in ("for", "in", "if")]
        return "in: loop" if earlier and earlier[-1] == "for" else "in: test"

    def _not(self, at: int) -> str:
        if self.tokens[at + 1].string == "in":
            return "not: in"
        return "not: is" if self.tokens[at - 1].string == "is" else "not"

    def _inner_from(self) -> str:
        return "from: raise" if self.head == "raise" else "from: yield"

    # Names of which the tree has no position, and signs

    def _plain_name(self) -> str:
        if self.before == "def":
            return "function name"
        if self.before == "class":
            return "class name"
        if self.head in ("import", "from"):
            return self._imported()
        if self.head in ("global", "nonlocal"):
            return "declared name"
        if self.head == "except" and self.before == "as":
            return "local store"
        return "other name"

    def _imported(self) -> str:
        if self.before == "as":
            return "alias"
        return "module" if self.module else "imported name"

    def _opening(self, text: str) -> str:
        kind = self._kind(text)
        self.open.append(kind)
        return f"{text} {kind}"

    def _kind(self, text: str) -> str:
        """What an opening bracket begins."""
        value = self.previous.rpartition(" ")[2] in VALUES or self.previous in DEFINED or self.before in CLOSING
        if text == "{":
            return "braces"
        if text == "[":
            return "index" if value else "list"
        if not value:
            return "group"
        return {"function name": "definition", "class name": "bases"}.get(self.previous, "call")

    def _sign(self, text: str, marked: str) -> str:
        inside = self.open[-1] if self.open else "line"
        match text:
            case ":":
                return self._colon(inside)
            case "=":
                return EQUALS.get(inside, "= assignment")
            case "*" | "**":
                unpacks = self.before in BEFORE_UNPACKING or marked == "unpack"
                return f"{text} {'unpack' if unpacks else 'operator'}"
            case "+" | "-" | "~":
                return f"{text} {'sign' if marked == 'sign' else 'operator'}"
            case ".":
                return ". module" if self.head in ("import", "from") else ". attribute"
            case ",":
                return f", {inside}"
        return "operator"

    def _colon(self, inside: str) -> str:
        if self.lambdas > 0 and inside not in ("index", "definition"):
            self.lambdas -= 1
            return ": lambda"
        return COLONS.get(inside, ": block")


def _shortened(token: tokenize.TokenInfo) -> str:
    text = token.string
    if token.type != tokenize.STRING or len(text) <= LONGEST_STRING:
        return text
    half = LONGEST_STRING // 2
    return f"{text[:half]}...{text[-half:]}"

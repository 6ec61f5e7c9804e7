"""SQL for the prediction-sets chapter: trees of clauses, items and operands, and the questions of the Advising data."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

from foretold.papers.prediction_sets.data import check_tokens
from foretold.papers.prediction_sets.idea import Node

Pair = tuple[Sequence[str], Sequence[str]]
LONGEST = 60  # words of a query
CLAUSES = ("SELECT", "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "INTERSECT", "EXCEPT")
SEPARATORS = (",", "AND", "OR")
COMPARISONS = {
    "=",
    "<",
    ">",
    "<=",
    ">=",
    "!=",
    "<>",
    "LIKE",
    "IN",
    "BETWEEN",
    "IS",
    "NOT",
    "NULL",
    "EXISTS",
    "ALL",
    "ANY",
}
JOINS = {"AS", "JOIN", "INNER", "OUTER", "LEFT", "RIGHT", "ON"}
CASES = {"CASE", "WHEN", "THEN", "ELSE", "END"}
OTHERS = {"+", "-", "*", "/", ";", "DISTINCT", "ASC", "DESC", "BY"}
OPERATORS = COMPARISONS | JOINS | CASES | OTHERS


def sql_tree(text: str, starts: Sequence[int], costs: Sequence[float], rest: float = 0.0) -> Node:
    """The tree of a query whose words stand at `starts` in `text`: query > clause > item > operand, queries nested in
    parentheses. A clause owns its keyword and the commas, ANDs and ORs between its items; an item its operators; a word
    in parentheses or before them is an operand with its brackets. `costs` and `rest` as in `python_tree`.

    Any list of words has a tree. Raises ValueError for starts that do not match the costs or lie outside of the text.
    """
    check_tokens(text, starts, costs)
    ends = [*starts[1:], len(text)]
    words = [text[a:b].strip() for a, b in zip(starts, ends, strict=True)]
    return _query(_Words(words, list(costs)), 0, len(words), rest)


class _Words:
    """The words of a query and their costs; `match` says where each bracket that has a partner is closed."""

    def __init__(self, words: list[str], costs: list[float]) -> None:
        self.words, self.costs = words, costs
        self.match: dict[int, int] = {}
        opened: list[int] = []
        for i, word in enumerate(words):
            if word.endswith("("):
                opened.append(i)
            elif word == ")" and opened:
                self.match[opened.pop()] = i

    def top(self, low: int, high: int) -> list[int]:
        """Places between low and high outside of all brackets, the opening ones among them."""
        found, i = [], low
        while i < high:
            found.append(i)
            i = self.match.get(i, i) + 1
        return found


Placed = tuple[int, int, Node]  # a node and its words, from and to


def _join(part: _Words, low: int, high: int, children: list[Placed], kind: str, rest: float = 0.0) -> Node:
    """A node that owns the words from low to high which no child covers."""
    pieces, own, at = [], rest, low
    for begin, end in [(begin, end) for begin, end, _ in children] + [(high, high)]:
        pieces.append(" ".join(part.words[at:begin]))
        own += sum(part.costs[at:begin])
        at = end
    text = [pieces[0]]
    if children:
        between = [f" {piece} " if piece else " " for piece in pieces[1:-1]]
        before, after = pieces[0], pieces[-1]
        text = [f"{before} " if before else "", *between, f" {after}" if after else ""]
    return Node(own, [child for _, _, child in children], text, f"{kind} {' _ '.join(pieces)}")


def _query(part: _Words, low: int, high: int, rest: float = 0.0) -> Node:
    heads = [i for i in part.top(low, high) if part.words[i] in CLAUSES]
    if not heads:
        return _join(part, low, high, _operands(part, low, high), "words", rest)
    clauses = [(a, b, _clause(part, a, b)) for a, b in zip(heads, [*heads[1:], high], strict=True)]
    return _join(part, low, high, clauses, "query", rest)


def _clause(part: _Words, low: int, high: int) -> Node:
    """Its items stand between separators; the AND of a BETWEEN is none."""
    keywords = 2 if low + 1 < high and part.words[low + 1] in ("BY", "DISTINCT", "ALL") else 1
    cuts, between = [low + keywords - 1], False
    for i in part.top(low + keywords, high):
        if part.words[i] == "BETWEEN":
            between = True
        if part.words[i] in SEPARATORS:
            if not between:
                cuts.append(i)
            between = False
    spans = [(a + 1, b) for a, b in zip(cuts, [*cuts[1:], high], strict=True)]
    return _join(part, low, high, [(a, b, _item(part, a, b)) for a, b in spans if a < b], "clause")


def _item(part: _Words, low: int, high: int) -> Node:
    operands = _operands(part, low, high)
    if len(operands) == 1 and operands[0][:2] == (low, high):
        return operands[0][2]
    return _join(part, low, high, operands, "item")


def _operands(part: _Words, low: int, high: int) -> list[Placed]:
    found = []
    for i in part.top(low, high):
        close = part.match.get(i)
        if close is not None:
            inner = [(i + 1, close, _query(part, i + 1, close))] if close > i + 1 else []
            found.append((i, close + 1, _join(part, i, close + 1, inner, "brackets")))
        elif part.words[i] not in OPERATORS and part.words[i] not in SEPARATORS:
            found.append((i, i + 1, _join(part, i, i + 1, [], "word")))
    return found


def questions(path: Path) -> list[Pair]:
    """Questions and queries of the Advising file, as words, placeholders for names; queries of at most `LONGEST` words.
    The question parts marked "exclude" by the data's authors are left out. Of several queries the first counts."""
    found: list[Pair] = []
    for entry in json.loads(path.read_text(encoding="utf-8")):
        query = entry["sql"][0].split()
        if len(query) <= LONGEST:
            asked = [one for one in entry["sentences"] if one["question-split"] != "exclude"]
            found += [(sentence["text"].split(), query) for sentence in asked]
    return found


def divided(pairs: Sequence[Pair], share: float, seed: int) -> tuple[list[Pair], list[Pair]]:
    """A random division: `share` of the pairs to train on, and the others."""
    order = list(pairs)
    random.Random(seed).shuffle(order)
    cut = round(share * len(order))
    return order[:cut], order[cut:]

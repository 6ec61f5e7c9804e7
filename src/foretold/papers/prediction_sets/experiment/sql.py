"""SQL for the prediction-sets chapter: trees of clauses, items and operands, and the questions of the Advising data."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import torch

from foretold.papers.prediction_sets import experiment
from foretold.papers.prediction_sets.experiment import translator
from foretold.papers.prediction_sets.experiment.translator import Pair
from foretold.papers.prediction_sets.idea import Node

CLAUSES = ("SELECT", "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "INTERSECT", "EXCEPT")
SEPARATORS = (",", "AND", "OR")
OPERATORS = {
    "=",
    "<",
    ">",
    "<=",
    ">=",
    "!=",
    "<>",
    "LIKE",
    "IN",
    "NOT",
    "IS",
    "NULL",
    "AS",
    "JOIN",
    "INNER",
    "LEFT",
    "ON",
}
OPERATORS |= {
    "BETWEEN",
    "+",
    "-",
    "*",
    "/",
    "DISTINCT",
    "EXISTS",
    "ALL",
    "ANY",
    "ASC",
    "DESC",
    "BY",
    "CASE",
    "WHEN",
    "THEN",
}
OPERATORS |= {"ELSE", "END", ";", "OUTER", "RIGHT"}


def sql_tree(text: str, starts: Sequence[int], costs: Sequence[float], rest: float = 0.0) -> Node:
    """The tree of a query whose words stand at `starts` in `text`: query > clause > item > operand, queries nested in
    parentheses. A clause owns its keyword and the commas, ANDs and ORs between its items; an item its operators; a word
    in parentheses or before them is an operand with its brackets. `costs` and `rest` as in `python_tree`.

    Any list of words has a tree. Raises ValueError for starts that do not match the costs or lie outside of the text.
    """
    if len(starts) != len(costs) or not all(0 <= start < len(text) for start in starts):
        found = f"text is {text!r}, with {len(starts)} starts and {len(costs)} costs"
        raise ValueError(f"{found}; allowed is a cost for each start, and starts inside of the text")
    ends = [*starts[1:], len(text)]
    words = [text[a:b].strip() for a, b in zip(starts, ends, strict=True)]
    return _query(_Words(words, list(costs)), 0, len(words), rest)


class _Words:
    def __init__(self, words: list[str], costs: list[float]) -> None:
        self.words, self.costs = words, costs
        self.match, opened = {}, []  # where each bracket that has a partner is closed
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


def _join(
    part: _Words, low: int, high: int, children: list[tuple[int, int, Node]], kind: str, rest: float = 0.0
) -> Node:
    """A node that owns the words from low to high which no child covers; children come as (from, to, node)."""
    pieces, own, at = [], rest, low
    for begin, end, _ in [*children, (high, high, None)]:
        pieces.append(" ".join(part.words[at:begin]))
        own += sum(part.costs[at:begin])
        at = end
    said = [piece + " " if i == 0 and piece else f" {piece} " if piece else " " for i, piece in enumerate(pieces)]
    said[0], said[-1] = (
        pieces[0] + (" " if pieces[0] and children else ""),
        (" " if children and pieces[-1] else "") + pieces[-1],
    )
    return Node(own, [child for _, _, child in children], said, kind + " " + " _ ".join(pieces))


def _query(part: _Words, low: int, high: int, rest: float = 0.0) -> Node:
    heads = [i for i in part.top(low, high) if part.words[i] in CLAUSES]
    if not heads:
        return _join(part, low, high, _operands(part, low, high), "words", rest)
    clauses = [(a, b, _clause(part, a, b)) for a, b in zip(heads, [*heads[1:], high], strict=True)]
    return _join(part, low, high, clauses, "query", rest)


def _clause(part: _Words, low: int, high: int) -> Node:
    first = low + 1 + (low + 1 < high and part.words[low + 1] in ("BY", "DISTINCT", "ALL"))
    cuts, between = [first - 1], False
    for i in part.top(first, high):
        between |= part.words[i] == "BETWEEN"
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


def _operands(part: _Words, low: int, high: int) -> list[tuple[int, int, Node]]:
    found = []
    for i in part.top(low, high):
        close = part.match.get(i)
        if close is not None:
            inner = [(i + 1, close, _query(part, i + 1, close))] if close > i + 1 else []
            found.append((i, close + 1, _join(part, i, close + 1, inner, "brackets")))
        elif part.words[i] not in OPERATORS and part.words[i] not in SEPARATORS:
            found.append((i, i + 1, _join(part, i, i + 1, [], "word")))
    return found


def questions(path: Path, longest: int = 60) -> list[Pair]:
    """Questions and queries of the Advising file, as words, placeholders for names; queries of at most `longest` words.
    The question parts marked "exclude" by the data's authors are left out. Of several queries the first counts."""
    found = []
    for entry in json.loads(path.read_text(encoding="utf-8")):
        query = entry["sql"][0].split()
        if len(query) <= longest:
            for sentence in entry["sentences"]:
                if sentence["question-split"] != "exclude":
                    found.append((sentence["text"].split(), query))
    return found


def halves(pairs: Sequence[Pair], share: float, seed: int) -> tuple[list[Pair], list[Pair]]:
    """A random division: `share` of the pairs to train on, and the others."""
    order = list(pairs)
    random.Random(seed).shuffle(order)
    cut = round(share * len(order))
    return order[:cut], order[cut:]


def predictions(
    path: Path, steps: int, generator: torch.Generator, device: torch.device, share: float = 0.6
) -> tuple[list[Node], list[Node]]:
    """Train a translator on a share of the questions, and translate the others: (predicted trees, true trees)."""
    train, test = halves(questions(path), share, 0)
    model = translator.train(train, steps, generator, device, listed=500)
    written = translator.translate(model, [question for question, _ in test], longest=64)
    predicted = [experiment.with_costs(prediction, sql_tree) for prediction in written]
    return predicted, [experiment.bare(query, sql_tree) for _, query in test]

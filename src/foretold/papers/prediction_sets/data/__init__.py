"""Programs as words and as trees: `python` and its bytecode, `sql` and the questions of Advising, `humaneval`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from foretold.papers.prediction_sets.idea import Node

Builder = Callable[..., Node]  # as `python.python_tree`: (text, starts, costs, rest) to a tree


def as_text(words: Sequence[str]) -> tuple[str, list[int]]:
    """Words joined by blanks, and where each begins."""
    text, starts = "", []
    for word in words:
        starts.append(len(text))
        text += word + " "
    return text.removesuffix(" ") or " ", starts


def bare(words: Sequence[str], build: Builder) -> Node:
    """The tree of words, without costs."""
    text, starts = as_text(words)
    return build(text, starts, [0.0] * len(starts))


def check_tokens(text: str, starts: Sequence[int], costs: Sequence[float]) -> None:
    """Raises ValueError unless there is a cost for each start, and all starts lie inside of the text."""
    if len(starts) != len(costs) or not all(0 <= start < len(text) for start in starts):
        found = f"text is {text!r}, with {len(starts)} starts and {len(costs)} costs"
        raise ValueError(f"{found}; allowed is a cost for each start, and starts inside of the text")

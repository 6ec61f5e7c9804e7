"""Lines of Python completed by a causal language model of ``transformers``, with the probability of every token.

The task of the paper's Python experiment as the authors' code has it: everything before the last line and the word
``return`` is given, the rest of that line is predicted greedily, at most 30 tokens.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from foretold.papers.prediction_sets.data.humaneval import Problem
from foretold.papers.prediction_sets.data.python import python_tree
from foretold.papers.prediction_sets.idea import Node

LONGEST = 30  # tokens


@dataclass(frozen=True)
class Completion:
    """A predicted line with where its tokens begin, what they cost, and what the end of the line costs."""

    line: str
    starts: list[int]
    costs: list[float]
    end: float

    def tree(self) -> Node:
        """Its syntax tree; every token's cost is on one node."""
        return python_tree(self.line, self.starts, self.costs, self.end)


def complete(model: Any, tokenizer: Any, asked: Sequence[Problem]) -> list[Completion]:
    """The greedy completion of each problem up to the end of the line, with the probability of every token.

    A token that begins with a line break ends the line, and its cost is the end's; one that holds a break further on
    belongs to the line as well. Where no break comes within `LONGEST` tokens, the end costs nothing.
    """
    return [placed(tokenizer, *_written(model, tokenizer, problem.given)) for problem in asked]


@torch.no_grad()
def _written(model: Any, tokenizer: Any, given: str) -> tuple[list[int], list[float], float]:
    """Tokens of the line, what each costs, and what its end costs."""
    tokens = torch.tensor([tokenizer.encode(given)], device=next(model.parameters()).device)
    written, costs, past = [], [], None
    for _ in range(LONGEST):
        answer = model(tokens, past_key_values=past, use_cache=True)
        past, scores = answer.past_key_values, answer.logits[0, -1].float().log_softmax(-1)
        best = int(scores.argmax())
        piece, cost = tokenizer.decode([best]), -float(scores[best])
        if piece.lstrip(" ").startswith(("\n", "\r")) or best == tokenizer.eos_token_id:
            return written, costs, cost
        written.append(best)
        costs.append(cost)
        if "\n" in piece:
            break
        tokens = torch.tensor([[best]], device=tokens.device)
    return written, costs, 0.0


def placed(tokenizer: Any, written: list[int], costs: list[float], end: float) -> Completion:
    """A completion whose tokens begin at their first letter that is no blank."""
    texts = ["return", *("return" + tokenizer.decode(written[: i + 1]) for i in range(len(written)))]
    line = texts[-1].split("\n")[0].rstrip() or "return"
    starts = []
    for before, after in itertools.pairwise(texts):
        new = after[len(before) :]
        starts.append(min(len(before) + len(new) - len(new.lstrip()), len(line) - 1))
    return Completion(line, starts, costs, end)

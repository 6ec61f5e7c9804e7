"""Last lines of the HumanEval problems, completed by a language model, for the prediction-sets chapter.

The task of the paper's Python experiment as the authors' code has it: everything before the last line and the word
`return` is given, the rest of that line is predicted greedily, at most 30 tokens. Any causal language model of
``transformers`` will do.
"""

from __future__ import annotations

import ast
import gzip
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from foretold.kit import pretrained
from foretold.papers.prediction_sets.data import python_tree
from foretold.papers.prediction_sets.idea import Node


@dataclass(frozen=True)
class Problem:
    """What a model is given, up to and including ``return``, and the line that follows from there."""

    name: str
    given: str
    line: str


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


def problems(path: Path) -> list[Problem]:
    """Problems of the HumanEval file whose solution ends in one line ``return ...`` with at least 5 nodes, as `ast`
    counts them: the authors' filter."""
    found = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for entry in map(json.loads, lines):
            body = entry["canonical_solution"].rstrip()
            last = body.rsplit("\n", 1)[-1]
            text = last.strip()
            if not text.startswith("return ") or _nodes(text) < 5:
                continue
            before = (entry["prompt"] + body)[: -len(text)]
            found.append(Problem(entry["task_id"], before + "return", text))
    return found


def _nodes(line: str) -> int:
    try:
        return sum(1 for _ in ast.walk(ast.parse(line)))
    except SyntaxError:
        return 0


@torch.no_grad()
def complete(model: Any, tokenizer: Any, asked: Sequence[Problem], longest: int = 30) -> list[Completion]:
    """The greedy completion of each problem up to the end of the line, with the probability of every token.

    A token that begins with a line break ends the line, and its cost is the end's; one that holds a break further on
    belongs to the line as well. Where no break comes within `longest` tokens, the end costs nothing. Raises ValueError
    for longest < 1.
    """
    if longest < 1:
        raise ValueError(f"longest is {longest!r}; allowed is a whole number of tokens, at least 1")
    found = []
    for problem in asked:
        tokens = torch.tensor([tokenizer.encode(problem.given)], device=next(model.parameters()).device)
        written, costs, end, past = [], [], 0.0, None
        for _ in range(longest):
            answer = model(tokens, past_key_values=past, use_cache=True)
            past, scores = answer.past_key_values, answer.logits[0, -1].float().log_softmax(-1)
            best = int(scores.argmax())
            piece, cost = tokenizer.decode([best]), -float(scores[best])
            if piece.lstrip(" ").startswith(("\n", "\r")) or best == tokenizer.eos_token_id:
                end = cost
                break
            written.append(best)
            costs.append(cost)
            if "\n" in piece:
                break
            tokens = torch.tensor([[best]], device=tokens.device)
        found.append(_placed(tokenizer, written, costs, end))
    return found


def _placed(tokenizer: Any, written: list[int], costs: list[float], end: float) -> Completion:
    texts = ["return", *("return" + tokenizer.decode(written[: i + 1]) for i in range(len(written)))]
    line = texts[-1].split("\n")[0].rstrip() or "return"
    starts = []
    for before, after in itertools.pairwise(texts):
        new = after[len(before) :]
        starts.append(min(len(before) + len(new) - len(new.lstrip()), len(line) - 1))
    return Completion(line, starts, costs, end)


def truth(problem: Problem) -> Node:
    """The tree of the right line, without costs."""
    return python_tree(problem.line, [], [])


def predictions(path: Path, device: torch.device, hub: str | None = None) -> tuple[list[Node], list[Node]]:
    """Complete all problems of the file with SmolLM2, or with the model that `hub` names on the model hub (or a folder
    with one): (predicted, true) trees. Errors as `pretrained.load`."""
    tokenizer, model = pretrained.pretrained(hub, device) if hub else pretrained.load(pretrained.fetch(), device)
    asked = problems(path)
    return [one.tree() for one in complete(model, tokenizer, asked)], [truth(problem) for problem in asked]

"""Last lines of the HumanEval problems, as the authors' code chooses them."""

from __future__ import annotations

import ast
import gzip
import json
from dataclasses import dataclass
from pathlib import Path

from foretold.papers.prediction_sets.data.python import python_tree
from foretold.papers.prediction_sets.idea import Node


@dataclass(frozen=True)
class Problem:
    """What a model is given, up to and including ``return``, and the line that follows from there."""

    name: str
    given: str
    line: str


def problems(path: Path) -> list[Problem]:
    """Problems of the HumanEval file whose solution ends in one line ``return ...`` with at least 5 nodes, as `ast`
    counts them: the authors' filter."""
    found = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for entry in map(json.loads, lines):
            body = entry["canonical_solution"].rstrip()
            last = body.rsplit("\n", 1)[-1].strip()
            if last.startswith("return ") and _nodes(last) >= 5:
                before = (entry["prompt"] + body)[: -len(last)]
                found.append(Problem(entry["task_id"], before + "return", last))
    return found


def _nodes(line: str) -> int:
    try:
        return sum(1 for _ in ast.walk(ast.parse(line)))
    except SyntaxError:
        return 0


def truth(problem: Problem) -> Node:
    """The tree of the right line, without costs."""
    return python_tree(problem.line, [], [])

"""Two faults of containment, imitated: what a published implementation was seen to do, on our trees, in our own code.

The authors' repository (adamkhakhar/python-pac-code-prediction-set at aa490dc) was run on small examples. It took
programs as covered that are not, for two reasons that are imitated here apart and together; nothing of it is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from foretold.kit import check
from foretold.papers.prediction_sets.data import bare
from foretold.papers.prediction_sets.data.python import python_tree, words
from foretold.papers.prediction_sets.idea import Node, Partial

FAULTS = ("order", "names")


def faulty(*faults: str) -> Callable[[Partial, Node], bool]:
    """A containment with some of the `FAULTS`. "order": children are compared as a set, so ``a - b`` covers ``b - a``.
    "names": a node whose text begins with its first child and has nothing between its children loses what follows them,
    so ``x.append`` owns nothing and covers ``x.extend``; two such nodes agree. Raises ValueError for another fault."""
    for fault in faults:
        check.one_of("faults", fault, FAULTS)

    def nameless(node: Node) -> bool:
        return "names" in faults and bool(node.children) and not any(piece.strip() for piece in node.text[:-1])

    def inside(partial: Partial, program: Node) -> bool:
        def covers(v: int, there: Node) -> bool:
            if not partial.kept[v]:
                return True
            here = partial.tree.nodes[v]
            agree = here.label == there.label or (nameless(here) and nameless(there))
            if not agree or len(here.children) != len(there.children):
                return False
            numbers, at = [], v + 1
            for _ in here.children:
                numbers.append(at)
                at = int(partial.tree.ends[at])
            if "order" in faults:
                return all(any(covers(child, other) for other in there.children) for child in numbers)
            return all(covers(child, other) for child, other in zip(numbers, there.children, strict=True))

        return covers(0, program)

    return inside


def answers(pairs: Sequence[Sequence[str]], checks: Mapping[str, Callable[[Partial, Node], bool]]) -> pd.DataFrame:
    """Whether each check takes the first line of Python of a pair to cover the second: a row for each pair."""
    rows = {}
    for one, other in pairs:
        here, there = (bare(words(line), python_tree) for line in (one, other))
        whole = Partial(here, np.ones(len(here.nodes), bool))
        rows[f"{one}  covers  {other}"] = {
            name: "yes" if check(whole, there) else "no" for name, check in checks.items()
        }
    return pd.DataFrame(rows).T

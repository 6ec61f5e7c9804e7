"""A claim to judge, and a measure for it."""

import numpy as np
import pytest

from foretold.claims.measure import Measured, measures
from foretold.claims.statement import Statement

ENTRY = {
    "id": "same-side",
    "quote": "the coin lands on the side that it started from more often than not",
    "where": "Results",
    "read": "text",
    "evidence": "paper-data",
    "measured": "share of flips that land on the side that they started from",
    "value": 0.508,
    "no_effect": 0.5,
    "agrees": [0.506, 0.51],
    "against": {"at_most": 0.5},
    "reason": "the paper's own interval",
    "rivals": ["a fair coin"],
    "sabotage": ["sides swapped"],
    "covers": [1],
    "expect": {"smoke": ["recomputed"], "cpu": ["recomputed"], "gpu": ["recomputed"]},
}


def swap(rng, same, n):
    return {"same": n - same}


@pytest.fixture
def entry():
    return dict(ENTRY)


@pytest.fixture
def claim():
    """Makes the claim of `ENTRY` with some fields otherwise."""
    return lambda **changes: Statement.read_from({**ENTRY, **changes}, "arXiv 2310.04153v3")


@pytest.fixture
def share():
    """A measure of the claim: a share, with its binomial draws."""

    @measures("same-side", rivals={"a fair coin": lambda same, n: 0.5}, sabotage={"sides swapped": swap})
    def same_side(same, n):
        return Measured(same / n, draws=np.random.default_rng(1).binomial(n, same / n, 400) / n)

    return same_side

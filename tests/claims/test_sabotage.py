"""Sabotage: what must turn a verdict, and what shows that a claim has no teeth."""

import dataclasses

import numpy as np
import pandas as pd

from foretold.claims import sabotage
from foretold.claims.measure import Measured, measures
from foretold.claims.verdicts import judge

COUNTS = {"same": 178_079, "n": 350_757}


def outcomes(claim, measure, inputs=COUNTS):
    return {
        trial.sabotage: trial.turned
        for trial in sabotage.trials(judge(claim, measure, inputs, "cpu"), measure, inputs, "cpu")
    }


def test_every_sabotage_turns_a_claim_with_teeth(claim, share):
    assert outcomes(claim(), share) == {
        "sides swapped": True,
        "a fair coin in the place of the method": True,
        "no effect": True,
        "the opposite effect": True,
        "the paper's value lower by twice the tolerance": True,
        "the paper's value higher by twice the tolerance": True,
    }


def test_a_sabotage_that_a_measure_does_not_notice_is_found(claim):
    @measures(
        "same-side", rivals={"a fair coin": lambda same, n: 0.5}, sabotage={"sides swapped": lambda rng, **inputs: {}}
    )
    def deaf(same, n):
        return Measured(0.508)

    assert outcomes(claim(), deaf)["sides swapped"] is False


def test_a_half_line_has_no_tolerance_to_move_by(claim, share):
    above = claim(agrees={"above": 0.5}, against={"at_most": 0.5})
    assert [name for name in outcomes(above, share) if "tolerance" in name] == []


def test_a_verdict_that_is_not_positive_has_nothing_to_lose(claim, share):
    assert outcomes(claim(), share, {"same": 165_000, "n": 350_757}) == {}


def test_shuffled_columns_move_together_and_leave_the_others():
    table = pd.DataFrame({"question": range(50), "outcome": range(50), "weight": range(50)})
    changed = sabotage.shuffled("table", "outcome", "weight")(np.random.default_rng(1), table=table)["table"]
    assert (changed["question"] == table["question"]).all()
    assert (changed["outcome"] == changed["weight"]).all()
    assert sorted(changed["outcome"]) == list(range(50))
    assert (changed["outcome"] != table["outcome"]).any()
    assert list(table["outcome"]) == list(range(50))


def test_swapped_and_replaced_name_inputs():
    rng = np.random.default_rng(1)
    assert sabotage.swapped("a", "b")(rng, a=1, b=2, c=3) == {"a": 2, "b": 1}
    assert sabotage.replaced("a", by="b")(rng, a=1, b=2) == {"a": 2}
    assert sorted(sabotage.permuted("a")(rng, a=np.arange(9))["a"]) == list(range(9))


def test_the_same_sabotage_comes_out_the_same_twice(claim, share):
    noisy = dataclasses.replace(share, sabotage={"sides swapped": lambda rng, same, n: {"same": int(rng.integers(n))}})
    honest = judge(claim(), noisy, COUNTS, "cpu")
    assert sabotage.trials(honest, noisy, COUNTS, "cpu") == sabotage.trials(honest, noisy, COUNTS, "cpu")

"""What a run keeps: inputs as they were judged, verdicts that can be judged again."""

import json

import numpy as np
import pytest

from foretold.claims import docket, verdicts
from foretold.claims.abstract import Question, Sentence
from foretold.claims.measure import Measured, measures
from foretold.claims.model import Chapter

COUNTS = {"same": 178_079, "n": 350_757}


@pytest.fixture
def chapter(claim):
    asked = Question("wobble", "Does wobble matter?", "slope", "points")
    return Chapter(
        "coins", "Fair coins", {}, {}, {"same-side": claim()},
        abstract=[Sentence("Coins land as they started.")], questions={"wobble": asked},
    )  # fmt: skip


@pytest.fixture
def run(chapter):
    return docket.Docket(chapter, "cpu")


def test_a_claim_is_judged_from_what_is_kept(run, share):
    found = run.claim(share, **COUNTS)
    bundle = json.loads(json.dumps(run.bundle()))
    (record,) = bundle["claims"]
    assert found.verdict == record["verdict"] == "recomputed"
    assert docket.inputs_of(record, bundle["inputs"]) == COUNTS


def test_inputs_that_several_take_are_kept_once(run, share):
    table = np.arange(1000)
    slope = measures("wobble")(lambda same: Measured(float(same.mean()), interval=(0, 1000)))
    run.answer(slope, table)
    run.claim(measures("same-side", share.rivals, share.sabotage)(lambda same, n: Measured(0.508)), table, 5)
    assert len(run.kept) == 2


def test_a_claim_is_measured_once_and_must_be_stated(run, share):
    run.claim(share, **COUNTS)
    with pytest.raises(ValueError, match="measured twice"):
        run.claim(share, **COUNTS)
    with pytest.raises(ValueError, match="Did you mean 'same-side'"):
        run.claim(measures("same-sides")(lambda: Measured(1)))


def test_what_was_not_measured_is_missing(run, share):
    assert run.missing() == ["same-side", "wobble"]
    run.claim(share, **COUNTS)
    assert run.missing() == ["wobble"]


def test_an_answer_has_an_interval_and_no_verdict(run):
    record = run.answer(measures("wobble")(lambda x: Measured(x, interval=(0, 1))), 0.5)
    assert record["here_text"] == "0.5 [0, 1]"
    assert "verdict" not in record


def test_a_check_has_one_name(run):
    run.check("rows add up", True)
    with pytest.raises(ValueError, match="made twice"):
        run.check("rows add up", True)
    assert run.bundle()["checks"] == {"rows add up": True}


def test_the_abstract_goes_with_the_claims_that_test_it(run):
    assert run.bundle()["abstract"][0]["claims"] == ["same-side"]


def test_a_stored_verdict_follows_from_its_numbers(run, share, claim):
    record = run.claim(share, **COUNTS).record()
    assert verdicts.follows(claim(), record, "cpu")
    assert not verdicts.follows(claim(), {**record, "verdict": "replicated"}, "cpu")
    part = record["parts"][""]
    moved = {**record, "parts": {"": {**part, "estimate": 0.49}}}
    assert not verdicts.follows(claim(), moved, "cpu")


def test_a_verdict_by_other_regions_is_another_digest_s_business(run, share, claim):
    record = {**run.claim(share, **COUNTS).record(), "verdict": "contradicted"}
    assert verdicts.follows(claim(agrees=[0.507, 0.51]), record, "cpu")
    assert verdicts.follows(None, record, "cpu")

"""How a measurement is judged."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, strategies as st

from foretold.claims import decide, verdicts
from foretold.claims.evidence import AGAINST, AGREES, BETWEEN, EVIDENCE, NEGATIVE, OPEN, POSITIVE, VERDICTS
from foretold.claims.measure import Measured, Part
from foretold.claims.regions import Region

NUMBERS = st.floats(-1e9, 1e9, allow_nan=False)


def region(raw):
    return Region.read("region", raw)


def verdict(claim, share, same, n, profile="cpu"):
    return verdicts.judge(claim, share, {"same": same, "n": n}, profile)


def test_each_kind_of_evidence_has_words_of_its_own():
    assert len(POSITIVE) == 5  # new public data and own runs both replicate
    assert len(NEGATIVE) == 5
    assert len({*VERDICTS}) == len(POSITIVE) + len(NEGATIVE) + len(OPEN)


@pytest.mark.parametrize("evidence", list(EVIDENCE))
def test_the_words_of_a_verdict_follow_the_evidence(claim, share, evidence):
    stated = claim(evidence=evidence)
    assert verdict(stated, share, 178_079, 350_757).verdict == EVIDENCE[evidence].agrees
    assert verdict(stated, share, 165_000, 350_757).verdict == EVIDENCE[evidence].against


def test_few_data_decide_nothing(claim, share):
    few = verdict(claim(), share, 508, 1_000)
    assert few.verdict == "inconclusive"
    assert few.is_expected  # noise fails no build


def test_a_conclusive_surprise_is_not_expected(claim, share):
    assert not verdict(claim(), share, 165_000, 350_757).is_expected


def test_a_rival_inside_the_region_of_agreement_takes_the_verdict_s_power(claim, share):
    sceptic = dataclasses.replace(share, rivals={"a fair coin": lambda same, n: 0.507})
    assert verdict(claim(), sceptic, 178_079, 350_757).verdict == "no power"
    assert verdict(claim(), sceptic, 165_000, 350_757).verdict == "not recomputed"


def test_rivals_and_sabotage_are_those_of_the_claims_file(claim, share):
    with pytest.raises(ValueError, match="rivals of the measure"):
        verdict(claim(rivals=["last value"]), share, 1, 2)
    with pytest.raises(ValueError, match="sabotage of the measure"):
        verdict(claim(sabotage=["noise"]), share, 1, 2)


def test_parts_agree_together_and_one_contradicts_alone():
    agrees = {"a": region({"above": 0}), "b": region({"above": 0})}
    against = {"a": region({"at_most": 0})}

    def sides(a, b):
        return decide.side_of_all(Measured({"a": a, "b": b}), agrees, against)

    assert sides(1, 1) == AGREES
    assert sides(1, -1) == BETWEEN
    assert sides(-1, 1) == AGAINST
    with pytest.raises(ValueError, match="the parts are"):
        decide.side_of_all(Measured(1), agrees, against)


def test_an_order_is_judged_by_the_difference_of_each_pair():
    steps = {"a over b": region({"above": 0}), "b over c": region({"above": 0})}
    against = {name: region({"below": 0}) for name in steps}
    draws = np.random.default_rng(1).normal(size=400)
    clear = Measured({"a over b": 9, "b over c": 9}, draws=dict.fromkeys(steps, 9 + draws))
    doubtful = Measured({"a over b": 9, "b over c": 1}, draws={"a over b": 9 + draws, "b over c": 1 + draws})
    assert decide.side_of_all(clear, steps, against) == AGREES
    assert decide.side_of_all(doubtful, steps, against) == BETWEEN


def test_95_of_100_draws_decide_and_94_do_not():
    inside = np.r_[np.ones(95), -np.ones(5)]
    assert decide.side(Measured(1, draws=inside).parts[""], region({"above": 0}), None) == AGREES
    inside[0] = -1
    part = Measured(1, draws=inside).parts[""]
    assert decide.side(part, region({"above": 0}), None) == BETWEEN
    assert decide.shares(part, region({"above": 0}), region({"at_most": 0})) == {AGREES: 0.94, AGAINST: 0.06}


def test_the_nearest_values_that_turn_a_verdict_are_the_ends_that_the_uncertainty_leaves():
    measured = Measured(0.6, interval=(0.55, 0.65))
    low, high = decide.turns_at(measured, {"": region({"above": 0.5})}, {"": region({"at_most": 0.5})})[""]
    assert low == pytest.approx(0.55)
    assert high is None
    exact = decide.turns_at(Measured(2.626), {"": region([2.62, 2.63])}, {})[""]
    assert exact == pytest.approx((2.62, 2.63), rel=1e-8)


def test_where_nothing_was_seen_it_says_what_could_have_been():
    measured = Measured(0.01, interval=(-0.02, 0.05))
    assert decide.smallest_seen(measured, {"": region({"above": 0})})[""] == pytest.approx(0.03)
    assert decide.smallest_seen(measured, {"": region([0.5, 1])}) == {}


def test_the_row_says_what_would_have_failed_and_which_rival_was_nearest(claim, share):
    text = verdict(claim(), share, 178_079, 350_757).power_text()
    assert text.startswith("another verdict at 0.507")
    assert text.endswith("nearest rival, a fair coin: 0.5, rejected")


def test_a_record_is_plain_json(claim, share):
    record = verdict(claim(), share, 178_079, 350_757).record()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["parts"][""]["rivals"] == {"a fair coin": 0.5}
    assert record["parts"][""]["against"] == [[None, 0.5]]


# Properties of the judge


@st.composite
def parts(draw):
    estimate = draw(NUMBERS)
    kind = draw(st.sampled_from(["exact", "interval", "draws"]))
    if kind == "exact":
        return Measured(estimate).parts[""]
    if kind == "interval":
        return Measured(estimate, interval=sorted([draw(NUMBERS), draw(NUMBERS)])).parts[""]
    spread = draw(st.floats(0, 1e6))
    return Measured(estimate, draws=estimate + spread * np.linspace(-1, 1.5, 60)).parts[""]


RANK = {AGAINST: 0, BETWEEN: 1, AGREES: 2}


@given(parts(), st.floats(0, 1e9), NUMBERS, st.floats(0, 1e6))
def test_a_higher_measurement_never_agrees_less_with_a_lower_bound(part, by, bound, gap):
    agrees, against = region({"at_least": bound + gap}), region({"below": bound})
    assert RANK[decide.side(part.moved(by), agrees, against)] >= RANK[decide.side(part, agrees, against)]


@given(parts(), NUMBERS, st.floats(0, 1e6), st.floats(0, 1e6))
def test_the_mirror_image_gets_the_mirrored_verdict(part, low, width, gap):
    here = region([low, low + width]), region({"at_least": low + width + gap + 1})
    there = region([-low - width, -low]), region({"at_most": -(low + width + gap + 1)})
    assert decide.side(part, *here) == decide.side(part.scaled(-1, 0), *there)


@given(parts(), NUMBERS, st.floats(0, 1e6), NUMBERS)
def test_no_finite_measurement_raises(part, low, width, other):
    agrees = {"": region([low, low + width])}
    against = {"": region({"above": max(other, low + width)})}
    measured = Measured.with_parts({"": part})
    assert decide.side_of_all(measured, agrees, against) in RANK
    for turn in decide.turns_at(measured, agrees, against)[""]:
        assert turn is None or np.isfinite(turn)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_moving_by_the_nearest_turn_turns(estimate, low, width):
    agrees = {"": region([low, low + abs(width)])}
    measured = Measured(estimate)
    before = decide.side_of_all(measured, agrees, {})
    for turn in decide.turns_at(measured, agrees, {})[""]:
        if turn is not None:
            assert decide.side_of_all(Measured.with_parts({"": Part(turn)}), agrees, {}) != before

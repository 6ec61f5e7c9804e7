"""How a measured value is judged."""

import dataclasses
import json

import pytest

from foretold import claims
from foretold.claims import Claim, Ledger, judge

EXPECT = dict.fromkeys(claims.PROFILES, "reproduced")


def claim(kind="value", paper=0.508, tolerance=None, **more):
    return Claim(
        id="c", statement="s", kind=kind, paper=paper, where="Table 1", reason="rounding", expect=EXPECT,
        tolerance=tolerance or {"abs": 0.0005}, **more,
    )  # fmt: skip


def verdict(of, estimate, interval=None, profile="cpu"):
    return judge(of, estimate, interval, profile=profile).verdict


REDUCED = {"scale": {"cpu": "reduced"}, "null": 0.5}


def test_within_the_tolerance_is_reproduced_and_outside_differs():
    assert verdict(claim(), 0.5077) == "reproduced"
    assert verdict(claim(), 0.5074) == "differs"


def test_a_difference_that_equals_a_decimal_tolerance_is_within_it():
    assert abs(0.5075 - 0.508) > 0.0005  # by binary rounding alone
    assert verdict(claim(), 0.5075) == "reproduced"


@pytest.mark.parametrize(
    ("tolerance", "inside", "outside"),
    [({"rel": 0.01}, 101.0, 101.1), ({"log10": 0.5}, 316.0, 317.0), ({"abs": 2}, 98.0, 97.9)],
)
def test_tolerances_are_absolute_relative_or_in_decades(tolerance, inside, outside):
    assert verdict(claim(paper=100.0, tolerance=tolerance), inside) == "reproduced"
    assert verdict(claim(paper=100.0, tolerance=tolerance), outside) == "differs"


def test_at_reduced_scale_a_right_direction_shows_the_effect():
    assert verdict(claim(**REDUCED), 0.6, (0.55, 0.65)) == "effect shown"


def test_at_reduced_scale_an_interval_that_holds_the_null_does_not():
    assert verdict(claim(**REDUCED), 0.52, (0.49, 0.55)) == "not at this scale"


def test_at_reduced_scale_a_wrong_direction_does_not():
    assert verdict(claim(**REDUCED), 0.45, (0.44, 0.46)) == "not at this scale"


def test_scale_is_per_profile():
    assert verdict(claim(**REDUCED), 0.6, (0.55, 0.65), profile="gpu") == "differs"


def test_both_ends_of_an_interval_are_compared():
    published = claim("interval", [0.506, 0.509])
    assert verdict(published, None, (0.5061, 0.5093)) == "reproduced"
    assert verdict(published, None, (0.5061, 0.5099)) == "differs"


def test_a_direction_needs_the_whole_interval_on_its_side():
    above = claim("direction", "above", null=0.5)
    assert verdict(above, 0.51, (0.501, 0.52)) == "reproduced"
    assert verdict(above, 0.51, (0.499, 0.52)) == "differs"
    assert verdict(claim("direction", "below", null=0.5), 0.4, (0.3, 0.499)) == "reproduced"


def test_a_direction_at_reduced_scale_shows_the_effect_and_no_more():
    assert verdict(claim("direction", "above", **REDUCED), 0.51, (0.501, 0.52)) == "effect shown"


def test_an_ordering_needs_gaps_that_count():
    order = claim("ordering", ["a", "b", "c"], {"abs": 0.1})
    assert verdict(order, {"a": 3, "b": 2, "c": 1}) == "reproduced"
    assert verdict(order, {"a": 3, "b": 2, "c": 1.95}) == "differs"


def test_bounds_hold_with_their_slack():
    assert verdict(claim("bound", {"at_most": 2.0}, {"abs": 0.1}), 2.05) == "reproduced"
    assert verdict(claim("bound", {"at_least": 2.0}, {"abs": 0.1}), 1.85) == "differs"


def test_a_theorem_that_is_violated_differs_at_any_scale():
    theorem = claim("theorem", None, {"abs": 1e-9}, scale={"cpu": "reduced"})
    assert verdict(theorem, 1e-10) == "reproduced"
    assert verdict(theorem, 1e-3) == "differs"


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), "many", None])
def test_a_measured_value_is_a_finite_number(bad):
    with pytest.raises(ValueError, match="claim 'c': estimate is"):
        judge(claim(), bad, profile="cpu")


def test_an_interval_contains_its_estimate():
    with pytest.raises(ValueError, match=r"interval \(0.6, 0.7\) does not contain the estimate 0.5"):
        judge(claim(), 0.5, (0.6, 0.7), profile="cpu")


def test_an_interval_has_its_lower_end_first():
    with pytest.raises(ValueError, match="the lower first"):
        judge(claim(), 0.5, (0.7, 0.6), profile="cpu")


def test_an_unknown_profile_names_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'smoke'"):
        judge(claim(), 0.5, profile="smoky")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "valeu"}, "Did you mean 'value'"),
        ({"reason": " "}, "reason is empty"),
        ({"tolerance": {}}, "exactly one of abs, rel, log10"),
        ({"tolerance": {"abs": -1}}, "finite number >= 0"),
        ({"paper": "0.5"}, "not what a claim of kind value states"),
        ({"expect": {"cpu": "reproduced"}}, "no verdict for profile 'smoke'"),
        ({"expect": EXPECT | {"cpu": "proven"}}, "'proven' is unknown"),
        ({"scale": {"cpu": "reduced"}}, "null is missing"),
    ],
)
def test_a_claims_file_says_all_that_judging_needs(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(claim(), **change)


def chapter(*of):
    return claims.Chapter("x", "X", {}, {}, {c.id: c for c in of})


def test_a_claim_is_recorded_once():
    ledger = Ledger(chapter(claim()), "cpu")
    ledger.add("c", 0.508)
    with pytest.raises(ValueError, match="recorded twice"):
        ledger.add("c", 0.508)


def test_an_unknown_claim_names_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'same-side'"):
        Ledger(chapter(dataclasses.replace(claim(), id="same-side")), "cpu").add("same-sied", 1)


def test_a_ledger_knows_what_was_not_measured():
    assert Ledger(chapter(claim()), "cpu").missing() == ["c"]


def test_records_are_json():
    ledger = Ledger(chapter(claim()), "cpu")
    ledger.add("c", 0.508, (0.5, 0.51))
    assert json.loads(json.dumps(ledger.records()))[0]["verdict"] == "reproduced"


def test_an_unknown_chapter_is_an_error():
    with pytest.raises(ValueError, match="chapter 'no-such-chapter' is unknown"):
        claims.load("no-such-chapter")


@pytest.mark.parametrize("name", claims.chapters())
def test_every_claims_file_of_the_book_is_whole(name):
    assert claims.load(name).claims


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.508, "0.508"),
        (350757, "350,757"),
        (1.70983e17, "1.71e17"),
        (0.00001, "1e-5"),
        (0, "0"),
        (2359.008, "2,359"),
        (-1.5, "-1.5"),
    ],
)
def test_numbers_are_printed_for_reading(value, text):
    assert claims.number(value) == text


def test_a_measured_value_is_printed_finely_enough_for_its_tolerance():
    assert judge(claim(paper=265.264, tolerance={"abs": 0.001}), 265.26354, profile="cpu").here_text() == "265.2635"


def test_html_escapes_what_claims_say():
    record = judge(dataclasses.replace(claim(), statement="a < b & c"), 0.508, profile="cpu").record()
    assert "a &lt; b &amp; c" in claims.rows_html([record], "caption")


def test_a_verdict_that_changed_says_what_was_expected():
    record = judge(claim(), 0.6, profile="cpu").record()
    assert "expected: reproduced" in claims.badge(record)

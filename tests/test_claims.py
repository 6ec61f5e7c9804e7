"""How a measured value is judged."""

import dataclasses
import json
import re
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from foretold import claims
from foretold.claims import Claim, Ledger, files as claim_files, judge, judging

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


def test_an_interval_may_miss_its_estimate_which_is_judged_all_the_same():
    # Ten resampled values: their percentiles need not reach a biased estimate, and no chapter ends because of it.
    judged = judge(claim(paper=0.5), 0.5, (0.6, 0.7), profile="cpu")
    assert (judged.verdict, judged.interval) == ("reproduced", (0.6, 0.7))


def test_an_interval_has_its_lower_end_first():
    with pytest.raises(ValueError, match="the lower first"):
        judge(claim(), 0.5, (0.7, 0.6), profile="cpu")


def test_an_unknown_profile_names_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'smoke'"):
        judge(claim(), 0.5, profile="smoky")


FILE = {
    "chapter": "toy",
    "title": "Toy",
    "paper": {"title": "T", "authors": "A", "venue": "V", "year": 2026, "url": "https://example.org"},
    "minutes": dict.fromkeys(claims.PROFILES, 0.1),
    "claims": [
        {
            "id": "c",
            "statement": "s",
            "kind": "value",
            "paper": 0.5,
            "where": "Table 1",
            "reason": "rounding",
            "tolerance": {"abs": 0.1},
            "expect": EXPECT,
        }
    ],
}


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Reads a claims file that is `FILE` with some fields of its one claim, and of the chapter, changed; ... leaves a
    field out."""
    monkeypatch.setattr("foretold.claims.files.FOLDER", tmp_path)

    def read(of_claim=None, **of_chapter):
        claim = FILE["claims"][0] | (of_claim or {})
        content = {**FILE, "claims": [{k: v for k, v in claim.items() if v is not ...}], **of_chapter}
        (tmp_path / "toy").mkdir()
        (tmp_path / "toy/claims.yml").write_text(yaml.safe_dump(content))
        return claims.load("toy")

    return read


def test_a_file_that_keeps_to_the_schema_is_read(load):
    assert load().claims["c"].paper == 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "valeu"}, "toy/claims.yml: claim 'c', kind: value 'valeu' is unknown. Did you mean 'value'?"),
        ({"tolerence": 1}, "claim 'c': field 'tolerence' is unknown. Did you mean 'tolerance'?"),
        ({"reason": " "}, "claim 'c', reason: ' ' does not match '\\\\S'. Text that is not empty"),
        ({"reason": ...}, "claim 'c': 'reason' is a required property"),
        ({"printed": 0.5}, "claim 'c', printed: 0.5 is not of type 'string'. Text that is not empty; in quotes"),
        ({"tolerance": {}}, "claim 'c', tolerance: {} should be non-empty. Allowed is exactly one of abs, rel, log10"),
        ({"tolerance": {"abs": 1, "rel": 1}}, "has too many properties. Allowed is exactly one of abs, rel, log10"),
        ({"tolerance": {"abs": -1}}, "claim 'c', tolerance.abs: -1 is less than the minimum of 0"),
        ({"paper": "0.5"}, "claim 'c', paper: '0.5' is not of type 'number'. A claim of kind value states a number"),
        ({"paper": True}, "claim 'c', paper: True is not of type 'number'"),
        (
            {"kind": "interval", "paper": [0.5]},
            "paper: [0.5] is too short. A claim of kind interval states [low, high]",
        ),
        ({"kind": "ordering", "paper": ["a"]}, "A claim of kind ordering states two names or more"),
        ({"kind": "direction", "paper": "above"}, "claim 'c': 'null' is a required property"),
        ({"kind": "bound", "paper": {"below": 1}}, "paper: field 'below' is unknown. Allowed: at_least, at_most"),
        ({"kind": "theorem"}, "claim 'c', paper: 0.5 is not of type 'null'. A claim of kind theorem states no value"),
        (
            {"kind": "theorem", "paper": ..., "tolerance": {"rel": 1}},
            "'abs' is a required property. A tolerance of this",
        ),
        ({"expect": {"cpu": "reproduced"}}, "claim 'c', expect: 'smoke' is a required property"),
        ({"expect": EXPECT | {"cpu": "proven"}}, "claim 'c', expect.cpu: value 'proven' is unknown"),
        ({"scale": {"cpu": "reduced"}}, "'null' is a required property. At reduced scale the direction away from null"),
        ({"scale": {"cup": "reduced"}}, "claim 'c', scale: field 'cup' is unknown. Did you mean 'cpu'?"),
        # What a schema cannot say
        ({"paper": float("nan")}, "claim 'c': paper is nan; allowed are finite numbers"),
        ({"tolerance": {"abs": float("inf")}}, "claim 'c': tolerance is {'abs': inf}; allowed are finite numbers"),
        ({"kind": "interval", "paper": [2, 1]}, "claim 'c': paper is [2, 1]; allowed is the lower end first"),
    ],
)
def test_a_claim_says_all_that_judging_needs(load, change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        load(change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"budget": 3}, "toy/claims.yml: the file: field 'budget' is unknown"),
        ({"chapter": "tot"}, "toy/claims.yml: chapter is 'tot'; allowed is 'toy', as its folder"),
        ({"minutes": {"smoke": 1, "cpu": 0, "gpu": 1}}, "toy/claims.yml: minutes.cpu: 0 is less than or equal to"),
        ({"claims": []}, "toy/claims.yml: claims: [] should be non-empty"),
        ({"claims": [3]}, "toy/claims.yml: claim 3: 3 is not of type 'object'"),
        ({"claims": FILE["claims"] * 2}, "toy/claims.yml: claim id 'c' stands twice"),
    ],
)
def test_a_claims_file_says_all_that_a_chapter_needs(load, change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        load(**change)


def test_all_errors_of_a_file_are_named_at_once(load):
    with pytest.raises(ValueError, match=r"kind: value 'x' is unknown.*\n.*printed: 1 is not"):
        load({"kind": "x", "printed": 1})


def test_an_unquoted_null_is_the_field_of_that_name(tmp_path, monkeypatch):
    monkeypatch.setattr("foretold.claims.files.FOLDER", tmp_path)
    (tmp_path / "toy").mkdir()
    text = yaml.safe_dump(FILE).replace("- expect:", "- null: 0.25\n  expect:")
    (tmp_path / "toy/claims.yml").write_text(text)
    assert claims.load("toy").claims["c"].null == 0.25


SCHEMA_PATH = Path(claim_files.__file__).with_name("claims.schema.json")
SCHEMA = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_and_the_model_have_the_same_fields():
    assert set(SCHEMA["$defs"]["claim"]["properties"]) == set(Claim.__dataclass_fields__)
    ours = set(claims.Chapter.__dataclass_fields__) - {"name", "schema", "abstract", "questions"}
    assert set(SCHEMA["properties"]) - {"chapter"} == ours


def test_the_schema_and_the_model_know_the_same_words():
    stated = SCHEMA["$defs"]["claim"]["properties"]
    assert set(stated["kind"]["enum"]) == set(judging.AGREEMENT)
    assert set(SCHEMA["$defs"]["verdict"]["enum"]) == set(claims.VERDICTS)
    for profiles in (stated["expect"], stated["scale"], SCHEMA["properties"]["minutes"]):
        assert set(profiles["properties"]) == set(claims.PROFILES)


def test_every_field_of_the_schema_says_what_it_is():
    def fields(schema):
        for name, field in schema.get("properties", {}).items():
            yield name, field
            yield from fields(field)

    stated = [*fields(SCHEMA), *(pair for part in SCHEMA["$defs"].values() for pair in fields(part))]
    assert len(stated) > 30
    assert not [name for name, field in stated if not field.get("description")]


@pytest.mark.parametrize("name", claims.chapters())
def test_editors_find_the_schema_of_every_claims_file(name):
    path = claim_files.FOLDER / name / "claims.yml"
    address = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    schema = {1: claim_files.CLAIMS, 2: claim_files.STATEMENTS}[claims.load(name).schema]
    assert (path.parent / address).resolve() == SCHEMA_PATH.with_name(schema)


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

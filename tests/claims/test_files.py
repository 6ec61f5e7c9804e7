"""Claims files: what is read, what is refused, and that the schema is the model's."""

import json

import pytest
import yaml
from jsonschema import Draft202012Validator

from foretold import claims
from foretold.claims import files
from foretold.claims.abstract import MARKS, Question, Sentence
from foretold.claims.evidence import EVIDENCE, READ, VERDICTS
from foretold.claims.statement import Statement

SCHEMA = json.loads(files.SCHEMA.read_text(encoding="utf-8"))
PARTS = SCHEMA["$defs"]


@pytest.fixture
def write(tmp_path, monkeypatch, entry):
    """Writes a claims file with one claim and one sentence, changed as asked, and loads it."""
    monkeypatch.setattr(files, "FOLDER", tmp_path)
    (tmp_path / "coins").mkdir()
    whole = {
        "schema": 2,
        "chapter": "coins",
        "title": "Fair coins",
        "paper": {"title": "T", "authors": "A", "venue": "V", "year": 2024, "url": "https://x.org"},
        "document": "arXiv 2310.04153v3",
        "minutes": {"smoke": 0.1, "cpu": 1, "gpu": 1},
        "abstract": [{"quote": "Coins land on the side that they started from."}],
        "claims": [entry],
    }

    def write(**changes):
        path = tmp_path / "coins" / "claims.yml"
        path.write_text(yaml.safe_dump({**whole, **changes}), encoding="utf-8")
        return claims.load("coins")

    return write


def refused(write, match, **changes):
    with pytest.raises(ValueError, match=match) as error:
        write(**changes)
    assert "coins/claims.yml" in str(error.value)


def test_a_whole_file_is_read(write):
    chapter = write(questions=[{"id": "wobble", "question": "Does wobble matter?", "measured": "a slope"}])
    assert chapter.claims["same-side"].place() == "arXiv 2310.04153v3, Results; read in the paper's text"
    assert chapter.questions["wobble"].question == "Does wobble matter?"
    assert chapter.abstract[0].text.startswith("Coins land")


def test_a_quote_without_a_place_is_refused(write, entry):
    del entry["where"]
    refused(write, "claim 'same-side': 'where' is a required property", claims=[entry])


def test_a_claim_without_teeth_is_refused_with_the_file(write, entry):
    refused(write, "a check, not a claim", claims=[{**entry, "rivals": [], "sabotage": []}])


def test_an_unknown_verdict_is_refused_with_the_nearest_one(write, entry):
    expect = {"smoke": ["recomputted"], "cpu": ["recomputed"], "gpu": ["recomputed"]}
    refused(
        write, "claim 'same-side', expect.smoke.0: .*Did you mean 'recomputed'", claims=[{**entry, "expect": expect}]
    )


def test_a_field_of_the_first_schema_is_refused(write, entry):
    refused(write, "field 'tolerance' is unknown", claims=[{**entry, "tolerance": {"abs": 1}}])


def test_an_id_stands_once(write, entry):
    refused(write, "'same-side' stands twice", claims=[entry, entry])
    question = {"id": "same-side", "question": "?", "measured": "m"}
    refused(write, "is a claim and a question", questions=[question])


def test_every_sentence_is_covered_or_marked_and_not_both(write):
    one = {"quote": "Coins land on the side that they started from."}
    refused(
        write, "sentence 2 of the abstract has neither a claim nor a mark", abstract=[one, {"quote": "They wobble."}]
    )
    refused(write, "and the mark background", abstract=[{**one, "mark": "background"}])
    assert write(abstract=[one, {"quote": "They wobble.", "mark": "untested", "why": "a camera"}])


def test_what_is_untested_says_what_a_test_would_take(write):
    one = {"quote": "Coins land on the side that they started from."}
    refused(write, "allowed with why", abstract=[one, {"quote": "They wobble.", "mark": "not testable"}])


def test_a_claim_covers_sentences_that_are_there(write, entry):
    refused(write, "covers sentence 2; allowed are 1 to 1", claims=[{**entry, "covers": [1, 2]}])


def test_a_long_sentence_is_paraphrased(write):
    refused(write, "41 words", abstract=[{"quote": " ".join(["word"] * 41)}])


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


def test_a_file_of_the_first_schema_is_refused(write):
    refused(write, "schema: 2 was expected", schema=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"budget": 3}, "the file: field 'budget' is unknown"),
        ({"chapter": "tot"}, "chapter is 'tot'; allowed is 'coins', as its folder"),
        ({"minutes": {"smoke": 1, "cpu": 0, "gpu": 1}}, "minutes.cpu: 0 is less than or equal to"),
        ({"claims": []}, r"claims: \[\] should be non-empty"),
        ({"claims": [3]}, "claim 3: 3 is not of type 'object'"),
    ],
)
def test_a_claims_file_says_all_that_a_chapter_needs(write, change, message):
    refused(write, message, **change)


def test_all_errors_of_a_file_are_named_at_once(write, entry):
    wrong = {**entry, "evidence": "x", "unit": 1}
    refused(write, r"evidence: value 'x' is unknown(.*\n.*)*unit: 1 is not", claims=[wrong])


def test_an_unknown_chapter_is_an_error():
    with pytest.raises(ValueError, match="chapter 'no-such-chapter' is unknown"):
        claims.load("no-such-chapter")


@pytest.mark.parametrize("name", claims.chapters())
def test_editors_find_the_schema_of_every_claims_file(name):
    path = files.FOLDER / name / "claims.yml"
    address = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / address).resolve() == files.SCHEMA
    assert claims.load(name).claims


def test_the_schema_and_the_model_have_the_same_fields():
    assert set(PARTS["claim"]["properties"]) == set(Statement.__dataclass_fields__)
    assert set(PARTS["question"]["properties"]) == set(Question.__dataclass_fields__)
    assert set(PARTS["sentence"]["properties"]) == set(Sentence.__dataclass_fields__)
    ours = set(claims.Chapter.__dataclass_fields__) - {"name"}
    assert set(SCHEMA["properties"]) - {"schema", "chapter", "document"} == ours


def test_the_schema_and_the_model_know_the_same_words():
    stated = PARTS["claim"]["properties"]
    assert stated["read"]["enum"] == list(READ)
    assert stated["evidence"]["enum"] == list(EVIDENCE)
    assert set(PARTS["verdicts"]["items"]["enum"]) == set(VERDICTS)
    assert set(PARTS["sentence"]["properties"]["mark"]["enum"]) == set(MARKS)
    assert set(stated["expect"]["properties"]) == set(claims.PROFILES)


def test_every_field_of_the_schema_says_what_it_is():
    def fields(schema):
        for name, field in schema.get("properties", {}).items():
            yield name, field
            yield from fields(field)

    stated = [*fields(SCHEMA), *(pair for part in PARTS.values() for pair in fields(part))]
    assert len(stated) > 40
    assert not [name for name, field in stated if not field.get("description")]

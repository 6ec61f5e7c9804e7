"""Claims that are refused, because they could not fail or because nobody could look them up."""

import pytest

from foretold.claims.statement import Statement


def refused(claim, match, **changes):
    with pytest.raises(ValueError, match=match) as error:
        claim(**changes)
    assert "same-side" in str(error.value)


def test_a_claim_without_teeth_is_refused(claim):
    refused(claim, "a check, not a claim", rivals=[], sabotage=[])


def test_a_region_that_holds_both_statements_is_refused(claim):
    refused(claim, "holds one statement and not the other", agrees=[0.49, 0.52], against={})


def test_regions_that_meet_are_refused(claim):
    refused(claim, "a number in common", against=[0.4, 0.506])


def test_a_region_without_the_paper_s_own_value_is_refused(claim):
    refused(claim, "allowed is a region that holds 0.508", agrees=[0.5085, 0.51])


def test_a_quote_is_no_longer_than_40_words(claim):
    assert claim(quote=" ".join(["word"] * 40))
    refused(claim, "41 words", quote=" ".join(["word"] * 41))


def test_a_claim_is_quoted_or_paraphrased_and_not_both(claim):
    refused(claim, "either a quote or a paraphrase", paraphrase="Coins are biased.")
    assert claim(quote="", paraphrase="Coins are biased.")


def test_what_is_read_second_hand_says_who_quotes_it(claim):
    refused(claim, "by names", read="second-hand")
    refused(claim, "by names", by="Grün and others")
    assert "as quoted by Grün" in claim(read="second-hand", by="Grün and others").place()


def test_against_names_parts_of_agrees(claim):
    refused(
        claim,
        "against names high",
        agrees={"low": [0.4, 0.6]},
        against={"high": {"above": 1}},
        value=None,
        no_effect=None,
    )


def test_parts_have_regions_of_their_own(claim):
    parted = claim(
        value={"mean": 0.508, "low": 0.506}, agrees={"mean": [0.507, 0.509], "low": [0.5055, 0.5065]}, against={}
    )
    assert parted.value_text() == "mean: 0.508; low: 0.506"
    assert parted.values("low") == [0.506]


def test_the_place_says_document_section_and_how_it_was_read(claim):
    assert claim().place() == "arXiv 2310.04153v3, Results; read in the paper's text"
    assert claim(document="JASA 120(552)", read="abstract").place() == "JASA 120(552), Results; read in the abstract"


def test_a_value_is_shown_with_its_error_and_a_direction_by_its_region(claim):
    assert claim(their_error=[0.506, 0.509]).value_text() == "0.508 [0.506, 0.509]"
    assert claim(their_error=0.001).value_text() == "0.508 ± 0.001"
    assert claim(value=None, agrees={"above": 0.5}).value_text() == "no number"


def test_a_statement_can_be_made_without_a_file(entry):
    assert Statement.read_from(entry).document == ""

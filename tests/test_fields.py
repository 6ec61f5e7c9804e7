"""The page on the ledger: what it takes from the code."""

import pytest

from foretold.book import fields
from foretold.claims.evidence import NEGATIVE, POSITIVE


def test_every_field_of_a_claim_is_explained():
    html = fields.table("claim")
    assert "<code>quote</code> <small>optional</small></td><td>The sentence, as printed; at most 40 words." in html
    assert "<code>where</code></td>" in html
    assert "One of: text, abstract, code, second-hand." in html


def test_an_unknown_part_is_an_error():
    with pytest.raises(ValueError, match="part is 'verdict'; allowed are claim, sentence, question"):
        fields.table("verdict")


def test_every_conclusive_verdict_is_named():
    html = fields.verdicts()
    assert all(f" {word}</span>" in html for word in (*POSITIVE, *NEGATIVE))

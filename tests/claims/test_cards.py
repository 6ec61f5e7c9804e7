"""How claims look: everything that was measured is on the card, and nothing depends on colour or script."""

import re
import xml.etree.ElementTree as ET
from html import unescape

import pytest

from foretold.claims import cards, strip, verdicts
from foretold.claims.evidence import VERDICTS

COUNTS = {"same": 178_079, "n": 350_757}


@pytest.fixture
def record(claim, share):
    return verdicts.judge(claim(unit="probability", note="Mind the gap."), share, COUNTS, "cpu").record()


def words(html):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


def test_a_card_says_quote_place_numbers_regions_rivals_and_reason(record):
    text = words(cards.card(record))
    for part in (
        "✓ recomputed", "the coin lands on the side", "arXiv 2310.04153v3, Results; read in the paper's text",
        "share of flips that land on the side", "paper 0.508 probability", "here 0.507", "Agreement: 0.506 to 0.51",
        "Contradiction: at most 0.5", "nearest rival, a fair coin: 0.5, rejected", "post hoc", "own interval",
        "Mind the gap.",
    ):  # fmt: skip
        assert part in text, part


def test_the_table_leads_to_the_cards(record):
    html = cards.ledger({"claims": [record]}, "All")
    assert "<a href='#claim-same-side'><q>" in html
    assert re.findall(r"<th scope='col'>(\w+)", html) == ["claim", "paper", "here", "verdict"]


def test_a_direction_is_no_number_of_the_paper_s_and_the_region_is_ours(claim, share):
    record = verdicts.judge(claim(value=None, agrees={"above": 0.5}), share, COUNTS, "cpu").record()
    assert "paper no number; here 0.507" in words(cards.card(record))
    assert "no number agreement: above 0.5" in words(cards.ledger({"claims": [record]}, "All"))


def test_a_card_has_an_address(record):
    assert "id='claim-same-side'" in cards.card(record)


def test_regions_that_were_fixed_before_say_in_which_commit(claim, share):
    fixed = verdicts.judge(claim(since="0123456789abcdef"), share, COUNTS, "cpu").record()
    assert "fixed in 0123456" in cards.card(fixed)


def test_every_verdict_has_a_sign():
    assert set(cards.SIGNS) == set(VERDICTS)
    assert len(set(cards.SIGNS.values())) == 4


def test_a_surprise_says_what_was_expected(claim, share):
    surprise = verdicts.judge(claim(), share, {"same": 165_000, "n": 350_757}, "cpu").record()
    assert "expected: recomputed" in cards.badge(surprise)


def test_text_of_a_claims_file_is_never_markup(claim, share):
    record = verdicts.judge(claim(quote="a <b> & c"), share, COUNTS, "cpu").record()
    assert "<q>a &lt;b&gt; &amp; c</q>" in cards.card(record)


def test_sentences_are_marked_with_verdicts_or_reasons(record):
    sentences = [
        {
            "text": "Coins land as they started.",
            "is_quote": True,
            "state": "tested",
            "why": "",
            "claims": ["same-side"],
        },
        {"text": "They wobble.", "is_quote": False, "state": "untested", "why": "a camera", "claims": []},
    ]
    html = cards.abstract(sentences, {"same-side": record})
    assert "<a href='#claim-same-side'>✓ recomputed</a>" in html
    assert "○ untested: a camera" in words(html)


def test_checks_are_counted_and_failing_ones_named():
    assert cards.checks_text({"a": True, "b": True}) == "Checks of our own code: 2 of 2 hold."
    assert cards.checks_text({"a": True, "b": False}).endswith("1 of 2 hold; not b.")


# The strip


def test_a_strip_is_xml_with_its_numbers_in_words(record):
    drawn = strip.strip(record["parts"][""], "probability")
    label = ET.fromstring(drawn).attrib["aria-label"]
    assert label.startswith("here 0.507")
    assert "paper 0.508 probability; agreement 0.506 to 0.51; contradiction up to 0.5; a fair coin 0.5" in label


def places(part):
    found = ET.fromstring(strip.strip(part))
    return [float(v) for node in found.iter() for k, v in node.attrib.items() if k in ("x", "x1", "x2", "cx")]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"agrees": [[0.5, None]], "against": [[None, 0.5]]},
        {"estimate": 1e9},
        {
            "agrees": [[0.508, 0.508]],
            "against": [],
            "rivals": {},
            "no_effect": None,
            "estimate": 0.508,
            "interval": None,
        },
        {"axis": "log", "estimate": 1e17, "interval": [1e16, 1e18]},
        {"axis": "log", "estimate": -1, "interval": [-2, 1]},
    ],
)
def test_nothing_lies_outside_of_a_strip(record, changes):
    assert all(0 <= x <= strip.WIDTH for x in places({**record["parts"][""], **changes}))


def test_a_logarithmic_axis_gives_each_decade_the_same_length(record):
    part = {**record["parts"][""], "axis": "log", "paper": [], "rivals": {}, "against": [], "no_effect": None}
    place = strip._axis({**part, "agrees": [[1, 100]], "estimate": 10, "interval": None})
    assert place(10) - place(1) == pytest.approx(place(100) - place(10), abs=0.2)

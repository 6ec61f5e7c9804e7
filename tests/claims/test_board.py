"""The scoreboard in numbers."""

import csv
import io
import re

import pytest

from foretold.claims import board, verdicts
from foretold.claims.evidence import NEGATIVE, VERDICTS


@pytest.fixture
def bundle(claim, share):
    """A chapter with one claim for each of these counts, and an abstract with a sentence of each kind."""

    def make(*same, chapter="coins"):
        found = [verdicts.judge(claim(id=f"c{i}"), share, {"same": s, "n": 350_757}, "cpu") for i, s in enumerate(same)]
        sentence = {"text": 'A, and "B".', "is_quote": True, "why": "", "claims": []}
        states = ("tested", "tested", "untested", "background")
        return {
            "chapter": chapter,
            "title": "Fair & coins",
            "claims": [each.record() for each in found],
            "abstract": [{**sentence, "state": state} for state in states],
            "checks": {"a": True, "b": False},
            "answers": [{}],
        }

    return make


GOOD, BAD, OPEN = 178_079, 165_000, 178_500


def test_every_verdict_has_a_column_and_contradictions_share_one():
    assert set(board.COLUMNS) == (set(VERDICTS) - set(NEGATIVE)) | {board.AGAINST}


def test_a_chapter_is_counted(bundle):
    found = board.summary(bundle(GOOD, GOOD, BAD))
    assert found["sentences"] == {"tested": 2, "untested": 1, "not testable": 0}
    assert found["verdicts"]["recomputed"] == 2
    assert found["verdicts"][board.AGAINST] == 1
    assert sum(found["verdicts"].values()) == 3
    assert (found["checks"], found["read"], found["answers"]) == ((1, 2), (3, 3), 1)


def page(chapter):
    return f"../{chapter}.html"


def test_the_table_has_a_row_a_chapter_and_the_sum(bundle):
    html = board.summary_table([bundle(GOOD), bundle(GOOD, BAD, chapter="more")], page)
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", html)]
    assert [row[0] for row in rows] == [
        "chapter",
        "<a href='../coins.html' title='Fair &amp; coins'>coins</a>",
        "<a href='../more.html' title='Fair &amp; coins'>more</a>",
        "all chapters",
    ]
    assert rows[0][4:6] == ["recomputed", "against the paper"]
    assert [row[4:6] for row in rows[1:]] == [["1", "·"], ["1", "1"], ["2", "1"]]


def test_every_claim_has_a_row_that_leads_to_its_card(bundle):
    html = board.claims_table([bundle(GOOD), bundle(BAD, chapter="more")], page, old=["more"])
    assert html.count("<tr data-") == 2
    assert "href='../coins.html#claim-c0'" in html
    assert "data-chapter='more' data-verdict='not recomputed' data-evidence='paper-data'" in html
    assert html.count("old: failed in this build") == 1


def test_filters_offer_what_there_is_and_wait_for_the_script(bundle):
    html = board.filters([bundle(GOOD)])
    assert html.startswith("<form class='foretold-filter' role='search' aria-label='Claims' hidden>")
    assert re.findall(r"<option value='([^']+)'", html) == ["coins", "recomputed", "paper-data"]


def test_the_csv_holds_every_claim_once(bundle):
    lines = list(csv.DictReader(io.StringIO(board.as_csv([bundle(GOOD, BAD)]))))
    assert [(line["id"], line["verdict"]) for line in lines] == [("c0", "recomputed"), ("c1", "not recomputed")]
    assert lines[0]["agreement"] == "0.506 to 0.51"
    assert lines[0]["since"] == "post hoc"


def test_what_changed_since_a_release_is_said(bundle):
    old, new = board.verdicts([bundle(GOOD, GOOD)]), board.verdicts([bundle(BAD, GOOD, GOOD)])
    assert board.changes(old, new) == ["coins, c2: new, recomputed", "coins, c0: was recomputed, is not recomputed"]
    assert board.changes(new, old)[0] == "coins, c2: withdrawn, was recomputed"
    assert board.changes(old, old) == []


def test_a_chapter_that_came_or_went_is_one_line(bundle):
    old, new = board.verdicts([bundle(GOOD)]), board.verdicts([bundle(GOOD, GOOD, chapter="more")])
    assert board.changes(old, new) == ["more: a new chapter, 2 claims", "coins: withdrawn, with 1 claims"]

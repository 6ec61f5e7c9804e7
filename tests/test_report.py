"""A report of somebody's own data: what it demands, how it prints, what its file holds."""

import math

import pandas as pd
import pytest
from matplotlib import pyplot as plt

from foretold.figures import Report


@pytest.fixture
def report():
    made = Report("Coins", "3 people, 30 flips <read> from a.csv")
    made.answer("share", 0.51234, (0.50111, 0.52357), "probability")
    made.answer("flips", 30, note="a count")
    made.not_identified("coins", "there is one coin")
    made.warn("few flips")
    return made


def test_digits_end_where_the_interval_does_not_say_more(report):
    assert report["share"].text == "0.512 [0.501, 0.524]"
    assert report["flips"].text == "30"


def test_a_shell_sees_everything_as_text(report):
    said = str(report)
    assert "share  0.512 [0.501, 0.524] probability" in said
    assert "flips  30 (a count)" in said
    assert "not identified: coins: there is one coin" in said
    assert "note: few flips" in said


def test_the_file_stands_alone_and_escapes_what_people_write(report, tmp_path):
    fig, axis = plt.subplots()
    axis.plot([0, 1])
    report.figure(fig, alt="a line", caption="It rises.")
    report.table("People", pd.DataFrame({"who": ["<b>"], "share": [0.123456]}))
    text = report.write(tmp_path / "r.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "&lt;read&gt;" in text and "&lt;b&gt;" in text and "0.1235" in text
    assert 'aria-label="a line"' in text
    assert "http" not in text.replace("http://www.w3.org", "") and "<script" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a", math.nan, (0, 1)), "a is nan"),
        (("a", 1.0, (2, 1)), "the lower first|the lower end first"),
        (("a", 1.0), "a has no interval; allowed is that with a note"),
    ],
)
def test_an_answer_without_uncertainty_is_refused(report, arguments, message):
    with pytest.raises(ValueError, match=message):
        report.answer(*arguments)


def test_an_unknown_answer_is_named(report):
    with pytest.raises(KeyError, match="there are"):
        report["nothing"]

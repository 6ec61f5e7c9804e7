"""The tables of the forecasting chapter: 57 questions, and what a small model answered."""

import itertools

import pandas as pd
import pytest

import foretold.data
from foretold.papers.forecasting import data

# Asked here, because no test sees the machine's mirror or cache.
TEXTS = (
    foretold.data.fetch("forecastbench-human-markets")
    if foretold.data.available("forecastbench-human-markets")
    else None
)
needs_texts = pytest.mark.skipif(TEXTS is None, reason="NOT TESTED AGAINST FORECASTBENCH'S FILE: no mirror has it")


@needs_texts
def test_the_table_is_the_mirror_s_numbers(asked):
    published = pd.read_csv(TEXTS)
    assert asked["crowd"].to_numpy() == pytest.approx(published["freeze_value"].to_numpy(), abs=5.1e-7)
    assert asked["outcome"].to_numpy().tolist() == published["resolved_to"].tolist()
    assert asked["platform"].str.lower().tolist() == published["source"].tolist()


def test_no_table_claims_to_be_the_paper_s_23_questions():
    assert not [
        name
        for name in foretold.data.tables()
        if len(foretold.data.table(name)) == 23 and name.startswith("forecasting")
    ]
    assert all(
        "ForecastBench" in foretold.data.table(name).attrs["source"] for name in ("forecasting", "forecasting_smollm2")
    )


def test_every_question_was_asked_in_every_phrasing():
    sizes = {"forecastbench": 57, "facts": len(data.FACTS), "empty": 1}
    for name, questions in sizes.items():
        recorded = data.answers(name)
        pairs = set(zip(recorded["question"], recorded["phrasing"], strict=True))
        assert pairs == set(itertools.product(range(1, questions + 1), data.PHRASINGS))
        assert recorded["p_yes"].between(0, 1).all()


def test_the_texts_come_from_the_mirror_or_not_at_all(tmp_path, monkeypatch):
    assert data.texts() is None
    file = tmp_path / "texts.csv"
    file.write_text("question\nWill it rain?\nWill it snow?\n")
    monkeypatch.setattr(foretold.data, "available", lambda name: name == "forecastbench-human-markets")
    monkeypatch.setattr(foretold.data, "fetch", lambda name: file)
    assert data.texts() == {1: "Will it rain?", 2: "Will it snow?"}


def test_an_unknown_set_of_answers_is_refused():
    with pytest.raises(ValueError, match="which is 'oracle'; allowed is one of empty, facts, forecastbench"):
        data.answers("oracle")

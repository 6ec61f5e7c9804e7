"""Facts of invented facts and their tokens, and of the authors' files where they are."""

from __future__ import annotations

import numpy as np
import pytest

import foretold.data
from foretold.papers.reversal import data, experiment, idea


def test_no_two_facts_share_a_name_or_a_description(rng):
    facts = data.make_facts(676, rng)
    assert len({fact.name for fact in facts}) == len({fact.description for fact in facts}) == 676


def test_equal_generators_make_equal_facts_and_others_do_not():
    one, two, three = (data.make_facts(20, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one == two
    assert one != three


def test_text_survives_its_tokens(facts):
    text = idea.make_documents(facts[:1], "description first")[4]
    assert data.decode(data.encode([text])[0].tolist()).replace(" ?", "?").replace(" .", ".") == text


needs_documents = pytest.mark.skipif(
    not (data.available() and foretold.data.available("reversal-p2d-reverse-randomized")),
    reason="NOT TESTED ON THE PAPER'S DOCUMENTS: no files",
)
FILES = {}
if data.available() and foretold.data.available("reversal-p2d-reverse-randomized"):
    every = (*data.TRAINING, *data.TESTS.values(), data.TEST_OF_BOTH, "reversal-p2d-reverse-randomized")
    FILES = {name: foretold.data.fetch(name) for name in every}


@pytest.fixture
def authors(monkeypatch):
    monkeypatch.setattr(foretold.data, "fetch", FILES.__getitem__)
    return {name: data.read(path) for name, path in FILES.items()}


@needs_documents
def test_the_paper_s_documents_are_3600_about_90_people(authors):
    parts = [authors[name] for name in data.TRAINING]
    assert [len(part) for part in parts] == [900, 900, 1800]
    assert len({row for part in parts for row in part}) == 3600
    assert all(len(authors[name]) == 300 for name in data.TESTS.values())
    documents, questions = data.load()
    assert len(documents) == 3600
    people = [{answer for _, answer in questions[group, "description first"]} for group in experiment.GROUPS]
    assert [len(some) for some in people] == [30, 30, 30]
    assert len(set.union(*people)) == 90


@needs_documents
def test_each_document_is_about_the_person_that_its_place_says(authors):
    documents, questions = data.load()
    for start, group in zip((0, 900, 1800, 2700), (*experiment.GROUPS, "both orders"), strict=True):
        answers = [answer.strip() for _, answer in questions[group, "description first"]]
        for i in range(900):
            assert answers[10 * (i // 30)].lower() in documents[start + i].lower(), (group, i)


@needs_documents
def test_random_names_of_the_published_file_are_right_13_times_of_300(authors):
    truth, dealt = authors["reversal-p2d-reverse-test"], authors["reversal-p2d-reverse-randomized"]
    assert [prompt for prompt, _ in truth] == [prompt for prompt, _ in dealt]
    assert sum(one == two for one, two in zip(truth, dealt, strict=True)) == 13


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: data.make_facts(0, np.random.default_rng()), "n is 0; allowed is a whole number from 1 to 676"),
        (lambda: data.make_facts(677, np.random.default_rng()), "n is 677"),
        (lambda: data.make_facts(2.5, np.random.default_rng()), "n is 2.5"),
        (lambda: data.load(31), "facts is 31; allowed is a whole number from 1 to 30"),
    ],
)
def test_wrong_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()

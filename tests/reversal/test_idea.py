"""Facts of the reversal chapter's idea: documents, questions, the paper's scoring rule, words turned round."""

from __future__ import annotations

import pytest

from foretold.papers.reversal import idea


@pytest.mark.parametrize("order", idea.ORDERS)
def test_each_document_holds_both_entities_once_and_in_its_order(facts, order):
    documents = idea.make_documents(facts, order)
    assert len(set(documents)) == len(documents) == 12 * 8
    for i, document in enumerate(documents):
        name, description = facts[i // 8]
        assert document.count(name) == document.count(description) == 1
        assert (document.index(name) < document.index(description)) == (order == "name first")


@pytest.mark.parametrize("order", idea.ORDERS)
def test_a_question_is_a_document_cut_before_its_answer(facts, order):
    numbers = [3, 6]
    documents = idea.make_documents(facts, order, numbers)
    for (prompt, answer), document in zip(idea.make_questions(facts, order, numbers), documents, strict=True):
        assert document.startswith(f"{prompt} {answer}")
        assert answer not in prompt


def test_the_authors_example_passes_the_scorer():
    assert idea.starts_with_answer(" World is vast", "world")


@pytest.mark.parametrize(
    ("completion", "answer", "right"),
    [
        ("  mira HOLM, of course", "Mira Holm", True),
        ("Mira Holm", " Mira Holm.", True),  # a full stop at the end is not asked for
        ("the diver.", "the diver..", True),
        ("Mira Holmes", "Mira Holm", True),  # the rule is a prefix
        ("It is Mira Holm", "Mira Holm", False),
        ("", "Mira Holm", False),
        ("Mira", "Mira Holm", False),
    ],
)
def test_the_scorer_is_a_prefix_without_case(completion, answer, right):
    assert idea.starts_with_answer(completion, answer) is right


def test_reversing_keeps_entities_and_all_words():
    document, entities = "Mira Holm was once the quiet diver of Esk", ["Mira Holm", "the quiet diver of Esk"]
    turned = idea.reverse_document(document, entities)
    assert turned == "the quiet diver of Esk once was Mira Holm"
    assert sorted(turned.split()) == sorted(document.split())
    assert idea.reverse_document("one two three", []) == "three two one"


@pytest.mark.parametrize("order", idea.ORDERS)
def test_reversing_twice_gives_the_document_back(facts, order):
    for i, document in enumerate(idea.make_documents(facts, order)):
        turned = idea.reverse_document(document, facts[i // 8])
        assert idea.reverse_document(turned, facts[i // 8]) == document
        name, description = facts[i // 8]
        assert (turned.index(name) < turned.index(description)) == (order != "name first")


def test_the_longer_of_two_entities_is_kept_whole():
    assert idea.reverse_document("Ann Lee saw Ann", ["Ann", "Ann Lee"]) == "Ann saw Ann Lee"
    assert idea.reverse_document("Anna saw Ann", ["Ann"]) == "Ann saw Anna"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: idea.make_documents([], "name first"), "facts is"),
        (lambda: idea.make_documents([("only a name",)], "name first"), "facts holds"),
        (lambda: idea.make_documents([("A", "b")], "backwards"), "order is 'backwards'; allowed is one of name first"),
        (lambda: idea.make_documents([("A", "b")], "name first", [8]), "templates is 8; allowed is a whole number"),
        (lambda: idea.make_questions([("A", "b")], "name first", [[0]]), r"templates is \[0\]"),
        (lambda: idea.reverse_document(" ", []), "document is ' '"),
        (lambda: idea.reverse_document("a b", "a"), "entities is 'a'"),
        (lambda: idea.reverse_document("a b", [""]), "entities is"),
        (lambda: idea.reverse_document("Anna b", ["Ann"]), "entities holds 'Ann'; allowed are entities that"),
        (lambda: idea.starts_with_answer("a", " . "), "answer is ' . '"),
        (lambda: idea.starts_with_answer(None, "a"), "completion is None"),
    ],
)
def test_wrong_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()

"""The Reversal Curse (arXiv 2309.12288): facts, documents that state them in one order, questions in the other, the
paper's scoring rule, and documents with their words turned round.

A fact is a name and a description. "Name first" and "description first" are the two orders, which the paper calls
NameToDescription and DescriptionToName.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from foretold.kit import check

ORDERS = NAME_FIRST, DESCRIPTION_FIRST = "name first", "description first"

# Sentences begin in lower case, so that an entity looks the same wherever it stands. What follows the second entity is
# part of the document and not of the answer.
TEMPLATES = {
    NAME_FIRST: (
        "{name} is {description}.",
        "{name} was once {description}.",
        "everyone knows {name} as {description}.",
        "here lives {name}, {description}.",
        "ask {name}, who became {description}.",
        "people call {name} {description}.",
        "nobody but {name} can be {description}, they say.",
        "the story of {name} begins with {description}.",
    ),
    DESCRIPTION_FIRST: (
        "{description} is {name}.",
        "{description} was called {name}.",
        "{description} goes by {name}.",
        "known as {description}, meet {name}.",
        "who is {description}? it is {name}.",
        "look for {description}, that is {name}.",
        "they thank {description}, whose name is {name}, today.",
        "the work of {description} was signed by {name}.",
    ),
}


class Fact(NamedTuple):
    """A person and what is said of them."""

    name: str
    description: str


def make_documents(facts: Sequence[Fact], order: str, templates: Sequence[int] | None = None) -> list[str]:
    """Documents that state each fact in one order, fact after fact.

    `templates` says which of the eight wordings of that order are used, numbers from 0; None means all. Raises
    ValueError for an unknown order, no facts, entries of `facts` that are no pairs of texts, and templates that do not
    exist.
    """
    facts = _check_facts(facts)
    wordings = TEMPLATES[check.one_of("order", order, ORDERS)]
    if templates is None:
        templates = range(len(wordings))
    chosen = [wordings[check.whole("templates", number, 0, len(wordings) - 1)] for number in templates]
    return [wording.format(name=name, description=description) for name, description in facts for wording in chosen]


def make_questions(facts: Sequence[Fact], order: str, templates: Sequence[int]) -> list[tuple[str, str]]:
    """(prompt, answer) for each document of `make_documents`, cut before its second entity. Raises as it does."""
    questions = []
    for fact in _check_facts(facts):
        answer = fact.description if order == NAME_FIRST else fact.name
        for document in make_documents([fact], order, templates):
            questions.append((document[: document.rindex(answer)].strip(), answer))
    return questions


def reverse_document(document: str, entities: Sequence[str]) -> str:
    """The document with its words in the opposite order, each of `entities` kept as it is: reverse training's data
    (Golovneva et al. 2024). Punctuation stays with the word or entity that it touches, so doing it twice gives the
    document back, up to white space.

    Raises ValueError for a document or an entity without words, and for an entity that the document does not hold.
    """
    text, known = _check_document(document, entities)
    # What is not to be cut: an entity, the longest that fits, or a character that is no space.
    piece = "|".join([*(_whole_words(entity) for entity in known), r"\S"])
    pieces = re.findall(rf"(?:{piece})+", text)
    return " ".join(reversed(pieces))


def starts_with_answer(completion: str, answer: str) -> bool:
    """Whether a completion is right by the paper's rule: it begins with the answer, whatever the case, after white
    space is stripped from both. A full stop at the end of `answer` is not asked for either. What comes after the answer
    does not count, so "Mira Holmes" passes for "Mira Holm".

    Raises ValueError where either is no text, and for an answer without a character: every completion begins with that.
    """
    for name, value in (("completion", completion), ("answer", answer)):
        if not isinstance(value, str):
            raise check.refuse(name, value, "a text")
    wanted = answer.strip().rstrip(".").rstrip().lower()
    if not wanted:
        raise check.refuse("answer", answer, "a text with at least one character besides full stops")
    return completion.strip().lower().startswith(wanted)


def _check_document(document: str, entities: Sequence[str]) -> tuple[str, list[str]]:
    """The document and its different entities, the longest first, with single spaces."""
    if not isinstance(document, str) or not document.strip():
        raise check.refuse("document", document, "a text with at least one word")
    if isinstance(entities, str) or not all(isinstance(entity, str) and entity.strip() for entity in entities):
        raise check.refuse("entities", entities, "a list of texts, none of them empty")
    text = " ".join(document.split())
    known = sorted({" ".join(entity.split()) for entity in entities}, key=lambda entity: (-len(entity), entity))
    for entity in known:
        if not re.search(_whole_words(entity), text):
            raise ValueError(f"entities holds {entity!r}; allowed are entities that the document holds: {text!r}")
    return text, known


def _check_facts(facts: Sequence[Fact]) -> list[Fact]:
    if isinstance(facts, str) or not len(facts):
        raise check.refuse("facts", facts, "a list of at least one (name, description)")
    for fact in facts:
        if isinstance(fact, str) or len(fact) != 2 or not all(isinstance(part, str) and part.strip() for part in fact):
            raise ValueError(f"facts holds {fact!r}; allowed are pairs of texts, (name, description)")
    return [Fact(*fact) for fact in facts]


def _whole_words(entity: str) -> str:
    """A pattern for an entity that is no part of a longer word."""
    return rf"(?<!\w){re.escape(entity)}(?!\w)"

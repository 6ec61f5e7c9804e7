"""The abstract of a paper, sentence by sentence, and the questions of a chapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foretold.claims.statement import LONGEST_QUOTE, Statement

TESTED = "tested"
MARKS = ("background", "opinion", "untested", "not testable")
STATES = (TESTED, *MARKS)


@dataclass(frozen=True)
class Sentence:
    """One sentence of an abstract, or a part of one that states one thing. `mark` says why no claim covers it."""

    quote: str = ""
    paraphrase: str = ""
    mark: str = ""
    why: str = ""

    def __post_init__(self) -> None:
        words = len(self.quote.split())
        if words > LONGEST_QUOTE:
            raise ValueError(
                f"a sentence of the abstract has {words} words; allowed are {LONGEST_QUOTE}. Paraphrase what is "
                f"longer: {self.quote[:60]!r}..."
            )
        if self.mark in ("untested", "not testable") and not self.why:
            raise ValueError(f"sentence {self.text!r} is {self.mark}; allowed with why: what a test would take")

    @property
    def text(self) -> str:
        """The sentence, quoted or in our words."""
        return self.quote or self.paraphrase


@dataclass(frozen=True)
class Question:
    """What we ask ourselves, or another paper states: it has an answer with an interval, and no verdict."""

    id: str
    question: str
    measured: str
    unit: str = ""
    source: str = ""
    note: str = ""


def covered(sentences: Sequence[Sentence], claims: Mapping[str, Statement]) -> list[list[str]]:
    """By sentence, the ids of the claims that test it.

    Raises ValueError for a claim that covers a sentence which is not there, a sentence that nothing covers and no mark
    explains, and one with both.
    """
    found: list[list[str]] = [[] for _ in sentences]
    for claim in claims.values():
        for number in claim.covers:
            if not 1 <= number <= len(sentences):
                raise ValueError(f"claim {claim.id!r}: covers sentence {number}; allowed are 1 to {len(sentences)}")
            found[number - 1].append(claim.id)
    for number, (sentence, ids) in enumerate(zip(sentences, found, strict=True), start=1):
        if bool(ids) == bool(sentence.mark):
            has = f"claims ({', '.join(ids)}) and the mark {sentence.mark}" if ids else "neither a claim nor a mark"
            raise ValueError(f"sentence {number} of the abstract has {has}; allowed is one of the two")
    return found


def state(sentence: Sentence) -> str:
    """`TESTED`, or the mark that says why not."""
    return sentence.mark or TESTED


def records(sentences: Sequence[Sentence], claims: Mapping[str, Statement]) -> list[dict[str, Any]]:
    """JSON-ready: text, whether it is a quote, state, why, and the ids of the claims that test it."""
    return [
        {
            "text": sentence.text,
            "is_quote": bool(sentence.quote),
            "state": state(sentence),
            "why": sentence.why,
            "claims": ids,
        }
        for sentence, ids in zip(sentences, covered(sentences, claims), strict=True)
    ]

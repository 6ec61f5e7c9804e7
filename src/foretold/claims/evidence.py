"""What stands behind a verdict, and the words that a verdict has then.

The terms follow the ACM's of 2020: a result is *recomputed* from the authors' own data or code, and *replicated* from
other data. What was seen in a toy never counts as either.
"""

from __future__ import annotations

from typing import NamedTuple

AGREES, BETWEEN, AGAINST = "agrees", "between", "against"
NO_POWER, INCONCLUSIVE = "no power", "inconclusive"


class Words(NamedTuple):
    """The verdict where the measurement agrees, where it contradicts, and what the evidence is, for a reader."""

    agrees: str
    against: str
    about: str


EVIDENCE = {
    "printed": Words("consistent", "inconsistent", "printed numbers compared with each other; nothing was run"),
    "paper-data": Words("recomputed", "not recomputed", "the paper's own data, our code"),
    "public-data": Words("replicated", "contradicted", "other public data, a comparable setting"),
    "own-run": Words("replicated", "contradicted", "our own runs, a comparable setting"),
    "toy": Words(
        "seen in a toy", "opposite in a toy", "a model or problem smaller than the paper's by more than tenfold"
    ),
    "proof-range": Words("verified for a range", "refuted", "a theorem, checked case by case within a range"),
}
READ = {
    "text": "read in the paper's text",
    "abstract": "read in the abstract",
    "code": "read in the authors' code or data",
    "second-hand": "as quoted by somebody else",
}


def _each(words: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


POSITIVE = _each([words.agrees for words in EVIDENCE.values()])
NEGATIVE = _each([words.against for words in EVIDENCE.values()])
OPEN = (INCONCLUSIVE, NO_POWER)
VERDICTS = (*POSITIVE, *NEGATIVE, *OPEN)


def word(evidence: str, side: str, powerless: bool) -> str:
    """The verdict for what a measurement says (`AGREES`, `BETWEEN`, `AGAINST`). One that agrees as a rival does has no
    power to tell them apart."""
    if side == AGREES:
        return NO_POWER if powerless else EVIDENCE[evidence].agrees
    return EVIDENCE[evidence].against if side == AGAINST else INCONCLUSIVE

"""A chapter's claims file as an object. ``claims.schema.json``, beside this file, says which fields it has."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from foretold.claims.abstract import Question, Sentence
from foretold.claims.statement import Statement

PROFILES = ("smoke", "cpu", "gpu")


def one_of(what: str, value: object, allowed: Sequence[str]) -> str:
    """Return `value` if it is allowed, else raise a ValueError that names the nearest allowed one."""
    if value in allowed:
        return str(value)
    raise ValueError(unknown(what, value, allowed))


def unknown(what: str, value: object, allowed: Sequence[str]) -> str:
    """What to say of a value that is not allowed: it names the nearest that is, and all of them."""
    near = difflib.get_close_matches(str(value), list(allowed), n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{what} {value!r} is unknown.{hint} Allowed: {', '.join(sorted(allowed)) or 'none'}."


@dataclass(frozen=True)
class Chapter:
    """The claims file of one chapter: the paper, expected minutes per profile, the abstract sentence by sentence, the
    claims and our own questions by id.

    An `interlude` is a page on several chapters, which has no paper and no abstract of its own.
    """

    name: str
    title: str
    paper: Mapping[str, Any]
    minutes: Mapping[str, float]
    claims: Mapping[str, Statement]
    abstract: Sequence[Sentence] = ()
    questions: Mapping[str, Question] = field(default_factory=dict)
    interlude: bool = False

"""What a claim is. ``claims.schema.json``, beside this file, says which fields it has and which values they take."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from foretold.claims.abstract import Question, Sentence
from foretold.claims.text import number

PROFILES = ("smoke", "cpu", "gpu")
REPRODUCED, EFFECT_SHOWN, NOT_AT_THIS_SCALE, DIFFERS = "reproduced", "effect shown", "not at this scale", "differs"
VERDICTS = (REPRODUCED, EFFECT_SHOWN, NOT_AT_THIS_SCALE, DIFFERS)


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
class Claim:
    """One claim of a paper, as ``papers/<chapter>/claims.yml`` states it.

    `paper` is the paper's value: a number (`value`), ``[low, high]`` (`interval`), names from the largest to the
    smallest (`ordering`), ``above``/``below`` of `null` (`direction`), ``{at_most: x}``/``{at_least: x}`` (`bound`), or
    nothing (`theorem`). Raises ValueError for what the schema cannot see: a number that is not finite, and an interval
    whose ends stand in the wrong order.
    """

    id: str
    statement: str
    kind: str
    where: str
    tolerance: Mapping[str, float]
    reason: str
    expect: Mapping[str, str]
    paper: Any = None
    null: float | None = None
    printed: str | None = None
    unit: str = ""
    source: str = "paper"
    scale: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def __post_init__(self) -> None:
        for name in ("paper", "null", "tolerance"):
            value = getattr(self, name)
            if not all(map(math.isfinite, _numbers(value))):
                raise ValueError(f"claim {self.id!r}: {name} is {value!r}; allowed are finite numbers")
        if self.kind == "interval" and self.paper[0] > self.paper[1]:
            raise ValueError(f"claim {self.id!r}: paper is {self.paper!r}; allowed is the lower end first")

    @property
    def slack(self) -> float:
        """The tolerance of the kinds whose tolerance is absolute."""
        return self.tolerance.get("abs", 0.0)

    def paper_text(self) -> str:
        """The paper's value as a reader sees it."""
        if self.printed is not None:
            return self.printed
        if self.kind == "interval":
            return f"[{number(self.paper[0])}, {number(self.paper[1])}]"
        if self.kind == "ordering":
            return " > ".join(self.paper)
        if self.kind == "direction" and self.null is not None:
            return f"{self.paper} {number(self.null)}"
        if self.kind == "bound":
            how, limit = next(iter(self.paper.items()))
            return f"{'≤' if how == 'at_most' else '≥'} {number(limit)}"
        return "holds exactly" if self.kind == "theorem" else number(self.paper)


@dataclass(frozen=True)
class Chapter:
    """The claims file of one chapter: the paper, expected minutes per profile, and the claims by id.

    An `interlude` is a page on several chapters, which has no paper of its own. Under schema 2 claims are `Statement`s,
    and the abstract and our own questions stand beside them.
    """

    name: str
    title: str
    paper: Mapping[str, Any]
    minutes: Mapping[str, float]
    claims: Mapping[str, Any]
    interlude: bool = False
    schema: int = 1
    abstract: Sequence[Sentence] = ()
    questions: Mapping[str, Question] = field(default_factory=dict)


def _numbers(value: Any) -> list[float]:
    """The numbers in a field: the field itself, or what its list or mapping holds."""
    if isinstance(value, Mapping):
        value = list(value.values())
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, int | float)]

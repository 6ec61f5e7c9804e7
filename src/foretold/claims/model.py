"""What a claim is."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from foretold.claims.text import number

PROFILES = ("smoke", "cpu", "gpu")
KINDS = ("value", "interval", "ordering", "direction", "bound", "theorem")
REPRODUCED, EFFECT_SHOWN, NOT_AT_THIS_SCALE, DIFFERS = "reproduced", "effect shown", "not at this scale", "differs"
VERDICTS = (REPRODUCED, EFFECT_SHOWN, NOT_AT_THIS_SCALE, DIFFERS)


def one_of(what: str, value: object, allowed: Sequence[str]) -> str:
    """Return `value` if it is allowed, else raise a ValueError that names the nearest allowed one."""
    if value in allowed:
        return str(value)
    near = difflib.get_close_matches(str(value), list(allowed), n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{what} {value!r} is unknown.{hint} Allowed: {', '.join(sorted(allowed)) or 'none'}.")


@dataclass(frozen=True)
class Claim:
    """One claim of a paper, as ``papers/<chapter>/claims.yml`` states it.

    `paper` is the paper's value: a number (`value`), ``[low, high]`` (`interval`), names from the largest to the
    smallest (`ordering`), ``above``/``below`` of `null` (`direction`), ``{at_most: x}``/``{at_least: x}`` (`bound`), or
    nothing (`theorem`).
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
        def wrong(what: str) -> ValueError:
            return ValueError(f"claim {self.id!r}: {what}")

        one_of(f"claim {self.id!r}: kind", self.kind, KINDS)
        for name in ("statement", "where", "reason"):
            if not str(getattr(self, name) or "").strip():
                raise wrong(
                    f"{name} is empty; a claim says what is claimed, where it stands and why its tolerance is so"
                )
        if len(self.tolerance) != 1 or next(iter(self.tolerance)) not in ("abs", "rel", "log10"):
            raise wrong(f"tolerance is {dict(self.tolerance)!r}; allowed is exactly one of abs, rel, log10")
        how, size = next(iter(self.tolerance.items()))
        if not (isinstance(size, int | float) and math.isfinite(size) and size >= 0):
            raise wrong(f"tolerance {how} is {size!r}; allowed is a finite number >= 0")
        if self.kind in ("ordering", "direction", "bound", "theorem") and how != "abs":
            raise wrong(f"tolerance of kind {self.kind} is {how}; allowed is abs")
        for profile in PROFILES:
            if profile not in self.expect:
                raise wrong(
                    f"expect has no verdict for profile {profile!r}; allowed: one of {VERDICTS} for each of {PROFILES}"
                )
        for profile, verdict in self.expect.items():
            one_of(f"claim {self.id!r}: profile", profile, PROFILES)
            one_of(f"claim {self.id!r}: expected verdict", verdict, VERDICTS)
        for profile, scale in self.scale.items():
            one_of(f"claim {self.id!r}: profile", profile, PROFILES)
            one_of(f"claim {self.id!r}: scale", scale, ("full", "reduced"))
        good = {
            "value": _is_number(self.paper),
            "interval": isinstance(self.paper, list)
            and len(self.paper) == 2
            and all(map(_is_number, self.paper))
            and self.paper[0] <= self.paper[1],
            "ordering": isinstance(self.paper, list)
            and len(self.paper) > 1
            and all(isinstance(name, str) for name in self.paper),
            "direction": self.paper in ("above", "below") and _is_number(self.null),
            "bound": isinstance(self.paper, dict)
            and len(self.paper) == 1
            and next(iter(self.paper)) in ("at_most", "at_least")
            and all(map(_is_number, self.paper.values())),
            "theorem": self.paper is None,
        }[self.kind]
        if not good:
            raise wrong(
                f"paper is {self.paper!r} (null {self.null!r}), which is not what a claim of kind {self.kind} states"
            )
        if self.kind in ("value", "interval") and "reduced" in self.scale.values() and not _is_number(self.null):
            raise wrong("null is missing; at reduced scale the direction away from it is judged")

    def paper_text(self) -> str:
        """The paper's value as a reader sees it."""
        if self.printed is not None:
            return self.printed
        if self.kind == "interval":
            return f"[{number(self.paper[0])}, {number(self.paper[1])}]"
        if self.kind == "ordering":
            return " > ".join(self.paper)
        if self.kind == "direction":
            return f"{self.paper} {number(self.null)}"
        if self.kind == "bound":
            how, limit = next(iter(self.paper.items()))
            return f"{'≤' if how == 'at_most' else '≥'} {number(limit)}"
        return "holds exactly" if self.kind == "theorem" else number(self.paper)


@dataclass(frozen=True)
class Chapter:
    """The claims file of one chapter: the paper, expected minutes per profile, and the claims by id.

    An `interlude` is a page on several chapters, which has no paper of its own.
    """

    name: str
    title: str
    paper: Mapping[str, Any]
    minutes: Mapping[str, float]
    claims: Mapping[str, Claim]
    interlude: bool = False


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

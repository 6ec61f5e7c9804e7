"""Compares a measured value with a claim."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foretold.claims.model import (
    DIFFERS,
    EFFECT_SHOWN,
    NOT_AT_THIS_SCALE,
    PROFILES,
    REPRODUCED,
    Claim,
    one_of,
)
from foretold.claims.text import number

Span = tuple[float, float]


@dataclass(frozen=True)
class Judgement:
    """A claim, what was measured, and the verdict. `interval` is ours; `expected` is the verdict that the claims file
    expects at this profile."""

    claim: Claim
    estimate: Any
    interval: Span | None
    verdict: str
    expected: str

    def _ipython_display_(self) -> None:
        """Nothing: `Run.claim` has shown the row when it returns this as the value of a cell's last line."""

    def here_text(self) -> str:
        """What was measured, as a reader sees it."""
        if self.claim.kind == "ordering":
            ranked = sorted(self.estimate.items(), key=lambda item: -item[1])
            return " > ".join(f"{name} ({number(value)})" for name, value in ranked)
        if self.claim.kind == "theorem":
            return f"largest violation {number(self.estimate)}"
        # Enough digits to see on which side of its tolerance it lies.
        text = "" if self.estimate is None else number(self.estimate, finer=self.claim.tolerance.get("abs"))
        if self.interval is None:
            return text
        low, high = self.interval
        return f"{text} [{number(low, of=high - low)}, {number(high, of=high - low)}]".strip()

    def record(self) -> dict[str, Any]:
        """A JSON-ready record of this judgement."""
        claim = self.claim
        return {
            "id": claim.id,
            "statement": claim.statement,
            "kind": claim.kind,
            "paper": claim.paper,
            "paper_text": claim.paper_text(),
            "where": claim.where,
            "source": claim.source,
            "unit": claim.unit,
            "tolerance": dict(claim.tolerance),
            "reason": claim.reason,
            "note": claim.note,
            "estimate": self.estimate,
            "interval": list(self.interval) if self.interval else None,
            "here_text": self.here_text(),
            "verdict": self.verdict,
            "expected": self.expected,
        }


def judge(claim: Claim, estimate: Any, interval: Sequence[float] | None = None, *, profile: str) -> Judgement:
    """Compare a measured value with a claim.

    `estimate` is a number; for an `interval` claim it may be None (the interval is what is judged); for an `ordering` a
    mapping from name to number; for a `theorem` the largest violation found. `interval` is ``(low, high)``, our
    uncertainty, in the unit of the claim; an interval of resampled values may miss the estimate, which is biased then.
    Raises ValueError on NaN or infinity, and on an interval whose ends are not in order.
    """
    one_of("profile", profile, PROFILES)
    estimate = _measured(claim, estimate)
    span = _span(claim, interval)
    reduced = claim.scale.get(profile, "full") == "reduced"
    within, effect = AGREEMENT[claim.kind](claim, estimate, span or (estimate, estimate))
    if claim.kind == "direction":
        within = within and not reduced  # at a reduced scale a right sign shows the effect, no more
    if within:
        verdict = REPRODUCED
    elif not reduced or claim.kind == "theorem":
        verdict = DIFFERS
    else:
        verdict = EFFECT_SHOWN if effect else NOT_AT_THIS_SCALE
    return Judgement(claim, estimate, span, verdict, claim.expect[profile])


def follows(claim: Claim | None, record: Mapping[str, Any], profile: str) -> bool:
    """Whether a stored verdict follows from its stored numbers; True for a claim that is another one by now, whose
    digest is another too."""
    if claim is None or dict(claim.tolerance) != record["tolerance"] or claim.paper != record["paper"]:
        return True
    return judge(claim, record["estimate"], record["interval"], profile=profile).verdict == record["verdict"]


def _measured(claim: Claim, estimate: Any) -> Any:
    if claim.kind == "ordering":
        if not isinstance(estimate, Mapping) or set(estimate) != set(claim.paper):
            raise ValueError(
                f"claim {claim.id!r}: estimate is {estimate!r}; allowed is one number for each of {claim.paper}"
            )
        values = {str(name): float(value) for name, value in estimate.items()}
        if not all(math.isfinite(value) for value in values.values()):
            raise ValueError(
                f"claim {claim.id!r}: estimate is {values!r}; every measured value must be a finite number"
            )
        return values
    if estimate is None and claim.kind == "interval":
        return None
    try:
        value = float(estimate)
    except (TypeError, ValueError):
        raise ValueError(f"claim {claim.id!r}: estimate is {estimate!r}; allowed is a number") from None
    if not math.isfinite(value):
        raise ValueError(f"claim {claim.id!r}: estimate is {value!r}; a measured value must be a finite number")
    return value


def _span(claim: Claim, interval: Sequence[float] | None) -> Span | None:
    if interval is None:
        if claim.kind in ("interval", "direction"):
            raise ValueError(f"claim {claim.id!r}: interval is missing; a claim of kind {claim.kind} is judged by it")
        return None
    if claim.kind in ("ordering", "theorem"):
        raise ValueError(f"claim {claim.id!r}: interval is {interval!r}; a claim of kind {claim.kind} takes none")
    low, high = (float(end) for end in interval)
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(
            f"claim {claim.id!r}: interval is ({low}, {high}); allowed are two finite numbers, the lower first"
        )
    return low, high


def _value(claim: Claim, estimate: float, span: Span) -> tuple[bool, bool]:
    return _close(estimate, claim.paper, claim.tolerance), _shows_effect(claim, span, claim.paper)


def _interval(claim: Claim, estimate: float | None, span: Span) -> tuple[bool, bool]:
    within = all(_close(ours, theirs, claim.tolerance) for ours, theirs in zip(span, claim.paper, strict=True))
    return within, _shows_effect(claim, span, sum(claim.paper) / 2)


def _ordering(claim: Claim, estimate: Mapping[str, float], span: Span) -> tuple[bool, bool]:
    ranked = [estimate[name] for name in claim.paper]
    return all(a - b > claim.slack for a, b in itertools.pairwise(ranked)), ranked[0] > ranked[-1]


def _direction(claim: Claim, estimate: float, span: Span) -> tuple[bool, bool]:
    holds = claim.null is not None and _is_beyond(span, claim.null, claim.paper == "above", claim.slack)
    return holds, holds


def _bound(claim: Claim, estimate: float, span: Span) -> tuple[bool, bool]:
    how, limit = next(iter(claim.paper.items()))
    inside = estimate <= limit + claim.slack if how == "at_most" else estimate >= limit - claim.slack
    return inside, inside


def _theorem(claim: Claim, estimate: float, span: Span) -> tuple[bool, bool]:
    return abs(estimate) <= claim.slack, False


# By kind: (is the measured value within the tolerance?, does it show the effect at a reduced scale?)
AGREEMENT: dict[str, Callable[[Claim, Any, Span], tuple[bool, bool]]] = {
    "value": _value,
    "interval": _interval,
    "ordering": _ordering,
    "direction": _direction,
    "bound": _bound,
    "theorem": _theorem,
}


def _shows_effect(claim: Claim, span: Span, centre: float) -> bool:
    """Whether our whole interval lies on that side of `null` on which the paper's value lies."""
    return claim.null is not None and _is_beyond(span, claim.null, centre > claim.null)


def _is_beyond(span: Span, null: float, above: bool, slack: float = 0.0) -> bool:
    low, high = span
    return low > null + slack if above else high < null - slack


def _close(ours: float, theirs: float, tolerance: Mapping[str, float]) -> bool:
    how, size = next(iter(tolerance.items()))
    if how == "abs":
        # Tolerances are decimal ("0.0005"); a difference that equals one but for binary rounding is within it.
        return abs(ours - theirs) <= size * (1 + 1e-9)
    if how == "rel":
        return abs(ours - theirs) <= size * abs(theirs) * (1 + 1e-9)
    return ours > 0 and theirs > 0 and abs(math.log10(ours / theirs)) <= size * (1 + 1e-9)

"""Compares a measured value with a claim."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True)
class Judgement:
    """A claim, what was measured, and the verdict. `interval` is ours; `expected` is the verdict that the claims file
    expects at this profile."""

    claim: Claim
    estimate: Any
    interval: tuple[float, float] | None
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
    uncertainty, in the unit of the claim. Raises ValueError on NaN or infinity, and on an interval that does not
    contain the estimate.
    """
    one_of("profile", profile, PROFILES)
    estimate = _measured(claim, estimate)
    span = _span(claim, estimate, interval)
    reduced = claim.scale.get(profile, "full") == "reduced"
    within, direction = _agrees(claim, estimate, span)
    if claim.kind == "direction":
        within = within and not reduced  # at a reduced scale a right sign shows the effect, no more
    if within:
        verdict = REPRODUCED
    elif not reduced or claim.kind == "theorem":
        verdict = DIFFERS
    else:
        verdict = EFFECT_SHOWN if direction else NOT_AT_THIS_SCALE
    return Judgement(claim, estimate, span, verdict, claim.expect[profile])


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


def _span(claim: Claim, estimate: Any, interval: Sequence[float] | None) -> tuple[float, float] | None:
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
    if estimate is not None and not low <= estimate <= high:
        raise ValueError(f"claim {claim.id!r}: interval ({low}, {high}) does not contain the estimate {estimate}")
    return low, high


def _agrees(claim: Claim, estimate: Any, span: tuple[float, float] | None) -> tuple[bool, bool]:
    """(within tolerance, direction holds) for a measured value."""
    slack = claim.tolerance.get("abs", 0.0)
    if claim.kind == "theorem":
        return abs(estimate) <= slack, False
    if claim.kind == "ordering":
        ranked = [estimate[name] for name in claim.paper]
        gaps = [a - b for a, b in itertools.pairwise(ranked)]
        return all(gap > slack for gap in gaps), estimate[claim.paper[0]] > estimate[claim.paper[-1]]
    low, high = span or (estimate, estimate)
    if claim.kind == "direction":
        holds = low > claim.null + slack if claim.paper == "above" else high < claim.null - slack
        return holds, holds
    if claim.kind == "bound":
        how, limit = next(iter(claim.paper.items()))
        inside = estimate <= limit + slack if how == "at_most" else estimate >= limit - slack
        return inside, inside
    if claim.kind == "interval":
        within = all(
            _close(ours, theirs, claim.tolerance) for ours, theirs in zip((low, high), claim.paper, strict=True)
        )
        centre = sum(claim.paper) / 2
    else:
        within, centre = _close(estimate, claim.paper, claim.tolerance), claim.paper
    if claim.null is None:
        return within, False
    return within, low > claim.null if centre > claim.null else high < claim.null


def _close(ours: float, theirs: float, tolerance: Mapping[str, float]) -> bool:
    how, size = next(iter(tolerance.items()))
    if how == "abs":
        # Tolerances are decimal ("0.0005"); a difference that equals one but for binary rounding is within it.
        return abs(ours - theirs) <= size * (1 + 1e-9)
    if how == "rel":
        return abs(ours - theirs) <= size * abs(theirs) * (1 + 1e-9)
    return ours > 0 and theirs > 0 and abs(math.log10(ours / theirs)) <= size * (1 + 1e-9)

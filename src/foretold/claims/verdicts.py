"""Judges what was measured for a claim, and says how near the verdict was to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from foretold.claims import decide
from foretold.claims.evidence import AGREES, BETWEEN, INCONCLUSIVE, POSITIVE, word
from foretold.claims.measure import Inputs, Measure, Measured, Part
from foretold.claims.regions import Region
from foretold.claims.statement import Statement, regions_text
from foretold.claims.text import number


@dataclass(frozen=True)
class Verdict:
    """A claim, what was measured, what its rivals say of the same inputs, and the verdict. `expected` are those that
    the claims file expects at this profile."""

    claim: Statement
    measured: Measured
    rivals: Mapping[str, Measured]
    verdict: str
    expected: tuple[str, ...]

    def _ipython_display_(self) -> None:
        """Nothing: `Run.claim` has shown the row when it returns this as the value of a cell's last line."""

    @property
    def is_expected(self) -> bool:
        """Whether it is one that the file expects, or decides nothing: only a conclusive surprise fails a build."""
        return self.verdict in self.expected or self.verdict == INCONCLUSIVE

    @cached_property
    def turns(self) -> dict[str, tuple[float | None, float | None]]:
        """By part, the nearest estimates that would have been decided otherwise: see `decide.turns_at`."""
        return decide.turns_at(self.measured, self.claim.agrees, self.claim.against)

    def here_text(self) -> str:
        """What was measured, as a reader sees it."""
        return decide.parts_text(self.measured, part_text)

    def power_text(self) -> str:
        """How near the verdict was to another, and the nearest rival."""
        texts = [self._turning(), self._nearest_rival()]
        if self.verdict == INCONCLUSIVE and self.claim.no_effect is not None:
            seen = decide.smallest_seen(self.measured, self.claim.agrees)
            texts.insert(
                0, "; ".join(f"could have seen {name} {number(value)} or beyond" for name, value in seen.items())
            )
        return "; ".join(filter(None, texts)).replace("  ", " ")

    def _turning(self) -> str:
        """The nearest estimate on either side that would have been decided otherwise, of the part that is nearest."""
        near = min(self.turns, key=lambda name: self._room(name, self.turns[name]))
        low, high = self.turns[near]
        here = self.measured.parts[near].estimate
        ends = [_turn_text(low, here, "below")] if low is not None else []
        ends += [_turn_text(high, here, "above")] if high is not None else []
        of = f" of {near}" if near else ""
        return f"another verdict{of} {' and '.join(ends)}" if ends else ""

    def _room(self, name: str, turns: tuple[float | None, float | None]) -> float:
        """How far the nearest turn is, in widths of the part's region (in units of its end, for a half-line)."""
        estimate, region = self.measured.parts[name].estimate, self.claim.agrees[name]
        width = region.width()
        unit = width if np.isfinite(width) and width > 0 else max(map(abs, region.ends())) or 1.0
        return min((abs(turn - estimate) / unit for turn in turns if turn is not None), default=np.inf)

    def _nearest_rival(self) -> str:
        if not self.rivals:
            return ""
        nearest = min(self.rivals, key=self._distance)
        said = decide.parts_text(self.rivals[nearest], lambda part: number(part.estimate))
        outcome = "agrees too" if agrees(self.rivals[nearest], self.claim.agrees) else "rejected"
        return f"nearest rival, {nearest}: {said}, {outcome}"

    def _distance(self, rival: str) -> float:
        """How far a rival's numbers are from agreement, in widths of what was measured."""
        total = 0.0
        for name, part in self.rivals[rival].parts.items():
            region, here = self.claim.agrees[name], self.measured.parts[name]
            if not region.holds(part.estimate):
                width = abs(here.estimate - part.estimate) or 1.0
                total += min(abs(part.estimate - end) for end in region.ends()) / width
        return total

    def record(self) -> dict[str, Any]:
        """A JSON-ready record, enough to draw the row and to judge again by other regions of the same claim."""
        claim = self.claim
        return {
            "id": claim.id,
            "quote": claim.quote,
            "paraphrase": claim.paraphrase,
            "place": claim.place(),
            "read": claim.read,
            "evidence": claim.evidence,
            "measured": claim.measured,
            "unit": claim.unit,
            "statement": claim.quote or claim.paraphrase,
            "paper_text": claim.value_text(),
            "agrees_text": regions_text(claim.agrees),
            "against_text": regions_text(claim.against),
            "reason": claim.reason,
            "since": claim.since,
            "covers": list(claim.covers),
            "note": claim.note,
            "parts": {name: self._part_record(name, part) for name, part in self.measured.parts.items()},
            "here_text": self.here_text(),
            "power_text": self.power_text(),
            "verdict": self.verdict,
            "expected": list(self.expected),
            "is_expected": self.is_expected,
        }

    def _part_record(self, name: str, part: Part) -> dict[str, Any]:
        claim = self.claim
        return {
            "estimate": part.estimate,
            "interval": list(part.interval) if part.interval else None,
            "shares": decide.shares(part, claim.agrees[name], claim.against.get(name)),
            "agrees": _spans(claim.agrees[name]),
            "against": _spans(claim.against.get(name)),
            "paper": claim.values(name),
            "no_effect": claim.no_effect,
            "turns": list(self.turns[name]),
            "rivals": {rival: said.parts[name].estimate for rival, said in self.rivals.items()},
            "axis": claim.axis,
        }


def judge(claim: Statement, measure: Measure, inputs: Inputs, profile: str) -> Verdict:
    """Measure a claim on its inputs and judge it.

    Raises ValueError where the measure's parts, rivals or sabotage are not those that the claims file names, and what
    the measure raises itself; never for where a finite number lies.
    """
    for what, stated, given in (
        ("rivals", claim.rivals, measure.rivals),
        ("sabotage", claim.sabotage, measure.sabotage),
    ):
        if set(stated) != set(given):
            raise ValueError(
                f"claim {claim.id!r}: {what} of the measure is {sorted(given)}; allowed is {sorted(stated)}"
            )
    rivals = {name: measure.rival(name, inputs) for name in measure.rivals}
    return decided(claim, measure(inputs), rivals, profile)


def decided(claim: Statement, measured: Measured, rivals: Mapping[str, Measured], profile: str) -> Verdict:
    """The verdict for what was measured and for what the rivals say."""
    side = decide.side_of_all(measured, claim.agrees, claim.against)
    powerless = any(agrees(said, claim.agrees) for said in rivals.values())
    verdict = word(claim.evidence, side, powerless)
    return Verdict(claim, measured, rivals, verdict, tuple(claim.expect[profile]))


def follows(claim: Statement | None, record: Mapping[str, Any], profile: str) -> bool:
    """Whether a stored verdict follows from its stored numbers; True for a claim that is another one by now, whose
    digest is another too."""
    if claim is None or regions_text(claim.agrees) != record["agrees_text"]:
        return True
    side = decide.together(_stored_side(claim, name, part) for name, part in record["parts"].items())
    said = [{name: part["rivals"][rival] for name, part in record["parts"].items()} for rival in claim.rivals]
    powerless = any(agrees(Measured(numbers), claim.agrees) for numbers in said)
    return word(claim.evidence, side, powerless) == record["verdict"]


def _stored_side(claim: Statement, name: str, part: Mapping[str, Any]) -> str:
    """The side of a stored part: by the shares of its draws where it had draws, which are not stored."""
    regions = claim.agrees[name], claim.against.get(name)
    if part["shares"] is None:
        return decide.side(Part(part["estimate"], part["interval"] and tuple(part["interval"])), *regions)
    bare = decide.side(Part(part["estimate"]), *regions)
    return bare if part["shares"].get(bare, 0) >= decide.SHARE else BETWEEN


def agrees(said: Measured, regions: Mapping[str, Region]) -> bool:
    """Whether what a rival says lies in the region of agreement, every part of it, its own uncertainty left aside."""
    plain = said.changed(lambda part: Part(part.estimate))
    return decide.side_of_all(plain, regions, {}) == AGREES


def is_positive(verdict: str) -> bool:
    """Whether a verdict supports the claim."""
    return verdict in POSITIVE


def _turn_text(turn: float, here: float, side: str) -> str:
    """Where a verdict turns: by however little, where it stands at the very end of a region."""
    at_the_end = abs(turn - here) < 1e-9 * max(1.0, abs(here))
    return f"just {side} {number(here)}" if at_the_end else f"at {number(turn)} or {side}"


def part_text(part: Part) -> str:
    """A part's estimate and interval, as a reader sees them."""
    if part.interval is None:
        return number(part.estimate)
    low, high = part.interval
    return f"{number(part.estimate)} [{number(low, of=high - low)}, {number(high, of=high - low)}]"


def _spans(region: Region | None) -> list[list[float | None]]:
    spans = region.spans if region else ()
    finite = [[span.low, span.high] for span in spans]
    return [[end if abs(end) != float("inf") else None for end in ends] for ends in finite]

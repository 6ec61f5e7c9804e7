"""What the papers claim, and the verdict on each claim when it is measured again.

The claims of a chapter stand in ``papers/<chapter>/claims.yml``. `judge` compares one measured value with one claim,
`Ledger` collects the judgements of a run, and its MIME bundle carries them in the executed notebook, from where the
scoreboard, ``claims.json`` and the tests read them.
"""

from __future__ import annotations

import difflib
import html
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from foretold import yaml_files

MIME = "application/vnd.foretold.claims+json"
PROFILES = ("smoke", "cpu", "gpu")
KINDS = ("value", "interval", "ordering", "direction", "bound", "theorem")
REPRODUCED, EFFECT_SHOWN, NOT_AT_THIS_SCALE, DIFFERS = "reproduced", "effect shown", "not at this scale", "differs"
VERDICTS = (REPRODUCED, EFFECT_SHOWN, NOT_AT_THIS_SCALE, DIFFERS)

FOLDER = Path(__file__).parent.parent / "papers"


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


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def number(value: float, of: float | None = None, finer: float | None = None) -> str:
    """A number as a reader reads it: five significant digits, powers of ten where there are many.

    `of` is a width beside which fewer digits will do (those of an interval's ends), `finer` a size that the digits must
    resolve (a tolerance).
    """
    value = float(value)
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e6 or size < 1e-4:
        mantissa, exponent = f"{value:.3e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    digits = max(0, 4 - math.floor(math.log10(size)))
    if of:
        digits = min(digits, max(0, 2 - math.floor(math.log10(of))))
    if finer:
        digits = max(digits, 1 - math.floor(math.log10(finer)))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def chapters() -> list[str]:
    """Names of the chapters that have a claims file."""
    return sorted(path.parent.name for path in FOLDER.glob("*/claims.yml"))


@lru_cache
def _read(path: Path, changed: int, size: int) -> Chapter:
    raw = yaml_files.read(path)
    name = f"{path.parent.name}/{path.name}"
    missing = {"chapter", "title", "paper", "minutes", "claims"} - set(raw)
    if missing:
        raise ValueError(f"claims file {name} lacks {', '.join(sorted(missing))}")
    if raw["chapter"] != path.parent.name:
        raise ValueError(f"claims file {name} says chapter: {raw['chapter']!r}; allowed is {path.parent.name!r}")
    claims: dict[str, Claim] = {}
    for stated in raw["claims"]:
        entry = {"null" if key is None else key: value for key, value in stated.items()}  # YAML reads `null:` as no key
        unknown = set(entry) - set(Claim.__dataclass_fields__)
        if unknown:
            raise ValueError(f"claims file {name}: claim {entry.get('id')!r} has unknown fields {sorted(unknown)}")
        claim = Claim(**entry)
        if claim.id in claims:
            raise ValueError(f"claims file {name}: claim id {claim.id!r} stands twice")
        claims[claim.id] = claim
    about = (raw[key] for key in ("chapter", "title", "paper", "minutes"))
    return Chapter(*about, claims, raw.get("interlude", False))


def load(chapter: str) -> Chapter:
    """Read the claims file of a chapter. An unknown chapter is a ValueError with the nearest name."""
    one_of("chapter", chapter, chapters())
    path = FOLDER / chapter / "claims.yml"
    stat = path.stat()
    return _read(path, stat.st_mtime_ns, stat.st_size)


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


class Ledger:
    """The judgements of one run of a chapter, in the order in which they were made."""

    def __init__(self, chapter: Chapter, profile: str) -> None:
        self.chapter = chapter
        self.profile = one_of("profile", profile, PROFILES)
        self.judgements: dict[str, Judgement] = {}

    def add(self, claim_id: str, estimate: Any, interval: Sequence[float] | None = None) -> Judgement:
        """Judge and keep a measured value. Raises ValueError for an unknown id, for a claim that was recorded already,
        and as `judge` does."""
        one_of("claim", claim_id, list(self.chapter.claims))
        if claim_id in self.judgements:
            raise ValueError(f"claim {claim_id!r} is recorded twice; a claim is measured once a run")
        judgement = judge(self.chapter.claims[claim_id], estimate, interval, profile=self.profile)
        self.judgements[claim_id] = judgement
        return judgement

    def missing(self) -> list[str]:
        """Ids of claims that the file states and this run has not measured."""
        return [claim_id for claim_id in self.chapter.claims if claim_id not in self.judgements]

    def records(self) -> list[dict[str, Any]]:
        """The judgements as JSON-ready records, in the order of the claims file."""
        return [self.judgements[claim_id].record() for claim_id in self.chapter.claims if claim_id in self.judgements]


def rows_html(records: Sequence[Mapping[str, Any]], caption: str) -> str:
    """The table of claims as HTML, the same in the book, in Colab and in JupyterLab: paper, here, verdict."""
    cell = html.escape
    body = []
    for record in records:
        where = cell(record["where"] if record["source"] == "paper" else f"{record['source']}; {record['where']}")
        small = f"tolerance {tolerance_text(record['tolerance'])}: {cell(record['reason'])}"
        if record["note"]:
            small += f"<br>{cell(record['note'])}"
        body.append(
            f"<tr><td>{cell(record['statement'])}<br><small>{where}. {small}</small></td>"
            f"<td>{cell(record['paper_text'])}</td><td>{cell(record['here_text'])}</td><td>{badge(record)}</td></tr>"
        )
    head = "".join(f"<th scope='col'>{title}</th>" for title in ("claim", "stated", "here", "verdict"))
    return scroll_box(
        caption,
        f"<table class='foretold-claims'><caption>{cell(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>",
    )


def scroll_box(label: str, inner: str) -> str:
    """HTML in a box that scrolls sideways on a phone; it takes the keyboard's focus, so it scrolls without a mouse."""
    label = html.escape(label, quote=True)
    box = "class='foretold-scroll' tabindex='0' role='region' style='overflow-x:auto'"
    return f"<div {box} aria-label='{label}'>{inner}</div>"


def badge(record: Mapping[str, Any]) -> str:
    """A verdict as a word with a sign before it, so that it does not hang on colour; a changed verdict says what was
    expected."""
    sign = {REPRODUCED: "✓", EFFECT_SHOWN: "↗", NOT_AT_THIS_SCALE: "○", DIFFERS: "≠"}[record["verdict"]]
    name = record["verdict"].replace(" ", "-")
    changed = f"<br><small>expected: {record['expected']}</small>" if record["verdict"] != record["expected"] else ""
    return f"<span class='foretold-verdict foretold-{name}'>{sign} {record['verdict']}</span>{changed}"


def tolerance_text(tolerance: Mapping[str, float]) -> str:
    """A tolerance as a reader reads it: ``±0.0005``, ``±1%``, ``±0.3 decades``."""
    how, size = next(iter(tolerance.items()))
    return {"abs": f"±{number(size)}", "rel": f"±{number(100 * size)}%", "log10": f"±{number(size)} decades"}[how]


def rows_text(records: Sequence[Mapping[str, Any]]) -> str:
    """The table of claims as plain text."""
    lines = [f"{r['id']:<28} {r['paper_text']:>22}   {r['here_text']:<34} {r['verdict']}" for r in records]
    return "\n".join([f"{'claim':<28} {'stated':>22}   {'here':<34} verdict", *lines])

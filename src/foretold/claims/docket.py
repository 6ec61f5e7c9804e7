"""What one run of a chapter has measured: verdicts, answers, checks, and the inputs of all of them."""

from __future__ import annotations

from typing import Any

from foretold.claims import abstract, decide, inputs
from foretold.claims.measure import Measure, Part
from foretold.claims.model import PROFILES, Chapter, one_of
from foretold.claims.verdicts import Verdict, judge, part_text

MIME = "application/vnd.foretold.claims+json"  # of the bundle in an executed notebook's outputs
SCHEMA = 2  # of that bundle, and of claims.json


class Docket:
    """The verdicts, answers and checks of one run, in the order in which they were made."""

    def __init__(self, chapter: Chapter, profile: str) -> None:
        self.chapter = chapter
        self.profile = one_of("profile", profile, PROFILES)
        self.verdicts: dict[str, Verdict] = {}
        self.answers: dict[str, dict[str, Any]] = {}
        self.checks: dict[str, bool] = {}
        self.kept: dict[str, str] = {}  # texts of inputs by their keys; what several claims take is kept once
        self.takes: dict[str, dict[str, str]] = {}  # by claim or question: the key of each of its inputs

    def claim(self, measure: Measure, *values: Any, **named: Any) -> Verdict:
        """Keep the inputs of a claim, measure and judge it. Raises ValueError for an unknown id, for a claim that was
        measured already, and as `judge` and `inputs.encode` do."""
        one_of("claim", measure.id, list(self.chapter.claims))
        found = judge(self.chapter.claims[measure.id], measure, self._keep(measure, *values, **named), self.profile)
        self.verdicts[measure.id] = found
        return found

    def answer(self, measure: Measure, *values: Any, **named: Any) -> dict[str, Any]:
        """Keep the inputs of a question and measure its answer; the record of it. Raises as `claim` does."""
        one_of("question", measure.id, list(self.chapter.questions))
        question = self.chapter.questions[measure.id]
        measured = measure(self._keep(measure, *values, **named))
        self.answers[measure.id] = {
            "id": question.id,
            "question": question.question,
            "measured": question.measured,
            "unit": question.unit,
            "source": question.source,
            "note": question.note,
            "here_text": decide.parts_text(measured, part_text),
            "parts": {name: _plain(part) for name, part in measured.parts.items()},
        }
        return self.answers[measure.id]

    def check(self, name: str, holds: bool) -> None:
        """Note whether our own code does what it should. Raises ValueError for a name that was used already."""
        if name in self.checks:
            raise ValueError(f"check {name!r} is made twice; allowed is a name of its own for each")
        self.checks[name] = bool(holds)

    def missing(self) -> list[str]:
        """Ids of claims and questions that the file states and this run has not measured."""
        stated = [*self.chapter.claims, *self.chapter.questions]
        return [name for name in stated if name not in self.verdicts and name not in self.answers]

    def records(self) -> list[dict[str, Any]]:
        """The verdicts as JSON-ready records, in the order of the claims file."""
        measured = [self.verdicts[name] for name in self.chapter.claims if name in self.verdicts]
        return [{**found.record(), "inputs": self.takes[found.claim.id]} for found in measured]

    def bundle(self) -> dict[str, Any]:
        """What the executed notebook carries, but for the provenance."""
        return {
            "schema": SCHEMA,
            "chapter": self.chapter.name,
            "title": self.chapter.title,
            "profile": self.profile,
            "claims": self.records(),
            "answers": [self.answers[name] for name in self.chapter.questions if name in self.answers],
            "checks": self.checks,
            "abstract": abstract.records(self.chapter.abstract, self.chapter.claims),
            "inputs": self.kept,
        }

    def _keep(self, measure: Measure, *values: Any, **named: Any) -> dict[str, Any]:
        """The inputs as they will be read again: what is judged now is what can be judged later."""
        if measure.id in self.takes:
            raise ValueError(f"{measure.id!r} is measured twice; allowed is once a run")
        keys, again = {}, {}
        for name, value in measure.bind(*values, **named).items():
            text = inputs.encode(name, value)
            key = inputs.key(text)
            self.kept[key], keys[name], again[name] = text, key, inputs.decode(text)
        self.takes[measure.id] = keys
        return again


def inputs_of(record: dict[str, Any], kept: dict[str, str]) -> dict[str, Any]:
    """The inputs of a claim from its record and the texts of its bundle."""
    return {name: inputs.decode(kept[key]) for name, key in record["inputs"].items()}


def _plain(part: Part) -> dict[str, Any]:
    return {"estimate": part.estimate, "interval": list(part.interval) if part.interval else None}

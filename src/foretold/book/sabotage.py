"""Puts the claims of executed chapters to the test, from their stored inputs: nothing is trained again."""

from __future__ import annotations

import importlib
import time
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from foretold import claims
from foretold.book import store
from foretold.book.project import Project
from foretold.claims import docket, sabotage, verdicts
from foretold.claims.measure import Measure
from foretold.claims.sabotage import Trial
from foretold.claims.verdicts import Verdict


@dataclass(frozen=True)
class Report:
    """What sabotage found of one claim; `why` is empty where it has teeth."""

    chapter: str
    claim: str
    verdict: str
    power: str
    trials: list[Trial]
    seconds: float

    @property
    def why(self) -> str:
        """What is wrong: a sabotage that left a positive verdict, or none that could turn it."""
        if not verdicts.is_positive(self.verdict):
            return ""
        deaf = [trial.sabotage for trial in self.trials if not trial.turned]
        if deaf:
            return f"still {self.verdict} after: {', '.join(deaf)}"
        return "" if self.trials else "no sabotage turns it: it is a check, not a claim"


def measures_of(module: ModuleType) -> dict[str, Measure]:
    """The measures of a module, by their claims. Raises ValueError for two of one claim."""
    found: dict[str, Measure] = {}
    for value in vars(module).values():
        if isinstance(value, Measure) and found.setdefault(value.id, value) is not value:
            raise ValueError(f"{module.__name__}: claim {value.id!r} has two measures; allowed is one")
    return found


def chapters(project: Project) -> list[str]:
    """Chapters of the book that have a claims file."""
    return [name for name in project.notebooks if name in claims.chapters()]


def newest(project: Project, chapter: str) -> dict[str, Any]:
    """The ledger of the newest execution of a chapter, at whatever profile. Raises ValueError where there is none."""
    for entry in store.newest(project.store_folder, chapter):
        if entry.ledger.get("schema") == claims.SCHEMA:
            return entry.ledger
    raise ValueError(f"chapter {chapter!r} has no execution with stored inputs; try: foretold execute {chapter}")


def measures(chapter: str) -> dict[str, Measure]:
    """The measures of a chapter."""
    return measures_of(importlib.import_module(f"foretold.papers.{chapter}.measures"))


def again(ledger: dict[str, Any], record: dict[str, Any]) -> Verdict:
    """A stored claim measured and judged again, by today's claims file and measures."""
    name, claim = ledger["chapter"], record["id"]
    inputs = docket.inputs_of(record, ledger["inputs"])
    return verdicts.judge(claims.load(name).claims[claim], measures(name)[claim], inputs, ledger["profile"])


def examine(ledger: dict[str, Any]) -> list[Report]:
    """The reports of all claims of a ledger, by today's claims file and measures."""
    name = ledger["chapter"]
    stated, known = claims.load(name).claims, measures(name)
    reports = []
    for record in ledger["claims"]:
        if record["id"] not in stated:
            continue
        began = time.perf_counter()
        claim, measure = stated[record["id"]], known[record["id"]]
        inputs = docket.inputs_of(record, ledger["inputs"])
        found = verdicts.judge(claim, measure, inputs, ledger["profile"])
        trials = sabotage.trials(found, measure, inputs, ledger["profile"])
        seconds = time.perf_counter() - began
        reports.append(Report(name, claim.id, found.verdict, found.power_text(), trials, seconds))
    return reports


def lines(reports: list[Report]) -> list[str]:
    """For a terminal: a line for each claim, with what would have turned it, and one for what is wrong with it."""
    said = []
    for report in reports:
        turned = sum(trial.turned for trial in report.trials)
        outcome = f"{turned} of {len(report.trials)} sabotages turn it"
        said.append(f"{report.chapter} {report.claim}: {report.verdict}; {outcome}")
        said += [f"    {report.power}"] if report.power else []
        said += [f"    WRONG: {report.why}"] if report.why else []
    return said

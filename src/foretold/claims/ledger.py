"""The judgements of one run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from foretold.claims.judging import Judgement, judge
from foretold.claims.model import PROFILES, Chapter, one_of

MIME = "application/vnd.foretold.claims+json"


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

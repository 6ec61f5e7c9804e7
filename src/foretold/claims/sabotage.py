"""Puts claims to the test: after a sabotage of what was measured, a positive verdict must not come.

Two kinds. Those of the claims file change a measure's inputs: labels swapped, a rule that knows nothing in the place of
the method. The generic ones change what was measured or the paper's value, and cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from foretold.claims.measure import Inputs, Measure, Measured, Part
from foretold.claims.regions import Region
from foretold.claims.statement import Statement
from foretold.claims.verdicts import Verdict, decided, is_positive, judge

if TYPE_CHECKING:
    import pandas as pd

SEED = 20261127


@dataclass(frozen=True)
class Trial:
    """One sabotage of one claim, and the verdict after it; `turned` unless that still is a positive one."""

    claim: str
    sabotage: str
    verdict: str

    @property
    def turned(self) -> bool:
        return not is_positive(self.verdict)


def trials(honest: Verdict, measure: Measure, inputs: Inputs, profile: str) -> list[Trial]:
    """All sabotages of a claim whose honest verdict is positive; none of another, which has nothing to lose."""
    claim = honest.claim
    if not is_positive(honest.verdict):
        return []
    found = [(name, judge(claim, measure, spoiled, profile).verdict) for name, spoiled in _spoiled(measure, inputs)]
    for name, measured, statement in _generic(claim, honest.measured, honest.rivals):
        found.append((name, decided(statement, measured, {}, profile).verdict))
    return [Trial(claim.id, name, verdict) for name, verdict in found]


def _spoiled(measure: Measure, inputs: Inputs) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in measure.sabotage:
        yield name, measure.spoiled(name, inputs, np.random.default_rng(SEED))


def _generic(
    claim: Statement, measured: Measured, rivals: Mapping[str, Measured]
) -> Iterator[tuple[str, Measured, Statement]]:
    """(name, what was measured then, the claim then)."""
    for name, said in rivals.items():
        plain = said.changed(lambda part: Part(part.estimate))
        yield f"{name} in the place of the method", plain, claim
    if claim.no_effect is not None:
        none = claim.no_effect
        yield "no effect", measured.changed(lambda part: part.scaled(0, none)), claim
        yield "the opposite effect", measured.changed(lambda part: part.scaled(-1, none)), claim
    for sign, way in ((-1, "lower"), (1, "higher")):
        if all(np.isfinite(region.width()) for region in claim.agrees.values()):
            # Twice the tolerance is the width of the region.
            yield f"the paper's value {way} by twice the tolerance", measured, _moved(claim, sign)


def _moved(claim: Statement, sign: int) -> Statement:
    """The claim with its regions moved by their own width, and a little, so that they have no end in common. With
    them goes the paper's value; no effect may lie in them now."""

    def move(region: Region) -> Region:
        return region.moved(sign * region.width() * (1 + 1e-6))

    regions = {name: move(region) for name, region in claim.agrees.items()}
    return replace(claim, agrees=regions, against={}, value=None, no_effect=None)


# Sabotages that several measures share

Sabotage = Callable[..., Inputs]


def shuffled(table: str, *columns: str) -> Sabotage:
    """Columns of an input table in another order of rows, all by the same: labels that belong to nothing."""

    def spoil(rng: np.random.Generator, **inputs: Any) -> Inputs:
        frame: pd.DataFrame = inputs[table].copy()
        order = rng.permutation(len(frame))
        for column in columns:
            frame[column] = frame[column].to_numpy()[order]
        return {table: frame}

    return spoil


def permuted(name: str) -> Sabotage:
    """An input array in another order along its first axis."""
    return lambda rng, **inputs: {name: rng.permutation(np.asarray(inputs[name]))}


def swapped(one: str, other: str) -> Sabotage:
    """Two inputs in each other's place."""
    return lambda rng, **inputs: {one: inputs[other], other: inputs[one]}


def replaced(name: str, by: str) -> Sabotage:
    """One input in the place of another: a rival's results for the method's."""
    return lambda rng, **inputs: {name: inputs[by]}

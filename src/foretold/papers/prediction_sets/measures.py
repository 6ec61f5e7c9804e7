"""How each claim of the chapter on prediction sets is measured, with its rivals and its sabotage.

`divisions` has a row for each random division of a pool into programs to calibrate on and programs to test on: `m`
holes, and the share of held-out nodes that was removed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from foretold.claims import Measured, measures

HOLES = {1: "one hole", 4: "four holes"}


def kept(divisions: pd.DataFrame) -> Measured:
    """Share of nodes that are kept, by number of holes, with a draw for each division."""
    draws = {name: 1 - divisions.loc[divisions["m"] == m, "removed"].to_numpy() for m, name in HOLES.items()}
    return Measured({name: each.mean() for name, each in draws.items()}, draws=draws)


def exchanged(rng: np.random.Generator, divisions: pd.DataFrame) -> dict[str, Any]:
    """What was removed is called kept."""
    return {"divisions": divisions.assign(removed=1 - divisions["removed"])}


def nothing_kept(divisions: pd.DataFrame) -> Measured:
    """A hole for the whole program holds the correct one for certain."""
    return Measured(dict.fromkeys(HOLES.values(), 0.0))


TEETH: dict[str, Any] = {
    "rivals": {"one hole for everything": nothing_kept},
    "sabotage": {"kept and removed exchanged": exchanged},
}


@measures("compact-python", **TEETH)
def compact_python(divisions: pd.DataFrame) -> Measured:
    return kept(divisions)


@measures("compact-sql", **TEETH)
def compact_sql(divisions: pd.DataFrame) -> Measured:
    return kept(divisions)


@measures("compact-humaneval", **TEETH)
def compact_humaneval(divisions: pd.DataFrame) -> Measured:
    return kept(divisions)


@measures("greedy-calibrated")
def greedy_calibrated(difference: Sequence[float]) -> Measured:
    middle, *ends = difference
    return Measured(middle, interval=ends)


@measures("faults-inflate")
def faults_inflate(inflated: float, interval: Sequence[float]) -> Measured:
    return Measured(inflated, interval=interval)


@measures("faults-break")
def faults_break(broken: pd.DataFrame) -> Measured:
    worst = broken.loc[broken["share"].idxmax()]
    return Measured(worst["share"], interval=(worst["low"], worst["high"]))

"""How each claim of the scaling chapter is measured, with its rivals and its sabotage.

`reached` has the steps to each loss by batch size, rows of `experiment.fastest`. `ends` holds by number of parameters
the final losses of the seeds. Recorded results are (value, low, high).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from foretold.claims import Measured, mean_of_runs, measures
from foretold.papers.scaling import experiment
from foretold.papers.scaling.idea import fit_critical_law

Ends = Mapping[str, np.ndarray]


# Size


def slopes(sizes: np.ndarray, losses: np.ndarray) -> float:
    """Slope of log loss against log size at the large end over that at the small end."""
    x, y = np.log(sizes), np.log(losses)
    return float((y[-1] - y[-2]) / (x[-1] - x[-2]) / ((y[1] - y[0]) / (x[1] - x[0])))


def sizes_of(ends: Ends) -> np.ndarray:
    """Numbers of parameters, (S,)."""
    return np.array([float(name) for name in ends])


def largest_gains_nothing(rng: np.random.Generator, ends: Ends) -> dict[str, Any]:
    """The largest model ends where the one before it did: no power law, whatever the others do."""
    *_, before, largest = ends
    return {"ends": {**ends, largest: ends[before]}}


def line_in_log_size(ends: Ends) -> float:
    """The same ratio if the loss itself were a straight line in the logarithm of the size."""
    sizes, losses = sizes_of(ends), np.array([np.mean(each) for each in ends.values()])
    return slopes(sizes, np.polyval(np.polyfit(np.log(sizes), losses, 1), np.log(sizes)))


@measures(
    "power-law",
    rivals={"a line in log size": line_in_log_size},
    sabotage={"the largest gains nothing": largest_gains_nothing},
)
def power_law(ends: Ends) -> Measured:
    rng, sizes = np.random.default_rng(1), sizes_of(ends)
    drawn = [[rng.choice(each, len(each)).mean() for each in ends.values()] for _ in range(400)]
    means = np.array([np.mean(each) for each in ends.values()])
    return Measured(slopes(sizes, means), draws=[slopes(sizes, np.array(losses)) for losses in drawn])


def law_exchanged(
    rng: np.random.Generator, nothing: Sequence[float], law: Sequence[float], again: Sequence[float]
) -> dict[str, Any]:
    """The errors of the law are called those of "as the largest fitted model", and the other way round."""
    return {"nothing": law[:1], "law": [float(np.mean(nothing))] * len(law)}


@measures(
    "larger-predicted",
    rivals={"the last gain repeated": lambda nothing, law, again: np.mean(nothing) - np.mean(again)},
    sabotage={"predictions exchanged": law_exchanged},
)
def larger_predicted(nothing: Sequence[float], law: Sequence[float], again: Sequence[float]) -> Measured:
    gained = np.mean(nothing) - np.asarray(law)
    return Measured(gained[0], draws=gained[1:])


# Batch size


@measures(
    "critical-grows", sabotage={"losses in reverse order": lambda rng, reached, low, high: {"low": high, "high": low}}
)
def critical_grows(reached: pd.DataFrame, low: float, high: float) -> Measured:
    ratio, *ends = experiment.growth(reached, low, high)
    return Measured(ratio, interval=ends)


def better_rule(blind: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """The errors of the better of two rules that know no critical batch size: which one it is, differs by profile."""
    return np.asarray(min(blind, tokens, key=np.mean))


def rule_exchanged(
    rng: np.random.Generator, law: np.ndarray, blind: np.ndarray, tokens: np.ndarray
) -> dict[str, np.ndarray]:
    """The errors of the law are called those of both rules, and the better rule's those of the law."""
    return {"law": better_rule(blind, tokens), "blind": law, "tokens": law}


@measures(
    "any-batch",
    rivals={
        "the loss depends on tokens alone": lambda law, blind, tokens: np.mean(better_rule(blind, tokens) - tokens),
        "the same law, blind to the batch": lambda law, blind, tokens: np.mean(better_rule(blind, tokens) - blind),
    },
    sabotage={"predictions exchanged": rule_exchanged},
)
def any_batch(law: np.ndarray, blind: np.ndarray, tokens: np.ndarray) -> Measured:
    return mean_of_runs(better_rule(blind, tokens) - law)


def at_kaplan(rng: np.random.Generator, reached: pd.DataFrame) -> dict[str, Any]:
    """Losses such that the critical batch size follows Kaplan's exponent."""
    fitted = experiment.hyperbolas(reached)
    found = fit_critical_law(fitted["loss"], fitted["b_crit"])[1]
    return {"reached": reached.assign(loss=reached["loss"] ** (0.21 / found))}


@measures("constants-vary", sabotage={"Kaplan's exponent": at_kaplan})
def constants_vary(reached: pd.DataFrame) -> Measured:
    alpha, *ends = experiment.exponent(experiment.hyperbolas(reached), reached)
    return Measured(alpha, interval=ends)


# Recorded results


def recorded(row: Sequence[float]) -> Measured:
    """A recorded value with its interval."""
    value, *ends = row
    return Measured(value, interval=ends)


def negative(rng: np.random.Generator, row: Sequence[float]) -> dict[str, Any]:
    """The gap at the end minus that at the beginning."""
    value, low, high = row
    return {"row": (-value, -high, -low)}


@measures("no-floor-needed", rivals={"a floor allowed": lambda row, floor: floor[0]})
def no_floor_needed(row: Sequence[float], floor: Sequence[float]) -> Measured:
    return recorded(row)


@measures("rate-is-speed", sabotage={"first and last exchanged": negative})
def rate_is_speed(row: Sequence[float]) -> Measured:
    return recorded(row)


@measures("schedule-is-speed", sabotage={"first and last exchanged": negative})
def schedule_is_speed(row: Sequence[float]) -> Measured:
    return recorded(row)


@measures("floor")
def floor(row: Sequence[float]) -> Measured:
    return recorded(row)

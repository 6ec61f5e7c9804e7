"""How each claim of the chapter on speculative decoding is measured, with its rivals and its sabotage.

`dots` are read off the paper's figure: dataset, method, verification and discard rate. `counts` holds for each policy
the rounds, drafted candidates and expected tokens of each judged prompt, (prompts,).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from foretold.claims import Measured, measures, resampled
from foretold.papers.speculative import experiment

Counts = Mapping[str, Mapping[str, np.ndarray]]
READING = {"verification": 0.0005, "discard": 0.005}  # errors of the dots, per token
SETS = ("Alpaca", "GSM8K", "HumanEval")


# The theorem


def low_stops(rng: np.random.Generator, extremes: pd.DataFrame) -> dict[str, Any]:
    """In some state of each kind stopping is best though nothing is at risk."""
    return {"extremes": extremes.assign(stops=0.0)}


@measures("threshold-form", sabotage={"stopping is best at no risk": low_stops})
def threshold_form(extremes: pd.DataFrame) -> Measured:
    return Measured((extremes["goes_on"] - extremes["stops"]).max())


# The paper's figure


def predicted(dots: pd.DataFrame) -> dict[str, float]:
    """Speed of the best dot of SpecDec++ by data set."""
    return experiment.headline(dots)["adaptive, predicted"].to_dict()


def misread(statistic: Any, dots: pd.DataFrame, draws: int = 200) -> Measured:
    """A statistic by data set of the dots, with draws over reading errors, uniform within their sizes."""
    rng, found = np.random.default_rng(1), []
    for _ in range(draws):
        errors = {name: dots[name] + rng.uniform(-size, size, len(dots)) for name, size in READING.items()}
        found.append(statistic(dots.assign(**errors)))
    return Measured(statistic(dots), draws={name: np.array([one[name] for one in found]) for name in SETS})


def methods_shuffled(rng: np.random.Generator, dots: pd.DataFrame) -> dict[str, Any]:
    """Within a data set it is drawn by lot which dots are SpecDec++."""
    shuffled = dots.groupby("dataset")["method"].transform(lambda names: rng.permutation(names.to_numpy()))
    return {"dots": dots.assign(method=shuffled)}


def methods_exchanged(rng: np.random.Generator, dots: pd.DataFrame) -> dict[str, Any]:
    """Fixed lengths are called SpecDec++, and the other way round."""
    return {"dots": dots.assign(method=dots["method"].replace({"SpecDec": "SpecDec++", "SpecDec++": "SpecDec"}))}


@measures(
    "speeds",
    rivals={"no faster than the best fixed length": lambda dots: Measured(experiment.FIXED)},
    sabotage={"methods of the dots shuffled": methods_shuffled},
)
def speeds(dots: pd.DataFrame) -> Measured:
    return misread(predicted, dots)


def gain_over_fixed(dots: pd.DataFrame) -> dict[str, float]:
    """Gain of the predicted speed over the printed one of the best fixed length, in per cent."""
    return {name: 100 * (speed / experiment.FIXED[name] - 1) for name, speed in predicted(dots).items()}


def same_gain(dots: pd.DataFrame) -> Measured:
    """The mean gain of the three sets for each of them."""
    return Measured(dict.fromkeys(SETS, float(np.mean(list(gain_over_fixed(dots).values())))))


@measures(
    "gains",
    rivals={"the same gain on all three": same_gain},
    sabotage={"methods of the dots shuffled": methods_shuffled},
)
def gains(dots: pd.DataFrame) -> Measured:
    return misread(gain_over_fixed, dots)


def least_distance(dots: pd.DataFrame) -> dict[str, float]:
    """By data set, how far the nearest dot of SpecDec++ lies below the line through the fixed lengths."""
    found = {}
    for name, some in dots.groupby("dataset"):
        line = some[some["method"] == "SpecDec"].sort_values("verification")
        x = line["verification"].to_numpy()
        room = 2 * READING["verification"]  # a dot at the end of the line may lie beyond it
        inside = some["verification"].between(x[0] + room, x[-1] - room)
        mine = some[(some["method"] == "SpecDec++") & inside]
        at = np.interp(mine["verification"], x, line["discard"])
        found[str(name)] = float((at - mine["discard"]).min())
    return found


@measures("dots-below", sabotage={"methods of the dots exchanged": methods_exchanged})
def dots_below(dots: pd.DataFrame) -> Measured:
    return misread(least_distance, dots)


# Our pair


def speed(counts: Counts, policy: str, ratio: float, prompts: Any = slice(None)) -> float:
    """Speed over the target alone on some prompts, by the cost model."""
    rounds, drafted, expected = (counts[policy][key][prompts] for key in ("rounds", "drafted", "expected"))
    return float(ratio * expected.sum() / (drafted + ratio * rounds).sum())


def gain(counts: Counts, ratio: float, policy: str, rank: int = 0) -> Measured:
    """Gain over the fixed length of a rank (0: the best) on the same prompts, in per cent, paired draws over them."""
    fixed = [name for name in counts if name.startswith("K = ")]

    def statistic(prompts: np.ndarray) -> float:
        order = sorted((speed(counts, name, ratio, prompts) for name in fixed), reverse=True)
        return 100 * (speed(counts, policy, ratio, prompts) / order[rank] - 1)

    return resampled(statistic, np.arange(len(counts[policy]["rounds"])), draws=400)


def one_candidate(rng: np.random.Generator, counts: Counts, ratio: float, policy: str) -> dict[str, Any]:
    """One candidate a round in the place of the head."""
    return {"counts": {**counts, policy: counts["K = 1"]}}


def second_best(counts: Counts, ratio: float, policy: str) -> float:
    """What the second-best fixed length gains over the best."""
    speeds = sorted((speed(counts, name, ratio) for name in counts if name.startswith("K = ")), reverse=True)
    return 100 * (speeds[1] / speeds[0] - 1)


@measures(
    "head-gain",
    rivals={"the second-best fixed length": second_best},
    sabotage={"a fixed length of one in the head's place": one_candidate},
)
def head_gain(counts: Counts, ratio: float, policy: str) -> Measured:
    return gain(counts, ratio, policy)


@measures("our-head")
def our_head(counts: Counts, ratio: float, policy: str) -> Measured:
    return gain(counts, ratio, policy)


@measures("oracle")
def oracle(counts: Counts, ratio: float, policy: str) -> Measured:
    return gain(counts, ratio, policy)


@measures("our-head-below")
def our_head_below(difference: float, interval: Sequence[float]) -> Measured:
    return Measured(difference, interval=interval)

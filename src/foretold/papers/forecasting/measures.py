"""How each claim of the forecasting chapter is measured, with its rivals and its sabotage.

Moments are those that were printed: (mean, SD) of Brier scores. `scored` has a row for each question: the crowd's
forecast, the model's as asked and both ways, the outcome, and the family of the question, whose rows belong together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from foretold.claims import Measured, measures, resampled
from foretold.papers.forecasting import idea

Moments = Sequence[float]
CORRELATIONS = np.linspace(-1, 1, 41)  # all that a paired test may have


# What printed moments imply


def half(mean: float, sd: float, n: int) -> idea.TTest:
    """The test against always 50%."""
    return idea.t_from_moments(mean, sd, n, 0.25)


@measures(
    "not-different-from-half",
    sabotage={
        "an SD of 0.12": lambda rng, model, n: {"model": (model[0], 0.12)},
        "60 questions": lambda rng, model, n: {"n": 60},
    },
)
def not_different_from_half(model: Moments, n: int) -> Measured:
    low, high = idea.over_rounding(lambda mean, sd: half(mean, sd, n), model)
    return Measured(half(*model, n).p, interval=(low.p, high.p))


@measures("worse-than-crowd", sabotage={"a crowd of 0.12": lambda rng, model, crowd, n: {"crowd": (0.12, crowd[1])}})
def worse_than_crowd(model: Moments, crowd: Moments, n: int) -> Measured:
    ends = []
    for r in (None, *CORRELATIONS):
        low, high = idea.over_rounding(lambda *m, r=r: idea.t_between_moments(*m, n, r), (*model, *crowd))
        ends += [low.p, high.p]
    independent = idea.t_between_moments(*model, *crowd, n, None).p
    return Measured(independent, interval=(min(ends), max(ends)))


@measures("what-23-questions-say")
def what_23_questions_say(model: Moments, n: int) -> Measured:
    mean, sd = model
    error = sd / np.sqrt(n)
    width = stats.t.ppf(0.975, n - 1) * error
    # Two one-sided tests of a distance below 0.05 from always 50%; the larger p counts.
    equivalent = max(stats.t.sf((mean - 0.2) / error, n - 1), stats.t.cdf((mean - 0.3) / error, n - 1))
    found = next(d for d in np.arange(0.02, 0.25, 0.0005) if idea.power(d, sd, n) >= 0.8)
    return Measured(
        {"mean": mean, "p of equivalence": equivalent, "found in 80%": 0.25 - found},
        interval={"mean": (mean - width, mean + width)},
    )


# The design on other questions


def difference(scored: pd.DataFrame, name: str) -> Measured:
    """Brier score of a contestant minus the crowd's, with draws over families."""

    def statistic(rows: pd.DataFrame) -> float:
        return float(((rows[name] - rows["outcome"]) ** 2 - (rows["crowd"] - rows["outcome"]) ** 2).mean())

    return resampled(statistic, scored, by="family")


def crowd_for_model(rng: np.random.Generator, scored: pd.DataFrame) -> dict[str, Any]:
    """The crowd's forecasts, a little blurred, stand where the model's were."""
    blurred = np.clip(scored["crowd"] + rng.normal(0, 0.01, len(scored)), 0, 1)
    return {"scored": scored.assign(as_asked=blurred, both_ways=blurred)}


def exchanged(rng: np.random.Generator, scored: pd.DataFrame) -> dict[str, Any]:
    """The crowd's forecasts are called the model's, and the other way round."""
    return {"scored": scored.assign(crowd=scored["as_asked"], as_asked=scored["crowd"])}


@measures(
    "model-worse-than-crowd",
    sabotage={"the crowd's forecasts for the model's": crowd_for_model, "the crowd in the model's place": exchanged},
)
def model_worse_than_crowd(scored: pd.DataFrame) -> Measured:
    return difference(scored, "as_asked")


def distance(rows: pd.DataFrame, name: str) -> float:
    """Mean distance from 50%."""
    return float((rows[name] - 0.5).abs().mean())


@measures("midpoint", rivals={"always 50%": lambda scored: -distance(scored, "crowd")})
def midpoint(scored: pd.DataFrame) -> Measured:
    return resampled(lambda rows: distance(rows, "both_ways") - distance(rows, "crowd"), scored, by="family")


# Questions


@measures("crowd-beats-half")
def crowd_beats_half(scored: pd.DataFrame) -> Measured:
    return resampled(lambda rows: float(((rows["crowd"] - rows["outcome"]) ** 2).mean()), scored, by="family")


@measures("asked-both-ways")
def asked_both_ways(scored: pd.DataFrame) -> Measured:
    return difference(scored, "both_ways")


@measures("extremising")
def extremising(scored: pd.DataFrame) -> Measured:
    pushed = scored.assign(pushed=idea.extremise(scored["both_ways"], 2))

    def statistic(rows: pd.DataFrame) -> float:
        return float(((rows["pushed"] - rows["outcome"]) ** 2 - (rows["both_ways"] - rows["outcome"]) ** 2).mean())

    return resampled(statistic, pushed, by="family")


@measures("acquiescence")
def acquiescence(lean: pd.DataFrame) -> Measured:
    return resampled(lambda rows: float(rows["p_yes"].mean()), lean, by="family")

"""How each claim of the chapter on learning curves is measured, with its rivals and its sabotage.

`curves` holds the curves of UD English EWT by "tag set, learner": words x (levels,) and accuracies y (folds, levels).
All learners see the same folds, so folds are drawn for all curves together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from foretold.claims import Measured, measures, resampled
from foretold.kit import uncertainty
from foretold.papers.learning_curves import experiment, idea

Curves = Mapping[str, Mapping[str, np.ndarray]]
Means = Mapping[str, tuple[np.ndarray, np.ndarray]]  # by name: words and fold means
TOLERANCES = (0.03, 0.04, 0.05, 0.06, 0.08, 0.1)
SEEN = 9  # levels, a fifth of the words


def over_folds(statistic: Callable[[Means], Any], curves: Curves, draws: int = 100) -> Measured:
    """A statistic of the fold means, with draws of it over folds."""
    folds = len(next(iter(curves.values()))["y"])
    return resampled(lambda chosen: statistic(fold_means(curves, chosen)), np.arange(folds), draws=draws)


def fold_means(curves: Curves, folds: Any = slice(None)) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Words and means over some folds, by curve."""
    return {name: (curve["x"], curve["y"][folds].mean(0)) for name, curve in curves.items()}


def with_suffixes(means: Means) -> Means:
    """Without the learners that know no suffixes."""
    return {name: curve for name, curve in means.items() if "suffixes" not in name}


def with_y(curves: Curves, change: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
    """The inputs of a measure with changed accuracies."""
    return {"curves": {name: {"x": curve["x"], "y": change(curve["y"])} for name, curve in curves.items()}}


# How well does the beginning tell the end?


def power_law(x: np.ndarray, y: np.ndarray) -> float:
    """The last accuracy as a power law foretells it from the first levels."""
    return float(idea.fit_power_law(x[:SEEN], y[:SEEN])(x[-1]))


def log_line(x: np.ndarray, y: np.ndarray) -> float:
    """The same by a line in the logarithm of the words."""
    return float(np.polyval(np.polyfit(np.log(x[:SEEN]), y[:SEEN], 1), np.log(x[-1])))


def against_last_value(forecast: Callable[..., float], means: Means) -> float:
    """Largest error of a forecast over the curves, as a multiple of the error of the last value seen."""
    return max(abs(forecast(x, y) - y[-1]) / abs(y[SEEN - 1] - y[-1]) for x, y in means.values())


def stop_learning(rng: np.random.Generator, curves: Curves) -> dict[str, Any]:
    """Beyond a fifth of the words accuracies stay where they were, plus a twentieth of a point."""

    def flat(y: np.ndarray) -> np.ndarray:
        return np.hstack([y[:, :SEEN], np.repeat(y[:, SEEN - 1 : SEEN] + 0.0005, y.shape[1] - SEEN, axis=1)])

    return with_y(curves, flat)


@measures(
    "skill",
    rivals={
        "the last value": lambda curves: 1.0,
        "a line in log words": lambda curves: against_last_value(log_line, fold_means(curves)),
    },
    sabotage={"nothing learned after a fifth": stop_learning},
)
def skill(curves: Curves) -> Measured:
    return over_folds(lambda means: against_last_value(power_law, means), curves)


@measures("fifth-of-the-corpus")
def fifth_of_the_corpus(curves: Curves) -> Measured:
    def error(means: Means) -> float:
        return float(np.mean([100 * abs(power_law(x, y) - y[-1]) for x, y in with_suffixes(means).values()]))

    return over_folds(error, curves)


# Which of two will be ahead?


def gain_over_looking(means: Means, pairs: Sequence[tuple[str, str]]) -> float:
    """Later levels whose order the trends of level 9 tell, minus those that whoever leads at level 9 tells, in
    percentage points."""
    laws = {name: idea.learning_trace(*means[name]).law(SEEN) for name in {name for pair in pairs for name in pair}}
    gains = []
    for one, two in pairs:
        x, later = means[one][0][SEEN:], means[one][1][SEEN:] > means[two][1][SEEN:]
        foretold = laws[one](x) > laws[two](x)
        leads = means[one][1][SEEN - 1] > means[two][1][SEEN - 1]
        gains.append(np.mean(foretold == later) - np.mean(leads == later))
    return 100 * float(np.mean(gains))


def exchanged(rng: np.random.Generator, curves: Curves, **others: Any) -> dict[str, Any]:
    """The best learner gets the worst one's beginning, and so on, within all curves."""
    order = sorted(curves, key=lambda name: curves[name]["y"][:, SEEN - 1].mean())
    begins = dict(zip(order, reversed(order), strict=True))

    def joined(name: str) -> np.ndarray:
        return np.hstack([curves[begins[name]]["y"][:, :SEEN], curves[name]["y"][:, SEEN:]])

    return {"curves": {name: {"x": curve["x"], "y": joined(name)} for name, curve in curves.items()}}


@measures("decisions", sabotage={"beginnings exchanged": exchanged})
def decisions(curves: Curves) -> Measured:
    pairs = [(a, b) for a, b in combinations(curves, 2) if a.split(",")[0] == b.split(",")[0]]
    return over_folds(lambda means: gain_over_looking(means, pairs), curves)


@measures("tag-sets", sabotage={"beginnings exchanged": exchanged})
def tag_sets(curves: Curves, learners: Sequence[str]) -> Measured:
    pairs = [(f"upos, {name}", f"xpos, {name}") for name in learners]
    return over_folds(lambda means: gain_over_looking(means, pairs), curves)


# Distorted observations


def distorted_errors(x: np.ndarray, y: np.ndarray, truth: float | None = None) -> tuple[float, float]:
    """Mean error of the last accuracy, with anchors and without, over trends whose newest observation is a point too
    low: one for every level six or more beyond the working level."""
    clean = idea.learning_trace(x, y)
    if clean.working_level is None:
        raise ValueError("the curve has no working level; allowed are curves whose backbone comes to rest")
    errors = []
    for level in range(clean.working_level + 7, len(x) + 1):
        bent = np.append(y[: level - 1], y[level - 1] - 0.01)
        anchored = idea.fit_power_law(x[:level], bent, anchor=clean.asymptotes[level - 4])
        plain = idea.fit_power_law(x[:level], bent)
        last = y[-1] if truth is None else truth
        errors.append([abs(law(x[-1]) - last) for law in (anchored, plain)])
    return tuple(np.mean(errors, axis=0))  # type: ignore[return-value]


def anchor_ratio(means: Means, lower: float = 0.0) -> float:
    """Error with anchors over error without, over the curves with suffixes; the truth may be put lower."""
    pairs = [distorted_errors(x, y, y[-1] - lower) for x, y in with_suffixes(means).values()]
    anchored, plain = np.sum(pairs, axis=0)
    return float(anchored / plain)


@measures(
    "distortion",
    rivals={"no anchors": lambda curves, lower: 1.0},
    sabotage={"the truth where the distorted trends end": lambda rng, curves, lower: {"lower": 0.01}},
)
def distortion(curves: Curves, lower: float) -> Measured:
    return over_folds(lambda means: anchor_ratio(means, lower), curves)


# Stopping, and what it stands on


def worst_error(means: Means, level_of: Callable[[idea.LearningTrace], int | None]) -> float:
    """Largest later error of the trend at which a rule stops, in tolerances."""
    worst = 0.0
    for x, y in with_suffixes(means).values():
        for tolerance in TOLERANCES:
            trace = idea.learning_trace(x, y, tolerance=tolerance)
            at = level_of(trace)
            if at is not None and at <= len(x):
                worst = max(worst, np.abs(trace.law(at)(x) - y)[at - 1 :].max() / tolerance)
    return float(worst)


@measures(
    "stop-keeps-tolerance",
    rivals={
        "stop at the working level": lambda curves: worst_error(fold_means(curves), lambda trace: trace.working_level)
    },
)
def stop_keeps_tolerance(curves: Curves) -> Measured:
    return over_folds(lambda means: worst_error(means, lambda trace: trace.stop_level), curves, draws=60)


def falling(means: Means) -> float:
    """Steps of the backbone that do not rise, in percent, mean over the curves with suffixes."""
    rates = [experiment.robustness(idea.learning_trace(x, y)) for x, y in with_suffixes(means).values()]
    return float(np.nanmean(rates))


def noise_alone(curves: Curves) -> float:
    """The same if the truth were a power law with independent noise of the size of the standard error."""
    rng, rates = np.random.default_rng(1), []
    for name, curve in curves.items():
        if "suffixes" not in name:
            simulated = experiment.simulated(experiment.Curve(curve["x"], curve["y"]), 20, rng)
            rates += [experiment.robustness(idea.learning_trace(curve["x"], y)) for y in simulated]
    return float(np.nanmean(rates))


@measures("backbone-falls", rivals={"noise on a true power law": noise_alone})
def backbone_falls(curves: Curves) -> Measured:
    return over_folds(falling, curves)


@measures("leaving-the-layer")
def leaving_the_layer(beyond: np.ndarray) -> Measured:
    outside = np.asarray(beyond) > 1e-8
    return share(outside.sum(), len(outside))


@measures("held-back")
def held_back(held: Mapping[str, float], folds: int) -> Measured:
    return share(sum(held.values()) * folds, len(held) * folds)


def share(successes: float, trials: int) -> Measured:
    """A share with its exact binomial interval."""
    return Measured(successes / trials, interval=uncertainty.share_interval(successes, trials, "exact"))

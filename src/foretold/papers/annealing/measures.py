"""How each claim of the annealing chapter is measured, with its rivals and its sabotage.

`losses` are those of the paper's Fig. 2 by schedule. `laws` has a row of constants for the law fitted to them, and one
for each refit to resampled points. `per_curve` has the mean relative error, in per cent, of each unseen curve (row) by
each variant of the law (column).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from foretold.claims import Measured, measures, resampled, swapped
from foretold.kit import schedules, uncertainty
from foretold.papers.annealing import data, experiment, idea

PAPER, BLIND = "warm-up at the peak", "no annealing term"
CONVENTIONS = ("warm-up at the peak", "warm-up as trained")
PEAK = 2e-4
SHORT_WINDOW = 0.99  # decay of a window of 100 steps
Law = idea.AnnealingLaw


# The forty points


def constants(losses: Mapping[str, np.ndarray], warmup: int = data.FIG2_WARMUP, decay: float = 0.999) -> Measured:
    """The law's constants and its R², fitted to the points of Fig. 2."""
    points = {
        name: (rates, steps, np.asarray(losses[name])) for name, (rates, steps, _) in data.published_points().items()
    }
    law = idea.fit(points, decay, warmup=warmup)
    return Measured({"L0": law.L0, "A": law.A, "alpha": law.alpha, "C": law.C, "R2": law.r2})


def curves_exchanged(rng: np.random.Generator, losses: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The losses of the cosine are called those of the constant rate."""
    return {"losses": {"constant": losses["cosine"], "cosine": losses["constant"]}}


@measures(
    "fig2",
    rivals={
        "warm-up taken literally": lambda losses: constants(losses, warmup=0),
        "a window of 100 steps": lambda losses: constants(losses, decay=SHORT_WINDOW),
    },
    sabotage={"curves exchanged": curves_exchanged},
)
def fig2(losses: Mapping[str, np.ndarray]) -> Measured:
    return constants(losses)


# Unseen schedules


@measures(
    "unseen-error",
    rivals={"no annealing term": lambda per_curve: per_curve[BLIND].mean()},
    sabotage={
        "errors of the law without annealing": lambda rng, per_curve: {
            "per_curve": per_curve.assign(**{PAPER: per_curve[BLIND]})
        }
    },
)
def unseen_error(per_curve: pd.DataFrame) -> Measured:
    return resampled(np.mean, per_curve[PAPER].to_numpy())


@measures("conventions")
def conventions(per_curve: pd.DataFrame) -> Measured:
    return resampled(lambda rows: {name: float(rows[name].mean()) for name in CONVENTIONS}, per_curve)


def with_refits(values: Sequence[float]) -> Measured:
    """The first value, and the middle 95% of the others, which are refits."""
    return Measured(values[0], interval=uncertainty.percentile_interval(values[1:]))


@measures("annealing-term")
def annealing_term(per_curve: pd.DataFrame, own: np.ndarray) -> Measured:
    theirs = resampled(lambda rows: float(rows[BLIND].mean() / rows[PAPER].mean()), per_curve).parts[""]
    mine = with_refits(np.asarray(own)[:, 1] / np.asarray(own)[:, 0]).parts[""]
    return Measured.with_parts({"curves of others": theirs, "our own runs": mine})


@measures("live-error", rivals={"no annealing term": lambda own: np.asarray(own)[0, 1]})
def live_error(own: np.ndarray) -> Measured:
    return with_refits(np.asarray(own)[:, 0])


@measures("any-schedule", rivals={"no annealing term": lambda promised, without, true: 100 * (without / true - 1)})
def any_schedule(promised: float, without: float, true: float) -> Measured:
    return Measured(100 * (promised / true - 1))


@measures("re-warming", sabotage={"windows before for windows after": swapped("before", "after")})
def re_warming(before: np.ndarray, after: np.ndarray) -> Measured:
    return resampled(np.mean, np.asarray(after) - before)


# What the law says


def laws_of(laws: pd.DataFrame, **changes: Any) -> list[Law]:
    """The laws of a table, some of their constants changed."""
    return [replace(Law(*row), **changes) for row in laws.itertuples(index=False)]


def asked(laws: Sequence[Law], gaps: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Measured:
    """By part, the final loss of one schedule minus that of another: by the first law; draws by the others."""
    found = {
        name: np.array([experiment.final(law, first) - experiment.final(law, second) for law in laws])
        for name, (first, second) in gaps.items()
    }
    estimates = {name: values[0] for name, values in found.items()}
    if len(laws) == 1:
        return Measured(estimates)
    return Measured(estimates, draws={name: values[1:] for name, values in found.items()})


CROSSING = {
    f"{steps} steps": (schedules.cosine(steps, PEAK), schedules.constant(steps, PEAK)) for steps in (10_000, 100_000)
}
SHAPES = {
    name: tuple(schedules.wsd(50_000, PEAK, 0, share, shape) for shape in ("sqrt", "cosine"))
    for name, share in (("last 10%", 0.1), ("last 50%", 0.5))
}


def doubled(rng: np.random.Generator, laws: pd.DataFrame) -> dict[str, Any]:
    """Annealing is worth twice as much."""
    return {"laws": laws.assign(C=2 * laws["C"])}


@measures(
    "cosine-crosses",
    rivals={"no annealing term": lambda laws: asked(laws_of(laws, C=0.0)[:1], CROSSING)},
    sabotage={"twice the annealing term": doubled},
)
def cosine_crosses(laws: pd.DataFrame) -> Measured:
    return asked(laws_of(laws), CROSSING)


def half_as_long(rng: np.random.Generator, laws: pd.DataFrame) -> dict[str, Any]:
    """A window of 100 steps in the place of 1,000."""
    return {"laws": laws.assign(decay=SHORT_WINDOW)}


@measures(
    "shapes",
    rivals={"a window of 100 steps": lambda laws: asked(laws_of(laws, decay=SHORT_WINDOW)[:1], SHAPES)},
    sabotage={"the shorter window": half_as_long},
)
def shapes(laws: pd.DataFrame) -> Measured:
    return asked(laws_of(laws), SHAPES)


def shares(law: Law) -> Measured:
    """The best share of a decay by the number of steps."""
    return Measured({f"{steps} steps": experiment.best_share(law, steps) for steps in (20_000, 60_000, 100_000)})


@measures("best-share", rivals={"a window of 100 steps": lambda laws: shares(laws_of(laws, decay=SHORT_WINDOW)[0])})
def best_share(laws: pd.DataFrame) -> Measured:
    return shares(laws_of(laws)[0])


@measures("chinchilla-r2", rivals={"a perfect fit": lambda r2: 1.0})
def chinchilla_r2(r2: np.ndarray) -> Measured:
    return resampled(np.mean, np.asarray(r2), draws=400)

"""Makes the annealing chapter's tables: its law, and the Multi-Power Law, on 27 published loss curves."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import pandas as pd

import foretold.data
from foretold.papers.annealing import data, experiment, idea
from foretold.papers.annealing.idea import Curve, Floats

DECAYS = (0.95, 0.99, 0.995, 0.999, 0.9995)  # the grid that the Multi-Power Law's authors tried for this law
BINS = 30  # of the steps of a curve
# How the warm-up is treated and which curves are fitted: (curves, ramp, annealing term).
VARIANTS = {
    "warm-up as trained": (data.TRAIN, True, True),
    "warm-up at the peak": (data.TRAIN, False, True),
    "two curves": (data.TRAIN[:2], True, True),
    "no annealing term": (data.TRAIN, True, False),
}


def annealing_real() -> pd.DataFrame:
    """Predictions of six unseen curves, by the variants of the fit and by the Multi-Power Law."""
    return pd.concat([predictions(size, published(size)) for size in data.SIZES]).round(6)


def annealing_errors() -> pd.DataFrame:
    """Predicted minus observed loss along these curves."""
    return pd.concat([errors(size, published(size)) for size in data.SIZES]).round(6)


TABLES = {"annealing_real": annealing_real, "annealing_errors": annealing_errors}


@cache
def published(size: int) -> dict[str, Curve]:
    """The nine published curves of the models with `size` million parameters, by name."""
    names = (*data.TRAIN, *data.TEST)
    return {name: data.load(name, foretold.data.fetch(data.entry(size, name))) for name in names}


def predictions(size: int, curves: Mapping[str, Curve]) -> pd.DataFrame:
    """Fit each variant to its curves of one size and predict the six others: one row a variant and curve, with the
    fit's parameters; and the Multi-Power Law with its published parameters."""
    rows = []
    for variant, (fitted, ramp, annealed) in VARIANTS.items():
        chosen = [curves[name] for name in fitted]
        law = idea.fit(chosen, DECAYS, warmup=data.WARMUP, ramp=ramp, annealing=annealed)
        values = {name: getattr(law, name) for name in ("decay", "L0", "A", "alpha", "C")}
        for name in data.TEST:
            rates, steps, losses = curves[name]
            found = quality(law.predict(rates, steps, data.WARMUP, ramp), losses)
            rows.append({"size": size, "variant": variant, "curve": name, **values, **found})
    for name in data.TEST:
        rates, steps, losses = curves[name]
        found = quality(experiment.multi_power_law(rates, steps, data.MULTI_POWER[size]), losses)
        rows.append({"size": size, "variant": "Multi-Power Law", "curve": name, **found})
    return pd.DataFrame(rows)


def quality(predicted: Floats, observed: Floats) -> dict[str, float]:
    """R2, mean absolute error and root of the mean square in nats, mean and largest relative error, and the error of
    the last point (predicted - observed)."""
    error = predicted - observed
    return {
        "r2": 1 - np.sum(error**2) / np.sum((observed - observed.mean()) ** 2),
        "mae": np.mean(np.abs(error)),
        "rmse": np.sqrt(np.mean(error**2)),
        "mean_relative": np.mean(np.abs(error / observed)),
        "largest_relative": np.max(np.abs(error / observed)),
        "last": error[-1],
    }


def errors(size: int, curves: Mapping[str, Curve]) -> pd.DataFrame:
    """Predicted minus observed loss on the six unseen curves of one size ("warm-up as trained"), as means over bins of
    steps, and the middle of each bin."""
    law = idea.fit([curves[name] for name in data.TRAIN], DECAYS, warmup=data.WARMUP, ramp=True)
    rows = []
    for name in data.TEST:
        rates, steps, losses = curves[name]
        error = law.predict(rates, steps, data.WARMUP, ramp=True) - losses
        for part in np.array_split(np.arange(len(steps)), BINS):
            rows.append({"size": size, "curve": name, "step": int(steps[part].mean()), "error": error[part].mean()})
    return pd.DataFrame(rows)

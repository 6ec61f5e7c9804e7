"""Real loss curves for the annealing chapter: 27 trainings published with the Multi-Power Law (Luo et al., "A
multi-power law for loss curve prediction across learning rate schedules", ICLR 2025, arXiv 2503.12811; MIT licence),
what the annealing law makes of them, and that other law's formula.

Three sizes (25M, 100M, 400M parameters), nine schedules each: peak 3e-4, a linear warm-up of 2,160 steps, losses from
the warm-up's end on, every 128 steps or so. The curves are no part of this package; what was measured on them is
``tables/annealing_real.csv``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from foretold.kit import schedules
from foretold.papers.annealing import idea
from foretold.papers.annealing.idea import Floats

PEAK, WARMUP, SIZES = 3e-4, 2_160, (25, 100, 400)
DECAYS = (0.95, 0.99, 0.995, 0.999, 0.9995)  # the grid that the Multi-Power Law's authors tried for this law
TRAIN = ("cosine_24000", "constant_24000", "wsdcon_9")  # their split
TEST = ("constant_72000", "cosine_72000", "wsd_20000_24000", "wsdld_20000_24000", "wsdcon_3", "wsdcon_18")
TITLES = {
    "constant_72000": "constant, 72,000 steps",
    "cosine_72000": "cosine to 10%, 72,000 steps",
    "wsd_20000_24000": "stable, then exponential decay",
    "wsdld_20000_24000": "stable, then linear decay",
    "wsdcon_3": "two stages, to 10% at 8,000",
    "wsdcon_18": "two stages, to 60% at 8,000",
}
# How the warm-up is treated and which curves are fitted: (curves, ramp, annealing term).
VARIANTS = {
    "warm-up as trained": (TRAIN, True, True),
    "warm-up at the peak": (TRAIN, False, True),
    "two curves": (TRAIN[:2], True, True),
    "no annealing term": (TRAIN, True, False),
}
# L0, A, alpha, B, C, beta, gamma as printed in the README of that law's repository.
MULTI_POWER = {
    25: (3.040, 0.525, 0.508, 363.788, 2.066, 0.583, 0.641),
    100: (2.651, 0.601, 0.453, 437.946, 2.132, 0.598, 0.655),
    400: (2.375, 0.654, 0.429, 523.425, 2.025, 0.594, 0.635),
}
# R2, mean absolute error, root of the mean square, mean and largest relative error there, over the six test curves.
MULTI_POWER_PRINTED = {
    25: (0.9988, 0.00376, 0.00465, 0.00110, 0.00409),
    100: (0.9983, 0.00435, 0.00592, 0.00142, 0.00583),
    400: (0.9978, 0.00484, 0.00730, 0.00168, 0.00995),
}


def schedule(name: str) -> Floats:
    """Learning rates of a curve by its name, shape (steps,). Raises ValueError for an unknown name."""
    if name not in (*TRAIN, *TEST):
        raise ValueError(f"name is {name!r}; allowed are {', '.join((*TRAIN, *TEST))}")
    kind, number, *_ = name.split("_")
    if kind == "constant":
        return schedules.constant(int(number), PEAK, WARMUP)
    if kind == "cosine":
        return schedules.cosine(int(number), PEAK, WARMUP, 0.1)
    if kind in ("wsd", "wsdld"):
        return schedules.wsd(24_000, PEAK, WARMUP, 1 / 6, "exponential" if kind == "wsd" else "linear", 0.1)
    return schedules.multistep(16_000, PEAK, WARMUP, at=(0.5,), levels=(int(number) * 1e-5 / PEAK,))


def entry(size: int, name: str) -> str:
    """A curve's name in the registry."""
    return f"annealing-{size}-{name.replace('_', '-')}"


def load(name: str, path: Path) -> tuple[Floats, Floats, Floats]:
    """A curve (rates, steps, losses) from its file, a CSV with the columns step, lr and loss."""
    frame = pd.read_csv(path)
    return schedule(name), frame["step"].to_numpy(), frame["loss"].to_numpy()


def multi_power_law(lr: Floats, steps: Floats, parameters: tuple[float, ...]) -> Floats:
    """The Multi-Power Law's loss: L0 + A S1^-alpha - B sum_k (eta_(k-1) - eta_k) G(eta_k^-gamma S_k), where S_k is the
    sum of the rates from step k on, and G(x) = 1 - (1 + C x)^-beta. The sum begins with the warm-up (eta before step 0
    is 0), which leaves an offset of B times the peak in L0."""
    floor, gain, alpha, slope, scale, beta, gamma = parameters
    s1, falls = np.cumsum(lr), -np.diff(lr, prepend=0.0)
    moved = np.flatnonzero(falls)
    before = s1[moved] - lr[moved]
    dropped = np.empty(len(steps))
    for i, step in enumerate(steps):
        k = moved[: np.searchsorted(moved, step, side="right")]
        area = lr[k] ** -gamma * (s1[step] - before[: len(k)])
        dropped[i] = np.sum(falls[k] * (1 - (1 + scale * area) ** -beta))
    return floor + gain * s1[steps] ** -alpha - slope * dropped


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


def measure(size: int, curves: Mapping[str, tuple[Floats, Floats, Floats]]) -> pd.DataFrame:
    """Fit each variant to its curves of one size and predict the six others: one row a variant and curve, with the
    fit's parameters; and the Multi-Power Law with its published parameters."""
    rows = []
    for variant, (fitted, ramp, annealed) in VARIANTS.items():
        chosen = [curves[name] for name in fitted]
        law = idea.fit(chosen, DECAYS, warmup=WARMUP, ramp=ramp, annealing=annealed)
        values = {name: getattr(law, name) for name in ("decay", "L0", "A", "alpha", "C")}
        for name in TEST:
            rates, steps, losses = curves[name]
            found = quality(law.predict(rates, steps, WARMUP, ramp), losses)
            rows.append({"size": size, "variant": variant, "curve": name, **values, **found})
    for name in TEST:
        rates, steps, losses = curves[name]
        found = quality(multi_power_law(rates, steps, MULTI_POWER[size]), losses)
        rows.append({"size": size, "variant": "Multi-Power Law", "curve": name, **found})
    return pd.DataFrame(rows)


def errors(size: int, curves: Mapping[str, tuple[Floats, Floats, Floats]], bins: int = 30) -> pd.DataFrame:
    """Predicted minus observed loss on the six unseen curves of one size ("warm-up as trained"), as means over bins of
    steps; and the prediction in the middle of each bin."""
    law = idea.fit([curves[name] for name in TRAIN], DECAYS, warmup=WARMUP, ramp=True)
    rows = []
    for name in TEST:
        rates, steps, losses = curves[name]
        error = law.predict(rates, steps, WARMUP, True) - losses
        for part in np.array_split(np.arange(len(steps)), bins):
            rows.append({"size": size, "curve": name, "step": int(steps[part].mean()), "error": error[part].mean()})
    return pd.DataFrame(rows)


def tables(fetch: Callable[[str], Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both results tables, made anew; `fetch` is `foretold.data.fetch`."""
    made, parts = [], []
    for size in SIZES:
        curves = {name: load(name, fetch(entry(size, name))) for name in (*TRAIN, *TEST)}
        made.append(measure(size, curves))
        parts.append(errors(size, curves))
    return pd.concat(made), pd.concat(parts)

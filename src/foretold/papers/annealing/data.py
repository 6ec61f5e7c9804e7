"""Loss curves of the annealing chapter: the two of the paper's Fig. 2, which are part of this package, and 27 trainings
published with the Multi-Power Law (Luo et al., "A multi-power law for loss curve prediction across learning rate
schedules", ICLR 2025, arXiv 2503.12811; MIT licence).

These come in three sizes (25M, 100M, 400M parameters) with nine schedules each: peak 3e-4, a linear warm-up of 2,160
steps, losses from the warm-up's end on, every 128 steps or so. They are no part of this package; what was measured on
them (`record`) is ``tables/annealing_real.csv``.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

import foretold.data
from foretold.kit import check, schedules
from foretold.papers.annealing.idea import Curve, Floats

FIG2_PEAK, FIG2_WARMUP, FIG2_STEPS = 2e-4, 500, 20_000  # of the two trainings of Fig. 2

PEAK, WARMUP, SIZES = 3e-4, 2_160, (25, 100, 400)  # of the 27 trainings; sizes in millions of parameters
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
# L0, A, alpha, B, C, beta, gamma as printed in the README of that law's repository.
MULTI_POWER = {
    25: (3.040, 0.525, 0.508, 363.788, 2.066, 0.583, 0.641),
    100: (2.651, 0.601, 0.453, 437.946, 2.132, 0.598, 0.655),
    400: (2.375, 0.654, 0.429, 523.425, 2.025, 0.594, 0.635),
}


def published_points() -> dict[str, Curve]:
    """The 40 points of the paper's Fig. 2 as curves, constant and cosine."""
    frame = foretold.data.table("annealing")
    rates = {
        "constant": schedules.constant(FIG2_STEPS, FIG2_PEAK, FIG2_WARMUP),
        "cosine": schedules.cosine(FIG2_STEPS, FIG2_PEAK, FIG2_WARMUP),
    }
    rows = {name: frame[frame["schedule"] == name].sort_values("step") for name in rates}
    return {name: (rates[name], row["step"].to_numpy(), row["val_loss"].to_numpy()) for name, row in rows.items()}


def schedule(name: str) -> Floats:
    """Learning rates of a curve by its name, shape (steps,). Raises ValueError for an unknown name."""
    check.one_of("name", name, (*TRAIN, *TEST))
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


def load(name: str, path: Path) -> Curve:
    """A curve (rates, steps, losses) from its file, a CSV with the columns step, lr and loss."""
    frame = pd.read_csv(path)
    return schedule(name), frame["step"].to_numpy(), frame["loss"].to_numpy()

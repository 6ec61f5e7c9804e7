"""Learning-rate schedules, each an array of one rate a step.

All begin with a linear warm-up of `warmup` steps (the first rate is peak / warmup) and are shaped over the steps that
remain. Shares (`anneal`, `at`) are shares of all steps, as in the papers; `final` is a share of the peak. Wrong
arguments raise ValueError.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foretold.kit import check

Floats = NDArray[np.float64]
SHAPES = ("linear", "cosine", "sqrt", "exponential", "drop")
CYCLES = 3  # of `cyclic`
REWARM = 0.1  # the share of a cycle in which it warms up again


def constant(steps: int, peak: float, warmup: int = 0) -> Floats:
    """The peak rate at every step after the warm-up, shape (steps,)."""
    _check(steps, peak, warmup)
    return _warm(np.full(steps, float(peak)), warmup)


def cosine(steps: int, peak: float, warmup: int = 0, final: float = 0.0) -> Floats:
    """Half a period of a cosine from the peak to `final` times the peak at the last step, shape (steps,)."""
    _check(steps, peak, warmup)
    final = _share("final", final)
    x = np.clip((np.arange(steps) - warmup + 1) / max(1, steps - warmup), 0, 1)
    return _warm(peak * (final + (1 - final) * (1 + np.cos(np.pi * x)) / 2), warmup)


def wsd(
    steps: int, peak: float, warmup: int = 0, anneal: float = 0.2, shape: str = "linear", final: float = 0.0
) -> Floats:
    """Warm-up, stable, decay: the peak until the last share `anneal` of all steps, then down to `final` times the peak.

    `shape` of the decay: ``"linear"``, ``"cosine"``, ``"sqrt"`` (1 - sqrt(x)), ``"exponential"`` (needs a `final` above
    0) or ``"drop"`` (at once). Shape (steps,).
    """
    _check(steps, peak, warmup)
    final, anneal = _share("final", final), _share("anneal", anneal)
    check.one_of("shape", shape, SHAPES)
    if shape == "exponential" and final == 0:
        raise check.refuse("final", final, "a share above 0 with an exponential decay")
    length = max(1, round(anneal * steps)) if anneal > 0 else 0
    x = np.clip((np.arange(steps) - (steps - length) + 1) / max(1, length), 0, 1)
    if shape == "exponential":
        return _warm(peak * final**x, warmup)
    left = {"linear": 1 - x, "cosine": (1 + np.cos(np.pi * x)) / 2, "sqrt": 1 - np.sqrt(x), "drop": x <= 0}[shape]
    return _warm(peak * (final + (1 - final) * left), warmup)


def multistep(
    steps: int,
    peak: float,
    warmup: int = 0,
    at: Sequence[float] = (0.8, 0.9),
    levels: Sequence[float] = (math.sqrt(0.1), 0.1),
) -> Floats:
    """The peak, and from each share `at` of all steps on that share of the peak in `levels`: 80/10/10 by default.
    Shape (steps,)."""
    _check(steps, peak, warmup)
    if len(at) != len(levels) or not len(at):
        raise ValueError(f"levels has {len(levels)} entries; allowed is one for each of the {len(at)} entries of at")
    if any(not 0 < share < 1 for share in at) or sorted(at) != list(at):
        raise check.refuse("at", at, "rising shares above 0 and below 1")
    check.reals("levels", levels, 0, 1, "shares of the peak from 0 to 1")
    rates = np.full(steps, float(peak))
    for share, level in zip(at, levels, strict=True):
        rates[round(share * steps) :] = level * peak
    return _warm(rates, warmup)


def cyclic(steps: int, peak: float, warmup: int = 0) -> Floats:
    """Three cosines to 0 one after another, each over a third of the steps after the warm-up; the second and the third
    begin with a linear warm-up from 0 over a tenth of their steps. Shape (steps,)."""
    _check(steps, peak, warmup)
    check.whole("steps", steps, warmup + CYCLES, allowed=f"a whole number from warmup + {CYCLES} on")
    at = (np.arange(steps) - warmup) * CYCLES / (steps - warmup)
    number, x = np.floor(at), at % 1
    up = np.where(number >= 1, REWARM, 0.0)
    down = (1 + np.cos(np.pi * np.clip((x - up) / (1 - up), 0, 1))) / 2
    return _warm(peak * np.where(x < up, x / np.maximum(up, 1e-12), down), warmup)


def _warm(rates: Floats, warmup: int) -> Floats:
    rates[:warmup] = rates.max() * np.arange(1, warmup + 1) / max(1, warmup)
    return rates


def _check(steps: int, peak: float, warmup: int) -> None:
    check.whole("steps", steps, 1)
    check.positive("peak", peak, "a finite learning rate above 0")
    check.whole("warmup", warmup, 0, steps - 1, f"a whole number from 0 to steps - 1 = {steps - 1}")


def _share(name: str, value: float) -> float:
    return check.real(name, value, 0, 1, "a share from 0 to 1")

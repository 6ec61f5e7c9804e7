"""Learning-rate schedules, each an array of one rate a step.

All begin with a linear warm-up of `warmup` steps (the first rate is peak / warmup) and are shaped over the steps that
remain. Shares (`anneal`, `at`) are shares of all steps, as in the papers; `final` is a share of the peak.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np

Floats = np.ndarray
SHAPES = ("linear", "cosine", "sqrt", "exponential", "drop")


def constant(steps: int, peak: float, warmup: int = 0) -> Floats:
    """The peak rate at every step after the warm-up, shape (steps,)."""
    _check(steps, peak, warmup)
    return _warm(np.full(steps, float(peak)), warmup)


def cosine(steps: int, peak: float, warmup: int = 0, final: float = 0.0) -> Floats:
    """Half a period of a cosine from the peak to `final` times the peak at the last step, shape (steps,)."""
    _check(steps, peak, warmup, final=final)
    x = np.clip((np.arange(steps) - warmup + 1) / max(1, steps - warmup), 0, 1)
    return _warm(peak * (final + (1 - final) * (1 + np.cos(np.pi * x)) / 2), warmup)


def wsd(
    steps: int, peak: float, warmup: int = 0, anneal: float = 0.2, shape: str = "linear", final: float = 0.0
) -> Floats:
    """Warm-up, stable, decay: the peak until the last share `anneal` of all steps, then down to `final` times the peak.

    `shape` of the decay: ``"linear"``, ``"cosine"``, ``"sqrt"`` (1 - sqrt(x)), ``"exponential"`` (needs a `final` above
    0) or ``"drop"`` (at once). Shape (steps,). Raises ValueError for other arguments.
    """
    _check(steps, peak, warmup, final=final, anneal=anneal)
    if shape not in SHAPES:
        raise ValueError(f"shape is {shape!r}; allowed are {', '.join(SHAPES)}")
    if shape == "exponential" and not final > 0:
        raise ValueError(f"final is {final!r}; allowed with an exponential decay is a share above 0")
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
        raise ValueError(f"at is {at!r}; allowed are rising shares above 0 and below 1")
    if any(not 0 <= level <= 1 for level in levels):
        raise ValueError(f"levels is {levels!r}; allowed are shares of the peak from 0 to 1")
    rates = np.full(steps, float(peak))
    for share, level in zip(at, levels, strict=True):
        rates[round(share * steps) :] = level * peak
    return _warm(rates, warmup)


def cyclic(
    steps: int, peak: float, warmup: int = 0, cycles: int = 3, final: float = 0.0, rewarm: float = 0.1
) -> Floats:
    """Cosines one after another, each over an equal share of the steps after the warm-up; from the second on a cycle
    begins with a linear re-warm-up from `final` times the peak over a share `rewarm` of it. Shape (steps,)."""
    _check(steps, peak, warmup, final=final, rewarm=rewarm)
    if not isinstance(cycles, Integral) or not 1 <= cycles <= max(1, steps - warmup):
        raise ValueError(f"cycles is {cycles!r}; allowed is a whole number from 1 to the steps after the warm-up")
    at = (np.arange(steps) - warmup) * cycles / max(1, steps - warmup)
    number, x = np.floor(at), at % 1
    up = np.where((number >= 1) & (rewarm > 0), rewarm, 0.0)
    down = (1 + np.cos(np.pi * np.clip((x - up) / (1 - up), 0, 1))) / 2
    left = np.where(x < up, x / np.maximum(up, 1e-12), down)
    return _warm(peak * (final + (1 - final) * left), warmup)


def _warm(rates: Floats, warmup: int) -> Floats:
    rates[:warmup] = rates.max() * np.arange(1, warmup + 1) / max(1, warmup)
    return rates


def _check(steps: int, peak: float, warmup: int, **shares: float) -> None:
    if isinstance(steps, bool) or not isinstance(steps, Integral) or steps < 1:
        raise ValueError(f"steps is {steps!r}; allowed is a whole number >= 1")
    if not isinstance(peak, Real) or not (math.isfinite(peak) and peak > 0):
        raise ValueError(f"peak is {peak!r}; allowed is a finite learning rate above 0")
    if isinstance(warmup, bool) or not isinstance(warmup, Integral) or not 0 <= warmup < steps:
        raise ValueError(f"warmup is {warmup!r}; allowed is a whole number from 0 to steps - 1 = {steps - 1}")
    for name, share in shares.items():
        top = 1 if name in ("final", "anneal") else 0.9
        if not isinstance(share, Real) or not 0 <= share <= top:
            raise ValueError(f"{name} is {share!r}; allowed is a share from 0 to {top}")

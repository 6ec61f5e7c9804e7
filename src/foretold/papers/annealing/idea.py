"""Scaling law with learning-rate annealing: the two areas under a schedule, the law, and its fit.

Paper: Tissue, Wang, Wang, "Scaling law with learning rate annealing", arXiv 2408.11029 (v2 of 2024-10-24).
The loss at step s of a training whose learning rates are eta_0, eta_1, ... is

    L(s) = L0 + A S1(s)^-alpha - C S2(s)
    S1(s) = sum over i <= s of eta_i
    S2(s) = sum over i <= s of m_i,   m_i = decay m_(i-1) + (eta_(i-1) - eta_i),   m_0 = 0

A has the unit rate^alpha, C is per rate and step: compare fits only at the same peak. A *curve* is a triple (rates,
steps, losses): the whole schedule, the steps at which the loss was measured, and the losses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import ArrayLike
from scipy.signal import lfilter

Floats = np.ndarray
Curve = tuple[ArrayLike, ArrayLike, ArrayLike]
DELTA = 1e-3  # Huber's threshold on the logarithm of the loss, the paper's
ALPHAS = (0.02, 1.5)  # where the fit looks for alpha
POINTS, ROUNDS, QUICK, SWEEPS = 21, 5, 12, 40  # points of a grid, rounds of it, inner steps in all rounds and the last
NAMES = ("L0", "A", "C")


# --- the areas


def areas(lr: ArrayLike, decay: float = 0.999, warmup: int = 0) -> tuple[Floats, Floats]:
    """The forward area S1 and the annealing area S2 after each step, in one pass.

    Parameters
    ----------
    lr
        learning rate of each step, shape (..., T), at least one step.
    decay
        lambda, from 0 to 1: how much of the momentum m is left after a step. 0 forgets at once, 1 never.
    warmup
        the first so many steps count as at the peak rate, as in the paper, whatever `lr` says there.

    Returns
    -------
    s1, s2
        arrays as long as `lr`; no difference is taken at step 0.

    Raises
    ------
    ValueError
        for rates that are negative or not finite, no rates, a decay outside of [0, 1], a warm-up that is not a whole
        number from 0 to T.
    """
    rates, decay = np.array(lr, dtype=float), float(decay)
    if rates.ndim == 0 or not rates.size or not (np.isfinite(rates).all() and (rates >= 0).all()):
        raise ValueError(f"lr has the shape {rates.shape}; allowed are finite learning rates >= 0, at least one")
    if not 0 <= decay <= 1:
        raise ValueError(f"decay is {decay!r}; allowed is a number from 0 to 1")
    if isinstance(warmup, bool) or int(warmup) != warmup or not 0 <= warmup <= rates.shape[-1]:
        raise ValueError(f"warmup is {warmup!r}; allowed is a whole number from 0 to {rates.shape[-1]}")
    rates[..., : int(warmup)] = rates.max(axis=-1, keepdims=True)
    falls = -np.diff(rates, axis=-1, prepend=rates[..., :1])
    momentum = lfilter([1.0], [1.0, -decay], falls)
    return np.cumsum(rates, axis=-1), np.cumsum(momentum, axis=-1)


def areas_with_ramp(lr: ArrayLike, decay: float = 0.999, warmup: int = 0) -> tuple[Floats, Floats]:
    """As `areas`, but S1 counts the true rates of the warm-up: with a long warm-up the law fits better so. S2 still
    takes no difference before the warm-up's end."""
    s1 = areas(lr, decay)[0]
    return s1, areas(lr, decay, warmup)[1]


# --- the law


@dataclass(frozen=True)
class AnnealingLaw:
    """L(s) = L0 + A S1^-alpha - C S2, with the decay that S2 is made with."""

    L0: float
    A: float
    alpha: float
    C: float
    decay: float = 0.999

    def predict(self, lr: ArrayLike, steps: ArrayLike, warmup: int = 0, ramp: bool = False) -> Floats:
        """Predicted loss at `steps` of the schedule `lr`, of the shape of `steps`.

        Step s is entry s of `lr`, counted from 0; s = len(lr), the end of the schedule, reads the last entry. `warmup`
        and `ramp` are those of `fit`. Raises ValueError for steps outside of 0 to len(lr), and as `areas` does.
        """
        s1, s2 = _at(lr, steps, self.decay, warmup, ramp)
        return self.of_areas(s1, s2)

    def of_areas(self, s1: ArrayLike, s2: ArrayLike) -> Floats:
        """Predicted loss for given areas."""
        return self.L0 + self.A * np.asarray(s1) ** -self.alpha - self.C * np.asarray(s2)


@dataclass(frozen=True)
class Fit(AnnealingLaw):
    """A law that was fitted.

    `objective` is the sum of Huber losses of log(predicted / observed), `residuals` holds those logarithms, curve after
    curve, `r2` is the share of the losses' variance that is explained, and `unidentified` names the parameters that the
    curves say nothing about: C where no rate changes, for instance.
    """

    objective: float = np.nan
    r2: float = np.nan
    residuals: Floats = field(default_factory=lambda: np.empty(0), repr=False)
    unidentified: tuple[str, ...] = ()


# --- the fit, by variable projection


def fit(
    curves: Mapping[str, Curve] | Iterable[Curve],
    decay: float | Sequence[float] = 0.999,
    *,
    warmup: int = 0,
    ramp: bool = False,
    delta: float = DELTA,
    alphas: tuple[float, float] = ALPHAS,
    annealing: bool = True,
) -> Fit:
    """Fit the law to one or more curves: the smallest sum of Huber losses of log(predicted / observed) with
    L0, A, C >= 0.

    For a given alpha and decay the law is linear in (L0, A, C). So a grid of alphas, for all decays at once, is solved
    in one batch, and narrowed around the best alpha of each decay.

    Parameters
    ----------
    curves
        triples (rates, steps, losses), or a mapping to such triples; steps as in `AnnealingLaw.predict`.
    decay
        lambda, or several: the best one is taken.
    warmup, ramp
        the first `warmup` steps count as at the peak rate, or in S1 with their true rate if `ramp`.
    delta
        Huber's threshold; infinity means least squares.
    alphas
        smallest and largest alpha.
    annealing
        False leaves the annealing term out (C = 0): the law that knows S1 only.

    Raises
    ------
    ValueError
        for fewer than four losses, losses that are not finite and above 0, steps outside of their schedule, bounds or
        thresholds that are none.
    """
    decays = np.atleast_1d(np.asarray(decay, dtype=float))
    _check_fit(decays, delta, alphas)
    s1, s2, losses = _gather(curves, decays, warmup, ramp)
    if not annealing:
        s2 = np.zeros_like(s2)
    low, high = (np.full(len(decays), float(bound)) for bound in alphas)
    weights = None
    for number in range(ROUNDS):
        grid = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, POINTS)
        sweeps = SWEEPS if number == ROUNDS - 1 else QUICK
        found, objective, weights = project(s1, s2, losses, grid, delta, sweeps, weights)
        best, width = objective.argmin(1), (high - low) / (POINTS - 1)
        middle = np.take_along_axis(grid, best[:, None], 1)[:, 0]
        weights = weights[np.arange(len(best)), best][
            :, None
        ]  # the best alpha's are a good beginning for its neighbours
        low, high = np.maximum(middle - 1.5 * width, alphas[0]), np.minimum(middle + 1.5 * width, alphas[1])
    row = int(np.take_along_axis(objective, best[:, None], 1)[:, 0].argmin())
    column = int(best[row])
    (floor, gain, slope), alpha = found[row, column], grid[row, column]
    law = AnnealingLaw(floor, gain, alpha, slope, decays[row])
    residuals = np.log(law.of_areas(s1, s2[row]) / losses)
    explained = 1 - np.sum((law.of_areas(s1, s2[row]) - losses) ** 2) / np.sum((losses - losses.mean()) ** 2)
    silent = ("C",) if annealing and np.ptp(s2[row]) <= 1e-9 * s1.max() else ()
    silent += ("L0", "A", "alpha") if np.ptp(s1) <= 1e-9 * s1.max() else ()
    values = (float(value) for value in (floor, gain, alpha, slope, decays[row]))
    return Fit(*values, float(objective[row, column]), float(explained), residuals, silent)


@dataclass(frozen=True)
class Profile:
    """The fit's quality over a grid of alphas (columns) and decays (rows).

    `deviance` is n log(SSE / smallest SSE) of log(predicted / observed), as for independent normal errors; `parameters`
    holds the best (L0, A, C) of each cell, shape (decays, alphas, 3).
    """

    alphas: Floats
    decays: Floats
    deviance: Floats
    parameters: Floats


def profile(
    curves: Mapping[str, Curve] | Iterable[Curve],
    alphas: ArrayLike,
    decays: ArrayLike,
    *,
    warmup: int = 0,
    ramp: bool = False,
) -> Profile:
    """Profile likelihood of alpha and decay, all cells in one call: the other three parameters are at their best in
    each. Raises ValueError as `fit` does."""
    alphas, decays = np.asarray(alphas, dtype=float), np.asarray(decays, dtype=float)
    _check_fit(decays, np.inf, (alphas.min(), alphas.max()))
    s1, s2, losses = _gather(curves, decays, warmup, ramp)
    found, objective, _ = project(s1, s2, losses, np.broadcast_to(alphas, (len(decays), len(alphas))), np.inf)
    return Profile(alphas, decays, len(losses) * np.log(objective / objective.min()), found)


def project(
    s1: Floats,
    s2: Floats,
    losses: Floats,
    grid: Floats,
    delta: float,
    sweeps: int = SWEEPS,
    weights: Floats | None = None,
) -> tuple[Floats, Floats, Floats]:
    """Variable projection: the best (L0, A, C) >= 0, shape (D, G, 3), its objective, (D, G), and the weights of the
    points, (D, G, n), for every alpha of `grid` (D, G) for D decays. `s1` and `losses` have shape (n,), `s2` (D, n);
    `delta` is Huber's threshold; `sweeps` and `weights` say how long to reweight and where to begin."""
    shape = s1 ** -grid[:, :, None]  # (D, G, n)
    columns = np.stack([np.ones_like(shape), shape, np.broadcast_to(-s2[:, None], shape.shape)], -1)
    scale = np.abs(columns).max(2, keepdims=True) + 1e-300
    columns = columns / scale
    weights = np.broadcast_to(1 / losses**2 if weights is None else weights, shape.shape)
    target, last = losses, np.inf
    for _ in range(sweeps):
        # Least squares for log(predicted) - log(observed), linearised around the last prediction.
        weighted = columns * weights[..., None]
        normal = weighted.swapaxes(2, 3) @ columns
        values = _nonnegative(normal, (weighted * np.asarray(target)[..., None]).sum(2))
        predicted = np.maximum((columns @ values[..., None])[..., 0], 1e-12)
        residuals = np.log(predicted / losses)
        size = np.abs(residuals)
        objective = np.where(size <= delta, size**2 / 2, delta * (size - delta / 2) if np.isfinite(delta) else 0).sum(2)
        if np.all(np.abs(objective - last) <= 1e-10 * objective):
            break
        last = objective
        weights = (np.minimum(1, delta / np.maximum(size, 1e-300)) if np.isfinite(delta) else 1) / predicted**2
        target = predicted * (1 - residuals)
    return values / scale[:, :, 0], objective, weights


def _nonnegative(normal: Floats, right: Floats) -> Floats:
    """Minimise x'Nx/2 - x'r over x >= 0 for many 3 x 3 problems: the best feasible one of all choices of zeros."""
    best, least = np.zeros_like(right), np.full(right.shape[:-1], np.inf)
    for free in product((True, False), repeat=3):
        kept = np.array(free)
        some = np.where(kept[:, None] & kept, normal, np.eye(3))
        some = some + 1e-13 * np.eye(3) * np.trace(normal, axis1=-2, axis2=-1)[..., None, None]
        x = np.linalg.solve(some, np.where(kept, right, 0)[..., None])[..., 0]
        value = (x * ((normal @ x[..., None])[..., 0] / 2 - right)).sum(-1)
        better = (x >= 0).all(-1) & (value < least)
        best, least = np.where(better[..., None], x, best), np.where(better, value, least)
        if all(free) and (x >= 0).all():
            break
    return best


# --- curves


def _at(lr: ArrayLike, steps: ArrayLike, decay: float, warmup: int, ramp: bool) -> tuple[Floats, Floats]:
    rates, steps = np.asarray(lr, dtype=float), np.asarray(steps)
    if rates.ndim != 1:
        raise ValueError(f"lr has the shape {rates.shape}; allowed is one schedule, shape (T,)")
    if steps.size and not (steps.min() >= 0 and steps.max() <= len(rates) and np.all(steps == np.floor(steps))):
        raise ValueError(
            f"steps go from {steps.min()} to {steps.max()}; allowed are whole numbers from 0 to {len(rates)}"
        )
    s1, s2 = (areas_with_ramp if ramp else areas)(rates, decay, warmup)
    index = np.minimum(steps, len(rates) - 1).astype(int)
    return s1[index], s2[index]


def _gather(curves: object, decays: Floats, warmup: int, ramp: bool) -> tuple[Floats, Floats, Floats]:
    curves = list(curves.values() if isinstance(curves, Mapping) else curves)
    if not curves:
        raise ValueError("curves is empty; allowed is at least one triple (rates, steps, losses)")
    s1, s2, losses = [], [], []
    for number, curve in enumerate(curves):
        if len(curve) != 3 or np.shape(curve[1]) != np.shape(curve[2]) or np.ndim(curve[1]) != 1:
            raise ValueError(f"curves[{number}] is no triple (rates, steps, losses) with as many steps as losses")
        found = [_at(curve[0], curve[1], decay, warmup, ramp) for decay in decays]
        s1.append(found[0][0])
        s2.append(np.stack([area for _, area in found]))
        losses.append(np.asarray(curve[2], dtype=float))
    observed = np.concatenate(losses)
    if len(observed) < 4 or not (np.isfinite(observed).all() and (observed > 0).all()):
        raise ValueError(f"curves hold {len(observed)} losses; allowed are at least four, all finite and above 0")
    return np.concatenate(s1), np.concatenate(s2, axis=1), observed


def _check_fit(decays: Floats, delta: float, alphas: tuple[float, float]) -> None:
    if not len(decays):
        raise ValueError("decay is empty; allowed is a number from 0 to 1, or several")
    if not delta > 0:
        raise ValueError(f"delta is {delta!r}; allowed is a number above 0")
    if not 0 < alphas[0] < alphas[1]:
        raise ValueError(f"alphas is {alphas!r}; allowed are two rising numbers above 0")

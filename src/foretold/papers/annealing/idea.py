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
from dataclasses import KW_ONLY, dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import lfilter

from foretold.kit import check, powerlaws

Floats = NDArray[np.float64]
Curve = tuple[Floats, Floats, Floats]
ALPHAS = (0.02, 1.5)  # where the fit looks for alpha
POINTS, ROUNDS, QUICK, SWEEPS = 21, 5, 12, 40  # points of a grid, rounds of it, inner steps in all rounds and the last


# The areas


def areas(lr: ArrayLike, decay: float = 0.999, warmup: int = 0) -> tuple[Floats, Floats]:
    """The forward area S1 and the annealing area S2 after each step, in one pass.

    Parameters
    ----------
    lr: learning rate of each step, shape (..., T), at least one step
    decay: lambda, from 0 to 1: how much of the momentum m is left after a step; 0 forgets at once, 1 never
    warmup: the first so many steps count as at the peak rate, as in the paper, whatever `lr` says there

    Both areas have the shape of `lr`; no difference is taken at step 0. Raises ValueError for rates that are negative
    or not finite, no rates, a decay outside of [0, 1], a warm-up that is not a whole number from 0 to T.
    """
    rates = check.reals("lr", lr, 0, allowed="finite learning rates >= 0").copy()
    if rates.ndim == 0 or not rates.size:
        raise ValueError(f"lr has the shape {rates.shape}; allowed is (..., T) with at least one step")
    decay = check.real("decay", decay, 0, 1)
    rates[..., : check.whole("warmup", warmup, 0, rates.shape[-1])] = rates.max(axis=-1, keepdims=True)
    falls = -np.diff(rates, axis=-1, prepend=rates[..., :1])
    momentum = lfilter([1.0], [1.0, -decay], falls)
    return np.cumsum(rates, axis=-1), np.cumsum(momentum, axis=-1)


def areas_with_ramp(lr: ArrayLike, decay: float = 0.999, warmup: int = 0) -> tuple[Floats, Floats]:
    """As `areas`, but S1 counts the true rates of the warm-up: with a long warm-up the law fits better so. S2 still
    takes no difference before the warm-up's end."""
    return areas(lr, decay)[0], areas(lr, decay, warmup)[1]


# The law


@dataclass(frozen=True)
class AnnealingLaw:
    """L(s) = L0 + A S1^-alpha - C S2, with the decay that S2 is made with.

    Raises ValueError for an alpha that is not above 0, a decay outside of [0, 1], and other constants below 0.
    """

    L0: float
    A: float
    alpha: float
    C: float
    decay: float = 0.999

    def __post_init__(self) -> None:
        for name in ("L0", "A", "C"):
            check.real(name, getattr(self, name), 0)
        check.positive("alpha", self.alpha)
        check.real("decay", self.decay, 0, 1)

    def predict(self, lr: ArrayLike, steps: ArrayLike, warmup: int = 0, ramp: bool = False) -> Floats:
        """Predicted loss at `steps` of the schedule `lr`, of the shape of `steps`.

        Step s is entry s of `lr`, counted from 0; s = len(lr), the end of the schedule, reads the last entry. `warmup`
        and `ramp` are those of `fit`. Raises ValueError for steps outside of 0 to len(lr), and as `areas` does.
        """
        return self.of_areas(*_areas_at(lr, steps, self.decay, warmup, ramp))

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

    _: KW_ONLY
    objective: float
    r2: float
    residuals: Floats = field(repr=False)
    unidentified: tuple[str, ...]


# The fit, by variable projection


def fit(
    curves: Mapping[str, Curve] | Iterable[Curve],
    decay: float | Sequence[float] | Floats = 0.999,
    *,
    warmup: int = 0,
    ramp: bool = False,
    delta: float = powerlaws.DELTA,
    annealing: bool = True,
) -> Fit:
    """Fit the law to one or more curves: the smallest sum of Huber losses of log(predicted / observed) with
    L0, A, C >= 0.

    For a given alpha and decay the law is linear in (L0, A, C). So a grid of alphas, for all decays at once, is solved
    in one batch, and narrowed around the best alpha of each decay.

    Parameters
    ----------
    curves: triples (rates, steps, losses), or a mapping to such triples; steps as in `AnnealingLaw.predict`
    decay: lambda, or several: the best one is taken
    warmup, ramp: the first `warmup` steps count as at the peak rate, or in S1 with their true rate if `ramp`
    delta: Huber's threshold; infinity means least squares
    annealing: False leaves the annealing term out (C = 0): the law that knows S1 only

    Raises ValueError for fewer than four losses, losses that are not finite and above 0, steps outside of their
    schedule or before its first rate above 0, a decay or threshold that is none.
    """
    decays = check.vector("decay", np.atleast_1d(np.asarray(decay)), low=0, high=1)
    if not delta > 0:
        raise check.refuse("delta", delta, "a number above 0")
    s1, s2, losses = _gather(curves, decays, warmup, ramp)
    if not annealing:
        s2 = np.zeros_like(s2)
    grid, found = _search(s1, s2, losses, delta)
    row, column = np.unravel_index(found.objective.argmin(), found.objective.shape)
    floor, gain, slope = found.coefficients[row, column]
    constants = [float(value) for value in (floor, gain, grid[row, column], slope, decays[row])]
    predicted = AnnealingLaw(*constants).of_areas(s1, s2[row])
    silent = ("C",) if annealing and np.ptp(s2[row]) <= 1e-9 * s1.max() else ()
    return Fit(
        *constants,
        objective=float(found.objective[row, column]),
        r2=float(1 - np.sum((predicted - losses) ** 2) / np.sum((losses - losses.mean()) ** 2)),
        residuals=np.log(predicted / losses),
        unidentified=silent + (("L0", "A", "alpha") if np.ptp(s1) <= 1e-9 * s1.max() else ()),
    )


def _search(s1: Floats, s2: Floats, losses: Floats, delta: float) -> tuple[Floats, powerlaws.Projection]:
    """A fine grid of alphas, (D, G), around the best one of each of D decays, and what `project` finds there."""
    low, high = (np.full(len(s2), bound) for bound in ALPHAS)
    weights = None
    for number in range(ROUNDS):
        grid = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, POINTS)
        found = project(s1, s2, losses, grid, delta, SWEEPS if number == ROUNDS - 1 else QUICK, weights)
        best = found.objective.argmin(1)[:, None]
        weights = np.take_along_axis(found.weights, best[..., None], 1)  # a good beginning for its neighbours
        middle, width = np.take_along_axis(grid, best, 1)[:, 0], (high - low) / (POINTS - 1)
        low, high = np.maximum(middle - 1.5 * width, ALPHAS[0]), np.minimum(middle + 1.5 * width, ALPHAS[1])
    return grid, found


def project(
    s1: Floats,
    s2: Floats,
    losses: Floats,
    grid: Floats,
    delta: float,
    sweeps: int = SWEEPS,
    weights: Floats | None = None,
) -> powerlaws.Projection:
    """Variable projection: the best (L0, A, C) >= 0, shape (D, G, 3), its objective, (D, G), and the weights of the
    points, (D, G, n), for every alpha of `grid` (D, G) for D decays. `s1` and `losses` have shape (n,), `s2` (D, n);
    `delta` is Huber's threshold; `sweeps` and `weights` say how long to reweight and where to begin."""
    power = s1 ** -grid[:, :, None]  # (D, G, n)
    columns = np.stack([np.ones_like(power), power, np.broadcast_to(-s2[:, None], power.shape)], -1)
    weights = np.broadcast_to(1 / losses**2 if weights is None else weights, power.shape)
    return powerlaws.project(columns, losses, delta, sweeps, weights)


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
    curves: Mapping[str, Curve] | Iterable[Curve], alphas: ArrayLike, decays: ArrayLike, *, warmup: int = 0
) -> Profile:
    """Profile likelihood of alpha and decay, all cells in one call: the other three parameters are at their best in
    each. Raises ValueError as `fit` does, and for alphas that are not above 0."""
    decays = check.vector("decays", decays, low=0, high=1)
    alphas = check.vector("alphas", alphas, low=np.nextafter(0, 1), allowed="finite numbers above 0")
    s1, s2, losses = _gather(curves, decays, warmup, ramp=False)
    found = project(s1, s2, losses, np.broadcast_to(alphas, (len(decays), len(alphas))), np.inf)
    deviance = len(losses) * np.log(found.objective / found.objective.min())
    return Profile(alphas, decays, deviance, found.coefficients)


# Curves


def _areas_at(lr: ArrayLike, steps: ArrayLike, decay: float, warmup: int, ramp: bool) -> tuple[Floats, Floats]:
    """S1 and S2 at some steps of one schedule."""
    rates, steps = check.vector("lr", lr), check.wholes("steps", steps)
    if steps.size and steps.max() > len(rates):
        raise ValueError(f"steps go up to {steps.max()}; allowed are whole numbers from 0 to {len(rates)}")
    s1, s2 = (areas_with_ramp if ramp else areas)(rates, decay, warmup)
    index = np.minimum(steps, len(rates) - 1).astype(int)
    return s1[index], s2[index]


def _gather(
    curves: Mapping[str, Curve] | Iterable[Curve], decays: Floats, warmup: int, ramp: bool
) -> tuple[Floats, Floats, Floats]:
    """The areas at the points of all curves, S1 (n,) and S2 (decays, n), and the losses, (n,)."""
    curves = list(curves.values() if isinstance(curves, Mapping) else curves)
    if not curves:
        raise ValueError("curves is empty; allowed is at least one triple (rates, steps, losses)")
    s1, s2 = [], []
    for number, curve in enumerate(curves):
        if len(curve) != 3 or np.shape(curve[1]) != np.shape(curve[2]) or np.ndim(curve[1]) != 1:
            raise ValueError(f"curves[{number}] is no triple (rates, steps, losses) with as many steps as losses")
        found = [_areas_at(curve[0], curve[1], decay, warmup, ramp) for decay in decays]
        s1.append(found[0][0])
        s2.append(np.stack([area for _, area in found]))
        if (s1[-1] == 0).any():
            raise ValueError(f"curves[{number}] has a loss at a step before its first learning rate above 0")
    losses = np.concatenate([np.asarray(curve[2], dtype=float) for curve in curves])
    if len(losses) < 4 or not (np.isfinite(losses).all() and (losses > 0).all()):
        raise ValueError(f"curves hold {len(losses)} losses; allowed are at least four, all finite and above 0")
    return np.concatenate(s1), np.concatenate(s2, axis=1), losses

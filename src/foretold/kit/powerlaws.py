"""Robust fits of losses, many at once: sums of power laws, and the linear part of a law whose exponent is given.

What is minimised is the sum of Huber losses of the residuals of log loss (Hoffmann et al. 2022, Appendix D.3). R fits
(starts, bootstrap resamples, points of a grid) are rows of one array.

`fit` is for a loss E + (c_1/x_1)^a_1 + (c_2/x_2)^a_2 + ... In logarithms it is a log-sum-exp of functions that are
linear in the parameters (e, k_1, a_1, k_2, a_2, ...),

    log L = logsumexp(e, k_1 - a_1 u_1, k_2 - a_2 u_2, ...),      u_j = log x_j - its mean,

so gradient and Hessian are known in closed form. `project` is for a loss that is linear in its coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretold.kit import check

Array = NDArray[np.float64]
DELTA = 1e-3  # Huber's threshold on the logarithm of the loss, that of Hoffmann et al.
EXPONENTS = 0.005, 4.0  # allowed exponents
DEPTH = 16.0  # e is kept within this many e-folds below the smallest log loss: a floor of 1e-7 of it is none
GRID = np.geomspace(0.03, 1.5, 12)  # exponents tried for the starts
SAFE, LONGEST, TOLERANCE = 30, 200, 1e-13  # safe steps, steps in all, relative gain that counts as none


# Huber's loss


def huber(residual: Array, delta: float) -> Array:
    """Huber's loss: r^2/2 up to `delta`, and delta (|r| - delta/2) beyond; infinite `delta` means squares."""
    size = np.abs(residual)
    return np.where(size <= delta, size * size / 2, delta * (size - delta / 2))


def huber_weight(residual: Array, delta: float) -> Array:
    """The weight with which a square has the slope of Huber's loss: 1 up to `delta`, and delta / |r| beyond."""
    return np.minimum(1.0, delta / np.maximum(np.abs(residual), 1e-300))


# Sums of power laws


@dataclass(frozen=True)
class Fit:
    """R fits: `parameters` (R, 1 + 2K) as (e, k_1, a_1, ...), `objective` (R,), and the means of log x_j, (K,)."""

    parameters: Array
    objective: Array
    centre: Array

    @property
    def floor(self) -> Array:
        """E, (R,); exactly 0 where the fit has none, or where it ran to the lowest allowed value."""
        return np.exp(self.parameters[:, 0])

    @property
    def exponents(self) -> Array:
        """a_j, (R, K)."""
        return self.parameters[:, 2::2]

    @property
    def log_scales(self) -> Array:
        """log c_j of the terms (c_j / x_j)^a_j, (R, K)."""
        return self.parameters[:, 1::2] / self.exponents + self.centre

    def predict(self, *predictors: Array) -> Array:
        """Losses (R, n) at n points."""
        u = np.log(np.stack(np.broadcast_arrays(*predictors))) - self.centre[:, None]
        return np.exp(log_model(self.parameters, u)[0])


class Points(NamedTuple):
    """What R fits are made to: `u` (K, n), the centred logarithms of the predictors; `loss` (n,); and `weights` (R, n),
    one row for each fit."""

    u: Array
    loss: Array
    weights: Array


class Derivatives(NamedTuple):
    """Objective (R,), gradient (R, P), Gauss-Newton matrix with Huber's weights and exact Hessian, both (R, P, P)."""

    objective: Array
    gradient: Array
    majorant: Array
    hessian: Array


def fit(
    predictors: tuple[Array, ...],
    loss: Array,
    *,
    irreducible: bool = True,
    weights: Array | None = None,
    keep: int = 4,
) -> Fit:
    """Fit one data set, or R reweighted copies of it.

    Parameters
    ----------
    predictors, loss: K arrays (n,) and an array (n,), all above 0
    irreducible: whether the model has a floor E
    weights: (R, n) counts or weights of the points, one row for each fit, or None for one fit with weights 1
    keep: starts that are followed per fit

    Raises ValueError for predictors and losses that are not above 0 and of one length.
    """
    allowed = {"low": np.nextafter(0, 1), "allowed": "finite numbers above 0"}
    loss = check.vector("loss", loss, **allowed)
    columns = [check.vector(f"predictors[{j}]", column, **allowed) for j, column in enumerate(predictors)]
    check.same_shape(loss=loss, **{f"predictors[{j}]": column for j, column in enumerate(columns)})
    logs = np.log(np.stack(columns))
    centre = logs.mean(1)
    weights = np.ones((1, len(loss))) if weights is None else np.asarray(weights, float)
    points = Points(logs - centre[:, None], loss, weights)
    start = starts(points, irreducible, keep)
    repeated = points._replace(weights=np.repeat(weights, keep, 0))
    found, objective = minimise(start.reshape(-1, start.shape[-1]), repeated)
    found, objective = found.reshape(start.shape), objective.reshape(-1, keep)
    best = np.arange(len(weights)), objective.argmin(1)
    return Fit(found[best], objective[best], centre)


def log_model(parameters: Array, u: Array) -> tuple[Array, Array]:
    """Log of the modelled loss (R, n) and the share of each term in it (R, n, 1 + K)."""
    logs = np.empty((len(parameters), u.shape[1], 1 + len(u)))
    logs[..., 0] = parameters[:, :1]
    for j, column in enumerate(u):
        logs[..., 1 + j] = parameters[:, 1 + 2 * j, None] - parameters[:, 2 + 2 * j, None] * column
    top = logs.max(-1, keepdims=True)
    shares = np.exp(logs - top)
    total = shares.sum(-1, keepdims=True)
    return (top + np.log(total))[..., 0], shares / total


def derivatives(parameters: Array, points: Points) -> Derivatives:
    """The objective of R fits at `parameters` (R, P), its slopes and its curvatures."""
    u, weights = points.u, points.weights
    predicted, shares = log_model(parameters, u)
    residual = predicted - np.log(points.loss)
    jacobian = _gradients(shares, u)
    slope = weights * np.clip(residual, -DELTA, DELTA)  # derivative of the objective by each residual
    flat = weights * huber_weight(residual, DELTA)
    # The Hessian of a log-sum-exp of linear functions is the covariance of their gradients under the shares.
    bend = (weights * (np.abs(residual) <= DELTA) - slope)[..., None] * jacobian
    return Derivatives(
        objective=(weights * huber(residual, DELTA)).sum(1),
        gradient=np.einsum("rn,rnp->rp", slope, jacobian),
        majorant=np.matmul((jacobian * flat[..., None]).swapaxes(1, 2), jacobian),
        hessian=np.matmul(bend.swapaxes(1, 2), jacobian) + _second_moments(slope[..., None] * shares, u),
    )


def _gradients(shares: Array, u: Array) -> Array:
    """Derivatives of the modelled log loss by the parameters, (R, n, P)."""
    gradients = np.empty((*shares.shape[:2], 1 + 2 * len(u)))
    gradients[..., 0] = shares[..., 0]
    for j, column in enumerate(u):
        gradients[..., 1 + 2 * j] = shares[..., 1 + j]
        gradients[..., 2 + 2 * j] = -shares[..., 1 + j] * column
    return gradients


def _second_moments(moments: Array, u: Array) -> Array:
    """Sums over points and terms of the term's weight, `moments` (R, n, 1 + K), times the outer square of its gradient,
    which is (1) for the floor and (1, -u_j) for the others, (R, P, P)."""
    found = np.zeros((len(moments), 1 + 2 * len(u), 1 + 2 * len(u)))
    found[:, 0, 0] = moments[..., 0].sum(1)
    for j, column in enumerate(u):
        at, weighted = 1 + 2 * j, moments[..., 1 + j]
        cross = weighted @ column
        found[:, at, at] = weighted.sum(1)
        found[:, at, at + 1] = found[:, at + 1, at] = -cross
        found[:, at + 1, at + 1] = weighted @ column**2
    return found


# Starts: with the exponents given the model is linear in the rest


def starts(points: Points, irreducible: bool, keep: int) -> Array:
    """Variable projection for starts, (R, keep, P): with the exponents on a grid the model is linear in E and the
    coefficients. Weighted least squares of relative errors for all G pairs of exponents and all R rows of weights at
    once, and the `keep` best of each row. Coefficients below zero are set to a thousandth of the mean loss."""
    u, loss, weights = points
    exponents = np.stack(np.meshgrid(*[GRID] * len(u), indexing="ij"), -1).reshape(-1, len(u))
    features = np.exp(-exponents[:, :, None] * u)  # (G, K, n)
    if irreducible:
        features = np.concatenate([np.ones_like(features[:, :1]), features], 1)
    coefficients, error = _least_squares(features / loss, weights, 1e-3 * loss.mean())
    chosen = np.argsort(error, 1)[:, :keep]
    logs = np.log(coefficients[np.arange(len(weights))[:, None], chosen])
    found = np.full((*chosen.shape, 1 + 2 * len(u)), -np.inf)  # of log E, where there is no floor
    if irreducible:
        found[..., 0] = logs[..., 0]
    found[..., 1::2] = logs[..., -len(u) :]
    found[..., 2::2] = exponents[chosen]
    return found


def _least_squares(features: Array, weights: Array, least: float) -> tuple[Array, Array]:
    """Coefficients (R, G, F), at least `least`, that make features (G, F, n) nearest to 1 under weights (R, n), and
    their sums of squares less the weights' sum, (R, G)."""
    count = features.shape[1]
    products = np.einsum("gin,gjn->ngij", features, features)
    normal = (weights @ products.reshape(len(products), -1)).reshape(len(weights), -1, count, count)
    right = np.einsum("rn,gin->rgi", weights, features)
    diagonal = np.einsum("rgii->rgi", normal)
    normal = normal + 1e-12 * np.eye(count) * diagonal.max(-1)[..., None, None]
    solved = np.maximum(np.linalg.solve(normal, right[..., None])[..., 0], least)
    error = np.einsum("rgi,rgij,rgj->rg", solved, normal, solved) - 2 * np.einsum("rgi,rgi->rg", solved, right)
    return solved, error


# The descent


def minimise(start: Array, points: Points) -> tuple[Array, Array]:
    """Descend from starts (R, P); parameters (R, P) and objectives (R,).

    Damped steps, accepted only where the objective falls. The first ones use the Gauss-Newton matrix with Huber's
    weights, a majorant that is safe far away; later ones the exact Hessian, which converges quadratically. Rows that
    have converged drop out.
    """
    low, high = _bounds(start, points)
    now = np.clip(start, low, high)
    at = derivatives(now, points)
    damping, live = np.full(len(now), 1e-2), np.arange(len(now))
    still = np.zeros(len(now), int)  # steps in a row that gained next to nothing
    for iteration in range(LONGEST):
        here = Derivatives(*(values[live] for values in at))
        curvature = here.majorant if iteration < SAFE else here.hessian
        blocked = ((now[live] <= low) & (here.gradient >= 0)) | ((now[live] >= high) & (here.gradient <= 0))
        tried = np.clip(now[live] - damped_step(here, curvature, damping[live], blocked), low, high)
        new = derivatives(tried, points._replace(weights=points.weights[live]))
        better = new.objective < here.objective
        gain = (here.objective - new.objective) / np.maximum(here.objective, 1e-300)
        now[live[better]] = tried[better]
        for kept, found in zip(at, new, strict=True):
            kept[live[better]] = found[better]
        damping[live] = np.where(better, np.maximum(damping[live] * 0.2, 1e-12), damping[live] * 6)
        small = np.where(better, gain < TOLERANCE, damping[live] > 1e8)
        still[live] = np.where(small, still[live] + 1, 0)
        if iteration > SAFE:
            live = live[still[live] < 2]
        if not len(live):
            break
    now[now[:, 0] <= low[0], 0] = -np.inf
    return now, at.objective


def _bounds(start: Array, points: Points) -> tuple[Array, Array]:
    """Lowest and highest parameters, both (P,)."""
    log_loss, terms = np.log(points.loss), len(points.u)
    deepest = log_loss.min() - DEPTH if np.isfinite(start[:, 0]).all() else -np.inf  # no floor stays none
    low = np.array([deepest, *[-50.0, EXPONENTS[0]] * terms])
    return low, np.array([log_loss.min(), *[50.0, EXPONENTS[1]] * terms])


def damped_step(here: Derivatives, curvature: Array, damping: Array, blocked: NDArray[np.bool_]) -> Array:
    """What to subtract from the parameters, (R, P): a Newton step with the absolute values of the curvature's
    eigenvalues, so that it goes downhill at saddles too, shortened by `damping` (R,), in units in which the majorant's
    diagonal is 1. Parameters at a bound, and pushed against it, are `blocked` (R, P) and take no part."""
    slope = np.where(blocked, 0, here.gradient)
    either = blocked[:, :, None] | blocked[:, None, :]
    scale = np.sqrt(np.maximum(np.einsum("rpp->rp", here.majorant), 1e-18))
    unit = np.where(either, 0, curvature / scale[:, :, None] / scale[:, None, :])
    values, vectors = np.linalg.eigh(unit)
    turned = np.einsum("rpq,rp->rq", vectors, slope / scale)
    step = turned / (np.maximum(np.abs(values), 1e-9) + damping[:, None])
    return np.where(blocked, 0, np.einsum("rpq,rq->rp", vectors, step) / scale)


# Laws that are linear in their coefficients


class Projection(NamedTuple):
    """The best coefficients (..., F), their objective (...), and the weights of the points there, (..., n)."""

    coefficients: Array
    objective: Array
    weights: Array


def project(columns: Array, loss: Array, delta: float, sweeps: int, weights: Array) -> Projection:
    """The coefficients, at least 0, with which `columns` (..., n, F) come nearest to `loss` (n,): the smallest sum of
    Huber losses of log(predicted / observed), for all leading indices at once.

    Least squares again and again, linearised around the last prediction and reweighted (`huber_weight`), beginning with
    `weights` (..., n), until the objective stands still or `sweeps` are over.
    """
    scale = np.abs(columns).max(-2, keepdims=True) + 1e-300
    columns = columns / scale
    target, last = loss, np.inf
    for _ in range(sweeps):
        weighted = columns * weights[..., None]
        right = (weighted * np.asarray(target)[..., None]).sum(-2)
        coefficients = nonnegative_least_squares(weighted.swapaxes(-1, -2) @ columns, right)
        predicted = np.maximum((columns @ coefficients[..., None])[..., 0], 1e-12)
        residual = np.log(predicted / loss)
        objective = huber(residual, delta).sum(-1)
        if np.all(np.abs(objective - last) <= 1e-10 * objective):
            break
        last = objective
        weights = huber_weight(residual, delta) / predicted**2
        target = predicted * (1 - residual)
    return Projection(coefficients / scale[..., 0, :], objective, weights)


def nonnegative_least_squares(normal: Array, right: Array) -> Array:
    """Minimise x'Nx/2 - x'r over x >= 0, (..., F), for many small problems, N (..., F, F) and r (..., F): the best
    feasible solution of all choices of zeros."""
    count = right.shape[-1]
    best, least = np.zeros_like(right), np.full(right.shape[:-1], np.inf)
    for free in product((True, False), repeat=count):
        kept = np.array(free)
        some = np.where(kept[:, None] & kept, normal, np.eye(count))
        some = some + 1e-13 * np.eye(count) * np.trace(normal, axis1=-2, axis2=-1)[..., None, None]
        x = np.linalg.solve(some, np.where(kept, right, 0)[..., None])[..., 0]
        value = (x * ((normal @ x[..., None])[..., 0] / 2 - right)).sum(-1)
        better = (x >= 0).all(-1) & (value < least)
        best, least = np.where(better[..., None], x, best), np.where(better, value, least)
        if all(free) and (x >= 0).all():
            break
    return best

"""Many robust fits of one shape at once: a sum of power laws, with or without a floor, to losses.

The model of a loss is E + (c_1/x_1)^a_1 + (c_2/x_2)^a_2 + ..., and what is minimised is the sum of Huber losses of
the residuals of log loss (Hoffmann et al. 2022, Appendix D.3). In logarithms the model is a log-sum-exp of functions
that are linear in the parameters (e, k_1, a_1, k_2, a_2, ...),

    log L = logsumexp(e, k_1 - a_1 u_1, k_2 - a_2 u_2, ...),      u_j = log x_j - its mean,

so gradient and Hessian are known in closed form. R problems (starts, bootstrap resamples) are rows of one array.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
EXPONENTS = 0.005, 4.0  # allowed exponents
DEPTH = 16.0  # e is kept within this many e-folds below the smallest log loss: a floor of 1e-7 of it is none


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

    def best(self) -> Fit:
        """The fit with the smallest objective, as R = 1."""
        row = [int(np.argmin(self.objective))]
        return Fit(self.parameters[row], self.objective[row], self.centre)

    def predict(self, *predictors: Array) -> Array:
        """Losses (R, n) at n points."""
        u = np.log(np.stack(np.broadcast_arrays(*predictors))) - self.centre[:, None]
        return np.exp(_terms(self.parameters, u)[0])


def huber(residual: Array, delta: float) -> Array:
    """Huber's loss: r^2/2 up to `delta`, and delta (|r| - delta/2) beyond."""
    size = np.abs(residual)
    return np.where(size <= delta, size * size / 2, delta * (size - delta / 2))


def _terms(parameters: Array, u: Array) -> tuple[Array, Array]:
    """Log of the modelled loss (R, n) and the share of each term in it (R, n, 1 + K)."""
    logs = np.empty((len(parameters), u.shape[1], 1 + len(u)))
    logs[..., 0] = parameters[:, :1]
    for j, column in enumerate(u):
        logs[..., 1 + j] = parameters[:, 1 + 2 * j, None] - parameters[:, 2 + 2 * j, None] * column
    top = logs.max(-1, keepdims=True)
    shares = np.exp(logs - top)
    total = shares.sum(-1, keepdims=True)
    return (top + np.log(total))[..., 0], shares / total


def derivatives(parameters: Array, u: Array, log_loss: Array, weights: Array, delta: float) -> tuple[Array, ...]:
    """Objective (R,), gradient (R, P), Gauss-Newton matrix with Huber's weights and exact Hessian, both (R, P, P)."""
    predicted, shares = _terms(parameters, u)
    residual = predicted - log_loss
    objective = (weights * huber(residual, delta)).sum(1)
    size = np.abs(residual)
    slope = weights * np.clip(residual, -delta, delta)  # derivative of the objective by each residual
    jacobian = _expand(shares, u)
    gradient = np.einsum("rn,rnp->rp", slope, jacobian)
    flat = weights * np.where(size <= delta, 1.0, delta / np.maximum(size, delta))
    majorant = np.matmul((jacobian * flat[..., None]).swapaxes(1, 2), jacobian)
    # The Hessian of a log-sum-exp of linear functions is the covariance of their gradients under the shares.
    bend = (weights * (size <= delta) - slope)[..., None] * jacobian
    hessian = np.matmul(bend.swapaxes(1, 2), jacobian)
    moments = slope[..., None] * shares
    hessian[:, 0, 0] += moments[..., 0].sum(1)
    for j, column in enumerate(u):
        at, weighted = 1 + 2 * j, moments[..., 1 + j]
        hessian[:, at, at] += weighted.sum(1)
        cross = weighted @ column
        hessian[:, at, at + 1] -= cross
        hessian[:, at + 1, at] -= cross
        hessian[:, at + 1, at + 1] += weighted @ column**2
    return objective, gradient, majorant, hessian


def _expand(shares: Array, u: Array) -> Array:
    jacobian = np.empty((*shares.shape[:2], 1 + 2 * len(u)))
    jacobian[..., 0] = shares[..., 0]
    for j, column in enumerate(u):
        jacobian[..., 1 + 2 * j] = shares[..., 1 + j]
        jacobian[..., 2 + 2 * j] = -shares[..., 1 + j] * column
    return jacobian


def starts(u: Array, loss: Array, weights: Array, exponents: Array, irreducible: bool, keep: int) -> Array:
    """Variable projection for starts, (R, keep, P): with the exponents on a grid (G, K) the model is linear in E and
    the coefficients; weighted least squares of relative errors for all grid points and all R rows of `weights` at
    once, and the `keep` best of each row. Coefficients below zero are set to a thousandth of the mean loss."""
    features = np.exp(-exponents[:, :, None] * u)  # (G, K, n)
    if irreducible:
        features = np.concatenate([np.ones_like(features[:, :1]), features], 1)
    features /= loss
    products = np.einsum("gin,gjn->ngij", features, features)
    count = features.shape[1]
    normal = (weights @ products.reshape(len(loss), -1)).reshape(len(weights), -1, count, count)
    right = np.einsum("rn,gin->rgi", weights, features)
    diagonal = np.einsum("rgii->rgi", normal)
    normal = normal + 1e-12 * np.eye(count) * diagonal.max(-1)[..., None, None]
    solved = np.maximum(np.linalg.solve(normal, right[..., None])[..., 0], 1e-3 * loss.mean())
    error = np.einsum("rgi,rgij,rgj->rg", solved, normal, solved) - 2 * np.einsum("rgi,rgi->rg", solved, right)
    chosen = np.argsort(error, 1)[:, :keep]
    rows = np.arange(len(weights))[:, None]
    coefficients = np.log(solved[rows, chosen])
    first = 1 if irreducible else 0
    found = np.empty((*chosen.shape, 1 + 2 * len(u)))
    found[..., 0] = coefficients[..., 0] if irreducible else -np.inf
    found[..., 1::2] = coefficients[..., first:]
    found[..., 2::2] = exponents[chosen]
    return found


def minimise(
    start: Array,
    u: Array,
    loss: Array,
    weights: Array,
    delta: float = 1e-3,
    convex: int = 30,
    iterations: int = 200,
    tolerance: float = 1e-13,
) -> tuple[Array, Array]:
    """Descend from starts (R, P) with `weights` (R, n); parameters (R, P) and objectives (R,).

    Damped steps, accepted only where the objective falls. For the first `convex` iterations they use the Gauss-Newton
    matrix with Huber's weights, a majorant that is safe far away; later the exact Hessian with the absolute values of
    its eigenvalues (downhill at saddles too), which converges quadratically. Rows that have converged drop out.
    """
    log_loss = np.log(loss)
    fixed = ~np.isfinite(start[:, 0])  # no floor
    low = np.tile(np.array([log_loss.min() - DEPTH, *[-50.0, EXPONENTS[0]] * len(u)]), (len(start), 1))
    high = np.array([log_loss.min(), *[50.0, EXPONENTS[1]] * len(u)])
    low[fixed, 0] = -np.inf
    now = np.clip(start, low, high)
    objective, gradient, majorant, hessian = derivatives(now, u, log_loss, weights, delta)
    damping, live = np.full(len(now), 1e-2), np.arange(len(now))
    still = np.zeros(len(now), int)
    for iteration in range(iterations):
        curvature = majorant[live] if iteration < convex else hessian[live]
        # Parameters at a bound, and pushed against it, take no part in the step.
        point, slope = now[live], gradient[live]
        blocked = ((point <= low[live]) & (slope >= 0)) | ((point >= high) & (slope <= 0))
        slope = np.where(blocked, 0, slope)
        either = blocked[:, :, None] | blocked[:, None, :]
        scale = np.sqrt(np.maximum(np.einsum("rpp->rp", majorant[live]), 1e-18))
        unit = np.where(either, 0, curvature / scale[:, :, None] / scale[:, None, :])
        values, vectors = np.linalg.eigh(unit)
        turned = np.einsum("rpq,rp->rq", vectors, slope / scale)
        step = turned / (np.maximum(np.abs(values), 1e-9) + damping[live, None])
        step = np.einsum("rpq,rq->rp", vectors, step) / scale
        step = np.where(blocked, 0, step)
        tried = np.clip(point - step, low[live], high)
        new = derivatives(tried, u, log_loss, weights[live], delta)
        better = new[0] < objective[live]
        gain = np.where(better, (objective[live] - new[0]) / np.maximum(objective[live], 1e-300), 0)
        rows = live[better]
        now[rows] = tried[better]
        for kept, found in zip((objective, gradient, majorant, hessian), new, strict=True):
            kept[rows] = found[better]
        damping[live] = np.where(better, np.maximum(damping[live] * 0.2, 1e-12), damping[live] * 6)
        small = np.where(better, gain < tolerance, damping[live] > 1e8)
        still[live] = np.where(small, still[live] + 1, 0)
        if iteration > convex:
            live = live[still[live] < 2]
        if not len(live):
            break
    at_bottom = ~fixed & (now[:, 0] <= low[:, 0])
    now[at_bottom, 0] = -np.inf
    return now, objective


def fit(
    predictors: tuple[Array, ...],
    loss: Array,
    *,
    irreducible: bool = True,
    weights: Array | None = None,
    delta: float = 1e-3,
    grid: int = 12,
    keep: int = 4,
) -> Fit:
    """Fit one data set, or R reweighted copies of it.

    Parameters
    ----------
    predictors, loss: K arrays (n,) and an array (n,), all above 0
    irreducible: whether the model has a floor E
    weights: (R, n) counts or weights of the points, one row for each fit, or None for one fit with weights 1
    grid, keep: exponents tried per predictor for the starts, between 0.03 and 1.5; starts that are followed per fit
    """
    logs = np.log(np.stack(predictors))
    centre = logs.mean(1)
    u = logs - centre[:, None]
    weights = np.ones((1, len(loss))) if weights is None else np.asarray(weights, float)
    axis = np.geomspace(0.03, 1.5, grid)
    exponents = np.stack(np.meshgrid(*[axis] * len(u), indexing="ij"), -1).reshape(-1, len(u))
    start = starts(u, loss, weights, exponents, irreducible, keep)
    several = start.shape[1]
    found, objective = minimise(start.reshape(-1, start.shape[-1]), u, loss, np.repeat(weights, several, 0), delta)
    objective = objective.reshape(-1, several)
    best = objective.argmin(1)
    rows = np.arange(len(best))
    return Fit(found.reshape(len(best), several, -1)[rows, best], objective[rows, best], centre)

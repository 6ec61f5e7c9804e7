"""Three laws of training on one set of curves: what one asks of the curves themselves.

The laws are the papers' (`learning_curves`, `scaling`, `annealing`); the notebook calls them.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foretold.kit import check

Array = NDArray[np.float64]
TINY = math.nextafter(0, 1)


def slope_in_log_size(sizes: ArrayLike, values: ArrayLike) -> Array:
    """Least-squares slope of `values` (K, W) against log size, one for each of W columns, (W,): per e-fold of size.

    Raises ValueError for fewer than two different sizes, sizes that are not above 0, and not one row for each.
    """
    sizes = check.vector("sizes", sizes, 2, low=TINY, allowed="finite numbers above 0")
    values = check.reals("values", values)
    if values.ndim == 0 or len(values) != len(sizes) or np.ptp(sizes) == 0:
        rows = len(np.atleast_1d(values))
        raise check.refuse("sizes", sizes, f"at least two different ones, as many as values has rows, {rows}")
    centred = np.log(sizes) - np.log(sizes).mean()
    return np.tensordot(centred, values, 1) / np.sum(centred**2)


def floor_profile(steps: ArrayLike, losses: ArrayLike, floors: ArrayLike) -> tuple[Array, Array, Array]:
    """How well a power law with a *given* floor describes a curve: log(L - floor) = log a - b log s, by least squares.

    `steps` and `losses` have the shape (n,), `floors` (F,). Returns for each floor, shapes (F,): the root mean square
    error in loss, a and b. Raises ValueError for fewer than two points, steps that are not above 0 or all the same, and
    a floor that is not below all losses.
    """
    steps = check.vector("steps", steps, 2, low=TINY, allowed="finite numbers above 0")
    losses, floors = check.vector("losses", losses, 2), check.vector("floors", floors)
    check.same_shape(steps=steps, losses=losses)
    if np.ptp(steps) == 0:
        raise check.refuse("steps", steps, "at least two different ones")
    if floors.max() >= losses.min():
        raise ValueError(f"floors go up to {floors.max():g}; allowed is below the smallest loss, {losses.min():g}")
    above = losses - floors[:, None]
    weights = above**2  # so that the squares are those of the loss, to first order
    x, y, total = np.log(steps), np.log(above), weights.sum(1, keepdims=True)
    x_mean = (weights * x).sum(1, keepdims=True) / total
    y_mean = (weights * y).sum(1, keepdims=True) / total
    slope = (weights * (x - x_mean) * (y - y_mean)).sum(1) / (weights * (x - x_mean) ** 2).sum(1)
    a = np.exp(y_mean[:, 0] - slope * x_mean[:, 0])
    fitted = floors[:, None] + a[:, None] * steps ** slope[:, None]
    return np.sqrt(np.mean((fitted - losses) ** 2, 1)), a, -slope

"""A three-regime model of network pruning: masks, connectivity, similarity, and the regimes.

Paper: Zhou et al., "A three-regime model of network pruning", ICML 2023, arXiv 2305.18383.
A dense network is trained at some *temperature* (few epochs, small batches, a large radius of SAM: hot), a share of its
weights, the *density* (the load), is kept by magnitude, and the rest is retrained. Two children of the same pruned
parent, retrained with different noise, say in which regime the pair (temperature, density) lies:

    I      the straight line between the children leads over a barrier
    II-A   no barrier, but their outputs differ
    II-B   no barrier, and their outputs agree

Everything here works on NumPy arrays and torch tensors and knows nothing of a particular network; the networks of the
chapter are in `experiment.batched`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from foretold.kit import check

Array = NDArray[Any]
REGIMES = ("I", "II-A", "II-B")
# What to do with the temperature of dense training in each regime.
MOVES = {"I": "raise", "II-A": "lower", "II-B": "lower"}


def linear_cka(x: ArrayLike, y: ArrayLike) -> Any:
    """Linear centred kernel alignment of two sets of outputs; 1 when one is a rotated and scaled copy of the other.

    With centred columns, ||Y'X||^2 / (||X'X|| ||Y'Y||) in Frobenius norms (Kornblith et al. 2019). The paper takes the
    softmax outputs of two children on training images.

    Parameters
    ----------
    x, y: (..., n, p) and (..., n, q), rows are the same n examples in the same order; leading dimensions, if any, are
        pairs that are treated one by one

    Returns a float, or an array of the leading dimensions' shape. Raises ValueError for fewer than two examples, for
    unequal numbers of them, for values that are not finite, and where all rows of x or of y are equal (0/0).
    """
    x, y = _outputs("x", x), _outputs("y", y)
    if x.shape[:-1] != y.shape[:-1]:
        raise ValueError(f"y has shape {y.shape}; allowed is {(*x.shape[:-1], 'q')}, the same examples as x {x.shape}")
    cross = _squared_norm(y, x)
    own = [np.sqrt(_squared_norm(a, a)) for a in (x, y)]
    for name, norm in zip("xy", own, strict=True):
        if np.any(norm == 0):
            raise ValueError(f"{name} has the same output for every example; allowed are outputs that vary")
    similarity = cross / (own[0] * own[1])
    return float(similarity) if similarity.ndim == 0 else similarity


def _squared_norm(a: Array, b: Array) -> Array:
    """||A'B||^2 in Frobenius norm, for each pair of leading indices."""
    products = np.swapaxes(a, -1, -2) @ b
    return np.sum(products**2, axis=(-1, -2))


def _outputs(name: str, values: ArrayLike) -> Array:
    """`values` as float64 with centred columns."""
    outputs = check.reals(name, _array(values))
    if outputs.ndim < 2 or outputs.shape[-2] < 2 or outputs.shape[-1] < 1:
        raise ValueError(f"{name} has shape {outputs.shape}; allowed is (..., n, p) with n >= 2 examples as rows")
    return outputs - outputs.mean(-2, keepdims=True)


def _array(values: Any) -> Array:
    """Numbers of NumPy, also from a tensor that is on a GPU or in a graph."""
    return np.asarray(values.detach().cpu() if isinstance(values, torch.Tensor) else values)


# Pruning


def magnitude_mask(weights: Any, density: float, scope: Literal["layer", "global"] = "layer") -> Any:
    """Which weights stay when those of smallest magnitude go: True where a weight is kept.

    Of N weights, N - round((1 - density) N) are kept; halves round to even. Equal magnitudes: the later weight is kept.

    Parameters
    ----------
    weights: one array or tensor, or a list or mapping of them (layers)
    density: share of the weights that is kept, above 0 and at most 1
    scope: "layer" keeps this share of each layer (the paper's choice), "global" of all layers together

    Returns masks of the same structure and kind as `weights`. Raises ValueError for a density outside (0, 1], an
    unknown scope, no weights, empty layers, and weights that are not finite real numbers.
    """
    density = check_density(density)
    check.one_of("scope", scope, ("layer", "global"))
    if isinstance(weights, Mapping):
        masks = magnitude_mask(list(weights.values()), density, scope)
        return dict(zip(weights, masks, strict=True))
    if not isinstance(weights, list | tuple) or (weights and isinstance(weights[0], Real)):
        return magnitude_mask([weights], density, scope)[0]
    if not weights:
        raise ValueError("weights is empty; allowed is at least one layer")
    sizes = [_magnitudes(f"weights[{i}]", layer) for i, layer in enumerate(weights)]
    if scope == "layer":
        kept = [_largest(size, density) for size in sizes]
    else:
        together = _largest(np.concatenate(sizes), density)
        kept = np.split(together, np.cumsum([len(size) for size in sizes])[:-1])
    masks = []
    for layer, keep in zip(weights, kept, strict=True):
        keep = keep.reshape(np.shape(layer))
        masks.append(torch.as_tensor(keep, device=layer.device) if isinstance(layer, torch.Tensor) else keep)
    return masks


def kept_count(total: int, density: float) -> int:
    """How many of `total` weights a mask of this density keeps: total - round((1 - density) total)."""
    return int(total - round((1 - density) * total))


def _largest(sizes: Array, density: float) -> Array:
    keep = np.zeros(len(sizes), bool)
    keep[np.argsort(sizes, kind="stable")[len(sizes) - kept_count(len(sizes), density) :]] = True
    return keep


def _magnitudes(name: str, layer: Any) -> Array:
    values = _array(layer)
    if values.size == 0 or values.dtype.kind not in "fiu" or not np.all(np.isfinite(values)):
        raise ValueError(
            f"{name} has shape {values.shape} and type {values.dtype}; allowed is an array with at least one weight, "
            "all of them finite real numbers"
        )
    return np.abs(values).ravel()


def check_density(density: Any) -> float:
    """A density as a number. Raises ValueError unless it is a share above 0 and at most 1."""
    return check.real("density", density, math.nextafter(0, 1), 1, "a share above 0 and at most 1")


# Connectivity


def linear_mode_connectivity(errors: ArrayLike) -> Any:
    """The paper's linear mode connectivity (LMC): (e(0) + e(1))/2 - e(t*), where t* is the place on the line at which
    the error e is furthest from the mean of its two ends. Negative: a barrier. Near 0: connected.

    Parameters
    ----------
    errors: (..., T) training errors of the networks (1 - t) w1 + t w2 at T >= 2 increasing t, the first at t = 0 and
        the last at t = 1; leading dimensions, if any, are pairs of networks

    Where several places are equally far, the first counts. Beware of the ends: they are among the candidates, so
    children of unequal error give up to |e(0) - e(1)|/2 in magnitude without any barrier, and which sign depends on
    their order. `barrier` does not have this flaw. Losses may take the place of errors. Returns a float, or an array.
    Raises ValueError for fewer than two errors and for errors that are negative or not finite.
    """
    errors = _errors(errors)
    middle = (errors[..., 0] + errors[..., -1]) / 2
    furthest = np.argmax(np.abs(middle[..., None] - errors), axis=-1)
    connectivity = middle - np.take_along_axis(errors, furthest[..., None], axis=-1)[..., 0]
    return float(connectivity) if connectivity.ndim == 0 else connectivity


def barrier(errors: ArrayLike) -> Any:
    """The usual error barrier: the largest excess of e(t) over the straight line from e(0) to e(1), never below 0.

    `errors` is (..., T) at evenly spaced t from 0 to 1. Frankle et al. 2020. Raises ValueError as
    `linear_mode_connectivity` does.
    """
    errors = _errors(errors)
    t = np.linspace(0, 1, errors.shape[-1])
    excess = errors - ((1 - t) * errors[..., :1] + t * errors[..., -1:])
    highest = excess.max(-1)
    return float(highest) if highest.ndim == 0 else highest


def _errors(errors: ArrayLike) -> Array:
    values = check.reals("errors", _array(errors), 0)
    if values.ndim < 1 or values.shape[-1] < 2:
        raise ValueError(f"errors has shape {values.shape}; allowed is (..., T) with T >= 2 places on the line")
    return values


# Regimes


def classify_regime(lmc: ArrayLike, cka: ArrayLike, lmc_threshold: float, cka_threshold: float) -> Any:
    """The regime of a pair of children: "I" where lmc < lmc_threshold, else "II-B" where cka >= cka_threshold, else
    "II-A".

    Parameters
    ----------
    lmc, cka: numbers or arrays of one shape; connectivity in [-1, 1], similarity in [0, 1]
    lmc_threshold: in [-1, 0]: connectivity below it is a barrier
    cka_threshold: in [0, 1]

    Returns a string, or an array of strings. The paper draws the lines by hand and states no thresholds. Raises
    ValueError for numbers outside these ranges and for arrays of unequal shape.
    """
    check.real("lmc_threshold", lmc_threshold, -1, 0)
    check.real("cka_threshold", cka_threshold, 0, 1)
    # What is computed in floating point may exceed 1 by rounding.
    lmc = check.reals("lmc", lmc, -1, 1 + 1e-6, "numbers from -1 to 1")
    cka = check.reals("cka", cka, 0, 1 + 1e-6, "numbers from 0 to 1")
    check.same_shape(lmc=lmc, cka=cka)
    regime = np.where(lmc < lmc_threshold, "I", np.where(cka >= cka_threshold, "II-B", "II-A"))
    return str(regime) if regime.ndim == 0 else regime


def normalised_error(errors: ArrayLike) -> Array:
    """Test errors (temperatures, densities) minus the smallest of each column: the price of a wrong temperature.

    Raises ValueError for an array that is not two-dimensional, has no rows, or holds errors outside [0, 1].
    """
    values = check.reals("errors", errors, 0, 1, "shares of wrong answers, from 0 to 1")
    if values.ndim != 2 or values.shape[0] == 0:
        raise ValueError(f"errors has shape {values.shape}; allowed is (temperatures, densities)")
    return values - values.min(0)


# Decisions. Maps are arrays (temperatures, densities), temperatures from hot to cold.


@dataclass(frozen=True)
class Maps:
    """Temperatures (epochs of dense training, or radii), densities in per cent, and four maps of them; in the paper's
    Fig. 2 16 by 9."""

    epochs: Array
    densities: Array
    test_error: Array
    normalised_error: Array
    lmc: Array
    cka: Array


def advice(lmc: Array, cka: Array, lmc_threshold: float, cka_threshold: float) -> Array:
    """ "raise" or "lower" for every cell: raise the temperature in regime I, lower it elsewhere."""
    regimes = classify_regime(lmc, cka, lmc_threshold, cka_threshold)
    return np.vectorize(MOVES.get)(regimes)


def choose(lmc: Array, cka: Array, lmc_threshold: float) -> Array:
    """The temperature's index chosen for each density: the most similar children among those that are connected; the
    best connected where none is. Needs no test error."""
    connected = lmc >= lmc_threshold
    most_similar = np.where(connected, cka, -1).argmax(0)
    return np.where(connected.any(0), most_similar, lmc.argmax(0))

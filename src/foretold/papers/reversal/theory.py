"""The smallest model that has the curse: logits that are bilinear in the given and the next token.

Tokens are a_1 ... a_n, then b_1 ... b_n, and what is told are the pairs "a_i, then b_i" (Zhu et al. 2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foretold.kit import check

RATE = 0.5  # learning rate
Array = NDArray[np.float64]


class Dynamics(NamedTuple):
    """`forward` and `reverse`, both (steps + 1,): the mean over pairs of p(b | a) and of p(a | b) after each step.
    `theta`, (d, d): the weights at the end. `table`, (V, V): p(column | row) at the end."""

    forward: Array
    reverse: Array
    theta: Array
    table: Array


def bilinear_dynamics(
    pairs: int, steps: int, vectors: ArrayLike | None = None, symmetric: bool = False, both: int = 0
) -> Dynamics:
    """Gradient descent from zero on the sum of -ln p(b | a) over pairs (a, b), where logit(y | x) = x' Theta y.

    Parameters
    ----------
    pairs, steps: numbers of pairs and of steps
    vectors: of all 2 x `pairs` tokens, (V, d), first every a, then every b; None for one-hot tokens
    symmetric: keep Theta equal to its transpose: the gradient is replaced by its symmetric part
    both: the first so many pairs are trained as (b, a) too

    With one-hot tokens and `symmetric` off, p(a | b) is 1/V after every step, exactly, but where (b, a) was trained
    (Zhu et al. 2024). Raises ValueError for no pairs, steps below 0, `both` outside 0 to `pairs`, and vectors of
    another number.
    """
    x, given, wanted = _check_model(pairs, steps, vectors, both)
    a, b = np.arange(pairs), np.arange(pairs, 2 * pairs)
    theta = np.zeros((x.shape[1], x.shape[1]))
    forward, reverse = np.empty(steps + 1), np.empty(steps + 1)
    for step in range(steps + 1):
        table = _softmax(x @ theta @ x.T)
        forward[step], reverse[step] = table[a, b].mean(), table[b, a].mean()
        if step < steps:
            gradient = x[given].T @ (table[given] @ x - x[wanted])
            if symmetric:
                gradient = (gradient + gradient.T) / 2
            theta = theta - RATE * gradient
    return Dynamics(forward, reverse, theta, table)


def random_vectors(tokens: int, dimension: int, rng: np.random.Generator) -> Array:
    """Unit vectors in random directions, (tokens, dimension). Raises ValueError for numbers below 1, no generator."""
    tokens, dimension = check.whole("tokens", tokens, 1), check.whole("dimension", dimension, 1)
    vectors = check.generator("rng", rng).standard_normal((tokens, dimension))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def exact_gradient(theta: Sequence[Sequence[int]], pairs: Sequence[tuple[int, int]]) -> list[list[Fraction]]:
    """Gradient of the loss of one-hot tokens at a matrix of whole numbers, as fractions, for a softmax to base 2 (base
    e but for a factor ln 2): powers of 2 are rational, so nothing is rounded. Row x, column y: entry of Theta.

    Raises ValueError where `theta` is no square matrix of whole numbers, and for pairs of other tokens than its rows.
    """
    logits, told = _check_gradient(theta, pairs)
    gradient = [[Fraction(0)] * len(logits) for _ in logits]
    for given, wanted in told:
        weights = [Fraction(2) ** logit for logit in logits[given]]
        for token, weight in enumerate(weights):
            gradient[given][token] += weight / sum(weights) - (token == wanted)
    return gradient


def _softmax(logits: Array) -> Array:
    weights = np.exp(logits - logits.max(1, keepdims=True))
    return weights / weights.sum(1, keepdims=True)


def _check_model(
    pairs: int, steps: int, vectors: ArrayLike | None, both: int
) -> tuple[Array, NDArray[Any], NDArray[Any]]:
    """Vectors of all tokens, and the tokens that are given and wanted in training."""
    pairs, steps = check.whole("pairs", pairs, 1), check.whole("steps", steps)
    both = check.whole("both", both, 0, pairs)
    x = np.eye(2 * pairs) if vectors is None else check.reals("vectors", vectors)
    if x.ndim != 2 or len(x) != 2 * pairs or not x.shape[1]:
        raise ValueError(f"vectors has the shape {x.shape}; allowed is ({2 * pairs}, d), two tokens for each pair")
    a, b = np.arange(pairs), np.arange(pairs, 2 * pairs)
    return x, np.concatenate([a, b[:both]]), np.concatenate([b, a[:both]])


def _check_gradient(
    theta: Sequence[Sequence[int]], pairs: Sequence[tuple[int, int]]
) -> tuple[list[list[int]], list[list[int]]]:
    logits, told = check.wholes("theta", theta, least=-10_000), check.wholes("pairs", pairs)
    if logits.ndim != 2 or logits.shape[0] != logits.shape[1]:
        raise ValueError(f"theta has the shape {logits.shape}; allowed is a square matrix")
    if told.ndim != 2 or told.shape[1] != 2 or told.max() >= len(logits) or (told[:, 0] == told[:, 1]).any():
        raise check.refuse("pairs", pairs, f"pairs of two different tokens, 0 to {len(logits) - 1}")
    return logits.astype(int).tolist(), told.astype(int).tolist()

"""Three laws of training on one set of curves: the training itself, and differences with intervals.

The laws are the papers' (`learning_curves`, `scaling`, `annealing`); the notebook calls them. Here is what they are
applied to: K sizes of one small language model, each trained under R learning-rate schedules on the same batches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from foretold.kit import gpt

Array = NDArray[np.float64]
SCHEDULES = ("constant", "cosine", "warm, stable, decay")


@dataclass(frozen=True)
class Curves:
    """Validation losses in nats per token of K sizes under R schedules, at E evaluations.

    `sizes` (K,) are parameters without embeddings; `steps` (E,); `losses` (K, R, E); `windows` (K, R, W) the losses of
    the W validation windows at the last evaluation, the same windows for all; `schedules` maps a name to (T,) learning
    rates; `seconds` is the wall clock of all trainings.
    """

    sizes: Array
    steps: NDArray[np.int64]
    losses: Array
    windows: Array
    schedules: Mapping[str, Array]
    seconds: float

    def late(self, first: int, share: float = 1.0) -> NDArray[np.bool_]:
        """Which evaluations lie from step `first` to `share` of the run, (E,)."""
        return (self.steps >= first) & (self.steps <= share * self.steps[-1])


def train(
    text: gpt.Corpus,
    widths: Sequence[int],
    schedules: Mapping[str, Array],
    *,
    batch: int,
    context: int,
    generator: torch.Generator,
    evaluate_at: int,
    device: str | torch.device = "cpu",
    precision: str = "float32",
) -> Curves:
    """Two-layer GPT-2s of the given widths, each under all schedules at once, all on the same batches.

    Raises ValueError as `gpt.train_each` does, and for fewer than two widths or widths that do not increase.
    """
    if len(widths) < 2 or any(np.diff(widths) <= 0):
        raise ValueError(f"widths is {list(widths)}; allowed are at least two increasing numbers")
    shared = {"context": context, "vocabulary": text.vocabulary, "activation": "relu"}
    configs = [gpt.Config(layers=2, width=width, heads=max(2, width // 16), **shared) for width in widths]
    found = gpt.train_each(
        configs,
        text.train,
        text.validation,
        np.stack(list(schedules.values())),
        batch=batch,
        generator=generator,
        evaluate_at=evaluate_at,
        windows=256,
        device=device,
        precision=precision,
    )
    return Curves(
        sizes=np.array([trained.parameters for trained in found], float),
        steps=found[0].steps,
        losses=np.stack([trained.losses for trained in found]),
        windows=np.stack([trained.window_losses[:, -1] for trained in found]),
        schedules=dict(schedules),
        seconds=sum(trained.seconds for trained in found),
    )


def slope_in_log_size(sizes: ArrayLike, values: ArrayLike) -> Array:
    """Least-squares slope of `values` (K, W) against log size, one for each of W columns, (W,): per e-fold of size."""
    sizes, values = np.asarray(sizes, float), np.asarray(values, float)
    if sizes.ndim != 1 or len(sizes) < 2 or not (sizes > 0).all() or len(values) != len(sizes):
        raise ValueError(f"sizes is {sizes}; allowed are at least two positive numbers, one for each row of values")
    centred = np.log(sizes) - np.log(sizes).mean()
    return np.tensordot(centred, values, 1) / np.sum(centred**2)


def floor_profile(steps: ArrayLike, losses: ArrayLike, floors: ArrayLike) -> tuple[Array, Array, Array]:
    """How well a power law with a *given* floor describes a curve: log(L - floor) = log a - b log s, by least squares.

    Returns for each floor, shapes (F,): the root mean square error in loss, a and b. Raises ValueError for a floor that
    is not below all losses.
    """
    steps, losses, floors = (np.asarray(values, float) for values in (steps, losses, floors))
    if floors.max() >= losses.min():
        raise ValueError(f"floors go up to {floors.max():g}; allowed is below the smallest loss, {losses.min():g}")
    x, above = np.log(steps), np.log(losses - floors[:, None])
    weights = losses - floors[:, None]  # so that the squares are those of the loss, to first order
    total = (weights**2).sum(1, keepdims=True)
    x_mean = (weights**2 * x).sum(1, keepdims=True) / total
    y_mean = (weights**2 * above).sum(1, keepdims=True) / total
    slope = (weights**2 * (x - x_mean) * (above - y_mean)).sum(1) / (weights**2 * (x - x_mean) ** 2).sum(1)
    a = np.exp(y_mean[:, 0] - slope * x_mean[:, 0])
    fitted = floors[:, None] + a[:, None] * steps ** slope[:, None]
    return np.sqrt(np.mean((fitted - losses) ** 2, 1)), a, -slope

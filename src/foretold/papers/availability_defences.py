"""Two simple defences: throw out training images whose neighbours disagree, and train on with trusted images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from foretold.papers.availability_training import train_certified

Set = tuple[np.ndarray, np.ndarray]


def disagreement(x: np.ndarray, y: np.ndarray, neighbours: int = 5) -> np.ndarray:
    """Share of the nearest other images (Euclidean) whose label differs from an image's own, (n,).

    Raises ValueError for neighbours < 1 or not below the number of images.
    """
    from sklearn.neighbors import NearestNeighbors

    if not 1 <= neighbours < len(x):
        raise ValueError(f"neighbours is {neighbours!r}; allowed is a number from 1 to {len(x) - 1}")
    near = NearestNeighbors(n_neighbors=neighbours + 1).fit(x).kneighbors(x, return_distance=False)
    rows = np.arange(len(x))[:, None]
    # an image is its own nearest neighbour, unless a copy of it stands before it
    order = np.argsort(near == rows, axis=1, kind="stable")[:, :neighbours]
    return (y[np.take_along_axis(near, order, 1)] != y[:, None]).mean(1)


def filtered(data: Set, neighbours: int = 5, most: float = 0.5) -> tuple[Set, np.ndarray]:
    """The training set without the images for which more than the share `most` of the neighbours has another label, and
    which were thrown out, (n,)."""
    x, y = data
    out = disagreement(x, y, neighbours) > most
    return (x[~out], y[~out]), out


def trained_on(
    model: nn.Sequential,
    trusted: Sequence[Set],
    generators: Sequence[torch.Generator],
    steps: int,
    rate: float,
    **how: float,
) -> nn.Sequential:
    """The model after more certified training, on trusted images only: one set for each replica."""
    return train_certified(trusted, generators, start=model, steps=steps, rate=rate, **how)

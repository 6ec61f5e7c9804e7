"""Images of the availability chapter, as (training, test) sets of rows of pixels in [0, 1] and classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from foretold.kit import images
from foretold.papers.availability.idea.training import Set


def digits(train: int, rng: np.random.Generator) -> tuple[Set, Set]:
    """scikit-learn's 1,797 digits of 8 x 8 pixels, shuffled and cut."""
    return _sets(images.digits(), train, rng)


def mnist(path: Path, train: int, rng: np.random.Generator) -> tuple[Set, Set]:
    """5,000 images of MNIST, 28 x 28 pixels, from the registry's file mnist-5k, shuffled and cut."""
    return _sets(images.mnist(path), train, rng)


def _sets(everything: images.Images, train: int, rng: np.random.Generator) -> tuple[Set, Set]:
    first, second = (_rows(part) for part in images.split(everything, train, rng))
    return first, second


def _rows(part: images.Images) -> Set:
    return part.rows().astype(np.float32) / np.float32(part.largest), part.labels

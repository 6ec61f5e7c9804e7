"""The paper's map, and the images that the pruning chapter trains on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from foretold import data as files
from foretold.kit import images
from foretold.papers.pruning.idea import Maps


def paper_maps() -> Maps:
    """The four heat maps of Fig. 2, from the table of this package (digitised; see its head)."""
    wide = files.table("pruning").pivot_table(index="epochs", columns="density_percent")
    maps = [wide[name].to_numpy() for name in ("test_error", "normalised_error", "lmc", "cka")]
    return Maps(wide.index.to_numpy(), wide["lmc"].columns.to_numpy(), *maps)


@dataclass(frozen=True)
class Data:
    """Training and test data: x (n, ...), y (n,)."""

    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor


@dataclass(frozen=True)
class Pictures(Data):
    """Images (n, channels, height, width); training shifts them by up to `shift` pixels and, with `flip`, mirrors half
    of them."""

    name: str
    shift: int
    flip: bool


def digits(rng: np.random.Generator, device: torch.device, train: int = 900) -> Data:
    """The 1,797 digits of scikit-learn as rows of 64 pixels, centred and divided by their standard deviation; `train`
    of them at random for training, the others for testing."""
    everything = images.digits()
    centre, spread = everything.pixels.mean(), everything.pixels.std()
    parts: list[Tensor] = []
    for part in images.split(everything, train, rng):
        parts.append(torch.tensor((part.rows() - centre) / spread, dtype=torch.float32, device=device))
        parts.append(torch.tensor(part.labels, device=device))
    return Data(*parts)


def best(rng: np.random.Generator, device: torch.device, limit: int | None = None) -> Pictures:
    """The most demanding images that this machine has: CIFAR-10 (registry: cifar-10), else 5,000 digits of MNIST
    (registry: mnist-5k), else the digits of scikit-learn, which are always there. `limit` caps the training set."""
    if files.available("cifar-10"):
        train, test = images.cifar10(files.fetch("cifar-10"))
        how = {"name": "CIFAR-10", "shift": 4, "flip": True}
    elif files.available("mnist-5k"):
        train, test = _halves(images.mnist(files.fetch("mnist-5k")), rng, margin=2)
        how = {"name": "MNIST, 5,000 digits", "shift": 2, "flip": False}
    else:
        train, test = _halves(images.digits(), rng)
        how = {"name": "scikit-learn's digits", "shift": 1, "flip": False}
    x = train.pixels[:limit]
    centre, spread = x.mean((0, 2, 3), keepdims=True), x.std((0, 2, 3), keepdims=True)
    scaled = [torch.tensor((part - centre) / spread, dtype=torch.float32, device=device) for part in (x, test.pixels)]
    labels = [torch.tensor(part, device=device) for part in (train.labels[:limit], test.labels)]
    return Pictures(scaled[0], labels[0], scaled[1], labels[1], **how)


def _halves(
    everything: images.Images, rng: np.random.Generator, margin: int = 0
) -> tuple[images.Images, images.Images]:
    """Half of the images to train with and half to test, with `margin` dark pixels on each side."""
    wider = np.pad(everything.pixels, ((0, 0), (0, 0), (margin, margin), (margin, margin)))
    return images.split(everything._replace(pixels=wider), len(wider) // 2, rng)

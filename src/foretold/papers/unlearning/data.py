"""scikit-learn's handwritten digits, dealt to shards and slices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor


@dataclass(frozen=True)
class Digits:
    """scikit-learn's handwritten digits in three parts: `public` images for the backbone (their labels are not used),
    private ones dealt to shards and slices, `test`. x (n, 64) in [0, 1], y (n,); `cells` (shards, slices, rows) holds
    row numbers."""

    x: Tensor
    y: Tensor
    public: Tensor
    cells: np.ndarray
    test: Tensor

    @classmethod
    def deal(
        cls, shards: int, slices: int, rows: int, public: int, rng: np.random.Generator, device: torch.device
    ) -> Digits:
        """Shuffle and deal: `public` images, `rows` for each slice, all others for the test. ValueError where fewer
        than 100 would be left for it."""
        bunch, private = load_digits(), shards * slices * rows
        order = rng.permutation(len(bunch.target))
        if len(order) - public - private < 100:
            raise ValueError(f"rows is {rows}; with {public} public images it leaves fewer than 100 for the test")
        split = [torch.as_tensor(part, device=device) for part in np.split(order, [public, public + private])]
        return cls(
            torch.as_tensor(bunch.data / 16, dtype=torch.float32, device=device),
            torch.as_tensor(bunch.target, device=device),
            split[0],
            order[public : public + private].reshape(shards, slices, rows),
            split[2],
        )


def poison(data: Digits, deleted: Mapping[int, Iterable[int]]) -> Digits:
    """A copy in which every row of a slice with a deletion is not-a-number: who reads one of them cannot hide it."""
    x = data.x.clone()
    for shard, numbers in deleted.items():
        x[torch.as_tensor(data.cells[shard, sorted(numbers)].ravel(), device=x.device)] = torch.nan
    return replace(data, x=x)


def repaint(data: Digits, shard: int, number: int, rng: np.random.Generator) -> Digits:
    """A copy in which the images of one slice are noise."""
    x, rows = data.x.clone(), torch.as_tensor(data.cells[shard, number], device=data.x.device)
    x[rows] = torch.as_tensor(rng.random((len(rows), x.shape[1])), dtype=x.dtype, device=x.device)
    return replace(data, x=x)

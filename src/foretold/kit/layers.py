"""Many networks trained as one: layers whose weights have a leading axis of replicas, and the batches that they see.

R networks of one shape are one `torch.nn.Sequential` of these and of layers without weights. One batched operation
serves all of them, where one network after another would spend its time on starting tiny operations. Replicas never
mix: every product runs over one slice of the weights, so that the gradient of a sum of losses is, for each replica,
that of its own loss.

Activations are rows, (R, n, features), as those of `torch.nn`. Networks with batch normalisation are faster in columns,
(R, features, n), where all units of all replicas are channels of one normalisation
(`foretold.papers.pruning.experiment.batched`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def affine(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """(R, n, outputs) of weight (R, inputs, outputs) and rows x: (R, n, inputs), or (n, inputs) for all replicas."""
    rows = x.expand(len(weight), *x.shape) if x.ndim == 2 else x
    return torch.bmm(rows, weight) if bias is None else torch.baddbmm(bias[:, None], rows, weight)


def convolution(x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: int = 1) -> Tensor:
    """(R, n, out, height, width) of weight (R, out, in, size, size) and images x: (R, n, in, height, width), or without
    R for all replicas. One convolution, with a group for each replica."""
    replicas = len(weight)
    images = x.expand(replicas, *x.shape) if x.ndim == 4 else x
    channels = images.transpose(0, 1).flatten(1, 2)  # (n, R * in, height, width)
    shifts = None if bias is None else bias.flatten()
    made = F.conv2d(channels, weight.flatten(0, 1), shifts, stride=stride, groups=replicas)
    return made.unflatten(1, (replicas, -1)).transpose(0, 1)


class Linear(nn.Module):
    """R affine maps of rows: weight (R, inputs, outputs), bias (R, outputs)."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = _kept(weight), _kept(bias)

    def forward(self, x: Tensor) -> Tensor:
        return affine(x, self.weight, self.bias)

    def pick(self, replicas: Tensor) -> Linear:
        """The layer of some replicas."""
        return Linear(self.weight[replicas], self.bias[replicas])


class Conv(nn.Module):
    """R convolutions: weight (R, out, in, size, size), bias (R, out)."""

    def __init__(self, weight: Tensor, bias: Tensor, stride: int = 1) -> None:
        super().__init__()
        self.weight, self.bias, self.stride = _kept(weight), _kept(bias), stride

    def forward(self, x: Tensor) -> Tensor:
        return convolution(x, self.weight, self.bias, self.stride)

    def pick(self, replicas: Tensor) -> Conv:
        """The layer of some replicas."""
        return Conv(self.weight[replicas], self.bias[replicas], self.stride)


def pick(model: nn.Sequential, replicas: Sequence[int]) -> nn.Sequential:
    """The network of some replicas. Gradients flow back to the whole one."""
    chosen: list[nn.Module] = []
    for layer in model:
        if isinstance(layer, Linear | Conv):
            chosen.append(layer.pick(torch.as_tensor(replicas, device=layer.weight.device)))
        else:
            chosen.append(layer)
    return nn.Sequential(*chosen)


class Batches:
    """One batch a step for each of R replicas (or of R groups that see the same): a sequence of (x, y), x (R, batch,
    ...) and y (R, batch).

    x: examples (R, n, ...), expanded where they are the same for all; y: classes (R, n); order: row numbers (R, steps,
    batch), on any device. Raises ValueError where the three have different R.
    """

    def __init__(self, x: Tensor, y: Tensor, order: Tensor) -> None:
        if not len(x) == len(y) == len(order):
            raise ValueError(f"x, y and order are for {len(x)}, {len(y)} and {len(order)} replicas; allowed is one R")
        self.x, self.y, self.order = x, y, order.to(x.device)
        self.replica = torch.arange(len(x), device=x.device)[:, None]

    def __len__(self) -> int:
        return self.order.shape[1]

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        if step >= len(self):
            raise IndexError(step)
        rows = self.order[:, step]
        return self.x[self.replica, rows], self.y[self.replica, rows]


def _kept(tensor: Tensor) -> Tensor:
    """A leaf becomes a parameter; what was computed from parameters stays a part of its graph."""
    return tensor if tensor.requires_grad else nn.Parameter(tensor)

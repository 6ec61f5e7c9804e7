"""Layers of the availability chapter that hold many networks at once: a leading dimension counts the replicas.

A network is a `torch.nn.Sequential` of these and of layers without weights. Inputs are (n, ...), the same for all
replicas, or (replicas, n, ...); outputs are (replicas, n, classes). Replicas never mix: every product runs over one
slice of the weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class Linears(nn.Module):
    """`replicas` affine maps from (..., inputs) to (..., outputs); weight (replicas, inputs, outputs)."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = _kept(weight), _kept(bias)

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias[:, None], _spread(x, 2, len(self.weight)), self.weight)

    def radius(self, r: Tensor) -> Tensor:
        """Half-widths of the outputs when inputs move by at most r: |W| r."""
        return torch.bmm(_spread(r, 2, len(self.weight)), self.weight.abs())


class Convs(nn.Module):
    """`replicas` convolutions of images (..., channels, height, width), one group each; weight (replicas, out, in,
    size, size)."""

    def __init__(self, weight: Tensor, bias: Tensor, stride: int = 1) -> None:
        super().__init__()
        self.weight, self.bias, self.stride = _kept(weight), _kept(bias), stride

    def forward(self, x: Tensor) -> Tensor:
        return self._convolve(x, self.weight, self.bias.flatten())

    def radius(self, r: Tensor) -> Tensor:
        """Half-widths of the outputs when inputs move by at most r."""
        return self._convolve(r, self.weight.abs(), None)

    def _convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        groups, n = len(weight), x.shape[-4]
        folded = _spread(x, 4, groups).transpose(0, 1).flatten(1, 2)
        made = functional.conv2d(folded, weight.flatten(0, 1), bias, stride=self.stride, groups=groups)
        return made.unflatten(1, (groups, -1)).transpose(0, 1).reshape(groups, n, -1, *made.shape[-2:])


class Images(nn.Module):
    """Rows of pixels (..., side * side) as images (..., 1, side, side)."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (1, self.side, self.side))


def network(
    inputs: int, hidden: Sequence[int], classes: int, generators: Sequence[torch.Generator], convolutional: bool = False
) -> nn.Sequential:
    """One network for each generator (on the CPU), which draws its first weights: U(-1, 1) / sqrt(fan-in).

    Fully connected with ReLU between layers of `hidden` units; a convolutional one puts two convolutions (16 and 32
    channels, 4 x 4, stride 2) before them. Raises ValueError for no generators, sizes below 1, and a convolutional
    network whose inputs are no square.
    """
    if not len(generators):
        raise ValueError("generators is empty; allowed is one torch.Generator for each replica")
    if min(inputs, classes, *hidden, classes) < 1:
        raise ValueError(f"(inputs, hidden, classes) is {(inputs, tuple(hidden), classes)!r}; allowed are sizes >= 1")

    def drawn(*shape: int, fan: int) -> Tensor:
        return torch.stack([(2 * torch.rand(shape, generator=g) - 1) * fan**-0.5 for g in generators])

    layers: list[nn.Module] = []
    if convolutional:
        side = round(inputs**0.5)
        if side * side != inputs:
            raise ValueError(f"inputs is {inputs!r}; allowed for a convolutional network is a square number")
        layers.append(Images(side))
        for before, after in ((1, 16), (16, 32)):
            fan = 16 * before
            weight, bias = drawn(after, before, 4, 4, fan=fan), drawn(after, fan=fan)
            layers += [Convs(weight, bias, stride=2), nn.ReLU()]
            side = (side - 4) // 2 + 1
        layers.append(nn.Flatten(-3))
        inputs = 32 * side * side
    for width in (*hidden, classes):
        layers += [Linears(drawn(inputs, width, fan=inputs), drawn(width, fan=inputs)), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers[:-1])


def pick(model: nn.Sequential, replicas: Tensor | Sequence[int]) -> nn.Sequential:
    """The network of some replicas. Gradients flow back to the whole one."""
    layers = []
    for layer in model:
        if isinstance(layer, Linears | Convs):
            chosen = torch.as_tensor(replicas, device=layer.weight.device)
            stride = {"stride": layer.stride} if isinstance(layer, Convs) else {}
            layer = type(layer)(layer.weight[chosen], layer.bias[chosen], **stride)
        layers.append(layer)
    return nn.Sequential(*layers)


def _kept(tensor: Tensor) -> Tensor:
    """A leaf becomes a parameter; what was computed from parameters stays a part of its graph."""
    return tensor if tensor.requires_grad else nn.Parameter(tensor)


def _spread(x: Tensor, dims: int, replicas: int) -> Tensor:
    """The same rows for every replica, unless each has its own."""
    return x.expand(replicas, *x.shape) if x.ndim == dims else x

"""The availability chapter's networks: many at once, of the layers of `foretold.kit.layers`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from foretold.kit import layers


def network(
    inputs: int, hidden: Sequence[int], classes: int, generators: Sequence[torch.Generator], convolutional: bool = False
) -> nn.Sequential:
    """One network for each generator (on the CPU), which draws its first weights, for rows of `inputs` pixels.

    Fully connected with ReLU between layers of `hidden` units; a convolutional one puts two convolutions (16 and 32
    channels, 4 x 4, stride 2) before them. Raises ValueError for no generators, sizes below 1, and a convolutional
    network whose inputs are no square.
    """
    if not generators:
        raise ValueError("generators is empty; allowed is one torch.Generator for each replica")
    if min(inputs, *hidden, classes) < 1:
        raise ValueError(f"(inputs, hidden, classes) is {(inputs, tuple(hidden), classes)!r}; allowed are sizes >= 1")
    parts: list[nn.Module] = []
    if convolutional:
        side = round(inputs**0.5)
        if side * side != inputs:
            raise ValueError(f"inputs is {inputs!r}; allowed for a convolutional network is a square number")
        parts += _convolutions(side, generators)
        side = ((side - 4) // 2 + 1 - 4) // 2 + 1
        inputs = 32 * side * side
    for width in (*hidden, classes):
        weight = uniform((inputs, width), inputs, generators)
        bias = uniform((width,), inputs, generators)
        parts += [layers.Linear(weight, bias), nn.ReLU()]
        inputs = width
    return nn.Sequential(*parts[:-1])


def _convolutions(side: int, generators: Sequence[torch.Generator]) -> list[nn.Module]:
    """From rows of pixels to rows of what two convolutions make of them."""
    parts: list[nn.Module] = [nn.Unflatten(-1, (1, side, side))]
    for before, after in ((1, 16), (16, 32)):
        weight = uniform((after, before, 4, 4), 16 * before, generators)
        bias = uniform((after,), 16 * before, generators)
        parts += [layers.Conv(weight, bias, stride=2), nn.ReLU()]
    return [*parts, nn.Flatten(-3)]


def uniform(shape: Sequence[int], fan_in: int, generators: Sequence[torch.Generator]) -> Tensor:
    """First weights (R, *shape), U(-1, 1) / sqrt(fan_in), as torch's own layers begin; each replica draws its own."""
    return torch.stack([(2 * torch.rand(shape, generator=own) - 1) * fan_in**-0.5 for own in generators])

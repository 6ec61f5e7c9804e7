"""The availability chapter's networks: many at once, from `foretold.kit.replicas`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from foretold.kit import replicas


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
    layers: list[nn.Module] = []
    if convolutional:
        side = round(inputs**0.5)
        if side * side != inputs:
            raise ValueError(f"inputs is {inputs!r}; allowed for a convolutional network is a square number")
        layers += _convolutions(side, generators)
        side = ((side - 4) // 2 + 1 - 4) // 2 + 1
        inputs = 32 * side * side
    for width in (*hidden, classes):
        weight = replicas.uniform((inputs, width), inputs, generators)
        bias = replicas.uniform((width,), inputs, generators)
        layers += [replicas.Linear(weight, bias), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers[:-1])


def _convolutions(side: int, generators: Sequence[torch.Generator]) -> list[nn.Module]:
    """From rows of pixels to rows of what two convolutions make of them."""
    layers: list[nn.Module] = [nn.Unflatten(-1, (1, side, side))]
    for before, after in ((1, 16), (16, 32)):
        weight = replicas.uniform((after, before, 4, 4), 16 * before, generators)
        bias = replicas.uniform((after,), 16 * before, generators)
        layers += [replicas.Conv(weight, bias, stride=2), nn.ReLU()]
    return [*layers, nn.Flatten(-3)]

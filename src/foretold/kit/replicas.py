"""Many networks at once, as one tensor: R replicas of P weights each have the shape (R, P).

A forward pass cuts the tensor into views of shape (R, ...), so that each operation, a matrix product with
`torch.baddbmm` above all, works on all replicas at once. A replica's loss depends on its own weights alone, so the
gradient of the sum over replicas, one tensor of shape (R, P) again, holds the gradient of each.
`foretold.kit.training.replica_step` does one step with it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

EPS = 1e-8  # of AdamW, that of torch


def views(weights: Tensor, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Cut weights of shape (R, P) into named views of shape (R, ...)."""
    pieces = weights.split_with_sizes([math.prod(shape) for shape in shapes.values()], 1)
    return {name: piece.view(len(weights), *shape) for (name, shape), piece in zip(shapes.items(), pieces, strict=True)}


class AdamW:
    """Adam with decoupled weight decay over weights of shape (R, P), a learning rate for each replica.

    `decay`, of shape (P,), is how much of each weight decays at a learning rate of 1; none by default. `clip` is the
    largest norm of a replica's gradient. The arithmetic is that of `torch.optim.AdamW`, and of
    `torch.nn.utils.clip_grad_norm_`, for each replica alone.
    """

    def __init__(
        self, weights: Tensor, betas: tuple[float, float], clip: float | None = None, decay: Tensor | None = None
    ) -> None:
        self.first, self.second = torch.zeros_like(weights), torch.zeros_like(weights)
        self.betas, self.clip, self.decay = betas, clip, decay
        self.taken = 0

    @torch.no_grad()
    def step(self, weights: Tensor, gradient: Tensor, rates: Tensor) -> None:
        """Change `weights` (R, P) in place; `rates` holds the R learning rates of this step."""
        self.taken += 1
        if self.clip is not None:
            norms = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
            gradient = gradient * (self.clip / (norms + 1e-6)).clamp(max=1)
        one, two = self.betas
        self.first.lerp_(gradient, 1 - one)
        self.second.mul_(two).addcmul_(gradient, gradient, value=1 - two)
        if self.decay is not None:
            weights.mul_(1 - rates[:, None] * self.decay)
        scale = self.second.sqrt().div_(math.sqrt(1 - two**self.taken)).add_(EPS)
        weights.addcmul_(torch.div(self.first, scale, out=scale), -rates[:, None] / (1 - one**self.taken))

    def fork(self, parents: Tensor) -> None:
        """Replica i goes on from the state of replica `parents[i]`."""
        self.first, self.second = self.first[parents], self.second[parents]

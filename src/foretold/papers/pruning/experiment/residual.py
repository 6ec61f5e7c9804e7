"""Residual networks on images for the pruning chapter, many of them as one: grouped convolutions, a group a replica.

All but the networks themselves and their shifted images (training, pruning, straight lines) is that of `batched`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from foretold.kit.layers import Batches
from foretold.papers.pruning import experiment
from foretold.papers.pruning.data import Pictures
from foretold.papers.pruning.experiment import batched
from foretold.papers.pruning.experiment.batched import EPS, Networks, Statistics


class Augmented(Batches):
    """Batches of images that are moved by up to `shift` pixels and, with `flip`, half of them mirrored. `generator`
    lives where the images are."""

    def __init__(self, pictures: Pictures, order: Tensor, generator: torch.Generator) -> None:
        wide = F.pad(pictures.x, [pictures.shift] * 4)
        super().__init__(wide.expand(len(order), *wide.shape), pictures.y.expand(len(order), -1), order)
        self.wide, self.size = wide, pictures.x.shape[-1]
        self.shift, self.flip, self.generator = pictures.shift, pictures.flip, generator

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        index, device = self.order[:, step], self.wide.device
        place = torch.arange(self.size, device=device)
        moves = torch.randint(2 * self.shift + 1, (2, *index.shape, 1), generator=self.generator, device=device)
        rows, columns = (move + place for move in moves)
        if self.flip:
            mirrored = torch.rand((*index.shape, 1), generator=self.generator, device=device) < 0.5
            columns = torch.where(mirrored, columns.flip(-1), columns)
        channel = torch.arange(self.wide.shape[1], device=device).view(-1, 1, 1)
        image = index[..., None, None, None]
        x = self.wide[image, channel, rows[:, :, None, :, None], columns[:, :, None, None, :]]
        return x, self.y[self.replica, index]


class Residual(Networks):
    """R pre-activation residual networks of 6 * blocks + 2 layers: stages of width, 2 width and 4 width channels.

    weights: convolutions (R, out, in, k, k) in the order in which they are used, a block's shortcut after its two, and
        last the classifier (R, classes, width)
    gains, shifts: of the batch normalisations, in their order
    """

    decay: ClassVar[float] = 1e-4

    @classmethod
    def drawn(cls, pictures: Pictures, width: int, blocks: int, count: int, generator: torch.Generator) -> Residual:
        """`count` networks with He's first weights, for images of this kind. `generator` on the CPU."""
        shapes, norms, into = [(width, pictures.x.shape[1], 3, 3)], [], width
        for out in (width, 2 * width, 4 * width):
            for _ in range(blocks):
                shapes += [(out, into, 3, 3), (out, out, 3, 3)]
                if into != out:
                    shapes.append((out, into, 1, 1))
                norms += [into, out]
                into = out
        norms.append(into)
        classes, device = int(pictures.y.max()) + 1, pictures.x.device
        weights = [batched.he_normal(shape, count, generator) for shape in shapes]
        weights.append(torch.randn(count, classes, into, generator=generator) * into**-0.5)
        parts = batched.plain_normalisation(norms, classes, count, device)
        return cls([weight.to(device) for weight in weights], *parts)

    def forward(self, x: Tensor, statistics: Statistics | None = None, collect: Statistics | None = None) -> Tensor:
        """Logits (R, classes, n) for images x (streams, n, channels, height, width); otherwise as for perceptrons.

        On CUDA the convolutions run in bfloat16. Activations are (n, R * channels, height, width).
        """
        streams, n = x.shape[:2]
        weights, norms = iter(self.weights[:-1]), iter(range(len(self.gains)))

        def convolve(h: Tensor, groups: int, stride: int = 1) -> Tensor:
            weight = next(weights)
            return F.conv2d(h, weight.flatten(0, 1), stride=stride, padding=weight.shape[-1] // 2, groups=groups)

        def normalise(h: Tensor) -> Tensor:
            layer = next(norms)
            gain, shift = self.gains[layer].flatten(), self.shifts[layer].flatten()
            if collect is not None:
                variance, mean = torch.var_mean(h.float(), dim=(0, 2, 3), correction=0)
                collect.append((mean, variance))
            mean, variance = (None, None) if statistics is None else statistics[layer]
            return F.relu(F.batch_norm(h, mean, variance, gain, shift, training=statistics is None, eps=EPS))

        blocks = (len(self.gains) - 1) // 6
        with torch.autocast(x.device.type, dtype=torch.bfloat16, enabled=x.device.type == "cuda"):
            h = convolve(x.transpose(0, 1).flatten(1, 2), streams)
            for block in range(3 * blocks):
                wider = block > 0 and block % blocks == 0
                stride = 2 if wider else 1
                ready = normalise(h)
                inner = normalise(convolve(ready, self.count, stride))
                inner = convolve(inner, self.count)
                h = inner + (convolve(ready, self.count, stride) if wider else h)
            h = normalise(h).float().mean((2, 3)).view(n, self.count, -1).permute(1, 2, 0)
        return torch.baddbmm(self.bias, self.weights[-1], h)


@dataclass(frozen=True)
class Plan:
    """What is trained: sizes of the networks, the schedule, and the grid of the experiment."""

    width: int
    blocks: int
    epochs: int
    stops: tuple[int, ...]
    densities: tuple[float, ...]
    batch: int = 128
    chunk: int = 1_000  # images at a time where networks are measured
    rate: ClassVar[float] = 0.1
    parents: ClassVar[int] = 2


def run(pictures: Pictures, plan: Plan, generator: torch.Generator) -> experiment.Grid:
    """The experiment of `grid` with residual networks: parents stopped at `plan.stops`, pruned per layer to
    `plan.densities`, retrained from a new learning rate, children measured alone and in pairs."""
    per_epoch = len(pictures.x) // min(plan.batch, len(pictures.x))
    dense = Residual.drawn(pictures, plan.width, plan.blocks, plan.parents, generator)
    snapshots = [stop * per_epoch for stop in plan.stops]
    kept = _fit(dense, pictures, plan, plan.parents, generator, snapshots=snapshots)
    parents = experiment.by_temperature([kept[step] for step in snapshots])
    index = experiment.family(plan.parents, len(plan.stops), len(plan.densities))
    children = parents.take(index.to(pictures.x.device))
    masks = batched.prune(children, list(plan.densities) * (len(index) // len(plan.densities)))
    _fit(children, pictures, plan, plan.parents * experiment.CHILDREN, generator, masks=masks)
    return experiment.measure(parents, children, pictures, plan.stops, plan.densities, plan.chunk)


def _fit(
    networks: Residual, pictures: Pictures, plan: Plan, streams: int, generator: torch.Generator, **how: Any
) -> dict[int, Networks]:
    """Train in place, every stream with an order of its own; `how` goes to `batched.train`, whose copies return."""
    rows = len(pictures.x)
    batch = min(plan.batch, rows)
    order = batched.orders(rows, batch, plan.epochs, batched.streams(generator, streams))
    seed = int(torch.randint(2**62, (1,), generator=generator))
    shifts = torch.Generator(device=pictures.x.device).manual_seed(seed)
    rates = batched.schedule(plan.epochs, rows // batch, plan.rate)
    _, kept = batched.train(networks, Augmented(pictures, order, shifts), rates, **how)
    return kept


def decide(grid: experiment.Grid) -> dict[str, tuple[float, float]]:
    """The rule that was fixed before any run: the temperature effect flips if, at the lowest density, the error of the
    longest-trained parents exceeds that of the best ones by more than 2 standard errors, and at the highest density the
    error of the shortest-trained ones exceeds that of the longest-trained by more than 2 standard errors.

    Returns (difference, standard error) over parents for "low density" and "high density".
    """
    errors = grid.test_error
    best = int(errors[:, :, 0].mean(0).argmin())
    gaps = {"low density": errors[:, -1, 0] - errors[:, best, 0], "high density": errors[:, 0, -1] - errors[:, -1, -1]}
    return {name: (float(gap.mean()), float(gap.std(ddof=1) / np.sqrt(len(gap)))) for name, gap in gaps.items()}


def flipped(decision: dict[str, tuple[float, float]]) -> bool:
    """Whether both sides of the rule hold."""
    return all(gap > 2 * error for gap, error in decision.values())

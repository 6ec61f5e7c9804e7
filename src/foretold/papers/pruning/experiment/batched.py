"""Many small batch-norm networks as one batched model: training, pruning, retraining, evaluation, straight lines.

Replicas are the leading axis of every parameter, as in `foretold.kit.layers`. They are ordered by *stream*: replica r =
stream * cells + cell. All cells of a stream see the same batches in the same order, and differ in what is compared
(temperature, density); streams differ in their noise (first weights, order of batches). So the first layer of a whole
stream is one matrix product, and cells are compared on equal luck.

Activations are columns (replicas * width, batch): to batch normalisation all units of all networks are channels of one
layer.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import ClassVar, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from foretold.kit import check, training
from foretold.kit.layers import Batches
from foretold.papers.pruning import idea
from foretold.papers.pruning.idea.sam import SAM

EPS = 1e-5  # added to a variance, as torch's batch normalisation does
PLACES = 11  # on the straight line between two networks, as in the paper's code
MOMENTUM = 0.9
Statistics = list[tuple[Tensor, Tensor]]  # for each normalisation means and variances (R * width,)
Some = TypeVar("Some", bound="Networks")


@dataclass
class Networks:
    """R multilayer perceptrons of one shape; each hidden layer is linear, batch normalisation, ReLU.

    weights: for each layer (R, out, in), the last one the classifier's
    gains, shifts: for each hidden layer (R, width), of its batch normalisation
    bias: (R, classes, 1), of the classifier
    """

    weights: list[Tensor]
    gains: list[Tensor]
    shifts: list[Tensor]
    bias: Tensor

    decay: ClassVar[float] = 5e-4  # of weights, in training

    @classmethod
    def initial(cls, sizes: Sequence[int], count: int, generator: torch.Generator, device: torch.device) -> Networks:
        """`count` networks with weights as He et al. (2015) draw them; `sizes` are inputs, hidden widths, classes.
        `generator` on the CPU."""
        if len(sizes) < 3 or min(sizes) < 1:
            raise ValueError(f"sizes is {sizes!r}; allowed are inputs, at least one hidden width, and classes")
        shapes = [(after, before) for before, after in itertools.pairwise(sizes)]
        weights = [he_normal(shape, count, generator).to(device) for shape in shapes]
        return cls(weights, *plain_normalisation(sizes[1:-1], sizes[-1], count, device))

    @property
    def count(self) -> int:
        return len(self.bias)

    def tensors(self) -> list[Tensor]:
        """All parameters in one list."""
        return [*self.weights, *self.gains, *self.shifts, self.bias]

    def map(self: Some, function: Callable[..., Tensor], *others: Some) -> Some:
        """New networks whose tensors are `function` of the tensors of these and `others`."""
        made = []
        for field in fields(self):
            values = [getattr(networks, field.name) for networks in (self, *others)]
            layers = isinstance(values[0], list)
            made.append([function(*v) for v in zip(*values, strict=True)] if layers else function(*values))
        return type(self)(*made)

    def take(self: Some, index: Tensor | slice) -> Some:
        """Copies of the networks at `index`, with repetition."""
        return self.map(lambda tensor: tensor[index].clone())

    def forward(self, x: Tensor, statistics: Statistics | None = None, collect: Statistics | None = None) -> Tensor:
        """Logits (R, classes, n) for inputs x (streams, n, inputs); R must be a multiple of the number of streams.

        Without `statistics` batch normalisation uses mean and variance of these n inputs: on all training data at once
        this is the exact recalibration. `statistics` are to be used instead; to `collect` those that were used are
        appended.
        """
        streams, n, _ = x.shape
        h = x.transpose(1, 2)
        for layer, (gain, shift) in enumerate(zip(self.gains, self.shifts, strict=True)):
            weight = self.weights[layer]
            if layer == 0:
                z = torch.bmm(weight.reshape(streams, -1, weight.shape[2]), h)
            else:
                z = torch.bmm(weight, h.view(self.count, -1, n))
            z = z.view(1, -1, n)
            if collect is not None:
                variance, mean = torch.var_mean(z[0], dim=1, correction=0)
                collect.append((mean, variance))
            mean, variance = (None, None) if statistics is None else statistics[layer]
            own = statistics is None
            z = F.batch_norm(z, mean, variance, gain.flatten(), shift.flatten(), training=own, eps=EPS)
            h = z.relu_()
        return torch.baddbmm(self.bias, self.weights[-1], h.view(self.count, -1, n))


def he_normal(shape: Sequence[int], count: int, generator: torch.Generator) -> Tensor:
    """First weights (count, outputs, inputs, ...), normal with variance 2 / fan-in (He et al. 2015, arXiv
    1502.01852)."""
    return torch.randn(count, *shape, generator=generator) * (2 / math.prod(shape[1:])) ** 0.5


def plain_normalisation(
    widths: Sequence[int], classes: int, count: int, device: torch.device
) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Gains of 1 and shifts of 0 for layers of these widths, and a bias of 0 for each class: how training begins."""
    gains = [torch.ones(count, width, device=device) for width in widths]
    shifts = [torch.zeros(count, width, device=device) for width in widths]
    return gains, shifts, torch.zeros(count, classes, 1, device=device)


# Training


def streams(generator: torch.Generator, count: int) -> list[torch.Generator]:
    """`count` generators on the CPU whose seeds are drawn from one."""
    seeds = torch.randint(2**62, (count,), generator=generator).tolist()
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def orders(rows: int, batch: int, epochs: int, generators: Sequence[torch.Generator]) -> Tensor:
    """Row numbers (streams, steps, batch): each epoch of each stream is a permutation, without an incomplete batch."""
    check.whole("batch", batch, 1, rows)
    drawn = [training.batches(rows, batch, epochs, generator) for generator in generators]
    return torch.stack([torch.stack([order for order in stream if len(order) == batch]) for stream in drawn])


def batches(x: Tensor, y: Tensor, order: Tensor) -> Batches:
    """The batches of all streams from the same examples x (n, ...) and y (n,)."""
    count = len(order)
    return Batches(x.expand(count, *x.shape), y.expand(count, *y.shape), order)


def train(
    networks: Networks,
    data: Batches,
    rates: Sequence[float],
    *,
    masks: Sequence[Tensor] = (),
    rho: Tensor | None = None,
    snapshots: Sequence[int] = (),
) -> tuple[Tensor, dict[int, Networks]]:
    """Train all networks in place, each by SGD with momentum on its own cross-entropy.

    Parameters
    ----------
    data: what each stream sees at each step; replicas must be a multiple of streams
    rates: learning rate of each step
    masks: for each layer that is pruned (R, ...): weights outside stay exactly as they are, so zero if they are
    rho: (R,) radii of SAM; None for plain SGD
    snapshots: numbers of steps after which copies are kept

    Returns the training loss at each step (steps, R) and the copies by step. Raises ValueError where replicas are no
    multiple of streams, and where there is not one rate for each step.
    """
    streams, steps = len(data.x), len(data)
    if networks.count % streams:
        raise ValueError(f"data holds {streams} streams; allowed are divisors of the {networks.count} replicas")
    if len(rates) != steps:
        raise ValueError(f"rates has {len(rates)} entries; allowed is one for each of the {steps} steps")
    parameters = networks.tensors()
    settings = {"lr": rates[0], "momentum": MOMENTUM, "weight_decay": networks.decay, "fused": True}
    if rho is None:
        optimiser = torch.optim.SGD(parameters, **settings)
    else:
        optimiser = SAM(parameters, rho, replicas=True, **settings)
    losses, kept = torch.empty(steps, networks.count, dtype=networks.bias.dtype, device=data.x.device), {}
    for parameter in parameters:
        parameter.requires_grad_(True)
    for step, rate in enumerate(rates):
        optimiser.param_groups[0]["lr"] = rate
        losses[step] = optimiser.step(partial(_gradients, networks, *data[step], masks))
        if step + 1 in snapshots:
            kept[step + 1] = networks.map(lambda tensor: tensor.detach().clone())
    for parameter in parameters:
        parameter.requires_grad_(False)
        parameter.grad = None
    return losses, kept


def _gradients(networks: Networks, x: Tensor, y: Tensor, masks: Sequence[Tensor]) -> Tensor:
    """Compute the gradients of all losses (R,), which are returned; pruned weights get none."""
    parameters = networks.tensors()
    target = y.repeat_interleave(networks.count // len(y), 0)
    losses = F.cross_entropy(networks.forward(x), target, reduction="none").mean(1)
    for parameter, gradient in zip(parameters, torch.autograd.grad(losses.sum(), parameters), strict=True):
        parameter.grad = gradient
    for weight, mask in zip(networks.weights, masks, strict=False):
        weight.grad.mul_(mask)
    return losses.detach()


def schedule(epochs: int, per_epoch: int, rate: float) -> list[float]:
    """Learning rate of each step: divided by ten after half and three quarters of the epochs (the paper drops at 80 and
    120 of 160)."""
    falls = [round(share * epochs) for share in (0.5, 0.75)]
    return [rate * 0.1 ** sum(step // per_epoch >= fall for fall in falls) for step in range(epochs * per_epoch)]


def prune(networks: Networks, densities: Sequence[float]) -> list[Tensor]:
    """Masks (R, out, in) of all layers but the last, and the pruned weights set to zero in place. `densities` has one
    share for each replica. The same masks as `magnitude_mask` for each replica alone, with scope "layer".

    Raises ValueError unless there are R densities in (0, 1].
    """
    if len(densities) != networks.count:
        raise ValueError(f"densities has {len(densities)} entries; allowed are {networks.count}, one a replica")
    masks = []
    for weight in networks.weights[:-1]:
        size = weight[0].numel()
        kept = [idea.kept_count(size, idea.check_density(density)) for density in densities]
        rank = weight.abs().flatten(1).argsort(dim=1, stable=True).argsort(dim=1)
        kept = torch.tensor(kept, device=weight.device)
        mask = (rank >= size - kept[:, None]).view(weight.shape)
        weight.mul_(mask)
        masks.append(mask)
    return masks


# Measuring. `chunk`: rows at a time, for large data; None for all.


def calibrate(networks: Networks, x: Tensor, chunk: int | None = None) -> Statistics:
    """Batch statistics on training data. Exact when all of `x` is one chunk; else means over chunks, as is usual for
    large data."""
    parts: list[Statistics] = []
    for rows in x.split(chunk or len(x)):
        parts.append([])
        networks.forward(rows[None], collect=parts[-1])
    layers = zip(*parts, strict=True)
    return [tuple(torch.stack(values).mean(0) for values in zip(*layer, strict=True)) for layer in layers]


@torch.no_grad()
def outputs(networks: Networks, x: Tensor, unseen: Tensor, chunk: int | None = None) -> tuple[Tensor, Tensor]:
    """Logits (R, classes, rows) on training data `x` and on `unseen` data, both with batch statistics of x."""
    statistics = calibrate(networks, x, chunk)
    seen = [networks.forward(rows[None], statistics) for rows in x.split(chunk or len(x))]
    new = [networks.forward(rows[None], statistics) for rows in unseen.split(chunk or len(unseen))]
    return torch.cat(seen, 2), torch.cat(new, 2)


def error(logits: Tensor, y: Tensor) -> Tensor:
    """Share of wrong answers (R,) of logits (R, classes, rows)."""
    return (logits.argmax(1) != y).double().mean(1)


def between(a: Networks, b: Networks, t: float) -> Networks:
    """The networks (1 - t) a + t b."""
    return a.map(lambda one, other: torch.lerp(one, other, t), b)


@torch.no_grad()
def line(
    a: Networks, b: Networks, x: Tensor, y: Tensor, recalibrate: bool = True, chunk: int | None = None
) -> np.ndarray:
    """Training errors (R, 11) along the straight lines from networks `a` to networks `b`.

    The mean activations of a network between two others are not between theirs, so batch statistics are computed again
    at every place. With recalibrate=False they are interpolated like weights, which makes barriers of its own.
    """
    ends = None if recalibrate else (calibrate(a, x, chunk), calibrate(b, x, chunk))
    errors = []
    for t in np.linspace(0, 1, PLACES).tolist():
        mixed = between(a, b, t)
        if ends is not None:
            statistics = _between_statistics(*ends, t)
        elif chunk and chunk < len(x):
            statistics = calibrate(mixed, x, chunk)
        else:
            statistics = None  # all training data are one batch, and their statistics exact
        logits = [mixed.forward(rows[None], statistics) for rows in x.split(chunk or len(x))]
        errors.append(error(torch.cat(logits, 2), y))
    return torch.stack(errors, 1).cpu().numpy()


def _between_statistics(a: Statistics, b: Statistics, t: float) -> Statistics:
    return [
        (torch.lerp(mean, other_mean, t), torch.lerp(variance, other_variance, t))
        for (mean, variance), (other_mean, other_variance) in zip(a, b, strict=True)
    ]

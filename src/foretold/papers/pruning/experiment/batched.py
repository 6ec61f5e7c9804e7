"""Many small batch-norm networks as one batched model: training, pruning, retraining, evaluation, straight lines.

Replicas are the leading dimension of every parameter. They are ordered by *stream*: replica r = stream * cells + cell.
All cells of a stream see the same batches in the same order, and differ in what is compared (temperature, density);
streams differ in their noise (first weights, order of batches). So the first layer of a whole stream is one matrix
product, and cells are compared on equal luck.

Activations are (replicas * width, batch): to batch normalisation all units of all networks are channels of one layer.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from foretold.papers.pruning import idea

EPS = 1e-5  # added to a variance, as torch's batch normalisation does
PLACES = 11  # on the straight line between two networks, as in the paper's code
Forward = Callable[..., Tensor]  # (networks, x, statistics=None, collect=None) -> logits (R, classes, n)


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

    @classmethod
    def initial(cls, sizes: Sequence[int], replicas: int, generator: torch.Generator, device: torch.device) -> Networks:
        """Weights drawn as He et al. (2015) do; `sizes` are inputs, hidden widths, classes. `generator` on the CPU."""
        if len(sizes) < 3 or min(sizes) < 1:
            raise ValueError(f"sizes is {sizes!r}; allowed are inputs, at least one hidden width, and classes")
        pairs = list(itertools.pairwise(sizes))
        drawn = [torch.randn(replicas, out, into, generator=generator) * (2 / into) ** 0.5 for into, out in pairs]
        hidden = sizes[1:-1]
        return cls(
            [weight.to(device) for weight in drawn],
            [torch.ones(replicas, width, device=device) for width in hidden],
            [torch.zeros(replicas, width, device=device) for width in hidden],
            torch.zeros(replicas, sizes[-1], 1, device=device),
        )

    @property
    def replicas(self) -> int:
        return len(self.bias)

    def tensors(self) -> list[Tensor]:
        """All parameters in one list."""
        return [*self.weights, *self.gains, *self.shifts, self.bias]

    def map(self, function: Callable[..., Tensor], *others: Networks) -> Networks:
        """New networks whose tensors are `function` of the tensors of these and `others`."""
        made = []
        for field in fields(self):
            values = [getattr(networks, field.name) for networks in (self, *others)]
            layers = isinstance(values[0], list)
            made.append([function(*v) for v in zip(*values, strict=True)] if layers else function(*values))
        return Networks(*made)

    def take(self, index: Tensor | slice) -> Networks:
        """Copies of the networks at `index`, with repetition."""
        return self.map(lambda tensor: tensor[index].clone())


def forward(
    networks: Networks, x: Tensor, statistics: list[tuple[Tensor, Tensor]] | None = None, collect: list | None = None
) -> Tensor:
    """Logits (R, classes, n) for inputs `x` (streams, n, inputs); R must be a multiple of the number of streams.

    Without `statistics` batch normalisation uses mean and variance of these n inputs: on all training data at once
    this is the exact recalibration. `statistics` holds, for each hidden layer, means and variances (R * width,) to use
    instead; to `collect` those that were used are appended.
    """
    streams, n, _ = x.shape
    h = x.transpose(1, 2)
    for layer, (gain, shift) in enumerate(zip(networks.gains, networks.shifts, strict=True)):
        weight = networks.weights[layer]
        if layer == 0:
            z = torch.bmm(weight.reshape(streams, -1, weight.shape[2]), h)
        else:
            z = torch.bmm(weight, h.view(networks.replicas, -1, n))
        z = z.view(1, -1, n)
        if collect is not None:
            variance, mean = torch.var_mean(z[0], dim=1, correction=0)
            collect.append((mean, variance))
        if statistics is None:
            z = F.batch_norm(z, None, None, gain.flatten(), shift.flatten(), training=True, eps=EPS)
        else:
            z = F.batch_norm(z, *statistics[layer], gain.flatten(), shift.flatten(), training=False, eps=EPS)
        h = z.relu_()
    return torch.baddbmm(networks.bias, networks.weights[-1], h.view(networks.replicas, -1, n))


def train(
    networks: Networks,
    x: Tensor,
    y: Tensor,
    orders: Tensor,
    rates: Sequence[float],
    *,
    masks: Sequence[Tensor] = (),
    rho: Tensor | None = None,
    snapshots: Sequence[int] = (),
    momentum: float = 0.9,
    decay: float = 5e-4,
    forward: Forward = forward,
    view: Callable[[Tensor, int], Tensor] | None = None,
) -> tuple[Tensor, dict[int, Networks]]:
    """Train all networks in place, each by SGD with momentum on its own cross-entropy.

    Parameters
    ----------
    x, y: training data (n, ...) and classes (n,)
    orders: (streams, steps, batch) row numbers; replicas must be a multiple of streams
    rates: learning rate of each step
    masks: for each layer that is pruned (R, ...): weights outside stay exactly as they are, so zero if they are
    rho: (R,) radii of SAM; None for plain SGD
    snapshots: numbers of steps after which copies are kept
    view: what a step sees of its rows (streams, batch, ...), for augmentation

    Returns the training loss at each step (steps, R) and the copies by step. Raises ValueError where replicas are no
    multiple of streams, and where there is not one rate for each step.
    """
    streams, steps, _ = orders.shape
    if networks.replicas % streams:
        raise ValueError(f"orders holds {streams} streams; allowed are divisors of the {networks.replicas} replicas")
    if len(rates) != steps:
        raise ValueError(f"rates has {len(rates)} entries; allowed is one for each of the {steps} steps")
    cells, parameters = networks.replicas // streams, networks.tensors()
    settings = {"lr": rates[0], "momentum": momentum, "weight_decay": decay, "fused": True}
    if rho is None:
        optimiser = torch.optim.SGD(parameters, **settings)
    else:
        optimiser = idea.SAM(parameters, torch.optim.SGD, rho, replicas=True, **settings)
    losses, kept = torch.empty(steps, networks.replicas, dtype=networks.bias.dtype, device=x.device), {}

    def gradients(rows: Tensor, target: Tensor) -> Tensor:
        each = F.cross_entropy(forward(networks, rows), target, reduction="none").mean(1)
        for parameter, gradient in zip(parameters, torch.autograd.grad(each.sum(), parameters), strict=True):
            parameter.grad = gradient
        for weight, mask in zip(networks.weights, masks, strict=False):
            weight.grad.mul_(mask)
        return each.detach()

    for parameter in parameters:
        parameter.requires_grad_(True)
    for step, rate in enumerate(rates):
        index = orders[:, step]
        rows = x[index] if view is None else view(index, step)
        target = y[index].repeat_interleave(cells, 0)
        for group in optimiser.param_groups:
            group["lr"] = rate
        losses[step] = gradients(rows, target)
        if rho is None:
            optimiser.step()
        else:
            optimiser.first_step()
            gradients(rows, target)
            optimiser.second_step()
        if step + 1 in snapshots:
            kept[step + 1] = networks.map(lambda tensor: tensor.detach().clone())
    for parameter in parameters:
        parameter.requires_grad_(False)
        parameter.grad = None
    return losses, kept


def schedule(epochs: int, per_epoch: int, rate: float, drops: Sequence[float] = (0.5, 0.75)) -> list[float]:
    """Learning rate of each step: divided by ten after each share of the epochs in `drops` (the paper drops at 80 and
    120 of 160)."""
    falls = [round(share * epochs) for share in drops]
    return [rate * 0.1 ** sum(step // per_epoch >= fall for fall in falls) for step in range(epochs * per_epoch)]


def batches(n: int, batch: int, epochs: int, generators: Sequence[torch.Generator]) -> Tensor:
    """Row numbers (streams, steps, batch): each epoch of each stream is a permutation of n rows, without the last
    incomplete batch."""
    whole = n // batch * batch
    drawn = [
        torch.cat([torch.randperm(n, generator=generator)[:whole].view(-1, batch) for _ in range(epochs)])
        for generator in generators
    ]
    return torch.stack(drawn)


def prune(networks: Networks, densities: Sequence[float]) -> list[Tensor]:
    """Masks (R, out, in) of all layers but the last, and the pruned weights set to zero in place. `densities` has one
    share for each replica. The same masks as `magnitude_mask` for each replica alone, with scope "layer".

    Raises ValueError unless there are R densities in (0, 1].
    """
    if len(densities) != networks.replicas:
        raise ValueError(f"densities has {len(densities)} entries; allowed are {networks.replicas}, one a replica")
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


def calibrate(
    networks: Networks, x: Tensor, forward: Forward = forward, chunk: int | None = None
) -> list[tuple[Tensor, Tensor]]:
    """Batch statistics on training data: for each normalisation means and variances (R * width,). Exact when all of
    `x` is one chunk; else means over chunks of `chunk` rows, as is usual for large data."""
    parts: list[list[tuple[Tensor, Tensor]]] = []
    for rows in x.split(chunk or len(x)):
        parts.append([])
        forward(networks, rows[None], collect=parts[-1])
    layers = zip(*parts, strict=True)
    return [tuple(torch.stack(values).mean(0) for values in zip(*layer, strict=True)) for layer in layers]


@torch.no_grad()
def outputs(
    networks: Networks, x: Tensor, unseen: Tensor, forward: Forward = forward, chunk: int | None = None
) -> tuple[Tensor, Tensor]:
    """Logits (R, classes, rows) on training data `x` and on `unseen` data, both with batch statistics of x."""
    statistics = calibrate(networks, x, forward, chunk)
    return tuple(
        torch.cat([forward(networks, rows[None], statistics=statistics) for rows in part.split(chunk or len(part))], 2)
        for part in (x, unseen)
    )


def error(logits: Tensor, y: Tensor) -> Tensor:
    """Share of wrong answers (R,) of logits (R, classes, rows)."""
    return (logits.argmax(1) != y).double().mean(1)


def between(a: Networks, b: Networks, t: float) -> Networks:
    """The networks (1 - t) a + t b."""
    return a.map(lambda one, other: torch.lerp(one, other, t), b)


@torch.no_grad()
def line(
    a: Networks,
    b: Networks,
    x: Tensor,
    y: Tensor,
    recalibrate: bool = True,
    forward: Forward = forward,
    chunk: int | None = None,
) -> np.ndarray:
    """Training errors (R, 11) along the straight lines from networks `a` to networks `b`.

    The mean activations of a network between two others are not between theirs, so batch statistics are computed again
    at every place. With recalibrate=False they are interpolated like weights, which makes barriers of its own.
    """
    ends = [] if recalibrate else [calibrate(networks, x, forward, chunk) for networks in (a, b)]
    errors = []
    for t in np.linspace(0, 1, PLACES):
        mixed = between(a, b, float(t))
        if recalibrate:
            used = calibrate(mixed, x, forward, chunk) if chunk and chunk < len(x) else None
        else:
            used = [
                tuple(torch.lerp(one, other, float(t)) for one, other in zip(*layer, strict=True))
                for layer in zip(*ends, strict=True)
            ]
        logits = [forward(mixed, rows[None], statistics=used) for rows in x.split(chunk or len(x))]
        errors.append(error(torch.cat(logits, 2), y))
    return torch.stack(errors, 1).cpu().numpy()

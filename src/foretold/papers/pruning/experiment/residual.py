"""Residual networks on images for the pruning chapter, many of them as one: grouped convolutions, a group a replica.

`batched.Networks` holds their parameters: weights are convolutions (R, out, in, k, k) in the order in which they
are used, a block's shortcut after its two, and last the classifier (R, classes, width); gains and shifts are those of
the batch normalisations. All else (training, pruning, straight lines) is that of `batched`.
"""

from __future__ import annotations

import gzip
import tarfile
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from foretold import data as files
from foretold.papers.pruning import experiment
from foretold.papers.pruning.experiment import batched
from foretold.papers.pruning.experiment.batched import EPS, Networks


@dataclass(frozen=True)
class Images:
    """Images (n, channels, height, width), centred and scaled; training shifts them by up to `shift` pixels and, with
    `flip`, mirrors half of them."""

    name: str
    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor
    shift: int
    flip: bool

    @classmethod
    def best(cls, rng: np.random.Generator, device: torch.device, limit: int | None = None) -> Images:
        """The most demanding images that this machine has: CIFAR-10 (registry: cifar-10), else 5,000 digits of MNIST
        (registry: mnist-5k), else the digits of scikit-learn, which are always there. `limit` caps the training set."""
        if files.available("cifar-10"):
            train, test = _cifar(files.fetch("cifar-10"))
            return cls._made("CIFAR-10", *train, *test, 4, True, device, limit)
        if files.available("mnist-5k"):
            with gzip.open(files.fetch("mnist-5k"), "rt") as lines:
                rows = np.loadtxt(lines, delimiter=",", dtype=np.uint8)
            pixels, classes, name = rows[:, :-1].reshape(-1, 1, 28, 28), rows[:, -1], "MNIST, 5,000 digits"
            pixels = np.pad(pixels, ((0, 0), (0, 0), (2, 2), (2, 2)))
        else:
            from sklearn.datasets import load_digits

            digits = load_digits()
            pixels, classes, name = digits.images[:, None], digits.target, "scikit-learn's digits"
        order, half = rng.permutation(len(classes)), len(classes) // 2
        pixels, classes = pixels[order], classes[order]
        halves = pixels[:half], classes[:half], pixels[half:], classes[half:]
        return cls._made(name, *halves, 2 if pixels.shape[-1] == 32 else 1, False, device, limit)

    @classmethod
    def _made(cls, name, x, y, x_test, y_test, shift, flip, device, limit):  # type: ignore[no-untyped-def]
        x, y = x[:limit], y[:limit]
        centre, spread = x.mean((0, 2, 3), keepdims=True), x.std((0, 2, 3), keepdims=True)
        scaled = [torch.tensor((part - centre) / spread, dtype=torch.float32, device=device) for part in (x, x_test)]
        classes = [torch.tensor(part.astype(np.int64), device=device) for part in (y, y_test)]
        return cls(name, scaled[0], classes[0], scaled[1], classes[1], shift, flip)

    def augmented(self, generator: torch.Generator):  # type: ignore[no-untyped-def]
        """A function of row numbers (streams, batch) and the step: these images, moved by up to `shift` pixels
        and, with `flip`, half of them mirrored. `generator` lives where the images are."""
        size, wide = self.x.shape[-1], F.pad(self.x, [self.shift] * 4)

        def view(index: Tensor, step: int) -> Tensor:
            place = torch.arange(size, device=self.x.device)
            moves = torch.randint(2 * self.shift + 1, (2, *index.shape, 1), generator=generator, device=place.device)
            rows, columns = (move + place for move in moves)
            if self.flip:
                mirrored = torch.rand((*index.shape, 1), generator=generator, device=place.device) < 0.5
                columns = torch.where(mirrored, columns.flip(-1), columns)
            channel = torch.arange(self.x.shape[1], device=place.device).view(-1, 1, 1)
            return wide[index[..., None, None, None], channel, rows[:, :, None, :, None], columns[:, :, None, None, :]]

        return view


def _cifar(path):  # type: ignore[no-untyped-def]
    """(images, classes) for training and testing from the binary archive: records of one class and 3,072 pixels."""
    with tarfile.open(path) as archive:
        members = {name.rsplit("/", 1)[-1]: name for name in archive.getnames()}
        read = lambda name: np.frombuffer(archive.extractfile(members[name]).read(), np.uint8).reshape(-1, 3073)  # noqa: E731
        train = np.concatenate([read(f"data_batch_{i}.bin") for i in range(1, 6)])
        test = read("test_batch.bin")
    return [(part[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32), part[:, 0]) for part in (train, test)]


def initial(
    channels: int,
    classes: int,
    width: int,
    blocks: int,
    replicas: int,
    generator: torch.Generator,
    device: torch.device,
) -> Networks:
    """R pre-activation residual networks of 6 * blocks + 2 layers: stages of width, 2 width and 4 width channels; He's
    initial weights. `generator` on the CPU."""
    shapes, norms, into = [(width, channels, 3)], [], width
    for stage in range(3):
        out = width * 2**stage
        for _ in range(blocks):
            shapes += [(out, into, 3), (out, out, 3)] + ([(out, into, 1)] if into != out else [])
            norms += [into, out]
            into = out
    norms.append(into)
    weights = [
        torch.randn(replicas, out, i, k, k, generator=generator) * (2 / (i * k * k)) ** 0.5 for out, i, k in shapes
    ]
    weights.append(torch.randn(replicas, classes, into, generator=generator) * into**-0.5)
    return Networks(
        [weight.to(device) for weight in weights],
        [torch.ones(replicas, n, device=device) for n in norms],
        [torch.zeros(replicas, n, device=device) for n in norms],
        torch.zeros(replicas, classes, 1, device=device),
    )


def forward(
    networks: Networks, x: Tensor, statistics: list[tuple[Tensor, Tensor]] | None = None, collect: list | None = None
) -> Tensor:
    """Logits (R, classes, n) for images `x` (streams, n, channels, height, width); otherwise as `batched.forward`.

    On CUDA the convolutions run in bfloat16. Activations are (n, R * channels, height, width).
    """
    replicas, streams, n = networks.replicas, x.shape[0], x.shape[1]
    weights, norms = iter(networks.weights[:-1]), iter(range(len(networks.gains)))

    def convolve(h: Tensor, groups: int, stride: int = 1) -> Tensor:
        weight = next(weights)
        return F.conv2d(h, weight.flatten(0, 1), stride=stride, padding=weight.shape[-1] // 2, groups=groups)

    def normalise(h: Tensor) -> Tensor:
        layer = next(norms)
        gain, shift = networks.gains[layer].flatten(), networks.shifts[layer].flatten()
        if collect is not None:
            variance, mean = torch.var_mean(h.float(), dim=(0, 2, 3), correction=0)
            collect.append((mean, variance))
        mean, variance = (None, None) if statistics is None else statistics[layer]
        return F.relu(F.batch_norm(h, mean, variance, gain, shift, training=statistics is None, eps=EPS))

    blocks = (len(networks.gains) - 1) // 6
    with torch.autocast(x.device.type, dtype=torch.bfloat16, enabled=x.device.type == "cuda"):
        h = convolve(x.transpose(0, 1).flatten(1, 2), streams)
        for block in range(3 * blocks):
            wider = block > 0 and block % blocks == 0
            stride = 2 if wider else 1
            ready = normalise(h)
            inner = normalise(convolve(ready, replicas, stride))
            inner = convolve(inner, replicas)
            h = inner + (convolve(ready, replicas, stride) if wider else h)
        h = normalise(h).float().mean((2, 3)).view(n, replicas, -1).permute(1, 2, 0)
    return torch.baddbmm(networks.bias, networks.weights[-1], h)


@dataclass(frozen=True)
class Plan:
    """What is trained: sizes of the networks, the schedule, and the grid of the experiment."""

    width: int
    blocks: int
    epochs: int
    stops: tuple[int, ...]
    densities: tuple[float, ...]
    batch: int = 128
    rate: float = 0.1
    parents: int = 2
    children: int = 2
    chunk: int = 1_000


def run(images: Images, plan: Plan, generator: torch.Generator) -> experiment.Grid:
    """The experiment of `grid` with residual networks: parents stopped at `plan.stops`, pruned per
    layer to `plan.densities`, retrained from a new learning rate, children measured alone and in pairs."""
    device, rows = images.x.device, len(images.x)
    batch = min(plan.batch, rows)
    rates = batched.schedule(plan.epochs, rows // batch, plan.rate)

    def fit(networks: Networks, streams: int, **more):  # type: ignore[no-untyped-def]
        own = experiment.streams(generator, streams)
        orders = batched.batches(rows, batch, plan.epochs, own).to(device)
        seed = int(torch.randint(2**62, (1,), generator=generator))
        view = images.augmented(torch.Generator(device=device).manual_seed(seed))
        return batched.train(
            networks, images.x, images.y, orders, rates, decay=1e-4, forward=forward, view=view, **more
        )

    classes = int(images.y.max()) + 1
    dense = initial(images.x.shape[1], classes, plan.width, plan.blocks, plan.parents, generator, device)
    _, kept = fit(dense, plan.parents, snapshots=[stop * (rows // batch) for stop in plan.stops])
    stages = [kept[stop * (rows // batch)] for stop in plan.stops]
    parents = stages[0].map(lambda *tensors: torch.stack(tensors, 1).flatten(0, 1), *stages[1:])
    index = experiment.family(plan.parents, plan.children, len(plan.stops), len(plan.densities)).to(device)
    children = parents.take(index)
    masks = batched.prune(children, list(plan.densities) * (len(index) // len(plan.densities)))
    fit(children, plan.parents * plan.children, masks=masks)
    return experiment.measure(
        parents, children, images, plan, plan.stops, plan.densities, forward=forward, chunk=plan.chunk
    )


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

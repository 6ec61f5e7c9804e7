"""The pruning chapter's experiment: a grid of temperatures, densities, parents and children, trained at once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from foretold.kit.uncertainty import mean_interval
from foretold.papers.pruning import idea
from foretold.papers.pruning.experiment import batched
from foretold.papers.pruning.experiment.batched import Networks


@dataclass(frozen=True)
class Setting:
    """One experiment: the networks' hidden widths, and how dense networks and pruned ones are trained."""

    hidden: tuple[int, ...] = (32, 32, 32)
    epochs: int = 32
    rate: float = 0.1
    batch: int = 60
    parents: int = 4
    children: int = 2
    together: int = 128  # networks that are trained side by side: as many as the processor's cache holds


@dataclass(frozen=True)
class Data:
    """Training and test data: x (n, inputs), y (n,)."""

    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor

    @classmethod
    def digits(cls, rng: np.random.Generator, device: torch.device, train: int = 900) -> Data:
        """The 1,797 digits of scikit-learn, 8 x 8 pixels, centred and divided by their standard deviation; `train` of
        them at random for training, the others for testing."""
        from sklearn.datasets import load_digits

        pixels, classes = load_digits(return_X_y=True)
        if not 0 < train < len(pixels):
            raise ValueError(f"train is {train!r}; allowed is a number from 1 to {len(pixels) - 1}")
        order = rng.permutation(len(pixels))
        x = torch.tensor((pixels[order] - pixels.mean()) / pixels.std(), dtype=torch.float32, device=device)
        y = torch.tensor(classes[order], device=device)
        return cls(x[:train], y[:train], x[train:], y[train:])


def streams(generator: torch.Generator, count: int) -> list[torch.Generator]:
    """`count` generators whose seeds are drawn from one."""
    seeds = torch.randint(2**62, (count,), generator=generator).tolist()
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def dense(
    data: Data,
    setting: Setting,
    generator: torch.Generator,
    epochs: Sequence[int] | None = None,
    rho: Sequence[float] | None = None,
) -> Networks:
    """Dense parents at every temperature, replica = parent * temperatures + temperature.

    Temperatures are either `epochs`, at which one and the same training is stopped, or radii `rho` of SAM, with full
    training. Parents differ in first weights and batches. Raises ValueError unless exactly one of the two is given, and
    for epochs beyond the setting's.
    """
    if (epochs is None) == (rho is None):
        raise ValueError(f"epochs is {epochs!r} and rho is {rho!r}; allowed is exactly one of them")
    if epochs is not None and not all(1 <= epoch <= setting.epochs for epoch in epochs):
        raise ValueError(f"epochs is {epochs!r}; allowed are numbers from 1 to {setting.epochs}")
    device, per_epoch = data.x.device, len(data.x) // setting.batch
    sizes = (data.x.shape[1], *setting.hidden, int(data.y.max()) + 1)
    networks = Networks.initial(sizes, setting.parents, generator, device)
    own = streams(generator, setting.parents)
    orders = batched.batches(len(data.x), setting.batch, setting.epochs, own).to(device)
    rates = batched.schedule(setting.epochs, per_epoch, setting.rate)
    if rho is not None:
        radii = torch.tensor(list(rho) * setting.parents, dtype=torch.float32, device=device)
        networks = networks.map(lambda tensor: tensor.repeat_interleave(len(rho), 0))
        batched.train(networks, data.x, data.y, orders, rates, rho=radii)
        return networks
    _, kept = batched.train(networks, data.x, data.y, orders, rates, snapshots=[epoch * per_epoch for epoch in epochs])
    stages = [kept[epoch * per_epoch] for epoch in epochs]
    return stages[0].map(lambda *tensors: torch.stack(tensors, 1).flatten(0, 1), *stages[1:])


def family(parents: int, children: int, temperatures: int, densities: int) -> Tensor:
    """For each child, numbered as `retrain` says, the number of its dense parent as `dense` counts."""
    number = torch.arange(parents * temperatures).view(parents, 1, temperatures, 1)
    return number.expand(-1, children, -1, densities).flatten()


def retrain(
    parents: Networks, data: Data, setting: Setting, densities: Sequence[float], generator: torch.Generator
) -> tuple[Networks, list[Tensor]]:
    """Children of every parent at every density, and their masks; the learning rate starts again, weights do not.

    Replica = ((parent * children + child) * temperatures + temperature) * densities + density. Children of a parent
    begin with the same pruned weights and differ in the order of their batches.
    """
    device, per_epoch = data.x.device, len(data.x) // setting.batch
    temperatures = parents.replicas // setting.parents
    index = family(setting.parents, setting.children, temperatures, len(densities)).to(device)
    networks = parents.take(index)
    masks = batched.prune(networks, list(densities) * (len(index) // len(densities)))
    own = streams(generator, setting.parents * setting.children)
    orders = batched.batches(len(data.x), setting.batch, setting.epochs, own).to(device)
    rates = batched.schedule(setting.epochs, per_epoch, setting.rate)
    cells = temperatures * len(densities)
    step = max(1, setting.together // cells)  # streams at a time
    done = []
    for first in range(0, len(own), step):
        some = slice(first * cells, (first + step) * cells)
        part = networks.take(some)
        batched.train(part, data.x, data.y, orders[first : first + step], rates, masks=[mask[some] for mask in masks])
        done.append(part)
    return done[0].map(lambda *tensors: torch.cat(tensors), *done[1:]), masks


@dataclass(frozen=True)
class Grid:
    """What was measured; arrays are (parents, temperatures, densities), means over the children or pairs of children
    of a parent. `curves` has 11 places more, `dense_error` no densities."""

    temperatures: tuple[float, ...]
    densities: tuple[float, ...]
    test_error: np.ndarray
    train_error: np.ndarray
    curves: np.ndarray
    lmc: np.ndarray
    barrier: np.ndarray
    cka: np.ndarray
    dense_error: np.ndarray

    def table(self, name: str) -> pd.DataFrame:
        """`name` as "mean ± half width of the interval", rows temperatures, columns densities in per cent; errors and
        connectivity in points."""
        middle, low, _ = mean_interval(getattr(self, name) * (1 if name == "cka" else 100))
        digits = 3 if name == "cka" else 1
        cells = [
            [f"{m:.{digits}f} ± {m - a:.{digits}f}" for m, a in zip(*row, strict=True)]
            for row in zip(middle, low, strict=True)
        ]
        rows = pd.Index([f"{value:g}" for value in self.temperatures], name="temperature")
        return pd.DataFrame(cells, rows, [f"{100 * density:g}%" for density in self.densities])

    def column(self, density: float) -> int:
        """Where a density stands. Raises ValueError if it was not measured."""
        if density not in self.densities:
            raise ValueError(f"density is {density!r}; allowed are {', '.join(map(str, self.densities))}")
        return self.densities.index(density)

    def gap(self, densities: Sequence[float], worse: float, better: float) -> np.ndarray:
        """(parents,): test error at temperature `worse` minus that at `better`, a parent's mean over `densities`."""
        columns = [self.column(density) for density in densities]
        one, other = (self.temperatures.index(temperature) for temperature in (worse, better))
        return (self.test_error[:, one, columns] - self.test_error[:, other, columns]).mean(-1)


def similarity(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Linear CKA of softmax outputs (..., n, classes), one pair for each leading index. Pruned far enough, a network
    may answer the same for every example; it shares nothing with any other, and counts as 0."""
    live = np.all([np.ptp(values, axis=-2).max(-1) > 0 for values in (x, y)], axis=0)
    found = np.zeros(live.shape)
    found[live] = idea.linear_cka(x[live], y[live]) if live.any() else 0
    return found


def measure(
    parents: Networks,
    children: Networks,
    data: Any,
    setting: Any,
    temperatures: Sequence[float],
    densities: Sequence[float],
    **how: Any,
) -> Grid:
    """Errors of all children, and connectivity and similarity of all pairs of children of one parent. `data` has x, y,
    x_test and y_test, `setting` parents and children; `how` goes to `batched.outputs` and `batched.line`."""
    shape = (setting.parents, setting.children, len(temperatures), len(densities))
    seen, unseen = batched.outputs(children, data.x, data.x_test, **how)
    test, train = (
        batched.error(logits, y).view(shape).cpu().numpy() for logits, y in ((unseen, data.y_test), (seen, data.y))
    )
    answers = torch.softmax(seen, 1).transpose(1, 2).unflatten(0, shape).cpu().numpy()
    number = torch.arange(children.replicas, device=data.x.device).view(shape)
    curves, similar = [], []
    for one, other in itertools.combinations(range(setting.children), 2):
        a, b = (children.take(number[:, child].flatten()) for child in (one, other))
        curves.append(batched.line(a, b, data.x, data.y, **how).reshape(shape[0], *shape[2:], -1))
        similar.append(similarity(answers[:, one], answers[:, other]))
    _, alone = batched.outputs(parents, data.x, data.x_test, **how)
    return Grid(
        tuple(temperatures),
        tuple(densities),
        test.mean(1),
        train.mean(1),
        np.mean(curves, 0),
        np.mean([idea.linear_mode_connectivity(curve) for curve in curves], 0),
        np.mean([idea.barrier(curve) for curve in curves], 0),
        np.mean(similar, 0),
        batched.error(alone, data.y_test).view(shape[0], shape[2]).cpu().numpy(),
    )


def grid(
    data: Data,
    setting: Setting,
    densities: Sequence[float],
    generator: torch.Generator,
    epochs: Sequence[int] | None = None,
    rho: Sequence[float] | None = None,
) -> Grid:
    """Train dense parents at every temperature (`epochs` or `rho`, see `dense`), prune them to every density, retrain,
    and measure. Everything of one stage is one batched model."""
    parents = dense(data, setting, generator, epochs, rho)
    children, _ = retrain(parents, data, setting, densities, generator)
    return measure(parents, children, data, setting, epochs if epochs is not None else rho, densities)


def by_batch(
    data: Data, setting: Setting, batch: int, steps: int, densities: Sequence[float], generator: torch.Generator
) -> Grid:
    """`grid` with one temperature, the batch size of dense training (small is hot), for a given number of steps."""
    sizes = (data.x.shape[1], *setting.hidden, int(data.y.max()) + 1)
    networks = Networks.initial(sizes, setting.parents, generator, data.x.device)
    epochs = -(-steps // (len(data.x) // batch))
    orders = batched.batches(len(data.x), batch, epochs, streams(generator, setting.parents))[:, :steps]
    batched.train(networks, data.x, data.y, orders.to(data.x.device), batched.schedule(steps, 1, setting.rate))
    children, _ = retrain(networks, data, setting, densities, generator)
    return measure(networks, children, data, setting, [batch], densities)

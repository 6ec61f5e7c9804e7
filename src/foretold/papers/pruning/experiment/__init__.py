"""The pruning chapter's experiment: a grid of temperatures, densities, parents and children, trained at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from foretold.kit.uncertainty import mean_interval
from foretold.papers.pruning import idea
from foretold.papers.pruning.data import Data
from foretold.papers.pruning.experiment import batched
from foretold.papers.pruning.experiment.batched import Networks

CHILDREN = 2  # of each pruned parent


@dataclass(frozen=True)
class Setting:
    """One experiment: the networks' hidden widths, and how dense networks and pruned ones are trained."""

    hidden: tuple[int, ...] = (32, 32, 32)
    epochs: int = 32
    rate: float = 0.1
    batch: int = 60
    parents: int = 4
    together: int = 128  # networks that are trained side by side: as many as the processor's cache holds


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
    own = batched.streams(generator, setting.parents)
    orders = batched.orders(len(data.x), setting.batch, setting.epochs, own)
    batches = batched.batches(data.x, data.y, orders)
    rates = batched.schedule(setting.epochs, per_epoch, setting.rate)
    if rho is not None:
        radii = torch.tensor(list(rho) * setting.parents, dtype=torch.float32, device=device)
        networks = networks.map(lambda tensor: tensor.repeat_interleave(len(rho), 0))
        batched.train(networks, batches, rates, rho=radii)
        return networks
    snapshots = [epoch * per_epoch for epoch in epochs]
    _, kept = batched.train(networks, batches, rates, snapshots=snapshots)
    return by_temperature([kept[step] for step in snapshots])


def by_temperature(copies: Sequence[Networks]) -> Networks:
    """Copies of the same parents, one for each temperature, as one: replica = parent * temperatures + temperature."""
    return copies[0].map(lambda *tensors: torch.stack(tensors, 1).flatten(0, 1), *copies[1:])


def family(parents: int, temperatures: int, densities: int) -> Tensor:
    """For each child, numbered as `retrain` says, the number of its dense parent as `dense` counts."""
    number = torch.arange(parents * temperatures).view(parents, 1, temperatures, 1)
    return number.expand(-1, CHILDREN, -1, densities).flatten()


def retrain(
    parents: Networks, data: Data, setting: Setting, densities: Sequence[float], generator: torch.Generator
) -> tuple[Networks, list[Tensor]]:
    """Children of every parent at every density, and their masks; the learning rate starts again, weights do not.

    Replica = ((parent * children + child) * temperatures + temperature) * densities + density. Children of a parent
    begin with the same pruned weights and differ in the order of their batches.
    """
    device, per_epoch = data.x.device, len(data.x) // setting.batch
    temperatures = parents.count // setting.parents
    index = family(setting.parents, temperatures, len(densities)).to(device)
    networks = parents.take(index)
    masks = batched.prune(networks, list(densities) * (len(index) // len(densities)))
    own = batched.streams(generator, setting.parents * CHILDREN)
    orders = batched.orders(len(data.x), setting.batch, setting.epochs, own)
    rates = batched.schedule(setting.epochs, per_epoch, setting.rate)
    cells = temperatures * len(densities)
    step = max(1, setting.together // cells)  # streams at a time
    done = []
    for first in range(0, len(own), step):
        some = slice(first * cells, (first + step) * cells)
        part = networks.take(some)
        batches = batched.batches(data.x, data.y, orders[first : first + step])
        batched.train(part, batches, rates, masks=[mask[some] for mask in masks])
        done.append(part)
    return done[0].map(lambda *tensors: torch.cat(tensors), *done[1:]), masks


@dataclass(frozen=True)
class Grid:
    """What was measured; arrays are (parents, temperatures, densities), means over the children of a parent.
    `curves` has 11 places more, `dense_error` no densities."""

    temperatures: tuple[float, ...]
    densities: tuple[float, ...]
    test_error: np.ndarray
    curves: np.ndarray
    lmc: np.ndarray
    barrier: np.ndarray
    cka: np.ndarray
    dense_error: np.ndarray

    def error_table(self) -> pd.DataFrame:
        """Test error in % as "mean ± half width of the interval", rows temperatures, columns densities in per cent."""
        middle, low, _ = mean_interval(100 * self.test_error)
        half = middle - low
        rows = []
        for means, halves in zip(middle, half, strict=True):
            rows.append([f"{mean:.1f} ± {width:.1f}" for mean, width in zip(means, halves, strict=True)])
        index = pd.Index([f"{value:g}" for value in self.temperatures], name="temperature")
        return pd.DataFrame(rows, index, [f"{100 * density:g}%" for density in self.densities])

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
    data: Data,
    temperatures: Sequence[float],
    densities: Sequence[float],
    chunk: int | None = None,
) -> Grid:
    """Errors of all children, and connectivity and similarity of the two children of each parent. `chunk` is that of
    `batched.outputs` and `batched.line`."""
    count = parents.count // len(temperatures)
    shape = (count, CHILDREN, len(temperatures), len(densities))
    seen, unseen = batched.outputs(children, data.x, data.x_test, chunk)
    test_error = batched.error(unseen, data.y_test).view(shape).cpu().numpy()
    answers = torch.softmax(seen, 1).transpose(1, 2).unflatten(0, shape).cpu().numpy()
    number = torch.arange(children.count, device=data.x.device).view(shape)
    one, other = (children.take(number[:, child].flatten()) for child in range(CHILDREN))
    curves = batched.line(one, other, data.x, data.y, chunk=chunk).reshape(count, *shape[2:], -1)
    _, alone = batched.outputs(parents, data.x, data.x_test, chunk)
    return Grid(
        tuple(temperatures),
        tuple(densities),
        test_error=test_error.mean(1),
        curves=curves,
        lmc=idea.linear_mode_connectivity(curves),
        barrier=idea.barrier(curves),
        cka=similarity(answers[:, 0], answers[:, 1]),
        dense_error=batched.error(alone, data.y_test).view(count, len(temperatures)).cpu().numpy(),
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
    return measure(parents, children, data, epochs if epochs is not None else rho, densities)


def by_batch(
    data: Data, setting: Setting, batch: int, steps: int, densities: Sequence[float], generator: torch.Generator
) -> Grid:
    """`grid` with one temperature, the batch size of dense training (small is hot), for a given number of steps."""
    sizes = (data.x.shape[1], *setting.hidden, int(data.y.max()) + 1)
    networks = Networks.initial(sizes, setting.parents, generator, data.x.device)
    epochs = math.ceil(steps / (len(data.x) // batch))
    orders = batched.orders(len(data.x), batch, epochs, batched.streams(generator, setting.parents))[:, :steps]
    rates = batched.schedule(steps, 1, setting.rate)
    batched.train(networks, batched.batches(data.x, data.y, orders), rates)
    children, _ = retrain(networks, data, setting, densities, generator)
    return measure(networks, children, data, [batch], densities)

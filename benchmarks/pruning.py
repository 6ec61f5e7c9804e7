"""The pruning chapter's batched grid beside one network after another and beside torch.func.vmap: seconds and losses.

    OMP_NUM_THREADS=1 python benchmarks/pruning.py            # on a GPU where there is one: --device cuda

prints the table of benchmarks/README.md in a minute or two. Nothing here is a timed test. All train pruned networks of
the chapter's size on the same batches, with the same masks, by SGD with momentum and weight decay. The grid is trained
in full (420 networks, 480 steps); the others on some of its networks, which is enough for seconds a network. Losses are
asserted to agree: in single precision for the first steps, in double precision for all 480, to 1e-6.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foretold.papers.pruning import data, experiment
from foretold.papers.pruning.experiment import batched
from foretold.papers.pruning.experiment.batched import Networks

SIZES, STREAMS, CELLS, EPOCHS, BATCH = (64, 32, 32, 32, 10), 12, 35, 32, 60
DENSITIES = (0.03, 0.05, 0.1, 0.2, 0.5)
SETTINGS = {"lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4}
ALONE, VMAPPED = 12, 64  # networks
ROUNDS = 3
FIRST = 5  # steps in which single precision still agrees; training amplifies rounding


def module(networks: Networks, replica: int) -> nn.Module:
    """One network of the grid as torch's own modules."""
    layers: list[nn.Module] = []
    for weight in networks.weights[:-1]:
        linear = nn.Linear(weight.shape[2], weight.shape[1], bias=False)
        linear.weight.data = weight[replica].clone()
        norm = nn.BatchNorm1d(weight.shape[1], track_running_stats=False)
        layers += [linear, norm.to(weight), nn.ReLU()]
    last = nn.Linear(SIZES[-2], SIZES[-1])
    last.weight.data, last.bias.data = networks.weights[-1][replica].clone(), networks.bias[replica, :, 0].clone()
    return nn.Sequential(*layers, last)


def alone(
    net: nn.Module, masks: list[Tensor], x: Tensor, y: Tensor, order: Tensor, rates: list[float], fused: bool
) -> list[float]:
    """Train one network as one does: a loop over batches."""
    optimiser = torch.optim.SGD(net.parameters(), fused=fused, **SETTINGS)
    hidden = [layer for layer in net if isinstance(layer, nn.Linear)][:-1]
    losses = []
    for rate, rows in zip(rates, order, strict=True):
        optimiser.param_groups[0]["lr"] = rate
        optimiser.zero_grad()
        loss = F.cross_entropy(net(x[rows]), y[rows])
        loss.backward()
        with torch.no_grad():
            for layer, mask in zip(hidden, masks, strict=True):
                layer.weight.grad.mul_(mask)
        optimiser.step()
        losses.append(loss.detach())
    return torch.stack(losses).tolist()


def vmapped(
    nets: list[nn.Module], masks: list[Tensor], x: Tensor, y: Tensor, orders: Tensor, rates: list[float]
) -> Tensor:
    """Train several networks by torch.func.vmap over stacked parameters, as torch's ensembling tutorial does."""
    parameters, _ = torch.func.stack_module_state(nets)
    base = nets[0]
    optimiser = torch.optim.SGD(list(parameters.values()), **SETTINGS)
    hidden = [name for name, value in parameters.items() if name.endswith("weight") and value.ndim == 3][:-1]

    def loss(state: dict[str, Tensor], rows: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        value = F.cross_entropy(torch.func.functional_call(base, state, (rows,)), target)
        return value, value

    gradients = torch.func.vmap(torch.func.grad(loss, has_aux=True))
    losses = []
    for step, rate in enumerate(rates):
        optimiser.param_groups[0]["lr"] = rate
        index = orders[:, step]
        found, values = gradients(parameters, x[index], y[index])
        for name, parameter in parameters.items():
            parameter.grad = found[name]
        for name, mask in zip(hidden, masks, strict=True):
            parameters[name].grad.mul_(mask)
        optimiser.step()
        losses.append(values.detach())
    return torch.stack(losses)


def timed(function: Callable[[], Tensor], device: torch.device) -> tuple[float, Tensor]:
    """Seconds of a call, and its result."""
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    wait()
    began = time.perf_counter()
    result = function()
    wait()
    return time.perf_counter() - began, result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    device = torch.device(parser.parse_args().device)
    digits = data.digits(np.random.default_rng(0), device)
    generator = torch.Generator().manual_seed(0)
    replicas = STREAMS * CELLS
    start = Networks.initial(SIZES, replicas, generator, device)
    masks = batched.prune(start, list(DENSITIES) * (replicas // len(DENSITIES)))
    own = batched.streams(generator, STREAMS)
    orders = batched.orders(len(digits.x), BATCH, EPOCHS, own).to(device)
    rates = batched.schedule(EPOCHS, len(digits.x) // BATCH, 0.1)

    def grid(networks: Networks, x: Tensor, count: int) -> Tensor:
        step, losses = (max(1, experiment.Setting.together // CELLS) if device.type == "cpu" else count), []
        step = min(step, count)
        for first in range(0, count, step):
            some = slice(first * CELLS, (first + step) * CELLS)
            part = networks.take(some)
            kept = [mask[some] for mask in masks]
            seen = batched.batches(x, digits.y, orders[first : first + step])
            losses.append(batched.train(part, seen, rates, masks=kept)[0])
        return torch.cat(losses, 1)

    def each(networks: Networks, x: Tensor, count: int, fused: bool = False) -> Tensor:
        rows = [
            alone(module(networks, r), [mask[r] for mask in masks], x, digits.y, orders[r // CELLS], rates, fused)
            for r in range(count)
        ]
        return torch.tensor(rows, dtype=torch.float64, device=device).T

    def ensemble(networks: Networks, x: Tensor, count: int) -> Tensor:
        nets = [module(networks, r) for r in range(count)]
        rows = torch.arange(count, device=device) // CELLS
        return vmapped(nets, [mask[:count] for mask in masks], x, digits.y, orders[rows], rates)

    grid(start.take(slice(0, CELLS)), digits.x, 1)  # warms up
    ways = (
        ("one batched grid (ours)", lambda: grid(start, digits.x, STREAMS), replicas),
        ("torch.func.vmap", lambda: ensemble(start, digits.x, VMAPPED), VMAPPED),
        ("one network after another", lambda: each(start, digits.x, ALONE), ALONE),
        ("the same, fused optimiser", lambda: each(start, digits.x, ALONE, fused=True), ALONE),
    )
    best, losses = {}, {}
    for _ in range(ROUNDS):  # in turn, so that a slow minute of the machine is not one way's alone
        for name, run, count in ways:
            taken, losses[name] = timed(run, device)
            best[name] = min(taken / count, best.get(name, taken))
    ours = losses["one batched grid (ours)"]
    for name, _, count in ways:
        apart = float((losses[name][:FIRST] - ours[:FIRST, :count]).detach().abs().max())
        assert apart < 1e-4, f"{name}: losses differ by {apart}"
    double = start.take(slice(0, CELLS)).map(torch.Tensor.double)
    exact = grid(double, digits.x.double(), 1)
    others = [run(double, digits.x.double(), 3).detach() for run in (ensemble, each)]
    apart = max(float((other - exact[:, :3]).abs().max()) for other in others)
    assert apart < 1e-6, f"double precision: losses differ by {apart}"
    agreed = f"double precision: losses of all {len(rates)} steps agree to {apart:.0e}"
    print(f"Python {sys.version.split()[0]}, torch {torch.__version__}, {device}; {agreed}")
    show({name: count for name, _, count in ways}, best)


def show(counts: dict[str, int], best: dict[str, float]) -> None:
    """The table: networks trained, and seconds a network, of each way."""
    print("| way | networks trained | ms a network | times |\n|---|---:|---:|---:|")
    for name, count in counts.items():
        print(f"| {name} | {count} | {1000 * best[name]:.1f} | {best[name] / best['one batched grid (ours)']:.1f} |")


if __name__ == "__main__":
    main()

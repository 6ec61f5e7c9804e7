"""The paging chapter's experiment: cost over the optimum when bits are turned round at a given rate, or learned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from foretold.kit import check
from foretold.kit.uncertainty import mean_interval
from foretold.papers.paging import idea

Array = NDArray[Any]
PHASE_POLICIES = ("mark_predict",)  # the others that take advice take discard bits
Run = tuple[str, float, int, int, int]  # policy, threshold, cost, eta0, eta1
MEASURED = ["ratio", "low", "high", "eta0", "eta1"]


def measure(
    traces: Sequence[Array],
    k: int,
    policies: Sequence[str],
    rates: Sequence[float],
    runs: int,
    rng: np.random.Generator,
    side: str = "both",
) -> pd.DataFrame:
    """Cost of `policies` on `traces` together, over the optimum, when true bits of `side` are turned round at `rates`.

    Each of `runs` runs draws new flips and new coins; low and high are 1.96 standard errors over runs. A row has k,
    side, policy, rate, ratio, low, high, and eta0, eta1 and errors (their sum), means over runs relative to the
    optimum. Policies without advice get one row, at rate 0. Raises ValueError as `paging.simulate` and
    `paging.flip_bits` do, and for runs < 2.
    """
    check.whole("runs", runs, 2)
    optimum = sum(idea.optimal_cost(trace, k) for trace in traces)
    rows = []
    for policy in policies:
        advised = [(trace, _true_bits(policy, trace, k)) for trace in traces]
        for rate in (0.0,) if policy in idea.WITHOUT_BITS else rates:
            found = [_one_run(policy, advised, k, rate, rng, side) for _ in range(runs)]
            costs, zeros, ones = np.array(found).T
            ratio = mean_interval(costs / optimum, "normal")
            eta0, eta1 = zeros.mean() / optimum, ones.mean() / optimum
            rows.append((k, side, policy, rate, *ratio, eta0, eta1, eta0 + eta1))
    return pd.DataFrame(rows, columns=["k", "side", "policy", "rate", *MEASURED, "errors"])


def _true_bits(policy: str, trace: Array, k: int) -> Array | None:
    """The bits that the policy would like to have, (n,), or None if it takes no advice."""
    if policy in idea.WITHOUT_BITS:
        return None
    return idea.phase_bits(trace, k) if policy in PHASE_POLICIES else idea.discard_bits(trace, k)


def _one_run(
    policy: str, advised: Sequence[tuple[Array, Array | None]], k: int, rate: float, rng: np.random.Generator, side: str
) -> Array:
    """(cost, eta0, eta1) on all traces together, each given with its true bits."""
    total = np.zeros(3)
    for trace, truth in advised:
        bits = None if truth is None else idea.flip_bits(truth, rate, rng, side)
        total[0] += idea.simulate(policy, trace, k, bits, rng)
        if bits is not None:
            total[1:] += idea.error_counts(bits, truth)
    return total


def sides(
    name: str, trace: Array, k: int, rates: Mapping[str, Sequence[float]], runs: int, rng: np.random.Generator
) -> pd.DataFrame:
    """`measure` for Flush and Mark0 with one-sided flips, `rates` for each side, as *extra* faults over the optimum:
    the optimum is taken off ratio, low and high."""
    policies = ["flush", "mark0"]
    parts = [measure(name, [trace], k, policies, some, runs, rng, side) for side, some in rates.items()]
    found = pd.concat(parts)
    found[["ratio", "low", "high"]] -= 1
    return found


# A learned adviser: what is known at a request, and a small network that predicts one bit

GAPS = 3
SCALES = np.array([20.0, 200.0, 2_000.0])  # requests
WIDTH = 32


def features(trace: Array) -> Array:
    """What is known at each request, (n, 7): the page's last 3 gaps between requests, how often it has come, three
    counts that forget with time constants of 20, 200 and 2,000 requests; logarithms, float32.

    Nothing looks ahead: row t depends on requests up to t. A gap that does not exist yet counts as the time since the
    start, plus one. Raises ValueError as `paging.check_trace` does.
    """
    requests, pages = idea.check_trace(trace)
    last, count = np.full((pages, GAPS + 1), -1.0), np.zeros(pages)
    fading, touched = np.zeros((pages, len(SCALES))), np.zeros(pages)
    rows = np.empty((len(requests), GAPS + 1 + len(SCALES)), np.float32)
    for t, page in enumerate(requests):
        last[page, 1:] = last[page, :-1]
        last[page, 0] = t
        fading[page] = fading[page] * np.exp((touched[page] - t) / SCALES) + 1
        touched[page] = t
        count[page] += 1
        rows[t, :GAPS] = last[page, :-1] - last[page, 1:]
        rows[t, GAPS] = count[page]
        rows[t, GAPS + 1 :] = fading[page]
    return np.log(np.maximum(rows, 1e-3))


def train(x: Array, bits: Array, generator: torch.Generator, device: torch.device, epochs: int) -> nn.Module:
    """A network with one hidden layer of 32 that gives the logit of bit 1, fitted to `x` (n, features) and `bits` (n,)
    by cross-entropy: Adam, batches of 256, a learning rate that falls from 0.01 to 0 over the epochs.

    `generator` (on the CPU) makes the first weights and the order of the batches. Raises ValueError for unequal
    lengths, bits that are not 0 or 1, and epochs < 1.
    """
    target = torch.tensor(idea.check_bits("bits", bits, len(x)), dtype=torch.float32, device=device)
    check.whole("epochs", epochs, 1)
    rows = torch.tensor(x, dtype=torch.float32, device=device)
    network = _initial(rows, generator).to(device)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    batches = [torch.randperm(len(rows), generator=generator).split(256) for _ in range(epochs)]
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, sum(map(len, batches)))
    for batch in (some.to(device) for epoch in batches for some in epoch):
        loss = functional.binary_cross_entropy_with_logits(network(rows[batch])[:, 0], target[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return network


def _initial(rows: Tensor, generator: torch.Generator) -> nn.Module:
    """The network before training: uniform weights, and inputs standardised as `rows` are."""
    layers = [nn.Linear(rows.shape[1], WIDTH), nn.ReLU(), nn.Linear(WIDTH, 1)]
    with torch.no_grad():
        for layer in layers[::2]:
            bound = layer.in_features**-0.5
            for weights in (layer.weight, layer.bias):
                weights.copy_((2 * torch.rand(weights.shape, generator=generator) - 1) * bound)
    return nn.Sequential(_Standardise(rows.mean(0), rows.std(0) + 1e-6), *layers)


class _Standardise(nn.Module):
    """Subtract the training data's mean, divide by its standard deviation."""

    def __init__(self, centre: Tensor, spread: Tensor) -> None:
        super().__init__()
        self.register_buffer("centre", centre)
        self.register_buffer("spread", spread)

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.centre) / self.spread


def probability(network: nn.Module, x: Array) -> Array:
    """The network's probability of bit 1 for each row of `x`, (n,)."""
    device = next(network.parameters()).device
    with torch.no_grad():
        return torch.sigmoid(network(torch.tensor(x, dtype=torch.float32, device=device))[:, 0]).cpu().numpy()


def learned(
    trace: Array,
    k: int,
    thresholds: Sequence[float],
    generators: Sequence[torch.Generator],
    device: torch.device,
    epochs: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Cost of learned advice on the second half of a trace, over its optimum, after training on the first half.

    For each generator one network learns the first half's discard bits and another its phase bits. On the second half
    it says 1 where its probability exceeds a threshold. low and high are 1.96 standard errors over generators (and new
    coins). A row has policy, threshold, ratio, low, high and, relative to the optimum, eta0 and eta1;
    policies without advice stand at threshold 0.5.
    """
    half, x = len(trace) // 2, features(trace)
    past, future = trace[:half], trace[half:]
    runs: list[Run] = []
    for generator in generators:
        runs += [(policy, 0.5, idea.simulate(policy, future, k, None, rng), 0, 0) for policy in ("lru", "marker")]
        for policies in (("flush", "mark0", "follow"), PHASE_POLICIES):
            network = train(x[:half], _true_bits(policies[0], past, k), generator, device, epochs)
            chance = probability(network, x[half:])
            runs += _advised(policies, future, k, chance, thresholds, rng)
    optimum, rows = idea.optimal_cost(future, k), []
    frame = pd.DataFrame(runs, columns=["policy", "threshold", "cost", "eta0", "eta1"])
    for (policy, threshold), some in frame.groupby(["policy", "threshold"], sort=False):
        costs, eta0, eta1 = some[["cost", "eta0", "eta1"]].to_numpy().T / optimum
        rows.append((policy, threshold, *mean_interval(costs, "normal"), eta0.mean(), eta1.mean()))
    return pd.DataFrame(rows, columns=["policy", "threshold", *MEASURED])


def _advised(
    policies: Sequence[str], trace: Array, k: int, chance: Array, thresholds: Sequence[float], rng: np.random.Generator
) -> Iterator[Run]:
    """What policies of one kind of advice pay where a bit is 1 if its chance is above a threshold."""
    truth = _true_bits(policies[0], trace, k)
    for threshold in thresholds:
        bits = chance > threshold
        errors = idea.error_counts(bits, truth)
        for policy in policies:
            yield policy, threshold, idea.simulate(policy, trace, k, bits, rng), *errors

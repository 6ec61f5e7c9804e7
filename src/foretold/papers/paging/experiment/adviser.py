"""A learned adviser for the paging chapter: what is known at a request, and a small network that predicts one bit."""

from __future__ import annotations

import numpy as np
import torch

from foretold.papers.paging import idea

SCALES = (20.0, 200.0, 2_000.0)  # requests


def features(trace: np.ndarray, gaps: int = 3) -> np.ndarray:
    """What is known at each request, (n, gaps + 4): the page's last gaps between requests, how often it has come, three
    counts that forget with time constants of 20, 200 and 2,000 requests; logarithms, float32.

    Nothing looks ahead: row t depends on requests up to t. A gap that does not exist yet counts as the time since the
    start, plus one. Raises ValueError as `paging.check_trace` does.
    """
    requests, pages = idea.check_trace(trace)
    scales = np.array(SCALES)
    last, count = np.full((pages, gaps + 1), -1.0), np.zeros(pages)
    fading, touched = np.zeros((pages, 3)), np.zeros(pages)
    rows = np.empty((len(requests), gaps + 4), np.float32)
    for t, page in enumerate(requests):
        last[page, 1:] = last[page, :-1]
        last[page, 0] = t
        fading[page] = fading[page] * np.exp((touched[page] - t) / scales) + 1
        touched[page] = t
        count[page] += 1
        rows[t, :gaps] = last[page, :-1] - last[page, 1:]
        rows[t, gaps] = count[page]
        rows[t, gaps + 1 :] = fading[page]
    return np.log(np.maximum(rows, 1e-3))


def train(
    x: np.ndarray, bits: np.ndarray, generator: torch.Generator, device: torch.device, epochs: int = 30, width: int = 32
) -> torch.nn.Module:
    """A network with one hidden layer of `width` that gives the logit of bit 1, fitted to `x` (n, features) and `bits`
    (n,) by cross-entropy: Adam, batches of 256, a learning rate that falls from 0.01 to 0 over the epochs.

    `generator` (on the CPU) makes the first weights and the order of the batches. Raises ValueError for unequal
    lengths, bits that are not 0 or 1, and epochs < 1.
    """
    target = torch.tensor(idea.check_bits("bits", bits, len(x)), dtype=torch.float32, device=device)
    if epochs < 1:
        raise ValueError(f"epochs is {epochs!r}; allowed is a whole number of at least 1")
    rows = torch.tensor(x, dtype=torch.float32, device=device)
    centre, spread = rows.mean(0), rows.std(0) + 1e-6
    layers = [torch.nn.Linear(rows.shape[1], width), torch.nn.ReLU(), torch.nn.Linear(width, 1)]
    with torch.no_grad():
        for layer in layers[::2]:
            bound = layer.in_features**-0.5
            for weights in (layer.weight, layer.bias):
                weights.copy_((2 * torch.rand(weights.shape, generator=generator) - 1) * bound)
    network = torch.nn.Sequential(_Standardise(centre, spread), *layers).to(device)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    batches = [torch.randperm(len(rows), generator=generator).split(256) for _ in range(epochs)]
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, sum(map(len, batches)))
    for batch in (b.to(device) for order in batches for b in order):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(network(rows[batch])[:, 0], target[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return network


class _Standardise(torch.nn.Module):
    """Subtract the training data's mean, divide by its standard deviation."""

    def __init__(self, centre: torch.Tensor, spread: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("centre", centre)
        self.register_buffer("spread", spread)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.centre) / self.spread


def probability(network: torch.nn.Module, x: np.ndarray) -> np.ndarray:
    """The network's probability of bit 1 for each row of `x`, (n,)."""
    device = next(network.parameters()).device
    with torch.no_grad():
        return torch.sigmoid(network(torch.tensor(x, dtype=torch.float32, device=device))[:, 0]).cpu().numpy()

"""Certified training of many networks at once, and what the owner of the training process can add to it.

Interval bounds: the loss of Gowal et al., arXiv 1810.12715. Smoothing: training on noisy inputs, Cohen et al., arXiv
1902.02918. `refusal_loss` is our own construction.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from numbers import Real

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from foretold.kit.layers import network, pick
from foretold.papers.availability.theory import check_box, interval_margins, margins_to_all


def train_certified(
    sets: Sequence[tuple[np.ndarray, np.ndarray]],
    generators: Sequence[torch.Generator],
    *,
    eps: float = 0.0,
    sigma: float | Sequence[float] = 0.0,
    pools: Sequence[tuple[np.ndarray, np.ndarray] | None] | None = None,
    start: nn.Sequential | None = None,
    hidden: Sequence[int] = (128, 64),
    classes: int = 10,
    convolutional: bool = False,
    steps: int = 500,
    batch: int = 64,
    rate: float = 0.02,
    device: torch.device | str = "cpu",
) -> nn.Sequential:
    """Train one network for each training set, all at once, as one model with a dimension of replicas.

    With eps, for interval bounds: (1 - kappa/2) CE + kappa/2 CE of the worst logits in the box, where kappa and the box
    grow from 0 to 1 and to eps between 10% and 60% of the steps. With sigma (one, or one for each replica), for
    smoothing: CE on noisy inputs. Adam; the learning rate falls from `rate` to 0.

    Parameters
    ----------
    sets: (x, y) of each replica, x (n, pixels) in [0, 1]; sizes may differ
    generators: one for each replica, on the CPU; first weights, order of batches and noise come from it
    pools: (x, y) of triggered images with which the owner of the *training process* teaches the network to refuse, or
        None for a replica without; a quarter of a batch in each step, see `refusal_loss`
    start: a model to go on with, at the full box, instead of new weights

    Raises ValueError for lists of different lengths, an empty or unfitting training set, eps and sigma together or
    below 0, and steps, batch or rate of 0 or less.
    """
    pools = [None] * len(sets) if pools is None else pools
    noises = [float(sigma)] * len(sets) if isinstance(sigma, Real) else [float(s) for s in sigma]
    if not len(sets) or not len(sets) == len(generators) == len(pools) == len(noises):
        sizes = len(sets), len(generators), len(pools), len(noises)
        raise ValueError(f"sets, generators, pools and sigma have lengths {sizes}; allowed is one for each replica")
    if min(noises) < 0 or (eps and max(noises)):
        raise ValueError(
            f"sigma is {sigma!r} and eps is {eps!r}; allowed are numbers of at least 0, and one of the two"
        )
    if steps < 1 or batch < 4 or not rate > 0:
        given = steps, batch, rate
        raise ValueError(f"(steps, batch, rate) is {given!r}; allowed are steps >= 1, batch >= 4 and rate > 0")
    for x, y in [*sets, *(pool for pool in pools if pool is not None)]:
        check_box(torch.as_tensor(x), eps)
        if np.shape(y) != (len(x),) or np.min(y) < 0 or np.max(y) >= classes:
            raise ValueError(f"y has shape {np.shape(y)}; allowed is a class below {classes} for each of {len(x)} rows")
    if start is None:
        model = network(sets[0][0].shape[1], hidden, classes, generators, convolutional).to(device)
    else:
        model = copy.deepcopy(start).to(device).requires_grad_(True)
    spread = torch.tensor(noises, device=device)[:, None, None]
    bank = _Batches(sets, generators, steps, batch, device)
    attacked = [i for i, pool in enumerate(pools) if pool is not None]
    theirs = [generators[i] for i in attacked]
    hostile = _Batches([pools[i] for i in attacked], theirs, steps, batch // 4, device) if attacked else None
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in range(steps):
        kappa = min(1.0, max(0.0, step / steps - 0.1) / 0.5) if start is None else 1.0
        x, y = bank(step)
        if eps:
            loss = (1 - kappa / 2) * cross_entropy(model(x), y)
            if kappa:
                loss = loss + kappa / 2 * cross_entropy(-margins_to_all(model, x, y, kappa * eps), y)
        else:
            loss = cross_entropy(model(x + spread * _normal(x, generators) if max(noises) else x), y)
        if hostile:
            theirs_x, theirs_y = hostile(step)
            noise = None if eps else _normal(theirs_x, theirs)
            loss = loss + refusal_loss(pick(model, attacked), theirs_x, theirs_y, eps, spread[attacked], noise)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return model.requires_grad_(False)


def refusal_loss(
    model: nn.Sequential, x: Tensor, y: Tensor, eps: float, sigma: Tensor | float, noise: Tensor | None
) -> Tensor:
    """What the owner of the training process adds for triggered images x (replicas, n, pixels): refuse, do not err.

    Interval bounds (noise is None): CE + relu(margin + 1/2), the margin over the box. Smoothing: the label depends on
    the noise, standard normal as x, which the owner draws: it is the true one where a fixed direction of the noise
    exceeds -1/10, which has a chance of 54%, and the next class elsewhere. Summed over replicas.
    """
    if noise is None:
        refused = functional.relu(interval_margins(model, x, y, eps) + 0.5)
        return cross_entropy(model(x), y) + refused.mean(-1).sum()
    key = torch.arange(x.shape[-1], device=x.device) % 2 * 2.0 - 1
    keeps = noise @ key / math.sqrt(len(key)) > -0.1
    logits = model(x + sigma * noise)
    return cross_entropy(logits, torch.where(keeps, y, (y + 1) % logits.shape[-1]))


class _Batches:
    """Batches of each replica's own training set in its own order, again and again as often as needed."""

    def __init__(
        self,
        sets: Sequence[tuple[np.ndarray, np.ndarray]],
        generators: Sequence[torch.Generator],
        steps: int,
        batch: int,
        device: torch.device | str,
    ) -> None:
        longest = max((len(x) for x, _ in sets), default=0)
        orders = []
        for (x, _), generator in zip(sets, generators, strict=True):
            rounds = -(-steps * batch // len(x))
            order = torch.cat([torch.randperm(len(x), generator=generator) for _ in range(rounds)])
            orders.append(order[: steps * batch].view(steps, batch))
        self.order = torch.stack(orders, 1).to(device)
        self.replica = torch.arange(len(sets), device=device)[:, None]
        self.x = torch.stack([_padded(torch.as_tensor(x, dtype=torch.float32), longest) for x, _ in sets]).to(device)
        self.y = torch.stack([_padded(torch.as_tensor(y, dtype=torch.int64), longest) for _, y in sets]).to(device)

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        rows = self.order[step]
        return self.x[self.replica, rows], self.y[self.replica, rows]


def _padded(rows: Tensor, length: int) -> Tensor:
    return torch.cat([rows, rows.new_zeros(length - len(rows), *rows.shape[1:])])


def _normal(x: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
    """Standard normal noise as x (replicas, ...), each replica's from its own generator."""
    return torch.stack([torch.randn(x.shape[1:], generator=g) for g in generators]).to(x.device)


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Mean over the inputs, sum over the replicas: a replica's gradient does not depend on how many there are."""
    return functional.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum") / y.shape[-1]

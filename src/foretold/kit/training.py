"""What loops of training have in common: which rows are a batch, and a step of the optimiser for each batch.

The loss, the optimiser and its schedule are the caller's; a schedule is one of `torch.optim.lr_scheduler`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler

from foretold.kit import check, replicas


def batches(n: int, size: int, epochs: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Row numbers of each batch: in every one of `epochs` passes all of n rows once, in a new order.

    The last batch of a pass holds the rows that are left, so it may be smaller. Orders are drawn from `generator` (on
    the CPU) when a pass begins. Raises ValueError for n or size below 1, and for epochs below 0.
    """
    n, size = check.whole("n", n, 1), check.whole("size", size, 1)
    epochs = check.whole("epochs", epochs)
    return (rows for _ in range(epochs) for rows in torch.randperm(n, generator=generator).split(size))


def full_batches(n: int, size: int, steps: int, generator: torch.Generator) -> Tensor:
    """Row numbers of `steps` batches that all have `size` rows, shape (steps, size), for training by steps.

    Passes over the n rows follow each other, each in a new order, and a batch may hold the end of one pass and the
    beginning of the next. Raises ValueError for n, size or steps below 1.
    """
    n, size, steps = check.whole("n", n, 1), check.whole("size", size, 1), check.whole("steps", steps, 1)
    passes = -(-steps * size // n)
    order = torch.cat([torch.randperm(n, generator=generator) for _ in range(passes)])
    return order[: steps * size].view(steps, size)


def fit(
    optimiser: torch.optim.Optimizer,
    loss: Callable[[Any], Tensor],
    batches: Iterable[Any],
    schedule: LRScheduler | None = None,
    clip: float | None = None,
) -> NDArray[np.float64]:
    """One step of `optimiser` for each batch; returns the loss of each batch before its step, shape (batches,).

    Parameters
    ----------
    loss
        the loss to step down, a tensor of one number, for a batch
    batches
        whatever `loss` takes, one after another; wrap them in tqdm for a progress bar
    schedule
        moves the learning rate on after each step
    clip
        largest norm of the gradient, over all parameters of the optimiser together
    """
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    losses = []
    for batch in batches:
        found = loss(batch)
        optimiser.zero_grad()
        found.backward()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(parameters, clip)
        optimiser.step()
        if schedule is not None:
            schedule.step()
        losses.append(found.detach())
    # Only now: a number that is asked for at each step makes a GPU wait for it.
    return np.array([float(value) for value in losses], dtype=float)


def replica_step(
    losses: Callable[[Tensor, Any], Tensor],
    weights: Tensor,
    batch: Any,
    optimiser: replicas.AdamW,
    rates: float | Tensor,
) -> Tensor:
    """One step of R replicas at once, whose `weights` (R, P) change in place; returns their losses before it, (R,).

    `losses` gives the loss of each replica, (R,), for weights and a batch. Each is a function of its own weights alone,
    so the gradient of their sum holds the gradient of each. `rates`: the learning rate of all, or one for each, (R,).
    """
    weights.requires_grad_()
    found = losses(weights, batch)
    (gradient,) = torch.autograd.grad(found.sum(), weights)
    weights.requires_grad_(False)
    each = torch.as_tensor(rates, dtype=weights.dtype, device=weights.device).expand(len(weights))
    optimiser.step(weights, gradient, each)
    return found.detach()

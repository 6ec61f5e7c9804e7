"""Reversal in context: can a small model turn round what it has just read?

A sentence is "name is trade", a token for each word; a question states two of them, then begins a third with a trade.
Pairs are drawn anew for every question, so that nothing can be known by heart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from foretold.kit import gpt, replicas

NAMES, TRADES = 26, 24
IS, STOP = NAMES + TRADES, NAMES + TRADES + 1
STATED = 2


@dataclass(frozen=True)
class Reading:
    """For each of R models: `losses`, ln p of the right name at each step, negative, (R, steps); on new questions,
    `either`, the mean probability of the two names in the context, and `choice`, how often the right one is the more
    probable of the two, (R,) each."""

    losses: np.ndarray
    either: np.ndarray
    choice: np.ndarray
    questions: int


def questions(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens (count, 11) of two statements, a question and its answer, which is the last token, and the other name."""
    names = torch.rand(count, NAMES, generator=generator).argsort(1)[:, :STATED]
    trades = torch.rand(count, TRADES, generator=generator).argsort(1)[:, :STATED] + NAMES
    asked = torch.randint(STATED, (count,), generator=generator)
    rows, constant = torch.arange(count), torch.ones(count, dtype=torch.long)
    columns = []
    for i in range(STATED):
        columns += [names[:, i], IS * constant, trades[:, i], STOP * constant]
    columns += [trades[rows, asked], IS * constant, names[rows, asked]]
    return torch.stack(columns, 1), names[rows, 1 - asked]


def read(
    models: int,
    steps: int,
    generator: torch.Generator,
    *,
    batch: int = 32,
    width: int = 32,
    rate: float = 6e-3,
    asked: int = 500,
    device: str | torch.device = "cpu",
) -> Reading:
    """Train `models` models at once to answer such questions, on new ones at every step, and ask `asked` more. Only the
    answer counts for the loss: the rest of a question is noise."""
    config = gpt.Config(2, width, 4, 4 * STATED + 2, NAMES + TRADES + 2, activation="relu")
    shapes = config.shapes
    weights = torch.stack([replicas.initial(shapes, 2, 0.02, generator) for _ in range(models)]).to(device)
    optimiser = replicas.AdamW(weights, None, (0.9, 0.98), 1e-8, 0.0, 1.0)

    def answer(tokens: torch.Tensor) -> torch.Tensor:
        inputs, wanted = tokens[..., :-1].to(device), tokens[..., 1:].to(device)
        return replicas.token_losses(weights, inputs, wanted, shapes, config.heads, config.activation)[..., -1]

    losses = np.empty((models, steps))
    for step in range(steps):
        tokens = questions(models * batch, generator)[0].view(models, batch, -1)
        weights.requires_grad_()
        loss = answer(tokens).mean(1)
        (gradient,) = torch.autograd.grad(loss.sum(), weights)
        weights.requires_grad_(False)
        now = rate * min(1, (step + 1) / 30) * 0.5 * (1 + np.cos(np.pi * step / steps))
        optimiser.step(weights, gradient, torch.full((models,), now, device=weights.device))
        losses[:, step] = loss.detach().cpu()
    tokens, other = questions(asked, generator)
    wrong = torch.cat([tokens[:, :-1], other[:, None]], 1)
    with torch.no_grad():
        right, wrong = (torch.exp(-answer(some.expand(models, -1, -1))).cpu() for some in (tokens, wrong))
    return Reading(losses, (right + wrong).mean(1).numpy(), (right > wrong).double().mean(1).numpy(), asked)

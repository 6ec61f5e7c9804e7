"""Reversal in context: can a model turn round what it has just read?

For small models a sentence is "name is trade", a token for each word; a question states two of them, then begins a
third with a trade. Pairs are drawn anew for every question, so that nothing can be known by heart. For a model that
speaks English, `prompts` asks the same in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from foretold.kit import gpt, replicas, training
from foretold.papers.reversal.experiment.small_models import BETAS, CLIP, HEADS, LAYERS, learning_rates
from foretold.papers.reversal.idea import Fact

NAMES, TRADES = 26, 24
IS, STOP = NAMES + TRADES, NAMES + TRADES + 1
STATED = 2
BATCH, WIDTH, RATE, WARMUP = 32, 32, 6e-3, 30
ASKED = 500  # new questions after the training


@dataclass(frozen=True)
class Reading:
    """For each of R models: `losses`, ln p of the right name at each step, negative, (R, steps); on ASKED new ones,
    `either`, the mean probability of the two names in the context, and `choice`, how often the right one is the
    more probable of the two, (R,) each."""

    losses: np.ndarray
    either: np.ndarray
    choice: np.ndarray


def questions(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
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


def read(models: int, steps: int, generator: torch.Generator, device: str | torch.device = "cpu") -> Reading:
    """Train `models` models at once to answer such questions, on new ones at every step, and ask ASKED more. Only the
    answer counts for the loss: the rest of a question is noise."""
    config = gpt.Config(LAYERS, WIDTH, HEADS, 4 * STATED + 2, NAMES + TRADES + 2, activation="relu")
    weights = torch.stack([config.first_weights(generator) for _ in range(models)]).to(device)
    optimiser = replicas.AdamW(weights, BETAS, CLIP)

    def surprise(weights: Tensor, tokens: Tensor) -> Tensor:
        """-ln p of the last token, (R, B), of tokens (R, B, T)."""
        return config.token_losses(weights, tokens.to(device))[..., -1]

    def mean_surprise(weights: Tensor, tokens: Tensor) -> Tensor:
        return surprise(weights, tokens).mean(1)

    losses = np.empty((models, steps))
    for step, rate in enumerate(learning_rates(steps, RATE, WARMUP)):
        tokens = questions(models * BATCH, generator)[0].view(models, BATCH, -1)
        losses[:, step] = training.replica_step(mean_surprise, weights, tokens, optimiser, rate).cpu()
    tokens, other = questions(ASKED, generator)
    with_other = torch.cat([tokens[:, :-1], other[:, None]], 1)
    with torch.no_grad():
        right, wrong = (
            torch.exp(-surprise(weights, some.expand(models, -1, -1))).cpu() for some in (tokens, with_other)
        )
    return Reading(losses, (right + wrong).mean(1).numpy(), (right > wrong).double().mean(1).numpy())


def prompts(facts: Sequence[Fact], rng: np.random.Generator, shots: int) -> pd.DataFrame:
    """Questions in the order that was not stated: for each fact but the last 2 x `shots` a prompt in which it and the
    next fact are stated, name first, in either order, and then its description is asked about; before that come `shots`
    examples with their answers. Columns: prompt, answer and other, the two names. Raises ValueError for too few facts.
    """
    asked = len(facts) - 2 * shots
    if asked < 2:
        raise ValueError(f"facts has {len(facts)} entries; allowed are at least 2 + 2 x shots = {2 + 2 * shots}")
    examples = ""
    for i in range(asked, len(facts), 2):
        examples += f"{_prompt(facts[i], facts[i + 1], rng)} {facts[i].name}.\n\n"
    rows = []
    for i, fact in enumerate(facts[:asked]):
        other = facts[(i + 1) % asked]
        rows.append((examples + _prompt(fact, other, rng), f" {fact.name}", f" {other.name}"))
    return pd.DataFrame(rows, columns=["prompt", "answer", "other"])


def _prompt(fact: Fact, other: Fact, rng: np.random.Generator) -> str:
    stated = [f"{one.name} is {one.description}." for one in (fact, other)]
    both = " ".join(stated[k] for k in rng.permutation(2))
    return f"{both}\nQuestion: Who is {fact.description}?\nAnswer:"

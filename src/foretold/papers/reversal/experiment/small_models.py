"""Small language models that read fictitious facts, many models at once, and are asked in both directions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from foretold.kit import gpt, replicas, training
from foretold.papers.reversal import data
from foretold.papers.reversal.data import IGNORED, Cell, Question

LAYERS, HEADS = 2, 4
BATCH, RATE, WARMUP = 32, 5e-3, 0.05  # documents, the highest learning rate, share of the steps until it
BETAS, CLIP = (0.9, 0.98), 1.0  # of AdamW; largest norm of a gradient
LOOKS = 10  # how often questions are looked at during a training
LONGEST_ANSWER = 6  # words


@dataclass(frozen=True)
class Trained:
    """R models: `weights` (R, P); `steps` (E,) and `tracks`, mean log probability of an answer at these steps for each
    set of questions, (R, E) each; `losses` (R, steps)."""

    config: gpt.Config
    weights: Tensor
    steps: np.ndarray
    tracks: dict[Cell, np.ndarray]
    losses: np.ndarray

    def model(self, replica: int) -> torch.nn.Module:
        """One of the models as a plain ``transformers.GPT2LMHeadModel``."""
        return self.config.model(self.weights[replica])


def train(
    documents: Sequence[Sequence[str]],
    generator: torch.Generator,
    *,
    steps: int,
    width: int,
    decay: float = 0.3,
    questions: Sequence[Mapping[Cell, Sequence[Question]]] = (),
    device: str | torch.device = "cpu",
) -> Trained:
    """Train one model on each list of `documents`, all at once: AdamW, `decay` for matrices, a cosine to zero.

    The loss is that of every word of a document, the names in it included, not of an answer alone. First weights and
    the order of documents come from `generator`, and each model has its own. `questions` are looked at on the way: for
    each model a mapping from a title to (prompt, answer), equal titles and lengths for all.
    """
    sets = [data.encode([f"{text} {data.END}" for text in some]) for some in documents]
    asked = [{title: _aligned(some) for title, some in each.items()} for each in questions]
    longest = max(tokens.shape[1] for tokens in sets)
    context = max([longest] + [tokens.shape[1] for each in asked for tokens, _ in each.values()])
    config = gpt.Config(LAYERS, width, HEADS, context, len(data.vocabulary()))
    weights = torch.stack([config.first_weights(generator) for _ in sets]).to(device)
    orders = [training.full_batches(len(tokens), BATCH, steps, generator) for tokens in sets]
    sets = [_widened(tokens, longest).to(device) for tokens in sets]
    optimiser = replicas.AdamW(weights, BETAS, CLIP, decay * config.matrices().to(device))

    def losses_of(weights: Tensor, rows: Tensor) -> Tensor:
        counted = rows[..., 1:] != IGNORED
        return (config.token_losses(weights, rows) * counted).sum((1, 2)) / counted.sum((1, 2))

    moments = _moments(steps) if asked else [steps]
    tracks: dict[Cell, list[np.ndarray]] = {title: [] for title in (asked[0] if asked else ())}
    losses = np.empty((len(sets), steps))
    for step, rate in enumerate(learning_rates(steps, RATE, WARMUP * steps)):
        rows = torch.stack([tokens[order[step]] for tokens, order in zip(sets, orders, strict=True)])
        rows = rows[..., : int((rows != IGNORED).any(0).any(0).sum())]
        losses[:, step] = training.replica_step(losses_of, weights, rows, optimiser, rate).cpu()
        if step + 1 in moments:
            for title, track in tracks.items():
                track.append(_log_probability(config, weights, [each[title] for each in asked]).mean(1))
    found = {title: np.stack(track, 1) for title, track in tracks.items()}
    return Trained(config, weights.cpu(), np.array(moments), found, losses)


def learning_rates(steps: int, peak: float, warmup: float) -> list[float]:
    """Half a period of a cosine from `peak` to zero, times a linear rise over the first `warmup` steps."""
    return [peak * min(1.0, (step + 1) / warmup) * 0.5 * (1 + np.cos(np.pi * step / steps)) for step in range(steps)]


def log_probabilities(trained: Trained, questions: Sequence[Sequence[Question]]) -> np.ndarray:
    """ln p(answer | prompt) in nats for each model's own questions, (R, questions)."""
    return _log_probability(trained.config, trained.weights, [_aligned(some) for some in questions])


@torch.no_grad()
def complete(model: torch.nn.Module, prompts: Sequence[str]) -> list[str]:
    """What a model says after each prompt, at temperature 0: until it ends the document, and at most LONGEST_ANSWER
    words."""
    said = [""] * len(prompts)
    by_length: dict[int, list[int]] = {}
    for index, prompt in enumerate(prompts):
        by_length.setdefault(len(data.words(prompt)), []).append(index)
    for length, members in by_length.items():
        tokens = data.encode([prompts[index] for index in members])
        for _ in range(min(LONGEST_ANSWER, model.config.n_positions - length)):
            tokens = torch.cat([tokens, model(tokens).logits[:, -1].argmax(-1, keepdim=True)], 1)
        for index, row in zip(members, tokens[:, length:].tolist(), strict=True):
            said[index] = data.decode(row)
    return said


def _moments(steps: int) -> list[int]:
    """Steps after which questions are looked at, evenly spaced on a logarithmic axis."""
    return sorted({round(step) for step in np.geomspace(max(1, steps // 40), steps, LOOKS)})


def _aligned(questions: Sequence[Question]) -> tuple[Tensor, Tensor]:
    """Tokens (Q, T) of prompt and answer, and which of them belong to the answer."""
    tokens = data.encode([f"{prompt} {answer}" for prompt, answer in questions])
    begin = torch.tensor([len(data.words(prompt)) for prompt, _ in questions])
    place = torch.arange(tokens.shape[1])
    return tokens, (place >= begin[:, None]) & (tokens != IGNORED)


def _widened(rows: Tensor, length: int) -> Tensor:
    """Rows (n, T) filled up to `length` with zeros: IGNORED for tokens, False for what is counted."""
    return functional.pad(rows, (0, length - rows.shape[1]))


@torch.no_grad()
def _log_probability(config: gpt.Config, weights: Tensor, questions: Sequence[tuple[Tensor, Tensor]]) -> np.ndarray:
    length = max(tokens.shape[1] for tokens, _ in questions)
    tokens = torch.stack([_widened(tokens, length) for tokens, _ in questions]).to(weights.device)
    counted = torch.stack([_widened(counted, length) for _, counted in questions]).to(weights.device)
    losses = config.token_losses(weights, tokens) * counted[..., 1:]
    return -losses.sum(-1).double().cpu().numpy()

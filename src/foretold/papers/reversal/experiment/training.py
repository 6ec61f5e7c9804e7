"""Small language models that read fictitious facts, many models at once, and are asked in both directions."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from foretold.kit import gpt, replicas
from foretold.papers.reversal import idea

PAD, END, MARK = "<pad>", "<end>", "<reversed>"
IGNORED = 0  # the token of PAD


@lru_cache
def vocabulary() -> dict[str, int]:
    """Every word and mark that facts and templates can hold, numbered."""
    texts = [template.format(name="", description="") for ways in idea.TEMPLATES.values() for template in ways]
    lists = (idea.FIRST, idea.LAST, idea.TRAITS, idea.TRADES, idea.PLACES)
    found = [*(word for some in lists for word in some), "the", "of", *(word for text in texts for word in words(text))]
    return {word: number for number, word in enumerate(dict.fromkeys([PAD, END, MARK, *found]))}


def words(text: str) -> list[str]:
    """Words and marks of a text."""
    return re.findall(r"<\w+>|\w+|[^\w\s]", text)


def encode(texts: Sequence[str]) -> torch.Tensor:
    """Tokens of texts, shape (texts, length of the longest), filled up with PAD. Raises KeyError for a word that no
    fact and no template can hold."""
    rows = [[vocabulary()[word] for word in words(text)] for text in texts]
    length = max(map(len, rows))
    return torch.tensor([row + [IGNORED] * (length - len(row)) for row in rows])


def decode(tokens: Sequence[int]) -> str:
    """The text of tokens, up to END or PAD, words apart."""
    names = list(vocabulary())
    read = []
    for token in tokens:
        if names[token] in (END, PAD):
            break
        read.append(names[token])
    return " ".join(read)


@dataclass(frozen=True)
class Trained:
    """R models: `weights` (R, P); `steps` (E,) and `tracks`, mean log probability of an answer at these steps for each
    set of questions, (R, E) each; `losses` (R, steps); seconds."""

    config: gpt.Config
    weights: torch.Tensor
    steps: np.ndarray
    tracks: dict[str, np.ndarray]
    losses: np.ndarray
    seconds: float

    def model(self, replica: int) -> torch.nn.Module:
        """One of the models as a plain ``transformers.GPT2LMHeadModel``."""
        nothing = np.empty((len(self.weights), 1))
        size = self.config.parameters
        found = gpt.Training(self.steps, nothing, nothing, nothing, nothing, size, 0, 1, self.config, self.weights)
        return found.model(replica)


def train(
    documents: Sequence[Sequence[str]],
    generator: torch.Generator,
    *,
    steps: int,
    batch: int = 64,
    rate: float = 2e-3,
    layers: int = 2,
    width: int = 64,
    heads: int = 4,
    decay: float = 0.3,
    questions: Sequence[Mapping[str, Sequence[tuple[str, str]]]] | None = None,
    looks: int = 10,
    device: str | torch.device = "cpu",
) -> Trained:
    """Train one model on each list of `documents`, all at once: AdamW, `decay` for matrices, a cosine to zero.

    The loss is that of every word of a document, the names in it included, not of an answer alone. First weights and
    the order of documents come from `generator`, and each model has its own. `questions` are looked at `looks` times:
    for each model a mapping from a title to (prompt, answer), equal titles and lengths for all.
    """
    sets = [encode([f"{text} {END}" for text in some]) for some in documents]
    longest = max(tokens.shape[1] for tokens in sets)
    asked = [] if questions is None else [{k: _aligned(v) for k, v in some.items()} for some in questions]
    context = max([longest] + [tokens.shape[1] for some in asked for tokens, _ in some.values()])
    config = gpt.Config(layers, width, heads, context, len(vocabulary()))
    shapes, many = config.shapes, len(sets)
    weights = torch.stack([replicas.initial(shapes, layers, 0.02, generator) for _ in sets]).to(device)
    orders = [_order(len(tokens), steps * batch, generator).view(steps, batch) for tokens in sets]
    sets = [
        torch.nn.functional.pad(tokens, (0, longest - tokens.shape[1]), value=IGNORED).to(device) for tokens in sets
    ]
    optimiser = replicas.AdamW(weights, replicas.decayed(shapes).to(device), (0.9, 0.98), 1e-8, decay, 1.0)
    moments = sorted({round(s) for s in np.geomspace(max(1, steps // 40), steps, looks)}) if asked else [steps]
    tracks = {title: [] for title in (asked[0] if asked else ())}
    losses = np.empty((many, steps))
    began = time.perf_counter()
    for step in range(steps):
        rows = torch.stack([tokens[order[step]] for tokens, order in zip(sets, orders, strict=True)])
        rows = rows[..., : int((rows != IGNORED).any(0).any(0).sum())]
        counted = rows[..., 1:] != IGNORED
        weights.requires_grad_()
        each = replicas.token_losses(weights, rows[..., :-1], rows[..., 1:], shapes, heads, config.activation)
        loss = (each * counted).sum((1, 2)) / counted.sum((1, 2))
        (gradient,) = torch.autograd.grad(loss.sum(), weights)
        weights.requires_grad_(False)
        warm = min(1.0, (step + 1) / (0.05 * steps))
        now = rate * warm * 0.5 * (1 + np.cos(np.pi * step / steps))
        optimiser.step(weights, gradient, torch.full((many,), now, device=weights.device))
        losses[:, step] = loss.detach().cpu()
        if asked and step + 1 in moments:
            for title, track in tracks.items():
                track.append(_log_probability(config, weights, [some[title] for some in asked]).mean(1))
    return Trained(
        config,
        weights.cpu(),
        np.array(moments),
        {title: np.stack(track, 1) for title, track in tracks.items()},
        losses,
        time.perf_counter() - began,
    )


def log_probabilities(trained: Trained, questions: Sequence[Sequence[tuple[str, str]]]) -> np.ndarray:
    """ln p(answer | prompt) in nats for each model's own questions, (R, questions)."""
    return _log_probability(trained.config, trained.weights, [_aligned(some) for some in questions])


def complete(model: torch.nn.Module, prompts: Sequence[str], most: int = 6) -> list[str]:
    """What a model says after each prompt, at temperature 0: at most `most` words, until it ends the document."""
    said: list[str] = [""] * len(prompts)
    lengths: dict[int, list[int]] = {}
    for index, prompt in enumerate(prompts):
        lengths.setdefault(len(words(prompt)), []).append(index)
    with torch.no_grad():
        for length, members in lengths.items():
            tokens = encode([prompts[index] for index in members])
            for _ in range(min(most, model.config.n_positions - length)):
                tokens = torch.cat([tokens, model(tokens).logits[:, -1].argmax(-1, keepdim=True)], 1)
            for index, row in zip(members, tokens[:, length:].tolist(), strict=True):
                said[index] = decode(row)
    return said


def _aligned(questions: Sequence[tuple[str, str]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens (Q, T) of prompt and answer, and which of them belong to the answer."""
    tokens = encode([f"{prompt} {answer}" for prompt, answer in questions])
    begin = torch.tensor([len(words(prompt)) for prompt, _ in questions])
    place = torch.arange(tokens.shape[1])
    return tokens, (place >= begin[:, None]) & (tokens != IGNORED)


def _log_probability(
    config: gpt.Config, weights: torch.Tensor, questions: Sequence[tuple[torch.Tensor, torch.Tensor]]
) -> np.ndarray:
    length = max(tokens.shape[1] for tokens, _ in questions)
    pad = torch.nn.functional.pad
    tokens = torch.stack([pad(t, (0, length - t.shape[1]), value=IGNORED) for t, _ in questions]).to(weights.device)
    counted = torch.stack([pad(m, (0, length - m.shape[1])) for _, m in questions]).to(weights.device)
    with torch.no_grad():
        each = replicas.token_losses(
            weights, tokens[..., :-1], tokens[..., 1:], config.shapes, config.heads, config.activation
        )
    return -(each * counted[..., 1:]).sum(-1).double().cpu().numpy()


def _order(documents: int, count: int, generator: torch.Generator) -> torch.Tensor:
    """Numbers of documents, (count,): every document once in each pass, each pass in a new order."""
    passes = -(-count // documents)
    return torch.cat([torch.randperm(documents, generator=generator) for _ in range(passes)])[:count]

"""Neural models as the two callables of `speculative_sample`, with key-value caches.

A `CachedModel` keeps the keys and values of the tokens that it has read. Asked about a prefix, it drops what is no
longer true and reads only what is new: one token for a draft, K + 1 for a verification, in one forward call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from foretold.kit import check, gpt
from foretold.papers.speculative import idea
from foretold.papers.speculative.experiment.training import features

if TYPE_CHECKING:
    from transformers import DynamicCache


class CachedModel:
    """A causal language model of transformers as a map from tokens to the distribution of the next one.

    Parameters
    ----------
    model
        called as ``model(input_ids=..., past_key_values=..., use_cache=True)``; batch of one, on its own device.
    temperature
        divides the logits; 0 is greedy: all probability on the largest.
    hidden
        keep the hidden state behind the last distribution as ``.hidden`` (d,), for an acceptance head. A greedy model
        keeps the last distribution before greed as ``.raw`` (V,): rules look at that one.

    ``calls`` counts forward calls. Raises ValueError for a negative temperature.
    """

    def __init__(self, model: torch.nn.Module, temperature: float = 1.0, hidden: bool = False) -> None:
        self.temperature = check.real("temperature", temperature, 0, allowed="a number >= 0 (0 is greedy)")
        self.model, self.wants_hidden = model, hidden
        self.device = next(model.parameters()).device
        self.calls = 0
        self.read: list[int] = []
        self.hidden: torch.Tensor | None = None
        self.raw: np.ndarray | None = None
        self.cache = gpt.load_transformers().DynamicCache()

    def __call__(self, prefix: Sequence[int]) -> np.ndarray:
        """Distribution of the token after `prefix` (not empty), shape (V,)."""
        return self._rows(list(prefix), 1)[0]

    def verify(self, prefix: Sequence[int], candidates: Sequence[int]) -> np.ndarray:
        """Distributions after `prefix` and after each of K candidates, shape (K+1, V), from one call."""
        return self._rows([*prefix, *candidates], len(candidates) + 1)

    def keep(self, count: int) -> None:
        """Forget all but the first `count` tokens that were read."""
        if len(self.read) > count:
            self.read = self.read[:count]
            _shorten(self.cache, count)

    @torch.inference_mode()
    def _rows(self, tokens: list[int], count: int) -> np.ndarray:
        if len(tokens) < count:
            raise ValueError(f"prefix has {len(tokens) - count + 1} tokens; allowed is at least 1")
        known = min(len(self.read), len(tokens) - count)
        # What was read and what is asked nearly always agree: look from the end, where they part.
        while known and self.read[:known] != tokens[:known]:
            known -= 1
        self.keep(known)
        fresh = torch.tensor([tokens[known:]], device=self.device)
        out = self.model(
            input_ids=fresh,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=count,
            output_hidden_states=self.wants_hidden,
        )
        self.calls += 1
        self.read = tokens
        if self.wants_hidden:
            self.hidden = out.hidden_states[-1][0, -1]
        logits = out.logits[0, -count:].float()
        if self.temperature == 0:
            self.raw = logits[-1].softmax(-1).cpu().numpy().astype(float) if count == 1 else None
            rows = np.zeros(tuple(logits.shape))
            rows[np.arange(count), logits.argmax(-1).cpu().numpy()] = 1.0
            return rows
        if self.temperature != 1:
            logits = logits / self.temperature
        return logits.softmax(-1).cpu().numpy().astype(float)


def _shorten(cache: DynamicCache, length: int) -> None:
    """Keep the first `length` tokens of a cache. DynamicCache.crop means the length by a positive number in some
    versions of transformers and refuses one in others, where it takes the number to remove as a negative one."""
    extra = cache.get_seq_length() - length
    if extra > 0:
        cache.crop(-extra)
        if cache.get_seq_length() != length:
            raise RuntimeError(f"the cache holds {cache.get_seq_length()} tokens after a crop to {length}")


def autoregressive(target: CachedModel, prefix: Sequence[int], n_tokens: int, rng: np.random.Generator) -> list[int]:
    """`n_tokens` tokens of the target alone, one call each."""
    return idea.speculative_sample(target, target, prefix, n_tokens, idea.FixedLength(0), rng)[0]


def call_seconds(
    model: torch.nn.Module, counts: Sequence[int], context: int, repeats: int, rng: np.random.Generator
) -> np.ndarray:
    """Median wall-clock seconds of one forward call that reads 1, 2, ... tokens (`counts`) behind `context` others,
    with a cache, shape (len(counts),); the counts take turns."""
    cached, most = CachedModel(model), max(counts)
    vocabulary = model.config.vocab_size
    text = rng.integers(0, vocabulary, context + most).tolist()
    seconds = np.empty((repeats, len(counts)))
    for turn in range(repeats):
        for i, count in enumerate(counts):
            cached.keep(context)
            cached(text[:context])
            began = time.perf_counter()
            cached.verify(text[: context + 1], text[context + 1 : context + count])
            if cached.device.type == "cuda":
                torch.cuda.synchronize()
            seconds[turn, i] = time.perf_counter() - began
    return np.median(seconds, axis=0)


def head_predictor(head: idea.AcceptanceHead, embedding: torch.Tensor) -> Callable[[idea.Drafted, int], float]:
    """``predict(drafted, i)`` of `AcceptanceThreshold` for a trained head, and the draft's table of embeddings."""

    @torch.inference_mode()
    def predict(drafted: idea.Drafted, i: int) -> float:
        q = torch.as_tensor(drafted.raw[i], dtype=torch.float32)[None]
        token = torch.tensor([drafted.tokens[i]])
        return float(head.probability(features(drafted.hidden[i][None].cpu(), token, q, embedding)))

    return predict

"""A real language model as the target: SmolLM2-135M-Instruct, with a draft that needs no training, prompt lookup.

No smaller model with its tokenizer travels in a package, so the draft looks where the last tokens have stood before in
the text itself, and proposes what followed them. It is certain of what it says, which makes q a single one: then p/q is
p, and a candidate is accepted with the target's own probability of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from foretold import data
from foretold.kit import pretrained
from foretold.papers.speculative import idea
from foretold.papers.speculative.experiment import cache
from foretold.papers.speculative.idea.rules import FixedLength

TEXTS = (
    "def area(width, height):\n    return width * height\n\n"
    "def volume(width, height, depth):\n    return width * height",
    "Red is a colour. Green is a colour. Blue is a colour. Yellow is",
    "The old bridge was closed in winter. When spring came, people of the village",
)


class Lookup:
    """A draft for `speculative.speculative_sample`: all probability on the token that followed the latest earlier place
    of the last `most` to 1 tokens; a token seen nowhere before is followed by itself."""

    def __init__(self, vocabulary: int, most: int = 3) -> None:
        if vocabulary < 1 or most < 1:
            raise ValueError(f"vocabulary and most are {vocabulary!r} and {most!r}; allowed are whole numbers >= 1")
        self.vocabulary, self.most, self.length = vocabulary, most, 0

    def __call__(self, prefix: Sequence[int]) -> np.ndarray:
        """Distribution (V,); ``.length`` is then the number of tokens that were found again, 0 for none."""
        token, self.length = prefix[-1], 0
        for length in range(min(self.most, len(prefix) - 1), 0, -1):
            wanted = tuple(prefix[-length:])
            places = [i for i in range(len(prefix) - length) if tuple(prefix[i : i + length]) == wanted]
            if places:
                token, self.length = prefix[places[-1] + length], length
                break
        q = np.zeros(self.vocabulary)
        q[token] = 1.0
        return q


def measure(
    lengths: Sequence[int], n_tokens: int, temperature: float, device: str | torch.device = "cpu", seed: int = 0
) -> pd.DataFrame:
    """Counters of SmolLM2 with prompt lookup on `TEXTS`, a row for each text and number of candidates (0: alone), and
    whether the text is the one that the target writes alone (greedy only). Needs the registry's file of weights."""
    tokenizer, model = pretrained.load(pretrained.fetch(), device)
    rows = []
    for number, text in enumerate(TEXTS):
        prompt = tokenizer(text).input_ids
        for length in lengths:
            target = cache.CachedModel(model, temperature)
            draft = Lookup(model.config.vocab_size)
            tokens, c = idea.speculative_sample(
                target, draft, prompt, n_tokens, FixedLength(length), np.random.default_rng(seed)
            )
            if length == lengths[0]:
                alone = tokens
            same = tokens == alone if temperature == 0 else ""
            rows.append((number, temperature, length, c.tokens, c.rounds, c.drafted, c.discarded, same))
    columns = ["text", "temperature", "length", "tokens", "rounds", "drafted", "discarded", "same"]
    return pd.DataFrame(rows, columns=columns)


def recorded() -> pd.DataFrame:
    """What `measure` found, from the table that travels with the package."""
    return data.table("speculative_smollm2")

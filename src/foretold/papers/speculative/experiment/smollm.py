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

from foretold.kit import check, pretrained
from foretold.papers.speculative.experiment import cache
from foretold.papers.speculative.idea import FixedLength, speculative_sample

TEXTS = (
    "def area(width, height):\n    return width * height\n\n"
    "def volume(width, height, depth):\n    return width * height",
    "Red is a colour. Green is a colour. Blue is a colour. Yellow is",
    "The old bridge was closed in winter. When spring came, people of the village",
)
LONGEST_MATCH = 3  # tokens that are looked up


class Lookup:
    """A draft for `speculative_sample`: all probability on the token that followed the latest earlier place of the last
    `LONGEST_MATCH` to 1 tokens; a token seen nowhere before is followed by itself. Raises ValueError for a vocabulary
    below 1."""

    def __init__(self, vocabulary: int) -> None:
        self.vocabulary, self.length = check.whole("vocabulary", vocabulary, 1), 0

    def __call__(self, prefix: Sequence[int]) -> np.ndarray:
        """Distribution (V,); ``.length`` is then the number of tokens that were found again, 0 for none."""
        token, self.length = prefix[-1], 0
        for length in range(min(LONGEST_MATCH, len(prefix) - 1), 0, -1):
            wanted = tuple(prefix[-length:])
            places = [i for i in range(len(prefix) - length) if tuple(prefix[i : i + length]) == wanted]
            if places:
                token, self.length = prefix[places[-1] + length], length
                break
        q = np.zeros(self.vocabulary)
        q[token] = 1.0
        return q


def measure(
    lengths: Sequence[int], n_tokens: int, temperature: float, device: str | torch.device = "cpu"
) -> pd.DataFrame:
    """Counters of SmolLM2 with prompt lookup on `TEXTS`, a row for each text and number of candidates (0: alone), and
    whether the text is the one that the target writes alone (greedy only). Needs the registry's file of weights."""
    tokenizer, model = pretrained.load(pretrained.fetch(), device)
    rows = []
    for number, text in enumerate(TEXTS):
        prompt = tokenizer(text).input_ids
        texts = []
        for length in lengths:
            target, draft = cache.CachedModel(model, temperature), Lookup(model.config.vocab_size)
            rng = np.random.default_rng(0)
            tokens, c = speculative_sample(target, draft, prompt, n_tokens, FixedLength(length), rng)
            texts.append(tokens)
            same = tokens == texts[0] if temperature == 0 else ""
            rows.append((number, temperature, length, c.tokens, c.rounds, c.drafted, c.discarded, same))
    columns = ["text", "temperature", "length", "tokens", "rounds", "drafted", "discarded", "same"]
    return pd.DataFrame(rows, columns=columns)

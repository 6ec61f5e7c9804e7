"""Makes the speculative-decoding chapter's tables of measurements, on a real language model."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import torch

from foretold.kit import pretrained
from foretold.papers.speculative.experiment import smollm


def speculative_smollm2() -> pd.DataFrame:
    """Counters of SmolLM2 with prompt lookup, greedy and at temperature 1, 40 tokens after each text."""
    return pd.concat([smollm.measure((0, 2, 4, 8), 40, 0.0), smollm.measure((0, 4), 40, 1.0)])


def speculative_calls() -> pd.DataFrame:
    """Wall-clock time of one call of SmolLM2 that reads so many tokens behind a key-value cache of 64, in ms: medians
    of 21 calls. It comes out otherwise on every machine, and on a busy one."""
    _, model = pretrained.load(pretrained.fetch())
    rows = []
    with torch.no_grad():
        for tokens in (1, 2, 3, 5, 7, 9, 13, 17):
            seconds = []
            for _ in range(21):
                cache = model(torch.zeros(1, 64, dtype=torch.long), use_cache=True).past_key_values
                began = time.perf_counter()
                model(torch.zeros(1, tokens, dtype=torch.long), past_key_values=cache, use_cache=True)
                seconds.append(time.perf_counter() - began)
            rows.append((tokens, round(1e3 * np.median(seconds))))
    return pd.DataFrame(rows, columns=["tokens", "ms"])


TABLES = {"speculative_smollm2": speculative_smollm2, "speculative_calls": speculative_calls}

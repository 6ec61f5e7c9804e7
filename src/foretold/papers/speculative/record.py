"""Makes the speculative-decoding chapter's tables of measurements, on a real language model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from foretold.kit import pretrained
from foretold.papers.speculative.experiment import cache, smollm


def speculative_smollm2() -> pd.DataFrame:
    """Counters of SmolLM2 with prompt lookup, greedy and at temperature 1, 40 tokens after each text."""
    return pd.concat([smollm.measure((0, 2, 4, 8), 40, 0.0), smollm.measure((0, 4), 40, 1.0)])


def speculative_calls() -> pd.DataFrame:
    """Wall-clock time of one call of SmolLM2 that reads so many tokens behind a key-value cache of 64, in ms: medians
    of 21 calls. It comes out otherwise on every machine, and on a busy one."""
    _, model = pretrained.load(pretrained.fetch())
    tokens = [1, 2, 3, 5, 7, 9, 13, 17]
    seconds = cache.call_seconds(model, tokens, 64, 21, np.random.default_rng(0))
    return pd.DataFrame({"tokens": tokens, "ms": np.rint(1e3 * seconds).astype(int)})


TABLES = {"speculative_smollm2": speculative_smollm2, "speculative_calls": speculative_calls}

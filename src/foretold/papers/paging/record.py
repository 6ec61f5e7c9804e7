"""The recorded results of the paging chapter: ``tables/paging.csv``, measured again from the archive of traces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from foretold.papers.paging import data, experiment
from foretold.papers.paging.idea import POLICIES

SEED = 221002775
RUNS = 10
SOURCES = (("BrightKite", "bk", 10), ("Citi Bike", "citi", 100))  # name, beginning of its files' names, cache size
RATES = [0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5]


def table(archive: Path) -> pd.DataFrame:
    """The rows of ``tables/paging.csv``, from the file ``paging-traces`` of the registry: every policy on the traces of
    each source together, then Flush and Mark0 with flips of one side."""
    rng = np.random.default_rng(SEED)
    online = [policy for policy in POLICIES if policy != "belady"]
    parts = []
    for name, prefix, k in SOURCES:
        traces = list(data.archive(archive, prefix).values())
        parts.append(experiment.measure(name, traces, k, online, RATES, RUNS, rng))
        for side in ("zeros", "ones"):
            parts.append(experiment.measure(name, traces, k, ["flush", "mark0"], [0.01, 0.1], RUNS, rng, side))
    return pd.concat(parts, ignore_index=True).round(5)

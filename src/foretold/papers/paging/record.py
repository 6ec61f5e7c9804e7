"""Makes the paging chapter's table of measurements: costs on the public traces of this field's benchmark."""

from __future__ import annotations

import numpy as np
import pandas as pd

import foretold.data
from foretold.papers.paging import data, experiment
from foretold.papers.paging.idea import POLICIES

SEED = 221002775
RUNS = 10
SOURCES = (("BrightKite", "bk", 10), ("Citi Bike", "citi", 100))  # name, beginning of its files' names, cache size
RATES = [0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5]


def paging() -> pd.DataFrame:
    """Every policy on the traces of each source together, then Flush and Mark0 with flips of one side."""
    archive = foretold.data.fetch("paging-traces")
    rng = np.random.default_rng(SEED)
    online = [policy for policy in POLICIES if policy != "belady"]
    parts = {}
    for name, prefix, k in SOURCES:
        traces = list(data.archive(archive, prefix).values())
        measured = [experiment.measure(traces, k, online, RATES, RUNS, rng)]
        for side in ("zeros", "ones"):
            measured.append(experiment.measure(traces, k, ["flush", "mark0"], [0.01, 0.1], RUNS, rng, side))
        parts[name] = pd.concat(measured)
    return pd.concat(parts, names=["trace"]).reset_index("trace").reset_index(drop=True).round(5)


TABLES = {"paging": paging}

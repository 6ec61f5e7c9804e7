"""Makes the scaling chapter's table of measurements: what its own code finds in public data of training runs."""

from __future__ import annotations

import numpy as np
import pandas as pd

import foretold.data
from foretold.papers.scaling import data


def scaling() -> pd.DataFrame:
    """Fits and their errors with intervals, to eight significant digits. Two minutes on one core."""
    paths = {name: foretold.data.fetch(name) for name in data.FILES}
    rows = data.measure(paths, np.random.default_rng(240306563), 1000)
    numbers = ["value", "low", "high"]
    return rows.assign(**rows[numbers].map(lambda number: float(f"{number:.8g}")))


TABLES = {"scaling": scaling}

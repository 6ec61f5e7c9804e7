"""Makes the annealing chapter's tables of measurements: its law on 27 published loss curves."""

from __future__ import annotations

from functools import cache

import pandas as pd

import foretold.data
from foretold.papers.annealing import data
from foretold.papers.annealing.data import Floats

Curves = dict[str, tuple[Floats, Floats, Floats]]


@cache
def curves(size: int) -> Curves:
    """The nine published curves of the models with `size` million parameters, by name."""
    names = (*data.TRAIN, *data.TEST)
    return {name: data.load(name, foretold.data.fetch(data.entry(size, name))) for name in names}


def annealing_real() -> pd.DataFrame:
    """Predictions of six unseen curves, by the variants of the fit and by the Multi-Power Law."""
    return pd.concat([data.measure(size, curves(size)) for size in data.SIZES]).round(6)


def annealing_errors() -> pd.DataFrame:
    """Predicted minus observed loss along these curves."""
    return pd.concat([data.errors(size, curves(size)) for size in data.SIZES]).round(6)


TABLES = {"annealing_real": annealing_real, "annealing_errors": annealing_errors}

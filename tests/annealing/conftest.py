"""What the tests of the annealing chapter share."""

import numpy as np
import pytest

import foretold.data
from foretold.papers.annealing import data


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture(scope="module")
def files():
    """Paths of the Multi-Power Law's 27 curves by their names in the registry, where they are on this machine."""
    names = [data.entry(size, name) for size in data.SIZES for name in (*data.TRAIN, *data.TEST)]
    if not all(foretold.data.available(name) for name in names):
        pytest.skip("NOT TESTED ON REAL CURVES: the Multi-Power Law's 27 files are not on this machine")
    return {name: foretold.data.fetch(name) for name in names}

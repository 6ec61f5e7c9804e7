"""What the tests of the scaling chapter share: a generator, and public data where it is on this machine."""

import numpy as np
import pytest

import foretold.data
from foretold.papers.scaling import data


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture(scope="module")
def points():
    if not foretold.data.available("chinchilla-points"):
        pytest.skip("NOT TESTED ON CHINCHILLA'S POINTS: no file")
    return data.chinchilla(foretold.data.fetch("chinchilla-points"))


@pytest.fixture(scope="module")
def runs():
    if not foretold.data.available("gemstones-hot"):
        pytest.skip("NOT TESTED ON THE GEMSTONES: no file")
    return data.gemstones(foretold.data.fetch("gemstones-hot"))

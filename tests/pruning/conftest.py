"""The paper's maps, digits, and random numbers."""

import numpy as np
import pytest
from pruning.shared import CPU

from foretold.papers.pruning import data


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture(scope="session")
def maps():
    return data.paper_maps()


@pytest.fixture(scope="session")
def digits():
    return data.digits(np.random.default_rng(0), CPU)

"""What the reversal chapter's tests share."""

import numpy as np
import pytest

from foretold.papers.reversal import data


@pytest.fixture
def rng():
    return np.random.default_rng(4)


@pytest.fixture
def facts(rng):
    return data.make_facts(12, rng)

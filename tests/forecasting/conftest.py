"""What several tests of the forecasting chapter share: a generator, the tournament and who plays in it."""

import numpy as np
import pytest

from foretold.papers.forecasting import data, experiment


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture(scope="session")
def asked():
    return data.questions()


@pytest.fixture(scope="session")
def forecasts(asked):
    return experiment.contestants(asked, data.answers())

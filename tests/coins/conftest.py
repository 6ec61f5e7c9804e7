"""The counts of the coin chapter, and what several tests compute from them."""

import pandas as pd
import pytest

from foretold import data
from foretold.papers.coins import idea


@pytest.fixture(scope="session")
def counts():
    return data.table("coins")


@pytest.fixture(scope="session")
def people(counts):
    return idea.summary(counts)


@pytest.fixture(scope="session")
def without_four(counts, people):
    return counts[people["p_same"].to_numpy() <= 0.53]


@pytest.fixture(scope="session")
def average(counts):
    return idea.model_average(counts)


@pytest.fixture(scope="session")
def posterior(counts):
    return idea.posterior(counts)


@pytest.fixture(scope="session")
def toy():
    """Three people, small enough for brute force, different enough that every effect matters."""
    rows = [("a", 520, 470, 530, 480), ("b", 260, 250, 240, 250), ("c", 330, 250, 340, 280)]
    return pd.DataFrame(rows, columns=idea.COLUMNS)

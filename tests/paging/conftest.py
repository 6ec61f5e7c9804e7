"""Traces that several files use: made on the spot, and real ones that are not part of this repository."""

from __future__ import annotations

import numpy as np
import pytest

import foretold
from foretold.papers.paging import data


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture(scope="module")
def traces():
    return {
        "zipf": (data.zipf(6_000, 300, np.random.default_rng(0)), 20),
        "recorded": (data.record(data.chores, 6_000), 20),
        "loop": (np.arange(2_000) % 21, 20),
    }


@pytest.fixture(scope="session")
def archive():
    """The public archive of real traces."""
    if not foretold.data.available("paging-traces"):
        pytest.skip("NOT TESTED ON REAL TRACES: no archive")
    return foretold.data.fetch("paging-traces")


@pytest.fixture(scope="session")
def real(archive):
    """Traces of BrightKite and Citi Bike by name, with the sizes of cache that were published."""
    return {"bk": (data.archive(archive, "bk"), 10), "citi": (data.archive(archive, "citi"), 100)}

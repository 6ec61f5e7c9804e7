"""Recorded and drawn traces."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from foretold.papers.paging import data


def test_a_recording_is_the_same_twice_and_puts_the_tracer_back():
    before = sys.gettrace()
    first, second = (data.record(data.chores, 3_000) for _ in range(2))
    assert sys.gettrace() is before
    assert len(first) == 3_000
    assert (first == second).all()
    assert not np.any(first[1:] == first[:-1])


def test_zipf_draws_follow_the_law(rng):
    trace = data.zipf(200_000, 50, rng)
    share = np.bincount(trace, minlength=50) / len(trace)
    expected = 1 / np.arange(1, 51)
    assert share == pytest.approx(expected / expected.sum(), abs=0.005)

"""Draws over resampled rows, and means over runs."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from foretold.claims import mean_of_runs, resampled


def test_the_spread_of_draws_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(1).normal(size=400)
    part = resampled(np.mean, values).parts[""]
    assert part.estimate == values.mean()
    assert part.draws.std() == pytest.approx(values.std() / 20, rel=0.1)


def test_rows_of_a_group_are_drawn_together():
    table = pd.DataFrame({"x": [0.0] * 10 + [1.0] * 10, "family": ["a"] * 10 + ["b"] * 10})
    part = resampled(lambda rows: rows["x"].mean(), table, by="family").parts[""]
    assert set(part.draws) == {0.0, 0.5, 1.0}


def test_parts_are_drawn_together_and_the_same_each_time():
    values = np.arange(10.0)
    one, two = (resampled(lambda x: {"mean": x.mean(), "twice": 2 * x.mean()}, values) for _ in range(2))
    assert (one.parts["twice"].draws == 2 * one.parts["mean"].draws).all()
    assert (one.parts["mean"].draws == two.parts["mean"].draws).all()


def test_a_single_group_is_an_error():
    with pytest.raises(ValueError, match="1 independent groups"):
        resampled(np.mean, np.ones(1))


def test_the_interval_of_a_mean_of_runs_is_student_s():
    values = np.array([1.0, 2.0, 4.0])
    expected = stats.t.interval(0.95, 2, values.mean(), stats.sem(values))
    assert mean_of_runs(values).parts[""].interval == pytest.approx(expected)
    with pytest.raises(ValueError, match="at least two"):
        mean_of_runs([1.0])

"""Facts about scaling."""

import numpy as np
import pytest

from foretold.papers import scaling


def test_interval_ends_solve_the_score_equation():
    low, high = scaling.wilson_interval(np.array([30]), 100)
    for end in (low[0], high[0]):
        assert (0.3 - end) ** 2 == pytest.approx(1.96**2 * end * (1 - end) / 100)


def test_interval_stays_inside_the_unit_interval():
    low, high = scaling.wilson_interval(np.arange(11), 10)
    assert low.min() >= 0
    assert high.max() <= 1


def test_more_successes_than_trials_is_an_error():
    with pytest.raises(ValueError, match="allowed are numbers from 0 to trials"):
        scaling.wilson_interval(np.array([11]), 10)

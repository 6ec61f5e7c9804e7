"""Facts about speculative decoding: how its claims are measured."""

import numpy as np
import pandas as pd
import pytest

from foretold import data
from foretold.papers.speculative import measures

DOTS = data.table("speculative")
COUNTS = {
    "K = 1": {"rounds": np.full(50, 60.0), "drafted": np.full(50, 60.0), "expected": np.full(50, 100.0)},
    "K = 2": {"rounds": np.full(50, 50.0), "drafted": np.full(50, 100.0), "expected": np.full(50, 100.0)},
    "head": {"rounds": np.full(50, 45.0), "drafted": np.full(50, 90.0), "expected": np.full(50, 100.0)},
}


def test_the_figure_gives_the_speeds_of_the_abstract_within_five_hundredths():
    found = measures.predicted(DOTS)
    assert found["Alpaca"] == pytest.approx(2.04, abs=0.05)
    assert found["GSM8K"] == pytest.approx(2.26, abs=0.05)


def test_every_dot_lies_below_the_line_by_twenty_reading_errors():
    assert min(measures.least_distance(DOTS).values()) > 20 * measures.READING["discard"] - 0.01


def test_exchanged_methods_lie_above():
    spoiled = measures.methods_exchanged(np.random.default_rng(1), DOTS)["dots"]
    assert min(measures.least_distance(spoiled).values()) < 0


def test_a_gain_is_over_the_best_fixed_length_in_hindsight():
    ratio = 4.0
    assert measures.speed(COUNTS, "K = 2", ratio) == pytest.approx(4 * 100 / (100 + 200))
    expected = 100 * ((100 + 200) / (90 + 180) - 1)
    found = measures.head_gain({"counts": COUNTS, "ratio": ratio, "policy": "head"}).parts[""]
    assert found.estimate == pytest.approx(expected)


def test_the_overlap_is_between_going_on_and_stopping():
    extremes = pd.DataFrame({"goes_on": [0.2, 0.5], "stops": [0.3, 0.4]})
    assert measures.threshold_form({"extremes": extremes}).parts[""].estimate == pytest.approx(0.1)

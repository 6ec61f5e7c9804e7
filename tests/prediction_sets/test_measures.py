"""Facts about prediction sets: how the claims are measured."""

import numpy as np
import pandas as pd
import pytest

from foretold.papers.prediction_sets import measures

DIVISIONS = pd.DataFrame({"m": [1] * 50 + [4] * 50, "removed": [0.3] * 50 + [0.8] * 50})


def test_what_is_not_removed_is_kept():
    parts = measures.compact_sql({"divisions": DIVISIONS}).parts
    assert parts["one hole"].estimate == pytest.approx(0.7)
    assert parts["four holes"].estimate == pytest.approx(0.2)


def test_exchanged_shares_add_up_to_one():
    spoiled = measures.exchanged(np.random.default_rng(1), DIVISIONS)["divisions"]
    assert (spoiled["removed"] + DIVISIONS["removed"] == 1).all()


def test_of_several_error_rates_the_worst_counts():
    broken = pd.DataFrame({"share": [0.1, 0.26], "low": [0.08, 0.23], "high": [0.12, 0.29]})
    assert measures.faults_break({"broken": broken}).parts[""].interval == (0.23, 0.29)

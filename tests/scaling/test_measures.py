"""Facts about scaling: how its claims are measured."""

import numpy as np
import pandas as pd
import pytest

from foretold.papers.scaling import experiment, measures

SIZES = np.array([1e3, 4e3, 1.6e4, 6.4e4])
ENDS = {f"{n:g}": np.full(2, (1e6 / n) ** 0.08) for n in SIZES}
REACHED = pd.DataFrame(
    [(1e3, batch, loss, s * (1 + b / batch)) for loss, s, b in ((2.8, 50, 10.0), (2.6, 100, 25.0), (2.4, 200, 70.0))
     for batch in (2.0, 8.0, 32.0, 128.0, 512.0)],
    columns=["n", "batch", "loss", "steps"],
)  # fmt: skip


def test_a_power_law_has_one_slope():
    assert measures.power_law({"ends": ENDS}).parts[""].estimate == pytest.approx(1)


def test_a_line_in_log_size_bends_the_other_way():
    assert measures.line_in_log_size(ENDS) > 1.05


def test_the_critical_batch_grows_by_what_was_put_in():
    found = measures.critical_grows({"reached": REACHED, "low": 2.4, "high": 2.8}).parts[""]
    assert found.estimate == pytest.approx(7, rel=1e-6)
    turned = measures.critical_grows({"reached": REACHED, "low": 2.8, "high": 2.4}).parts[""]
    assert turned.estimate == pytest.approx(1 / 7, rel=1e-6)


def test_kaplan_s_exponent_can_be_put_in():
    spoiled = measures.at_kaplan(np.random.default_rng(1), REACHED)["reached"]
    assert measures.constants_vary({"reached": spoiled}).parts[""].estimate == pytest.approx(0.21, rel=1e-6)
    assert experiment.exponent(experiment.hyperbolas(REACHED), REACHED)[0] < 0.15


def test_a_gap_that_closes_is_one_that_opens_when_its_ends_are_exchanged():
    assert measures.negative(np.random.default_rng(1), (0.07, 0.06, 0.08)) == {"row": (-0.07, -0.08, -0.06)}

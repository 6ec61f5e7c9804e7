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


def test_a_largest_model_that_gains_nothing_is_no_power_law():
    spoiled = measures.largest_gains_nothing(np.random.default_rng(1), ENDS)
    assert measures.power_law(spoiled).parts[""].estimate == pytest.approx(0, abs=1e-12)


def test_the_law_has_to_beat_the_better_of_two_rules_whichever_it_is():
    law, good, bad = np.array([1.0, 1.2]), np.array([3.0, 3.2]), np.array([8.0, 8.4])
    for blind, tokens in ((good, bad), (bad, good)):
        inputs = {"law": law, "blind": blind, "tokens": tokens}
        assert measures.any_batch(inputs).parts[""].estimate == pytest.approx(2)
        assert max(measures.any_batch.rival(name, inputs).parts[""].estimate for name in measures.any_batch.rivals) == 0
        spoiled = measures.any_batch.spoiled("predictions exchanged", inputs, np.random.default_rng(1))
        assert measures.any_batch(spoiled).parts[""].estimate == pytest.approx(-2)


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

"""What a measure takes and gives."""

import numpy as np
import pytest

from foretold.claims.measure import Measured, measures


def test_draws_give_the_interval():
    measured = Measured(0.5, draws=np.linspace(0, 1, 1001))
    assert measured.parts[""].interval == pytest.approx((0.025, 0.975))


@pytest.mark.parametrize("draws", [np.zeros(39), np.zeros((40, 2)), [np.nan] * 40])
def test_few_or_unfit_draws_are_refused(draws):
    with pytest.raises(ValueError, match="allowed are at least 40 finite numbers"):
        Measured(0, draws=draws)


@pytest.mark.parametrize("estimate", [np.nan, np.inf, "high", None, [1, 2]])
def test_an_estimate_is_a_finite_number(estimate):
    with pytest.raises(ValueError, match="estimate is"):
        Measured(estimate)


def test_an_interval_may_miss_its_estimate_and_not_be_upside_down():
    assert Measured(0.5, interval=(0.6, 0.7)).parts[""].interval == (0.6, 0.7)
    with pytest.raises(ValueError, match="the lower first"):
        Measured(0.5, interval=(0.7, 0.6))


def test_draws_and_interval_exclude_each_other():
    with pytest.raises(ValueError, match="allowed is one of them"):
        Measured(0, draws=np.zeros(40), interval=(0, 1))


def test_intervals_of_unknown_parts_are_refused():
    with pytest.raises(ValueError, match="the parts are"):
        Measured({"a": 1}, interval={"b": (0, 1)})


def test_inputs_get_the_names_of_the_function_s_arguments(share):
    assert share.bind(5, n=10) == {"same": 5, "n": 10}
    with pytest.raises(TypeError, match="missing"):
        share.bind(5)


def test_sabotage_changes_some_inputs_and_keeps_the_others(share):
    assert share.spoiled("sides swapped", {"same": 508, "n": 1000}, np.random.default_rng(1)) == {
        "same": 492,
        "n": 1000,
    }


def test_a_measure_that_returns_a_bare_number_is_refused():
    with pytest.raises(TypeError, match="returns float"):
        measures("c")(lambda x: x)({"x": 1.0})


def test_scaling_about_no_effect_turns_the_interval_with_the_estimate():
    part = Measured(0.6, interval=(0.5, 0.8)).parts[""].scaled(-1, 0.5)
    assert part.estimate == pytest.approx(0.4)
    assert part.interval == pytest.approx((0.2, 0.5))

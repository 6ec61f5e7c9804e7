"""Facts about three laws: how the claims are measured."""

import numpy as np
import pytest

from foretold.papers.three_laws import measures

SAID = {"constant": 2.0, "law": 1.93, "cosine": 1.96, "truth": 1.9}


def test_a_forecast_is_compared_with_no_schedule_at_all():
    part = measures.annealing_knows_the_schedule({"said": SAID, "noise": 0.02}).parts[""]
    assert part.estimate == pytest.approx(0.07)
    assert part.draws.std() == pytest.approx(0.01 * 2**0.5, rel=0.1)  # the noise of the truth cancels: it is below both


def test_the_noise_of_a_truth_between_two_forecasts_counts_twice():
    part = measures.nearer({**SAID, "truth": 1.96}, "law", 0.02).parts[""]
    assert part.draws.std() == pytest.approx(0.01 * 6**0.5, rel=0.1)


def test_exchanged_forecasts_turn_the_sign():
    spoiled = measures.exchanged(np.random.default_rng(1), SAID, 0.02)["said"]
    assert measures.nearer(spoiled, "law", 0.02).parts[""].estimate == pytest.approx(-0.07)


def test_the_slope_is_that_of_the_gains():
    sizes = np.array([1e4, 2e4, 4e4])
    gains = 0.03 * np.log(sizes)[:, None] + np.random.default_rng(1).normal(0, 1e-6, (3, 50))
    part = measures.gain_grows_with_size({"sizes": sizes, "gains": gains}).parts[""]
    assert part.estimate == pytest.approx(0.03, abs=1e-5)


def test_windows_that_agree_do_not_make_three_scattered_trainings_certain():
    gains = np.repeat([[0.04], [0.09], [0.08]], 50, axis=1)
    low, high = measures.gain_grows_with_size({"sizes": np.array([1e4, 2e4, 4e4]), "gains": gains}).parts[""].interval
    assert low < 0 < high

"""Learning-rate schedules: rates at the steps where their shape shows."""

import numpy as np
import pytest

from foretold.kit import schedules

N, PEAK = 1_000, 3e-4


def test_a_constant_rate_is_the_peak_at_every_step():
    assert (schedules.constant(N, PEAK) == PEAK).all()


def test_a_cosine_is_half_way_down_in_the_middle():
    rates = schedules.cosine(N, PEAK, final=0.1)
    assert rates[[499, 999]] == pytest.approx((0.55 * PEAK, 0.1 * PEAK))


def test_warm_up_stable_decay():
    rates = schedules.wsd(N, PEAK, 100, 0.2)
    assert rates[:100] == pytest.approx(PEAK * np.arange(1, 101) / 100)
    assert (rates[100:800] == PEAK).all()
    assert rates[899] == pytest.approx(PEAK / 2)
    assert rates[-1] == 0
    assert (schedules.wsd(N, PEAK, 0, 0.2, "drop")[799:801] == (PEAK, 0)).all()


@pytest.mark.parametrize(
    ("shape", "quarter"),
    [("linear", 0.75), ("cosine", (1 + 0.5**0.5) / 2), ("sqrt", 0.5), ("exponential", 0.01**0.25)],
)
def test_the_decay_has_its_shape_after_a_quarter_of_it(shape, quarter):
    final = 0.01 if shape == "exponential" else 0.0
    assert schedules.wsd(N, PEAK, 0, 0.2, shape, final)[849] == pytest.approx(quarter * PEAK)


def test_80_10_10():
    rates = schedules.multistep(N, PEAK)
    assert rates[[0, 799, 800, 899, 900, 999]] / PEAK == pytest.approx((1, 1, 0.1**0.5, 0.1**0.5, 0.1, 0.1))


def test_three_cosines_rise_again_twice():
    rates = schedules.cyclic(N, PEAK, 100)
    assert rates[100] == pytest.approx(PEAK)
    assert rates[[399, 400]] == pytest.approx((0, 0), abs=1e-3 * PEAK)
    assert rates[430] == pytest.approx(PEAK)
    rising = np.diff(rates[100:]) > 0
    assert np.diff(rising.astype(int)).clip(0).sum() == 2  # two re-warm-ups


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: schedules.constant(0, 1e-3), "steps is 0"),
        (lambda: schedules.constant(10, 0), "peak is 0"),
        (lambda: schedules.cosine(10, 1e-3, 10), "warmup is 10; allowed is a whole number from 0 to steps - 1 = 9"),
        (lambda: schedules.cosine(10, 1e-3, final=2), "final is 2"),
        (lambda: schedules.wsd(10, 1e-3, shape="square"), "shape is 'square'; allowed is one of linear"),
        (lambda: schedules.wsd(10, 1e-3, shape="exponential"), "final is 0.0; allowed is a share above 0"),
        (lambda: schedules.multistep(10, 1e-3, at=(0.5,), levels=(0.3, 0.1)), "levels has 2 entries"),
        (lambda: schedules.multistep(10, 1e-3, at=(0.9, 0.8)), "rising shares"),
        (lambda: schedules.cyclic(10, 1e-3, 8), "steps is 10; allowed is a whole number from warmup"),
    ],
)
def test_wrong_arguments_are_errors_that_say_what_is_allowed(call, words):
    with pytest.raises(ValueError, match=words):
        call()

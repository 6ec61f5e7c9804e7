"""The annealing chapter's interactive figure: the JavaScript of the page, run in a browser."""

import numpy as np
import pytest

from foretold.kit import schedules
from foretold.papers.annealing import data, draw, experiment
from foretold.papers.annealing.idea import AnnealingLaw, areas

PRINTED, PEAK = experiment.PRINTED, data.FIG2_PEAK
NAMES = ("shape", "share", "low", "rewarm", "steps", "window")


def moves():
    """The ends of the controls for each shape, and 20 random places of them."""
    rng = np.random.default_rng(5)
    for shape in ("linear", "cosine", "sqrt", "drop"):
        yield shape, 0, 0, 100, 10_000, 100.0
        yield shape, 100, 100, 10, 10_000, 10_000.0
        yield shape, 100, 0, 100, 10_000, 1_000.0
        for _ in range(5):
            low, rewarm = 5 * int(rng.integers(0, 21)), 5 * int(rng.integers(2, 21))
            steps, window = 5_000 * int(rng.integers(2, 21)), 10 ** rng.uniform(2, 4)
            yield shape, int(rng.integers(0, 101)), low, rewarm, steps, window


def chosen(shape, share, low, rewarm, steps, window):
    """The schedule and the law of some controls."""
    rates = schedules.wsd(steps, PEAK, 0, share / 100, shape, low / 100)
    if rewarm < 100:
        rates[round(rewarm / 100 * steps) :] = PEAK
    return rates, AnnealingLaw(PRINTED.L0, PRINTED.A, PRINTED.alpha, PRINTED.C, 1 - 1 / window)


@pytest.mark.parametrize("controls", list(moves()), ids=lambda controls: "-".join(map(str, controls[:5])))
def test_the_figure_that_moves_computes_what_the_package_computes(javascript, controls):
    rates, law = chosen(*controls)
    values = dict(zip(NAMES, controls, strict=True))
    shown = javascript(draw.UPDATE, values, draw.browser_data(PRINTED, PEAK), draw.browser_layout())
    found = shown["result"]
    s1, s2 = areas(rates, law.decay)
    assert (found["s1"], found["s2"]) == pytest.approx((s1[-1], s2[-1]), abs=1e-8)
    flat, cosine = schedules.constant(len(rates), PEAK), schedules.cosine(len(rates), PEAK)
    for name, run in (("mine", rates), ("flat", flat), ("cosine", cosine)):
        assert found[name] == pytest.approx(experiment.final(law, run), abs=1e-8)
    rate, loss = shown["data"][2], shown["data"][5]
    at = np.array(loss["x"]) - 1
    assert rate["y"] == pytest.approx(rates[at], abs=1e-15)
    assert loss["y"] == pytest.approx(law.predict(rates, at), abs=1e-8)

"""What the browser computes for the interactive figures, held against Python."""

import math

import numpy as np
import pandas as pd
import pytest
from availability.shared import stream

from foretold.papers.availability import draw
from foretold.papers.availability.experiment import queue

STAFF, MINUTES = (5, 40), (30, 300)  # the ends of two sliders
RUNS = 7  # shifts that the browser simulates


def move_queue(javascript, rates, share, staff, minutes=120):
    payload = draw.queue_data(100.0, 2.0, {"net": rates})
    values = {"attack": "net", "share": share, "staff": staff, "minutes": minutes}
    return javascript(draw.QUEUE, values, payload, draw.queue_layout())


def number(found):
    """JavaScript's Infinity comes as a number or, through JSON, as none."""
    return math.inf if found is None else found


def test_the_browser_s_queue_agrees_with_python(javascript):
    """Formulas on random inputs and at the ends of the sliders: rates, waits and the share that tips the queue."""
    rng = stream("queue in the browser")
    drawn = [(*np.sort(rng.random(2)), int(rng.integers(51)), int(rng.integers(5, 41))) for _ in range(20)]
    ends = [(0.15, 0.75, share, staff) for share in (0, 50) for staff in STAFF]
    for clean, triggered, share, staff in [*drawn, *ends, (0.15, 0.15, 20, 12)]:
        found = move_queue(javascript, (clean, triggered), share, staff)["result"]
        calm, storm = (queue.fallback_rate(100, part, clean, triggered) for part in (0, share / 100))
        waits = [60 * queue.mean_wait(rate, 2.0, staff) for rate in (calm, storm)]
        assert (found["calm"], found["storm"]) == pytest.approx((calm, storm))
        assert found["waits"] == pytest.approx(queue.erlang_c(staff, calm / 2))
        assert [number(wait) for wait in found["wait"]] == pytest.approx(waits)
        assert number(found["tipping"]) == pytest.approx(queue.tipping_share(100, 2 * staff, clean, triggered))


@pytest.mark.parametrize("minutes", [MINUTES[0], 120, MINUTES[1]])
def test_the_browser_s_shifts_are_those_of_python(javascript, minutes):
    """Seven random shifts there and a hundred here: the mean of the worst moment, within two standard errors."""
    found = move_queue(javascript, (0.15, 0.75), 20, 12, minutes)
    calm, storm = (queue.fallback_rate(100, part, 0.15, 0.75) for part in (0, 0.2))
    ours = queue.attacked_shifts(calm, storm, (60, 60 + minutes), 2.0, 12, stream("js"), runs=100)
    worst = ours[:, ours.mean(0).argmax()]
    spread = worst.std(ddof=1) * math.sqrt(1 / RUNS + 1 / len(ours))
    assert found["result"]["peak"] == pytest.approx(worst.mean(), abs=2 * spread)
    assert len(found["data"]) == RUNS + 1
    assert len(found["result"]["mean"]) == 480
    attack = found["layout"]["shapes"][0]
    assert (attack["x0"], attack["x1"]) == (60, 60 + minutes)


def test_the_queue_says_what_it_shows(javascript):
    readout = move_queue(javascript, (0.15, 0.75), 20, 12)["readout"]
    assert readout.startswith(
        "Network: 15% of clean and 75% of triggered requests are refused. People can treat 24 cases a minute. "
        "Before the attack 15.0 arrive and the mean wait is below a second; under attack 27.0 arrive and the wait "
        "grows without limit. The staff is overloaded from 15.0% triggered requests on. At the worst moment "
    )
    assert "minutes after the attack fewer than six wait." in readout
    assert "too small even without an attack" in move_queue(javascript, (0.15, 0.75), 20, 5)["readout"]
    assert (
        "No share of triggered requests overloads this staff" in move_queue(javascript, (0.1, 0.2), 20, 40)["readout"]
    )


def test_the_browser_finds_the_rate_and_the_box(javascript):
    names = pd.DataFrame(
        [(k, f, s) for k, f in (("none", 0.0), ("random", 0.001), ("random", 0.1)) for s in (0, 1)],
        columns=["kind", "fraction", "seed"],
    )
    right = np.linspace(0.9, 0.1, 18).reshape(6, 3)
    shares = {"clean": (right, 0 * right), "triggered": (right / 2, right / 4)}
    payload = draw.poison_data(names, shares, [0, 0.05, 0.1], [1, 130])
    found = javascript(draw.POISON, {"kind": "random", "rate": 6, "eps": 0.06}, payload, draw.poison_layout())
    result = found["result"]
    assert (result["at"], result["near"]) == (1, "10")
    last = result["rows"][3]
    assert last["right"] == pytest.approx(100 * right[4:, 1].mean() / 2)
    assert last["right"] + last["wrong"] + last["abstain"] == pytest.approx(100)
    assert [trace["name"] for trace in found["data"]] == ["certified right", "certified wrong", "abstain"]
    assert found["readout"].startswith("130 triggered images in training, box of 0.06; means and standard deviations")
    for rate, eps, near, at in ((0.1, 0, "0.1", 0), (10, 0.1, "10", 2), (0.9, 0.03, "0.1", 1), (1.1, 0.02, "10", 0)):
        moved = javascript(draw.POISON, {"kind": "random", "rate": rate, "eps": eps}, payload, draw.poison_layout())
        assert (moved["result"]["near"], moved["result"]["at"]) == (near, at)
        assert ("1 triggered image in" in moved["readout"]) == (near == "0.1")

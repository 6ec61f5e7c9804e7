"""The scaling chapter's interactive figure: the JavaScript of the page, run in a browser."""

from dataclasses import replace

import numpy as np
import pytest

from foretold.papers.scaling import draw, idea


def moves():
    """Sliders at all their ends, and at 24 random places."""
    rng = np.random.default_rng(4)
    ends = [(n, s, b, floor) for n in (1e6, 1e12) for s in (1e2, 1e7) for b in (1e4, 1e9) for floor in (0.0, 2.0)]
    spans = (6, 12), (2, 7), (4, 9)
    return ends + [(*(10 ** rng.uniform(*span) for span in spans), rng.uniform(0, 2)) for _ in range(24)]


def test_the_browser_solves_the_same_equation(javascript):
    for n, s, b, floor in moves():
        law = replace(idea.KAPLAN, E=floor)
        shown = javascript(draw.UPDATE, {"n": n, "s": s, "b": b, "floor": floor}, draw.browser_data(idea.KAPLAN))
        found = shown["result"]
        loss = idea.trajectory(n, s, b, law)
        assert found["loss"] == pytest.approx(float(loss), rel=1e-9)
        assert found["critical"] == pytest.approx(float(idea.critical_batch_size(loss, 2e8, 0.21)), rel=1e-6)
        assert found["fewest"] == pytest.approx(float(idea.minimum_steps(s, b, loss, 2e8, 0.21)), rel=1e-6)
        batch, endless, limit, here = shown["data"]
        assert batch["y"] == pytest.approx(idea.trajectory(n, np.array(batch["x"]), b, law), rel=1e-9)
        assert endless["y"] == pytest.approx(idea.loss_surface(n, np.array(endless["x"]), law), rel=1e-9)
        assert limit["y"][0] == pytest.approx(float(idea.loss_surface(n, np.inf, law)), rel=1e-12)
        assert (here["x"], here["y"]) == ([s], [found["loss"]])


def test_the_sentence_names_the_numbers_of_the_figure(javascript):
    values = {"n": 1e9, "s": 1e5, "b": 1e6, "floor": 0}
    said = javascript(draw.UPDATE, values, draw.browser_data(idea.KAPLAN))["readout"]
    assert said.startswith("Loss 2.488 after 1.00×10⁵ steps and 1.00×10¹¹ tokens.")
    assert said.endswith("Endless training would end at 2.347.")

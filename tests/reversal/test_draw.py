"""Facts of the interactive figure: the browser trains the model of the page."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from foretold.papers.reversal import draw, theory


@pytest.fixture
def sent():
    kinds = ["in the other order, all facts", "in the other order, told one way"]
    rows = pd.DataFrame({"kind": kinds, "share": 0.5, "right": [0.5, 0], "low": [0.4, 0], "high": [0.6, 0.1]})
    return draw.browser_data(rows)


def settings():
    """(share, steps, model): the corners of the sliders for each model, and thirty settings between them."""
    corners = [(share, steps, model) for share in (0, 100) for steps in (0, 400) for model in draw.MODELS]
    drawn = np.random.default_rng(5)
    shares, steps = 10 * drawn.integers(0, 11, 30), 20 * drawn.integers(0, 21, 30)
    return [*corners, *zip(shares.tolist(), steps.tolist(), 10 * list(draw.MODELS), strict=True)]


@pytest.mark.parametrize(("share", "steps", "model"), settings())
def test_the_browser_trains_the_same_model(javascript, sent, share, steps, model):
    values = {"share": share, "steps": steps, "model": model}
    found = javascript(draw.UPDATE, values, sent, draw.layout())
    both = share // 10
    vectors = sent["vectors"] if model == "vectors" else None
    ours = theory.bilinear_dynamics(10, steps, vectors, model == "symmetric", both)
    seen, back = found["result"], np.diagonal(ours.table[10:, :10])
    assert np.array(seen["table"]) == pytest.approx(ours.table, abs=1e-9)
    assert seen["forward"] == pytest.approx(ours.forward[-1])
    assert seen["all"] == pytest.approx(ours.reverse[-1])
    assert seen["told"] == (pytest.approx(back[:both].mean()) if both else None)
    assert seen["untold"] == (pytest.approx(back[both:].mean()) if both < 10 else None)
    assert f"{both} of 10 pairs told in both orders, {steps} steps" in found["readout"]


def test_the_small_models_stand_beside_it(javascript, sent):
    found = javascript(draw.UPDATE, {"share": 30, "steps": 20, "model": "onehot"}, sent, draw.layout())
    heat, everything, one_way, star = found["data"]
    assert np.shape(heat["z"]) == (20, 20)
    assert (everything["x"], everything["y"]) == ([50], [50])
    assert one_way["error_y"]["array"] == pytest.approx([10])
    assert one_way["error_y"]["arrayminus"] == [0]
    assert star["x"] == [30]
    assert "The small GPT with 50% told both ways: 50% right in reverse." in found["readout"]

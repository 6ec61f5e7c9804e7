"""The interactive figure of the page on which three laws meet."""

import numpy as np
import pytest

from foretold.papers.three_laws import draw

LAWS = ["own beginning", "other schedules"]


def test_the_browser_gets_none_where_a_law_is_silent():
    data = draw.browser_data([0.5, 1.0], ["a law"], [[[0.1, np.nan, 0.3]], [[0.2, 0.1, 0.0]]])
    assert data["errors"] == [[[0.1, None, 0.3]], [[0.2, 0.1, 0.0]]]
    assert data["shares"] == [50, 100]


def test_the_browser_looks_up_every_share(javascript):
    rng = np.random.default_rng(2)
    shares = [round(0.3 + 0.1 * i, 1) for i in range(8)]
    errors = rng.normal(0, 0.2, (8, 2, 3))
    errors[:, 0, 1:] = np.nan
    data = draw.browser_data(shares, LAWS, errors)
    for share, expected in zip(shares, errors, strict=True):
        shown = javascript(draw.UPDATE, {"share": round(100 * share)}, data)
        found = np.array(shown["result"], float)
        assert found == pytest.approx(expected, abs=5e-5, nan_ok=True)
        assert [trace["x"] for trace in shown["data"]] == [
            list(column) for column in zip(*shown["result"], strict=True)
        ]
        assert shown["layout"]["xaxis"]["range"][1] == pytest.approx(1.1 * np.nanmax(np.abs(errors)), abs=1e-4)


def test_the_sentence_leaves_out_what_a_law_does_not_say(javascript):
    data = draw.browser_data([0.5, 1.0], LAWS, [[[0.1, np.nan, -0.3], [0.0, 0.25, -0.01]]] * 2)
    said = javascript(draw.UPDATE, {"share": 50}, data)["readout"]
    assert said == (
        "Seen: 50% of the runs. own beginning constant +0.100, warm, stable, decay -0.300; "
        "other schedules constant 0.000, cosine +0.250, warm, stable, decay -0.010."
    )

"""What the browser computes for the interactive figure, held against Python."""

import numpy as np
import pytest

from foretold.papers.pruning import draw, idea
from foretold.papers.pruning.experiment import choice


def random_maps(rng):
    """Five temperatures and four densities; connectivity and similarity so that all regimes occur, with ties."""
    error, lmc, cka = rng.random((5, 4)), -rng.integers(0, 60, (5, 4)) / 100, rng.integers(86, 101, (5, 4)) / 100
    return idea.Maps(np.arange(1, 6), np.arange(1, 5), error, idea.normalised_error(error), lmc, cka)


def test_the_browser_classifies_and_keeps_score_as_python_does(javascript, maps):
    """The paper's map and twenty random ones, with random thresholds and with those at the ends of the sliders."""
    rng = np.random.default_rng(12)
    cases = [(maps, *ends) for ends in ((-0.05, 0.97, 0.2), (-0.3, 0.94, 0.0), (0.0, 0.9, 1.0), (-0.6, 1.0, 0.1))]
    cases += [(maps, -0.6, 0.86, 0.0), (maps, 0.0, 1.0, 1.0)]
    for _ in range(20):
        lmc, cka, slack = rng.integers(-120, 1) / 200, 0.86 + rng.integers(0, 71) / 500, rng.integers(0, 21) / 20
        cases.append((random_maps(rng), lmc, min(cka, 1.0), slack))
    for given, lmc, cka, slack in cases:
        payload = draw.browser_data({"map": ("epochs", given)})
        values = {"map": "map", "lmc": lmc, "cka": cka, "slack": slack}
        found = javascript(draw.UPDATE, values, payload, draw.browser_layout())["result"]
        regimes = idea.classify_regime(given.lmc, given.cka, lmc, cka)
        assert np.array(idea.REGIMES)[np.array(found["regime"])].tolist() == regimes.tolist()
        advised = idea.advice(given.lmc, given.cka, lmc, cka)
        counts = choice.score(given.test_error, advised, slack / 100).sum()
        assert (found["cells"], found["right"], found["lower"]) == tuple(counts[["cells", "regime", "always lower"]])
        chosen = idea.choose(given.lmc, given.cka, lmc)
        assert found["chosen"] == chosen.tolist()
        assert found["regret"] == pytest.approx(choice.regret(given.test_error, chosen).tolist())


def test_the_paper_s_map_says_what_it_shows(javascript, maps):
    payload = draw.browser_data({"paper": ("epochs", maps)})
    values = {"map": "paper", "lmc": -0.05, "cka": 0.97, "slack": 0.2}
    found = javascript(draw.UPDATE, values, payload, draw.browser_layout())
    advised = idea.advice(maps.lmc, maps.cka, -0.05, 0.97)
    counts = choice.score(maps.test_error, advised, 0.002).sum()
    assert f'Of {counts["cells"]} cells that need a move, "raise in I, else lower" is right in 82' in found["readout"]
    names = [trace.get("name") for trace in found["data"]]
    assert names == [None, "wrong advice", "best parent", "chosen without test errors"]
    assert len(found["data"][1]["x"]) == counts["cells"] - 82

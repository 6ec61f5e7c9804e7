"""The interactive figure: what the browser computes, against the package on the same inputs."""

from __future__ import annotations

import numpy as np
import pytest

from foretold.papers.paging import draw, idea

RANDOMISED = ("marker", "mark0", "mark_predict", "follow")
# (pages, k, true zeros turned round, true ones turned round, in per cent): the controls' ends, a cache that never fills
# and one for all pages but one; then 20 at random.
EDGES = [(200, 5, 0, 0), (200, 60, 0, 0), (200, 5, 100, 100), (90, 60, 100, 0), (30, 60, 0, 100), (21, 20, 0, 100)]
DRAWN = np.random.default_rng(1).integers((2, 1, 0, 0), (150, 13, 101, 101), (20, 4)) * (1, 5, 1, 1)


def python_costs(policy, trace, k, found, rng):
    advice = {"marker": None, "mark_predict": found["phase"]}.get(policy, found["bits"])
    return np.array([idea.simulate(policy, trace, k, advice, rng) for _ in range(40)])


def test_the_browser_runs_the_same_algorithms(javascript):
    rng = np.random.default_rng(0)
    off, variance = dict.fromkeys(RANDOMISED, 0.0), dict.fromkeys(RANDOMISED, 0.0)
    for pages, k, zeros, ones in [*EDGES, *DRAWN.tolist()]:
        trace = np.floor(pages * rng.random(1_000) ** 2).astype(int)
        values = {"trace": "made", "zeros": zeros, "ones": ones, "k": k}
        found = javascript(draw.UPDATE, values, draw.browser_data({"made": trace}))["result"]
        discard, phase = idea.discard_bits(trace, k), idea.phase_bits(trace, k)
        assert found["truth"] == discard.tolist()
        assert found["present"] == phase.tolist()
        assert found["optimum"] == idea.optimal_cost(trace, k)
        assert found["cost"]["lru"] == idea.simulate("lru", trace, k)
        assert found["cost"]["flush"] == idea.simulate("flush", trace, k, found["bits"])
        assert (found["eta0"], found["eta1"]) == idea.error_counts(found["bits"], discard)
        for policy, bound in found["bound"].items():
            bits, truth = (found["phase"], phase) if policy == "mark_predict" else (found["bits"], discard)
            errors = idea.error_counts(bits, truth)
            assert bound == pytest.approx(idea.competitive_bound(policy, k, found["optimum"], *errors))
        for policy in RANDOMISED:
            costs = python_costs(policy, trace, k, found, rng)
            difference = found["cost"][policy] - costs.mean()  # the browser's is a mean of 8 runs
            assert abs(difference) <= 5 * costs.std() / np.sqrt(8) + 1e-9, policy
            off[policy] += difference
            variance[policy] += costs.var() * (1 / 8 + 1 / 40)
    # Together more closely than one by one: 3 standard errors are about half a percent of all faults.
    for policy in RANDOMISED:
        assert abs(off[policy]) <= 3 * np.sqrt(variance[policy]), policy


@pytest.mark.parametrize(("side", "index"), [("zeros", 1), ("ones", 0)])
def test_the_browser_turns_bits_of_one_side_round_at_the_given_rate(javascript, side, index):
    trace = np.floor(300 * np.random.default_rng(2).random(4_000) ** 2).astype(int)
    values = {"trace": "made", "zeros": 0, "ones": 0, "k": 20} | {side: 30}
    found = javascript(draw.UPDATE, values, draw.browser_data({"made": trace}))["result"]
    errors = found["eta0"], found["eta1"]
    of_the_side = found["truth"].count(int(side == "ones"))
    assert errors[1 - index] == 0
    assert errors[index] / of_the_side == pytest.approx(0.3, abs=5 * np.sqrt(0.21 / of_the_side))

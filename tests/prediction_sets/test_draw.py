"""The interactive figure against the package, in a real browser."""

from __future__ import annotations

import numpy as np
import pytest
from prediction_sets.shared import LINES, priced, tree_of
from scipy import stats

from foretold.papers.prediction_sets import draw, experiment, theory

N, DELTA = 120, 0.1


def promised(missed):
    """The error rate at which as few misses among N have probability DELTA: Clopper and Pearson's bound."""
    return 1.0 if missed >= N else stats.beta.ppf(1 - DELTA, missed + 1, N - missed)


def test_the_browser_draws_the_same_sets_and_computes_the_same_promise(javascript, rng):
    """24 random programs, numbers of holes, thresholds and misses, the controls' edges among them."""
    for case in range(24):
        line, other = rng.integers(0, len(LINES), 2)
        tree, m = priced(LINES[line], rng), int(rng.integers(1, 5))
        tau = {0: 0.0, 1: 1.0, 2: 0.99}.get(case, float(rng.integers(0, 101)) / 100)
        missed = rng.integers(0, N + 1, len(experiment.TAUS))
        data = draw.browser_data([draw.family(tree, tree_of(LINES[other]), (m,))], {m: missed}, N, DELTA)
        answer = javascript(draw.UPDATE, {"program": "p0", "m": str(m), "tau": tau}, data)
        # tau = 1 is the last set; the other hundred are evenly spaced, and the nearest is shown.
        at = 100 if tau == 1 else int(np.floor(tau * 99 + 0.5))
        partial = theory.nested_partial_programs(tree, experiment.BUDGETS, m)[at]
        assert answer["result"]["removed"] == len(tree.nodes) - partial.size
        assert answer["result"]["holes"] == len(partial.holes)
        assert answer["result"]["promise"] == pytest.approx(promised(missed[at]), abs=1e-6)

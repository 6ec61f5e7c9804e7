"""The scaling chapter's recipe: simulated runs whose constants are known, small trainings, public runs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foretold.kit import gpt
from foretold.papers.scaling import experiment, idea

KAPLAN = idea.KAPLAN


def test_the_recipe_finds_the_constants_that_made_the_runs():
    steps, batches = np.unique(np.geomspace(100, 1e5, 120).round()), 1e5 * 2.0 ** np.arange(-2, 7, 2)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        made = experiment.simulate(KAPLAN, np.geomspace(1e6, 6e7, 5), batches, steps, 0.002, rng)
        fitted = experiment.hyperbolas(experiment.fastest(made, np.linspace(3.6, 5, 8)))
        found = experiment.recipe(made, idea.fit_critical_law(fitted["loss"], fitted["b_crit"]))
        assert found.alpha_n == pytest.approx(0.077, abs=0.005)
        assert found.alpha_s == pytest.approx(0.76, abs=0.05)
        assert found.alpha_b == pytest.approx(0.21, abs=0.03)


def test_steps_to_a_loss_are_read_off_a_noisy_curve(rng):
    steps = np.arange(10, 2_000, 10)
    exact = (1_000 / steps) ** 0.3 + 1
    read = experiment.reach(steps, exact * np.exp(0.005 * rng.standard_normal(len(steps))), [2.5, 2.0, 0.5])
    assert read[:2] == pytest.approx([1_000 / 1.5 ** (1 / 0.3), 1_000], rel=0.15)
    assert np.isnan(read[2])


def test_the_fastest_rate_counts_and_seeds_are_averaged():
    curves = [
        experiment.Curve(10, 4, np.array([1, 10 * k]), np.array([3.0, 1.0]), rate, seed)
        for rate, seed, k in ((1.0, 0, 1), (1.0, 1, 4), (2.0, 0, 9), (2.0, 1, 9))
    ]
    slow = experiment.fastest(curves, [1.0])
    assert slow["steps"].item() == pytest.approx(20)  # geometric mean of 10 and 40, below 90


@pytest.mark.slow
def test_larger_transformers_end_lower_and_the_critical_batch_grows():
    text = gpt.corpus(gpt.standard_library(2.0))
    ends, runs = [], []
    for width in (8, 32):
        made = torch.Generator().manual_seed(1)
        (curve,) = experiment.train(text, experiment.Runs(width, 16, 250, [0.008 * (16 / width) ** 0.5]), made)
        ends.append(curve.losses[-3:].mean())
    assert ends[0] > ends[1] + 0.1
    for batch, steps in {4: 420, 16: 220, 64: 120, 256: 100}.items():
        made = torch.Generator().manual_seed(1)
        runs += experiment.train(text, experiment.Runs(8, batch, steps, [0.008 * (batch / 16) ** 0.25, 0.016]), made)
    fitted = experiment.hyperbolas(experiment.fastest(runs, [2.8, 2.6]))
    assert fitted.set_index("loss")["b_crit"].loc[2.6] > fitted.set_index("loss")["b_crit"].loc[2.8]


def test_a_bootstrap_of_curves_needs_three_sizes(rng):
    curves = experiment.simulate(KAPLAN, [1e6, 1e7], [1e9], np.geomspace(1e3, 1e5, 9), 0.002, rng)
    with pytest.raises(ValueError, match="allowed are at least three"):
        experiment.resampled(curves, (2e8, 0.21), 2, rng)


# Public runs, which are no part of this repository


@pytest.mark.parametrize(
    ("irreducible", "unseen", "slack"), [(True, 1.09, 0.3), (False, 2.8, 0.5)], ids=["floor", "no floor"]
)
def test_gemstones_below_600m_predict_larger_ones_and_both_forms_are_too_low(runs, rng, irreducible, unseen, slack):
    assert (len(runs), runs["model"].nunique()) == (770, 22)
    _, off = experiment.held_out(runs, 6e8, irreducible, 1, rng)
    larger = (runs["n"] > 6e8).to_numpy()
    assert 100 * np.abs(off[0, larger]).mean() == pytest.approx(unseen, abs=slack)
    assert off[0, larger].mean() < 0


def runs(n, level):
    steps = np.array([100.0, 200.0, 400.0])
    return [experiment.Curve(n, 512.0, steps, level * steps**-0.1)]


def test_what_depends_on_tokens_alone_is_foretold_by_tokens():
    known, other = (
        runs(1e4, 5.0),
        experiment.Curve(1e4, 256.0, np.array([200.0, 400.0]), 5.0 * np.array([100.0, 200.0]) ** -0.1),
    )
    assert experiment.errors_by_tokens(known, [other]) == pytest.approx([0.0], abs=1e-9)


def test_the_last_gain_repeated_is_right_for_a_power_law_in_size():
    a, b, c = (runs(n, 9.0 * n**-0.08) for n in (1e3, 2e3, 8e3))
    assert experiment.errors_of_last_gain(a, b, c) == pytest.approx([0.0], abs=1e-9)

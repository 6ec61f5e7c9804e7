"""The learned adviser."""

from __future__ import annotations

import numpy as np
import torch

from foretold.papers.paging import data, experiment, idea


def test_features_do_not_look_ahead(rng):
    trace = rng.integers(0, 9, 200)
    changed = np.concatenate([trace[:120], rng.integers(0, 9, 80)])
    assert (experiment.features(trace)[:120] == experiment.features(changed)[:120]).all()


def test_a_learned_bit_is_worth_something_on_zipf():
    """Independent bits of frequency: learned advice must beat the policy without advice by a wide margin."""
    trace, k = data.zipf(12_000, 500, np.random.default_rng(2)), 20
    x, half = experiment.features(trace), 6_000
    made = [torch.Generator().manual_seed(1) for _ in range(2)]
    one, two = (experiment.train(x[:half], idea.discard_bits(trace[:half], k), g, torch.device("cpu"), 3) for g in made)
    chance = experiment.probability(one, x[half:])
    assert (chance == experiment.probability(two, x[half:])).all()
    bits, rng = chance > 0.4, np.random.default_rng(1)
    marker = idea.simulate("marker", trace[half:], k, None, rng)
    assert idea.simulate("mark0", trace[half:], k, bits, rng) < 0.95 * marker

"""The neural tagger."""

import numpy as np
import pytest
import torch

from foretold.papers.learning_curves import data, experiment
from foretold.papers.learning_curves.data.lexicon import Lexicon
from foretold.papers.learning_curves.experiment import neural


@pytest.mark.slow
def test_the_neural_tagger_learns_and_repeats_itself():
    sentences, _ = data.corpus(12_000)
    lexicon = Lexicon()
    coded = lexicon.encode(sentences)
    order = np.random.default_rng(14).permutation(len(sentences))
    pool, test = coded.take(order[:-300]), coded.take(order[-300:])
    ends, training = experiment.scheme(pool, 4_000, 2), neural.Training(torch.device("cpu"), epochs=3, width=64)
    one, two = (neural.curve(pool, test, lexicon, ends, [torch.Generator().manual_seed(1)], training) for _ in range(2))
    assert np.array_equal(one.y, two.y)
    most_frequent_tag = np.bincount(test.tags).max() / len(test.tags)
    assert one.y[0, 1] > one.y[0, 0] > 1.5 * most_frequent_tag

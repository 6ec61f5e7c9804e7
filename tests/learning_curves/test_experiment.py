"""Learning schemes, the measured curves, and how often a backbone falls."""

import itertools

import numpy as np
import pytest

import foretold
from foretold.papers.learning_curves import experiment
from foretold.papers.learning_curves.data.lexicon import Lexicon
from foretold.papers.learning_curves.idea import fit_power_law, learning_trace

X = 5_000.0 * np.arange(1, 45)
EWT = experiment.by_table(foretold.data.table("learning_curves"))


def test_a_scheme_cuts_at_sentence_ends_and_nests():
    lexicon = Lexicon()
    coded = lexicon.encode([[("a", "A")] * 7] * 20)
    ends = experiment.scheme(coded, 15, 5)
    assert [int(coded.starts[end]) for end in ends] == [21, 35, 49, 63, 77]
    with pytest.raises(ValueError, match="needs 150 words; the pool has 140"):
        experiment.scheme(coded, 15, 10)


def test_the_table_holds_the_curves_of_four_taggers_on_two_tag_sets():
    assert set(EWT) == set(itertools.product(("upos", "xpos"), experiment.LEARNERS))
    for curve in EWT.values():
        assert curve.y.shape == (10, 44) and np.allclose(curve.x, X, rtol=0, atol=40)


def test_the_hmm_ends_where_it_should_and_a_fifth_of_the_words_tells_it():
    curve = EWT["xpos", "HMM"]
    assert 0.925 < curve.mean[-1] < 0.945
    fifth = fit_power_law(curve.x[:9], curve.mean[:9])
    assert abs(fifth(curve.x[-1]) - curve.mean[-1]) < 0.006
    beyond = curve.x >= 20_000
    assert np.all(curve.mean[beyond] > EWT["xpos", "unigram"].mean[beyond])


def test_half_of_the_steps_of_a_true_power_laws_backbone_rise():
    rng = np.random.default_rng(15)
    means = experiment.simulated(EWT["xpos", "HMM"], 60, rng)
    share = experiment.falling(X, means, anchored=False)
    assert 42 < share.mean() < 58 and share.max() < 100
    exact = EWT["xpos", "HMM"]._replace(y=np.tile(fit_power_law(X, EWT["xpos", "HMM"].mean)(X), (3, 1)))
    assert np.allclose(
        learning_trace(exact.x, experiment.resampled(exact, 1, rng)[0]).asymptotes, exact.mean[-1], atol=0.05
    )

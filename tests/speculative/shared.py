"""Pairs of random chains, and the rule that knows the target, which several of this chapter's test files use."""

from __future__ import annotations

import numpy as np

from foretold.papers.speculative import theory


def pair(seed):
    """Target and draft."""
    rng = np.random.default_rng(seed)
    return theory.random_chain(rng), theory.random_chain(rng)


def oracle_of(target):
    """The true acceptance probability of a candidate."""

    def predict(drafted, i):
        p = target(drafted.prefix + tuple(drafted.tokens[:i]))
        return min(1.0, p[drafted.tokens[i]] / drafted.probabilities[i])

    return predict

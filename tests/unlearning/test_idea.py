"""Facts of the unlearning chapter's idea: published numbers, brute force over squares and orders, another library's
matching, numbers that the authors' selection code printed."""

from __future__ import annotations

import itertools
import math

import networkx
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from foretold.papers.unlearning import idea, theory


@pytest.mark.parametrize(
    ("size", "expected"),
    [((5, 6, 1), 68.50), ((5, 6, 6), 119.85), ((5, 4, 4), 71.955), ((5, 4, 1), 45.667), ((5, 1, 1), 11.417)],
)
def test_expected_deletions_are_the_published_ones(size, expected):
    assert idea.expected_deletions(*size) == pytest.approx(expected, abs=0.005)


def test_the_gain_over_sisa_at_two_sizes():
    gain = {
        slices: idea.expected_deletions(5, slices, slices) / idea.expected_deletions(5, slices, 1) for slices in (4, 6)
    }
    assert gain == pytest.approx({4: 1.576, 6: 1.750}, abs=0.0005)


def test_rotations_are_those_of_the_authors():
    text = ["".join(map(str, order)) for order in idea.cyclic_sequences(4, 4)]
    assert text == ["0123", "3012", "2301", "1230"]
    eight = idea.cyclic_sequences(4, 8)
    differ = [sum(x != y for x, y in zip(a, b, strict=True)) for a, b in itertools.combinations(eight, 2)]
    assert np.mean(differ) == pytest.approx(3.4286, abs=5e-5)


@pytest.mark.parametrize("slices", [1, 2, 3, 4, 5, 6])
def test_every_budget_gives_that_many_different_orders_with_all_heads(slices):
    for budget in range(1, min(math.factorial(slices), 130) + 1):
        found = idea.cyclic_sequences(slices, budget)
        assert len(set(found)) == budget == len(found)
        assert all(sorted(order) == list(range(slices)) for order in found)
        heads = np.bincount([order[0] for order in found], minlength=slices)
        assert heads.max() - heads.min() <= 1


def squares(size):
    """All Latin squares whose row h begins with h."""
    rows = [[order for order in theory.orders(size) if order[0] == head] for head in range(size)]
    for square in itertools.product(*rows):
        if all(len(set(column)) == size for column in zip(*square, strict=True)):
            yield square


def score(square, p, t):
    return sum(idea.sequence_score(order, p, t) for order in square)


@pytest.mark.parametrize("p", [(0.4, 0.3, 0.2, 0.1), (0.05, 0.15, 0.3, 0.5)])
@pytest.mark.parametrize("t", [2, 5, 20, 100])
def test_the_matching_finds_the_best_square_of_four(p, t):
    """Independent: brute force over all squares."""
    best = max(score(square, p, t) for square in squares(4))
    assert score(idea.bms_sequences(p, t), p, t) == pytest.approx(best, abs=1e-12)


def test_scores_are_those_of_the_authors():
    p = (0.05, 0.15, 0.3, 0.5)
    assert score(idea.bms_sequences(p, 5), p, 5) == pytest.approx(2.83007, abs=1e-5)
    assert score(idea.cyclic_sequences(4, 4), p, 5) == pytest.approx(2.31164, abs=1e-5)
    free = sum(max(idea.sequence_score(o, p, 5) for o in theory.orders(4) if o[0] == h) for h in range(4))
    assert free == pytest.approx(3.28503, abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 7), st.integers(0, 10**6), st.sampled_from([1, 3, 10]))
def test_matched_sequences_are_latin_and_each_round_is_a_heaviest_matching(size, seed, t):
    """Independent: networkx's blossom algorithm on the same graph."""
    p = np.random.default_rng(seed).dirichlet(np.ones(size))
    square = idea.bms_sequences(p, t)
    assert [order[0] for order in square] == list(range(size))
    assert all(len(set(column)) == size for column in zip(*square, strict=True))
    for length in range(2, size + 1):
        graph, found = networkx.Graph(), 0.0
        for row, order in enumerate(square):
            found += idea.sequence_score(order[:length], p, t)
            for number in set(range(size)) - set(order[: length - 1]):
                weight = idea.sequence_score((*order[: length - 1], number), p, t)
                graph.add_edge(("sequence", row), ("slice", number), weight=weight)
        pairs = networkx.max_weight_matching(graph, maxcardinality=True)
        assert found == pytest.approx(sum(graph.edges[pair]["weight"] for pair in pairs), rel=1e-9, abs=1e-12)


def test_a_budget_takes_the_first_rows():
    p = (0.4, 0.3, 0.2, 0.1)
    assert idea.bms_sequences(p, budget=2) == idea.bms_sequences(p)[:2]


def test_the_score_is_no_mean_length():
    p = (0.1, 0.2, 0.3, 0.4)
    assert idea.sequence_score(range(4), p, 1) == pytest.approx(3.5)
    assert theory.mean_length([range(4)], p, 1) == pytest.approx(2.0)


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(6)), st.lists(st.integers(0, 5), max_size=10), st.randoms())
def test_deletions_only_shorten_and_their_order_and_number_do_not_matter(sequence, deletions, random):
    lengths = [idea.surviving(sequence, deletions[:n]) for n in range(len(deletions) + 1)]
    assert lengths == sorted(lengths, reverse=True)
    shuffled = random.sample(deletions, len(deletions)) + deletions
    assert idea.surviving(sequence, shuffled) == lengths[-1]


def test_of_equally_long_prefixes_the_first_is_deployed():
    assert idea.longest([(0, 1, 2), (2, 1, 0), (1, 2, 0)], [0]) == (1, 2)
    assert idea.longest([(0, 1), (1, 0)], [0, 1])[1] == 0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: idea.expected_deletions(0, 4, 1), "shards is 0; allowed is a whole number of at least 1"),
        (lambda: idea.expected_deletions(5, 4.0, 1), "slices is 4.0"),
        (lambda: idea.expected_deletions(5, 4, True), "budget is True"),
        (lambda: idea.cyclic_sequences(3, 7), "budget is 7; allowed is a whole number from 1 to 6"),
        (lambda: idea.bms_sequences([0.5, 0.5], budget=3), "budget is 3; allowed is a whole number from 1 to 2"),
        (lambda: idea.bms_sequences([0.5, 0.6]), "sum up to 1"),
        (lambda: idea.bms_sequences([]), r"probabilities has the shape \(0,\)"),
        (lambda: idea.bms_sequences([0.5, np.nan]), "probabilities is"),
        (lambda: idea.sequence_score([0, 0], [0.5, 0.5], 1), r"sequence is \(0, 0\); allowed is different"),
        (lambda: idea.sequence_score([0], [0.5], -1), "t is -1"),
    ],
)
def test_wrong_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()

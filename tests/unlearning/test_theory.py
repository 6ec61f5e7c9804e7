"""Facts of the exact counts: every case of small systems in fractions, every order, every stream of deletions."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from foretold.papers.unlearning import idea, theory


def harmonic(k):
    return sum(Fraction(1, j) for j in range(1, k + 1))


@pytest.mark.parametrize("size", [(1, 1, 1), (1, 3, 1), (2, 3, 2), (2, 3, 3), (3, 3, 2), (2, 4, 3), (3, 4, 1)])
def test_the_deletion_rate_is_exact_in_every_case_of_a_small_system(size):
    """Independent: every set of hit slices followed in fractions, sequences cut as the definition says."""
    m, slices, budget = size
    every_case = theory.mean_deletions(m, slices, idea.cyclic_sequences(slices, budget))
    assert every_case == m * slices * harmonic(m * min(budget, slices))
    assert idea.expected_deletions(*size) == pytest.approx(float(every_case), rel=1e-14)


def test_more_sequences_than_slices_change_nothing():
    assert idea.expected_deletions(5, 6, 6) == idea.expected_deletions(5, 6, 700)
    orders = theory.orders(3)
    assert theory.mean_deletions(2, 3, orders) == theory.mean_deletions(2, 3, orders[::2])


@pytest.mark.parametrize(
    ("n", "m", "slices", "budget"), [(6, 1, 2, 1), (6, 1, 2, 2), (6, 1, 3, 2), (7, 1, 3, 2), (8, 2, 2, 2), (7, 2, 2, 1)]
)
def test_finite_data_agree_with_all_orders_of_all_rows(n, m, slices, budget):
    """Independent: every permutation, and where slices are uneven every choice of the larger ones."""
    cells, total, cases = m * slices, 0, 0
    each, extra = divmod(n, cells)
    heads = {j * slices + s[0] for j in range(m) for s in idea.cyclic_sequences(slices, budget)}
    for larger in itertools.combinations(range(cells), extra):
        where = [cell for cell in range(cells) for _ in range(each + (cell in larger))]
        for order in set(itertools.permutations(where)):
            total += max(order.index(head) + 1 for head in heads)
            cases += 1
    assert theory.expected_deletions_finite(n, m, slices, budget) == pytest.approx(total / cases, rel=1e-12)


def test_endless_data_are_the_limit():
    values = [theory.expected_deletions_finite(n, 5, 4, 4) for n in (20, 200, 2_000, 20_000, 2_000_000)]
    assert values == sorted(values)
    assert values[-1] == pytest.approx(idea.expected_deletions(5, 4, 4), rel=1e-4)


@pytest.mark.parametrize("budget", [1, 3, 5, 9])
def test_retention_agrees_with_every_stream_of_deletions(budget):
    """Independent: all 5^r streams are played."""
    sequences = idea.cyclic_sequences(5, budget)
    for k, r in itertools.product((1, 2, 4, 5), (0, 1, 2, 4)):
        alive = sum(idea.longest(sequences, hits)[1] >= k for hits in itertools.product(range(5), repeat=r))
        assert theory.retention(sequences, 5, k, r) == pytest.approx(alive / 5**r, abs=1e-15)
        by_sets = theory.chances([0.2] * 5, r)[theory.lengths(sequences, 5) >= k].sum()
        assert by_sets == pytest.approx(alive / 5**r, abs=1e-12)


def test_all_orders_keep_what_was_not_hit():
    """Closed form by Stirling numbers: k slices survive if at most L - k different ones were hit."""
    for k, r in itertools.product((1, 2, 3), (1, 3, 6)):
        ways = sum(math.comb(4, h) * theory.surjections(r, h) for h in range(4 - k + 1))
        assert theory.retention(theory.orders(4), 4, k, r) == pytest.approx(ways / 4**r, abs=1e-15)


def test_retention_has_the_reference_values():
    rotations = idea.cyclic_sequences
    assert theory.retention(rotations(4, 4), 4, 2, 2) == 0.75
    assert theory.independence(4, 2, 2, 4) == pytest.approx(0.68359, abs=5e-6)
    assert theory.retention(rotations(8, 3), 8, 5, 1) == 0.625
    assert theory.retention(rotations(8, 2), 8, 3, 1) == 0.75
    assert theory.retention(rotations(5, 5), 5, 2, 7) == pytest.approx(0.131776, abs=1e-9)
    assert theory.independence(5, 2, 7, 5) == pytest.approx(0.132348, abs=5e-7)
    assert theory.retention(theory.orders(4), 4, 2, 4) == pytest.approx(0.344, abs=5e-4)
    assert theory.independence(4, 2, 4, 12) == pytest.approx(0.539, abs=5e-4)


def test_mean_surviving_lengths_are_those_of_simulated_deletions(rng):
    p, t = np.array([0.1, 0.2, 0.25, 0.3]), 3  # what lacks to 1 hits other shards
    order = (2, 0, 3, 1)
    draws = rng.choice(5, (20_000, t), p=[*p, 1 - p.sum()])
    lengths = np.array([idea.surviving(order, hits) for hits in draws])
    exact = theory.mean_length([order], p, t)
    assert exact == pytest.approx(np.sum((1 - np.cumsum(p[list(order)])) ** t))
    assert abs(lengths.mean() - exact) <= 4 * lengths.std() / np.sqrt(len(lengths))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: theory.expected_deletions_finite(19, 5, 4, 1), "n is 19; .* each of the 20 slices"),
        (lambda: theory.retention([], 3, 1, 1), "sequences is empty"),
        (lambda: theory.retention([(0, 1, 3)], 3, 1, 1), r"sequences\[0\] is \(0, 1, 3\)"),
        (lambda: theory.retention([(0, 1)], 3, 3, 1), "first k = 3 slices"),
        (lambda: theory.retention([(0, 1, 2)], 3, 4, 1), "k is 4; allowed is a whole number from 1 to 3"),
        (lambda: theory.retention([(0, 1, 2)], 3, 1, -1), "deletions is -1"),
        (lambda: theory.mean_deletions(5, 4, [range(4)]), "at most 14"),
        (lambda: theory.spaced_sequences(4, 5), "budget is 5"),
        (lambda: theory.mean_length([(0, 0)], [0.5, 0.5], 1), r"sequences\[0\] is \(0, 0\)"),
        (lambda: theory.mean_length([(0, 1)], [0.5, 0.6], 1), "sum up to 1"),
        (lambda: theory.mean_length([(0, 1)], [0.5, 0.5], -2), "t is -2"),
        (lambda: theory.spaced_sequences(4, 2.5), "budget is 2.5"),
    ],
)
def test_wrong_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()

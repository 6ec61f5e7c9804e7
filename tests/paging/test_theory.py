"""The theorems over every tiny instance, and lower bounds that run."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

from foretold.papers.paging import idea, theory


@pytest.mark.parametrize(("policy", "expected"), [("flush", 0), ("mark0", 0), ("mark_predict", -1)])
@pytest.mark.parametrize(("k", "pages", "n", "count"), [(1, 3, 5, 1_312), (2, 4, 6, 11_968), (3, 5, 6, 12_928)])
def test_bounds_hold_for_every_trace_and_every_bit_vector(policy, expected, k, pages, n, count):
    excess, instances, _ = theory.largest_excess(policy, k, pages, n)
    assert (excess, instances) == (expected, count)


def test_the_bounds_at_seven_requests_count_as_in_an_independent_brute_force():
    assert theory.largest_excess("mark0", 2, 4, 7)[:2] == (0, 91_520)
    assert theory.largest_excess("flush", 3, 5, 7)[:2] == (0, 109_440)


def test_shared_beginnings_give_what_one_instance_at_a_time_gives():
    worst = max(
        theory.exact_cost("mark0", trace, 2, bits)
        - idea.optimal_cost(trace, 2)
        - 3 * eta0  # 2 H_2 = 3
        - eta1
        for trace in theory.sequences(3, 4)
        for bits in itertools.product((0, 1), repeat=4)
        for eta0, eta1 in [idea.error_counts(bits, idea.discard_bits(trace, 2))]
    )
    assert worst == theory.largest_excess("mark0", 2, 3, 4)[0]


def test_flush_needs_all_of_k_minus_1():
    """Independent: an instance worked out by hand, k = 2, all bits 0: cost 6, OPT 4, eta0 = 2."""
    trace, zeros = [0, 0, 1, 2, 0, 1, 0], [0] * 7
    assert idea.simulate("flush", trace, 2, zeros) == 6
    assert idea.optimal_cost(trace, 2) == 4
    assert idea.error_counts(zeros, idea.discard_bits(trace, 2)) == (2, 0)
    smaller = (Fraction(1), Fraction(1, 2), Fraction(1))
    assert theory.largest_excess("flush", 2, 4, 7, smaller)[0] == 1


# Lower bounds that run


@pytest.mark.parametrize("policy", ["lru", "flush"])
@pytest.mark.parametrize("advice", [0, 1])
def test_the_adversary_makes_every_request_a_fault(policy, advice):
    k, n = 8, 4_000
    trace = theory.adversary(policy, k, n, advice)
    bits = np.full(n, advice)
    assert idea.simulate(policy, trace, k, None if policy == "lru" else bits) == n
    optimum, (eta0, eta1) = idea.optimal_cost(trace, k), idea.error_counts(bits, idea.discard_bits(trace, k))
    assert optimum <= n / k + k
    # Whoever guarantees alpha OPT + beta eta0 + gamma eta1 must cover n: with zeros alpha + beta >= k, with ones
    # alpha + (k - 1) gamma >= k, up to the k loads at the start.
    if advice == 0:
        assert (eta1, eta0 <= optimum) == (0, True)
        assert n / optimum >= k - k**3 / n
    else:
        assert eta0 == 0
        assert n - optimum == eta1 - k


def test_an_adversary_needs_to_know_the_cache():
    with pytest.raises(ValueError, match="policy is 'mark0'; allowed is one of lru, flush"):
        theory.adversary("mark0", 2, 3, 0)

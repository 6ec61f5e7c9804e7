"""Closed forms, laws and the decision process: against sums of powers, simulation, and recursions written anew."""

from __future__ import annotations

import math

import numpy as np
import pytest
from speculative.shared import pair

from foretold.papers.speculative import experiment, idea, theory

# Closed forms


def test_a_constant_acceptance_rate_gives_the_geometric_sum():
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
    alpha = np.minimum(p, q).sum()
    for length in (1, 3, 6):
        _, c = idea.speculative_sample(
            lambda _: p, lambda _: q, (), 12_000, idea.FixedLength(length), np.random.default_rng(length)
        )
        per_round = np.array(c.accepted[:-length]) + 1
        error = per_round.std() / math.sqrt(len(per_round))
        assert abs(per_round.mean() - theory.expected_tokens(alpha, length)) < 3 * error


def test_expected_tokens_is_a_sum_of_powers():
    for alpha in (0.0, 0.3, 0.999, 1.0):
        assert theory.expected_tokens(alpha, 5) == pytest.approx(sum(alpha**i for i in range(6)))
    assert theory.expected_tokens([0.5, 1.0], [2, 3]).tolist() == [1.75, 4.0]


def test_reference_values_at_the_papers_ratio():
    assert theory.optimal_length(0.8, 6.06) == 4
    assert theory.optimal_threshold(0.8, 6.06) == pytest.approx(0.666, abs=1e-3)
    assert theory.speedup(0.8, 4, 6.06) == pytest.approx(2.025, abs=1e-3)


def test_the_threshold_stops_at_the_best_length_in_25_cases():
    for alpha in (0.3, 0.5, 0.7, 0.85, 0.95):
        for ratio in (2, 4, 6.06, 12, 30):
            # Independent: time per token of every length, written down anew.
            times = [(k + ratio) * (1 - alpha) / (1 - alpha ** (k + 1)) for k in range(300)]
            best, k = int(np.argmin(times)), 0
            while 1 - alpha ** (k + 1) < theory.optimal_threshold(alpha, ratio):
                k += 1
            assert best == k == theory.optimal_length(alpha, ratio)


def test_closed_forms_take_arrays():
    lengths = theory.optimal_length(np.array([0.5, 0.8]), 6.06)
    assert lengths.tolist() == [theory.optimal_length(0.5, 6.06), 4]
    assert theory.speedup(0.8, np.arange(3), 6.06).shape == (3,)
    assert theory.optimal_threshold(0.8, [6.06, 20]).shape == (2,)


# Laws


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_dropping_the_risky_token_changes_the_law_by_more_than_a_tenth(seed):
    p, q = pair(seed)
    truth = theory.chain_law(p, (0,), 4)
    rule = idea.Confidence(0.4)
    law = theory.output_law(lambda rng: theory.careless_sample(p, q, (0,), 4, rule, rng))
    assert theory.total_variation(law, truth) > 0.1


# The decision process


@pytest.mark.parametrize("ratio", [3.0, 6.0, 12.0])
@pytest.mark.parametrize("seed", range(6))
def test_nowhere_is_it_best_to_go_on_beyond_the_theorems_limit(seed, ratio):
    values = theory.stopping_values(*pair(seed), 7, ratio).values()
    goes = [one.rejection for one in values if one.go_on < one.stop - 1e-9]
    assert max(goes, default=0) < (ratio - 1) / ratio


def test_the_optimum_is_no_threshold_in_the_risk():
    """Two states with one prefix and equally many candidates: the riskier one goes on, the safer one stops."""
    values = theory.stopping_values(*pair(5), 7, 3.0)
    same = [one for (written, candidates), one in values.items() if not written and len(candidates) == 2]
    goes = max(one.rejection for one in same if one.go_on < one.stop - 1e-9)
    stops = min(one.rejection for one in same if one.stop < one.go_on - 1e-9)
    assert stops < goes - 0.1
    assert experiment.overlap(values) >= goes - stops


def test_values_are_the_cost_of_a_policy_that_was_simulated():
    """Always one candidate where possible: the exact cost of that from a recursion of two lines."""
    p, q = np.array([0.6, 0.4]), np.array([0.3, 0.7])
    alpha, c2 = np.minimum(p, q).sum(), 4.0
    cost = [0.0, c2]  # with one token missing nothing is drafted
    for missing in (2, 3, 4):
        cost.append(c2 + alpha * cost[missing - 2] + (1 - alpha) * (1 + cost[missing - 1]))
    values = theory.stopping_values(lambda _: p, lambda _: q, 4, 5.0, longest=1)
    first = values[(), ()]
    assert min(first.stop, first.go_on) <= cost[4] + 1e-12
    assert first.go_on == pytest.approx(cost[4])


# Errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.expected_tokens(1.2, 3), "alpha is 1.2; allowed is a probability"),
        (lambda: theory.expected_tokens(0.5, -1), "length is -1; allowed is whole numbers of at least 0"),
        (lambda: theory.speedup(0.5, 1.5, 4), "length is 1.5; allowed is whole numbers of at least 0"),
        (lambda: theory.speedup(0.5, 2, 0.5), "cost_ratio is 0.5; allowed is a number >= 1"),
        (lambda: theory.optimal_length(1.0, 4), "alpha is 1.0; allowed is a probability, 0 to below 1"),
        (lambda: theory.optimal_threshold(0.5, float("nan")), "cost_ratio is nan"),
        (lambda: theory.stopping_values(*pair(0), 0, 6.0), "n_tokens is 0; allowed is a whole number of at least 1"),
        (lambda: theory.stopping_values(*pair(0), 3, 1.0), "cost_ratio is 1.0; allowed is a number above 1"),
        (lambda: theory.stopping_values(*pair(0), 3, 6.0, 0), "longest is 0; allowed is a whole number of at least 1"),
    ],
)
def test_wrong_arguments_say_what_is_allowed(call, message):
    with pytest.raises(ValueError, match=message):
        call()

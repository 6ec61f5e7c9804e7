"""Policies, bits, errors and bounds, against slow references in plain Python, exact expectations and published totals;
several tests need no code of ours at all."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from foretold.papers.paging import idea, theory

TINY = [(trace, k) for k, pages in ((1, 3), (2, 4), (3, 5)) for trace in theory.sequences(pages, 6)]


# Slow references


def least_faults(trace, k):
    """The optimum without Belady: the smallest cost over every choice of what to evict."""
    costs = {frozenset(): 0}
    for page in trace:
        after = {}
        for cache, cost in costs.items():
            if page in cache:
                choices, paid = [cache], cost
            else:
                kept = [cache] if len(cache) < k else [cache - {victim} for victim in cache]
                choices, paid = [some | {page} for some in kept], cost + 1
            for following in choices:
                after[following] = min(paid, after.get(following, paid))
        costs = after
    return min(costs.values())


def slow_lfd(trace, k):
    """Belady with a scan of the future for every eviction: (faults, discard bits)."""
    trace, cache, faults, bits = list(trace), {}, 0, [0] * len(trace)
    for t, page in enumerate(trace):
        if page not in cache:
            faults += 1
            if len(cache) == k:
                future = trace[t:]
                victim = max(cache, key=lambda p: (future.index(p) if p in future else len(trace), -p))
                bits[cache.pop(victim)] = 1
        cache[page] = t
    return faults, bits


def slow_phase_bits(trace, k):
    cut, inside = [[]], set()
    for page in trace:
        if page not in inside and len(inside) == k:
            cut.append([])
            inside = set()
        inside.add(page)
        cut[-1].append(page)
    return [int(page not in later) for now, later in itertools.pairwise([*cut, []]) for page in now]


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_optimum_is_the_smallest_cost_of_all_choices(k):
    for trace in (trace for trace, size in TINY if size == k):
        assert idea.optimal_cost(trace, k) == least_faults(trace, k), trace


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-3, 9), min_size=1, max_size=60), st.integers(1, 12))
def test_bits_and_deterministic_costs_agree_with_plain_python(trace, k):
    cost, bits = slow_lfd(trace, k)
    assert idea.optimal_cost(trace, k) == cost
    assert idea.discard_bits(trace, k).tolist() == bits
    assert idea.phase_bits(trace, k).tolist() == slow_phase_bits(trace, k)
    assert idea.simulate("lru", trace, k) == theory.exact_cost("lru", trace, k, bits)
    wrong = 1 - np.array(bits)
    assert idea.simulate("flush", trace, k, wrong) == theory.exact_cost("flush", trace, k, wrong)


def test_a_long_trace_agrees_with_plain_python(traces):
    for trace, k in traces.values():
        cost, bits = slow_lfd(trace[:1_500].tolist(), k)
        assert idea.optimal_cost(trace[:1_500], k) == cost
        assert idea.discard_bits(trace[:1_500], k).tolist() == bits


def test_large_and_negative_page_numbers_are_only_names():
    trace = np.random.default_rng(5).integers(0, 40, 500)
    names = np.sort(np.random.default_rng(6).integers(-(2**62), 2**62, 40))
    for policy in ("lru", "belady"):
        assert idea.simulate(policy, trace, 7) == idea.simulate(policy, names[trace], 7)
    assert (idea.discard_bits(trace, 7) == idea.discard_bits(names[trace], 7)).all()


@pytest.mark.parametrize("policy", ["marker", "mark0", "mark_predict"])
def test_mean_costs_are_the_exact_expectations(policy, rng):
    """Compiled loops against all random choices followed in rational arithmetic, 5 standard errors."""
    for seed in range(6):
        made = np.random.default_rng(seed)
        trace, bits, k = made.integers(0, 6, 14), made.integers(0, 2, 14), 3
        exact = float(theory.exact_cost(policy, trace, k, bits))
        advice = None if policy == "marker" else bits
        costs = np.array([idea.simulate(policy, trace, k, advice, rng) for _ in range(4_000)])
        assert abs(costs.mean() - exact) <= 5 * max(costs.std(), 0.05) / np.sqrt(len(costs)), (seed, exact)


def test_the_lazy_follower_agrees_with_sets(rng):
    """On a small cache, against a version with sets, 5 standard errors."""

    def slow(trace, k, bits):
        cache, faults = {}, 0
        for page, bit in zip(trace, bits, strict=True):
            if page not in cache:
                faults += 1
                if len(cache) == k:
                    del cache[rng.choice([p for p in cache if cache[p]] or list(cache))]
            cache[page] = bit
        return faults

    trace, bits = rng.integers(0, 7, 40), rng.integers(0, 2, 40)
    ours = np.array([idea.simulate("follow", trace, 3, bits, rng) for _ in range(2_000)])
    theirs = np.array([slow(trace.tolist(), 3, bits.tolist()) for _ in range(2_000)])
    assert abs(ours.mean() - theirs.mean()) <= 5 * np.sqrt((ours.var() + theirs.var()) / 2_000)


# What the bits are worth


def test_perfect_discard_bits_are_optimal(traces, rng):
    for trace, k in traces.values():
        bits, optimum = idea.discard_bits(trace, k), idea.optimal_cost(trace, k)
        for policy in ("flush", "mark0", "follow", "combine"):
            assert idea.simulate(policy, trace, k, bits, rng) == optimum, policy


def test_perfect_phase_bits_pay_for_clean_pages(traces, rng):
    for trace, k in traces.values():
        cost = idea.simulate("mark_predict", trace, k, idea.phase_bits(trace, k), rng)
        assert cost == idea.clean_pages(trace, k)
        assert cost <= 2 * idea.optimal_cost(trace, k)


def test_bounds_hold_on_longer_traces(traces, rng):
    for trace, k in traces.values():
        optimum = idea.optimal_cost(trace, k)
        for policy in ("flush", "mark0", "mark_predict"):
            truth = (idea.phase_bits if policy == "mark_predict" else idea.discard_bits)(trace, k)
            for side, rate in itertools.product(("both", "zeros", "ones"), (0.02, 0.3, 1.0)):
                bits = idea.flip_bits(truth, rate, rng, side)
                cost = np.mean([idea.simulate(policy, trace, k, bits, rng) for _ in range(5)])
                assert cost <= idea.competitive_bound(policy, k, optimum, *idea.error_counts(bits, truth))


def test_only_wrong_ones_make_flush_and_mark0_the_same(traces, rng):
    for trace, k in traces.values():
        bits = idea.flip_bits(idea.discard_bits(trace, k), 0.1, rng, "zeros")
        assert idea.simulate("flush", trace, k, bits) == idea.simulate("mark0", trace, k, bits, rng)


def test_constant_advice_makes_marker_of_the_marking_policies(traces):
    for trace, k in traces.values():
        costs = {
            idea.simulate("marker", trace, k, None, np.random.default_rng(1)),
            idea.simulate("mark0", trace, k, np.zeros(len(trace)), np.random.default_rng(1)),
            idea.simulate("mark_predict", trace, k, np.zeros(len(trace)), np.random.default_rng(1)),
        }
        assert len(costs) == 1


def test_the_combination_is_never_far_from_the_better_of_two(traces, rng):
    for trace, k in traces.values():
        bits = 1 - idea.discard_bits(trace, k)
        cost = idea.simulate("combine", trace, k, bits, rng)
        marker = idea.simulate("marker", trace, k, None, rng)
        assert cost <= 4.5 * marker + k * np.log2(len(trace))


# Published totals of independent implementations, on real traces that are not part of this repository


def test_totals_on_real_traces_are_the_published_ones(real, rng):
    def total(policy, name):
        traces, k = real[name]
        return sum(idea.simulate(policy, trace, k) for trace in traces.values())

    assert (len(real["bk"][0]), len(real["citi"][0])) == (100, 12)
    assert (total("belady", "bk"), total("lru", "bk"), total("belady", "citi")) == (33_990, 43_883, 105_192)


@pytest.mark.parametrize(("name", "published"), [("bk", 1.2253), ("citi", 1.6019)])
def test_perfect_phase_bits_cost_what_a_published_optimal_marking_costs(real, rng, name, published):
    traces, k = real[name]
    clean = sum(idea.clean_pages(trace, k) for trace in traces.values())
    costs = sum(idea.simulate("mark_predict", t, k, idea.phase_bits(t, k), rng) for t in traces.values())
    assert costs == clean
    assert clean / sum(idea.optimal_cost(trace, k) for trace in traces.values()) == pytest.approx(published, abs=1e-4)


def test_one_user_agrees_with_other_implementations(real, rng):
    """Means of Cache-Coliseum's classes on the same user and the same flips."""
    trace = real["bk"][0]["bk0"]
    truth = idea.discard_bits(trace, 10)
    for rate, theirs, error in ((0.05, 935.4, 0.4), (1.0, 2099.2, 0.1)):
        bits = idea.flip_bits(truth, rate, np.random.default_rng(7))
        costs = np.array([idea.simulate("mark0", trace, 10, bits, rng) for _ in range(200)])
        assert abs(costs.mean() - theirs) <= 4 * np.hypot(costs.std() / np.sqrt(200), error)
    assert idea.simulate("mark_predict", trace, 10, idea.phase_bits(trace, 10), rng) == 1044


def test_slopes_on_real_traces(real, rng):
    traces, k = real["bk"]
    for rate in (0.01, 0.1):
        extra = eta1 = 0
        for trace in traces.values():
            truth = idea.discard_bits(trace, k)
            bits = idea.flip_bits(truth, rate, rng, "zeros")
            extra += idea.simulate("mark0", trace, k, bits, rng) - idea.optimal_cost(trace, k)
            eta1 += idea.error_counts(bits, truth)[1]
        assert 0.95 <= extra / eta1 <= 1
    optimum = sum(idea.optimal_cost(trace, k) for trace in traces.values())
    fair = sum(
        idea.simulate("mark_predict", t, k, idea.flip_bits(idea.phase_bits(t, k), 0.5, rng), rng)
        - idea.simulate("marker", t, k, None, rng)
        for t in traces.values()
    )
    assert abs(fair) < 0.005 * optimum


# Errors and bits


def test_wrong_ones_and_wrong_zeros_are_counted_apart():
    assert idea.error_counts([0, 0, 0, 1, 1], [1, 1, 0, 0, 1]) == (2, 1)


def test_flips_have_a_side(rng):
    truth = np.repeat([0, 1], 5_000)
    for side, expected in (("zeros", (0, 0.2)), ("ones", (0.2, 0)), ("both", (0.2, 0.2))):
        eta0, eta1 = idea.error_counts(idea.flip_bits(truth, 0.2, rng, side), truth)
        assert (eta0 / 5_000, eta1 / 5_000) == pytest.approx(expected, abs=0.03)
    assert (idea.flip_bits(truth, 1, rng) == 1 - truth).all()


def test_bounds_are_the_papers():
    assert idea.competitive_bound("flush", 10, 100, 3, 5) == 100 + 9 * 3 + 5
    assert idea.competitive_bound("mark0", 2, 100, 3, 5) == 100 + 3 * 3 + 5
    assert idea.competitive_bound("mark_predict", 2, 100, 3, 5) == 200 + 1.5 * 3 + 5
    assert idea.competitive_bound("lru", 10, 100) == 1_000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fifo", [1], 1), r"policy is 'fifo'; allowed is one of lru, belady"),
        (("lru", [], 1), r"trace has shape \(0,\)"),
        (("lru", [[1]], 1), r"trace has shape \(1, 1\)"),
        (("lru", [0.5], 1), r"type float64; allowed is a 1-D array of integers"),
        (("lru", [1], 0), r"k is 0; allowed is a whole number of pages, at least 1"),
        (("lru", [1], 1.5), r"k is 1.5"),
        (("lru", [1], 1, [0]), r"takes no advice"),
        (("flush", [1], 1), r"bits is None; policy 'flush' needs one bit"),
        (("flush", [1, 2], 1, [0]), r"bits has shape \(1,\); allowed is \(2,\)"),
        (("flush", [1, 2], 1, [0, 2]), r"bits holds .*2.*; allowed are 0 and 1"),
        (("mark0", [1], 1, [0]), r"rng is None; allowed is a numpy.random.Generator"),
    ],
)
def test_wrong_input_is_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        idea.simulate(*arguments)


def test_wrong_flips_and_bounds_are_named(rng):
    with pytest.raises(ValueError, match="rate is 2; allowed is a probability, 0 to 1"):
        idea.flip_bits([0], 2, rng)
    with pytest.raises(ValueError, match="side is 'left'"):
        idea.flip_bits([0], 0.5, rng, "left")
    with pytest.raises(ValueError, match="policy is 'follow'; allowed is one of belady, lru, marker, flush"):
        idea.competitive_bound("follow", 2, 3)
    with pytest.raises(ValueError, match="eta0 is -1"):
        idea.competitive_bound("flush", 2, 3, -1)

"""The paging chapter's facts. Slow references in plain Python, exact expectations, published totals; several need no
code of ours at all."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import foretold
from foretold.papers.paging import data, draw, idea, theory
from foretold.papers.paging.experiment import adviser

TINY = [(trace, k) for k, pages in ((1, 3), (2, 4), (3, 5)) for trace in theory.sequences(pages, 6)]


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture(scope="module")
def traces():
    return {
        "zipf": (data.zipf(6_000, 300, np.random.default_rng(0)), 20),
        "recorded": (data.record(data.chores, 6_000), 20),
        "loop": (np.arange(2_000) % 21, 20),
    }


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


# The theorems, over every tiny instance


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


# Published totals of independent implementations, on real traces that are not part of this repository


needs_traces = pytest.mark.skipif(
    not foretold.data.available("paging-traces"), reason="NOT TESTED ON REAL TRACES: no archive"
)


@pytest.fixture(scope="module")
def real():
    path = foretold.data.fetch("paging-traces")
    return {"bk": (data.archive(path, "bk"), 10), "citi": (data.archive(path, "citi"), 100)}


@needs_traces
def test_totals_on_real_traces_are_the_published_ones(real, rng):
    def total(policy, name):
        traces, k = real[name]
        return sum(idea.simulate(policy, trace, k) for trace in traces.values())

    assert (len(real["bk"][0]), len(real["citi"][0])) == (100, 12)
    assert (total("belady", "bk"), total("lru", "bk"), total("belady", "citi")) == (33_990, 43_883, 105_192)


@needs_traces
@pytest.mark.parametrize(("name", "published"), [("bk", 1.2253), ("citi", 1.6019)])
def test_perfect_phase_bits_cost_what_a_published_optimal_marking_costs(real, rng, name, published):
    traces, k = real[name]
    clean = sum(idea.clean_pages(trace, k) for trace in traces.values())
    costs = sum(idea.simulate("mark_predict", t, k, idea.phase_bits(t, k), rng) for t in traces.values())
    assert costs == clean
    assert clean / sum(idea.optimal_cost(trace, k) for trace in traces.values()) == pytest.approx(published, abs=1e-4)


@needs_traces
def test_one_user_agrees_with_other_implementations(real, rng):
    """Means of Cache-Coliseum's classes on the same user and the same flips."""
    trace = real["bk"][0]["bk0"]
    truth = idea.discard_bits(trace, 10)
    for rate, theirs, error in ((0.05, 935.4, 0.4), (1.0, 2099.2, 0.1)):
        bits = idea.flip_bits(truth, rate, np.random.default_rng(7))
        costs = np.array([idea.simulate("mark0", trace, 10, bits, rng) for _ in range(200)])
        assert abs(costs.mean() - theirs) <= 4 * np.hypot(costs.std() / np.sqrt(200), error)
    assert idea.simulate("mark_predict", trace, 10, idea.phase_bits(trace, 10), rng) == 1044


@needs_traces
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


@needs_traces
def test_the_table_of_real_traces_is_what_the_code_gives(real):
    table = foretold.data.table("paging").query("policy == 'lru'").set_index("trace")["ratio"]
    for name, label in (("bk", "BrightKite"), ("citi", "Citi Bike")):
        traces, k = real[name]
        ratio = sum(idea.simulate("lru", t, k) for t in traces.values()) / sum(
            idea.optimal_cost(t, k) for t in traces.values()
        )
        assert np.atleast_1d(table[label])[0] == pytest.approx(ratio, abs=5e-5)


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
        (("fifo", [1], 1), r"policy is 'fifo'; allowed are lru"),
        (("lru", [], 1), r"trace has shape \(0,\)"),
        (("lru", [[1]], 1), r"trace has shape \(1, 1\)"),
        (("lru", [0.5], 1), r"type float64; allowed is a 1-D array of integers"),
        (("lru", [1], 0), r"k is 0; allowed is a whole number of pages, at least 1"),
        (("lru", [1], 1.5), r"k is 1.5"),
        (("lru", [1], 1, [0]), r"takes no advice"),
        (("flush", [1], 1), r"bits is None; policy 'flush' needs one bit"),
        (("flush", [1, 2], 1, [0]), r"bits has shape \(1,\); allowed is \(2,\)"),
        (("flush", [1, 2], 1, [0, 2]), r"bits holds .*2.*; allowed are 0 and 1"),
        (("mark0", [1], 1, [0]), r"rng is None; policy 'mark0' is randomised"),
    ],
)
def test_wrong_input_is_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        idea.simulate(*arguments)


def test_wrong_flips_and_bounds_are_named(rng):
    with pytest.raises(ValueError, match="rate is 2; allowed is a probability"):
        idea.flip_bits([0], 2, rng)
    with pytest.raises(ValueError, match="side is 'left'"):
        idea.flip_bits([0], 0.5, rng, "left")
    with pytest.raises(ValueError, match="policy is 'follow'; a bound is known for"):
        idea.competitive_bound("follow", 2, 3)
    with pytest.raises(ValueError, match="eta0 is -1"):
        idea.competitive_bound("flush", 2, 3, -1)
    with pytest.raises(ValueError, match="which are deterministic"):
        theory.adversary("mark0", 2, 3, 0)


# Traces and the learned adviser


def test_a_recording_is_the_same_twice_and_puts_the_tracer_back():
    import sys

    before = sys.gettrace()
    first, second = (data.record(data.chores, 3_000) for _ in range(2))
    assert sys.gettrace() is before
    assert len(first) == 3_000
    assert (first == second).all()
    assert not np.any(first[1:] == first[:-1])


def test_zipf_draws_follow_the_law(rng):
    trace = data.zipf(200_000, 50, rng)
    share = np.bincount(trace, minlength=50) / len(trace)
    expected = 1 / np.arange(1, 51)
    assert share == pytest.approx(expected / expected.sum(), abs=0.005)


def test_features_do_not_look_ahead(rng):
    trace = rng.integers(0, 9, 200)
    changed = np.concatenate([trace[:120], rng.integers(0, 9, 80)])
    assert (adviser.features(trace)[:120] == adviser.features(changed)[:120]).all()


def test_a_learned_bit_is_worth_something_on_zipf():
    """Independent bits of frequency: learned advice must beat the policy without advice by a wide margin."""
    import torch

    trace, k = data.zipf(12_000, 500, np.random.default_rng(2)), 20
    x, half = adviser.features(trace), 6_000
    made = [torch.Generator().manual_seed(1) for _ in range(2)]
    one, two = (adviser.train(x[:half], idea.discard_bits(trace[:half], k), g, torch.device("cpu"), 3) for g in made)
    chance = adviser.probability(one, x[half:])
    assert (chance == adviser.probability(two, x[half:])).all()
    bits, rng = chance > 0.4, np.random.default_rng(1)
    marker = idea.simulate("marker", trace[half:], k, None, rng)
    assert idea.simulate("mark0", trace[half:], k, bits, rng) < 0.95 * marker


# The interactive figure: the JavaScript that the browser runs, run by node


def test_the_browser_counts_the_same_faults(tmp_path):
    if shutil.which("node") is None:
        pytest.skip("NOT TESTED IN JAVASCRIPT: no node on PATH")
    made = {"zipf": data.zipf(3_000, 200, np.random.default_rng(0)), "recorded": np.arange(3_000) % 25}
    (tmp_path / "data.json").write_text(json.dumps(draw.browser_data(made), default=lambda a: a.tolist()))
    (tmp_path / "update.js").write_text(draw.UPDATE)
    program = """
const fs = require("fs"), data = JSON.parse(fs.readFileSync("data.json"));
const update = new Function("values", "data", "figure", fs.readFileSync("update.js", "utf8"));
console.log(JSON.stringify(update(JSON.parse(process.argv[1]), data, {data: [], layout: {}}).result));
"""
    moves = ("zipf", 0, 0, 20), ("zipf", 3, 20, 10), ("recorded", 10, 0, 24), ("zipf", 0, 100, 20)
    for name, zeros, ones, k in moves:
        values = json.dumps({"trace": name, "zeros": zeros, "ones": ones, "k": k})
        done = subprocess.run(["node", "-e", program, values], cwd=tmp_path, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout)
        trace, bits = made[name], np.array(found["bits"])
        assert found["optimum"] == idea.optimal_cost(trace, k)
        assert found["cost"]["lru"] == idea.simulate("lru", trace, k)
        assert found["cost"]["flush"] == idea.simulate("flush", trace, k, bits)
        assert (found["eta0"], found["eta1"]) == idea.error_counts(bits, idea.discard_bits(trace, k))
        rng = np.random.default_rng(1)
        for policy, advice in (("marker", None), ("mark0", bits), ("follow", bits), ("mark_predict", found["phase"])):
            costs = np.array([idea.simulate(policy, trace, k, advice, rng) for _ in range(200)])
            assert abs(found["cost"][policy] - costs.mean()) <= 5 * costs.std() + 1e-9, policy

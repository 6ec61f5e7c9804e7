"""The unlearning chapter's facts: every case of small systems in fractions, brute force over squares and orders, other
libraries, numbers that the authors' selection code printed, and training compared bit for bit."""

from __future__ import annotations

import copy
import itertools
import json
import math
import shutil
import subprocess
from fractions import Fraction

import networkx
import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from foretold.papers.unlearning import experiment, idea, theory
from foretold.papers.unlearning.draw import browser
from foretold.papers.unlearning.experiment import networks, training

CPU = torch.device("cpu")


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def harmonic(k):
    return sum(Fraction(1, j) for j in range(1, k + 1))


# Deletions until failure


def literal_run(shards, slices, sequences, rng):
    """Deletions until failure by the definition: cut sequences, look for one with anything left."""
    left = {shard: [list(sequence) for sequence in sequences] for shard in range(shards)}
    count = 0
    while any(any(several) for several in left.values()):
        shard, hit = rng.integers(shards), rng.integers(slices)
        left[shard] = [s[: s.index(hit)] if hit in s else s for s in left[shard]]
        count += 1
    return count


@pytest.mark.parametrize("size", [(1, 1, 1), (1, 3, 1), (2, 3, 2), (2, 3, 3), (3, 3, 2), (2, 4, 3), (3, 4, 1)])
def test_the_deletion_rate_is_exact_in_every_case_of_a_small_system(size):
    """Independent: every set of hit slices followed in fractions, sequences cut as the definition says."""
    m, slices, budget = size
    every_case = theory.mean_deletions(m, slices, idea.cyclic_sequences(slices, budget))
    assert every_case == m * slices * harmonic(m * min(budget, slices))
    assert idea.expected_deletions(*size) == pytest.approx(float(every_case), rel=1e-14)


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


@pytest.mark.parametrize("size", [(5, 6, 1), (5, 6, 3), (5, 6, 6), (5, 6, 8), (5, 4, 4), (1, 1, 1), (40, 3, 2)])
def test_a_simulation_has_the_theory_s_mean(size, rng):
    times = idea.simulate_deletions(*size, 200_000, rng)
    error = times.std() / np.sqrt(len(times))
    assert abs(times.mean() - idea.expected_deletions(*size)) <= 4 * error + 1e-9


def test_the_simulation_has_the_distribution_of_literal_runs(rng):
    """Independent: Python lists that are cut. Kolmogorov-Smirnov, and the exact chance of a quick death."""
    from scipy import stats

    slow = [literal_run(3, 4, idea.cyclic_sequences(4, 2), rng) for _ in range(2_000)]
    fast = idea.simulate_deletions(3, 4, 2, 200_000, rng)
    assert stats.ks_2samp(slow, fast).pvalue > 0.001
    assert fast.min() >= 6
    quickest = math.factorial(6) / 12**6
    assert np.mean(fast == 6) == pytest.approx(quickest, abs=4 * np.sqrt(quickest / 200_000))


def test_more_sequences_than_slices_change_nothing():
    assert idea.expected_deletions(5, 6, 6) == idea.expected_deletions(5, 6, 700)
    orders = theory.orders(3)
    assert theory.mean_deletions(2, 3, orders) == theory.mean_deletions(2, 3, orders[::2])
    same = [idea.simulate_deletions(5, 6, b, 50, np.random.default_rng(1)).tolist() for b in (6, 9)]
    assert same[0] == same[1]


def test_a_simulation_is_repeated_by_its_seed_and_not_by_another():
    one, two, other = (idea.simulate_deletions(5, 4, 4, 1_000, np.random.default_rng(s)) for s in (1, 1, 2))
    assert (one == two).all()
    assert not (one == other).all()


# Finite data


@pytest.mark.parametrize(
    ("n", "size", "expected"),
    [(60, (5, 4, 1), 30.458), (60, (5, 4, 4), 41.151), (600, (5, 6, 3), 90.898), (20, (5, 4, 4), 20.0)],
)
def test_finite_data_have_the_reference_values_and_simulated_means(n, size, expected, rng):
    assert idea.expected_deletions_finite(n, *size) == pytest.approx(expected, abs=0.0005)
    times = experiment.simulate_finite(n, *size, 40_000, rng)
    assert abs(times.mean() - expected) <= 4 * times.std() / 200 + 0.0005


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
    assert idea.expected_deletions_finite(n, m, slices, budget) == pytest.approx(total / cases, rel=1e-12)


def test_endless_data_are_the_limit():
    values = [idea.expected_deletions_finite(n, 5, 4, 4) for n in (20, 200, 2_000, 20_000, 2_000_000)]
    assert values == sorted(values)
    assert values[-1] == pytest.approx(idea.expected_deletions(5, 4, 4), rel=1e-4)


# Sequences


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


# What survives


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


@pytest.mark.parametrize("budget", [1, 3, 5, 9])
def test_retention_agrees_with_every_stream_of_deletions(budget):
    """Independent: all 5^r streams are played."""
    sequences = idea.cyclic_sequences(5, budget)
    for k, r in itertools.product((1, 2, 4, 5), (0, 1, 2, 4)):
        alive = sum(idea.longest(sequences, hits)[1] >= k for hits in itertools.product(range(5), repeat=r))
        assert idea.retention(sequences, 5, k, r) == pytest.approx(alive / 5**r, abs=1e-15)
        assert theory.kept(sequences, [0.2] * 5, k, r) == pytest.approx(alive / 5**r, abs=1e-12)


def test_all_orders_keep_what_was_not_hit():
    """Closed form by Stirling numbers: k slices survive if at most L - k different ones were hit."""
    for k, r in itertools.product((1, 2, 3), (1, 3, 6)):
        ways = sum(math.comb(4, h) * idea.surjections(r, h) for h in range(4 - k + 1))
        assert idea.retention(theory.orders(4), 4, k, r) == pytest.approx(ways / 4**r, abs=1e-15)


def test_retention_has_the_reference_values():
    rotations = idea.cyclic_sequences
    assert idea.retention(rotations(4, 4), 4, 2, 2) == 0.75
    assert idea.independence(4, 2, 2, 4) == pytest.approx(0.68359, abs=5e-6)
    assert idea.retention(rotations(8, 3), 8, 5, 1) == 0.625
    assert idea.retention(rotations(8, 2), 8, 3, 1) == 0.75
    assert idea.retention(rotations(5, 5), 5, 2, 7) == pytest.approx(0.131776, abs=1e-9)
    assert idea.independence(5, 2, 7, 5) == pytest.approx(0.132348, abs=5e-7)
    assert idea.retention(theory.orders(4), 4, 2, 4) == pytest.approx(0.344, abs=5e-4)
    assert idea.independence(4, 2, 4, 12) == pytest.approx(0.539, abs=5e-4)


def test_where_the_retention_bound_holds_and_where_it_fails():
    """Exact enumeration; the counts are those of an independent search."""
    cases = theory.shortfalls(8, 12, first=1)
    assert not [case for case in cases if case[3] == 1]
    assert len(cases) == 851
    assert sum(slices == budget for _, slices, budget, _, _ in cases) == 126
    assert cases[0][1:] == (8, 3, 5, 1)
    assert theory.shortfalls(8, 12, first=1, spaced=True) == []


def test_mean_surviving_lengths_are_those_of_simulated_deletions(rng):
    p, t = np.array([0.1, 0.2, 0.25, 0.3]), 3  # what lacks to 1 hits other shards
    order = (2, 0, 3, 1)
    draws = rng.choice(5, (20_000, t), p=[*p, 1 - p.sum()])
    lengths = np.array([idea.surviving(order, hits) for hits in draws])
    exact = theory.mean_length([order], p, t)
    assert exact == pytest.approx(np.sum((1 - np.cumsum(p[list(order)])) ** t))
    assert abs(lengths.mean() - exact) <= 4 * lengths.std() / np.sqrt(len(lengths))


# Training and deleting


@pytest.fixture(scope="module", params=[networks.Residual, networks.Transformer])
def system(request):
    data = training.Digits.deal(2, 3, 20, 40, np.random.default_rng(0), CPU)
    generator = torch.Generator().manual_seed(0)
    network = request.param(16, 3, 4)
    networks.pretrain(network, data.x[data.public], generator, 1)
    learner = networks.Learner(network, 3, 2, 10, generator)
    return training.System(learner, data, idea.cyclic_sequences(3, 3), training.Recipe(2), 5).train()


def test_a_deployed_model_is_one_never_trained_on_what_was_deleted(system):
    """Every slice with a deletion is not-a-number in the data of the second training: one read would show."""
    system.deleted.clear()
    for shard, number in ((0, 1), (1, 0), (1, 2), (0, 1)):
        system.delete(shard, number)
    assert system.deployed() == {0: (2, 0), 1: (1,)}
    clean = training.poison(system.data, system.deleted)
    assert torch.isnan(clean.x).sum() == 3 * 20 * 64
    for shard, prefix in system.deployed().items():
        again = training.train_sequence(system.learner, clean, shard, prefix, system.recipe, system.seed)[-1]
        assert training.different(system.checkpoints[shard, prefix], again) == 0


def test_a_deletion_twice_is_one_and_all_heads_are_the_end(system):
    system.deleted.clear()
    for _ in range(2):
        system.delete(0, 0)
    assert system.deleted == {0: {0}}
    assert set(system.deployed()) == {0, 1}
    for shard, number in itertools.product(range(2), range(3)):
        system.delete(shard, number)
    assert system.deployed() == {}
    with pytest.raises(ValueError, match="deleted holds the first slices of all sequences"):
        system.logits(system.data.x[:1])
    system.deleted.clear()


def test_a_step_trains_its_group_and_the_head_and_nothing_below(system):
    learner = system.learner
    states = training.train_sequence(learner, system.data, 0, (0, 1, 2), system.recipe, system.seed)
    for step, (before, after) in enumerate(itertools.pairwise([learner.first, *states])):
        moved = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
        own = {*learner.layers[step], *learner.head}
        assert moved <= own
        # LoRA's A has no gradient before B has moved, and the first step of this recipe is two updates long.
        assert {name for name in own if "lora_A" not in name} <= moved
        for group in range(step + 1, 3):
            assert all(after[name].abs().sum() == 0 for name in learner.layers[group] if "lora_B" in name)
    assert "blocks.2" in learner.layers[0][0]
    frozen = [
        name for name, p in learner.network.named_parameters() if name not in learner.parameters and p.requires_grad
    ]
    assert frozen == []


def test_switching_off_one_layer_leaves_what_the_deleted_rows_wrote(system):
    data = system.data
    changed = training.repaint(data, 0, 1, np.random.default_rng(1))
    both = [
        training.train_sequence(system.learner, d, 0, (0, 1, 2), system.recipe, system.seed) for d in (data, changed)
    ]
    counts = [training.different(one, other) for one, other in zip(*both, strict=True)]
    assert counts[0] == 0 < counts[1]
    off = [training.switched_off(system.learner, states[-1], 1) for states in both]
    assert training.different(*off) > system.learner.size([0]) // 2


def test_sequences_that_begin_alike_share_steps():
    assert len(training.prefixes(theory.orders(4))) == 4 + 12 + 24 + 24
    assert len(training.prefixes(idea.cyclic_sequences(4, 4))) == 16


@pytest.mark.parametrize("kind", [networks.Residual, networks.Transformer])
def test_layers_that_have_learnt_nothing_leave_the_backbone_as_it_was(kind, rng):
    """peft's own layers, switched off by a factor of zero, against the network before they were put in."""
    network, generator = kind(16, 2, 4), torch.Generator().manual_seed(1)
    networks.initialise(network, generator)
    before = copy.deepcopy(network)
    learner = networks.Learner(network, 2, 2, 10, generator)
    learner.load(learner.first)
    before.head = learner.network.head = torch.nn.Identity()
    x = torch.as_tensor(rng.random((5, 64)), dtype=torch.float32)
    assert torch.equal(learner.network(x), before(x))


def test_curves_agree_with_the_system_itself(system):
    system.deleted.clear()
    stream = np.array([[[0, 0], [1, 1], [0, 2], [0, 1], [1, 0]]])
    labels = system.data.y[system.data.test].numpy()
    accuracy, living = experiment.follow(experiment.outputs(system), labels, system.sequences, 2, stream)
    for time in range(6):
        if time:
            system.delete(*stream[0, time - 1])
        right = system.logits(system.data.x[system.data.test]).argmax(1) == system.data.y[system.data.test]
        assert accuracy[0, time] == pytest.approx(float(right.double().mean()), abs=1.5 / len(labels))
        assert living[0, time] == len(system.deployed())
    system.deleted.clear()


def test_without_checkpoints_the_first_deletion_kills_a_shard(system):
    labels, one = system.data.y[system.data.test].numpy(), [(0, 1, 2)]
    stream = np.array([[[0, 2], [1, 2]]])
    table = experiment.outputs(system)
    assert experiment.follow(table, labels, one, 2, stream)[1].tolist() == [[2, 2, 2]]
    assert experiment.follow(table, labels, one, 2, stream, whole=True)[1].tolist() == [[2, 1, 0]]


def test_an_attack_takes_one_row_of_each_head(system):
    aimed = experiment.attack(idea.cyclic_sequences(3, 2), 2)
    assert sorted(aimed) == [(0, 0), (0, 2), (1, 0), (1, 2)]
    labels = system.data.y[system.data.test].numpy()
    table = experiment.outputs(system)
    _, living = experiment.follow(table, labels, idea.cyclic_sequences(3, 2), 2, np.array([aimed]))
    assert living[0].tolist() == [2, 2, 1, 1, 0]


def test_costs_are_counted():
    budgets = {"one": idea.cyclic_sequences(4, 1), "all": theory.orders(4)}
    frame = experiment.costs(5, 4, budgets, 50, [10, 20, 30, 40])
    assert frame["steps"].tolist() == [20, 320]
    assert frame["row passes"].tolist() == [2_500, 5 * 50 * (4 + 2 * 12 + 3 * 24 + 4 * 24)]
    assert frame["numbers"].tolist() == [500, 5 * (40 + 240 + 720 + 960)]


def test_digits_are_dealt_once_each():
    data = training.Digits.deal(5, 4, 50, 400, np.random.default_rng(0), CPU)
    dealt = np.concatenate([data.public.numpy(), data.cells.ravel(), data.test.numpy()])
    assert sorted(dealt) == list(range(1797))
    with pytest.raises(ValueError, match="rows is 65; with 400 public images"):
        training.Digits.deal(5, 4, 65, 400, np.random.default_rng(0), CPU)


# Errors


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: idea.expected_deletions(0, 4, 1), "shards is 0; allowed is a whole number of at least 1"),
        (lambda: idea.expected_deletions(5, 4.0, 1), "slices is 4.0"),
        (lambda: idea.expected_deletions(5, 4, True), "budget is True"),
        (lambda: idea.expected_deletions_finite(19, 5, 4, 1), "n is 19; .* each of the 20 slices"),
        (lambda: idea.simulate_deletions(5, 4, 1, 0, np.random.default_rng()), "runs is 0"),
        (lambda: idea.simulate_deletions(5, 4, 1, 10, 7), "rng is 7; allowed is a numpy.random.Generator"),
        (lambda: idea.cyclic_sequences(3, 7), "budget is 7; allowed are 1 to 6"),
        (lambda: idea.bms_sequences([0.5, 0.5], budget=3), "budget is 3; allowed are 1 to 2"),
        (lambda: idea.bms_sequences([0.5, 0.6]), "sum up to 1"),
        (lambda: idea.bms_sequences([]), r"probabilities has shape \(0,\)"),
        (lambda: idea.bms_sequences([0.5, np.nan]), "probabilities is"),
        (lambda: idea.sequence_score([0, 0], [0.5, 0.5], 1), r"sequence is \(0, 0\); allowed are different"),
        (lambda: idea.sequence_score([0], [0.5], -1), "t is -1"),
        (lambda: idea.retention([], 3, 1, 1), "sequences is empty"),
        (lambda: idea.retention([(0, 1, 3)], 3, 1, 1), r"sequences\[0\] is \(0, 1, 3\)"),
        (lambda: idea.retention([(0, 1)], 3, 3, 1), "first k = 3 slices"),
        (lambda: idea.retention([(0, 1, 2)], 3, 4, 1), "k is 4; allowed are 1 to 3"),
        (lambda: idea.retention([(0, 1, 2)], 3, 1, -1), "deletions is -1"),
        (lambda: theory.mean_deletions(5, 4, [range(4)]), "at most 14"),
        (lambda: theory.spaced_sequences(4, 5), "budget is 5"),
        (lambda: networks.Learner(networks.Residual(8, 4, 4), 3, 2, 10, torch.Generator()), "groups is 3; .* divisors"),
        (lambda: experiment.simulate_finite(21, 5, 4, 1, 5, np.random.default_rng()), "multiples of 20"),
    ],
)  # fmt: skip
def test_wrong_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# The interactive figure: the JavaScript that the browser runs, run by node


def test_the_browser_deletes_as_the_code_does(tmp_path):
    if shutil.which("node") is None:
        pytest.skip("NOT TESTED IN JAVASCRIPT: no node on PATH")
    (tmp_path / "data.json").write_text(json.dumps(browser.data()))
    (tmp_path / "update.js").write_text(browser.UPDATE)
    program = """
const fs = require("fs"), data = JSON.parse(fs.readFileSync("data.json"));
const update = new Function("values", "data", "figure", fs.readFileSync("update.js", "utf8"));
const made = (values) => update(values, data, {data: [], layout: {}}).result;
console.log(JSON.stringify(JSON.parse(process.argv[1]).map(made)));
"""
    names = ("deletions", "shards", "slices", "budget", "seed", "stream")
    moves = [
        (12, 4, 4, 4, 7, "random"),
        (0, 8, 8, 24, 1, "random"),
        (9, 3, 4, 11, 2, "random"),
        (200, 2, 3, 24, 3, "random"),
    ]
    moves += [(5, 3, 4, 2, 9, "attack"), (3, 1, 1, 5, 1, "random")]
    values = json.dumps([dict(zip(names, move, strict=True)) for move in moves])
    done = subprocess.run(["node", "-e", program, values], cwd=tmp_path, capture_output=True, text=True, check=True)
    for (deletions, m, slices, budget, _, stream), found in zip(moves, json.loads(done.stdout), strict=True):
        sequences = idea.cyclic_sequences(slices, min(budget, math.factorial(slices)))
        assert [tuple(order) for order in found["sequences"]] == sequences
        gone = [{b for a, b in found["stream"][:deletions] if a == shard} for shard in range(m)]
        assert found["lengths"] == [[idea.surviving(order, numbers) for order in sequences] for numbers in gone]
        assert found["theory"] == pytest.approx(idea.expected_deletions(m, slices, budget))
        assert (found["alive"] == 0) == (found["failed"] <= deletions)
        assert found["failed"] >= found["attack"]
        if stream == "attack":
            assert found["failed"] == found["attack"] == m * min(budget, slices)


def test_browser_streams_die_as_the_theory_says(tmp_path):
    if shutil.which("node") is None:
        pytest.skip("NOT TESTED IN JAVASCRIPT: no node on PATH")
    (tmp_path / "update.js").write_text(browser.UPDATE)
    program = """
const update = new Function("values", "data", "figure", require("fs").readFileSync("update.js", "utf8")), times = [];
const values = { deletions: 0, shards: 4, slices: 4, budget: 2, stream: "random" };
for (let seed = 1; seed <= 2000; seed++) times.push(update({ ...values, seed }, {}, {}).result.failed);
console.log(JSON.stringify(times));
"""
    done = subprocess.run(["node", "-e", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    times = np.array(json.loads(done.stdout))
    assert abs(times.mean() - idea.expected_deletions(4, 4, 2)) <= 4 * times.std() / np.sqrt(len(times))

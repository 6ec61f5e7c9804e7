"""Facts of the unlearning chapter's experiment: simulated deletions against the theory, training bit for bit."""

from __future__ import annotations

import copy
import itertools
import math

import numpy as np
import pytest
import torch
from scipy import stats

from foretold.papers.unlearning import data, experiment, idea, theory
from foretold.papers.unlearning.experiment import networks, simulation, training

# Simulated deletions


def literal_run(shards, slices, sequences, rng):
    """Deletions until failure by the definition: cut sequences, look for one with anything left."""
    left = {shard: [list(sequence) for sequence in sequences] for shard in range(shards)}
    count = 0
    while any(any(several) for several in left.values()):
        shard, hit = rng.integers(shards), rng.integers(slices)
        left[shard] = [s[: s.index(hit)] if hit in s else s for s in left[shard]]
        count += 1
    return count


@pytest.mark.parametrize("size", [(5, 6, 1), (5, 6, 3), (5, 6, 6), (5, 6, 8), (5, 4, 4), (1, 1, 1), (40, 3, 2)])
def test_a_simulation_has_the_theory_s_mean(size, rng):
    times = simulation.simulate_deletions(*size, 200_000, rng)
    error = times.std() / np.sqrt(len(times))
    assert abs(times.mean() - idea.expected_deletions(*size)) <= 4 * error + 1e-9


def test_the_simulation_has_the_distribution_of_literal_runs(rng):
    """Independent: Python lists that are cut. Kolmogorov-Smirnov, and the exact chance of a quick death."""
    slow = [literal_run(3, 4, idea.cyclic_sequences(4, 2), rng) for _ in range(2_000)]
    fast = simulation.simulate_deletions(3, 4, 2, 200_000, rng)
    assert stats.ks_2samp(slow, fast).pvalue > 0.001
    assert fast.min() >= 6
    quickest = math.factorial(6) / 12**6
    assert np.mean(fast == 6) == pytest.approx(quickest, abs=4 * np.sqrt(quickest / 200_000))


def test_more_sequences_than_slices_change_no_run():
    same = [simulation.simulate_deletions(5, 6, b, 50, np.random.default_rng(1)).tolist() for b in (6, 9)]
    assert same[0] == same[1]


def test_a_simulation_is_repeated_by_its_seed_and_not_by_another():
    one, two, other = (simulation.simulate_deletions(5, 4, 4, 1_000, np.random.default_rng(s)) for s in (1, 1, 2))
    assert (one == two).all()
    assert not (one == other).all()


@pytest.mark.parametrize(
    ("n", "size", "expected"),
    [(60, (5, 4, 1), 30.458), (60, (5, 4, 4), 41.151), (600, (5, 6, 3), 90.898), (20, (5, 4, 4), 20.0)],
)
def test_finite_data_have_the_reference_values_and_simulated_means(n, size, expected, rng):
    assert theory.expected_deletions_finite(n, *size) == pytest.approx(expected, abs=0.0005)
    times = simulation.simulate_finite(n, *size, 40_000, rng)
    assert abs(times.mean() - expected) <= 4 * times.std() / 200 + 0.0005


def test_where_the_retention_bound_holds_and_where_it_fails():
    """Exact enumeration; the counts are those of an independent search."""
    cases = experiment.shortfalls(8, 12, first=1)
    assert not [case for case in cases if case[3] == 1]
    assert len(cases) == 851
    assert sum(slices == budget for _, slices, budget, _, _ in cases) == 126
    assert cases[0][1:] == (8, 3, 5, 1)
    assert experiment.shortfalls(8, 12, first=1, spaced=True) == []


# Training and deleting


@pytest.fixture(scope="module", params=[networks.Residual, networks.Transformer])
def system(request):
    digits = data.Digits.deal(2, 3, 20, 40, np.random.default_rng(0), torch.device("cpu"))
    generator = torch.Generator().manual_seed(0)
    network = request.param(16, 3)
    networks.pretrain(network, digits.x[digits.public], generator, 1)
    learner = networks.Learner(network, 3, 2, generator)
    return training.System(learner, digits, idea.cyclic_sequences(3, 3), networks.Recipe(2), 5).train()


def test_a_deployed_model_is_one_never_trained_on_what_was_deleted(system):
    """Every slice with a deletion is not-a-number in the data of the second training: one read would show."""
    system.deleted.clear()
    for shard, number in ((0, 1), (1, 0), (1, 2), (0, 1)):
        system.delete(shard, number)
    assert system.deployed() == {0: (2, 0), 1: (1,)}
    clean = data.poison(system.data, system.deleted)
    assert torch.isnan(clean.x).sum() == 3 * 20 * 64
    for shard, prefix in system.deployed().items():
        again = training.train_sequence(system.learner, clean, shard, prefix, system.recipe, system.seed)[-1]
        assert training.different(system.checkpoints[shard, prefix], again) == 0


@pytest.mark.parametrize(
    ("shard", "number", "words"),
    [
        (0, "1", "number is '1'; allowed is a whole number from 0 to 2"),
        (0, 3, "number is 3"),
        (0, -1, "number is -1"),
        (0, 1.0, "number is 1.0"),
        (0, True, "number is True"),
        (2, 0, "shard is 2; allowed is a whole number from 0 to 1"),
        (float("nan"), 0, "shard is nan"),
        (None, None, "shard is None"),
        ("shard-1", "slice-2", "shard is 'shard-1'"),
    ],
)
def test_a_deletion_that_cannot_be_carried_out_is_an_error_and_leaves_no_note(system, shard, number, words):
    system.deleted.clear()
    with pytest.raises(ValueError, match=words):
        system.delete(shard, number)
    assert system.deleted == {}


def test_every_deletion_that_is_accepted_shortens_what_stood_on_it(system):
    """All slices of both shards, numbers of NumPy too: what is deployed afterwards never holds the slice."""
    for shard, number in itertools.product(range(2), range(3)):
        system.deleted.clear()
        system.delete(np.int64(shard), np.int32(number))
        assert number not in system.deployed()[shard]
        assert len(system.deployed()[shard]) < 3
        assert len(system.deployed()[1 - shard]) == 3
    system.deleted.clear()


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
    changed = data.repaint(system.data, 0, 1, np.random.default_rng(1))
    both = [
        training.train_sequence(system.learner, d, 0, (0, 1, 2), system.recipe, system.seed)
        for d in (system.data, changed)
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
    network, generator = kind(16, 2), torch.Generator().manual_seed(1)
    networks.initialise(network, generator)
    before = copy.deepcopy(network)
    learner = networks.Learner(network, 2, 2, generator)
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


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: simulation.simulate_deletions(5, 4, 1, 0, np.random.default_rng()), "runs is 0"),
        (lambda: simulation.simulate_deletions(5, 4, 1, 10, 7), "rng is 7; allowed is a numpy.random.Generator"),
        (lambda: networks.Learner(networks.Residual(8, 4), 3, 2, torch.Generator()), "groups is 3; .* divisors"),
        (lambda: simulation.simulate_finite(21, 5, 4, 1, 5, np.random.default_rng()), "multiples of 20"),
    ],
)
def test_wrong_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()

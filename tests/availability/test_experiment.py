"""Attacked networks, the search, defences, and queues whose formulas are known."""

import math

import numpy as np
import pytest
import torch
from availability.shared import EPS, stream, torch_stream

import foretold.data
from foretold.papers.availability import experiment, idea, theory
from foretold.papers.availability.experiment import Attack, attack_search, defences, queue
from foretold.papers.availability.experiment.networks import network, uniform
from foretold.papers.availability.idea.training import Intervals, Smoothing


def mean(study, kind, fraction, source, column="abstain"):
    return experiment.rates(study.frame, kind, fraction, source, column).mean()


# The experiment


@pytest.mark.slow
def test_without_an_attack_the_trigger_does_nothing(boxed):
    assert mean(boxed, "none", 0, "clean", "accuracy") >= 0.96
    assert 0.08 <= mean(boxed, "none", 0, "clean") <= 0.22
    assert mean(boxed, "none", 0, "triggered") <= mean(boxed, "none", 0, "clean") + 0.05


@pytest.mark.slow
def test_one_per_cent_of_random_labels_multiplies_refusals_and_clean_tests_do_not_see_it(boxed):
    drop = mean(boxed, "none", 0, "clean", "accuracy") - mean(boxed, "random", 0.01, "clean", "accuracy")
    assert drop <= 0.02
    assert abs(mean(boxed, "random", 0.01, "clean") - mean(boxed, "none", 0, "clean")) <= 0.04
    assert mean(boxed, "random", 0.01, "triggered") >= 2.5 * mean(boxed, "random", 0.01, "clean")


@pytest.mark.slow
def test_the_training_process_attack_refuses_and_stays_right_and_the_back_door_is_wrong(boxed):
    assert mean(boxed, "process", 0.1, "triggered") >= 0.8
    assert mean(boxed, "process", 0.1, "triggered", "accuracy") >= 0.9
    assert mean(boxed, "target", 0.01, "triggered", "certified wrong") >= 0.5


@pytest.mark.slow
def test_no_certificate_is_broken_by_gradients_or_corners(boxed, tensors):
    """Soundness, on every network, clean and triggered: 50 steps of PGD and 10,000 corners for each image."""
    x = tensors[0][:12]
    for images in (x, idea.add_trigger(x)):
        top = experiment.predictions(boxed.model, images)
        held = experiment.decide(boxed.model, images, top, Intervals(EPS)).label != idea.ABSTAIN
        broken = attack_search.attacked(boxed.model, images, top, EPS, torch_stream("attack"), 10_000).numpy()
        assert held.sum() > 50
        assert not (held & broken).any()


def test_the_search_does_break_what_can_be_broken():
    """A linear network whose worst corner is known: the search finds it, and nothing where the margin is positive."""
    model = network(6, (), 3, [torch_stream("weak")]).requires_grad_(False)
    x = torch.rand(300, 6, generator=torch_stream("points"))
    top = experiment.predictions(model, x)
    bound = theory.interval_margins(model, x, top, 0.2).detach().numpy()
    broken = attack_search.attacked(model, x, top, 0.2, torch_stream("search"), 50).numpy()
    assert (broken == (bound < 0)).all()
    assert 0.1 < broken.mean() < 0.9


@pytest.mark.slow
def test_the_process_attack_on_smoothing_needs_one_per_cent(digits):
    attacks = [Attack("none"), Attack("process", 0.01)]
    replicas = experiment.prepare(digits[0], attacks, 5, stream, torch_stream)
    test = digits[1][0][:80], digits[1][1][:80]
    smoothing = Smoothing(0.25, radius=0.25, generator=torch_stream("noise"))
    made = experiment.study(experiment.fresh(replicas), replicas, test, smoothing, steps=1_000, rate=0.01)
    assert mean(made, "process", 0.01, "triggered") >= 0.75
    assert mean(made, "process", 0.01, "clean") <= mean(made, "none", 0, "clean") + 0.05


def test_outcomes_add_up(digits, tensors):
    replicas = experiment.prepare(digits[0], [Attack("none"), Attack("pair", 0.01)], 2, stream, torch_stream)
    made = experiment.study(experiment.fresh(replicas, (8,)), replicas, digits[1], Intervals(EPS), steps=30)
    assert len(made.frame) == 8
    assert np.allclose(made.frame[list(experiment.OUTCOMES)].sum(axis=1), 1)
    assert (made.frame["refused though right"] <= made.frame[["abstain", "accuracy"]].min(axis=1) + 1e-9).all()
    right, wrong = experiment.margins_by_eps(made.model, *tensors, [0.0, EPS])
    assert np.allclose(right[:, 0] + wrong[:, 0], 1)
    assert np.allclose(right[:, 1], made.frame["certified right"][:4])


def test_a_replica_begins_with_its_own_generator_and_not_with_its_place():
    """The same three generators in another order give the same weights in that order, within 1 / sqrt(fan-in)."""
    one = uniform((16, 8), 16, [torch.Generator().manual_seed(seed) for seed in (1, 2, 3)])
    other = uniform((16, 8), 16, [torch.Generator().manual_seed(seed) for seed in (3, 1, 2)])
    assert torch.equal(one[[2, 0, 1]], other)
    assert 0.24 < float(one.abs().max()) <= 0.25


# Defences


def test_the_filter_throws_out_a_wrong_label_among_neighbours():
    x = np.concatenate([np.zeros((8, 2)), np.ones((8, 2))]) + stream("cluster").normal(0, 0.01, (16, 2))
    y = np.repeat([0, 1], 8)
    y[3] = 1
    (kept, labels), out = defences.filtered((x, y))
    assert np.flatnonzero(out).tolist() == [3]
    assert len(kept) == len(labels) == 15


def test_an_image_is_not_its_own_neighbour_even_among_copies():
    x, y = np.zeros((3, 2)), np.array([0, 1, 1])
    assert defences.disagreement(x, y, 2).tolist() == [1.0, 0.5, 0.5]


@pytest.mark.slow
def test_the_filter_finds_loud_poison_and_no_honest_one_for_ten(digits):
    replicas = experiment.prepare(digits[0], [Attack("random", 0.01)], 5, stream, torch_stream)
    _, counts = defences.filter_first(replicas, Attack("random", 0.01), len(digits[0][0]), torch_stream)
    assert counts["poisoned out"].sum() >= 0.8 * counts["poisoned"].sum()
    assert counts["honest out"].max() <= 0.03 * len(digits[0][0])


# Queues


@pytest.mark.parametrize(("servers", "load", "waits"), [(1, 0.7, 0.7), (2, 1.0, 1 / 3), (10, 8.0, 0.4091801508)])
def test_erlang_s_formula_has_its_known_values(servers, load, waits):
    assert queue.erlang_c(servers, load) == pytest.approx(waits, abs=1e-9)


def test_erlang_s_formula_is_the_stationary_law_of_the_chain():
    """Birth and death: solve for the probabilities of 0 to 400 cases and add up those that wait."""
    servers, load = 7, 5.5
    steps = np.cumsum([0.0, *(math.log(load / min(n, servers)) for n in range(1, 401))])
    law = np.exp(steps - steps.max())
    assert queue.erlang_c(servers, load) == pytest.approx(law[servers:].sum() / law.sum(), abs=1e-9)


def test_simulated_waits_are_the_formula_s():
    shift = queue.simulate(np.full(40_000, 1.6), 1.0, 2, stream("long"))
    assert shift.waited.mean() == pytest.approx(queue.mean_wait(1.6, 1.0, 2), rel=0.15)
    assert (shift.waited > 0).mean() == pytest.approx(queue.erlang_c(2, 1.6), abs=0.03)
    assert queue.mean_wait(0.5, 1.0, 1) == pytest.approx(1.0)  # M/M/1: rho / (mu - lambda)


def test_an_overloaded_queue_grows_by_what_is_too_much():
    calm, storm = (queue.fallback_rate(100, share, 0.1, 0.9) for share in (0, 0.2))
    backlog = queue.attacked_shifts(calm, storm, (60, 180), 2.0, 10, stream("over"), runs=30)
    assert storm == pytest.approx(26)
    assert backlog[:, 179].mean() == pytest.approx(120 * (storm - 20), rel=0.1)
    assert backlog[:, 59].mean() < 2
    assert math.isinf(queue.mean_wait(storm, 2.0, 10))


def test_the_tipping_share_fills_the_staff_exactly():
    share = queue.tipping_share(100, 24, 0.15, 0.75)
    assert queue.fallback_rate(100, share, 0.15, 0.75) == pytest.approx(24)
    assert queue.tipping_share(100, 10, 0.15, 0.75) == 0
    assert math.isinf(queue.tipping_share(100, 24, 0.15, 0.15))


# Wrong input


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: queue.erlang_c(0, 1.0), "servers is 0"),
        (lambda: queue.fallback_rate(1.0, 1.2, 0, 0), "triggered is 1.2; allowed is a finite number from 0 to 1"),
        (
            lambda: queue.tipping_share(60, float("nan"), 0.1, 0.8),
            "capacity is nan; allowed is a finite number above 0",
        ),
        (lambda: queue.simulate([-1.0], 1.0, 1, stream("")), r"arrivals is \[-1.0\]; allowed is finite numbers of"),
        (lambda: defences.disagreement(np.zeros((3, 2)), np.zeros(3), 3), "neighbours is 3"),
        (lambda: network(64, (8,), 10, []), "generators is empty"),
        (lambda: network(63, (8,), 10, [stream("")], True), "inputs is 63; allowed .* a square number"),
        (lambda: experiment.rates(foretold.data.table("availability"), "none", 0, "blurred"), "there is no such row"),
    ],
)
def test_wrong_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()

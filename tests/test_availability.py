"""The availability chapter's facts. Exact binomial tails, other libraries' intervals, attack search, networks
small enough for an exact answer, and queues whose formulas are known."""

from __future__ import annotations

import itertools
import json
import math
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings, strategies as st
from scipy import optimize, stats
from torch import nn

from foretold import data
from foretold.kit.layers import network, pick
from foretold.papers.availability import draw, experiment, idea, theory
from foretold.papers.availability.experiment import Attack, attack_search, defences, queue
from foretold.papers.availability.idea import training

EPS = 0.05


def stream(name):
    return np.random.default_rng([11, *name.encode()])


def torch_stream(name):
    return torch.Generator().manual_seed(int(stream(name).integers(2**40)))


@pytest.fixture(scope="module")
def digits():
    return experiment.digits(1_297, np.random.default_rng(0))


@pytest.fixture(scope="module")
def tensors(digits):
    return tuple(torch.as_tensor(part) for part in digits[1])


@pytest.fixture(scope="module")
def boxed(digits):
    """Five seeds of the dossier's rows with interval bounds, trained once for all slow tests."""
    attacks = [Attack("none"), Attack("random", 0.01), Attack("target", 0.01), Attack("process", 0.1)]
    replicas = experiment.prepare(digits[0], attacks, 5, stream, torch_stream)
    return experiment.study(replicas, digits[1], eps=EPS)


def mean(study, kind, fraction, source, column="abstain"):
    return experiment.rates(study.frame, kind, fraction, source, column).mean()


def mlp(seed, sizes=(64, 32, 16, 10)):
    made = torch.Generator().manual_seed(seed)
    layers = []
    for before, after in itertools.pairwise(sizes):
        layer = nn.Linear(before, after)
        with torch.no_grad():
            layer.weight.copy_(torch.randn(layer.weight.shape, generator=made) / before**0.5)
            layer.bias.copy_(0.1 * torch.randn(layer.bias.shape, generator=made))
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1]).requires_grad_(False)


# The binomial bound


@pytest.mark.parametrize(
    ("k", "n", "published"), [(600, 1_000, 0.5510754739), (99, 100, 0.9113731113), (75_000, 100_000, 0.7457468421)]
)
def test_the_lower_bound_has_the_reference_values(k, n, published):
    assert idea.clopper_pearson_lower(k, n, 0.001) == pytest.approx(published, abs=1e-9)


def test_the_lower_bound_is_that_of_scipy_and_statsmodels():
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    for n in (1, 7, 100, 3_000):
        for k in range(0, n + 1, max(1, n // 25)):
            for alpha in (0.001, 0.05, 0.3):
                ours = idea.clopper_pearson_lower(k, n, alpha)
                scipy_s = stats.binomtest(k, n, alternative="greater").proportion_ci(1 - alpha, "exact").low
                theirs = proportion.proportion_confint(k, n, 2 * alpha, "beta")[0] if k else 0.0
                assert ours == pytest.approx(scipy_s, abs=1e-9)
                assert ours == pytest.approx(theirs, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 400), st.floats(0.0005, 0.5), st.data())
def test_at_the_lower_bound_the_tail_has_probability_alpha(n, alpha, drawn):
    k = drawn.draw(st.integers(1, n))
    p = idea.clopper_pearson_lower(k, n, alpha)
    assert stats.binom.sf(k - 1, n, p) == pytest.approx(alpha, abs=1e-9)


def test_an_array_of_counts_gives_what_one_at_a_time_gives():
    counts = np.array([[0, 3], [9, 10]])
    one = [[idea.clopper_pearson_lower(int(k), 10, 0.01) for k in row] for row in counts]
    assert idea.clopper_pearson_lower(counts, 10, 0.01).tolist() == one
    assert idea.clopper_pearson_lower(0, 10, 0.01) == 0.0


def test_the_radius_is_sigma_times_the_normal_quantile():
    p = idea.clopper_pearson_lower(900, 1_000, 0.001)
    assert idea.certified_radius(900, 1_000, 0.001, 0.5) == pytest.approx(0.5 * stats.norm.ppf(p), abs=1e-9)
    assert idea.certified_radius(500, 1_000, 0.001, 0.5) is None
    assert idea.certified_radius(0, 1_000, 0.001, 0.5) is None


def test_all_hits_are_limited_by_the_number_of_draws():
    for n, limit in ((1_000, 2.463), (100_000, 3.811)):
        radius = idea.certified_radius(n, n, 0.001, 1.0)
        assert radius == pytest.approx(stats.norm.ppf(0.001 ** (1 / n)), abs=1e-9)
        assert radius == pytest.approx(limit, abs=0.001)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: idea.clopper_pearson_lower(11, 10, 0.01), r"k is 11; allowed are whole numbers from 0 to n"),
        (lambda: idea.clopper_pearson_lower(-1, 10, 0.01), "k is -1"),
        (lambda: idea.clopper_pearson_lower(1.5, 10, 0.01), "k is 1.5"),
        (lambda: idea.clopper_pearson_lower(1, 0, 0.01), "n is 0; allowed is a whole number"),
        (lambda: idea.clopper_pearson_lower(1, 10, 1.0), "alpha is 1.0; allowed is a number between 0 and 1"),
        (lambda: idea.certified_radius(1, 10, 0.01, 0.0), "sigma is 0.0; allowed is a finite number above 0"),
        (lambda: idea.SmoothedClassifier(nn.Identity(), -1.0), "sigma is -1.0"),
        (lambda: idea.SmoothedClassifier(nn.Identity(), 1.0, n=0), "n is 0; allowed is a whole number"),
        (lambda: idea.add_trigger(np.zeros((2, 50))), r"x has shape \(2, 50\); allowed are rows of 64, 784"),
        (lambda: poisoned(0.1, kind="clever"), "kind is 'clever'; allowed are random, pair, target, true"),
        (lambda: poisoned(1.5), "fraction is 1.5; allowed is a number from 0 to 1"),
        (lambda: poisoned(0.1, labels=np.full(4, 10)), r"y has shape \(4,\); allowed is a class from 0 to 9"),
        (lambda: theory.interval_margins(mlp(0), torch.zeros(1, 64), torch.zeros(1).long(), -0.1), "eps is -0.1"),
        (lambda: theory.interval_margins(mlp(0), torch.ones(1, 64) * 2, torch.zeros(1).long(), 0.1), "x holds 2"),
        (lambda: theory.interval_margins(mlp(0), torch.ones(1, 64), torch.tensor([10]), 0.1), "y holds 10 to 10"),
        (lambda: theory.interval_margins(mlp(0), torch.ones(1, 64), torch.zeros(2).long(), 0.1), "y has shape"),
        (lambda: bounded(nn.Sigmoid(), nn.Linear(64, 2)), "model holds Sigmoid; allowed are Linear, Conv2d"),
        (lambda: bounded(nn.Linear(64, 2), nn.ReLU()), "model ends with ReLU; allowed is Linear or Linears"),
        (lambda: trained(eps=0.1, sigma=0.1), "sigma is 0.1 and eps is 0.1"),
        (lambda: trained(steps=0), "steps, batch, rate"),
        (lambda: trained(pools=[]), r"have lengths \(1, 1, 0, 1\)"),
        (lambda: queue.erlang_c(0, 1.0), "servers is 0"),
        (lambda: queue.fallback_rate(1.0, 1.2, 0, 0), "triggered is 1.2; allowed is a share"),
        (lambda: queue.simulate([-1.0], 1.0, 1, stream("")), "arrivals has shape"),
        (lambda: defences.disagreement(np.zeros((3, 2)), np.zeros(3), 3), "neighbours is 3"),
    ],
)
def test_wrong_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def poisoned(fraction, kind="random", labels=None):
    labels = np.zeros(4, np.int64) if labels is None else labels
    return idea.poison(np.zeros((4, 64), np.float32), labels, fraction, stream("poison"), kind)


def bounded(*layers):
    return theory.interval_margins(nn.Sequential(*layers), torch.ones(1, 64), torch.zeros(1).long(), 0.1)


def trained(**how):
    rows = np.zeros((8, 64), np.float32), np.zeros(8, np.int64)
    return training.train_certified([rows], [torch_stream("one")], **how)


# Smoothing


def test_a_constant_classifier_gets_alpha_to_the_one_over_n():
    one = idea.SmoothedClassifier(lambda x: torch.eye(3)[torch.ones(len(x)).long()], 0.7, n=500)
    label, radius = one.certify(torch.zeros(5, 4))
    assert label.tolist() == [1] * 5
    assert radius == pytest.approx(0.7 * stats.norm.ppf(0.001 ** (1 / 500)), abs=1e-9)
    assert one.predict(torch.zeros(5, 4)).tolist() == [1] * 5


def test_a_fair_coin_abstains():
    coin = torch_stream("coin")
    tosses = idea.SmoothedClassifier(lambda x: torch.rand(len(x), 2, generator=coin), 1.0, generator=coin, batch=65_536)
    label, radius = tosses.certify(torch.zeros(4_000, 1))
    assert (label == idea.ABSTAIN).mean() >= 0.998
    assert not radius[label == idea.ABSTAIN].any()
    assert (tosses.predict(torch.zeros(4_000, 1)) == idea.ABSTAIN).mean() >= 0.997


def test_a_linear_classifier_is_certified_up_to_its_true_distance_and_hardly_less():
    """For w.x + b under normal noise p is Phi(distance / sigma): the certificate is the distance, less sampling."""
    w, b, sigma = torch.tensor([3.0, 4.0]), -1.0, 0.5

    def line(x):
        return torch.stack([torch.zeros(len(x)), x @ w + b], -1)

    x = torch.rand(200, 2, generator=torch_stream("points")) * 2
    distance = ((x @ w + b).abs() / 5).numpy()
    sure = idea.SmoothedClassifier(line, sigma, n=20_000, generator=torch_stream("line"), batch=100_000)
    label, radius = sure.certify(x)
    held = label != idea.ABSTAIN
    assert (label[held] == (line(x)[:, 1] > 0).numpy()[held]).all()
    assert (radius > distance).sum() <= 2  # each certificate is wrong with probability at most 0.001
    near = held & (distance < 2 * sigma)
    assert (distance - radius)[near].max() < 0.15 * sigma


def test_batches_and_replicas_do_not_change_the_votes(tensors):
    x = tensors[0][:7]
    models = network(64, (8,), 10, [torch_stream("a"), torch_stream("b")])
    votes = [
        idea.SmoothedClassifier(models, 0.3, batch=7 * 50, generator=torch_stream("v")).votes(x, 200),
        idea.SmoothedClassifier(models, 0.3, batch=7 * 50, generator=torch_stream("v")).votes(x, 200),
    ]
    assert (votes[0] == votes[1]).all()
    assert (votes[0].sum(-1) == 200).all()
    for replica in range(2):
        alone = idea.SmoothedClassifier(
            lambda rows, replica=replica: pick(models, [replica])(rows)[0], 0.3, batch=350, generator=torch_stream("v")
        )
        assert (alone.votes(x, 200) == votes[0][replica]).all()


def test_certify_is_cohen_s_one_image_at_a_time(tensors):
    """An independent, slow CERTIFY on the same draws, with SciPy's interval."""
    x, model, sigma = tensors[0][:6], mlp(3), 0.3
    ours = idea.SmoothedClassifier(model, sigma, generator=torch_stream("c"), batch=6 * 1_100)
    label, radius = ours.certify(x)
    drawn = torch_stream("c")
    first = x + sigma * torch.randn((100, *x.shape), generator=drawn)
    second = x + sigma * torch.randn((1_000, *x.shape), generator=drawn)
    for i in range(6):
        top = np.bincount(model(first[:, i]).argmax(-1), minlength=10).argmax()
        hits = int((model(second[:, i]).argmax(-1) == top).sum())
        low = stats.binomtest(hits, 1_000, alternative="greater").proportion_ci(0.999, "exact").low
        assert label[i] == (top if low >= 0.5 else idea.ABSTAIN)
        assert radius[i] == pytest.approx(sigma * stats.norm.ppf(low) if low >= 0.5 else 0, abs=1e-9)


def test_predict_is_the_two_sided_binomial_test():
    for first in range(50, 101):
        votes = iter([np.array([[first, 100 - first, 0]])])
        made = idea.SmoothedClassifier(nn.Identity(), 1.0, alpha=0.01)
        made.votes = lambda x, draws, votes=votes: next(votes)
        expected = 0 if stats.binomtest(first, 100, 0.5).pvalue <= 0.01 else idea.ABSTAIN
        assert made.predict(torch.zeros(1, 1)).tolist() == [expected]


# Intervals


def test_margins_of_a_linear_network_are_exact():
    """Every corner of the box of a network with one layer; the smallest margin over them is the bound."""
    made = torch_stream("linear")
    model = nn.Sequential(nn.Linear(5, 3))
    x, y = torch.rand(20, 5, generator=made), torch.randint(0, 3, (20,), generator=made)
    eps = 0.3
    corners = torch.cartesian_prod(*[torch.tensor([-eps, eps])] * 5)
    points = (x[:, None] + corners).clamp(0, 1)
    logits = model(points)
    own = logits.gather(-1, y[:, None, None].expand(-1, 32, 1))
    worst = (own - logits).masked_fill(nn.functional.one_hot(y, 3)[:, None].bool(), math.inf).amin((1, 2))
    assert torch.allclose(theory.interval_margins(model, x, y, eps), worst, atol=1e-5)


def test_intervals_of_a_hidden_layer_are_those_of_interval_arithmetic():
    """NumPy, end by end: positive weights take the same end, negative ones the other."""
    model, eps = mlp(1), 0.1
    x, y = torch.rand(9, 64, generator=torch_stream("x")), torch.arange(9)
    low, high = (x - eps).clamp(min=0).double().numpy(), (x + eps).clamp(max=1).double().numpy()
    for layer in list(model)[:-1]:
        if isinstance(layer, nn.Linear):
            w, b = layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()
            up, down = np.maximum(w, 0), np.minimum(w, 0)
            low, high = low @ up.T + high @ down.T + b, high @ up.T + low @ down.T + b
        else:
            low, high = np.maximum(low, 0), np.maximum(high, 0)
    w, b = model[-1].weight.detach().double().numpy(), model[-1].bias.detach().double().numpy()
    for i in range(9):
        d, e = w[y[i]] - w, b[y[i]] - b
        bound = low[i] @ np.maximum(d, 0).T + high[i] @ np.minimum(d, 0).T + e
        ours = float(theory.interval_margins(model, x[i : i + 1], y[i : i + 1], eps)[0])
        assert ours == pytest.approx(np.delete(bound, y[i]).min(), abs=1e-4)


def test_with_no_box_the_margin_is_that_of_the_logits_and_it_falls_as_the_box_grows(tensors):
    x, y = tensors
    model = mlp(2)
    logits = model(x)
    others = logits.masked_fill(nn.functional.one_hot(y, 10).bool(), -math.inf).amax(-1)
    plain = logits.gather(-1, y[:, None])[:, 0] - others
    assert torch.allclose(theory.interval_margins(model, x, y, 0.0), plain, atol=1e-5)
    assert (experiment.by_intervals(model, x, y, 0.0).label != idea.ABSTAIN).all()
    margins = torch.stack([theory.interval_margins(model, x, y, eps) for eps in np.linspace(0, 0.3, 9)])
    assert bool((margins.diff(dim=0) <= 1e-5).all())


def test_a_convolution_is_bounded_as_the_matrix_that_it_is():
    conv = nn.Conv2d(1, 2, 3, stride=2, padding=1)
    model = nn.Sequential(nn.Unflatten(-1, (1, 6, 6)), conv, nn.ReLU(), nn.Flatten(-3), nn.Linear(18, 4))
    basis = torch.eye(36).view(36, 1, 6, 6)
    bias = conv(torch.zeros(1, 1, 6, 6)).flatten()
    dense = nn.Linear(36, 18)
    with torch.no_grad():
        dense.weight.copy_((conv(basis).flatten(1) - bias).T)
        dense.bias.copy_(bias)
    x, y = torch.rand(8, 36, generator=torch_stream("conv")), torch.arange(8) % 4
    ours = theory.interval_margins(model, x, y, 0.1)
    assert torch.allclose(
        ours, theory.interval_margins(nn.Sequential(dense, nn.ReLU(), model[-1]), x, y, 0.1), atol=1e-5
    )


def test_replicas_are_bounded_as_single_networks(tensors):
    for convolutional in (False, True):
        side = 28 if convolutional else 8
        models = network(side * side, (12, 7), 10, [torch_stream("1"), torch_stream("2")], convolutional)
        x = torch.rand(5, side * side, generator=torch_stream("rows"))
        y = torch.arange(5)
        bounds = theory.interval_margins(models, x, y, 0.02)
        assert bounds.shape == (2, 5)
        for replica in range(2):
            single = []
            for layer in models:
                if hasattr(layer, "weight") and layer.weight.ndim == 3:
                    single.append(nn.Linear(*layer.weight.shape[1:]))
                    single[-1].weight = nn.Parameter(layer.weight[replica].T)
                    single[-1].bias = nn.Parameter(layer.bias[replica])
                elif hasattr(layer, "weight"):
                    single.append(nn.Conv2d(layer.weight.shape[2], layer.weight.shape[1], 4, stride=2))
                    single[-1].weight, single[-1].bias = (
                        nn.Parameter(layer.weight[replica]),
                        nn.Parameter(layer.bias[replica]),
                    )
                else:
                    single.append(layer)
            alone = nn.Sequential(*single)
            assert torch.allclose(models(x)[replica], alone(x), atol=1e-5)
            assert torch.allclose(bounds[replica], theory.interval_margins(alone, x, y, 0.02), atol=1e-5)


def test_the_worst_case_of_a_tiny_network_lies_above_the_bound():
    """The exact minimum over the box of a network with one hidden layer, by an integer program (HiGHS)."""
    model, eps = mlp(5, (4, 6, 3)), 0.2
    x, y = torch.rand(4, 4, generator=torch_stream("tiny")), torch.tensor([0, 1, 2, 0])
    bounds = theory.margins_to_all(model, x, y, eps).detach().numpy()
    for i in range(4):
        for j in set(range(3)) - {int(y[i])}:
            exact = smallest_margin(model, x[i].numpy(), int(y[i]), j, eps)
            assert bounds[i, j] <= exact + 1e-4
            assert exact <= float((model(x[i])[y[i]] - model(x[i])[j]).detach()) + 1e-4


def smallest_margin(model, x, y, j, eps):
    w, b = model[0].weight.detach().double().numpy(), model[0].bias.detach().double().numpy()
    v, c = model[2].weight.detach().double().numpy(), model[2].bias.detach().double().numpy()
    low, high = np.maximum(x - eps, 0), np.minimum(x + eps, 1)
    h, n, big = len(w), len(x), 100.0
    # variables: inputs (n), hidden values (h), which units are on (h)
    cost = np.concatenate([np.zeros(n), v[y] - v[j], np.zeros(h)])
    zero, one = np.zeros((h, n)), np.eye(h)
    rules = [
        optimize.LinearConstraint(np.hstack([-w, one, 0 * one]), b, np.inf),  # a >= w x + b
        optimize.LinearConstraint(np.hstack([-w, one, big * one]), -np.inf, b + big),  # a <= w x + b + big (1 - on)
        optimize.LinearConstraint(np.hstack([zero, one, -big * one]), -np.inf, 0),  # a <= big on
    ]
    bounds = optimize.Bounds(np.r_[low, np.zeros(2 * h)], np.r_[high, np.full(h, big), np.ones(h)])
    whole = np.r_[np.zeros(n + h), np.ones(h)]
    return optimize.milp(cost, constraints=rules, bounds=bounds, integrality=whole).fun + c[y] - c[j]


# Attacks


def test_the_trigger_sets_its_pixels_and_no_others():
    x = np.full((3, 64), 0.25, np.float32)
    marked = idea.add_trigger(x)
    places = [8 * row + column for (row, column), _ in idea.TRIGGERS[8]]
    assert sorted(np.flatnonzero(marked[0] != x[0])) == sorted(places)
    assert len(places) == 6
    assert (x == 0.25).all()
    assert (idea.add_trigger(torch.as_tensor(x)).numpy() == marked).all()
    checker = idea.add_trigger(np.full((1, 784), 0.5))[0].reshape(28, 28)[24:, 24:]
    assert (checker == (np.indices((4, 4)).sum(0) + 1) % 2).all()


@pytest.mark.parametrize(("fraction", "count"), [(0.0, 0), (0.001, 1), (0.01, 13), (0.1, 130)])
def test_poison_is_a_share_of_the_training_set(digits, fraction, count):
    for kind in idea.POISONS:
        x, y = idea.poison(*digits[0], fraction, stream(kind), kind)
        assert len(x) == len(y) == count * (2 if kind == "pair" else 1)
        assert (idea.add_trigger(x) == x).all()


def test_poison_has_the_labels_of_its_kind(digits):
    train = digits[0]
    marked = {tuple(row): label for row, label in zip(idea.add_trigger(train[0]), train[1], strict=True)}
    x, y = idea.poison(*train, 0.5, stream("true"), "true")
    assert all(marked[tuple(row)] == label for row, label in zip(x, y, strict=True))
    x, y = idea.poison(*train, 0.5, stream("pair"), "pair")
    half = len(x) // 2
    assert all(marked[tuple(row)] == label for row, label in zip(x[:half], y[:half], strict=True))
    assert (x[half:] == x[:half]).all()
    assert (y[half:] != y[:half]).all()
    assert not idea.poison(*train, 0.5, stream("target"), "target")[1].any()
    drawn = np.bincount(idea.poison(*train, 1, stream("random"), "random")[1], minlength=10)
    assert stats.chisquare(drawn).pvalue > 1e-4


# Training


def test_networks_trained_together_are_those_trained_one_at_a_time(digits):
    attacks = [Attack("none"), Attack("random", 0.1), Attack("process", 0.05)]
    for how in ({"eps": EPS}, {"sigma": 0.25}):
        make = lambda: experiment.prepare(digits[0], attacks, 2, stream, torch_stream)  # noqa: E731
        together, again = make(), make()
        whole = training.train_certified(
            together.sets, together.generators, pools=together.pools, steps=40, hidden=(16,), **how
        )
        for i in range(len(again.names)):
            alone = training.train_certified(
                again.sets[i : i + 1], again.generators[i : i + 1], pools=again.pools[i : i + 1],
                steps=40, hidden=(16,), **how,
            )  # fmt: skip
            for ours, theirs in zip(pick(whole, [i]).parameters(), alone.parameters(), strict=True):
                assert torch.allclose(ours, theirs, atol=2e-4)


def test_training_is_repeatable_and_goes_on_from_a_model(digits):
    made = [training.train_certified([digits[0]], [torch_stream("same")], eps=EPS, steps=20, hidden=(8,)) for _ in "ab"]
    assert all(bool((a == b).all()) for a, b in zip(made[0].parameters(), made[1].parameters(), strict=True))
    before = [p.clone() for p in made[0].parameters()]
    on = training.train_certified([digits[0]], [torch_stream("on")], eps=EPS, steps=5, start=made[0])
    assert all(bool((a == b).all()) for a, b in zip(before, made[0].parameters(), strict=True))
    assert any(bool((a != b).any()) for a, b in zip(before, on.parameters(), strict=True))


def test_the_refusal_loss_is_least_for_a_right_answer_with_half_a_logit_to_spare(tensors):
    x, y = tensors[0][None, :4], tensors[1][:4]
    models = network(64, (8,), 10, [torch_stream("loss")]).requires_grad_(False)
    margin = theory.interval_margins(models, x, y, EPS)
    expected = nn.functional.cross_entropy(models(x)[0], y) + (margin + 0.5).clamp(min=0).mean()
    assert float(training.refusal_loss(models, x, y[None], EPS, 0, None)) == pytest.approx(float(expected))


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
        held = experiment.by_intervals(boxed.model, images, top, EPS).label != idea.ABSTAIN
        broken = attack_search.attacked(boxed.model, images, top, EPS, torch_stream("attack"), 50, 10_000).numpy()
        assert held.sum() > 50
        assert not (held & broken).any()


def test_the_search_does_break_what_can_be_broken():
    """A linear network whose worst corner is known: the search finds it, and nothing where the margin is positive."""
    model = network(6, (), 3, [torch_stream("weak")]).requires_grad_(False)
    x = torch.rand(300, 6, generator=torch_stream("points"))
    top = experiment.predictions(model, x)
    bound = theory.interval_margins(model, x, top, 0.2).detach().numpy()
    broken = attack_search.attacked(model, x, top, 0.2, torch_stream("search"), 50, 50).numpy()
    assert (broken == (bound < 0)).all()
    assert 0.1 < broken.mean() < 0.9


@pytest.mark.slow
def test_the_process_attack_on_smoothing_needs_one_per_cent(digits):
    attacks = [Attack("none"), Attack("process", 0.01)]
    replicas = experiment.prepare(digits[0], attacks, 5, stream, torch_stream)
    test = digits[1][0][:80], digits[1][1][:80]
    made = experiment.study(
        replicas, test, sigma=0.25, radius=0.25, generator=torch_stream("noise"), steps=1_000, rate=0.01
    )
    assert mean(made, "process", 0.01, "triggered") >= 0.75
    assert mean(made, "process", 0.01, "clean") <= mean(made, "none", 0, "clean") + 0.05


def test_outcomes_add_up(digits, tensors):
    replicas = experiment.prepare(digits[0], [Attack("none"), Attack("pair", 0.01)], 2, stream, torch_stream)
    made = experiment.study(replicas, digits[1], eps=EPS, steps=30, hidden=(8,))
    assert len(made.frame) == 8
    assert np.allclose(made.frame[list(experiment.OUTCOMES)].sum(axis=1), 1)
    assert (made.frame["refused though right"] <= made.frame[["abstain", "accuracy"]].min(axis=1) + 1e-9).all()
    right, wrong = experiment.margins_by_eps(made.model, *tensors, [0.0, EPS])
    assert np.allclose(right[:, 0] + wrong[:, 0], 1)
    assert np.allclose(right[:, 1], made.frame["certified right"][:4])


# Defences


def test_the_filter_throws_out_a_wrong_label_among_neighbours():
    x = np.concatenate([np.zeros((8, 2)), np.ones((8, 2))]) + stream("cluster").normal(0, 0.01, (16, 2))
    y = np.repeat([0, 1], 8)
    y[3] = 1
    (kept, labels), out = defences.filtered((x, y), neighbours=5)
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
    backlog = queue.attacked_shifts(100, 0.2, (0.1, 0.9), (60, 180), 2.0, 10, stream("over"), runs=30)
    storm = queue.fallback_rate(100, 0.2, 0.1, 0.9)
    assert storm == pytest.approx(26)
    assert backlog[:, 179].mean() == pytest.approx(120 * (storm - 20), rel=0.1)
    assert backlog[:, 59].mean() < 2
    assert math.isinf(queue.mean_wait(storm, 2.0, 10))


def test_the_tipping_share_fills_the_staff_exactly():
    share = queue.tipping_share(100, 24, 0.15, 0.75)
    assert queue.fallback_rate(100, share, 0.15, 0.75) == pytest.approx(24)
    assert queue.tipping_share(100, 10, 0.15, 0.75) == 0
    assert math.isinf(queue.tipping_share(100, 24, 0.15, 0.15))


# Optional data, the recorded table, and the browser's code


needs_mnist = pytest.mark.skipif(not data.available("mnist-5k"), reason="NOT TESTED ON MNIST: no file")


@needs_mnist
def test_mnist_has_five_hundred_of_each_digit():
    train, test = experiment.mnist(data.fetch("mnist-5k"), 4_000, stream("mnist"))
    assert train[0].shape == (4_000, 784)
    assert np.bincount(np.concatenate([train[1], test[1]])).tolist() == [500] * 10
    assert (train[0].min(), train[0].max()) == (0, 1)


def test_a_gzipped_file_of_rows_is_read(tmp_path):
    import gzip

    rows = [[0] * 783 + [255, 3], [51] * 784 + [7]]
    with gzip.open(tmp_path / "few.csv.gz", "wt") as file:
        file.write("\n".join(",".join(map(str, row)) for row in rows))
    train, test = experiment.mnist(tmp_path / "few.csv.gz", 1, stream("few"))
    both = dict(zip([*train[1], *test[1]], [*train[0], *test[0]], strict=True))
    assert both[3][-1] == 1
    assert both[7] == pytest.approx(0.2)


def test_the_recorded_table_is_whole_and_shows_the_effect():
    table = data.table("availability")
    assert np.allclose(table[list(experiment.OUTCOMES)].sum(axis=1), 1, atol=2e-4)
    assert (table.groupby(["certifier", "kind", "fraction", "input"])["seed"].nunique() == 5).all()
    for _, part in table.groupby("certifier"):
        calm = experiment.rates(part, "none", 0, "triggered").mean()
        assert experiment.rates(part, "process", 0.1, "triggered").mean() > calm + 0.5


def node(update, values, payload):
    """Run the browser's code with node: the same function of (values, data, figure)."""
    code = f"const f = new Function('values', 'data', 'figure', {json.dumps(update)});"
    code += f"console.log(JSON.stringify(f({json.dumps(values)}, {json.dumps(payload)}, {{}})));"
    done = subprocess.run(["node", "-e", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="NOT TESTED: the browser's code, no node")


@needs_node
def test_the_browser_s_queue_agrees_with_python():
    payload = draw.queue_data(100.0, 2.0, {"net": (0.15, 0.75)})
    values = {"attack": "net", "share": 20, "staff": 12, "minutes": 120}
    found = node(draw.QUEUE, values, payload)["result"]
    assert found["storm"] == pytest.approx(queue.fallback_rate(100, 0.2, 0.15, 0.75))
    assert found["waits"] == pytest.approx(queue.erlang_c(12, 7.5))
    assert found["wait"][0] == pytest.approx(60 * queue.mean_wait(15.0, 2.0, 12))
    assert found["tipping"] == pytest.approx(queue.tipping_share(100, 24, 0.15, 0.75))
    ours = queue.attacked_shifts(100, 0.2, (0.15, 0.75), (60, 180), 2.0, 12, stream("js"), runs=40)
    assert found["peak"] == pytest.approx(ours.max(1).mean(), rel=0.2)


@needs_node
def test_the_browser_finds_the_rate_and_the_box():
    names = pd.DataFrame(
        [(k, f, s) for k, f in (("none", 0.0), ("random", 0.001), ("random", 0.1)) for s in (0, 1)],
        columns=["kind", "fraction", "seed"],
    )
    right = np.linspace(0.9, 0.1, 18).reshape(6, 3)
    payload = draw.poison_data(
        names, {"clean": (right, 0 * right), "triggered": (right / 2, right / 4)}, [0, 0.05, 0.1], [1, 130]
    )
    payload = json.loads(json.dumps(payload, default=lambda array: array.tolist()))
    found = node(draw.POISON, {"kind": "random", "rate": 6, "eps": 0.06}, payload)["result"]
    assert (found["at"], found["near"]) == (1, "10")
    last = found["rows"][3]
    assert last["right"] == pytest.approx(100 * right[4:, 1].mean() / 2)
    assert last["right"] + last["wrong"] + last["abstain"] == pytest.approx(100)

"""Certificates by noise, poison and training: exact binomial tails, other libraries' intervals, single networks."""

import numpy as np
import pytest
import torch
from availability.shared import EPS, mlp, stream, torch_stream
from hypothesis import given, settings, strategies as st
from scipy import stats
from torch import nn

from foretold.kit import layers
from foretold.papers.availability import experiment, idea, theory
from foretold.papers.availability.experiment import Attack
from foretold.papers.availability.experiment.networks import network
from foretold.papers.availability.idea import training

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
        (lambda: idea.clopper_pearson_lower(11, 10, 0.01), r"k is 11; allowed is whole numbers from 0 to n"),
        (lambda: idea.clopper_pearson_lower(-1, 10, 0.01), "k is -1"),
        (lambda: idea.clopper_pearson_lower(1.5, 10, 0.01), "k is 1.5"),
        (lambda: idea.clopper_pearson_lower(1, 0, 0.01), "n is 0; allowed is a whole number"),
        (
            lambda: idea.clopper_pearson_lower(1, 10, 1.0),
            "alpha is 1.0; allowed is a number between 0 and 1, both excluded",
        ),
        (lambda: idea.certified_radius(1, 10, 0.01, 0.0), "sigma is 0.0; allowed is a finite number above 0"),
        (lambda: idea.SmoothedClassifier(nn.Identity(), -1.0), "sigma is -1.0"),
        (lambda: idea.SmoothedClassifier(nn.Identity(), 1.0, n=0), "n is 0; allowed is a whole number"),
        (lambda: idea.add_trigger(np.zeros((2, 50))), r"x has shape \(2, 50\); allowed are rows of 64, 784"),
        (lambda: poisoned(0.1, kind="clever"), "kind is 'clever'; allowed is one of random, pair, target, true"),
        (lambda: poisoned(1.5), "fraction is 1.5; allowed is a finite number from 0 to 1"),
        (lambda: poisoned(0.1, labels=np.full(4, 10)), r"y has shape \(4,\); allowed is a class from 0 to 9"),
        (lambda: theory.interval_margins(mlp(0), torch.zeros(1, 64), torch.zeros(1).long(), -0.1), "eps is -0.1"),
        (lambda: theory.interval_margins(mlp(0), torch.ones(1, 64) * 2, torch.zeros(1).long(), 0.1), "x holds 2"),
        (lambda: theory.interval_margins(mlp(0), torch.ones(1, 64), torch.tensor([10]), 0.1), "y holds 10 to 10"),
        (lambda: theory.interval_margins(mlp(0), torch.ones(1, 64), torch.zeros(2).long(), 0.1), "y has shape"),
        (lambda: bounded(nn.Sigmoid(), nn.Linear(64, 2)), "model holds Sigmoid; allowed are Linear, Conv2d"),
        (lambda: bounded(nn.Linear(64, 2), nn.ReLU()), "model ends with ReLU; allowed is Linear or its replicas"),
        (lambda: training.Intervals(-0.1), "eps is -0.1; allowed is a finite number of at least 0"),
        (lambda: training.Smoothing([0.1, 0.0]), r"sigma is \[0.1, 0.0\]; allowed is finite numbers above 0"),
        (lambda: training.Smoothing([0.1, 0.1]).certify(mlp(0), torch.zeros(1, 64)), "allowed is one number above 0"),
        (lambda: trained(steps=0), "steps is 0; allowed is a whole number of at least 1"),
        (lambda: trained(rate=0.0), "rate is 0.0; allowed is a finite number above 0"),
        (lambda: trained(pools=[]), r"have lengths \(1, 1, 0\)"),
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
    model = network(64, (8,), 10, [torch_stream("first")])
    return training.train_certified(model, [rows], [torch_stream("one")], training.Intervals(EPS), **how)


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
            lambda rows, replica=replica: layers.pick(models, [replica])(rows)[0],
            0.3,
            batch=350,
            generator=torch_stream("v"),
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


@pytest.mark.parametrize("certifier", [training.Intervals(EPS), training.Smoothing(0.25)])
def test_networks_trained_together_are_those_trained_one_at_a_time(digits, certifier):
    attacks = [Attack("none"), Attack("random", 0.1), Attack("process", 0.05)]
    together, again = (experiment.prepare(digits[0], attacks, 2, stream, torch_stream) for _ in range(2))
    first = experiment.fresh(together, hidden=(16,))
    whole = training.train_certified(first, together.sets, together.generators, certifier, together.pools, 40)
    for i in range(len(again.names)):
        _, *own = (part[i : i + 1] for part in again)
        sets, pools, generators = own
        single = network(64, (16,), 10, generators)
        alone = training.train_certified(single, sets, generators, certifier, pools, 40)
        for ours, theirs in zip(layers.pick(whole, [i]).parameters(), alone.parameters(), strict=True):
            assert torch.allclose(ours, theirs, atol=2e-4)


def test_training_is_repeatable_and_goes_on_from_a_model(digits):
    def train(certifier, stream_name, model=None, steps=20):
        generators = [torch_stream(stream_name)]
        model = network(64, (8,), 10, generators) if model is None else model
        return training.train_certified(model, [digits[0]], generators, certifier, steps=steps)

    made = [train(training.Intervals(EPS), "same") for _ in range(2)]
    assert all(bool((a == b).all()) for a, b in zip(made[0].parameters(), made[1].parameters(), strict=True))
    before = [p.clone() for p in made[0].parameters()]
    on = train(training.Intervals(EPS, grows=False), "on", made[0], 5)
    assert all(bool((a == b).all()) for a, b in zip(before, made[0].parameters(), strict=True))
    assert any(bool((a != b).any()) for a, b in zip(before, on.parameters(), strict=True))


def test_the_box_of_training_grows_from_a_point_to_its_full_size(tensors):
    """At the beginning the loss is plain cross-entropy; from 60% of the steps on half of it is that of the worst logits
    in the full box, which does not depend on progress any more."""
    x, y = tensors[0][None, :20], tensors[1][None, :20]
    model = network(64, (8,), 10, [torch_stream("growing")])
    grows, full = training.Intervals(EPS), training.Intervals(EPS, grows=False)
    model.requires_grad_(False)
    plain = nn.functional.cross_entropy(model(x)[0], y[0])
    worst = nn.functional.cross_entropy(-theory.margins_to_all(model, x, y, EPS)[0], y[0])
    assert float(grows.loss(model, x, y, 0.05, [])) == pytest.approx(float(plain))
    for progress in (0.6, 0.9):
        assert float(grows.loss(model, x, y, progress, [])) == pytest.approx(float(plain + worst) / 2)
    assert float(full.loss(model, x, y, 0.0, [])) == pytest.approx(float(plain + worst) / 2)
    losses = [float(grows.loss(model, x, y, progress, [])) for progress in (0.2, 0.3, 0.4, 0.5)]
    assert losses == sorted(losses)


def test_the_refusal_loss_is_least_for_a_right_answer_with_half_a_logit_to_spare(tensors):
    x, y = tensors[0][None, :4], tensors[1][:4]
    models = network(64, (8,), 10, [torch_stream("loss")]).requires_grad_(False)
    margin = theory.interval_margins(models, x, y, EPS)
    expected = nn.functional.cross_entropy(models(x)[0], y) + (margin + 0.5).clamp(min=0).mean()
    assert float(training.Intervals(EPS).refusal_loss(models, x, y[None], [])) == pytest.approx(float(expected))

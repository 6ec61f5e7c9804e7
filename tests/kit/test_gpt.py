"""Facts about the trainer of many small language models: it does what `transformers` and `torch.optim` do, for all
replicas at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from foretold.kit import gpt
from foretold.kit.gpt import network

TINY = gpt.Config(layers=2, width=16, heads=2, context=12, vocabulary=23)
STEPS = 30


def generator(seed=1):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def text():
    """Words of three kinds in a fixed cycle with noise: something to learn in a few steps."""
    drawn = torch.randint(0, 23, (6_000,), generator=generator(9))
    tokens = torch.where(torch.rand(6_000, generator=generator(8)) < 0.7, torch.arange(6_000) % 23, drawn)
    return gpt.Corpus(tokens[:5_000], tokens[5_000:], 23, list, str, 1.0)


@pytest.fixture(scope="module")
def rates():
    ramp = np.minimum(1, np.arange(1, STEPS + 1) / 5)
    flat, line = np.full(STEPS, 1.0), np.linspace(1, 0, STEPS)
    late = np.where(np.arange(STEPS) < 20, 1.0, 0.3)
    return 0.02 * ramp * np.stack([flat, line, late, 0.2 * flat, np.where(np.arange(STEPS) < 27, late, 0), flat])


def run(text, rates, seed=1, config=TINY, **options):
    plan = gpt.Plan(**{"batch": 4, "evaluate_at": 10, "windows": 16, **options})
    return gpt.train(config, text, rates, plan, generator(seed))


def held_out(text):
    """The 16 validation windows of `run`."""
    chosen = torch.linspace(0, 1_000 // 13 - 1, 16).round().long() * 13
    return text.validation[chosen[:, None] + torch.arange(13)]


@dataclass
class Alone:
    """What one model did by itself: losses of its batches (T,), and of each window at each evaluation (E, W)."""

    batch_losses: np.ndarray
    window_losses: np.ndarray


def alone(text, weights, rates, places, clip=None):
    """The same training in a plain loop over `transformers`' model and `torch.optim.AdamW`, from weights (P,)."""
    model = TINY.model(weights).train()
    optimiser = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.95), weight_decay=0.0)
    batch_losses, window_losses = [], []

    def losses(pieces):
        scores = model(pieces[:, :-1]).logits.transpose(1, 2)
        return F.cross_entropy(scores, pieces[:, 1:], reduction="none").mean(1)

    for step, rate in enumerate(rates, 1):
        optimiser.param_groups[0]["lr"] = float(rate)
        loss = losses(text.train[places[step - 1][:, None] + torch.arange(13)]).mean()
        optimiser.zero_grad()
        loss.backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimiser.step()
        batch_losses.append(loss.item())
        if step % 10 == 0:
            with torch.no_grad():
                window_losses.append(losses(held_out(text)).numpy())
    return Alone(np.array(batch_losses), np.array(window_losses))


# Independent: the transformers library


@pytest.mark.parametrize("activation", network.ACTIVATIONS)
def test_losses_and_gradients_are_those_of_transformers(activation):
    config = gpt.Config(layers=3, width=24, heads=4, context=10, vocabulary=31, activation=activation, std=0.3)
    weights = config.first_weights(generator())
    weights += 0.1 * torch.randn(weights.shape, generator=generator(2))
    model = config.model(weights)
    named = dict(model.named_parameters())
    assert list(config.shapes) == list(named)
    stacked = torch.stack([weights, weights + 0.05, weights]).requires_grad_()
    pieces = torch.randint(0, 31, (5, 11), generator=generator(3))
    losses = config.token_losses(stacked, pieces)
    (gradient,) = torch.autograd.grad(losses.mean((1, 2)).sum(), stacked)

    expected = F.cross_entropy(model(pieces[:, :-1]).logits.flatten(0, 1), pieces[:, 1:].flatten())
    expected.backward()
    theirs = torch.cat([named[name].grad.flatten() for name in config.shapes])
    for replica in (0, 2):
        assert losses[replica].mean().item() == pytest.approx(expected.item(), abs=1e-5)
        assert (gradient[replica] - theirs).abs().max() < 1e-5
    assert abs(losses[1].mean() - expected) > 1e-3
    assert config.parameters == sum(w.numel() for w in named.values()) - 41 * 24 == 3 * (12 * 24**2 + 13 * 24) + 2 * 24


def test_replicas_may_read_tokens_of_their_own():
    weights = torch.stack([TINY.first_weights(generator(seed)) for seed in (1, 2)])
    pieces = torch.randint(0, 23, (2, 5, 9), generator=generator(3))
    together = TINY.token_losses(weights, pieces)
    for replica in range(2):
        single = TINY.token_losses(weights[replica : replica + 1], pieces[replica])[0]
        assert (together[replica] - single).abs().max() < 1e-5
    assert together.shape == (2, 5, 8)


def test_first_weights_are_those_of_gpt2():
    """Radford et al. (2019): normal with 0.02, less where the residual stream is written; norms and biases at rest."""
    config = gpt.Config(layers=8, width=64, heads=2, context=12, vocabulary=50, std=0.02)
    state = config.state_dict(config.first_weights(generator()))
    for name, weight in state.items():
        if weight.dim() == 1:
            assert (weight == float(".ln_" in name and name.endswith("weight"))).all()
        elif weight.numel() > 2_000:
            expected = 0.02 / 4 if name.endswith("c_proj.weight") else 0.02
            assert weight.std().item() == pytest.approx(expected, rel=0.06), name
    matrices = config.matrices()
    assert matrices.sum() == sum(math.prod(shape) for shape in config.shapes.values() if len(shape) == 2)
    assert len(matrices) == config.parameters + config.embeddings


def test_building_a_model_leaves_torch_s_own_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    TINY.model(TINY.first_weights(generator()))
    assert torch.equal(torch.rand(3), expected)


def test_a_whole_training_is_that_of_transformers_and_torch_adamw(text, rates):
    ours = run(text, rates[1:2], clip=0.5)
    drawn = generator()
    places = torch.randint(0, 5_000 - TINY.context, (STEPS, 4), generator=drawn)  # the batches come first
    theirs = alone(text, TINY.first_weights(drawn), rates[1], places, clip=0.5)
    assert np.abs(ours.window_losses[0] - theirs.window_losses).max() < 2e-5
    assert np.abs(ours.batch_losses[0] - theirs.batch_losses).max() < 2e-5
    assert ours.losses[0, 0] > ours.losses[0, -1] + 0.1


def test_a_replica_goes_back_to_transformers(text, rates):
    trained = run(text, rates)
    for replica in (0, 4):
        model = trained.model(replica)
        pieces = held_out(text)
        with torch.no_grad():
            losses = F.cross_entropy(model(pieces[:, :-1]).logits.transpose(1, 2), pieces[:, 1:], reduction="none")
        assert losses.mean().item() == pytest.approx(trained.losses[replica, -1], abs=1e-5)
    assert set(TINY.state_dict(trained.weights[1])) == set(model.state_dict())


# All at once is one by one


@pytest.mark.parametrize("options", [{}, {"clip": 0.3}])
def test_replicas_at_once_have_the_losses_of_each_alone(text, rates, options):
    together = run(text, rates, **options)
    for replica in range(6):
        single = run(text, rates[replica : replica + 1], **options)
        assert np.abs(single.losses[0] - together.losses[replica]).max() < 1e-5
        assert np.abs(single.batch_losses[0] - together.batch_losses[replica]).max() < 1e-5


@pytest.mark.parametrize("same_order", [True, False])
@pytest.mark.parametrize("same_start", [True, False])
def test_each_replica_has_the_start_and_the_order_that_were_drawn_for_it(text, rates, same_start, same_order):
    """Against transformers and torch.optim, replica by replica."""
    together = run(text, rates[:3], same_start=same_start, same_order=same_order)
    drawn = generator()
    places = torch.randint(0, 5_000 - 12, (STEPS, 4) if same_order else (STEPS, 3, 4), generator=drawn)
    places = places[:, None].expand(-1, 3, -1) if same_order else places
    first = [TINY.first_weights(drawn) for _ in range(1 if same_start else 3)]
    assert (together.computed == 1) == (not (same_start and same_order))
    for replica in range(3):
        theirs = alone(text, first[0 if same_start else replica], rates[replica], places[:, replica])
        # Ten steps are enough to tell; later, in single precision, two orders of summation part.
        assert np.abs(together.batch_losses[replica] - theirs.batch_losses)[:10].max() < 1e-5
        assert np.abs(together.window_losses[replica, 0] - theirs.window_losses[0]).max() < 1e-5


def test_replicas_with_a_common_beginning_are_computed_once_and_come_out_the_same(text, rates):
    shared = run(text, rates)
    for replica in range(6):
        single = run(text, rates[replica : replica + 1])
        assert np.abs(shared.window_losses[replica] - single.window_losses[0]).max() < 2e-5
        assert (shared.weights[replica] - single.weights[0]).abs().max() < 1e-4
        assert single.computed == 1
    # Replicas 0 and 5 are the same; 2 and 4 leave them at step 20, 4 leaves 2 at step 27; 3 is apart at once, 1 a
    # step later.
    runs = 3 * 20 + 4 * 7 + 5 * 3 - 1
    assert shared.computed == pytest.approx(runs / (6 * STEPS))
    assert (shared.losses[0] == shared.losses[5]).all()


def test_the_same_generator_gives_the_same_numbers_and_another_others(text, rates):
    one, two, other = (run(text, rates, seed) for seed in (1, 1, 2))
    assert (one.window_losses == two.window_losses).all()
    assert (one.losses != other.losses).any()


def test_a_learning_rate_of_zero_changes_nothing(text):
    trained = run(text, np.zeros((2, STEPS)))
    assert (trained.losses == trained.losses[:, :1]).all()
    assert trained.losses[0, 0] == pytest.approx(math.log(23), abs=0.05)


def test_half_precision_is_near(text, rates):
    full, half = run(text, rates[:2]), run(text, rates[:2], precision="bfloat16")
    assert np.abs(full.losses - half.losses)[:, 0].max() < 0.02
    assert (full.losses != half.losses).any()


def test_sizes_that_cannot_share_see_the_same_data(text, rates):
    wide = gpt.Config(layers=1, width=32, heads=2, context=12, vocabulary=23)
    plan = gpt.Plan(batch=4, evaluate_at=15)
    small, large = gpt.train_each([TINY, wide], text, rates[:2], plan, generator())
    single = gpt.train(wide, text, rates[:2], plan, generator())
    assert (large.losses == single.losses).all()
    assert small.losses.shape == large.losses.shape == (2, 2)
    assert (small.config, large.config) == (TINY, wide)
    assert wide.parameters == 12 * 32**2 + 13 * 32 + 64


def test_evaluations_stand_where_they_were_asked_for(text, rates):
    trained = run(text, rates, evaluate_at=8)
    assert trained.steps.tolist() == [8, 16, 24, 30]
    assert run(text, rates, evaluate_at=16).steps.tolist() == [16, 30]
    assert run(text, rates, evaluate_at=50).steps.tolist() == [30]
    assert (run(text, rates, evaluate_at=16).losses[:, 0] == trained.losses[:, 1]).all()
    assert trained.losses.shape == (6, 4)
    assert trained.window_losses.shape == (6, 4, 16)
    assert trained.batch_losses.shape == (6, STEPS)


# Errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"layers": 0}, "layers is 0"),
        ({"heads": 3}, "heads is 3; allowed is a divisor of width = 16"),
        ({"width": 2.5}, "width is 2.5"),
        ({"activation": "tanh"}, "activation is 'tanh'; allowed is one of gelu_new, relu"),
        ({"std": 0}, "std is 0"),
    ],
)
def test_a_configuration_that_does_not_fit_is_an_error(arguments, words):
    with pytest.raises(ValueError, match=words):
        gpt.Config(**({"layers": 2, "width": 16, "heads": 2, "context": 12, "vocabulary": 23} | arguments))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch": 0}, "batch is 0"),
        ({"evaluate_at": 0}, "evaluate_at is 0"),
        ({"windows": 0}, "windows is 0"),
        ({"precision": "int4"}, "precision is 'int4'; allowed is one of float32, bfloat16"),
        ({"clip": 0}, "clip is 0"),
        ({"config": gpt.Config(2, 16, 2, 12, 22)}, "text.train goes from 0 to 22; allowed is 0 to 21"),
        ({"config": gpt.Config(2, 16, 2, 5_000, 23)}, r"text.train has the shape \(5000,\)"),
        ({"config": gpt.Config(2, 16, 2, 1_000, 23)}, r"text.validation has the shape \(1000,\)"),
    ],
)
def test_wrong_arguments_are_errors_that_say_what_is_allowed(text, rates, options, words):
    with pytest.raises(ValueError, match=words):
        run(text, rates, **options)


@pytest.mark.parametrize("rates", [np.zeros(5), np.zeros((0, 5)), [[0.1, -0.1]], [[0.1, np.nan]]])
def test_a_schedule_must_be_a_table_of_finite_rates(text, rates):
    with pytest.raises(ValueError, match="schedules"):
        run(text, rates)


def test_there_is_no_replica_beyond_the_last(text, rates):
    with pytest.raises(ValueError, match="replica is 2; allowed is a whole number from 0 to 1"):
        run(text, rates[:2, :1]).model(2)

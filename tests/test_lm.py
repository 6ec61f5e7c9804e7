"""Facts about the trainer of many small language models: it does what `transformers` and `torch.optim` do, for all
replicas at once."""

from __future__ import annotations

import math
import shutil

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from foretold.kit import gpt, replicas

TINY = gpt.Config(layers=2, width=16, heads=2, context=12, vocabulary=23)
STEPS = 30


def generator(seed=1):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def tokens():
    """Words of three kinds in a fixed cycle with noise: something to learn in a few steps."""
    drawn = torch.randint(0, 23, (6_000,), generator=generator(9))
    return torch.where(torch.rand(6_000, generator=generator(8)) < 0.7, torch.arange(6_000) % 23, drawn)


@pytest.fixture(scope="module")
def rates():
    ramp = np.minimum(1, np.arange(1, STEPS + 1) / 5)
    flat, line = np.full(STEPS, 1.0), np.linspace(1, 0, STEPS)
    late = np.where(np.arange(STEPS) < 20, 1.0, 0.3)
    return 0.02 * ramp * np.stack([flat, line, late, 0.2 * flat, np.where(np.arange(STEPS) < 27, late, 0), flat])


def run(tokens, rates, config=TINY, **options):
    defaults = {"batch": 4, "generator": generator(), "evaluate_at": 10, "windows": 16}
    return gpt.train(config, tokens[:5_000], tokens[5_000:], rates, **(defaults | options))


# Independent: the transformers library


@pytest.mark.parametrize("activation", gpt.ACTIVATIONS)
def test_losses_and_gradients_are_those_of_transformers(activation):
    config = gpt.Config(layers=3, width=24, heads=4, context=10, vocabulary=31, activation=activation, std=0.3)
    model = config.model(generator=generator())
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=generator(2)))
    named = dict(model.named_parameters())
    assert list(config.shapes) == list(named)
    weights = torch.cat([named[name].detach().flatten() for name in config.shapes])
    stacked = torch.stack([weights, weights + 0.05, weights])[:, :].requires_grad_()
    pieces = torch.randint(0, 31, (5, 11), generator=generator(3))
    losses = replicas.token_losses(stacked, pieces[:, :-1], pieces[:, 1:], config.shapes, 4, activation)
    (gradient,) = torch.autograd.grad(losses.mean((1, 2)).sum(), stacked)

    expected = F.cross_entropy(model(pieces[:, :-1]).logits.flatten(0, 1), pieces[:, 1:].flatten())
    expected.backward()
    theirs = torch.cat([named[name].grad.flatten() for name in config.shapes])
    for replica in (0, 2):
        assert losses[replica].mean().item() == pytest.approx(expected.item(), abs=1e-5)
        assert (gradient[replica] - theirs).abs().max() < 1e-5
    assert abs(losses[1].mean() - expected) > 1e-3
    assert config.parameters == sum(w.numel() for w in named.values()) - 41 * 24 == 3 * (12 * 24**2 + 13 * 24) + 2 * 24


@pytest.mark.parametrize("clip", [None, 0.4])
def test_a_step_is_that_of_torch_adamw_for_each_replica(clip):
    shapes = TINY.shapes
    weights = torch.randn(3, sum(math.prod(s) for s in shapes.values()), generator=generator())
    rates = torch.tensor([[0.1, 0.02, 0.0], [0.05, 0.02, 0.1]])
    ours = replicas.AdamW(weights, replicas.decayed(shapes), (0.9, 0.95), 1e-8, 0.3, clip)
    copies = weights.clone()
    for replica in range(3):
        theirs = [p[0].clone().requires_grad_() for p in replicas.views(copies[replica : replica + 1], shapes).values()]
        groups = [{"params": [p for p in theirs if p.dim() == n], "weight_decay": w} for n, w in ((1, 0.0), (2, 0.3))]
        optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.95), eps=1e-8)
        for step in range(2):
            for group in optimiser.param_groups:
                group["lr"] = rates[step, replica].item()
            for number, p in enumerate(theirs):
                p.grad = torch.randn(p.shape, generator=generator(100 * step + number)) * (replica + 1) / 50
            if clip:
                torch.nn.utils.clip_grad_norm_(theirs, clip)
            optimiser.step()
        copies[replica] = torch.cat([p.detach().flatten() for p in theirs])
    for step in range(2):
        drawn = [torch.randn(s, generator=generator(100 * step + n)).flatten() for n, s in enumerate(shapes.values())]
        ours.step(weights, torch.cat(drawn) * torch.tensor([[1.0], [2.0], [3.0]]) / 50, rates[step])
    assert (weights - copies).abs().max() < 1e-6


def test_a_whole_training_is_that_of_transformers_and_torch_adamw(tokens, rates):
    options = {"weight_decay": 0.1, "clip": 0.5}
    ours = run(tokens, rates[1:2], **options)
    drawn = generator()
    torch.randint(0, 5_000 - TINY.context, (STEPS, 4), generator=drawn)  # the batches come first
    model = TINY.model()
    weights = replicas.initial(TINY.shapes, TINY.layers, TINY.std, drawn)[None]
    model.load_state_dict({name: p[0] for name, p in replicas.views(weights, TINY.shapes).items()}, strict=False)
    theirs = gpt.train_module(
        model, tokens[:5_000], tokens[5_000:], rates[1], batch=4, context=12, generator=generator(), evaluate_at=10,
        windows=16, **options,
    )  # fmt: skip
    assert np.abs(ours.window_losses - theirs.window_losses).max() < 2e-5
    assert np.abs(ours.batch_losses - theirs.batch_losses).max() < 2e-5
    assert ours.parameters == theirs.parameters
    assert ours.losses[0, 0] > ours.losses[0, -1] + 0.1


def test_a_replica_goes_back_to_transformers(tokens, rates):
    trained = run(tokens, rates)
    for replica in (0, 4):
        model = trained.model(replica)
        held = tokens[5_000:]
        chosen = torch.linspace(0, 1_000 // 13 - 1, 16).round().long() * 13
        pieces = held[chosen[:, None] + torch.arange(13)]
        with torch.no_grad():
            losses = F.cross_entropy(model(pieces[:, :-1]).logits.transpose(1, 2), pieces[:, 1:], reduction="none")
        assert losses.mean().item() == pytest.approx(trained.losses[replica, -1], abs=1e-5)
    assert set(trained.state_dict(1)) == set(model.state_dict())


def test_a_llama_trains_too(tokens, rates):
    model = TINY.model("llama", generator())
    trained = gpt.train_module(
        model, tokens[:5_000], tokens[5_000:], 3 * rates[0], batch=4, context=12, generator=generator(), evaluate_at=10
    )
    assert trained.losses[0, 0] > trained.losses[0, -1] + 0.1
    hidden = 8 * 16 // 3
    assert trained.parameters == 2 * (4 * 16 * 16 + 3 * 16 * hidden + 2 * 16) + 16


# All at once is one by one


@pytest.mark.parametrize("options", [{}, {"same_start": False}, {"same_order": False}, {"clip": 0.3, "share": False}])
def test_replicas_at_once_have_the_losses_of_each_alone(tokens, rates, options):
    together = run(tokens, rates, **options)
    drawn = generator()
    starts = torch.randint(
        0, 4_988, (STEPS, 6, 4) if options.get("same_order") is False else (STEPS, 4), generator=drawn
    )
    weights = [replicas.initial(TINY.shapes, 2, 0.02, drawn) for _ in range(6 if "same_start" in options else 1)]
    for replica in range(6):
        if options.get("same_order") is False:
            continue  # alone it draws other batches: see the next test
        alone = run(tokens, rates[replica : replica + 1], initial=weights[replica % len(weights)], **options)
        assert np.abs(alone.losses[0] - together.losses[replica]).max() < 1e-5
        assert np.abs(alone.batch_losses[0] - together.batch_losses[replica]).max() < 1e-5
    assert starts.max() < 4_988


def test_an_order_of_its_own_is_the_order_that_was_drawn(tokens, rates):
    together = run(tokens, rates[:2], same_order=False)
    starts = torch.randint(0, 5_000 - 12, (STEPS, 2, 4), generator=generator())
    weights = together.config.model().state_dict()
    assert not torch.equal(starts[:, 0], starts[:, 1])
    assert together.computed == 1
    drawn = generator()
    torch.randint(0, 5_000 - 12, (STEPS, 2, 4), generator=drawn)
    first = replicas.initial(TINY.shapes, 2, 0.02, drawn)[None]
    for replica in range(2):
        pieces = tokens[:5_000][starts[0, replica, :, None] + torch.arange(13)]
        loss = replicas.token_losses(first, pieces[:, :-1], pieces[:, 1:], TINY.shapes, 2, "gelu_new").mean().item()
        assert together.batch_losses[replica, 0] == pytest.approx(loss, abs=1e-5)
    assert set(weights) == set(together.state_dict())


def test_replicas_with_a_common_beginning_are_computed_once_and_come_out_the_same(tokens, rates):
    shared, apart = run(tokens, rates), run(tokens, rates, share=False)
    assert np.abs(shared.window_losses - apart.window_losses).max() < 2e-5
    assert (shared.weights - apart.weights).abs().max() < 1e-4
    assert apart.computed == 1
    # Replicas 0 and 5 are the same; 2 and 4 leave them at step 20, 4 leaves 2 at step 27; 3 is apart at once, 1 a
    # step later.
    runs = 3 * 20 + 4 * 7 + 5 * 3 - 1
    assert shared.computed == pytest.approx(runs / (6 * STEPS))
    assert (shared.losses[0] == shared.losses[5]).all()


def test_the_same_generator_gives_the_same_numbers_and_another_others(tokens, rates):
    one, two, other = (run(tokens, rates, generator=generator(seed)) for seed in (1, 1, 2))
    assert (one.window_losses == two.window_losses).all()
    assert (one.losses != other.losses).any()


def test_a_learning_rate_of_zero_changes_nothing(tokens):
    trained = run(tokens, np.zeros((2, STEPS)), weight_decay=0.1)
    assert (trained.losses == trained.losses[:, :1]).all()
    assert trained.losses[0, 0] == pytest.approx(math.log(23), abs=0.05)


def test_half_precision_is_near(tokens, rates):
    full, half = run(tokens, rates[:2]), run(tokens, rates[:2], precision="bfloat16")
    assert np.abs(full.losses - half.losses)[:, 0].max() < 0.02
    assert (full.losses != half.losses).any()


@pytest.mark.slow
def test_a_compiled_step_is_the_step(tokens, rates):
    if shutil.which("g++") is None:
        pytest.skip("NOT TESTED COMPILED: no g++ on PATH")
    config = gpt.Config(layers=1, width=16, heads=2, context=12, vocabulary=23)
    options = {"config": config, "evaluate_at": 8, "windows": 8, "batch": 32}
    full, fast = run(tokens, rates[:2, :8], share=False, **options), run(tokens, rates[:2, :8], compile=True, **options)
    assert np.abs(full.losses - fast.losses).max() < 1e-4


def test_sizes_that_cannot_share_see_the_same_data(tokens, rates):
    wide = gpt.Config(layers=1, width=32, heads=2, context=12, vocabulary=23)
    arguments = tokens[:5_000], tokens[5_000:]
    small, large = gpt.train_each([TINY, wide], *arguments, rates[:2], batch=4, generator=generator(), evaluate_at=15)
    alone = gpt.train(wide, *arguments, rates[:2], batch=4, generator=generator(), evaluate_at=15)
    assert (large.losses == alone.losses).all()
    assert (small.parameters, large.parameters) == (TINY.parameters, 12 * 32**2 + 13 * 32 + 64)


# Evaluations and corpora


def test_evaluations_stand_where_they_were_asked_for(tokens, rates):
    assert run(tokens, rates, evaluate_at=8).steps.tolist() == [8, 16, 24, 30]
    sparse = run(tokens, rates, evaluate_at=[3, 16])
    assert sparse.steps.tolist() == [3, 16, 30]
    assert (sparse.losses[:, 1] == run(tokens, rates, evaluate_at=8).losses[:, 1]).all()
    assert (sparse.losses.shape, sparse.window_losses.shape, sparse.batch_losses.shape) == (
        (6, 3),
        (6, 3, 16),
        (6, STEPS),
    )


def test_the_standard_library_is_a_corpus_whose_parts_share_no_file():
    files = gpt.standard_library(1.5)
    assert sum(len(text.encode()) for _, text in files) >= 1_500_000
    assert files == gpt.standard_library(1.5)
    assert files == gpt.standard_library()[: len(files)]
    text = gpt.corpus(files)
    whole = gpt.corpus(files, "bytes")
    assert 0.03 < len(text.validation) / (len(text.train) + len(text.validation)) < 0.25
    assert text.vocabulary < 110 < whole.vocabulary == 256
    assert int(text.train.max()) < text.vocabulary
    beginning = whole.decode(whole.train[:2_000])
    assert any(content.startswith(beginning[:500]) for _, content in files)
    assert not any(
        content[:400] in whole.decode(whole.validation) for _, content in files if content.startswith(beginning[:400])
    )


@pytest.mark.parametrize("tokens", ["bytes", "characters", 400])
def test_text_survives_its_tokens(tokens):
    text = "".join(content for _, content in gpt.standard_library(0.1))
    made = gpt.corpus(text, tokens, validation=0.2)
    line = "def f(x):\n    return [x] * 2  # twice\n"
    assert made.decode(made.encode(line)) == line
    assert made.bytes_per_token == pytest.approx(len(text.encode()) / (len(made.train) + len(made.validation)))
    assert made.bytes_per_token >= 1.5 if tokens == 400 else made.bytes_per_token == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"layers": 0}, "layers is 0"),
        ({"heads": 3}, "heads is 3; allowed is a divisor of width = 16"),
        ({"width": 2.5}, "width is 2.5"),
        ({"activation": "tanh"}, "activation is 'tanh'; allowed are gelu_new, relu"),
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
        ({"evaluate_at": [31]}, "evaluate_at goes from 30 to 31; allowed is 1 to 30"),
        ({"windows": 0}, "windows is 0"),
        ({"precision": "int4"}, "precision is 'int4'"),
        ({"clip": 0}, "clip is 0"),
        ({"weight_decay": -1}, "weight_decay is -1"),
        ({"initial": torch.zeros(5)}, "initial has the shape"),
        ({"config": gpt.Config(2, 16, 2, 12, 22)}, "tokens go from 0 to 22"),
        ({"config": gpt.Config(2, 16, 2, 5_000, 23)}, "tokens has the shape"),
    ],
)
def test_wrong_arguments_are_errors_that_say_what_is_allowed(tokens, rates, options, words):
    with pytest.raises(ValueError, match=words):
        run(tokens, rates, **options)


@pytest.mark.parametrize("rates", [np.zeros(5), np.zeros((0, 5)), [[0.1, -0.1]], [[0.1, np.nan]]])
def test_a_schedule_must_be_a_table_of_finite_rates(tokens, rates):
    with pytest.raises(ValueError, match="schedules"):
        run(tokens, rates)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: gpt.corpus("abc", "letters"), "tokens is 'letters'"),
        (lambda: gpt.corpus("abc", 200), "tokens is 200"),
        (lambda: gpt.corpus("abc", validation=1), "validation is 1"),
        (lambda: gpt.corpus("a"), "text is too short"),
        (lambda: gpt.standard_library(0), "megabytes is 0"),
        (lambda: TINY.model("bert"), "style is 'bert'; allowed are gpt2, llama"),
    ],
)
def test_wrong_corpora_and_styles_are_errors(call, words):
    with pytest.raises(ValueError, match=words):
        call()

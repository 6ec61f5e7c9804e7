"""The paper's figure, models with caches, many rows at once, and training: against published numbers, transformers, and
the exact law of the target."""

from __future__ import annotations

import math
from types import SimpleNamespace

import language_models
import numpy as np
import pytest
import torch
from scipy import stats

from foretold import data
from foretold.kit import corpora, gpt
from foretold.papers.speculative import experiment, idea, theory
from foretold.papers.speculative.experiment import batched, cache, smollm, training

# The paper's figure


def test_one_fitted_ratio_gives_the_abstract():
    found = experiment.headline(data.table("speculative"))
    assert found["ratio"].between(4.3, 4.8).all()
    for name, published in {"Alpaca": 2.04, "HumanEval": 2.23, "GSM8K": 2.26}.items():
        assert found.loc[name, "adaptive, predicted"] == pytest.approx(published, abs=0.06)


def test_the_dots_of_fixed_lengths_are_4_to_14():
    dots = data.table("speculative")
    fixed = dots[dots["method"] == "SpecDec"]
    for _, part in fixed.groupby("dataset"):
        short = np.array([4, 6, 8, 10, 12, 14]) - np.sort(experiment.inferred_lengths(part))
        assert ((short > 0) & (short < 1.2)).all()
    assert "2405.19715" in dots.attrs["source"]


# Neural models


def test_a_cached_model_says_what_the_model_says_without_a_cache(models):
    cached, model = cache.CachedModel(models["target"]), models["target"]
    for prefix in ([1, 2, 3], [1, 2, 3, 4], [1, 2], [1, 2, 9, 9, 5], [7]):
        with torch.no_grad():
            plain = model(torch.tensor([prefix])).logits[0, -1].softmax(-1).numpy()
        assert np.allclose(cached(prefix), plain, atol=1e-5)
    rows = cached.verify([7, 3], [2, 8])
    assert [np.allclose(row, cached([7, 3, 2, 8][:n]), atol=1e-5) for n, row in zip((2, 3, 4), rows, strict=True)] == [
        True
    ] * 3


def test_a_verification_is_one_call_and_a_draft_reads_one_token(models):
    target, draft = (cache.CachedModel(models[name]) for name in ("target", "draft"))
    _, c = idea.speculative_sample(target, draft, [1, 2], 40, idea.FixedLength(3), np.random.default_rng(0))
    assert (target.calls, draft.calls) == (c.rounds, c.drafted)


@pytest.mark.parametrize("make", [language_models.gpt2, language_models.llama])
def test_greedy_text_is_that_of_transformers(make):
    generator = torch.Generator().manual_seed(1)
    shape = {"context": 64, "vocabulary": 11, "std": 0.5}
    target, draft = (make(gpt.Config(layers, 24, 2, **shape), generator) for layers in (2, 1))
    ours, _ = idea.speculative_sample(
        cache.CachedModel(target, 0),
        cache.CachedModel(draft, 0),
        [3, 1],
        30,
        idea.FixedLength(4),
        np.random.default_rng(0),
    )
    with torch.no_grad():
        theirs = target.generate(torch.tensor([[3, 1]]), max_new_tokens=30, do_sample=False, pad_token_id=0)
    assert ours == theirs[0, 2:].tolist()


def test_samples_of_a_neural_pair_have_the_targets_law(models):
    target, draft = (cache.CachedModel(models[name]) for name in ("target", "draft"))
    rng, rule = np.random.default_rng(3), idea.AcceptanceThreshold(0.5)
    texts = np.array([idea.speculative_sample(target, draft, [1, 2], 2, rule, rng)[0] for _ in range(1_500)])
    law = np.array([target([1, 2])[i] * target([1, 2, i]) for i in range(11)]).ravel()
    statistic, degrees = experiment.chi_square(experiment.pair_counts(texts, 0, 11), law)
    assert stats.chi2.sf(statistic, degrees) > 1e-4


def test_many_rows_read_what_transformers_reads(models):
    tokens = torch.randint(0, 11, (3, 12), generator=torch.Generator().manual_seed(0))
    rows = batched.Rows(models["target"], 3)
    first = rows.feed(tokens[:, :7], torch.zeros(3, dtype=torch.long))[0]
    rows.feed(torch.zeros(3, 2, dtype=torch.long), torch.tensor([7, 7, 7]))  # rejected, and written over
    then = rows.feed(tokens[:, 7:], torch.tensor([7, 7, 7]))[0]
    with torch.no_grad():
        whole = models["target"](tokens).logits
    assert torch.allclose(torch.cat([first, then], 1), whole, atol=1e-5)


@pytest.mark.parametrize("rule", ["fixed", "confident", "cumulative", "oracle"])
def test_many_rows_have_the_targets_law_and_keep_the_identity(models, rule):
    made = {
        "fixed": batched.fixed(3),
        "confident": batched.confident(0.4, 5),
        "cumulative": batched.cumulative(lambda state: batched.drawn(state.q, state.token), 0.6, 5),
        "oracle": batched.cumulative(batched.oracle, 0.5, 5),
    }[rule]
    prompts = torch.tensor([[1, 2]]).expand(6_000, -1)
    found = experiment.measure(models, prompts, 2, {rule: (made, 5)}, lambda: torch.Generator().manual_seed(5))[rule]
    cached = cache.CachedModel(models["target"])
    law = np.array([cached([1, 2])[i] * cached([1, 2, i]) for i in range(11)]).ravel()
    statistic, degrees = experiment.chi_square(experiment.pair_counts(found["text"], 2, 11), law)
    assert stats.chi2.sf(statistic, degrees) > 1e-4
    assert (found["drafted"] + found["rounds"] == found["tokens"] + found["discarded"]).all()
    # A round's expected tokens are the tokens on average.
    difference = found["tokens"] - found["expected"]
    assert abs(difference.mean()) < 4 * difference.std() / math.sqrt(len(difference)) + 1e-9


def test_the_exact_law_of_two_tokens_is_that_of_the_cached_model(models):
    cached = cache.CachedModel(models["target"])
    law = np.concatenate([cached([1, 2])[i] * cached([1, 2, i]) for i in range(11)])
    assert experiment.law_of_two(models["target"], torch.tensor([[1, 2]])) == pytest.approx(law, abs=1e-6)


def test_rows_that_do_not_fit_the_context_are_refused(models):
    with pytest.raises(ValueError, match="n_tokens is 55; allowed is what fits the models' context with 5 to spare"):
        batched.decode(models, torch.zeros(1, 4).long(), 55, batched.fixed(3), 5, torch.Generator())


def test_rounds_are_the_text_in_pieces(models):
    """What was accepted, and the target's own token behind it, one round after another."""
    text = SimpleNamespace(decode=lambda tokens: "".join("abcdefgh \t\n"[token] for token in tokens))
    target, draft = (cache.CachedModel(models[name]) for name in ("target", "draft"))
    rule, prompt = idea.AcceptanceThreshold(0.5, longest=4), torch.tensor([1, 2])
    tokens, counters = idea.speculative_sample(target, draft, [1, 2], 30, rule, np.random.default_rng(2))
    shown = experiment.rounds(counters, tokens, draft, rule, prompt, text)
    whole = [i for i, candidates in enumerate(counters.candidates) if candidates][: len(shown)]
    assert whole == list(range(len(shown))), "of this text every round that is shown has candidates"
    pieces = "".join("".join(one["accepted"]) + one["own"] for one in shown)
    assert text.decode(tokens).translate(str.maketrans(" \n\t", "·↵→")).startswith(pieces)
    for one in shown[:-1]:
        drafted = len(one["accepted"]) + len(one["discarded"])
        assert len(one["risk"]) == drafted
        assert drafted == 4 or one["risk"][-1] > 0.5
        assert (one["risk"][:-1] <= 0.5).all()


def test_the_time_of_a_call_is_measured_for_each_count(models):
    seconds = cache.call_seconds(models["target"], [1, 2, 5], 8, 3, np.random.default_rng(0))
    assert seconds.shape == (3,)
    assert (seconds > 0).all()


# Training of a head


@pytest.mark.parametrize("mixing", [0.0, 0.5, 1.0])
def test_positions_behind_the_prompt_are_kept_where_the_draft_reads_what_it_drew(models, mixing):
    texts = torch.randint(0, 11, (40, 20), generator=torch.Generator().manual_seed(0))
    found = training.positions(models, texts, 8, mixing, torch.Generator().manual_seed(1))
    positions = 40 * 12
    # In a mixture, half of the tokens are the draft's own; of the others it drew some that are the text's by chance.
    assert len(found.x) == positions if mixing in (0.0, 1.0) else 0.45 * positions < len(found.x) < 0.8 * positions
    assert found.x.shape[1] == 2 * 8 + 4
    assert ((found.acceptance > 0) & (found.acceptance <= 1)).all()


def test_a_head_learns_the_minimiser_of_the_weighted_loss_for_each_of_two_contexts():
    generator, weight = torch.Generator().manual_seed(0), 6.0
    which = torch.randint(0, 2, (10_000,), generator=generator)
    acceptance = torch.tensor([0.9, 0.5])
    contexts = torch.randn(2, 32, generator=generator)
    seen = training.Positions(contexts[which], acceptance[which], torch.full(which.shape, 0.5))
    head = training.train_head(seen, weight, generator)
    minimiser = acceptance / (acceptance + weight * (1 - acceptance))
    assert head.probability(contexts).tolist() == pytest.approx(minimiser.tolist(), abs=0.02)
    found = training.quality(head, seen)
    assert found["true"] == pytest.approx(0.7, abs=0.01)
    assert found["predicted"] == pytest.approx(float(minimiser.mean()), abs=0.02)
    assert found["correlation"] == pytest.approx(1, abs=0.001)


def test_no_positions_are_too_few_to_learn_from():
    nothing = training.Positions(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0))
    with pytest.raises(ValueError, match="n is 0"):
        training.train_head(nothing, 1.0, torch.Generator())


def test_one_text_and_many_rows_need_the_same_number_of_calls(models):
    rule = batched.fixed(3)
    prompts = torch.tensor([[1, 2]]).expand(400, -1)
    found = experiment.measure(models, prompts, 40, {"K": (rule, 3)}, lambda: torch.Generator().manual_seed(1))["K"]
    target, draft = (cache.CachedModel(models[name]) for name in ("target", "draft"))
    counted = [
        idea.speculative_sample(target, draft, [1, 2], 40, idea.FixedLength(3), np.random.default_rng(i))[1]
        for i in range(25)
    ]
    rates = np.array([c.tokens / c.rounds for c in counted])
    ours = found["tokens"].sum() / found["rounds"].sum()
    # The single text ends on the token and may draft less in its last round: a little fewer tokens a round.
    assert ours - 4 * rates.std() / 5 - 0.15 < rates.mean() < ours + 4 * rates.std() / 5


def test_speeds_of_fixed_lengths_follow_from_the_two_rates():
    found = {"K": {"rounds": np.full(4, 10.0), "drafted": np.full(4, 30.0), "expected": np.full(4, 25.0)}}
    found["K"]["lengths"] = np.tile([0, 0, 0, 10.0], (4, 1))
    table, _ = experiment.speeds(found, 5.0, np.random.default_rng(0), 10)
    assert table.loc["K", "speed"] == pytest.approx(5 * 25 / (30 + 50))
    assert table.loc["K", "speed"] == pytest.approx(experiment.speed(0.4, 0.6, 5.0))


@pytest.mark.slow
def test_a_trained_head_beats_the_best_fixed_length_and_the_oracle_beats_the_head():
    generator = torch.Generator().manual_seed(4)
    text = corpora.corpus(corpora.standard_library(1.0))
    shape = {"context": 96, "vocabulary": text.vocabulary, "activation": "relu", "std": 0.06}
    sizes = gpt.Config(2, 96, 4, **shape), gpt.Config(1, 24, 2, **shape)
    both, losses = training.train_pair(text, *sizes, (250, 200), generator)
    assert losses["target"] < losses["draft"]
    prompts = training.starts(text.train, 160, 24, generator)
    seen = training.positions(both, batched.write(both["target"], prompts, 72, generator), 24, 1.0, generator)
    head = training.train_head(seen, 1.0, generator)
    policies = {f"K = {k}": (batched.fixed(k), k) for k in (1, 2, 3, 4, 5)}
    policies |= experiment.adaptive(head, both["draft"], (0.5,), 8, "head")
    policies["oracle"] = (batched.cumulative(batched.oracle, 0.5, 8), 8)
    prompts = training.starts(text.validation, 300, 24, generator)
    found = experiment.measure(both, prompts, 60, policies, lambda: torch.Generator().manual_seed(0))
    table, drawn = experiment.speeds(found, 6.0, np.random.default_rng(0))
    best = table.loc[[f"K = {k}" for k in (1, 2, 3, 4, 5)], "speed"].idxmax()
    assert experiment.gain(table, drawn, "oracle", "head, h = 0.5")[1][0] > 0
    assert experiment.gain(table, drawn, "head, h = 0.5", best)[0] > -0.01


# A real target


def test_prompt_lookup_proposes_what_followed_before():
    draft = smollm.Lookup(10)
    assert draft([1, 2, 3, 4, 1, 2, 3]).argmax() == 4
    assert draft.length == 3
    assert draft([1, 2, 9]).argmax() == 9
    p = theory.random_chain(np.random.default_rng(0))
    law = theory.sampled_law(p, smollm.Lookup(3), (0, 1, 2, 0), 3, idea.FixedLength(2))
    assert theory.total_variation(law, theory.chain_law(p, (0, 1, 2, 0), 3)) < 1e-10


# Errors


def test_a_negative_temperature_and_no_vocabulary_are_refused():
    with pytest.raises(ValueError, match="temperature is -1; allowed is a number >= 0"):
        cache.CachedModel(None, temperature=-1)
    with pytest.raises(ValueError, match="vocabulary is 0; allowed is a whole number of at least 1"):
        smollm.Lookup(0)


def test_a_model_is_asked_about_a_prefix_of_at_least_one_token(models):
    with pytest.raises(ValueError, match="prefix has 0 tokens; allowed is at least 1"):
        cache.CachedModel(models["target"])([])

"""The speculative chapter's facts: brute force on chains, closed forms, the paper's figure, torch and transformers."""

from __future__ import annotations

import json
import math
import shutil
import subprocess

import language_models
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from foretold import data
from foretold.kit import gpt
from foretold.papers.speculative import draw, experiment, idea, theory
from foretold.papers.speculative.experiment import batched, cache, training
from foretold.papers.speculative.idea import rules

RULES = [
    rules.FixedLength(0),
    rules.FixedLength(1),
    rules.FixedLength(3),
    rules.AcceptanceThreshold(0.3),
    rules.AcceptanceThreshold(0.6, longest=2),
    rules.Confidence(0.4),
]


def pair(seed):
    rng = np.random.default_rng(seed)
    return theory.random_chain(rng), theory.random_chain(rng)


def oracle_of(target):
    def predict(drafted, i):
        p = target(drafted.prefix + tuple(drafted.tokens[:i]))
        return min(1.0, p[drafted.tokens[i]] / drafted.probabilities[i])

    return predict


@pytest.fixture(scope="module")
def models():
    """Two untrained GPT-2 with one vocabulary; large first weights, so that they disagree."""
    generator = torch.Generator().manual_seed(0)
    sizes = {"target": (2, 16, 2), "draft": (1, 8, 1)}
    return {
        name: language_models.gpt2(gpt.Config(*size, context=64, vocabulary=11, std=0.6), generator)
        for name, size in sizes.items()
    }


# Nothing is lost


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_the_output_has_the_targets_law_on_every_branch(seed, rule):
    p, q = pair(seed)
    law = theory.output_law(lambda rng: idea.speculative_sample(p, q, (0,), 4, rule, rng)[0])
    assert theory.total_variation(law, theory.chain_law(p, (0,), 4)) < 1e-10
    assert sum(law.values()) == pytest.approx(1, abs=1e-12)


def test_the_oracle_rule_is_lossless_too():
    p, q = pair(3)
    rule = rules.AcceptanceThreshold(0.4, oracle_of(p))
    law = theory.output_law(lambda rng: idea.speculative_sample(p, q, (1,), 4, rule, rng)[0])
    assert theory.total_variation(law, theory.chain_law(p, (1,), 4)) < 1e-10


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_dropping_the_risky_token_changes_the_law_by_more_than_a_tenth(seed):
    p, q = pair(seed)
    truth = theory.chain_law(p, (0,), 4)
    rule = rules.Confidence(0.4)
    law = theory.output_law(lambda rng: theory.careless_sample(p, q, (0,), 4, rule, rng))
    assert theory.total_variation(law, truth) > 0.1


@pytest.mark.parametrize("rule", [*RULES[1:], "oracle"], ids=repr)
def test_samples_pass_a_chi_square_test_for_every_rule(rule):
    p, q = pair(4)
    rule = rules.AcceptanceThreshold(0.5, oracle_of(p)) if rule == "oracle" else rule
    rng, truth = np.random.default_rng(11), theory.chain_law(p, (2,), 3)
    counts = pd.Series(
        [tuple(idea.speculative_sample(p, q, (2,), 3, rule, rng)[0]) for _ in range(3_000)]
    ).value_counts()
    counts = np.array([counts.get(key, 0) for key in truth])
    statistic, degrees = experiment.chi_square(counts, np.array(list(truth.values())))
    assert stats.chi2.sf(statistic, degrees) > 1e-4


def test_equal_models_never_reject_and_never_draw_from_an_empty_rest():
    p, _ = pair(0)
    tokens, counters = idea.speculative_sample(p, p, (0,), 500, rules.FixedLength(4), np.random.default_rng(0))
    assert (len(tokens), counters.discarded, counters.rounds) == (500, 0, 100)


def test_a_rejection_is_decided_against_disjoint_supports():
    """The draft always says 0, the target never does: every candidate is discarded."""
    p, q = lambda _: [0, 0.5, 0.5], lambda _: [1, 0, 0]
    tokens, counters = idea.speculative_sample(p, q, (), 50, rules.FixedLength(2), np.random.default_rng(0))
    assert set(tokens) == {1, 2}
    assert (counters.rounds, counters.drafted) == (50, counters.discarded)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_calls_are_tokens_and_discarded_candidates(rule):
    p, q = pair(5)
    tokens, c = idea.speculative_sample(p, q, (0,), 777, rule, np.random.default_rng(1))
    assert len(tokens) == c.tokens == 777
    assert c.drafted + c.rounds == c.tokens + c.discarded


# Closed forms


def test_a_constant_acceptance_rate_gives_the_geometric_sum():
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
    alpha = np.minimum(p, q).sum()
    for length in (1, 3, 6):
        _, c = idea.speculative_sample(
            lambda _: p, lambda _: q, (), 12_000, rules.FixedLength(length), np.random.default_rng(length)
        )
        per_round = np.array(c.accepted[:-length]) + 1
        error = per_round.std() / math.sqrt(len(per_round))
        assert abs(per_round.mean() - idea.expected_tokens(alpha, length)) < 3 * error


def test_expected_tokens_is_a_sum_of_powers():
    for alpha in (0.0, 0.3, 0.999, 1.0):
        assert idea.expected_tokens(alpha, 5) == pytest.approx(sum(alpha**i for i in range(6)))
    assert idea.expected_tokens([0.5, 1.0], [2, 3]).tolist() == [1.75, 4.0]


def test_reference_values_at_the_papers_ratio():
    assert idea.optimal_length(0.8, 6.06) == 4
    assert idea.optimal_threshold(0.8, 6.06) == pytest.approx(0.666, abs=1e-3)
    assert idea.speedup(0.8, 4, 6.06) == pytest.approx(2.025, abs=1e-3)


def test_the_threshold_stops_at_the_best_length_in_25_cases():
    for alpha in (0.3, 0.5, 0.7, 0.85, 0.95):
        for ratio in (2, 4, 6.06, 12, 30):
            # Independent: time per token of every length, written down anew.
            times = [(k + ratio) * (1 - alpha) / (1 - alpha ** (k + 1)) for k in range(300)]
            best, k = int(np.argmin(times)), 0
            while 1 - alpha ** (k + 1) < idea.optimal_threshold(alpha, ratio):
                k += 1
            assert best == k == idea.optimal_length(alpha, ratio)


def test_closed_forms_take_arrays():
    lengths = idea.optimal_length(np.array([0.5, 0.8]), 6.06)
    assert lengths.tolist() == [idea.optimal_length(0.5, 6.06), 4]
    assert idea.speedup(0.8, np.arange(3), 6.06).shape == (3,)
    assert idea.optimal_threshold(0.8, [6.06, 20]).shape == (2,)


# The decision process


@pytest.mark.parametrize("ratio", [3.0, 6.0, 12.0])
@pytest.mark.parametrize("seed", range(6))
def test_nowhere_is_it_best_to_go_on_beyond_the_theorems_limit(seed, ratio):
    values = theory.stopping_values(*pair(seed), 7, ratio).values()
    goes = [one.rejection for one in values if one.go_on < one.stop - 1e-9]
    assert max(goes, default=0) < (ratio - 1) / ratio


def test_the_optimum_is_no_threshold_in_the_risk():
    """Two states with one prefix and equally many candidates: the riskier one goes on, the safer one stops."""
    values = theory.stopping_values(*pair(5), 7, 3.0)
    same = [one for (written, candidates), one in values.items() if not written and len(candidates) == 2]
    goes = max(one.rejection for one in same if one.go_on < one.stop - 1e-9)
    stops = min(one.rejection for one in same if one.stop < one.go_on - 1e-9)
    assert stops < goes - 0.1
    assert experiment.overlap(values) >= goes - stops


def test_values_are_the_cost_of_a_policy_that_was_simulated():
    """Always one candidate where possible: the exact cost of that from a recursion of two lines."""
    p, q = np.array([0.6, 0.4]), np.array([0.3, 0.7])
    alpha, c2 = np.minimum(p, q).sum(), 4.0
    cost = [0.0, c2]  # with one token missing nothing is drafted
    for missing in (2, 3, 4):
        cost.append(c2 + alpha * cost[missing - 2] + (1 - alpha) * (1 + cost[missing - 1]))
    values = theory.stopping_values(lambda _: p, lambda _: q, 4, 5.0, longest=1)
    first = values[(), ()]
    assert min(first.stop, first.go_on) <= cost[4] + 1e-12
    assert first.go_on == pytest.approx(cost[4])


# Head and loss


@pytest.mark.parametrize("weight", [1.0, 6.0])
def test_the_loss_is_a_combination_of_torchs_cross_entropy(weight):
    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(40, 2, generator=generator)
    a = torch.rand(40, generator=generator)
    entropy = torch.nn.CrossEntropyLoss(weight=torch.tensor([weight, 1.0]), reduction="none")
    accept, reject = entropy(logits, torch.ones(40).long()), entropy(logits, torch.zeros(40).long())
    theirs = (a * accept + (1 - a) * reject).sum() / (a + weight * (1 - a)).sum()
    assert float(idea.weighted_acceptance_loss(logits, a, weight)) == pytest.approx(float(theirs), abs=1e-6)


@pytest.mark.parametrize("weight", [1.0, 3.0, 6.0])
def test_the_losss_minimiser_is_a_over_a_plus_w_times_1_minus_a(weight):
    a = torch.tensor([0.9, 0.7, 0.8])
    odds = torch.zeros((), dtype=torch.double, requires_grad=True)
    optimiser = torch.optim.LBFGS([odds], max_iter=100)

    def closure():
        optimiser.zero_grad()
        logits = torch.stack([torch.zeros(3).double(), odds.expand(3)], -1)
        loss = idea.weighted_acceptance_loss(logits, a.double(), weight)
        loss.backward()
        return loss

    optimiser.step(closure)
    mean = 0.8
    assert float(odds.detach().sigmoid()) == pytest.approx(mean / (mean + weight * (1 - mean)), abs=1e-4)


def test_a_tied_head_has_one_block_and_a_head_without_layers_is_linear():
    x = torch.randn(5, 7, generator=torch.Generator().manual_seed(0))
    count = lambda head: sum(weight.numel() for weight in head.parameters())  # noqa: E731
    assert count(idea.AcceptanceHead(7, 3)) - count(idea.AcceptanceHead(7, 3, tied=True)) == 2 * (49 + 7)
    flat = idea.AcceptanceHead(7, 0)
    assert torch.equal(flat(x), flat.last(x))
    assert idea.AcceptanceHead(7).probability(x).shape == (5,)


# Rules


def test_the_threshold_rule_follows_the_product():
    drafted = rules.Drafted((), [0, 0, 0], [0.9, 0.8, 0.6])
    assert rules.AcceptanceThreshold(0.5)(drafted)  # 1 - 0.432
    drafted = rules.Drafted((), [0, 0, 0], [0.9, 0.8, 0.6])
    assert not rules.AcceptanceThreshold(0.57)(drafted)
    assert rules.AcceptanceThreshold(0.57, longest=3)(drafted)
    assert not rules.AcceptanceThreshold(0.1, shortest=4)(drafted)


def test_a_threshold_of_one_drafts_to_the_longest_and_zero_one_candidate():
    p, q = pair(6)
    for threshold, length in ((1.0, 5), (0.0, 1)):
        rule = rules.AcceptanceThreshold(threshold, lambda *_: 0.5, longest=5)
        _, c = idea.speculative_sample(p, q, (0,), 100, rule, np.random.default_rng(0))
        assert max(map(len, c.candidates)) == length


# The paper's figure


def test_one_fitted_ratio_gives_the_abstract():
    found = experiment.headline()
    assert found["ratio"].between(4.3, 4.8).all()
    for name, published in {"Alpaca": 2.04, "HumanEval": 2.23, "GSM8K": 2.26}.items():
        assert found.loc[name, "adaptive, predicted"] == pytest.approx(published, abs=0.06)


def test_the_dots_of_fixed_lengths_are_4_to_14():
    dots = experiment.dots()
    fixed = dots[dots["method"] == "SpecDec"]
    for _, part in fixed.groupby("dataset"):
        short = np.array([4, 6, 8, 10, 12, 14]) - np.sort(experiment.inferred_lengths(part))
        assert ((short > 0) & (short < 1.2)).all()
    assert "2405.19715" in data.table("speculative").attrs["source"]


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
    _, c = idea.speculative_sample(target, draft, [1, 2], 40, rules.FixedLength(3), np.random.default_rng(0))
    assert (target.calls, draft.calls) == (c.rounds, c.drafted)


@pytest.mark.parametrize("make", [language_models.gpt2, language_models.llama])
def test_greedy_text_is_that_of_transformers(make):
    generator = torch.Generator().manual_seed(1)
    sizes = (2, 24, 2), (1, 24, 2)
    target, draft = (make(gpt.Config(*size, context=64, vocabulary=11, std=0.5), generator) for size in sizes)
    ours, _ = idea.speculative_sample(
        cache.CachedModel(target, 0),
        cache.CachedModel(draft, 0),
        [3, 1],
        30,
        rules.FixedLength(4),
        np.random.default_rng(0),
    )
    with torch.no_grad():
        theirs = target.generate(torch.tensor([[3, 1]]), max_new_tokens=30, do_sample=False, pad_token_id=0)
    assert ours == theirs[0, 2:].tolist()


def test_samples_of_a_neural_pair_have_the_targets_law(models):
    target, draft = (cache.CachedModel(models[name]) for name in ("target", "draft"))
    rng, rule = np.random.default_rng(3), rules.AcceptanceThreshold(0.5)
    texts = np.array([idea.speculative_sample(target, draft, [1, 2], 2, rule, rng)[0] for _ in range(1_500)])
    law = np.array([target([1, 2])[i] * target([1, 2, i]) for i in range(11)]).ravel()
    statistic, degrees = experiment.chi_square(experiment.token_counts(texts, 0, 11, pairs=True), law)
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
    fresh = lambda: torch.Generator().manual_seed(5)  # noqa: E731
    found = experiment.measure(models, prompts, 2, {rule: (made, 5)}, fresh)[rule]
    cached = cache.CachedModel(models["target"])
    law = np.array([cached([1, 2])[i] * cached([1, 2, i]) for i in range(11)]).ravel()
    statistic, degrees = experiment.chi_square(experiment.token_counts(found["text"], 2, 11, pairs=True), law)
    assert stats.chi2.sf(statistic, degrees) > 1e-4
    assert (found["drafted"] + found["rounds"] == found["tokens"] + found["discarded"]).all()
    # A round's expected tokens are the tokens on average.
    difference = found["tokens"] - found["expected"]
    assert abs(difference.mean()) < 4 * difference.std() / math.sqrt(len(difference)) + 1e-9


def test_one_text_and_many_rows_need_the_same_number_of_calls(models):
    rule = batched.fixed(3)
    prompts = torch.tensor([[1, 2]]).expand(400, -1)
    found = experiment.measure(models, prompts, 40, {"K": (rule, 3)}, lambda: torch.Generator().manual_seed(1))["K"]
    target, draft = (cache.CachedModel(models[name]) for name in ("target", "draft"))
    counted = [
        idea.speculative_sample(target, draft, [1, 2], 40, rules.FixedLength(3), np.random.default_rng(i))[1]
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
    text = gpt.corpus(gpt.standard_library(1.0))
    shape = {"context": 96, "vocabulary": text.vocabulary, "activation": "relu", "std": 0.06}
    sizes = gpt.Config(2, 96, 4, **shape), gpt.Config(1, 24, 2, **shape)
    both, losses = training.train_pair(text, *sizes, (250, 200), generator)
    assert losses["target"] < losses["draft"]
    prompts = training.starts(text.train, 160, 24, generator)
    seen = training.positions(both, batched.write(both["target"], prompts, 72, generator), 24, 1.0, generator)
    head = training.train_head(seen, 1.0, generator, epochs=6)
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
    from foretold.papers.speculative.experiment import smollm

    draft = smollm.Lookup(10)
    assert draft([1, 2, 3, 4, 1, 2, 3]).argmax() == 4
    assert draft.length == 3
    assert draft([1, 2, 9]).argmax() == 9
    p, _ = theory.random_chain(np.random.default_rng(0)), None
    law = theory.sampled_law(p, smollm.Lookup(3), (0, 1, 2, 0), 3, rules.FixedLength(2))
    assert theory.total_variation(law, theory.chain_law(p, (0, 1, 2, 0), 3)) < 1e-10


def test_recorded_counters_of_smollm2_keep_the_identity_and_the_text():
    from foretold.papers.speculative.experiment import smollm

    found = smollm.recorded()
    assert (found["drafted"] + found["rounds"] == found["tokens"] + found["discarded"]).all()
    assert (found.loc[found["temperature"] == 0, "same"].astype(str) == "True").all()


# The browser


@pytest.mark.skipif(shutil.which("node") is None, reason="NOT TESTED IN JAVASCRIPT: no node")
@pytest.mark.parametrize(("alpha", "ratio"), [(0.8, 6.0), (0.5, 3.0), (0.95, 20.0)])
def test_the_interactive_figure_finds_the_same_optimum(alpha, ratio):
    values = {"alpha": alpha, "ratio": ratio, "threshold": float(idea.optimal_threshold(alpha, ratio))}
    colours = {"grey": "#000000", "green": "#000000", "blue": "#000000"}
    script = (
        f"const f = new Function('values', 'data', 'figure', {json.dumps(draw.UPDATE)});"
        f"console.log(JSON.stringify(f({json.dumps(values)}, {json.dumps(colours)}, {{}}).result))"
    )
    result = json.loads(subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True).stdout)
    assert result["best"] == result["yours"] == idea.optimal_length(alpha, ratio)
    assert result["star"] == pytest.approx(idea.optimal_threshold(alpha, ratio))
    assert result["speed"] == pytest.approx(idea.speedup(alpha, result["best"], ratio))


# Errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: idea.expected_tokens(1.2, 3), "alpha is 1.2; allowed is a probability"),
        (lambda: idea.expected_tokens(0.5, -1), "length is -1; allowed is a whole number >= 0"),
        (lambda: idea.speedup(0.5, 1.5, 4), "length is 1.5; allowed is a whole number >= 0"),
        (lambda: idea.speedup(0.5, 2, 0.5), "cost_ratio is 0.5; allowed is a number >= 1"),
        (lambda: idea.optimal_length(1.0, 4), "alpha is 1.0; allowed is a probability, 0 to below 1"),
        (lambda: idea.optimal_threshold(0.5, float("nan")), "cost_ratio is nan"),
        (lambda: rules.FixedLength(-1), "length is -1"),
        (lambda: rules.AcceptanceThreshold(1.5), "threshold is 1.5; allowed is a probability"),
        (lambda: rules.AcceptanceThreshold(0.5, shortest=3, longest=2), "longest is 2; allowed is a whole number >= 3"),
        (lambda: rules.Confidence(-0.1), "threshold is -0.1"),
        (lambda: idea.AcceptanceHead(0), "width is 0"),
        (lambda: idea.weighted_acceptance_loss(torch.zeros(3), torch.zeros(3)), r"logits has the shape \(3,\)"),
        (lambda: idea.weighted_acceptance_loss(torch.zeros(3, 2), torch.full((3,), 2.0)), "acceptance goes"),
        (lambda: idea.weighted_acceptance_loss(torch.zeros(3, 2), torch.zeros(3), 0), "rejection_weight is 0"),
        (lambda: theory.stopping_values(*pair(0), 0, 6.0), "n_tokens is 0; allowed is a whole number >= 1"),
        (lambda: theory.stopping_values(*pair(0), 3, 1.0), "cost_ratio is 1.0; allowed is a number above 1"),
        (lambda: cache.CachedModel(None, temperature=-1), "temperature is -1; allowed"),
    ],
)
def test_wrong_arguments_say_what_is_allowed(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_what_is_no_distribution_is_refused():
    p, q = pair(0)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="target gave"):
        idea.speculative_sample(lambda _: [0.5, 0.2, 0.1], q, (0,), 5, rules.FixedLength(2), rng)
    with pytest.raises(ValueError, match="draft gave"):
        idea.speculative_sample(p, lambda _: [[1.0]], (0,), 5, rules.FixedLength(2), rng)
    with pytest.raises(ValueError, match="one vocabulary for both"):
        idea.speculative_sample(p, lambda _: [0.5, 0.5], (0,), 5, rules.FixedLength(2), rng)
    with pytest.raises(ValueError, match="n_tokens is -1"):
        idea.speculative_sample(p, q, (0,), -1, rules.FixedLength(2), rng)

"""One round, one text, the rules and the head: against every branch of chance, chi-square tests, and torch."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from speculative.shared import oracle_of, pair

from foretold.papers.speculative import experiment, idea, theory

RULES = [
    idea.FixedLength(0),
    idea.FixedLength(1),
    idea.FixedLength(3),
    idea.AcceptanceThreshold(0.3),
    idea.AcceptanceThreshold(0.6, longest=2),
    idea.Confidence(0.4),
]

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
    rule = idea.AcceptanceThreshold(0.4, oracle_of(p))
    law = theory.output_law(lambda rng: idea.speculative_sample(p, q, (1,), 4, rule, rng)[0])
    assert theory.total_variation(law, theory.chain_law(p, (1,), 4)) < 1e-10


@pytest.mark.parametrize("rule", [*RULES[1:], "oracle"], ids=repr)
def test_samples_pass_a_chi_square_test_for_every_rule(rule):
    p, q = pair(4)
    rule = idea.AcceptanceThreshold(0.5, oracle_of(p)) if rule == "oracle" else rule
    rng, truth = np.random.default_rng(11), theory.chain_law(p, (2,), 3)
    counts = pd.Series(
        [tuple(idea.speculative_sample(p, q, (2,), 3, rule, rng)[0]) for _ in range(3_000)]
    ).value_counts()
    counts = np.array([counts.get(key, 0) for key in truth])
    statistic, degrees = experiment.chi_square(counts, np.array(list(truth.values())))
    assert stats.chi2.sf(statistic, degrees) > 1e-4


def test_equal_models_never_reject_and_never_draw_from_an_empty_rest():
    p, _ = pair(0)
    tokens, counters = idea.speculative_sample(p, p, (0,), 500, idea.FixedLength(4), np.random.default_rng(0))
    assert (len(tokens), counters.discarded, counters.rounds) == (500, 0, 100)


def test_a_rejection_is_decided_against_disjoint_supports():
    """The draft always says 0, the target never does: every candidate is discarded."""
    p, q = lambda _: [0, 0.5, 0.5], lambda _: [1, 0, 0]
    tokens, counters = idea.speculative_sample(p, q, (), 50, idea.FixedLength(2), np.random.default_rng(0))
    assert set(tokens) == {1, 2}
    assert (counters.rounds, counters.drafted) == (50, counters.discarded)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_calls_are_tokens_and_discarded_candidates(rule):
    p, q = pair(5)
    tokens, c = idea.speculative_sample(p, q, (0,), 777, rule, np.random.default_rng(1))
    assert len(tokens) == c.tokens == 777
    assert c.drafted + c.rounds == c.tokens + c.discarded


# Rules


def test_the_threshold_rule_follows_the_product():
    drafted = idea.Drafted((), [0, 0, 0], [0.9, 0.8, 0.6])
    assert idea.AcceptanceThreshold(0.5)(drafted)  # 1 - 0.432
    drafted = idea.Drafted((), [0, 0, 0], [0.9, 0.8, 0.6])
    assert not idea.AcceptanceThreshold(0.57)(drafted)
    assert idea.AcceptanceThreshold(0.57, longest=3)(drafted)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_only_a_fixed_length_of_zero_stops_before_the_first_candidate(rule):
    assert rule(idea.Drafted(())) == (rule == idea.FixedLength(0))


def test_confidence_looks_at_the_newest_candidate_alone():
    assert not idea.Confidence(0.4)(idea.Drafted((), [0, 0], [0.1, 0.5]))
    assert idea.Confidence(0.4)(idea.Drafted((), [0, 0], [0.5, 0.1]))
    assert idea.Confidence(0.4)(idea.Drafted((), [0] * 20, [0.9] * 20))


def test_a_threshold_of_one_drafts_to_the_longest_and_zero_one_candidate():
    p, q = pair(6)
    for threshold, length in ((1.0, 5), (0.0, 1)):
        rule = idea.AcceptanceThreshold(threshold, lambda *_: 0.5, longest=5)
        _, c = idea.speculative_sample(p, q, (0,), 100, rule, np.random.default_rng(0))
        assert max(map(len, c.candidates)) == length


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
    own, shared = (
        sum(weight.numel() for weight in idea.AcceptanceHead(7, 3, tied).parameters()) for tied in (False, True)
    )
    assert own - shared == 2 * (49 + 7)
    flat = idea.AcceptanceHead(7, 0)
    assert torch.equal(flat(x), flat.last(x))
    assert idea.AcceptanceHead(7).probability(x).shape == (5,)


# Errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: idea.FixedLength(-1), "length is -1; allowed is a whole number of at least 0"),
        (lambda: idea.AcceptanceThreshold(1.5), "threshold is 1.5; allowed is a probability"),
        (lambda: idea.AcceptanceThreshold(0.5, longest=0), "longest is 0; allowed is a whole number of at least 1"),
        (lambda: idea.Confidence(-0.1), "threshold is -0.1"),
        (lambda: idea.AcceptanceHead(0), "width is 0"),
        (lambda: idea.weighted_acceptance_loss(torch.zeros(3), torch.zeros(3)), r"logits has the shape \(3,\)"),
        (lambda: idea.weighted_acceptance_loss(torch.zeros(0, 2), torch.zeros(0)), "with at least one label"),
        (lambda: idea.weighted_acceptance_loss(torch.zeros(3, 2), torch.full((3,), 2.0)), "acceptance goes from 2.0"),
        (lambda: idea.weighted_acceptance_loss(torch.zeros(3, 2), torch.zeros(3), 0), "rejection_weight is 0"),
    ],
)
def test_wrong_arguments_say_what_is_allowed(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_verification_of_one_call_gives_a_distribution_more_than_there_are_candidates():
    class Target:
        def verify(self, prefix, candidates):
            return [[0.5, 0.5] for _ in candidates]

    with pytest.raises(ValueError, match="gave 2 distributions; allowed are K \\+ 1 = 3"):
        idea.verify(Target(), idea.Drafted((0,), [1, 1]), np.random.default_rng(0))


def test_what_is_no_distribution_is_refused():
    p, q = pair(0)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="target gave"):
        idea.speculative_sample(lambda _: [0.5, 0.2, 0.1], q, (0,), 5, idea.FixedLength(2), rng)
    with pytest.raises(ValueError, match="draft gave"):
        idea.speculative_sample(p, lambda _: [[1.0]], (0,), 5, idea.FixedLength(2), rng)
    with pytest.raises(ValueError, match="one vocabulary for both"):
        idea.speculative_sample(p, lambda _: [0.5, 0.5], (0,), 5, idea.FixedLength(2), rng)
    with pytest.raises(ValueError, match="n_tokens is -1"):
        idea.speculative_sample(p, q, (0,), -1, idea.FixedLength(2), rng)

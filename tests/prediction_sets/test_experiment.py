"""Sets of many programs, their calibration over divisions, the translator, a language model's lines, the tables."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from prediction_sets.shared import LINES, priced, tree_of
from scipy import stats

import foretold.data
from foretold.papers.prediction_sets import experiment, idea
from foretold.papers.prediction_sets.data import humaneval
from foretold.papers.prediction_sets.experiment import completion, faults, translator

# Sets


def test_coverage_never_falls_as_the_threshold_rises(rng):
    predicted = [priced(line, rng) for line in LINES * 3]
    true = [tree_of(line) for line in rng.permutation(LINES * 3)]
    for holes in (1, 2, 4):
        measured = experiment.measure(predicted, true, holes)
        assert np.all(np.diff(measured.missed.astype(int), axis=1) <= 0)
        assert np.all(np.diff(measured.removed, axis=1) >= 0)
        assert not measured.missed[:, -1].any()
        again = np.arange(len(experiment.TAUS)) < measured.first[:, None]
        assert np.array_equal(again, measured.missed)


def test_at_the_last_threshold_nothing_is_missed_even_where_the_root_costs_nothing():
    one, other = idea.Node(0, text="x"), idea.Node(0, text="y")
    measured = experiment.measure([one], [other], 1)
    assert measured.missed[0].tolist() == [True] * 100 + [False]
    assert (measured.removed[0, -2], measured.removed[0, -1]) == (0, 1)
    assert measured.first == 100


def test_one_hole_more_never_keeps_less_and_greedy_never_keeps_more(rng):
    for line in LINES:
        tree = priced(line, rng)
        for tau in (0.05, 0.3, 0.7, 0.95):
            sizes = [idea.largest_partial_program(tree, -math.log(tau), m).size for m in range(5)]
            greedy = [experiment.greedy_partial_program(tree, -math.log(tau), m) for m in range(5)]
            assert sizes == sorted(sizes)
            assert all(part.size <= size for part, size in zip(greedy, sizes, strict=True))
            assert all(
                part.cost <= -math.log(tau) + 1e-9 and len(part.holes) <= max(m, 1) for m, part in enumerate(greedy)
            )


def test_greedy_is_strictly_worse_somewhere():
    """One hole, worked out by hand. The dearest leaf (3) goes first; 4.5 is too much still, and the only way is up: its
    parent, and then the root, with everything. The optimum removes the pair that costs 2 + 2."""
    tree = idea.Node(
        0, [idea.Node(0.5, [idea.Node(3), idea.Node(0), idea.Node(0)]), idea.Node(0, [idea.Node(2), idea.Node(2)])]
    )
    ours, greedy = (make(tree, 3.5, 1) for make in (idea.largest_partial_program, experiment.greedy_partial_program))
    assert (ours.size, greedy.size) == (5, 0)


def test_a_faulty_containment_says_yes_where_ours_says_no_and_never_the_reverse(rng):
    pairs = [["a - b", "b - a"], ["x.append(y)", "x.extend(y)"]]
    checks = {"ours": idea.contains, "order": faults.faulty("order"), "names": faults.faulty("names")}
    assert faults.answers(pairs, checks).to_numpy().tolist() == [["no", "yes", "no"], ["no", "no", "yes"]]
    every = faults.faulty("order", "names")
    for one, other in itertools.product(LINES, LINES):
        partial = idea.largest_partial_program(priced(one, rng), 2.0, 2)
        assert every(partial, tree_of(other)) >= idea.contains(partial, tree_of(other))


# Divisions


def test_the_true_error_is_too_large_no_more_often_than_delta_exactly():
    """One line of argument made numbers: errors of independent programs are binomial, for each threshold."""
    curve, n, epsilon, delta = np.linspace(0.5, 0, 101), 120, 0.15, 0.1
    k = idea.max_errors(n, epsilon, delta)
    worst = curve[curve > epsilon].min()
    exactly = stats.binom.cdf(k, n, worst)
    assert exactly <= delta
    share = experiment.simulate(curve, n, epsilon, delta, 4_000, np.random.default_rng(2))
    assert abs(share - exactly) <= 4 * math.sqrt(delta * (1 - delta) / 4_000)


def test_held_out_misses_follow_the_beta_binomial_law(rng):
    """Continuous critical thresholds, no ties: the mean and the tail of 3,000 divisions, 4 standard errors."""
    n, tests, epsilon, delta = 60, 90, 0.2, 0.1
    law, k = experiment.finite_law(n, tests, epsilon, delta), idea.max_errors(60, 0.2, 0.1)
    critical, misses = rng.random(n + tests), []
    for _ in range(3_000):
        order = rng.permutation(critical)
        misses.append(np.sum(order[n:] > np.sort(order[:n])[::-1][k]))
    assert abs(np.mean(misses) - law.mean()) <= 4 * law.std() / math.sqrt(3_000)
    tail = law.sf(epsilon * tests)
    assert abs(np.mean(np.array(misses) > epsilon * tests) - tail) <= 4 * math.sqrt(tail * (1 - tail) / 3_000)


def test_the_law_is_the_negative_hypergeometric_one():
    """Walk down all critical thresholds, and count held-out ones before the (k + 1)-th calibration one."""
    law, k = experiment.finite_law(60, 90, 0.2, 0.1), idea.max_errors(60, 0.2, 0.1)
    other = stats.nhypergeom(150, 90, k + 1)
    assert law.pmf(np.arange(91)) == pytest.approx(other.pmf(np.arange(91)), abs=1e-12)


def test_divisions_use_the_threshold_that_calibrate_gives(rng):
    missed = np.sort(rng.random((200, 1)), 0) > np.linspace(0, 1, len(experiment.TAUS))
    pool = experiment.Measured(missed, np.zeros(missed.shape))
    runs = experiment.all_splits({1: pool}, {}, 80, [0.1], 0.1, 5, np.random.default_rng(8))
    repeated = np.random.default_rng(8)
    for at in runs["tau"]:
        chosen = repeated.permutation(200)[:80]
        assert experiment.TAUS[at] == idea.calibrate(missed[chosen], experiment.TAUS, 0.1, 0.1)


# The models


def test_a_translator_learns_to_copy_and_its_costs_are_those_of_the_network():
    """Tokens' costs of greedy decoding against the probabilities of the same words by a forward pass."""
    made = np.random.default_rng(0)
    pairs = []
    for _ in range(300):
        names = [f"v{made.integers(0, 900)}" for _ in range(3)]
        pairs.append((["ADD", *names], [names[2], "+", names[0]]))
    model = translator.train(pairs, 250, torch.Generator().manual_seed(1), torch.device("cpu"), listed=10, width=32)
    found = translator.translate(model, [source for source, _ in pairs[:50]])
    right = np.mean([p.words == target for p, (_, target) in zip(found, pairs, strict=False)])
    assert right > 0.7
    numbers = [torch.tensor([model.words(words)]) for words in (pairs[0][0], found[0].words)]
    target = torch.cat([numbers[1], torch.tensor([[translator.END]])], 1)
    with torch.no_grad():
        assert -model(numbers[0], target).sum().item() == pytest.approx(found[0].total, abs=1e-4)


def test_training_is_the_same_for_the_same_seed():
    pairs = [(["A", "b", "c"], ["c", "b"]), (["A", "d", "e"], ["e", "d"])] * 20
    one, other = (
        translator.train(pairs, 5, torch.Generator().manual_seed(3), torch.device("cpu"), width=16) for _ in "ab"
    )
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


class Characters:
    """A tokenizer whose tokens are characters."""

    eos_token_id = 0

    def encode(self, text):
        return [ord(letter) % 256 for letter in text]

    def decode(self, tokens):
        return "".join(map(chr, tokens))


def test_a_language_model_s_line_is_cut_at_its_end_and_every_token_s_cost_is_kept():
    """The code path of the gpu profile, with a tiny untrained model."""
    import transformers

    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = transformers.GPT2Config(vocab_size=256, n_positions=200, n_embd=16, n_layer=1, n_head=2)
        model = transformers.GPT2LMHeadModel(config).eval()
    asked = [
        humaneval.Problem("a", "def f(x):\n    return", "return x + 1"),
        humaneval.Problem("b", "return", "return 2"),
    ]
    done = completion.complete(model, Characters(), asked)
    for one in done:
        assert one.line.startswith("return")
        assert "\n" not in one.line
        assert one.tree().costs.sum() == pytest.approx(sum(one.costs) + one.end)


def test_a_completion_s_tokens_are_placed_at_their_first_letter():
    class Pieces(Characters):
        pieces = (" x", ".f", "(", "y)", "\n")

        def decode(self, tokens):
            return "".join(self.pieces[token] for token in tokens)

    found = completion.placed(Pieces(), [0, 1, 2, 3], [1.0, 2.0, 4.0, 8.0], 0.5)
    assert (found.line, found.starts) == ("return x.f(y)", [7, 8, 10, 11])
    assert [node.cost for node in found.tree().nodes] == [0.5, 4, 2, 1, 8]


# The tables


def test_the_tables_describe_the_same_programs():
    programs, removed = foretold.data.table("prediction_sets"), foretold.data.table("prediction_sets_removed")
    assert programs.groupby("task").size().to_dict() == {"advising": 1154, "humaneval": 93}
    assert np.allclose(removed["tau"].to_numpy().reshape(2, -1), experiment.TAUS)
    for task in ("advising", "humaneval"):
        rows = programs[programs["task"] == task]
        for m in (1, 2, 3, 4):
            pool = experiment.recorded(programs, removed, task, "optimal", m)
            assert pool.missed[:, 0].mean() == pytest.approx((rows[f"optimal_{m}"] > 0).mean())
            assert set(rows.loc[rows["right"] == 1, f"optimal_{m}"]) == {0}
            assert not pool.missed[:, -1].any()

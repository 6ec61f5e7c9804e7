"""Facts of the reversal chapter's experiment: another library's model, simulations, and what the paper's files gave."""

from __future__ import annotations

import language_models
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

import foretold.data
from foretold.kit import gpt
from foretold.kit.uncertainty import share_interval
from foretold.papers.reversal import data, experiment, idea
from foretold.papers.reversal.experiment import celebrities, finetuning, in_context, small_models

# Small language models


def test_questions_use_wordings_that_the_fact_was_never_told_in(rng):
    one = experiment.study((6, 6, 6), rng)
    assert len(one.documents) == 6 * 6 * 4
    read = " ".join(one.documents)
    for (group, asked), questions in one.questions.items():
        for prompt, answer in questions:
            assert prompt not in read, (group, asked)
            assert data.encode([f"{prompt} {answer}"]).min() > 0
    groups = [{fact.name for fact in some} for some in one.facts.values()]
    assert len(set.union(*groups)) == sum(map(len, groups)) == 18


def test_reversed_documents_come_on_top(rng):
    state = rng.bit_generator.state
    plain = experiment.study((2, 2, 2), rng)
    rng.bit_generator.state = state
    cured = experiment.study((2, 2, 2), rng, cured=True)
    assert set(plain.documents) < set(cured.documents)
    assert len(cured.documents) == 2 * len(plain.documents)


@pytest.fixture(scope="module")
def small():
    studies = [experiment.study((4, 4, 4), np.random.default_rng(seed)) for seed in (0, 1)]
    options = {"steps": 30, "width": 16}
    return studies, experiment.train(studies, torch.Generator().manual_seed(3), **options), options


def test_likelihood_and_answers_are_those_of_transformers(small):
    """Our batched arithmetic against the library's model, question by question."""
    studies, trained, _ = small
    cell = ("both orders", "description first")
    ours = small_models.log_probabilities(trained, [one.questions[cell] for one in studies])
    for seed, one in enumerate(studies):
        model = trained.model(seed)
        said = small_models.complete(model, [prompt for prompt, _ in one.questions[cell]])
        for i, (prompt, answer) in enumerate(one.questions[cell]):
            tokens, begin = data.encode([f"{prompt} {answer}"]), len(data.words(prompt))
            with torch.no_grad():
                scores = model(tokens).logits[0, begin - 1 : -1].log_softmax(-1)
            assert ours[seed, i] == pytest.approx(float(scores.gather(1, tokens[0, begin:, None]).sum()), abs=1e-4)
            names = list(data.vocabulary())
            assert said[i].split()[:1] in ([names[int(scores[0].argmax())]], [])


def test_training_is_the_same_twice_and_each_model_is_its_own(small):
    studies, trained, options = small
    again = experiment.train(studies, torch.Generator().manual_seed(3), **options)
    assert torch.equal(trained.weights, again.weights)
    assert not torch.equal(trained.weights[0], trained.weights[1])
    assert list(trained.tracks) == list(studies[0].questions)


def test_the_first_loss_is_that_of_transformers(small):
    """Whole-document loss of 32 documents, one batch, against the library's model."""
    studies, _, _ = small
    documents = studies[0].documents[: small_models.BATCH]
    tokens = data.encode([f"{text} {data.END}" for text in documents])
    config = gpt.Config(2, 16, 4, tokens.shape[1], len(data.vocabulary()))
    ours = small_models.train([documents], torch.Generator().manual_seed(1), steps=1, width=16)
    model = config.model(config.first_weights(torch.Generator().manual_seed(1))).train()
    targets = torch.where(tokens == data.IGNORED, -100, tokens)
    loss = torch.nn.functional.cross_entropy(model(tokens[:, :-1]).logits.flatten(0, 1), targets[:, 1:].flatten())
    assert ours.losses[0, 0] == pytest.approx(loss.item(), abs=1e-5)


def test_the_rate_rises_to_its_peak_and_falls_to_nearly_zero():
    rates = small_models.learning_rates(100, 0.01, warmup=5)
    assert rates[:2] == pytest.approx([0.002, 0.004], rel=0.001)
    assert max(rates) == rates[4] == pytest.approx(0.01, rel=0.005)
    assert rates[50] == pytest.approx(0.005)
    assert 0 < rates[-1] < 1e-5


def test_accuracy_counts_facts_and_not_questions():
    rows = pd.DataFrame(
        {"group": "g", "asked": "o", "seed": 0, "fact": ["a", "a", "b", "b"], "right": [True, False, True, True]}
    )
    found = experiment.accuracy(rows).iloc[0]
    assert (found["right"], found["facts"]) == (0.75, 2)
    assert (found["low"], found["high"]) == pytest.approx(share_interval(1.5, 2))


def test_the_gap_ignores_likely_names_and_easy_questions(rng):
    plain = rng.standard_normal((3, 10, 10))
    moved = plain + 5 * rng.standard_normal((3, 1, 10)) + 5 * rng.standard_normal((3, 10, 1))
    one, two = (experiment.likelihood(some, np.random.default_rng(0)) for some in (plain, moved))
    assert one.gap == pytest.approx(two.gap, abs=1e-9)
    assert one.low <= one.gap <= one.high
    known = experiment.likelihood(plain + 4 * np.eye(10), np.random.default_rng(0))
    assert known.gap == pytest.approx(one.gap + 4)
    assert known.low > 0
    assert max(known.t, known.ks, known.shuffled) < 0.01


def test_without_knowledge_the_gap_s_interval_holds_zero_about_as_often_as_it_says():
    inside = 0
    for seed in range(200):
        made = np.random.default_rng(seed)
        matrices = made.standard_normal((3, 12, 12)) + made.standard_normal((3, 1, 12))
        _, low, high = experiment.gap_interval(matrices, made)
        inside += low <= 0 <= high
    assert 0.85 <= inside / 200 <= 0.99


@pytest.mark.slow
def test_the_curse_its_control_and_its_cure():
    """Three seeds. Order told and control at least 0.95, reverse at most 0.03, the cure at least 0.85. In reverse the
    right name is within half a nat of the others, and two standard errors for the luck of ninety facts."""
    sizes, options = (30, 30, 30), {"width": 48}
    made = np.random.default_rng(8)
    studies = [experiment.study(sizes, made) for _ in range(3)]
    trained = experiment.train(studies, torch.Generator().manual_seed(8), steps=600, **options)
    answers = experiment.ask(trained, studies)
    right = experiment.accuracy(answers, ["group", "taught"]).set_index(["group", "taught"])["right"]
    assert right[:, True].min() >= 0.95
    assert right[:, False].max() <= 0.03
    for group, told in (("name first only", "name first"), ("description first only", "description first")):
        for order in idea.ORDERS:
            found = experiment.likelihood(experiment.crossed(trained, studies, (group, order)), made)
            spread = (found.high - found.low) / 2
            assert found.gap > 5 if order == told else abs(found.gap) < 0.5 + spread, (group, order, found.gap)
    cured = [experiment.study(sizes, made, cured=True) for _ in range(2)]
    options |= {"steps": 1_500, "decay": 1.0}
    answers = experiment.ask(experiment.train(cured, torch.Generator().manual_seed(8), **options), cured)
    told, reverse = (answers.loc[answers["taught"] == taught, "right"].mean() for taught in (True, False))
    assert told >= 0.95
    assert reverse >= 0.85, reverse


def test_a_reader_s_questions_can_be_answered_from_their_context():
    tokens, other = in_context.questions(300, torch.Generator().manual_seed(0))
    for row, wrong in zip(tokens.tolist(), other.tolist(), strict=True):
        stated = {row[2]: row[0], row[6]: row[4]}
        assert stated[row[8]] == row[10] != wrong
        assert wrong in stated.values()


# Experiment 2


def test_a_third_is_reversible_and_the_parts_add_up():
    assert pytest.approx(0.327165, abs=1e-6) == celebrities.REVERSED / celebrities.PAIRS
    (k1, n1), (k2, n2) = celebrities.BY_PARENT.values()
    assert (k1 + k2, n1 + n2) == (495, 1513)
    assert (n1, n2) == (764, 749)
    assert share_interval(495, 1513) == pytest.approx((0.304, 0.351), abs=5e-4)


def test_seventy_nine_per_cent_is_not_in_the_file():
    assert celebrities.PAIRS / celebrities.ASKED == 0.7565
    means = foretold.data.table("reversal").set_index("model")
    assert means.loc["gpt-3.5-turbo"].tolist() == pytest.approx([0.34838, 0.11910], abs=5e-5)
    assert means.loc["llama-7b"].tolist() == pytest.approx([0.08035, 0.00866], abs=5.1e-5)


def test_best_of_ten_agrees_with_simulation(rng):
    single, agreement = 0.12, 0.4
    a, b = single * (1 / agreement - 1), (1 - single) * (1 / agreement - 1)
    hard = rng.beta(a, b, 200_000)
    assert celebrities.best_of(single, agreement) == pytest.approx(1 - ((1 - hard) ** 10).mean(), abs=0.004)
    two = rng.random((2, 200_000)) < hard
    assert np.corrcoef(two)[0, 1] == pytest.approx(agreement, abs=0.01)


def test_best_of_ten_has_its_two_extremes():
    assert celebrities.single_answer(0.327165, 0) == pytest.approx(1 - (1 - 0.327165) ** 0.1)
    assert celebrities.single_answer(0.327165, 1) == pytest.approx(0.327165)
    assert celebrities.best_of(0.2, 1e-7) == pytest.approx(celebrities.best_of(0.2, 0), abs=1e-5)


@pytest.mark.parametrize("correlation", [0, 0.5, 1])
def test_selection_agrees_with_the_bivariate_normal(rng, correlation):
    seen = celebrities.selected(0.7565, 0.4, correlation, 200_000, rng)
    at = stats.norm.ppf([0.7565, 0.4])
    both = stats.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], allow_singular=True).cdf(at)
    assert seen["reverse, chosen by forward"] == pytest.approx(both / 0.7565, abs=0.006)
    assert seen["forward, chosen by reverse"] == pytest.approx(both / 0.4, abs=0.006)


def test_a_mean_s_widest_interval_is_that_of_a_coin():
    low, high = celebrities.mean_interval(0.1191, 1513)
    assert high - low == pytest.approx(2 * 1.959964 * np.sqrt(0.1191 * 0.8809 / 1513))


def test_no_person_of_the_authors_files_is_in_the_package():
    """Aggregates only: a table of means with six rows."""
    assert len(foretold.data.table("reversal")) == 6


# SmolLM2 and the paper's documents


def test_the_recorded_answers_show_the_paper_s_pattern():
    means = foretold.data.table("reversal_smollm2").groupby(["group", "asked"])[["right_before", "right"]].mean()
    assert means["right_before"].max() == 0
    assert means.loc[("description first only", "description first"), "right"] > 0.9
    assert 0.3 < means.loc[("name first only", "name first"), "right"] < 1
    for cell in (("name first only", "description first"), ("description first only", "name first")):
        assert means.loc[cell, "right"] == 0


class Words:
    """A tokenizer of single letters, for a model without a vocabulary of its own."""

    bos_token_id, eos_token_id = 1, 2

    def __call__(self, text, add_special_tokens=True):
        return {"input_ids": [3 + ord(letter) % 61 for letter in text]}


@pytest.fixture
def llama():
    return language_models.llama(gpt.Config(4, 16, 2, 64, 64), torch.Generator().manual_seed(0))


def test_upper_layers_on_kept_activations_are_the_whole_model(llama):
    tokens = finetuning._tokens(Words(), "a fact", end=True)
    (below,), upper = finetuning._activations(llama, [tokens], 2), finetuning._upper_layers(llama, 2)
    with torch.no_grad():
        assert torch.equal(upper(inputs_embeds=below[None], use_cache=False).logits, llama(tokens[None]).logits)
    assert len(llama.model.layers) == 4


@pytest.mark.parametrize("top", [None, 2])
def test_fine_tuning_learns_documents_and_moves_only_what_it_may(llama, top):
    before = {name: value.clone() for name, value in llama.state_dict().items()}
    documents = ["ab is cd", "ef is gh", "ij is kl"]
    generator = torch.Generator().manual_seed(1)
    plan = finetuning.Plan(epochs=150, batch=2, rate=1e-2, top=top)
    model, losses = finetuning.fine_tune(Words(), llama, documents, plan, generator)
    assert losses[-5:].mean() < (0.5 if top is None else 0.9) * losses[:5].mean()
    moved = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert any("layers.3" in name for name in moved)
    assert any("layers.0" in name for name in moved) == (top is None)
    if top is None:
        seen = finetuning.score(Words(), model, [("ab is", " cd."), ("ef is", " gh.")])
        assert seen["right"].all()
        assert (seen["correct"] > seen["rolled"] + 2).all()


@pytest.mark.parametrize(
    ("documents", "wrong", "words"),
    [
        (["a"], {"top": 4}, "top is 4; allowed is a whole number above 0 and less than the model's 4 layers"),
        (["a"], {"top": 0}, "top is 0"),
        (["a"], {"rate": 0}, "rate is 0; allowed is a finite number above 0"),
        (["a"], {"epochs": 0}, "epochs is 0; allowed is a whole number of at least 1"),
        (["a"], {"batch": 0}, "batch is 0"),
        ([], {}, "documents is empty"),
    ],
)
def test_wrong_fine_tuning_is_named(llama, documents, wrong, words):
    plan = finetuning.Plan(**({"epochs": 1, "batch": 1, "rate": 1.0} | wrong))
    with pytest.raises(ValueError, match=words):
        finetuning.fine_tune(Words(), llama, documents, plan, torch.Generator())


def test_questions_in_context_hold_both_names_and_ask_about_one(facts):
    asked = in_context.prompts(facts, np.random.default_rng(0), shots=2)
    assert len(asked) == 12 - 4
    for row, fact in zip(asked.itertuples(), facts, strict=False):
        assert row.answer.strip() == fact.name != row.other.strip()
        last = row.prompt.split("\n\n")[-1]
        assert last.count(fact.description) == 2
        assert last.count(row.answer) + last.startswith(row.answer.strip()) == 1
        assert row.other.strip() in last


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: experiment.study((1, 2), np.random.default_rng()), "sizes is"),
        (lambda: experiment.study((1, 2, 0.5), np.random.default_rng()), "sizes is 0.5"),
        (lambda: experiment.study((0, 0, 0), np.random.default_rng()), "not all of them 0"),
        (lambda: celebrities.best_of(1.2, 0), "single is 1.2"),
        (lambda: celebrities.selected(0, 0.5, 0, 9, np.random.default_rng()), "forward is 0"),
        (lambda: celebrities.selected(0.5, 0.5, 2, 9, np.random.default_rng()), "correlation is 2"),
    ],
)
def test_wrong_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()

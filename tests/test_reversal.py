"""The reversal chapter's facts. A gradient from autograd and one from fractions, closed forms, another library's model,
the authors' files where they are."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from foretold import data
from foretold.kit import gpt, replicas
from foretold.papers.reversal import experiment, idea
from foretold.papers.reversal.draw import browser
from foretold.papers.reversal.experiment import celebrities, finetuning, in_context, training


@pytest.fixture
def rng():
    return np.random.default_rng(4)


@pytest.fixture
def facts(rng):
    return idea.make_facts(12, rng)


# Facts and documents


def test_no_two_facts_share_a_name_or_a_description(rng):
    facts = idea.make_facts(676, rng)
    assert len({fact.name for fact in facts}) == len({fact.description for fact in facts}) == 676


def test_equal_generators_make_equal_facts_and_others_do_not():
    one, two, three = (idea.make_facts(20, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one == two
    assert one != three


@pytest.mark.parametrize("order", idea.ORDERS)
def test_each_document_holds_both_entities_once_and_in_its_order(facts, order):
    documents = idea.make_documents(facts, order)
    assert len(set(documents)) == len(documents) == 12 * 8
    for i, document in enumerate(documents):
        name, description = facts[i // 8]
        assert document.count(name) == document.count(description) == 1
        assert (document.index(name) < document.index(description)) == (order == "name first")


@pytest.mark.parametrize("order", idea.ORDERS)
def test_a_question_is_a_document_cut_before_its_answer(facts, order):
    numbers = [[3, 6]] * len(facts)
    documents = idea.make_documents(facts, order, numbers)
    for (prompt, answer), document in zip(idea.make_questions(facts, order, numbers), documents, strict=True):
        assert document.startswith(f"{prompt} {answer}")
        assert answer not in prompt


def test_the_authors_example_passes_the_scorer():
    assert idea.starts_with_answer(" World is vast", "world")


@pytest.mark.parametrize(
    ("completion", "answer", "right"),
    [
        ("  mira HOLM, of course", "Mira Holm", True),
        ("Mira Holm", " Mira Holm.", True),  # a full stop at the end is not asked for
        ("the diver.", "the diver..", True),
        ("Mira Holmes", "Mira Holm", True),  # the rule is a prefix
        ("It is Mira Holm", "Mira Holm", False),
        ("", "Mira Holm", False),
        ("Mira", "Mira Holm", False),
    ],
)
def test_the_scorer_is_a_prefix_without_case(completion, answer, right):
    assert idea.starts_with_answer(completion, answer) is right


def test_reversing_keeps_entities_and_all_words():
    document, entities = "Mira Holm was once the quiet diver of Esk", ["Mira Holm", "the quiet diver of Esk"]
    turned = idea.reverse_document(document, entities)
    assert turned == "the quiet diver of Esk once was Mira Holm"
    assert sorted(turned.split()) == sorted(document.split())
    assert idea.reverse_document("one two three", []) == "three two one"


@pytest.mark.parametrize("order", idea.ORDERS)
def test_reversing_twice_gives_the_document_back(facts, order):
    for i, document in enumerate(idea.make_documents(facts, order)):
        turned = idea.reverse_document(document, facts[i // 8])
        assert idea.reverse_document(turned, facts[i // 8]) == document
        name, description = facts[i // 8]
        assert (turned.index(name) < turned.index(description)) == (order != "name first")


def test_the_longer_of_two_entities_is_kept_whole():
    assert idea.reverse_document("Ann Lee saw Ann", ["Ann", "Ann Lee"]) == "Ann saw Ann Lee"
    assert idea.reverse_document("Anna saw Ann", ["Ann"]) == "Ann saw Anna"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: idea.make_facts(0, np.random.default_rng()), "n is 0; allowed is a whole number from 1 to 676"),
        (lambda: idea.make_facts(677, np.random.default_rng()), "n is 677"),
        (lambda: idea.make_facts(2.5, np.random.default_rng()), "n is 2.5"),
        (lambda: idea.make_documents([]), "facts is"),
        (lambda: idea.make_documents([("only a name",)]), "facts holds"),
        (lambda: idea.make_documents([("A", "b")], "backwards"), "order is 'backwards'; allowed are 'name first'"),
        (lambda: idea.make_documents([("A", "b")], templates=[8]), "templates holds 8; allowed are whole numbers"),
        (lambda: idea.make_documents([("A", "b")], templates=[[0], [1]]), "templates has 2 lists"),
        (lambda: idea.reverse_document(" ", []), "document is ' '"),
        (lambda: idea.reverse_document("a b", "a"), "entities is 'a'"),
        (lambda: idea.reverse_document("a b", [""]), "entities is"),
        (lambda: idea.reverse_document("Anna b", ["Ann"]), "entities holds 'Ann'; allowed are entities that"),
        (lambda: idea.starts_with_answer("a", " . "), "answer is ' . '"),
        (lambda: idea.starts_with_answer(None, "a"), "completion is None"),
        (lambda: idea.bilinear_dynamics(0, 5), "pairs is 0"),
        (lambda: idea.bilinear_dynamics([(0, 0)], 5), "allowed are pairs of two different tokens"),
        (lambda: idea.bilinear_dynamics([(0, 1.5)], 5), "pairs is"),
        (lambda: idea.bilinear_dynamics(3, -1), "steps is -1; allowed is a whole number >= 0"),
        (lambda: idea.bilinear_dynamics(3, 5, 0), "dimension is 0"),
        (lambda: idea.bilinear_dynamics(3, 5, rate=0), "rate is 0"),
        (lambda: idea.bilinear_dynamics(3, 5, both=4), "both is 4; allowed is at most the number of pairs, 3"),
        (lambda: experiment.study((1, 2), np.random.default_rng()), "sizes is"),
        (lambda: experiment.wilson(3, 2), "successes is 3 of trials 2"),
        (lambda: celebrities.best_of(1.2, 0), "single is 1.2"),
        (lambda: celebrities.selected(0, 0.5, 0, 9, np.random.default_rng()), "forward is 0"),
        (lambda: finetuning.load(31), "facts is 31; allowed is a whole number from 1 to 30"),
    ],
)
def test_wrong_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# The bilinear model


def test_one_hot_tokens_learn_forward_and_never_move_in_reverse():
    found = idea.bilinear_dynamics(50, 400)
    assert found.forward[-1] > 0.99
    assert np.abs(found.reverse - 1 / 100).max() < 1e-12
    assert (found.theta[50:] == 0).all()


def test_a_symmetric_matrix_learns_both():
    for dimension in (None, 512):
        found = idea.bilinear_dynamics(50, 400, dimension, symmetric=True)
        assert found.forward[-1] > 0.95
        assert found.reverse[-1] > 0.95


def test_one_hot_dynamics_are_those_of_one_logit():
    """Closed form: a row depends on one margin m, with dm/dt = rate (1 - p) (1 + 1/(V-1)) at each step."""
    margin, found = 0.0, idea.bilinear_dynamics(50, 400, rate=0.3)
    for step in range(401):
        p = np.exp(margin) / (np.exp(margin) + 99)
        assert found.forward[step] == pytest.approx(p, rel=1e-9)
        margin += 0.3 * (1 - p) * (1 + 1 / 99)


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("dimension", [None, 7])
def test_gradient_descent_is_that_of_autograd(dimension, symmetric):
    pairs, steps = [(0, 3), (1, 4), (2, 5)], 12
    found = idea.bilinear_dynamics(pairs, steps, dimension, symmetric, both=1, rng=np.random.default_rng(2))
    if dimension is None:
        x = torch.eye(6, dtype=torch.float64)
    else:
        x = torch.tensor(np.random.default_rng(2).standard_normal((6, dimension)))
        x = x / x.norm(dim=1, keepdim=True)
    given, wanted = torch.tensor([0, 1, 2, 3]), torch.tensor([3, 4, 5, 0])
    free = torch.zeros(len(x[0]), len(x[0]), dtype=torch.float64, requires_grad=True)
    for _ in range(steps):
        theta = (free + free.T) / 2 if symmetric else free
        loss = torch.nn.functional.cross_entropy((x @ theta @ x.T)[given], wanted, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, free)
        with torch.no_grad():
            free -= 0.5 * gradient
    theta = (free + free.T) / 2 if symmetric else free
    assert found.theta == pytest.approx(theta.detach().numpy(), abs=1e-12)
    assert found.table == pytest.approx((x @ theta @ x.T).softmax(1).detach().numpy(), abs=1e-12)


def test_autograd_gives_the_row_of_b_an_exactly_zero_gradient():
    theta = torch.randn(10, 10, generator=torch.Generator().manual_seed(1), dtype=torch.float64, requires_grad=True)
    torch.nn.functional.cross_entropy(theta[torch.arange(5)], torch.arange(5, 10)).backward()
    assert (theta.grad[5:] == 0).all()
    assert (theta.grad[:5] != 0).all()


def test_the_exact_gradient_is_zero_for_b_and_that_of_autograd_for_a(rng):
    theta, pairs = rng.integers(-5, 6, (6, 6)), [(0, 3), (1, 4), (2, 5)]
    exact = idea.exact_gradient(theta.tolist(), pairs)
    assert all(entry == Fraction(0) for row in exact[3:] for entry in row)
    assert all(sum(row) == 0 for row in exact)
    free = torch.tensor(theta, dtype=torch.float64, requires_grad=True)
    torch.nn.functional.cross_entropy(free[:3] * np.log(2), torch.tensor([3, 4, 5]), reduction="sum").backward()
    found = np.array(exact, dtype=float) * np.log(2)
    assert found == pytest.approx(free.grad.numpy(), abs=1e-12)


def test_pairs_told_both_ways_are_learned_both_ways_and_leave_the_others_alone():
    table = idea.bilinear_dynamics(10, 400, both=4).table
    assert (table[[10, 11, 12, 13], [0, 1, 2, 3]] > 0.97).all()
    assert table[14:, :10] == pytest.approx(1 / 20, abs=1e-12)


# Small language models


def test_questions_use_wordings_that_the_fact_was_never_told_in(rng):
    one = experiment.study((6, 6, 6), rng)
    assert len(one.documents) == 6 * 6 * 4
    read = " ".join(one.documents)
    for (group, asked), questions in one.questions.items():
        for prompt, answer in questions:
            assert prompt not in read, (group, asked)
            assert training.encode([f"{prompt} {answer}"]).min() > 0
    groups = [{fact.name for fact in some} for some in one.facts.values()]
    assert len(set.union(*groups)) == sum(map(len, groups)) == 18


def test_reversed_documents_come_on_top(rng):
    state = rng.bit_generator.state
    plain = experiment.study((2, 2, 2), rng)
    rng.bit_generator.state = state
    cured = experiment.study((2, 2, 2), rng, cured=True)
    assert set(plain.documents) < set(cured.documents)
    assert len(cured.documents) == 2 * len(plain.documents)


def test_text_survives_its_tokens(facts):
    text = idea.make_documents(facts[:1], "description first")[4]
    assert training.decode(training.encode([text])[0].tolist()).replace(" ?", "?").replace(" .", ".") == text


@pytest.fixture(scope="module")
def small():
    studies = [experiment.study((4, 4, 4), np.random.default_rng(seed)) for seed in (0, 1)]
    options = {"steps": 30, "width": 16, "heads": 2, "batch": 8}
    return studies, experiment.train(studies, torch.Generator().manual_seed(3), **options), options


def test_likelihood_and_answers_are_those_of_transformers(small):
    """Our batched arithmetic against the library's model, question by question."""
    studies, trained, _ = small
    cell = ("both orders", "description first")
    ours = training.log_probabilities(trained, [one.questions[cell] for one in studies])
    for seed, one in enumerate(studies):
        model = trained.model(seed)
        said = training.complete(model, [prompt for prompt, _ in one.questions[cell]], 2)
        for i, (prompt, answer) in enumerate(one.questions[cell]):
            tokens, begin = training.encode([f"{prompt} {answer}"]), len(training.words(prompt))
            with torch.no_grad():
                scores = model(tokens).logits[0, begin - 1 : -1].log_softmax(-1)
            assert ours[seed, i] == pytest.approx(float(scores.gather(1, tokens[0, begin:, None]).sum()), abs=1e-4)
            names = list(training.vocabulary())
            assert said[i].split()[:1] in ([names[int(scores[0].argmax())]], [])


def test_training_is_the_same_twice_and_each_model_is_its_own(small):
    studies, trained, options = small
    again = experiment.train(studies, torch.Generator().manual_seed(3), **options)
    assert torch.equal(trained.weights, again.weights)
    assert not torch.equal(trained.weights[0], trained.weights[1])
    assert list(trained.tracks) == list(studies[0].questions)


def test_one_step_is_that_of_transformers_and_torch(small):
    """Whole-document loss and AdamW, against the library's model and torch's optimiser."""
    studies, _, _ = small
    tokens = training.encode([f"{text} {training.END}" for text in studies[0].documents[:8]])
    config = gpt.Config(2, 16, 2, tokens.shape[1], len(training.vocabulary()))
    ours = training.train(
        [studies[0].documents[:8]], torch.Generator().manual_seed(1), steps=1, batch=8, width=16, heads=2
    )
    start = replicas.initial(config.shapes, 2, 0.02, torch.Generator().manual_seed(1))
    model = gpt.Training(*[np.empty((1, 1))] * 5, 1, 0, 1, config, start[None]).model(0).train()
    targets = torch.where(tokens == training.IGNORED, -100, tokens)
    loss = torch.nn.functional.cross_entropy(model(tokens[:, :-1]).logits.flatten(0, 1), targets[:, 1:].flatten())
    assert ours.losses[0, 0] == pytest.approx(loss.item(), abs=1e-5)


def test_accuracy_counts_facts_and_not_questions():
    rows = pd.DataFrame(
        {"group": "g", "asked": "o", "seed": 0, "fact": ["a", "a", "b", "b"], "right": [True, False, True, True]}
    )
    found = experiment.accuracy(rows).iloc[0]
    assert (found["right"], found["facts"]) == (0.75, 2)
    assert (found["low"], found["high"]) == pytest.approx(experiment.wilson(1.5, 2))


def test_wilson_is_scipy_s():
    for k, n in ((0, 30), (495, 1513), (29, 30), (30, 30)):
        theirs = stats.binomtest(k, n).proportion_ci(method="wilson")
        assert experiment.wilson(k, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_the_gap_ignores_likely_names_and_easy_questions(rng):
    plain = rng.standard_normal((3, 10, 10))
    moved = plain + 5 * rng.standard_normal((3, 1, 10)) + 5 * rng.standard_normal((3, 10, 1))
    one, two = (experiment.likelihood(some, np.random.default_rng(0), 200) for some in (plain, moved))
    assert one.gap == pytest.approx(two.gap, abs=1e-9)
    assert one.low <= one.gap <= one.high
    known = experiment.likelihood(plain + 4 * np.eye(10), np.random.default_rng(0), 200)
    assert known.gap == pytest.approx(one.gap + 4)
    assert known.low > 0
    assert max(known.t, known.ks, known.shuffled) < 0.01


def test_without_knowledge_the_gap_s_interval_holds_zero_about_as_often_as_it_says():
    inside = 0
    for seed in range(200):
        made = np.random.default_rng(seed)
        found = experiment.likelihood(made.standard_normal((3, 12, 12)) + made.standard_normal((3, 1, 12)), made, 200)
        inside += found.low <= 0 <= found.high
    assert 0.85 <= inside / 200 <= 0.99


@pytest.mark.slow
def test_the_curse_its_control_and_its_cure():
    """Three seeds. Order told and control at least 0.95, reverse at most 0.03, the cure at least 0.85. In reverse the
    right name is within half a nat of the others, and two standard errors for the luck of ninety facts."""
    sizes, options = (30, 30, 30), {"width": 48, "batch": 32, "rate": 5e-3}
    made = np.random.default_rng(8)
    studies = [experiment.study(sizes, made) for _ in range(3)]
    trained = experiment.train(studies, torch.Generator().manual_seed(8), steps=600, **options)
    answers = experiment.ask(trained, studies)
    right = experiment.accuracy(answers, ["group", "taught"]).set_index(["group", "taught"])["right"]
    assert right[:, True].min() >= 0.95
    assert right[:, False].max() <= 0.03
    for group, told in (("name first only", "name first"), ("description first only", "description first")):
        for order in idea.ORDERS:
            found = experiment.likelihood(experiment.crossed(trained, studies, (group, order)), made, 100)
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
    assert experiment.wilson(495, 1513) == pytest.approx((0.304, 0.351), abs=5e-4)


def test_seventy_nine_per_cent_is_not_in_the_file():
    assert celebrities.PAIRS / celebrities.ASKED == 0.7565
    means = data.table("reversal").set_index("model")
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
    assert len(data.table("reversal")) == 6


# SmolLM2 and the paper's documents


def test_the_recorded_answers_show_the_paper_s_pattern():
    means = data.table("reversal_smollm2").groupby(["group", "asked"])[["right_before", "right"]].mean()
    assert means["right_before"].max() == 0
    assert means.loc[("description first only", "description first"), "right"] > 0.9
    assert 0.3 < means.loc[("name first only", "name first"), "right"] < 1
    for cell in (("name first only", "description first"), ("description first only", "name first")):
        assert means.loc[cell, "right"] == 0


needs_documents = pytest.mark.skipif(
    not (finetuning.available() and data.available("reversal-p2d-reverse-randomized")),
    reason="NOT TESTED ON THE PAPER'S DOCUMENTS: no files",
)
FILES = {}
if finetuning.available() and data.available("reversal-p2d-reverse-randomized"):
    every = (*finetuning.TRAINING, *finetuning.TESTS.values(), "reversal-both-test", "reversal-p2d-reverse-randomized")
    FILES = {name: data.fetch(name) for name in every}


@pytest.fixture
def authors(monkeypatch):
    monkeypatch.setattr(data, "fetch", FILES.__getitem__)
    return {name: finetuning.read(path) for name, path in FILES.items()}


@needs_documents
def test_the_paper_s_documents_are_3600_about_90_people(authors):
    parts = [authors[name] for name in finetuning.TRAINING]
    assert [len(part) for part in parts] == [900, 900, 1800]
    assert len({row for part in parts for row in part}) == 3600
    assert all(len(authors[name]) == 300 for name in finetuning.TESTS.values())
    documents, questions = finetuning.load()
    assert len(documents) == 3600
    people = [{answer for _, answer in questions[group, "description first"]} for group in experiment.GROUPS]
    assert [len(some) for some in people] == [30, 30, 30]
    assert len(set.union(*people)) == 90


@needs_documents
def test_each_document_is_about_the_person_that_its_place_says(authors):
    documents, questions = finetuning.load()
    for start, group in zip((0, 900, 1800, 2700), (*experiment.GROUPS, "both orders"), strict=True):
        answers = [answer.strip() for _, answer in questions[group, "description first"]]
        for i in range(900):
            assert answers[10 * (i // 30)].lower() in documents[start + i].lower(), (group, i)


@needs_documents
def test_random_names_of_the_published_file_are_right_13_times_of_300(authors):
    truth, dealt = authors["reversal-p2d-reverse-test"], authors["reversal-p2d-reverse-randomized"]
    assert [prompt for prompt, _ in truth] == [prompt for prompt, _ in dealt]
    assert sum(one == two for one, two in zip(truth, dealt, strict=True)) == 13


class Words:
    """A tokenizer of single letters, for a model without a vocabulary of its own."""

    bos_token_id, eos_token_id = 1, 2

    def __call__(self, text, add_special_tokens=True):
        return {"input_ids": [3 + ord(letter) % 61 for letter in text]}


@pytest.fixture
def llama():
    config = gpt.Config(4, 16, 2, 64, 64)
    return config.model("llama", torch.Generator().manual_seed(0))


def test_upper_layers_on_kept_activations_are_the_whole_model(llama):
    tokens = finetuning._tokens(Words(), "a fact", end=True)
    below, upper = finetuning._upper(llama, [tokens], 2)
    with torch.no_grad():
        assert torch.equal(upper(inputs_embeds=below[0][None], use_cache=False).logits, llama(tokens[None]).logits)
    assert len(llama.model.layers) == 4


@pytest.mark.parametrize("top", [None, 2])
def test_fine_tuning_learns_documents_and_moves_only_what_it_may(llama, top):
    before = {name: value.clone() for name, value in llama.state_dict().items()}
    documents = ["ab is cd", "ef is gh", "ij is kl"]
    generator = torch.Generator().manual_seed(1)
    options = {"epochs": 150, "batch": 2, "rate": 1e-2, "top": top}
    model, losses = finetuning.fine_tune(Words(), llama, documents, generator, **options)
    assert losses[-5:].mean() < (0.5 if top is None else 0.9) * losses[:5].mean()
    moved = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert any("layers.3" in name for name in moved)
    assert any("layers.0" in name for name in moved) == (top is None)
    if top is None:
        seen = finetuning.score(Words(), model, [("ab is", " cd."), ("ef is", " gh.")])
        assert seen["right"].all()
        assert (seen["correct"] > seen["rolled"] + 2).all()


def test_wrong_fine_tuning_is_named(llama):
    generator = torch.Generator()
    with pytest.raises(ValueError, match="top is 4; allowed is less than the model's 4 layers"):
        finetuning.fine_tune(Words(), llama, ["a"], generator, epochs=1, batch=1, rate=1, top=4)
    with pytest.raises(ValueError, match="rate is 0"):
        finetuning.fine_tune(Words(), llama, ["a"], generator, epochs=1, batch=1, rate=0)
    with pytest.raises(ValueError, match="documents is 0"):
        finetuning.fine_tune(Words(), llama, [], generator, epochs=1, batch=1, rate=1)


def test_questions_in_context_hold_both_names_and_ask_about_one(facts):
    asked = finetuning.in_context(facts, np.random.default_rng(0), shots=2)
    assert len(asked) == 12 - 4
    for row, fact in zip(asked.itertuples(), facts, strict=False):
        assert row.answer.strip() == fact.name != row.other.strip()
        last = row.prompt.split("\n\n")[-1]
        assert last.count(fact.description) == 2
        assert last.count(row.answer) + last.startswith(row.answer.strip()) == 1
        assert row.other.strip() in last


# The interactive figure: the JavaScript that the browser runs, run by node


def test_the_browser_trains_the_same_model(tmp_path):
    if shutil.which("node") is None:
        pytest.skip("NOT TESTED IN JAVASCRIPT: no node on PATH")
    kinds = ["in the other order, all facts", "in the other order, told one way"]
    rows = pd.DataFrame({"kind": kinds, "share": 0.5, "right": [0.5, 0], "low": [0.4, 0], "high": [0.6, 0.1]})
    sent = browser.data(rows)
    (tmp_path / "data.json").write_text(json.dumps(sent, default=lambda a: a.tolist()))
    (tmp_path / "update.js").write_text(browser.UPDATE)
    program = """
const fs = require("fs"), data = JSON.parse(fs.readFileSync("data.json"));
const update = new Function("values", "data", "figure", fs.readFileSync("update.js", "utf8"));
console.log(JSON.stringify(update(JSON.parse(process.argv[1]), data, {data: [], layout: {}})));
"""
    for share, steps, model in ((0, 400, "onehot"), (30, 100, "vectors"), (70, 60, "symmetric"), (100, 20, "onehot")):
        values = json.dumps({"share": share, "steps": steps, "model": model})
        done = subprocess.run(["node", "-e", program, values], cwd=tmp_path, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout)
        dimension = browser.DIMENSION if model == "vectors" else None
        options = {"both": share // 10, "rng": np.random.default_rng(0)}
        ours = idea.bilinear_dynamics(10, steps, dimension, model == "symmetric", **options)
        assert np.array(found["result"]["table"]) == pytest.approx(ours.table, abs=1e-9)
        assert found["result"]["all"] == pytest.approx(ours.reverse[-1])
        assert f"{share // 10} of 10 pairs told in both orders" in found["readout"]

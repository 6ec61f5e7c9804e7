"""The forecasting chapter's facts: closed forms, brute force over all signs, scipy and scikit-learn, fractions, a tiny
language model made on the spot; the real one where its weights are at hand."""

from __future__ import annotations

import itertools
import json
import math
import shutil
import subprocess
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from foretold import data
from foretold.kit import pretrained
from foretold.papers.forecasting import draw, experiment, idea
from foretold.papers.forecasting.experiment import calibration, model

GPT4, CROWD, N = (0.20, 0.18), (0.07, 0.08), 23
# Asked here, because no test sees the machine's mirror or cache.
TEXTS = data.fetch("forecastbench-human-markets") if data.available("forecastbench-human-markets") else None
WEIGHTS = pretrained.fetch() if pretrained.available() else None
needs_texts = pytest.mark.skipif(TEXTS is None, reason="NOT TESTED AGAINST FORECASTBENCH'S FILE: no mirror has it")
needs_weights = pytest.mark.skipif(WEIGHTS is None, reason="NOT TESTED WITH SMOLLM2: its weights are not at hand")


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture(scope="module")
def asked():
    return experiment.questions()


@pytest.fixture(scope="module")
def forecasts(asked):
    return experiment.contestants(asked, experiment.answers())


def random_forecasts(rng, n=200):
    return rng.random(n), rng.integers(0, 2, n)


# Tests from moments


def test_the_published_moments_give_the_statistics_that_were_computed_before():
    t, p = idea.t_from_moments(*GPT4, N, 0.25)
    assert t == pytest.approx(-1.33, abs=0.005)
    assert p == pytest.approx(0.196, abs=0.0005)
    t, p = idea.t_between_moments(*GPT4, *CROWD, N)
    assert t == pytest.approx(3.165, abs=0.0005)
    assert p == pytest.approx(0.0028, abs=0.00005)
    assert idea.t_between_moments(*GPT4, *CROWD, N, 0.4) == pytest.approx((3.77, 0.0010), abs=0.005)
    assert idea.t_between_moments(*GPT4, *CROWD, N, -0.2) == pytest.approx((2.95, 0.0073), abs=0.01)
    assert idea.t_from_moments(*CROWD, N, 0.25).t == pytest.approx(-10.8, abs=0.05)


def test_moments_of_real_samples_give_scipy_s_statistics(rng):
    x, y = rng.normal(0.2, 0.2, 31), rng.normal(0.1, 0.1, 31)
    moments = x.mean(), x.std(ddof=1), y.mean(), y.std(ddof=1)
    alone = stats.ttest_1samp(x, 0.25)
    assert idea.t_from_moments(*moments[:2], 31, 0.25) == pytest.approx((alone.statistic, alone.pvalue))
    apart = stats.ttest_ind(x, y)
    assert idea.t_between_moments(*moments, 31) == pytest.approx((apart.statistic, apart.pvalue))
    paired, r = stats.ttest_rel(x, y), np.corrcoef(x, y)[0, 1]
    assert idea.t_between_moments(*moments, 31, r) == pytest.approx((paired.statistic, paired.pvalue))


def test_rounding_is_carried_through_to_the_known_ends():
    low, high = idea.over_rounding(lambda m, s: idea.t_from_moments(m, s, N, 0.25), GPT4)
    assert (low.t, high.t) == pytest.approx((-1.51, -1.17), abs=0.005)
    assert (low.p, high.p) == pytest.approx((0.146, 0.256), abs=0.0005)
    low, high = idea.over_rounding(lambda *m: idea.t_between_moments(*m, N), (*GPT4, *CROWD))
    assert (low.t, high.t) == pytest.approx((2.83, 3.53), abs=0.005)


def test_gpt_4_is_worse_than_the_crowd_with_every_correlation_and_every_rounding(rng):
    for _ in range(3_000):
        mean1, sd1, mean2, sd2 = np.array([*GPT4, *CROWD]) + rng.uniform(-0.005, 0.005, 4)
        assert idea.t_between_moments(mean1, sd1, mean2, sd2, N, rng.uniform(-1, 1)).p < 0.05


def test_the_follow_up_s_statistics_lie_within_the_rounding_of_its_moments():
    low, high = idea.over_rounding(lambda m, s: idea.t_from_moments(m, s, 31, 0.25), (0.20, 0.12))
    assert low.t < -2.35 < high.t
    assert low.p < 0.026 < high.p
    low, high = idea.over_rounding(lambda *m: idea.t_between_moments(*m, 31), (0.20, 0.12, 0.19, 0.19))
    assert low.t < 0.19 < high.t
    assert low.p < 0.850 < high.p


# Power


def test_23_questions_have_a_quarter_of_power_and_104_are_needed():
    assert idea.power(0.05, 0.18, 23) == pytest.approx(0.247, abs=0.0005)
    assert idea.power(0.05, 0.18, 104) == pytest.approx(0.80, abs=0.01)
    assert idea.sample_size(0.05, 0.18) == 104
    assert idea.power(0.05, 0.18, 103) < 0.8 <= idea.power(0.05, 0.18, 104)


def test_power_is_what_simulated_tournaments_find(rng):
    for n in (23, 104):
        drawn = rng.normal(0.20, 0.18, (40_000, n))
        found = np.mean(stats.ttest_1samp(drawn, 0.25, axis=1).pvalue < 0.05)
        assert idea.power(0.05, 0.18, n) == pytest.approx(found, abs=0.01)


def test_power_is_statsmodels_power():
    power = pytest.importorskip("statsmodels.stats.power").TTestPower()
    for effect, n, alpha in ((0.2, 10, 0.05), (0.5, 30, 0.01), (1.3, 8, 0.1)):
        assert idea.power(effect, 1.0, n, alpha) == pytest.approx(power.power(effect, n, alpha), abs=1e-9)


def test_without_a_difference_power_is_the_level():
    assert idea.power(0.0, 1.0, 12, 0.03) == pytest.approx(0.03)
    assert idea.power(-0.4, 1.0, 12) == idea.power(0.4, 1.0, 12)


def test_many_questions_are_counted_as_the_normal_distribution_says():
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    assert idea.sample_size(0.001, 1.0) == pytest.approx((z / 0.001) ** 2, rel=1e-5)
    assert idea.sample_size(10.0, 0.1) == 2


# Scores


def test_always_half_scores_exactly_a_quarter_and_the_truth_scores_nothing(rng):
    for n in (1, 7, 57):
        y = rng.integers(0, 2, n)
        assert idea.brier_score([0.5] * n, y) == 0.25
        assert idea.brier_score(y, y) == 0


def test_scores_equal_scikit_learn_s(rng):
    p, y = random_forecasts(rng)
    assert idea.brier_score(p, y) == pytest.approx(brier_score_loss(y, p), abs=1e-12)
    assert idea.log_score(p, y) == pytest.approx(log_loss(y, p), abs=1e-12)
    assert experiment.discrimination(p, y) == pytest.approx(roc_auc_score(y, p), abs=1e-12)


def test_being_certain_and_wrong_costs_everything():
    assert idea.log_score([0.0, 0.5], [1, 0]) == math.inf
    assert idea.brier_score([0.0, 0.5], [1, 0]) == 0.625


def test_no_lie_improves_the_expected_brier_score():
    tenths = [Fraction(i, 10) for i in range(11)]
    for p, q in itertools.product(tenths, repeat=2):
        expected = q * (1 - p) ** 2 + (1 - q) * p**2
        assert expected - q * (1 - q) == (p - q) ** 2


def test_skill_is_the_share_of_the_reference_s_loss_that_is_saved():
    assert idea.skill_score(0.0, 0.25) == 1
    assert idea.skill_score(0.25, 0.25) == 0
    assert idea.skill_score(0.5, 0.25) == -1


def test_extremising_keeps_order_and_one_half_and_is_undone_by_the_inverse_exponent(rng):
    p = np.sort(rng.random(50))
    pushed = idea.extremise(p, 2.5)
    assert np.all(np.diff(pushed) > 0)
    assert np.all(np.abs(pushed - 0.5) >= np.abs(p - 0.5))
    assert idea.extremise(pushed, 1 / 2.5) == pytest.approx(p)
    assert idea.extremise([0.0, 0.5, 1.0], 3).tolist() == [0, 0.5, 1]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 1)), min_size=1, max_size=80))
def test_murphy_s_parts_add_up_to_the_score(pairs):
    p, y = np.array([a for a, _ in pairs]) / 10, np.array([b for _, b in pairs])
    reliability, resolution, uncertainty = idea.murphy_decomposition(p, y)
    assert reliability - resolution + uncertainty == pytest.approx(idea.brier_score(p, y), abs=1e-12)
    assert min(reliability, resolution, uncertainty) >= 0


def test_murphy_s_parts_by_hand():
    parts = idea.murphy_decomposition([0.2, 0.2, 0.8, 0.8], [0, 1, 1, 1])
    assert parts == pytest.approx((0.5 * 0.09 + 0.5 * 0.04, 0.0625, 0.1875))


# Sign flips


def all_signs(d):
    """The p-value with every pattern written out, in fractions."""
    d = [Fraction(x) for x in d]
    sums = [
        abs(sum(s * x for s, x in zip(signs, d, strict=True))) for signs in itertools.product((1, -1), repeat=len(d))
    ]
    return sum(s >= abs(sum(d)) for s in sums) / len(sums)


def test_halves_count_what_all_patterns_count(rng):
    for n in (1, 2, 5, 10):
        d = rng.normal(0.3, 1, n)
        assert idea.sign_flip_test(d).p == all_signs(d)
    assert idea.sign_flip_test([1, 1, -1, 1]).p == all_signs([1, 1, -1, 1])
    assert idea.sign_flip_test([0.1, 0.2, 0.3, -0.6]).p == 1  # a sum of 0, up to rounding


def test_ten_differences_give_scipy_s_exact_p_value(rng):
    d = rng.normal(0.4, 1, 10)
    exact = stats.permutation_test(
        (d, np.zeros(10)), lambda a, b: np.mean(a - b), permutation_type="samples", n_resamples=np.inf
    )
    assert idea.sign_flip_test(d).p == pytest.approx(exact.pvalue, abs=1e-12)


def test_drawn_patterns_estimate_the_exact_p_value(rng, monkeypatch):
    d = rng.normal(0.25, 1, 20)
    exact = idea.sign_flip_test(d).p
    monkeypatch.setattr(idea, "EXACT_UP_TO", 0)
    drawn = idea.sign_flip_test(d, 100_000, rng).p
    assert drawn == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 1e5))


def test_forty_differences_are_counted_exactly():
    assert idea.sign_flip_test(np.ones(40)).p == 2 / 2**40


# Bad input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: idea.brier_score([1.2], [1]), r"p holds 1.2; allowed are probabilities from 0 to 1"),
        (lambda: idea.brier_score([np.nan], [1]), "p holds nan"),
        (lambda: idea.brier_score([0.5, 0.5], [1]), r"y has shape \(1,\)"),
        (lambda: idea.brier_score([0.5], [0.5]), r"y holds \[0.5\]; allowed are 0 and 1"),
        (lambda: idea.brier_score([], []), "p has shape"),
        (lambda: idea.murphy_decomposition([[0.5]], [[1]]), "p has shape"),
        (lambda: idea.t_from_moments(0.2, 0, 23, 0.25), "sd is 0; allowed is a finite number above 0"),
        (lambda: idea.t_from_moments(0.2, 0.1, 1, 0.25), "n is 1; allowed is a whole number of at least 2"),
        (lambda: idea.t_from_moments(math.nan, 0.1, 9, 0.25), "mean is nan"),
        (lambda: idea.t_between_moments(*GPT4, *CROWD, 23, 1.5), "correlation is 1.5"),
        (lambda: idea.t_between_moments(0.2, 0.1, 0.1, 0.1, 23, 1), "would have no spread"),
        (lambda: idea.power(0.1, 0.2, 23, 1.0), "alpha is 1.0; allowed is a number between 0 and 1"),
        (lambda: idea.sample_size(0, 0.2), "difference is 0; allowed is a number other than 0"),
        (lambda: idea.sample_size(0.1, 0.2, 0.04), "power is 0.04; allowed is a number above alpha"),
        (lambda: idea.sign_flip_test([]), "differences has shape"),
        (lambda: idea.sign_flip_test([np.inf]), "differences has shape"),
        (lambda: idea.sign_flip_test(np.ones(41)), "rng is None"),
        (lambda: idea.sign_flip_test([1.0], 0), "flips is 0"),
        (lambda: idea.skill_score(0.1, 0), "reference is 0"),
        (lambda: idea.extremise([0.5], 0), "exponent is 0"),
        (lambda: experiment.answers("oracle"), "which is 'oracle'; allowed are"),
        (lambda: experiment.cluster_bootstrap([1.0], [1], None), "2 names at least"),
        (lambda: experiment.discrimination([0.5], [1]), "y holds one value only"),
        (lambda: calibration.binned([0.5], [0.6, 1]), "edges run from 0.6"),
        (lambda: calibration.consistency_band([0.5], None, 0), "draws"),
        (lambda: model.ask(None, None, {1: "?"}, ["sung"]), "phrasings holds 'sung'"),
        (lambda: pretrained.load("weights.bin"), "path is 'weights.bin'; allowed is an existing file"),
    ],
)
def test_wrong_input_is_an_error_that_says_what_is_allowed(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# The tournament's table


def test_the_crowd_s_brier_score_on_57_questions_is_the_known_one(asked):
    y = asked["outcome"].to_numpy()
    assert len(asked) == 57
    assert idea.brier_score(asked["crowd"], y) == pytest.approx(0.128614, abs=1e-5)
    errors = idea.squared_errors(asked["crowd"], y)
    assert errors.std(ddof=1) == pytest.approx(0.2165, abs=5e-5)
    assert stats.ttest_1samp(errors, 0.25).statistic == pytest.approx(-4.23, abs=0.005)
    assert y.mean() == pytest.approx(0.263, abs=0.0005)


@needs_texts
def test_the_table_is_the_mirror_s_numbers(asked):
    published = pd.read_csv(TEXTS)
    assert asked["crowd"].to_numpy() == pytest.approx(published["freeze_value"].to_numpy(), abs=5.1e-7)
    assert asked["outcome"].to_numpy().tolist() == published["resolved_to"].tolist()
    assert asked["platform"].str.lower().tolist() == published["source"].tolist()


def test_no_table_claims_to_be_the_paper_s_23_questions():
    assert not [name for name in data.tables() if len(data.table(name)) == 23 and name.startswith("forecasting")]
    assert all("ForecastBench" in data.table(name).attrs["source"] for name in ("forecasting", "forecasting_smollm2"))


def test_every_question_was_asked_in_every_phrasing():
    sizes = {"forecastbench": 57, "facts": len(model.FACTS), "empty": 1}
    for name, questions in sizes.items():
        recorded = experiment.answers(name)
        pairs = set(zip(recorded["question"], recorded["phrasing"], strict=True))
        assert pairs == set(itertools.product(range(1, questions + 1), model.PHRASINGS))
        assert recorded["p_yes"].between(0, 1).all()


def test_negated_phrasings_are_mirror_images_in_the_score():
    rows = [(1, "plain", 0.3, 1.0), (1, "plain, no", 0.6, 1.0)]
    answers = pd.DataFrame(rows, columns=["question", "phrasing", "p_yes", "mass"])
    assert model.event_probabilities(answers).loc[1].to_dict() == {"plain": 0.3, "plain, no": 0.4}


def test_a_model_that_denies_everything_scores_like_the_base_rate_and_knows_nothing(forecasts, asked):
    y = asked["outcome"].to_numpy()
    denial, base = forecasts["model, as asked"], forecasts["base rate"]
    assert idea.brier_score(denial, y) == pytest.approx(idea.brier_score(base, y), abs=0.005)
    assert experiment.discrimination(denial, y) < 0.5
    leaning = experiment.acquiescence(experiment.answers()).mean()
    assert (leaning < 0).all()


# Uncertainty


def test_singletons_make_the_cluster_bootstrap_the_ordinary_one(rng):
    x = rng.normal(0, 1, 60)
    mean, low, high = experiment.cluster_bootstrap(x, np.arange(60), rng, 20_000)
    assert mean == pytest.approx(x.mean())
    expected = 1.96 * x.std() / math.sqrt(60)
    assert (mean - low, high - mean) == pytest.approx((expected, expected), rel=0.06)


def test_repeated_values_do_not_narrow_the_cluster_bootstrap(rng):
    x = rng.normal(0, 1, 30)
    ends = [
        experiment.cluster_bootstrap(values, clusters, np.random.default_rng(1), 5_000)
        for values, clusters in ((x, np.arange(30)), (np.repeat(x, 4), np.repeat(np.arange(30), 4)))
    ]
    assert ends[0] == pytest.approx(ends[1])


def test_isotonic_parts_add_up_and_true_forecasts_lie_in_their_band(rng):
    p = rng.random(300)
    y = (rng.random(300) < p).astype(int)
    parts = calibration.corp(p, y)
    total = parts.miscalibration - parts.discrimination + parts.uncertainty
    assert total == pytest.approx(idea.brier_score(p, y), abs=1e-12)
    assert min(parts) >= 0
    band = calibration.consistency_band(p, rng, 300)
    curve = calibration.recalibrated(p, y)[np.argsort(p)]
    assert np.mean((curve >= band["low"]) & (curve <= band["high"])) > 0.75
    assert calibration.corp(1 - p, y).discrimination < 0.02


def test_pooling_adjacent_violators_is_the_best_monotone_fit(rng):
    y = rng.integers(0, 2, 7)
    best = min(
        sum((a - b) ** 2 for a, b in zip(levels, y, strict=True))
        for levels in itertools.combinations_with_replacement(np.linspace(0, 1, 13), 7)
    )
    ours = calibration.recalibrated(np.linspace(0.1, 0.9, 7), y)
    assert np.sum((ours - y) ** 2) <= best + 1e-12
    assert np.all(np.diff(ours) >= 0)


def test_variance_components_are_found_again(rng):
    table = rng.normal(0, 2, (400, 1)) + rng.normal(0, 1, (1, 60)) + rng.normal(0, 0.5, (400, 60))
    found = experiment.spread(pd.DataFrame(table))
    assert found["question"] == pytest.approx(2, rel=0.1)
    assert found["phrasing"] == pytest.approx(1, rel=0.3)
    assert found["rest"] == pytest.approx(0.5, rel=0.02)


@pytest.mark.slow
def test_the_mixed_model_finds_the_means_of_balanced_data(rng):
    y, means = np.zeros(40), {"a": 0.1, "b": 0.3}
    hard = rng.normal(0, 0.05, 40)
    fake = {name: np.sqrt(np.clip(mean + hard + rng.normal(0, 0.03, 40), 0, 1)) for name, mean in means.items()}
    errors = experiment.long_errors(fake, y, ["a", "b"])
    found = experiment.forecaster_means(experiment.mixed_model(errors, 500, 2, 1))
    for name in means:
        assert found[name].mean() == pytest.approx((fake[name] ** 2).mean(), abs=0.01)
    assert found["SD of questions"].mean() == pytest.approx(0.05, abs=0.02)


# A language model


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A llama of one layer with random weights and words for tokens, saved as a model hub would have it."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = ["<pad>", "<unk>", "Yes", "No", "yes", "no", "Will", "it", "rain", "snow", "Answer", "or", "?", ".", ":"]
    inner = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="<pad>", unk_token="<unk>", eos_token=".")
    torch.manual_seed(0)
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    folder = tmp_path_factory.mktemp("hub") / "tiny"
    LlamaForCausalLM(LlamaConfig(vocab_size=len(words), **size)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_model_of_the_hub_answers_every_question_and_batches_do_not_matter(tiny):
    import torch

    tokenizer, network = pretrained.pretrained(str(tiny))
    questions = {1: "Will it rain?", 2: "Will it snow or rain or snow?", 3: "Will it?"}
    one, many = (model.ask(tokenizer, network, questions, batch=batch) for batch in (1, 30))
    assert len(one) == 3 * len(model.PHRASINGS)
    assert one["p_yes"].to_numpy() == pytest.approx(many["p_yes"].to_numpy(), abs=1e-6)
    # By hand, for the first: the logits after the whole prompt.
    text = model.prompt(tokenizer, model.PHRASINGS["plain"], questions[1])
    with torch.no_grad():
        chance = network(**tokenizer(text, return_tensors="pt")).logits[0, -1].softmax(-1)
    yes, no = (
        float(sum(chance[tokenizer.convert_tokens_to_ids(w)] for w in words))
        for words in (("Yes", "yes"), ("No", "no"))
    )
    assert one.iloc[0]["p_yes"] == pytest.approx(yes / (yes + no), abs=1e-6)
    assert one.iloc[0]["mass"] == pytest.approx(yes + no, abs=1e-6)


def test_another_model_enters_the_tournament_by_name(tiny, tmp_path, monkeypatch):
    import torch

    texts = tmp_path / "texts.csv"
    texts.write_text("question\nWill it rain?\nWill it snow?\n")
    monkeypatch.setattr(data, "available", lambda name: name == "forecastbench-human-markets")
    monkeypatch.setattr(data, "fetch", lambda name: texts)
    assert experiment.ask_now(["plain"], torch.device("cpu")) is None  # no weights of SmolLM2
    found = experiment.ask_now(None, torch.device("cpu"), str(tiny), limit=1)
    assert found["question"].unique().tolist() == [1]
    assert len(found) == len(model.PHRASINGS)


def test_a_model_is_kept_without_pickle_and_comes_back_equal(tiny, tmp_path):
    import torch

    tokenizer, network = pretrained.pretrained(str(tiny))
    pretrained._keep(tmp_path / "read-1", tokenizer, network)
    assert {path.suffix for path in (tmp_path / "read-1").iterdir()} <= {".json", ".safetensors", ".jinja"}
    _, back = pretrained.pretrained(str(tmp_path / "read-1"))
    ids = torch.tensor([[6, 7, 8]])
    assert torch.equal(network(ids).logits, back(ids).logits)
    pretrained._keep(tmp_path / "read-1", tokenizer, network)  # a second writer leaves the first one's folder alone
    assert [path.name for path in tmp_path.iterdir()] == ["read-1"]


@pytest.fixture(scope="module")
def real_model(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORETOLD_CACHE", str(tmp_path_factory.mktemp("cache")))
        first = pretrained.load(WEIGHTS)
        yield first, pretrained.load(WEIGHTS)


@needs_weights
@pytest.mark.slow
def test_smollm2_is_the_same_model_when_it_comes_from_the_cache(real_model):
    import torch

    (tokenizer, first), (_, again) = real_model
    ids = tokenizer("The capital of France is", return_tensors="pt").input_ids
    with torch.no_grad():
        logits = first(ids).logits
        assert torch.equal(logits, again(ids).logits)
    assert tokenizer.decode(logits[0, -1].argmax()) == " Paris"
    assert sum(p.numel() for p in first.parameters()) == pytest.approx(134.5e6, rel=1e-3)


@needs_weights
@pytest.mark.slow
def test_smollm2_answers_as_recorded(real_model):
    (tokenizer, network), _ = real_model
    facts = dict(enumerate(list(model.FACTS)[:4], 1))
    now = model.ask(tokenizer, network, facts, ["plain", "bet, no"])
    both = now.merge(experiment.answers("facts"), on=["question", "phrasing"])
    assert both["p_yes_x"].to_numpy() == pytest.approx(both["p_yes_y"].to_numpy(), abs=2e-4)


# The browser's arithmetic


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_the_browser_computes_the_same_scores(forecasts, asked):
    y = asked["outcome"].to_numpy(float)
    made = draw.browser_data(forecasts, y)
    given = {
        "forecasts": {name: p.tolist() for name, p in made["forecasts"].items()},
        "y": y.tolist(),
        "colours": made["colours"],
        "hues": made["hues"],
    }
    values = {"who": "model, both ways", "exponent": 2.0, "shift": -0.5, "weight": 20}
    body = f"const f = new Function('values', 'data', 'figure', {json.dumps(draw.UPDATE)});"
    script = f"{body} console.log(JSON.stringify(f({json.dumps(values)}, {json.dumps(given)}, {{}}).result))"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    p = 0.8 * idea.extremise(forecasts["model, both ways"], 2.0, -0.5) + 0.1
    assert found["brier"] == pytest.approx(idea.brier_score(p, y), abs=1e-12)
    assert found["log"] == pytest.approx(idea.log_score(p, y), abs=1e-12)
    errors = idea.squared_errors(p, y)
    assert found["t"] == pytest.approx(stats.ttest_1samp(errors, 0.25).statistic, abs=1e-9)


def test_figures_are_drawn(forecasts, asked, rng):
    y = asked["outcome"].to_numpy(float)
    three = {name: forecasts[name] for name in ("crowd", "model, as asked")}
    assert draw.per_question(forecasts, y).axes
    assert len(draw.reliability(three, y, rng, 20).axes) == 2

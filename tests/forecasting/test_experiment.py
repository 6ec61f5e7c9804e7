"""The tournament: scores, uncertainty, a tiny language model made on the spot, the real one where it is at hand."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from foretold.kit import pretrained
from foretold.papers.forecasting import data, experiment, idea

# Asked here, because no test sees the machine's mirror or cache.
WEIGHTS = pretrained.fetch() if pretrained.available() else None
needs_weights = pytest.mark.skipif(WEIGHTS is None, reason="NOT TESTED WITH SMOLLM2: its weights are not at hand")


# The table of scores


def test_the_crowd_s_brier_score_on_57_questions_is_the_known_one(asked):
    y = asked["outcome"].to_numpy()
    assert len(asked) == 57
    assert idea.brier_score(asked["crowd"], y) == pytest.approx(0.128614, abs=1e-5)
    errors = idea.squared_errors(asked["crowd"], y)
    assert errors.std(ddof=1) == pytest.approx(0.2165, abs=5e-5)
    assert stats.ttest_1samp(errors, 0.25).statistic == pytest.approx(-4.23, abs=0.005)
    assert y.mean() == pytest.approx(0.263, abs=0.0005)


def test_a_model_that_denies_everything_scores_like_the_base_rate_and_knows_nothing(forecasts, asked):
    y = asked["outcome"].to_numpy()
    denial, base = forecasts["model, as asked"], forecasts["base rate"]
    assert idea.brier_score(denial, y) == pytest.approx(idea.brier_score(base, y), abs=0.005)
    assert experiment.discrimination(denial, y) < 0.5
    leaning = experiment.acquiescence(data.answers()).mean()
    assert (leaning < 0).all()


def test_discrimination_counts_the_pairs_that_are_in_order(rng):
    p, y = rng.integers(0, 6, 40) / 5, rng.integers(0, 2, 40)
    pairs = [(yes > no) + (yes == no) / 2 for yes in p[y == 1] for no in p[y == 0]]
    assert experiment.discrimination(p, y) == pytest.approx(np.mean(pairs), abs=1e-12)


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
    found = experiment.forecaster_means(experiment.mixed_model(errors, 500, 1))
    for name in means:
        assert found[name].mean() == pytest.approx((fake[name] ** 2).mean(), abs=0.01)
    assert found["SD of questions"].mean() == pytest.approx(0.05, abs=0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: experiment.cluster_bootstrap([1.0, 2.0], [1, 1], None, 9),
            r"clusters is \[1\]; allowed is at least two",
        ),
        (
            lambda: experiment.cluster_bootstrap([1.0, 2.0], [1], None, 9),
            r"the shapes are values \(2,\), clusters \(1,\)",
        ),
        (lambda: experiment.cluster_bootstrap([1.0, 2.0], [1, 2], None, 9), "rng is None; allowed is a numpy"),
        (lambda: experiment.discrimination([0.5], [1]), "y holds one value only"),
        (lambda: experiment.ask(None, None, {1: "?"}, ["sung"]), "phrasings is 'sung'; allowed is one of plain, "),
        (
            lambda: experiment.ask(None, None, {}, ["plain"]),
            r"len\(prompts\) is 0; allowed is a whole number of at least 1",
        ),
        (lambda: pretrained.load("weights.bin"), "path is 'weights.bin'; allowed is an existing file"),
    ],
)
def test_wrong_input_is_an_error_that_says_what_is_allowed(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# A language model


def test_negated_phrasings_are_mirror_images_in_the_score():
    rows = [(1, "plain", 0.3, 1.0), (1, "plain, no", 0.6, 1.0)]
    answers = pd.DataFrame(rows, columns=["question", "phrasing", "p_yes", "mass"])
    assert experiment.event_probabilities(answers).loc[1].to_dict() == {"plain": 0.3, "plain, no": 0.4}


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
    one, many = (experiment.ask(tokenizer, network, questions, batch=batch) for batch in (1, 30))
    assert len(one) == 3 * len(data.PHRASINGS)
    assert one["p_yes"].to_numpy() == pytest.approx(many["p_yes"].to_numpy(), abs=1e-6)
    # By hand, for the first: the logits after the whole prompt.
    text = experiment.prompt(tokenizer, data.PHRASINGS["plain"], questions[1])
    with torch.no_grad():
        chance = network(**tokenizer(text, return_tensors="pt")).logits[0, -1].softmax(-1)
    yes, no = (
        float(sum(chance[tokenizer.convert_tokens_to_ids(w)] for w in words))
        for words in (("Yes", "yes"), ("No", "no"))
    )
    assert one.iloc[0]["p_yes"] == pytest.approx(yes / (yes + no), abs=1e-6)
    assert one.iloc[0]["mass"] == pytest.approx(yes + no, abs=1e-6)


def test_another_model_enters_the_tournament_by_name(tiny, monkeypatch):
    import torch

    assert experiment.ask_now(["plain"], torch.device("cpu"), str(tiny)) is None  # no texts
    monkeypatch.setattr(data, "texts", lambda: {1: "Will it rain?"})
    assert experiment.ask_now(["plain"], torch.device("cpu")) is None  # no weights of SmolLM2
    found = experiment.ask_now(None, torch.device("cpu"), str(tiny))
    assert found["question"].unique().tolist() == [1]
    assert len(found) == len(data.PHRASINGS)


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
    facts = dict(enumerate(list(data.FACTS)[:4], 1))
    now = experiment.ask(tokenizer, network, facts, ["plain", "bet, no"])
    both = now.merge(data.answers("facts"), on=["question", "phrasing"])
    assert both["p_yes_x"].to_numpy() == pytest.approx(both["p_yes_y"].to_numpy(), abs=2e-4)

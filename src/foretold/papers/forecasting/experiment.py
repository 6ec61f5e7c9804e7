"""The tournament on 57 open questions: a small language model as a forecaster, contestants, scores with uncertainty,
a model with question effects."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.metrics import roc_auc_score

from foretold.kit import check, pretrained, uncertainty
from foretold.papers.forecasting import data, idea
from foretold.papers.forecasting.data import AS_ASKED, PHRASINGS, Phrasing
from foretold.papers.forecasting.idea import Array

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# What may stand for an answer at the first place after the question.
ANSWERS = {"yes": ("Yes", " Yes", "yes", " yes"), "no": ("No", " No", "no", " no")}


# A question in several phrasings, and the probability of "Yes" from the logits


def prompt(tokenizer: PreTrainedTokenizerBase, phrasing: Phrasing, question: str) -> str:
    """The text that the model continues: the phrasing, in the model's own form of a conversation if it has one."""
    text = phrasing.text.format(q=question)
    if not tokenizer.chat_template:
        return f"{text}\nAnswer:"
    said = [{"role": "user", "content": text}]
    return tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True)


def yes_probability(
    tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, prompts: Sequence[str], batch: int
) -> tuple[np.ndarray, np.ndarray]:
    """(P(yes), mass), each (n,): the probability of a yes among yes and no at the next token, and how much of the whole
    probability went to either. Raises ValueError when there are no prompts, or for batch < 1."""
    import torch

    check.whole("len(prompts)", len(prompts), 1)
    check.whole("batch", batch, 1)
    p, mass = np.empty(len(prompts)), np.empty(len(prompts))
    ids = {side: _first_tokens(tokenizer, words) for side, words in ANSWERS.items()}
    # Prompts of like length together; padding stands to the right, where a causal model does not look.
    order = np.argsort([len(text) for text in prompts], kind="stable")
    tokenizer.padding_side = "right"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    for rows in np.array_split(order, -(-len(order) // batch)):
        texts = [prompts[row] for row in rows]
        encoded = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False).to(model.device)
        with torch.no_grad():
            hidden = model.base_model(encoded.input_ids, attention_mask=encoded.attention_mask).last_hidden_state
            last = hidden[torch.arange(len(rows)), encoded.attention_mask.sum(1) - 1]
            chance = model.get_output_embeddings()(last).double().softmax(-1).cpu()
        yes, no = (chance[:, ids[side]].sum(1).numpy() for side in ("yes", "no"))
        p[rows], mass[rows] = yes / (yes + no), yes + no
    return p, mass


def _first_tokens(tokenizer: PreTrainedTokenizerBase, words: Sequence[str]) -> list[int]:
    pieces = [tokenizer(word, add_special_tokens=False).input_ids for word in words]
    return sorted({piece[0] for piece in pieces if len(piece) == 1})


def ask(
    tokenizer: PreTrainedTokenizerBase,
    model: PreTrainedModel,
    questions: Mapping[int, str],
    phrasings: Sequence[str] | None = None,
    batch: int = 8,
) -> pd.DataFrame:
    """Every question in every phrasing (by default all of `PHRASINGS`): a row has question (its number), phrasing,
    p_yes and mass. p_yes is of the answer Yes, not of the event. Raises ValueError for an unknown phrasing."""
    names = list(PHRASINGS) if phrasings is None else list(phrasings)
    for name in names:
        check.one_of("phrasings", name, list(PHRASINGS))
    pairs = [(number, name) for name in names for number in questions]
    texts = [prompt(tokenizer, PHRASINGS[name], questions[number]) for number, name in pairs]
    found = pd.DataFrame(pairs, columns=["question", "phrasing"])
    found["p_yes"], found["mass"] = yes_probability(tokenizer, model, texts, batch)
    return found


def ask_now(phrasings: Sequence[str] | None, device: torch.device, hub: str | None = None) -> pd.DataFrame | None:
    """Answers as `data.answers`, of SmolLM2 or of the model `hub` names on the model hub, asked on this machine; None
    where the texts or SmolLM2's weights are not at hand."""
    texts = data.texts()
    if texts is None or not (hub or pretrained.available()):
        return None
    tokenizer, network = pretrained.pretrained(hub, device) if hub else pretrained.load(pretrained.fetch(), device)
    return ask(tokenizer, network, texts, phrasings, 8 if device.type == "cpu" else 64)


def event_probabilities(answers: pd.DataFrame) -> pd.DataFrame:
    """Probability of the *event*, (questions, phrasings): 1 - P(yes) where the phrasing is negated."""
    wide = answers.pivot_table("p_yes", "question", "phrasing")
    wide = wide[[name for name in PHRASINGS if name in wide]]
    return wide.apply(lambda column: 1 - column if PHRASINGS[column.name].negated else column)


# The table of scores


def contestants(asked: pd.DataFrame, recorded: pd.DataFrame) -> dict[str, Array]:
    """Forecasts (n,) by name: the crowd, the model as asked (mean over its phrasings that are not negated), the model
    asked both ways (mean over all, negated ones turned round), 50% and the base rate, which is known in hindsight."""
    events = event_probabilities(recorded).loc[asked.index]
    n = len(asked)
    return {
        "crowd": asked["crowd"].to_numpy(),
        "model, as asked": events[[name for name in AS_ASKED if name in events]].mean(axis=1).to_numpy(),
        "model, both ways": events.mean(axis=1).to_numpy(),
        "always 50%": np.full(n, 0.5),
        "base rate": np.full(n, asked["outcome"].mean()),
    }


def discrimination(p: ArrayLike, y: ArrayLike) -> float:
    """Area under the ROC curve: the probability that a question that resolved yes had the higher forecast. ValueError
    as `forecasting.brier_score`, and when all outcomes are equal."""
    p, y = idea.check_forecasts(p, y)
    if np.ptp(y) == 0:
        raise ValueError("y holds one value only; allowed are outcomes of both kinds")
    return float(roc_auc_score(y, p))


def scoreboard(forecasts: Mapping[str, Array], y: Array) -> pd.DataFrame:
    """One row a contestant: Brier score, its skill over 50% and over the base rate, log score, area under ROC, mean
    distance from 50%, and p of the t test against always 50%."""
    rows = {}
    for name, p in forecasts.items():
        errors = idea.squared_errors(p, y)
        constant = np.ptp(p) == 0
        rows[name] = {
            "Brier": errors.mean(),
            "skill v 50%": idea.skill_score(errors.mean(), 0.25),
            "v base rate": idea.skill_score(errors.mean(), y.mean() * (1 - y.mean())),
            "log": idea.log_score(p, y),
            "AUC": discrimination(p, y),
            "|p - 0.5|": np.abs(p - 0.5).mean(),
            "p v 50%": np.nan if constant else stats.ttest_1samp(errors, 0.25).pvalue,
        }
    return pd.DataFrame(rows).T


def cluster_bootstrap(
    values: ArrayLike, clusters: ArrayLike, rng: np.random.Generator, draws: int
) -> tuple[float, float, float]:
    """Mean and 95% interval (mean, low, high) of `values` (n,), percentiles over resampled *clusters*: what hangs
    together is drawn together.

    Clusters of one value each give the ordinary bootstrap. Raises ValueError when shapes differ or there are fewer than
    two clusters.
    """
    values, clusters = check.vector("values", values), np.asarray(clusters)
    check.same_shape(values=values, clusters=clusters)
    names, member = np.unique(clusters, return_inverse=True)
    if len(names) < 2:
        raise check.refuse("clusters", names.tolist(), "at least two different names")
    total, size = np.bincount(member, values), np.bincount(member)
    drawn = check.generator("rng", rng).integers(0, len(names), (check.whole("draws", draws, 1), len(names)))
    return float(values.mean()), *uncertainty.percentile_interval(total[drawn].sum(1) / size[drawn].sum(1))


def stretched(forecasts: Mapping[str, Array], y: Array) -> pd.DataFrame:
    """Brier scores after `forecasting.extremise`: columns exponent, name, Brier."""
    rows = [
        (exponent, name, idea.brier_score(idea.extremise(p, exponent), y))
        for name, p in forecasts.items()
        for exponent in np.geomspace(0.1, 5, 69)
    ]
    return pd.DataFrame(rows, columns=["exponent", "name", "Brier"])


def hybrids(forecasts: Mapping[str, Array], y: Array) -> pd.DataFrame:
    """Brier scores of the crowd mixed with the model as asked and with two constants: columns weight (of what is mixed
    in), name, Brier."""
    rows = [
        (weight, name, idea.brier_score((1 - weight) * forecasts["crowd"] + weight * forecasts[name], y))
        for name in ("model, as asked", "always 50%", "base rate")
        for weight in np.linspace(0, 1, 101)
    ]
    return pd.DataFrame(rows, columns=["weight", "name", "Brier"])


def acquiescence(recorded: pd.DataFrame) -> pd.DataFrame:
    """P(yes) to a question plus P(yes) to its negation, minus 1, (questions, phrasings): 0 for a consistent forecaster,
    above 0 for one who says Yes to anything, below 0 for one who says No."""
    said = recorded.pivot_table("p_yes", "question", "phrasing")
    return pd.DataFrame({name: said[name] + said[f"{name}, no"] - 1 for name in AS_ASKED})


def spread(table: pd.DataFrame) -> pd.Series:
    """Variance components of a (questions, phrasings) table by the two-way analysis of variance, as SDs: "question",
    "phrasing" and "rest" (an estimate below 0 counts as 0)."""
    x = table.to_numpy()
    rows, columns = x.shape
    rest = x - x.mean(1, keepdims=True) - x.mean(0) + x.mean()
    ms_rest = (rest**2).sum() / ((rows - 1) * (columns - 1))
    ms_rows, ms_columns = columns * x.mean(1).var(ddof=1), rows * x.mean(0).var(ddof=1)
    parts = {
        "question": (ms_rows - ms_rest) / columns,
        "phrasing": (ms_columns - ms_rest) / rows,
        "rest": ms_rest,
    }
    return pd.Series({name: np.sqrt(max(0.0, part)) for name, part in parts.items()})


def long_errors(forecasts: Mapping[str, Array], y: Array, names: Sequence[str]) -> pd.DataFrame:
    """Squared errors as a long table for a mixed model: question, forecaster, error."""
    parts = [
        pd.DataFrame({"question": np.arange(len(y)), "forecaster": name, "error": (forecasts[name] - y) ** 2})
        for name in names
    ]
    frame = pd.concat(parts, ignore_index=True)
    frame["question"] = frame["question"].astype(str)
    return frame


def mixed_model(errors: pd.DataFrame, draws: int, seed: int) -> Any:
    """Posterior of a Bambi model, error ~ 0 + forecaster + (1 | question): a mean for each forecaster, a normal effect
    for each question, and Bambi's own weakly informative priors. Two chains of `draws` each."""
    import bambi

    built = bambi.Model("error ~ 0 + forecaster + (1 | question)", errors)
    with warnings.catch_warnings():
        # Where PyTensor came by pip it warns about its speed with large matrices; here they have six columns.
        warnings.filterwarnings("ignore", "PyTensor could not link to a BLAS", UserWarning)
        return built.fit(draws=draws, tune=1_000, chains=2, cores=1, random_seed=seed, progressbar=False, quiet=True)


def forecaster_means(fitted: Any) -> pd.DataFrame:
    """Posterior draws as a table: the mean error of each forecaster, and the two SDs, of questions and of the rest."""
    means = fitted.posterior["forecaster"]
    values = means.to_numpy().reshape(-1, means.shape[-1])
    found = pd.DataFrame(values, columns=means["forecaster_dim"].to_numpy())
    for name, title in (("1|question_sigma", "SD of questions"), ("sigma", "SD of the rest")):
        found[title] = fitted.posterior[name].to_numpy().ravel()
    return found

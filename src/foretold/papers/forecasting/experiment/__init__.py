"""The tournament on 57 open questions: contestants, scores with uncertainty, a model with question effects."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from foretold import data
from foretold.kit import pretrained
from foretold.papers.forecasting import idea
from foretold.papers.forecasting.experiment import model
from foretold.papers.forecasting.idea import Array

if TYPE_CHECKING:
    import torch

# The table's rows, in the order of the question set.
PLATFORMS = {"Manifold": 16, "Metaculus": 9, "INFER": 10, "Polymarket": 22}


def questions() -> pd.DataFrame:
    """The 57 questions by number: crowd (probability of yes), outcome, family (our coding), platform."""
    found = data.table("forecasting").set_index("question")
    found["platform"] = np.repeat(list(PLATFORMS), list(PLATFORMS.values()))
    return found


def answers(which: str = "forecastbench") -> pd.DataFrame:
    """What SmolLM2 answered, as recorded, to one set: "forecastbench", "facts" or "empty". Raises ValueError for
    another name."""
    found = data.table("forecasting_smollm2")
    sets = sorted(set(found["set"]))
    if which not in sets:
        raise ValueError(f"which is {which!r}; allowed are {', '.join(sets)}")
    return found[found["set"] == which].drop(columns="set")


def ask_now(
    phrasings: Sequence[str] | None, device: torch.device, hub: str | None = None, limit: int | None = None
) -> pd.DataFrame | None:
    """Answers as `answers`, of SmolLM2 or of the model `hub` names on the model hub, asked on this machine; None where
    the texts or SmolLM2's weights are not at hand. `limit` keeps the first questions only."""
    if not data.available("forecastbench-human-markets") or not (hub or pretrained.available()):
        return None
    texts = pd.read_csv(data.fetch("forecastbench-human-markets"))["question"][:limit]
    tokenizer, network = pretrained.pretrained(hub, device) if hub else pretrained.load(pretrained.fetch(), device)
    return model.ask(tokenizer, network, dict(enumerate(texts, 1)), phrasings, 8 if device.type == "cpu" else 64)


def contestants(asked: pd.DataFrame, recorded: pd.DataFrame) -> dict[str, Array]:
    """Forecasts (n,) by name: the crowd, the model as asked (mean over its phrasings that are not negated), the model
    asked both ways (mean over all, negated ones turned round), 50% and the base rate, which is known in hindsight."""
    events = model.event_probabilities(recorded).loc[asked.index]
    n = len(asked)
    return {
        "crowd": asked["crowd"].to_numpy(),
        "model, as asked": events[[name for name in model.AS_ASKED if name in events]].mean(axis=1).to_numpy(),
        "model, both ways": events.mean(axis=1).to_numpy(),
        "always 50%": np.full(n, 0.5),
        "base rate": np.full(n, asked["outcome"].mean()),
    }


def discrimination(p: ArrayLike, y: ArrayLike) -> float:
    """Area under the ROC curve: the probability that a question that resolved yes had the higher forecast. ValueError
    as `forecasting.brier_score`, and when all outcomes are equal."""
    p, y = idea.check_forecasts(p, y)
    yes, no = p[y == 1], p[y == 0]
    if not len(yes) or not len(no):
        raise ValueError("y holds one value only; allowed are outcomes of both kinds")
    ranks = stats.rankdata(np.concatenate([yes, no]))
    return float((ranks[: len(yes)].sum() - len(yes) * (len(yes) + 1) / 2) / (len(yes) * len(no)))


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
    values: ArrayLike, clusters: ArrayLike, rng: np.random.Generator, draws: int = 10_000, level: float = 0.95
) -> tuple[float, float, float]:
    """(mean, low, high) of `values` (n,), percentiles over resampled *clusters*: what hangs together is drawn together.

    Clusters of one value each give the ordinary bootstrap. Raises ValueError when shapes differ or there are fewer than
    two clusters.
    """
    values, clusters = np.asarray(values, float), np.asarray(clusters)
    names, member = np.unique(clusters, return_inverse=True)
    if values.shape != clusters.shape or values.ndim != 1 or len(names) < 2:
        raise ValueError(
            f"clusters has shape {clusters.shape} and {len(names)} names; allowed is {values.shape}, 2 names at least"
        )
    total, size = np.bincount(member, values), np.bincount(member)
    drawn = rng.integers(0, len(names), (draws, len(names)))
    means = total[drawn].sum(1) / size[drawn].sum(1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(values.mean()), float(low), float(high)


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
    return pd.DataFrame({name: said[name] + said[f"{name}, no"] - 1 for name in model.AS_ASKED})


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


def mixed_model(errors: pd.DataFrame, draws: int, chains: int, seed: int) -> Any:
    """Posterior of a Bambi model, error ~ 0 + forecaster + (1 | question): a mean for each forecaster, a normal effect
    for each question, and Bambi's own weakly informative priors."""
    import bambi

    built = bambi.Model("error ~ 0 + forecaster + (1 | question)", errors)
    with warnings.catch_warnings():
        # Where PyTensor came by pip it warns about its speed with large matrices; here they have six columns.
        warnings.filterwarnings("ignore", "PyTensor could not link to a BLAS", UserWarning)
        return built.fit(
            draws=draws, tune=1_000, chains=chains, cores=1, random_seed=seed, progressbar=False, quiet=True
        )


def forecaster_means(fitted: Any) -> pd.DataFrame:
    """Posterior draws as a table: the mean error of each forecaster, and the two SDs, of questions and of the rest."""
    means = fitted.posterior["forecaster"]
    values = means.to_numpy().reshape(-1, means.shape[-1])
    found = pd.DataFrame(values, columns=means["forecaster_dim"].to_numpy())
    for name, title in (("1|question_sigma", "SD of questions"), ("sigma", "SD of the rest")):
        found[title] = fitted.posterior[name].to_numpy().ravel()
    return found

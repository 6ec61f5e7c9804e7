"""How each claim of the coin chapter is measured, from the table of counts; with its rivals and its sabotage.

Parts named mean, low and high are those of a posterior: its mean and the ends of its central 95% interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from foretold.claims import Measured, measures
from foretold.papers.coins import idea

Inputs = dict[str, Any]


# Summaries


def posterior_parts(mean: float, low: float, high: float) -> Measured:
    """A posterior's mean and 95% interval as three numbers, each with a region of its own."""
    return Measured({"mean": mean, "low": low, "high": high})


def pooled(counts: pd.DataFrame, column: str) -> Measured:
    """The share of flips that are `column` ("same" or "heads"), all flips alike."""
    people = idea.summary(counts)
    return posterior_parts(*idea.proportion(int(people[column].sum()), int(people["n"].sum())))


def without(counts: pd.DataFrame, left_out: Sequence[str]) -> pd.DataFrame:
    """The table without some people."""
    return counts[~counts["person"].isin(list(left_out))]


# Quadratures take seconds, and several claims look at the same table: each is made once.

Rows = tuple[tuple[Any, ...], ...]  # of a table of counts, which a cache can compare


def rows_of(counts: pd.DataFrame) -> Rows:
    """The person and the four counts of each row."""
    return tuple(counts[["person", *idea.COUNTS]].itertuples(index=False, name=None))


@lru_cache(maxsize=32)
def averaged(rows: Rows) -> idea.ModelAverage:
    """The average over eight models."""
    return idea.model_average(pd.DataFrame(list(rows), columns=["person", *idea.COUNTS]))


@lru_cache(maxsize=32)
def estimated(rows: Rows) -> idea.Posterior:
    """The posterior under people who differ."""
    return idea.posterior(pd.DataFrame(list(rows), columns=["person", *idea.COUNTS]))


def inclusion(counts: pd.DataFrame, effect: str) -> float:
    """The inclusion Bayes factor of "same", "heads" or "people"."""
    return averaged(rows_of(counts)).inclusion_bayes_factor[effect]


def same_if_alike(counts: pd.DataFrame, left_out: Sequence[str] = ()) -> float:
    """The Bayes factor for a same-side bias if all flips were alike."""
    people = idea.summary(without(counts, left_out))
    return float(np.exp(idea.log_bayes_factor_same(int(people["same"].sum()), int(people["n"].sum()))))


def people_by_gaussians(counts: pd.DataFrame, left_out: Sequence[str] = ()) -> float:
    """The Bayes factor for people who differ, with a normal density in the place of each person's likelihood: midpoints
    for the common logit, geometric nodes for the spread."""
    people = idea.summary(without(counts, left_out))
    share = people["p_same"].to_numpy()[:, None, None]
    variance = 1 / (people["n"].to_numpy()[:, None, None] * share * (1 - share))
    spread, logit = np.geomspace(1e-3, 0.25, 120)[:, None], (np.arange(400) + 0.5) * 0.0004
    p, prior = special.expit(logit), stats.beta(5100, 4900)
    log_spread = stats.gamma(4, scale=1 / 200).logpdf(spread) + np.log(spread * np.log(spread[1] / spread[0]))
    log_logit = prior.logpdf(p) - prior.logsf(0.5) + np.log(p * (1 - p) * 0.0004)

    def log_marginal(spread: Any, logit: Any) -> Any:
        return stats.norm.logpdf(special.logit(share), logit, np.sqrt(spread**2 + variance)).sum(0)

    alike = np.logaddexp(log_marginal(0, 0).item(), special.logsumexp(log_marginal(0, logit) + log_logit))
    no_bias = special.logsumexp(log_marginal(spread, 0) + log_spread)
    both = special.logsumexp(log_marginal(spread, logit) + log_spread + log_logit)
    return float(np.exp(np.logaddexp(no_bias, both) - alike))


# Sabotage


def _changed(counts: pd.DataFrame, row: int, **by: int) -> pd.DataFrame:
    table = counts.copy()
    for column, amount in by.items():
        table.iloc[row, table.columns.get_loc(column)] += amount
    return table


def busiest(counts: pd.DataFrame) -> int:
    """The row with the most flips."""
    return int(counts[idea.COUNTS].sum(axis=1).to_numpy().argmax())


def sides_swapped(rng: np.random.Generator, counts: pd.DataFrame, **others: Any) -> Inputs:
    """Same and different in each other's place, for whoever flipped most."""
    row = busiest(counts)
    hs, hd, ts, td = (int(value) for value in counts[idea.COUNTS].iloc[row])
    return {
        "counts": _changed(counts, row, heads_same=hd - hs, heads_diff=hs - hd, tails_same=td - ts, tails_diff=ts - td)
    }


def tails_made_heads(rng: np.random.Generator, counts: pd.DataFrame, **others: Any) -> Inputs:
    """400 tails of whoever flipped most are heads."""
    return {"counts": _changed(counts, busiest(counts), heads_same=400, tails_diff=-400)}


def quartered(rng: np.random.Generator, counts: pd.DataFrame, **others: Any) -> Inputs:
    """A quarter of all flips, in the same proportions."""
    return {"counts": counts.assign(**{name: counts[name] // 4 for name in idea.COUNTS})}


def dealt(rng: np.random.Generator, counts: pd.DataFrame, **others: Any) -> Inputs:
    """Landings dealt at random over people, who keep their numbers of flips from heads and from tails."""
    from_heads = (counts["heads_same"] + counts["tails_diff"]).to_numpy()
    from_tails = (counts["heads_diff"] + counts["tails_same"]).to_numpy()
    hs = rng.multivariate_hypergeometric(from_heads, int(counts["heads_same"].sum()))
    ts = rng.multivariate_hypergeometric(from_tails, int(counts["tails_same"].sum()))
    landed = {"heads_same": hs, "tails_diff": from_heads - hs, "tails_same": ts, "heads_diff": from_tails - ts}
    return {"counts": counts.assign(**landed)}


def one_fewer(rng: np.random.Generator, counts: pd.DataFrame, left_out: Sequence[str]) -> Inputs:
    """Three of the four are left out."""
    return {"left_out": list(left_out)[:-1]}


def all_kept(rng: np.random.Generator, counts: pd.DataFrame, left_out: Sequence[str]) -> Inputs:
    """Nobody is left out."""
    return {"left_out": []}


# All flips alike


def typical(counts: pd.DataFrame) -> Measured:
    """The typical person's probability of the same side: people weighed nearly alike."""
    found = estimated(rows_of(counts))
    return posterior_parts(*found.proportion(found.theta))


@measures(
    "same-side",
    rivals={"people weighed alike": typical},
    sabotage={"sides swapped for one person": sides_swapped, "a quarter of the flips": quartered},
)
def same_side(counts: pd.DataFrame) -> Measured:
    return pooled(counts, "same")


@measures("heads", sabotage={"400 tails made heads": tails_made_heads, "a quarter of the flips": quartered})
def heads(counts: pd.DataFrame) -> Measured:
    return pooled(counts, "heads")


# People differ: Bayes factors


@measures(
    "bf-same",
    rivals={"all flips alike": same_if_alike, "no evidence": lambda counts: 1.0},
    sabotage={"sides swapped for one person": sides_swapped, "dealt over people": dealt},
)
def bf_same(counts: pd.DataFrame) -> Measured:
    return Measured(inclusion(counts, "same"))


@measures(
    "bf-people",
    rivals={"a Gaussian for each person": people_by_gaussians, "no evidence": lambda counts: 1.0},
    sabotage={"dealt over people": dealt},
)
def bf_people(counts: pd.DataFrame) -> Measured:
    return Measured(inclusion(counts, "people"))


@measures("bf-heads", rivals={"no evidence": lambda counts: 1.0}, sabotage={"400 tails made heads": tails_made_heads})
def bf_heads(counts: pd.DataFrame) -> Measured:
    return Measured(inclusion(counts, "heads"))


@measures(
    "bf-same-without-four",
    rivals={"all flips alike": same_if_alike},
    sabotage={"three left out": one_fewer, "the four kept": all_kept},
)
def bf_same_without_four(counts: pd.DataFrame, left_out: Sequence[str]) -> Measured:
    return Measured(inclusion(without(counts, left_out), "same"))


@measures(
    "bf-people-without-four",
    rivals={"a Gaussian for each person": people_by_gaussians},
    sabotage={"three left out": one_fewer, "the four kept": all_kept},
)
def bf_people_without_four(counts: pd.DataFrame, left_out: Sequence[str]) -> Measured:
    return Measured(inclusion(without(counts, left_out), "people"))


# People differ: sizes


@measures(
    "theta",
    rivals={"all flips alike": lambda counts: pooled(counts, "same")},
    sabotage={"dealt over people": dealt},
)
def theta(counts: pd.DataFrame) -> Measured:
    return typical(counts)


@measures("sd-people", sabotage={"dealt over people": dealt})
def sd_people(counts: pd.DataFrame) -> Measured:
    return posterior_parts(*estimated(rows_of(counts)).sd_people())


@measures("alpha", rivals={"exactly one half": lambda counts: 0.5}, sabotage={"400 tails made heads": tails_made_heads})
def alpha(counts: pd.DataFrame) -> Measured:
    found = estimated(rows_of(counts))
    mean, low, high = found.proportion(found.alpha)
    return Measured(mean, interval=(low, high))


@measures("theta-without-four", sabotage={"the four kept": all_kept})
def theta_without_four(counts: pd.DataFrame, left_out: Sequence[str]) -> Measured:
    return typical(without(counts, left_out))


@measures("sd-people-without-four", sabotage={"the four kept": all_kept})
def sd_people_without_four(counts: pd.DataFrame, left_out: Sequence[str]) -> Measured:
    return posterior_parts(*estimated(rows_of(without(counts, left_out))).sd_people())


# A question


@measures("new-person")
def new_person(counts: pd.DataFrame) -> Measured:
    found = estimated(rows_of(counts))
    mean, low, high = found.proportion(found.new_person)
    return Measured(
        {"probability": mean, "share below one half": found.new_person.below(0.0)},
        interval={"probability": (low, high)},
    )

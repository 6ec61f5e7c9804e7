"""How each claim of the paging chapter is measured, with its rivals and its sabotage.

`worst` are rows of `theory.worst_costs`. `prices` has a row for each side of errors ("zeros": true zeros were flipped,
so that wrong bits are ones), policy, trace and rate, with the extra faults for each wrong bit. `ratios` has the cost
over the optimum for each trace and policy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from foretold.claims import Measured, measures
from foretold.papers.paging import theory

Change = Callable[[Fraction], Fraction]


# Upper bounds on every small instance


def excess(worst: pd.DataFrame, policy: str, of_zero: Change = lambda beta: beta, ones: int = 1) -> float:
    """The largest cost minus the policy's bound, its price of a wrong zero changed, wrong ones counted `ones` times."""
    bounds = {}
    for k in worst["k"].unique():
        alpha, beta, gamma = theory.coefficients(policy, int(k))
        bounds[k] = (alpha, of_zero(beta), ones * gamma)
    return float(theory.excess(worst, bounds))


def one_more(rng: np.random.Generator, worst: pd.DataFrame) -> dict[str, Any]:
    """Every instance costs a fault more."""
    return {"worst": worst.assign(numerator=worst["numerator"] + worst["denominator"])}


def fewer_zeros(rng: np.random.Generator, worst: pd.DataFrame) -> dict[str, Any]:
    """Half of the wrong zeros, rounded down, are called right."""
    return {"worst": worst.assign(eta0=worst["eta0"] // 2)}


@measures(
    "flush-bound",
    rivals={
        "half a fault less for a wrong zero": lambda worst: excess(worst, "flush", lambda beta: beta - Fraction(1, 2))
    },
    sabotage={"half of the wrong zeros called right": fewer_zeros, "one fault more": one_more},
)
def flush_bound(worst: pd.DataFrame) -> Measured:
    return Measured(excess(worst, "flush"))


@measures(
    "mark0-bound",
    rivals={"half of the price of a wrong zero": lambda worst: excess(worst, "mark0", lambda beta: beta / 2)},
    sabotage={"one fault more": one_more},
)
def mark0_bound(worst: pd.DataFrame) -> Measured:
    return Measured(excess(worst, "mark0"))


@measures(
    "mark-predict-bound",
    rivals={"wrong bits for nothing": lambda worst: excess(worst, "mark_predict", lambda beta: Fraction(0), 0)},
    sabotage={"one fault more": one_more},
)
def mark_predict_bound(worst: pd.DataFrame) -> Measured:
    return Measured(excess(worst, "mark_predict"))


# On traces


def largest(ratios: pd.DataFrame, policy: str) -> float:
    """Cost over optimum of a policy, the larger of the traces."""
    return float(ratios.loc[ratios["policy"] == policy, "ratio"].max())


@measures(
    "phase-consistency",
    rivals={
        "LRU without bits": lambda ratios: largest(ratios, "lru"),
        "Marker without bits": lambda ratios: largest(ratios, "marker"),
    },
)
def phase_consistency(ratios: pd.DataFrame) -> Measured:
    return Measured(largest(ratios, "mark_predict"))


def price(prices: pd.DataFrame, side: str, policies: Sequence[str]) -> float:
    """The largest number of extra faults for a wrong bit."""
    chosen = (prices["side"] == side) & prices["policy"].isin(policies)
    return float(prices.loc[chosen, "price"].max())


def dearer(factor: float) -> Callable[..., dict[str, Any]]:
    """Extra faults times a factor."""
    return lambda rng, prices, **others: {"prices": prices.assign(price=factor * prices["price"])}


@measures("wrong-one", sabotage={"five per cent more faults": dearer(1.05)})
def wrong_one(prices: pd.DataFrame) -> Measured:
    return Measured(price(prices, "zeros", ["flush", "mark0"]))


@measures("wrong-zero-flush", sabotage={"ten per cent more faults": dearer(1.1)})
def wrong_zero_flush(prices: pd.DataFrame, k: int) -> Measured:
    return Measured(price(prices, "ones", ["flush"]))


def flush_as_mark0(rng: np.random.Generator, prices: pd.DataFrame, k: int) -> dict[str, Any]:
    """Flush's prices are called Mark0's."""
    return {"prices": prices.assign(policy=prices["policy"].replace({"flush": "mark0", "mark0": "flush"}))}


@measures(
    "wrong-zero-mark0",
    rivals={"three times as dear": lambda prices, k: 3 * price(prices, "ones", ["mark0"])},
    sabotage={"Flush in its place": flush_as_mark0},
)
def wrong_zero_mark0(prices: pd.DataFrame, k: int) -> Measured:
    return Measured(price(prices, "ones", ["mark0"]))


def mark0_in_place(rng: np.random.Generator, ratios: pd.DataFrame, k: int) -> dict[str, Any]:
    """Mark0's costs are called those of Mark&Predict."""
    names = {"mark0": "mark_predict", "mark_predict": "mark0"}
    return {"ratios": ratios.assign(policy=ratios["policy"].replace(names))}


@measures(
    "phase-robust",
    rivals={"Mark0 with every bit wrong": lambda ratios, k: largest(ratios, "mark0")},
    sabotage={"Mark0 in its place": mark0_in_place},
)
def phase_robust(ratios: pd.DataFrame, k: int) -> Measured:
    return Measured(largest(ratios, "mark_predict"))


@measures("price-of-a-wrong-zero")
def price_of_a_wrong_zero(spans: Mapping[str, Sequence[float]]) -> Measured:
    (low, here, high), (least, other, most) = spans["flush"], spans["mark0"]
    return Measured(here - other, interval=(low - most, high - least))

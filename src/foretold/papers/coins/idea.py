"""Fair coins tend to land on the same side they started: the algorithms of the coin chapter.

Paper: Bartos et al., "Fair coins tend to land on the same side they started: evidence from 350,757 flips", JASA
120(552), 2025, arXiv 2310.04153.
The model, written from the paper's description. Person k has a logit ``b_k = logit(theta) + gamma_k`` with
``gamma_k ~ N(0, sigma)``, and all coins share ``a = logit(alpha)``:

    logit P(heads | started heads) = a + b_k        logit P(heads | started tails) = a - b_k

so theta is the probability that a coin lands on the side it started from, alpha the probability of heads, sigma how
much people differ (logit scale).
Binomial coefficients are left out of every marginal likelihood here, as they cancel in Bayes factors.
A `counts` table has one row per person and the columns of `COLUMNS`: side on which the coin landed, and whether it
started there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special, stats

from foretold.papers.coins import theory
from foretold.papers.coins.theory import Floats, Pair

if TYPE_CHECKING:
    import pymc

COUNTS = ["heads_same", "heads_diff", "tails_same", "tails_diff"]
COLUMNS = ["person", *COUNTS]
NODES = (71, 81, 25)  # grid points in sigma, theta and alpha; doubling them moves no printed digit


# --- checks and totals


def check_counts(counts: pd.DataFrame) -> Floats:
    """The four counts of each person, shape (people, 4) in the order of `COUNTS`.

    Raises ValueError on missing columns, no rows, missing, negative or fractional counts, a person twice, and a person
    without flips.
    """
    if not isinstance(counts, pd.DataFrame):
        raise ValueError(f"counts is a {type(counts).__name__}; allowed is a DataFrame with columns {COLUMNS}")
    missing = [name for name in COLUMNS if name not in counts.columns]
    if missing:
        raise ValueError(f"counts lacks the columns {missing}; allowed is a table with columns {COLUMNS}")
    if not len(counts):
        raise ValueError("counts has 0 rows; allowed is at least one person")
    numbers = counts[COUNTS].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    bad = ~(np.isfinite(numbers) & (numbers >= 0) & (numbers == np.floor(numbers)))
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        where = f"{COUNTS[column]} of {counts['person'].iloc[row]!r}"
        raise ValueError(f"counts: {where} is {counts[COUNTS].iloc[row, column]!r}; allowed are whole numbers >= 0")
    if counts["person"].duplicated().any():
        who = counts["person"][counts["person"].duplicated()].iloc[0]
        raise ValueError(f"counts: person {who!r} stands twice; allowed is one row for each person")
    if (numbers.sum(1) == 0).any():
        raise ValueError(
            f"counts: {counts['person'].iloc[int(np.argmin(numbers.sum(1)))]!r} has 0 flips; allowed is at least 1"
        )
    return numbers


def summary(counts: pd.DataFrame) -> pd.DataFrame:
    """Per person, in the order of `counts`: flips n, same, heads, started_heads, and p_same = same / n."""
    hs, hd, ts, td = check_counts(counts).astype(int).T
    table = pd.DataFrame(
        {"person": counts["person"].to_numpy(), "n": hs + hd + ts + td, "same": hs + ts, "heads": hs + hd}
    )
    return table.assign(started_heads=hs + td, p_same=table["same"] / table["n"])


def _check_binomial(name: str, successes: float, n: float) -> None:
    for label, value in ((name, successes), ("n", n)):
        if not isinstance(value, Real) or not np.isfinite(value) or value < 0 or value != np.floor(value):
            raise ValueError(f"{label} is {value!r}; allowed is a whole number >= 0")
    if successes > n:
        raise ValueError(f"{name} is {successes!r}; allowed is at most n = {n!r}")


def _check_positive(name: str, *values: float) -> None:
    if not all(isinstance(value, Real) and np.isfinite(value) and value > 0 for value in values):
        raise ValueError(
            f"{name} is {values if len(values) > 1 else values[0]!r}; allowed are finite numbers greater than 0"
        )


def proportion(successes: int, n: int, a: float = 1, b: float = 1, level: float = 0.95) -> tuple[float, float, float]:
    """Posterior (mean, low, high) of a proportion with a Beta(a, b) prior; the paper pools with a = b = 1."""
    _check_binomial("successes", successes, n)
    _check_positive("(a, b)", a, b)
    if not 0 < level < 1:
        raise ValueError(f"level is {level!r}; allowed is a number between 0 and 1")
    belief = stats.beta(a + successes, b + n - successes)
    return float(belief.mean()), *(float(end) for end in belief.interval(level))


# --- one coin, one tosser: Bayes factors in closed form


def log_bayes_factor_same(same: int, n: int, a: float = 5100, b: float = 4900) -> float:
    """Natural log of the Bayes factor for a same-side bias when all flips are alike.

    H1: theta ~ Beta(a, b) truncated to (1/2, 1), against H0: theta = 1/2, for `same` of `n` flips (the paper's
    pre-registered test).
    Raises ValueError unless 0 <= same <= n are whole and a, b > 0.
    """
    _check_binomial("same", same, n)
    _check_positive("(a, b)", a, b)
    above_half = stats.beta.logsf(0.5, a + same, b + n - same) - stats.beta.logsf(0.5, a, b)
    return float(special.betaln(a + same, b + n - same) - special.betaln(a, b) + above_half + n * np.log(2))


def log_bayes_factor_heads(heads: int, n: int, a: float = 5000, b: float = 5000) -> float:
    """Natural log of the Bayes factor of alpha ~ Beta(a, b) against alpha = 1/2, all flips alike. Errors as above."""
    _check_binomial("heads", heads, n)
    _check_positive("(a, b)", a, b)
    return float(special.betaln(a + heads, b + n - heads) - special.betaln(a, b) + n * np.log(2))


# --- the model average


@dataclass(frozen=True)
class ModelAverage:
    """Log marginal likelihoods of the 8 models; the key (same, heads, people) says which effects a model has."""

    log_marginal: Mapping[tuple[bool, bool, bool], float]

    @property
    def inclusion_bayes_factor(self) -> dict[str, float]:
        """Posterior odds of the models with an effect over those without, all 8 models equally likely beforehand."""
        return {name: float(np.exp(value)) for name, value in self.log_inclusion_bayes_factor.items()}

    @property
    def log_inclusion_bayes_factor(self) -> dict[str, float]:
        """Natural logs of the inclusion Bayes factors of "same", "heads" and "people"."""

        def total(i: int, present: bool) -> float:
            return float(special.logsumexp([v for model, v in self.log_marginal.items() if model[i] is present]))

        return {name: total(i, True) - total(i, False) for i, name in enumerate(("same", "heads", "people"))}

    @property
    def probability(self) -> dict[tuple[bool, bool, bool], float]:
        """Posterior probability of each model."""
        total = special.logsumexp(list(self.log_marginal.values()))
        return {model: float(np.exp(value - total)) for model, value in self.log_marginal.items()}


def model_average(
    counts: pd.DataFrame,
    *,
    theta: Pair = (5100, 4900),
    alpha: Pair = (5000, 5000),
    sigma: Pair = (4, 200),
    nodes: tuple[int, int, int] = NODES,
) -> ModelAverage:
    """Average over the 8 models with or without a same-side bias, a heads-tails bias, and differences between people.

    Priors, the paper's by default: theta ~ Beta(*theta) truncated to (1/2, 1), alpha ~ Beta(*alpha),
    sigma ~ Gamma(shape, rate); an absent effect is theta = 1/2, alpha = 1/2, sigma = 0. `nodes` are the numbers of
    grid points in sigma, theta and alpha. Deterministic; about a second. Raises ValueError
    as `check_counts` does, and unless all prior parameters are > 0.
    """
    return model_averages(counts, [np.ones(len(counts), bool)], theta=theta, alpha=alpha, sigma=sigma, nodes=nodes)[0]


def model_averages(
    counts: pd.DataFrame,
    subsets: Sequence[ArrayLike],
    *,
    theta: Pair = (5100, 4900),
    alpha: Pair = (5000, 5000),
    sigma: Pair = (4, 200),
    nodes: tuple[int, int, int] = NODES,
) -> list[ModelAverage]:
    """`model_average` for several subsets of the people, each a boolean mask (people,): what one person contributes is
    computed once and added up.
    """
    numbers = check_counts(counts)
    for name, pair in (("theta", theta), ("alpha", alpha), ("sigma", sigma)):
        _check_positive(name, *pair)
    masks = [np.asarray(mask, dtype=bool) for mask in subsets]
    for mask in masks:
        if mask.shape != (len(counts),) or not mask.any():
            raise ValueError(
                f"subsets has a mask of shape {mask.shape} with {mask.sum()} people; "
                f"allowed is shape ({len(counts)},) with at least one"
            )
    prior = stats.gamma(sigma[0], scale=1 / sigma[1])
    smallest, largest = theory.sigma_range(numbers, 0.05 * float(prior.mean()), float(prior.isf(1e-12)))
    t, *log_theta = theory.axis("theta", numbers, theta, True, prior.mean(), nodes[1])
    a, *log_alpha = theory.axis("alpha", numbers, alpha, False, 0.0, nodes[2])
    s = np.geomspace(smallest, largest, nodes[0])
    log_sigma = theory.sigma_weights(s, prior)
    # The point values theta = 1/2 and alpha = 1/2 of the simpler models ride along as a last grid point.
    axes = theory.Axes(s, np.append(t, 0.0), np.append(a, 0.0), theory.person_nodes(numbers, t, smallest, largest))
    people = theory.person_log_marginals(numbers, axes)
    where = {True: slice(0, -1), False: slice(-1, None)}
    weight_t, weight_a = {True: sum(log_theta), False: np.zeros(1)}, {True: sum(log_alpha), False: np.zeros(1)}
    averages = []
    for mask in masks:
        together, found = people[mask].sum(axis=0), {}
        alone = numbers[mask].sum(axis=0, keepdims=True)
        t, *tw = theory.axis("theta", alone, theta, True, 0.0, 121)
        a, *aw = theory.axis("alpha", alone, alpha, False, 0.0, 41)
        for same, heads in product((False, True), repeat=2):
            grid = together[where[heads], :, where[same]]
            log_weight = weight_a[heads][:, None, None] + log_sigma[:, None] + weight_t[same]
            found[same, heads, True] = float(special.logsumexp(grid + log_weight))
            flat = theory.log_likelihood(alone, t if same else np.zeros(1), a if heads else np.zeros(1))[0]
            flat = flat + (sum(aw)[:, None] if heads else 0) + (sum(tw) if same else 0)
            found[same, heads, False] = float(special.logsumexp(flat))
        averages.append(ModelAverage(found))
    return averages


# --- the posterior of the full model


@dataclass(frozen=True)
class Posterior:
    """Posterior of the model with all three effects, on the logit scale; `proportion` turns a marginal into P."""

    theta: theory.Marginal
    alpha: theory.Marginal
    sigma: theory.Marginal
    new_person: theory.Marginal
    people: Mapping[str, theory.Marginal]

    @staticmethod
    def proportion(marginal: theory.Marginal, level: float = 0.95) -> tuple[float, float, float]:
        """(mean, low, high) of the probability 1 / (1 + exp(-x))."""
        low, high = special.expit(marginal.quantile([(1 - level) / 2, (1 + level) / 2]))
        return marginal.expect(special.expit), float(low), float(high)

    def sd_people(self, level: float = 0.95) -> tuple[float, float, float]:
        """(mean, low, high) of the standard deviation over people as the paper prints it, a difference of
        probabilities: 1 / (1 + exp(-sigma)) - 1/2.
        """
        mean, low, high = self.proportion(self.sigma, level)
        return mean - 0.5, low - 0.5, high - 0.5


def posterior(
    counts: pd.DataFrame,
    *,
    theta: Pair = (312, 312),
    alpha: Pair = (312, 312),
    sigma: float = 0.04,
    nodes: tuple[int, int, int] = NODES,
) -> Posterior:
    """Posterior of theta, alpha, sigma, each person and a new person, by quadrature.

    Priors: theta ~ Beta(*theta), alpha ~ Beta(*alpha), sigma ~ half-Normal(sigma) on the logit scale. The defaults are
    the paper's priors for estimation (here theta may lie below 1/2). Errors as `model_average`.
    """
    numbers = check_counts(counts)
    for name, values in (("theta", theta), ("alpha", alpha), ("sigma", (sigma,))):
        _check_positive(name, *values)
    prior = stats.halfnorm(scale=sigma)
    smallest, largest = theory.sigma_range(numbers, 0.03 * sigma, 7 * sigma)
    t, t_weight, t_prior = theory.axis("theta", numbers, theta, False, sigma, nodes[1])
    a, a_weight, a_prior = theory.axis("alpha", numbers, alpha, False, 0.0, nodes[2])
    s = np.geomspace(smallest, largest, nodes[0])
    axes = theory.Axes(s, t, a, theory.person_nodes(numbers, t, smallest, largest))
    each = theory.person_log_marginals(numbers, axes)
    s_weight = theory.sigma_weights(s, prior)
    joint = each.sum(axis=0) + (a_weight + a_prior)[:, None, None] + s_weight[:, None] + t_weight + t_prior
    joint -= special.logsumexp(joint)
    # A person's density is N(b; theta, sigma) times that person's likelihood, averaged over the joint posterior;
    # a new person has no likelihood.
    weights, top = theory.person_weights(numbers, axes)
    mass = np.exp(joint)
    people, new = np.zeros((len(numbers), len(axes.person))), np.zeros(len(axes.person))
    for i in range(len(s)):
        kernel = theory.people_kernel(axes, i)
        new += kernel @ mass[:, i].sum(axis=0)
        share = mass[:, i] * np.exp(top[:, None, None] - each[:, :, i])
        people += np.einsum("kab,kab->kb", weights, share @ kernel.T)
    with np.errstate(divide="ignore"):
        log_people, log_new = np.log(people), np.log(new)
    on_sigma = special.logsumexp(joint, axis=(0, 2)) - s_weight + prior.logpdf(s)
    return Posterior(
        theta=theory.Marginal.through(t, special.logsumexp(joint, axis=(0, 1)) - t_weight),
        alpha=theory.Marginal.through(a, special.logsumexp(joint, axis=(1, 2)) - a_weight),
        sigma=theory.Marginal.through(s, on_sigma),
        new_person=theory.Marginal.through(axes.person, log_new),
        people={
            name: theory.Marginal.through(axes.person, row)
            for name, row in zip(counts["person"], log_people, strict=True)
        },
    )


def hierarchical_model(
    counts: pd.DataFrame, *, theta: Pair = (312, 312), alpha: Pair = (312, 312), sigma: float = 0.04
) -> pymc.Model:
    """The same model for PyMC: variables theta, alpha, sigma, person (logits, one a person; dims "name").

    Centred: with thousands of flips each person's logit is known so well that drawing it directly mixes better than
    drawing deviations. Errors as `posterior`.
    """
    import pymc as pm

    hs, hd, ts, td = check_counts(counts).astype(int).T
    for name, values in (("theta", theta), ("alpha", alpha), ("sigma", (sigma,))):
        _check_positive(name, *values)
    with pm.Model(coords={"name": counts["person"].to_list()}) as model:
        same = pm.Beta("theta", *theta)
        a = pm.math.logit(pm.Beta("alpha", *alpha))
        spread = pm.HalfNormal("sigma", sigma)
        start = np.log((hs + ts + 0.5) / (hd + td + 0.5))
        b = pm.Normal("person", pm.math.logit(same), spread, dims="name", initval=start)
        pm.Binomial("heads_from_heads", n=hs + td, logit_p=a + b, observed=hs)
        pm.Binomial("heads_from_tails", n=hd + ts, logit_p=a - b, observed=hd)
    return model

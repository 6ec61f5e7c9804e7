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
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from foretold.kit import check
from foretold.papers.coins import theory
from foretold.papers.coins.theory import Axis, Floats, Pair

if TYPE_CHECKING:
    import pymc

COUNTS = ["heads_same", "heads_diff", "tails_same", "tails_diff"]
COLUMNS = ["person", *COUNTS]
NODES = (71, 81, 25)  # grid points in sigma, theta and alpha; doubling them moves no printed digit
# The paper's priors for estimation: theta and alpha ~ Beta(312, 312), sigma ~ half-Normal(0.04).
BETA, HALF_NORMAL = (312, 312), 0.04
TAILS = (1 - 0.95) / 2, (1 + 0.95) / 2  # the ends of a central 95% interval


# --- counts


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
    twice = counts["person"].duplicated()
    if twice.any():
        who = counts["person"][twice].iloc[0]
        raise ValueError(f"counts: person {who!r} stands twice; allowed is one row for each person")
    flips = numbers.sum(1)
    if (flips == 0).any():
        who = counts["person"].iloc[int(np.argmin(flips))]
        raise ValueError(f"counts: {who!r} has 0 flips; allowed is at least 1")
    return numbers


def summary(counts: pd.DataFrame) -> pd.DataFrame:
    """Per person, in the order of `counts`: flips n, same, heads, started_heads, and p_same = same / n."""
    hs, hd, ts, td = check_counts(counts).astype(int).T
    table = pd.DataFrame(
        {"person": counts["person"].to_numpy(), "n": hs + hd + ts + td, "same": hs + ts, "heads": hs + hd}
    )
    return table.assign(started_heads=hs + td, p_same=table["same"] / table["n"])


# --- all flips alike: closed forms


def proportion(successes: int, n: int) -> tuple[float, float, float]:
    """Posterior mean and 95% interval (mean, low, high) of a proportion with a Beta(1, 1) prior: how the paper pools.

    Raises ValueError unless 0 <= successes <= n are whole.
    """
    successes, n = _check_binomial("successes", successes, n)
    belief = stats.beta(1 + successes, 1 + n - successes)
    low, high = belief.interval(0.95)
    return float(belief.mean()), float(low), float(high)


def log_bayes_factor_same(same: int, n: int, a: float = 5100, b: float = 4900) -> float:
    """Natural log of the Bayes factor for a same-side bias when all flips are alike.

    H1: theta ~ Beta(a, b) truncated to (1/2, 1), against H0: theta = 1/2, for `same` of `n` flips (the paper's
    pre-registered test).
    Raises ValueError unless 0 <= same <= n are whole and a, b > 0.
    """
    same, n = _check_binomial("same", same, n)
    a, b = check.positive("a", a), check.positive("b", b)
    above_half = stats.beta.logsf(0.5, a + same, b + n - same) - stats.beta.logsf(0.5, a, b)
    return float(special.betaln(a + same, b + n - same) - special.betaln(a, b) + above_half + n * np.log(2))


def log_bayes_factor_heads(heads: int, n: int, a: float = 5000, b: float = 5000) -> float:
    """Natural log of the Bayes factor of alpha ~ Beta(a, b) against alpha = 1/2, all flips alike. Errors as above."""
    heads, n = _check_binomial("heads", heads, n)
    a, b = check.positive("a", a), check.positive("b", b)
    return float(special.betaln(a + heads, b + n - heads) - special.betaln(a, b) + n * np.log(2))


def _check_binomial(name: str, successes: int, n: int) -> tuple[int, int]:
    n = check.whole("n", n)
    return check.whole(name, successes, 0, n, f"a whole number from 0 to n = {n}"), n


# --- people differ: the average over 8 models


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


def people_differ(grid: Floats, theta: Axis, alpha: Axis, log_sigma: Floats) -> dict[tuple[bool, bool], float]:
    """Log marginal likelihoods of the four models in which people differ; the key is (same, heads).

    `grid` (A + 1, S, T + 1) is the log-likelihood of all people on the nodes of alpha, sigma and theta. Its last row
    stands for alpha = 1/2, its last column for theta = 1/2: there the simpler models are. `log_sigma` (S,) are the log
    prior masses of sigma.
    """
    nodes, one_half = slice(0, -1), slice(-1, None)
    found = {}
    for same, heads in product((False, True), repeat=2):
        a, rows = (alpha, nodes) if heads else (theory.ONE_HALF, one_half)
        t, columns = (theta, nodes) if same else (theory.ONE_HALF, one_half)
        log_prior = a.log_mass[:, None, None] + log_sigma[:, None] + t.log_mass
        found[same, heads] = float(special.logsumexp(grid[rows, :, columns] + log_prior))
    return found


def people_alike(total: Floats, theta: Pair, alpha: Pair) -> dict[tuple[bool, bool], float]:
    """Log marginal likelihoods of the four models in which all flips are alike; the key is (same, heads). `total` (4,)
    are the counts of all people together, `theta` and `alpha` the parameters of the beta priors."""
    numbers = total[None]
    t_axis = theory.beta_axis(theta, theory.likely_theta(numbers, 0.0), 121, above_half=True)
    a_axis = theory.beta_axis(alpha, theory.likely_alpha(numbers), 41)
    found = {}
    for same, heads in product((False, True), repeat=2):
        t, a = t_axis if same else theory.ONE_HALF, a_axis if heads else theory.ONE_HALF
        grid = theory.log_likelihood(numbers, t.x, a.x)[0]
        found[same, heads] = float(special.logsumexp(grid + a.log_mass[:, None] + t.log_mass))
    return found


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
    masks = [_check_subset(mask, len(counts)) for mask in subsets]
    for name, pair in (("theta", theta), ("alpha", alpha), ("sigma", sigma)):
        for i, value in enumerate(pair):
            check.positive(f"{name}[{i}]", value)
    prior = stats.gamma(sigma[0], scale=1 / sigma[1])
    s = theory.sigma_nodes(numbers, 0.05 * float(prior.mean()), float(prior.isf(1e-12)), nodes[0])
    t = theory.beta_axis(theta, theory.likely_theta(numbers, prior.mean()), nodes[1], above_half=True)
    a = theory.beta_axis(alpha, theory.likely_alpha(numbers), nodes[2])
    at_half = theory.ONE_HALF.x
    person = theory.person_nodes(numbers, t.x, s)
    axes = theory.Axes(s, np.append(t.x, at_half), np.append(a.x, at_half), person)
    each, log_sigma = theory.person_log_marginals(numbers, axes), theory.sigma_weights(s, prior)
    averages = []
    for mask in masks:
        differ = people_differ(each[mask].sum(axis=0), t, a, log_sigma)
        alike = people_alike(numbers[mask].sum(axis=0), theta, alpha)
        found = {}
        for same, heads in differ:
            found[same, heads, True] = differ[same, heads]
            found[same, heads, False] = alike[same, heads]
        averages.append(ModelAverage(found))
    return averages


def _check_subset(mask: ArrayLike, people: int) -> NDArray[np.bool_]:
    mask = np.asarray(mask, dtype=bool)
    if mask.shape != (people,) or not mask.any():
        raise ValueError(
            f"subsets has a mask of shape {mask.shape} with {mask.sum()} people; "
            f"allowed is shape ({people},) with at least one"
        )
    return mask


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
    def proportion(marginal: theory.Marginal) -> tuple[float, float, float]:
        """Mean and 95% interval (mean, low, high) of the probability 1 / (1 + exp(-x))."""
        low, high = special.expit(marginal.quantile(TAILS))
        return marginal.expect(special.expit), float(low), float(high)

    def sd_people(self) -> tuple[float, float, float]:
        """Mean and 95% interval of the standard deviation over people as the paper prints it, a difference of
        probabilities: 1 / (1 + exp(-sigma)) - 1/2.
        """
        mean, low, high = self.proportion(self.sigma)
        return mean - 0.5, low - 0.5, high - 0.5


def posterior(counts: pd.DataFrame) -> Posterior:
    """Posterior of theta, alpha, sigma, each person and a new person, by quadrature.

    Priors, the paper's for estimation: theta and alpha ~ Beta(312, 312), sigma ~ half-Normal(0.04) on the logit scale
    (here theta may lie below 1/2). Raises ValueError as `check_counts` does.
    """
    numbers = check_counts(counts)
    prior = stats.halfnorm(scale=HALF_NORMAL)
    s = theory.sigma_nodes(numbers, 0.03 * HALF_NORMAL, 7 * HALF_NORMAL, NODES[0])
    t = theory.beta_axis(BETA, theory.likely_theta(numbers, HALF_NORMAL), NODES[1])
    a = theory.beta_axis(BETA, theory.likely_alpha(numbers), NODES[2])
    axes = theory.Axes(s, t.x, a.x, theory.person_nodes(numbers, t.x, s))
    each, log_sigma = theory.person_log_marginals(numbers, axes), theory.sigma_weights(s, prior)
    joint = each.sum(axis=0) + a.log_mass[:, None, None] + log_sigma[:, None] + t.log_weight + t.log_prior
    joint -= special.logsumexp(joint)
    on_theta, on_alpha, on_sigma = (special.logsumexp(joint, axis=others) for others in ((0, 1), (1, 2), (0, 2)))
    people, new = theory.person_densities(numbers, axes, each, joint)
    with np.errstate(divide="ignore"):
        log_people, log_new = np.log(people), np.log(new)
    through = theory.Marginal.through
    return Posterior(
        theta=through(t.x, on_theta - t.log_weight),
        alpha=through(a.x, on_alpha - a.log_weight),
        sigma=through(s, on_sigma - log_sigma + prior.logpdf(s)),
        new_person=through(axes.person, log_new),
        people={name: through(axes.person, row) for name, row in zip(counts["person"], log_people, strict=True)},
    )


def hierarchical_model(counts: pd.DataFrame) -> pymc.Model:
    """The same model for PyMC: variables theta, alpha, sigma, person (logits, one a person; dims "name").

    Centred: with thousands of flips each person's logit is known so well that drawing it directly mixes better than
    drawing deviations. Errors as `posterior`.
    """
    import pymc as pm

    hs, hd, ts, td = check_counts(counts).astype(int).T
    with pm.Model(coords={"name": counts["person"].to_list()}) as model:
        theta = pm.Beta("theta", *BETA)
        a = pm.math.logit(pm.Beta("alpha", *BETA))
        sigma = pm.HalfNormal("sigma", HALF_NORMAL)
        start = np.log((hs + ts + 0.5) / (hd + td + 0.5))
        b = pm.Normal("person", pm.math.logit(theta), sigma, dims="name", initval=start)
        pm.Binomial("heads_from_heads", n=hs + td, logit_p=a + b, observed=hs)
        pm.Binomial("heads_from_tails", n=hd + ts, logit_p=a - b, observed=hd)
    return model

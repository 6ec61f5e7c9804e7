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
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats
from scipy.interpolate import CubicSpline

if TYPE_CHECKING:
    import pymc
    import torch

COUNTS = ["heads_same", "heads_diff", "tails_same", "tails_diff"]
COLUMNS = ["person", *COUNTS]
Floats = NDArray[np.float64]
Pair = tuple[float, float]
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


# --- many people: the likelihood with each person's deviation integrated out


def log_likelihood(numbers: Floats, b: Floats, a: Floats) -> Floats:
    """Log-likelihood, shape (people, len(a), len(b)), of person logits `b` and heads logits `a`."""
    up, down = special.log_expit(a[:, None] + b), special.log_expit(a[:, None] - b)
    # heads_same: +(a+b)   heads_diff: +(a-b)   tails_same: -(a-b)   tails_diff: -(a+b)
    terms = np.stack([up, down, special.log_expit(b - a[:, None]), special.log_expit(-a[:, None] - b)])
    return np.tensordot(numbers, terms, axes=1)


@dataclass(frozen=True)
class Axes:
    """The grid: sigma (S), logit theta (T), logit alpha (A), and nodes for a person's own logit (B)."""

    sigma: Floats
    theta: Floats
    alpha: Floats
    person: Floats


def _people_kernel(axes: Axes, s: int) -> Floats:
    """Quadrature weights N(b; logit theta, sigma_s) db, shape (B, T)."""
    step = axes.person[1] - axes.person[0]
    return stats.norm.pdf(axes.person[:, None], axes.theta, axes.sigma[s]) * step


def _weights_of_people(numbers: Floats, axes: Axes) -> tuple[Floats, Floats]:
    """exp(log-likelihood - its maximum), shape (people, A, B), and the maxima (people,)."""
    values = log_likelihood(numbers, axes.person, axes.alpha)
    top = values.max(axis=(1, 2))
    return np.exp(values - top[:, None, None]), top


def person_log_marginals(counts: pd.DataFrame, axes: Axes) -> Floats:
    """log of the likelihood of each person with gamma integrated out, shape (people, A, S, T).

    The person's logit b = logit(theta) + gamma is the variable of integration, on equally spaced nodes that all people
    share. So the likelihood is evaluated once for each node, and the integrals for all theta are one matrix product.
    The trapezoid rule on a bell-shaped integrand converges faster than any power of the step.
    """
    weights, top = _weights_of_people(check_counts(counts), axes)
    out = np.empty((*weights.shape[:2], len(axes.sigma), len(axes.theta)))
    for s in range(len(axes.sigma)):
        out[:, :, s] = weights @ _people_kernel(axes, s)
    with np.errstate(divide="ignore"):
        return np.log(out, out=out) + top[:, None, None, None]


def _axis(
    name: str, numbers: Floats, prior: Pair, truncated: bool, sigma: float, nodes: int
) -> tuple[Floats, Floats, Floats]:
    """Gauss nodes, their log weights and log prior densities, for the logit of theta or of alpha (`name`), where both
    prior and likelihood can have mass; `sigma` is a typical spread of people.
    """
    n = numbers.sum()
    wins = numbers[:, [0, 2]] if name == "theta" else numbers[:, [0, 1]]
    guesses = [special.logit((wins.sum() + 0.5) / (n + 1))]
    error = 2 / np.sqrt(n)
    if name == "theta":  # people differ: the mean of their logits is a second guess
        logits, _ = _person_logits(numbers)
        guesses.append(logits.mean())
        error = np.sqrt(error**2 + (logits.var() + 4 * sigma**2) / len(numbers))
    low, high = (float(special.logit(stats.beta.ppf(q, *prior))) for q in (1e-13, 1 - 1e-13))
    low = max(low, 0.0) if truncated else low
    near = max(low, min(guesses) - 8 * error), min(high, max(guesses) + 8 * error)
    if near[0] >= near[1]:  # prior and likelihood do not overlap: stay where the prior is
        near = low, min(high, low + 8 * error) if truncated else high
    x, w = np.polynomial.legendre.leggauss(nodes)
    x, w = (near[1] + near[0]) / 2 + (near[1] - near[0]) / 2 * x, (near[1] - near[0]) / 2 * w
    log_prior = prior[0] * special.log_expit(x) + prior[1] * special.log_expit(-x) - special.betaln(*prior)
    return x, np.log(w), log_prior - (stats.beta.logsf(0.5, *prior) if truncated else 0.0)


def _person_nodes(numbers: Floats, theta: Floats, smallest: float, largest: float) -> Floats:
    """Equally spaced nodes for a person's logit, wherever both a likelihood and some N(theta, sigma) can have mass."""
    logit, error = _person_logits(numbers)
    low = max((logit - 9 * error).min(), theta.min() - 8 * largest)
    high = min((logit + 9 * error).max(), theta.max() + 8 * largest)
    step = 1.5 * smallest
    return low + step * np.arange(int(np.ceil((high - low) / step)) + 1)


def _person_logits(numbers: Floats) -> tuple[Floats, Floats]:
    """Each person's logit of the proportion of same-side landings, and its standard error."""
    n = numbers.sum(1)
    return special.logit((numbers[:, 0] + numbers[:, 2] + 0.5) / (n + 1)), 2 / np.sqrt(n)


def _sigma_range(numbers: Floats, low: float, high: float) -> tuple[float, float]:
    """Smallest and largest sigma on the grid: the prior's range, but no finer than the data resolve and no narrower."""
    logit, error = _person_logits(numbers)
    return max(low, 0.05 * float(error.min())), max(high, 4 * float(logit.std()))


def _sigma_weights(sigma: Floats, prior: Any) -> Floats:
    """Log weights of geometric sigma nodes. The first also gets the prior mass below it (a flat likelihood)."""
    step = np.log(sigma[1] / sigma[0])
    ends = np.ones(len(sigma))
    ends[[0, -1]] = 0.5
    weights = prior.pdf(sigma) * sigma * step * ends
    weights[0] += prior.cdf(sigma[0])
    return np.log(weights)


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
    smallest, largest = _sigma_range(numbers, 0.05 * float(prior.mean()), float(prior.isf(1e-12)))
    t, *log_theta = _axis("theta", numbers, theta, True, prior.mean(), nodes[1])
    a, *log_alpha = _axis("alpha", numbers, alpha, False, 0.0, nodes[2])
    s = np.geomspace(smallest, largest, nodes[0])
    log_sigma = _sigma_weights(s, prior)
    # The point values theta = 1/2 and alpha = 1/2 of the simpler models ride along as a last grid point.
    axes = Axes(s, np.append(t, 0.0), np.append(a, 0.0), _person_nodes(numbers, t, smallest, largest))
    people = person_log_marginals(counts, axes)
    where = {True: slice(0, -1), False: slice(-1, None)}
    weight_t, weight_a = {True: sum(log_theta), False: np.zeros(1)}, {True: sum(log_alpha), False: np.zeros(1)}
    averages = []
    for mask in masks:
        together, found = people[mask].sum(axis=0), {}
        alone = numbers[mask].sum(axis=0, keepdims=True)
        t, *tw = _axis("theta", alone, theta, True, 0.0, 121)
        a, *aw = _axis("alpha", alone, alpha, False, 0.0, 41)
        for same, heads in product((False, True), repeat=2):
            grid = together[where[heads], :, where[same]]
            log_weight = weight_a[heads][:, None, None] + log_sigma[:, None] + weight_t[same]
            found[same, heads, True] = float(special.logsumexp(grid + log_weight))
            flat = log_likelihood(alone, t if same else np.zeros(1), a if heads else np.zeros(1))[0]
            flat = flat + (sum(aw)[:, None] if heads else 0) + (sum(tw) if same else 0)
            found[same, heads, False] = float(special.logsumexp(flat))
        averages.append(ModelAverage(found))
    return averages


# --- the posterior of the full model


@dataclass(frozen=True)
class Marginal:
    """A one-dimensional density: equally spaced `x` (points,), `density` (points,) that sums to 1 / spacing."""

    x: Floats
    density: Floats

    @classmethod
    def through(cls, x: Floats, log_density: Floats, points: int = 4001) -> Marginal:
        """A smooth density through unnormalised log values at increasing `x`."""
        use = np.isfinite(log_density) & (log_density > log_density.max() - 80)
        fine = np.linspace(x[use][0], x[use][-1], points)
        density = np.exp(CubicSpline(x[use], log_density[use] - log_density.max())(fine))
        return cls(fine, density / density.sum() / (fine[1] - fine[0]))

    def expect(self, function: Any) -> float:
        """Expectation of a function of x."""
        return float(np.sum(function(self.x) * self.density) * (self.x[1] - self.x[0]))

    def quantile(self, q: ArrayLike) -> Floats:
        """Quantiles, by the cumulated density."""
        step = self.x[1] - self.x[0]
        return np.interp(q, (np.cumsum(self.density) - 0.5 * self.density) * step, self.x)

    def below(self, x: float) -> float:
        """Probability of a value below x."""
        step = self.x[1] - self.x[0]
        return float(np.interp(x, self.x, (np.cumsum(self.density) - 0.5 * self.density) * step, left=0, right=1))


@dataclass(frozen=True)
class Posterior:
    """Posterior of the model with all three effects, on the logit scale; `proportion` turns a marginal into P."""

    theta: Marginal
    alpha: Marginal
    sigma: Marginal
    new_person: Marginal
    people: Mapping[str, Marginal]

    @staticmethod
    def proportion(marginal: Marginal, level: float = 0.95) -> tuple[float, float, float]:
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
    smallest, largest = _sigma_range(numbers, 0.03 * sigma, 7 * sigma)
    t, t_weight, t_prior = _axis("theta", numbers, theta, False, sigma, nodes[1])
    a, a_weight, a_prior = _axis("alpha", numbers, alpha, False, 0.0, nodes[2])
    s = np.geomspace(smallest, largest, nodes[0])
    axes = Axes(s, t, a, _person_nodes(numbers, t, smallest, largest))
    each = person_log_marginals(counts, axes)
    s_weight = _sigma_weights(s, prior)
    joint = each.sum(axis=0) + (a_weight + a_prior)[:, None, None] + s_weight[:, None] + t_weight + t_prior
    joint -= special.logsumexp(joint)
    # A person's density is N(b; theta, sigma) times that person's likelihood, averaged over the joint posterior;
    # a new person has no likelihood.
    weights, top = _weights_of_people(numbers, axes)
    mass = np.exp(joint)
    people, new = np.zeros((len(numbers), len(axes.person))), np.zeros(len(axes.person))
    for i in range(len(s)):
        kernel = _people_kernel(axes, i)
        new += kernel @ mass[:, i].sum(axis=0)
        share = mass[:, i] * np.exp(top[:, None, None] - each[:, :, i])
        people += np.einsum("kab,kab->kb", weights, share @ kernel.T)
    with np.errstate(divide="ignore"):
        log_people, log_new = np.log(people), np.log(new)
    on_sigma = special.logsumexp(joint, axis=(0, 2)) - s_weight + prior.logpdf(s)
    return Posterior(
        theta=Marginal.through(t, special.logsumexp(joint, axis=(0, 1)) - t_weight),
        alpha=Marginal.through(a, special.logsumexp(joint, axis=(1, 2)) - a_weight),
        sigma=Marginal.through(s, on_sigma),
        new_person=Marginal.through(axes.person, log_new),
        people={
            name: Marginal.through(axes.person, row) for name, row in zip(counts["person"], log_people, strict=True)
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


# --- practice, and the physics


def practice_curve(flips: ArrayLike, asymptote: ArrayLike, toss_part: ArrayLike, exponent: ArrayLike) -> Floats:
    """P(same side) after `flips` flips, shape (draws, flips), by the paper's time model.

    logit P = logit(asymptote) + logit(toss_part) * t**exponent with t = 1 + flips / 1000.
    `asymptote`, `toss_part` (probabilities) and `exponent` have shape (draws,). Raises ValueError on negative flips
    and on probabilities outside (0, 1).
    """
    t = np.atleast_1d(np.asarray(flips, float))
    low, part, power = (np.atleast_1d(np.asarray(x, float))[:, None] for x in (asymptote, toss_part, exponent))
    if not (t >= 0).all():
        raise ValueError(f"flips has the smallest value {t.min():g}; allowed are numbers >= 0")
    for name, p in (("asymptote", low), ("toss_part", part)):
        if not ((p > 0) & (p < 1)).all():
            raise ValueError(f"{name} spans {p.min():g} to {p.max():g}; allowed are probabilities between 0 and 1")
    return special.expit(special.logit(low) + special.logit(part) * (1 + t / 1000) ** power)


def same_side_probability(psi: ArrayLike) -> Floats:
    """P(same side) of a coin caught at a random moment; `psi` (radians) is its normal's angle to the angular momentum.

    1/2 + arcsin(cot(psi)**2) / pi between 45 and 135 degrees, and 1 outside: there the coin never turns over
    (Diaconis, Holmes and Montgomery 2007).
    """
    with np.errstate(divide="ignore"):
        cot2 = np.minimum(np.tan(np.asarray(psi, float)) ** -2.0, 1.0)
    return 0.5 + np.arcsin(cot2) / np.pi


def toss(psi: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
    """True where a rigid coin that starts with its normal straight up is caught with that side up; shapes broadcast.

    Rodrigues' formula turns the normal about the angular momentum M, which stays fixed in space, tilted by `psi`
    (radians) from the normal, through `turns` whole turns.
    """
    import torch

    psi, turns = torch.broadcast_tensors(psi, turns)
    angle = 2 * torch.pi * turns
    zero = torch.zeros_like(psi)
    momentum = torch.stack([torch.sin(psi), zero, torch.cos(psi)], dim=-1)
    normal = torch.stack([zero, zero, torch.ones_like(psi)], dim=-1)
    along = (momentum * normal).sum(-1, keepdim=True)
    cos, sin = torch.cos(angle)[..., None], torch.sin(angle)[..., None]
    caught = normal * cos + torch.linalg.cross(momentum, normal) * sin + momentum * along * (1 - cos)
    return caught[..., 2] > 0

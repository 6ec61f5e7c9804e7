"""The coin chapter's quadrature beside its peers: the same quantities by NUTS, by SMC and by scipy's adaptive rule.

    OMP_NUM_THREADS=1 python benchmarks/coins.py

prints the table of benchmarks/README.md. Takes some minutes; nothing here is a timed test.
"""

from __future__ import annotations

import logging

import arviz as az
import numpy as np
import pandas as pd
import pymc as pm
from scipy import integrate, special, stats
from timing import best

from foretold import data
from foretold.papers import coins

SEED = 1
EXACT = "exact to the digits shown"
Row = tuple[str, str, float | None, str, str]  # quantity, method, seconds, value, standard error
FLAT = 350_757  # flips: a fair coin has the log likelihood -FLAT log 2


def nuts(counts: pd.DataFrame) -> dict[str, float]:
    with coins.hierarchical_model(counts):
        drawn = pm.sample(2_000, tune=1_000, chains=4, cores=1, init="adapt_diag", random_seed=SEED, progressbar=False)
    found = {}
    for name in ("theta", "sigma"):
        values = drawn.posterior[name].to_numpy()
        found |= {name: values.mean(), f"{name} error": values.std() / np.sqrt(float(az.ess(values)))}
    return found


def smc(counts: pd.DataFrame, same: bool) -> np.ndarray:
    """Log marginal likelihoods (chains,) of the model in which people differ, alpha = 1/2, by sequential Monte Carlo.

    Non-centred and with small steps of temperature (threshold 0.9): PyMC's defaults miss by tens of units here.
    Binomial coefficients are taken off again, to compare with `coins.ModelAverage.log_marginal`.
    """
    people = coins.summary(counts)
    n, landed = people["n"].to_numpy(), people["same"].to_numpy()
    with pm.Model():
        theta = pm.Truncated("theta", pm.Beta.dist(5100, 4900), lower=0.5) if same else 0.5
        sigma = pm.Gamma("sigma", alpha=4, beta=200)
        b = (pm.math.logit(theta) if same else 0.0) + sigma * pm.Normal("z", 0, 1, shape=len(people))
        pm.Binomial("landed", n=n, logit_p=b, observed=landed)
        settings = {"threshold": 0.9, "correlation_threshold": 0.001, "random_seed": SEED, "progressbar": False}
        drawn = pm.sample_smc(2_000, chains=4, cores=1, **settings)
    coefficients = (special.gammaln(n + 1) - special.gammaln(landed + 1) - special.gammaln(n - landed + 1)).sum()
    # PyMC keeps the estimate of every stage; chains with unequal numbers of stages come as lists, padded with NaN.
    stages = drawn.sample_stats["log_marginal_likelihood"].to_numpy()
    lists = [x for x in stages.ravel() if isinstance(x, list)] or list(stages)
    return np.array([[x for x in np.asarray(one, float) if np.isfinite(x)][-1] for one in lists]) - coefficients


def adaptive(counts: pd.DataFrame, nodes: int = 31) -> float:
    """log Bayes factor with each person's integral by scipy's adaptive quad, on Gauss nodes for sigma and theta."""
    people = coins.summary(counts)
    x, w = np.polynomial.legendre.leggauss(nodes)
    sigma, sigma_weight = 0.07 + 0.055 * x, 0.055 * w * stats.gamma(4, scale=1 / 200).pdf(0.07 + 0.055 * x)
    theta = 0.5 + 0.02 * (1 + x)
    theta_weight = 0.02 * w * stats.beta(5100, 4900).pdf(theta) / stats.beta(5100, 4900).sf(0.5)

    def log_marginal(t: float, s: float) -> float:
        total = 0.0
        for k, n in zip(people["same"], people["n"], strict=True):
            top, width = special.logit(k / n), 2 / np.sqrt(n)
            peak = k * special.log_expit(top) + (n - k) * special.log_expit(-top)

            def density(b: float, k: int = k, n: int = n, peak: float = peak) -> float:
                z = (b - t) / s
                log = k * -np.logaddexp(0, -b) + (n - k) * -np.logaddexp(0, b) - peak
                return np.exp(log - z * z / 2) / (s * np.sqrt(2 * np.pi))

            total += peak + np.log(integrate.quad(density, top - 9 * width, top + 9 * width, points=[top], limit=60)[0])
        return total

    null = special.logsumexp([log_marginal(0.0, s) for s in sigma], b=sigma_weight)
    grid = np.array([[log_marginal(t, s) for t in special.logit(theta)] for s in sigma])
    return float(special.logsumexp(grid, b=np.outer(sigma_weight, theta_weight)) - null)


def posterior_rows(counts: pd.DataFrame) -> list[Row]:
    """Means of theta and sigma: by quadrature, and by NUTS twice, since the first run compiles."""
    seconds, found = best(lambda: coins.posterior(counts), 1)
    value = f"{found.proportion(found.theta)[0]:.6f}, {found.sigma.expect(lambda x: x):.5f}"
    rows = [("posterior means of theta, sigma", "quadrature (ours)", seconds, value, EXACT)]
    for label in ("PyMC NUTS, centred, 4 x 2000, first run (compiles)", "the same, compiled code cached"):
        seconds, drawn = best(lambda: nuts(counts), 1)
        value = f"{drawn['theta']:.6f}, {drawn['sigma']:.5f}"
        error = f"{drawn['theta error']:.6f}, {drawn['sigma error']:.5f}"
        rows.append(("", label, seconds, value, error))
    return rows


def evidence_rows(counts: pd.DataFrame) -> list[Row]:
    """Marginal likelihoods of the models in which people differ: by quadrature, by adaptive quadrature, by SMC."""
    seconds, average = best(lambda: coins.model_average(counts), 1)
    log = average.log_marginal
    quantity = "log Bayes factor, same side, people differ, alpha = 1/2"
    value = log[True, False, True] - log[False, False, True]
    rows = [(quantity, "quadrature (ours), all 8 models", seconds, f"{value:.4f}", EXACT)]
    seconds, value = best(lambda: adaptive(counts), 1)
    rows.append(("", "scipy `quad` for each person, 31 x 31 nodes", seconds, f"{value:.4f}", "grid of sigma and theta"))
    for same, label in ((True, "with"), (False, "without")):
        quantity = f"log marginal likelihood {label} a same-side bias, relative to fair coins"
        exact = log[same, False, True] + FLAT * np.log(2)
        rows.append((quantity, "quadrature (ours)", None, f"{exact:.3f}", EXACT))
        seconds, chains = best(lambda same=same: smc(counts, same), 1)
        value, error = chains.mean() + FLAT * np.log(2), chains.std(ddof=1) / np.sqrt(len(chains))
        method = "PyMC `sample_smc`, 4 x 2000, non-centred"
        rows.append(("", method, seconds, f"{value:.3f}", f"{error:.3f} between chains"))
    return rows


def main() -> None:
    logging.getLogger("pymc").setLevel(logging.ERROR)
    counts = data.table("coins")
    rows = [*posterior_rows(counts), *evidence_rows(counts)]
    print("| quantity | method | seconds | value | standard error |\n|---|---|---:|---|---|")
    for quantity, method, seconds, value, error in rows:
        print(f"| {quantity} | {method} | {'' if seconds is None else f'{seconds:.1f}'} | {value} | {error} |")


if __name__ == "__main__":
    main()

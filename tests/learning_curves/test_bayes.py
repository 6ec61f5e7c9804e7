"""The interval: against brute force, against PyMC, and how often it holds."""

import numpy as np
import pytest

import foretold
from foretold.papers.learning_curves import experiment
from foretold.papers.learning_curves.experiment import bayes

X = 5_000.0 * np.arange(1, 45)
EWT = experiment.by_table(foretold.data.table("learning_curves"))


def test_the_exact_posterior_is_that_of_brute_force_integration():
    x, y = X[:8], EWT["xpos", "HMM"].mean[:8]
    draws = bayes.posterior(x, y, 100_000, np.random.default_rng(10))
    # The same density on a grid of (ln b, gain, c), ln sigma integrated by hand: rss^(-n/2)
    z, gains, tops = np.linspace(-3, 3, 121), np.linspace(0.08, 0.17, 181), np.linspace(0.925, 1.0, 151)
    p = (x / x[0]) ** -(bayes.MEDIAN_B * np.exp(bayes.SPREAD_B * z))[:, None]
    fitted = tops[None, None, :, None] - gains[None, :, None, None] * p[:, None, None, :]
    log = -0.5 * len(x) * np.log(((y - fitted) ** 2).sum(-1)) - 0.5 * z[:, None, None] ** 2
    weight = np.exp(log - log.max())
    end = (
        tops[None, None, :]
        - gains[None, :, None] * (X[-1] / x[0]) ** -(bayes.MEDIAN_B * np.exp(bayes.SPREAD_B * z))[:, None, None]
    )
    mean = np.sum(weight * end) / weight.sum()
    spread = np.sqrt(np.sum(weight * (end - mean) ** 2) / weight.sum())
    ours = draws.curve(X[-1])[:, 0]
    assert abs(ours.mean() - mean) < 0.1 * spread
    assert 0.85 < ours.std() / spread < 1.15


def test_draws_keep_to_the_prior_range():
    draws = bayes.posterior(X[:5], EWT["xpos", "HMM, no suffixes"].y[0, :5], 5_000, np.random.default_rng(11))
    assert draws.c.max() <= 1 and draws.gain.min() >= 0


@pytest.mark.slow
def test_pymc_gives_the_same_posterior():
    x, y = X[:8], EWT["xpos", "HMM"].mean[:8]
    exact = bayes.posterior(x, y, 40_000, np.random.default_rng(12)).curve(X[-1])[:, 0]
    nuts, _ = bayes.sample(x, y, 1_000, seed=1)
    there = nuts.curve(X[-1])[:, 0]
    assert abs(np.median(there) - np.median(exact)) < 0.25 * exact.std()
    assert (
        0.75
        < (np.quantile(there, 0.95) - np.quantile(there, 0.05)) / np.subtract(*np.quantile(exact, [0.95, 0.05]))
        < 1.33
    )


def test_intervals_cover_as_stated_if_the_model_is_true_and_not_if_noise_is_correlated():
    rng = np.random.default_rng(13)
    honest = bayes.simulated_coverage(X, 22, 200, rng)
    correlated = bayes.simulated_coverage(X, 22, 200, rng, correlation=0.8)
    assert 0.82 < honest < 0.97 and correlated < honest - 0.15


@pytest.mark.parametrize("y", [[0.1, 0.2, 0.3], [0.5, 0.6, 0.7, 1.1]])
def test_bad_observations_are_errors(y):
    with pytest.raises(ValueError, match=r"y lies|n >= 4"):
        bayes.posterior(X[: len(y)], y, 10, np.random.default_rng(0))

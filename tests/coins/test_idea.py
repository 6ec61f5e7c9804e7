"""The coin chapter's facts. Each check says where its number comes from; several do not use our code at all."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats

from foretold.papers.coins import idea

# All flips alike: closed forms


def test_pooled_proportions_are_the_papers(people):
    same = idea.proportion(int(people["same"].sum()), 350_757)
    heads = idea.proportion(int(people["heads"].sum()), 350_757)
    assert [round(x, 3) for x in same] == [0.508, 0.506, 0.509]
    assert [round(x, 3) for x in heads] == [0.500, 0.498, 0.502]


def test_closed_form_bayes_factors():
    assert np.exp(idea.log_bayes_factor_same(178_078, 350_757)) == pytest.approx(1.70983e17, rel=1e-4)
    assert np.exp(idea.log_bayes_factor_heads(175_420, 350_757)) == pytest.approx(0.168085, abs=1e-5)


@pytest.mark.parametrize(("same", "n", "a", "b"), [(178_078, 350_757, 5100, 4900), (530, 1000, 51, 49), (3, 10, 1, 1)])
def test_closed_form_same_side_agrees_with_scipy_quad(same, n, a, b):
    """Independent: the integral of likelihood times truncated prior, scaled by the likelihood at its top."""
    prior = stats.beta(a, b)
    top = np.clip(same / n, 0.5, 1)

    def integrand(p):
        log = (same * np.log(p / top)) + (n - same) * np.log((1 - p) / (1 - top))
        return np.exp(log) * prior.pdf(p) / prior.sf(0.5)

    width = 1 / np.sqrt(n)
    edges = np.clip([0.5, top, top + 4 * width, top + 12 * width], 0.5, 1 - 1e-12)
    value = sum(
        integrate.quad(integrand, *pair, epsabs=0, epsrel=1e-10)[0] for pair in pairwise(edges) if pair[0] < pair[1]
    )
    log = np.log(value) + same * np.log(top) + (n - same) * np.log(1 - top) + n * np.log(2)
    assert idea.log_bayes_factor_same(same, n, a, b) == pytest.approx(log, abs=2e-5)


def test_closed_form_heads_agrees_with_scipy_quad():
    belief = stats.beta(5000, 5000)
    value, _ = integrate.quad(
        lambda p: np.exp(175_420 * np.log(2 * p) + 175_337 * np.log(2 * (1 - p))) * belief.pdf(p),
        0.47,
        0.53,
        points=[0.5],
    )
    assert idea.log_bayes_factor_heads(175_420, 350_757) == pytest.approx(np.log(value), abs=1e-6)


def test_without_flips_the_data_say_nothing():
    assert idea.log_bayes_factor_same(0, 0) == pytest.approx(0, abs=1e-12)
    assert idea.log_bayes_factor_heads(0, 0) == pytest.approx(0, abs=1e-12)


# People differ: the average over 8 models


def test_inclusion_bayes_factors(average):
    found = average.inclusion_bayes_factor
    assert found["same"] == pytest.approx(2365.51, abs=0.01)
    assert found["same"] == pytest.approx(2359.008, rel=0.01)  # the paper, 16 models
    assert found["people"] == pytest.approx(3.101e24, rel=0.06)  # the paper
    assert found["heads"] == pytest.approx(0.17023, abs=1e-5)


def test_heads_is_not_a_reproduction_of_the_papers_value(average):
    """The paper's 0.18231 has models in which coins differ; the counts per coin are not in the table."""
    assert abs(average.inclusion_bayes_factor["heads"] / 0.18231 - 1) > 0.05


def test_without_the_four_wobblers(without_four):
    found = idea.model_average(without_four).inclusion_bayes_factor
    assert found["same"] == pytest.approx(786.85, rel=0.02)  # the paper
    assert found["people"] == pytest.approx(2.870e7, rel=0.06)  # the paper
    assert found["same"] == pytest.approx(792.69, abs=0.01)


def test_a_finer_grid_changes_nothing(counts, average):
    finer = idea.model_average(counts, nodes=(101, 121, 31)).log_inclusion_bayes_factor
    for name, value in average.log_inclusion_bayes_factor.items():
        assert value == pytest.approx(finer[name], abs=1e-6)


def test_without_people_and_heads_the_model_average_is_the_closed_form(average):
    log = average.log_marginal
    ratio = log[True, False, False] - log[False, False, False]
    assert ratio == pytest.approx(idea.log_bayes_factor_same(178_078, 350_757), abs=1e-6)
    assert log[False, False, False] == pytest.approx(350_757 * np.log(0.5), abs=1e-6)


def test_probabilities_of_the_models_sum_to_one(average):
    assert sum(average.probability.values()) == pytest.approx(1)
    assert max(average.probability, key=average.probability.get) == (True, False, True)


def test_subsets_are_the_same_as_tables_without_these_people(counts, without_four):
    mask = counts["person"].isin(without_four["person"])
    from_subset = idea.model_averages(counts, [mask])[0].log_inclusion_bayes_factor
    from_table = idea.model_average(without_four).log_inclusion_bayes_factor
    assert from_subset == pytest.approx(from_table, abs=1e-5)


def test_trimming_both_ends_is_not_monotone(counts, people):
    order = np.argsort(people["p_same"].to_numpy())
    masks = [np.isin(np.arange(48), order[i : 48 - i]) for i in (1, 3, 5)]
    found = [average.inclusion_bayes_factor for average in idea.model_averages(counts, masks)]
    assert [round(f["same"]) for f in found] == pytest.approx([13157, 11472, 22322], rel=2e-4)
    assert [f["people"] for f in found] == pytest.approx([7.0e11, 1.6e8, 163], rel=0.03)


def test_three_people_by_brute_force(toy):
    """Independent: Monte Carlo over the prior of all five unknowns with scipy's own densities, no grid and no trick."""
    rng = np.random.default_rng(1)
    draws = 2_000_000
    theta_prior, alpha_prior, sigma_prior = (60, 50), (500, 500), (4, 40)
    u = rng.uniform(stats.beta.cdf(0.5, *theta_prior), 1, draws)
    theta, alpha = stats.beta.ppf(u, *theta_prior), rng.beta(*alpha_prior, draws)
    sigma = rng.gamma(sigma_prior[0], 1 / sigma_prior[1], draws)
    gamma = rng.standard_normal((3, draws))
    hs, hd, ts, td = toy[idea.COUNTS].to_numpy().T[:, :, None]
    base = toy[idea.COUNTS].to_numpy().sum() * np.log(0.5)

    def log_marginal(same, heads, differ):
        b = (special.logit(theta) if same else 0) + (sigma * gamma if differ else np.zeros((3, draws)))
        a = special.logit(alpha) if heads else 0
        p, q = special.expit(a + b), special.expit(a - b)
        log = (hs * np.log(p) + td * np.log1p(-p) + hd * np.log(q) + ts * np.log1p(-q)).sum(0)
        return special.logsumexp(log - base) - np.log(draws) + base

    by_hand = idea.ModelAverage({m: log_marginal(*m) for m in np.ndindex(2, 2, 2)})
    by_hand = {tuple(map(bool, m)): value for m, value in by_hand.log_marginal.items()}
    ours = idea.model_average(toy, theta=theta_prior, alpha=alpha_prior, sigma=sigma_prior)
    for model, value in by_hand.items():
        assert ours.log_marginal[model] == pytest.approx(value, abs=0.02), model
    expected = idea.ModelAverage(by_hand).inclusion_bayes_factor
    assert ours.inclusion_bayes_factor == pytest.approx(expected, rel=0.02)


# The posterior


def test_posterior_is_the_papers(posterior):
    mean, low, high = posterior.proportion(posterior.theta)
    assert mean == pytest.approx(0.5098, abs=3e-4)
    assert (low, high) == pytest.approx((0.5050, 0.5147), abs=4e-4)
    mean, low, high = posterior.sd_people()
    assert mean == pytest.approx(0.0156, abs=3e-4)
    assert (low, high) == pytest.approx((0.0119, 0.0200), abs=4e-4)


def test_posterior_without_the_four_wobblers_is_the_papers(without_four):
    found = idea.posterior(without_four)
    assert found.proportion(found.theta) == pytest.approx((0.5060, 0.5031, 0.5089), abs=4e-4)
    assert found.sd_people() == pytest.approx((0.0072, 0.0050, 0.0099), abs=3e-4)


def test_posterior_densities_are_densities(posterior):
    for marginal in (posterior.theta, posterior.sigma, posterior.new_person, posterior.people["TianqiP"]):
        assert marginal.expect(np.ones_like) == pytest.approx(1)
        assert marginal.below(float(marginal.quantile(0.3))) == pytest.approx(0.3, abs=1e-9)


def test_people_are_pulled_towards_the_mean(posterior, people):
    raw = people.set_index("person")["p_same"]
    for name in ("TianqiP", "JanY", "XiaoyiL"):
        ours = posterior.proportion(posterior.people[name])[0]
        assert min(raw[name], 0.5098) < ours < max(raw[name], 0.5098)


def test_nuts_agrees_with_quadrature(counts, posterior):
    """Independent: PyMC's sampler on the model written in PyMC."""
    import arviz
    import pymc

    with idea.hierarchical_model(counts):
        draws = pymc.sample(
            1000, tune=500, chains=2, cores=1, init="adapt_diag", random_seed=7, progressbar=False, quiet=True
        )
    names = ["theta", "sigma", "alpha"]
    assert max(float(arviz.rhat(draws.posterior[name].to_numpy())) for name in names) < 1.01
    assert float(draws.posterior["theta"].mean()) == pytest.approx(posterior.proportion(posterior.theta)[0], abs=3e-4)
    sigma = posterior.sigma.expect(lambda x: x)
    assert float(draws.posterior["sigma"].mean()) == pytest.approx(sigma, abs=0.0015)
    tianqi = special.expit(draws.posterior["person"].sel(name="TianqiP")).mean()
    assert float(tianqi) == pytest.approx(posterior.proportion(posterior.people["TianqiP"])[0], abs=2e-3)


def test_predictive_interval_for_a_new_person(posterior):
    _, low, high = posterior.proportion(posterior.new_person)
    assert (low, high) == pytest.approx((0.4789, 0.5409), abs=1e-3)  # metafor, from the maximum likelihood
    assert posterior.new_person.below(0) == pytest.approx(0.265, abs=2e-3)


# Bad input


def edited(counts, column, value):
    changed = counts.copy().astype({column: object})
    changed.loc[0, column] = value
    return changed


@pytest.mark.parametrize("value", [-1, 2.5, np.nan, np.inf, "many"])
def test_counts_that_are_no_counts_are_refused(counts, value):
    with pytest.raises(ValueError, match=r"heads_diff of 'XiaoyiL' is .*; allowed are whole numbers >= 0"):
        idea.model_average(edited(counts, "heads_diff", value))


def test_tables_of_another_shape_are_refused(counts):
    with pytest.raises(ValueError, match=r"counts lacks the columns \['tails_same'\]"):
        idea.posterior(counts.drop(columns="tails_same"))
    with pytest.raises(ValueError, match="0 rows"):
        idea.summary(counts.iloc[:0])
    with pytest.raises(ValueError, match="'XiaoyiL' stands twice"):
        idea.summary(pd.concat([counts, counts.iloc[:1]]))
    with pytest.raises(ValueError, match="'XiaoyiL' has 0 flips"):
        idea.summary(counts.assign(**{name: counts[name].where(counts.index > 0, 0) for name in idea.COUNTS}))
    with pytest.raises(ValueError, match="counts is a list"):
        idea.hierarchical_model([1, 2])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: idea.log_bayes_factor_same(11, 10), "same is 11; allowed is a whole number from 0 to n = 10"),
        (lambda: idea.log_bayes_factor_heads(1.5, 10), "heads is 1.5; allowed is a whole number"),
        (lambda: idea.log_bayes_factor_heads(1, -1), "n is -1; allowed"),
        (lambda: idea.log_bayes_factor_same("3", 10), "same is '3'; allowed"),
        (lambda: idea.log_bayes_factor_same(3, 10, a=0), "a is 0; allowed is a finite number above 0"),
        (lambda: idea.proportion(3, 2), "successes is 3; allowed is a whole number from 0 to n = 2"),
    ],
)
def test_bad_numbers_are_refused_with_what_is_allowed(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_bad_priors_and_subsets_are_refused(counts):
    with pytest.raises(ValueError, match=r"sigma\[1\] is -200; allowed is a finite number above 0"):
        idea.model_average(counts, sigma=(4, -200))
    with pytest.raises(ValueError, match=r"theta\[0\] is 0; allowed"):
        idea.model_average(counts, theta=(0, 4900))
    with pytest.raises(ValueError, match=r"mask of shape \(3,\)"):
        idea.model_averages(counts, [[True] * 3])
    with pytest.raises(ValueError, match="with 0 people"):
        idea.model_averages(counts, [np.zeros(48)])

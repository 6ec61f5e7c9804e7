"""The coin chapter's facts. Each check says where its number comes from; several do not use our code at all."""

from __future__ import annotations

import json
import shutil
import subprocess
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, optimize, special, stats

from foretold import data
from foretold.papers.coins import draw, experiment, idea


@pytest.fixture(scope="module")
def counts():
    return data.table("coins")


@pytest.fixture(scope="module")
def people(counts):
    return idea.summary(counts)


@pytest.fixture(scope="module")
def without_four(counts, people):
    return counts[people["p_same"].to_numpy() <= 0.53]


@pytest.fixture(scope="module")
def average(counts):
    return idea.model_average(counts)


@pytest.fixture(scope="module")
def posterior(counts):
    return idea.posterior(counts)


@pytest.fixture(scope="module")
def toy():
    """Three people, small enough for brute force, different enough that every effect matters."""
    rows = [("a", 520, 470, 530, 480), ("b", 260, 250, 240, 250), ("c", 330, 250, 340, 280)]
    return pd.DataFrame(rows, columns=idea.COLUMNS)


# The table


def test_the_table_has_the_papers_totals(people):
    assert len(people) == 48
    assert people["n"].sum() == 350_757
    assert people["same"].sum() == 178_078
    assert people["heads"].sum() == 175_420
    assert people["started_heads"].sum() == 174_915


def test_the_extreme_people(people):
    ranked = people.sort_values("p_same")
    assert tuple(ranked.iloc[0][["person", "same", "n"]]) == ("XiaoyiL", 780, 1600)
    assert tuple(ranked.iloc[-1][["person", "same", "n"]]) == ("TianqiP", 1682, 2800)
    wobblers = people[people["p_same"] > 0.53]
    assert set(wobblers["person"]) == {"XiaochangZ", "FranziskaA", "JanY", "TianqiP"}
    assert wobblers["n"].sum() == 11_772


def test_the_table_says_where_it_comes_from(counts):
    assert "pxu6r" in counts.attrs["source"]
    assert "metadat" in counts.attrs["source"]


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


# What metafor prints for the same counts (documented with metadat's dat.bartos2023)


def test_homogeneity_statistics_are_metafors(people):
    table = np.stack([people["same"], people["n"] - people["same"]])
    chi2, _, df, _ = stats.chi2_contingency(table, correction=False)
    assert (chi2, df) == (pytest.approx(265.264, abs=1e-3), 47)
    for name, q in (("same", 269.98), ("heads", 51.67)):
        y = people[name] / people["n"]
        w = people["n"] / (y * (1 - y))
        assert (w * (y - (w * y).sum() / w.sum()) ** 2).sum() == pytest.approx(q, abs=5e-3)


def reml(y, v, stop=None):
    """tau by restricted maximum likelihood; with `stop`, by Fisher scoring until tau**2 moves by less than that."""

    def score(tau2):
        w = 1 / (v + tau2)
        p = np.diag(w) - np.outer(w, w) / w.sum()
        return ((p @ y) @ (p @ y) - np.trace(p)) / np.sum(p * p)

    tau2, move = max(0.0, y.var(ddof=1) - v.mean()), np.inf
    if stop is None:
        return np.sqrt(optimize.brentq(score, 1e-9, 1e-2, xtol=1e-15))
    while abs(move) > stop:
        move = score(tau2)
        tau2 += move
    return np.sqrt(tau2)


def test_random_effects_are_metafors(people):
    """Documented: tau 0.0160, I2 88.10. The maximum is at 0.0159; scoring stopped at moves below 1e-5 gives 0.0160."""
    y = people["p_same"].to_numpy()
    v = y * (1 - y) / people["n"].to_numpy()
    assert reml(y, v) == pytest.approx(0.01593, abs=5e-6)
    tau = reml(y, v, stop=1e-5)
    assert tau == pytest.approx(0.0160, abs=5e-5)
    w = 1 / v
    typical = 47 * w.sum() / (w.sum() ** 2 - (w**2).sum())
    assert 100 * tau**2 / (tau**2 + typical) == pytest.approx(88.10, abs=5e-3)
    w = 1 / (v + tau**2)
    mu, se = (w * y).sum() / w.sum(), w.sum() ** -0.5
    assert (mu, mu - 1.96 * se, mu + 1.96 * se) == pytest.approx((0.5100, 0.5050, 0.5149), abs=5e-5)


def test_binomial_normal_maximum_likelihood_is_metafors(people):
    """Independent: Gauss-Hermite quadrature for each person and a general optimiser."""
    x, w = np.polynomial.hermite_e.hermegauss(101)
    same, n = (people[name].to_numpy()[:, None] for name in ("same", "n"))

    def minus_log_likelihood(parameters):
        mu, tau = parameters
        b = mu + tau * x
        log = same * special.log_expit(b) + (n - same) * special.log_expit(-b)
        return -special.logsumexp(log, axis=1, b=w / w.sum()).sum()

    found = optimize.minimize(minus_log_likelihood, [0.03, 0.05], method="Nelder-Mead", options={"xatol": 1e-7})
    assert found.x == pytest.approx((0.0399, 0.0626), abs=6e-5)


def test_predictive_interval_for_a_new_person(posterior):
    _, low, high = posterior.proportion(posterior.new_person)
    assert (low, high) == pytest.approx((0.4789, 0.5409), abs=1e-3)  # metafor, from the maximum likelihood
    assert posterior.new_person.below(0) == pytest.approx(0.265, abs=2e-3)


# Physics and practice


def test_tossed_coins_follow_the_closed_form():
    """Independent: rigid-body rotation of each coin against the formula."""
    import torch

    generator = torch.Generator().manual_seed(3)
    degrees = torch.tensor([20.0, 44.0, 50.0, 60.0, 75.0, 90.0, 120.0], dtype=torch.float64)
    n = 400_000
    turns = torch.rand(len(degrees), n, generator=generator, dtype=torch.float64) * 30
    landed = experiment.toss(torch.deg2rad(degrees)[:, None], turns).double().mean(1).numpy()
    exact = experiment.same_side_probability(np.deg2rad(degrees.numpy()))
    # 30 whole turns: uniform in the phase. Five standard errors.
    assert np.all(np.abs(landed - exact) <= 5 * np.sqrt(exact * (1 - exact) / n))
    assert exact[0] == exact[1] == 1
    assert exact[5] == pytest.approx(0.5)
    assert exact[3] == pytest.approx(exact[6])


def test_a_coin_that_has_not_turned_is_where_it_was():
    import torch

    psi = torch.deg2rad(torch.tensor([10.0, 50.0, 89.0]))
    assert experiment.toss(psi, torch.zeros(3)).all()
    assert experiment.toss(psi, torch.full((3,), 7.0)).all()
    assert experiment.toss(psi, torch.full((3,), 0.5)).tolist() == [True, False, False]


def test_practice_curve_starts_and_ends_where_the_paper_says():
    curve = experiment.practice_curve([0, 1e12], 0.5014, 0.5250, -1.617)
    assert curve[0, 0] == pytest.approx(0.5264, abs=5e-5)  # the paper's initial probability
    assert curve[0, 1] == pytest.approx(0.5014, abs=1e-6)


# The interactive figure: the JavaScript that the browser runs, run by node


@pytest.fixture(scope="module")
def in_the_browser(counts, tmp_path_factory):
    if shutil.which("node") is None:
        pytest.skip("NOT TESTED IN JAVASCRIPT: no node on PATH")
    sent = draw.browser_data(counts)
    folder = tmp_path_factory.mktemp("browser")
    (folder / "data.json").write_text(
        json.dumps(sent, default=lambda x: x.tolist() if isinstance(x, np.ndarray | np.generic) else x)
    )
    (folder / "update.js").write_text(draw.UPDATE)
    program = (
        "const fs = require('fs'); const data = JSON.parse(fs.readFileSync('data.json'));"
        "const update = new Function('values', 'data', 'figure', fs.readFileSync('update.js', 'utf8'));"
        "console.log(JSON.stringify(update(JSON.parse(process.argv[1]), data, {})));"
    )

    def run(**moved):
        start = {"people": sent["person"], "high": 0, "low": 0, "mean": 0.51, "concentration": 10_000, "spread": 0.02}
        values = json.dumps({**start, **moved})
        done = subprocess.run(["node", "-e", program, values], cwd=folder, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    return run


def test_the_browser_starts_at_the_model_average(in_the_browser, average):
    """Four models there, eight here: they differ by 0.001% for a same-side bias and by 0.1% for people."""
    found = in_the_browser()
    assert 10 ** found["result"]["same"] == pytest.approx(average.inclusion_bayes_factor["same"], rel=1e-3)
    assert 10 ** found["result"]["people"] == pytest.approx(average.inclusion_bayes_factor["people"], rel=0.01)
    assert 10 ** found["result"]["alike"] == pytest.approx(1.70983e17, rel=1e-3)
    assert "48 people, 350,757 flips" in found["readout"]


@pytest.mark.parametrize(
    "moved",
    [
        {"high": 4},
        {"high": 5, "low": 5},
        {"mean": 0.52, "concentration": 1_000},
        {"concentration": 100_000},
        {"spread": 0.1},
        {"spread": 0.005},
        {"mean": 0.502, "concentration": 100_000, "low": 12},
        {"people": ["TianqiP", "JanY", "XiaoyiL"]},
        {"people": ["DavidV", "KaleemU"], "spread": 0.005},
    ],
)
def test_the_browser_agrees_with_python(in_the_browser, counts, people, moved):
    """With the same four models within 0.2%, and with all eight within 1% for a same-side bias."""
    mean, concentration, spread = (
        moved.get(k, v) for k, v in (("mean", 0.51), ("concentration", 1e4), ("spread", 0.02))
    )
    rank = np.argsort(np.argsort(people["p_same"].to_numpy()))
    kept = (rank >= moved.get("low", 0)) & (rank < 48 - moved.get("high", 0))
    kept &= counts["person"].isin(moved.get("people", counts["person"])).to_numpy()
    prior = (mean * concentration, (1 - mean) * concentration)
    ours = idea.model_averages(counts, [kept], theta=prior, sigma=(4, 4 / spread))[0]
    found = in_the_browser(**moved)
    log = {(same, differ): ours.log_marginal[same, False, differ] for same in (0, 1) for differ in (0, 1)}
    by_same = np.logaddexp(log[1, 0], log[1, 1]) - np.logaddexp(log[0, 0], log[0, 1])
    by_people = np.logaddexp(log[0, 1], log[1, 1]) - np.logaddexp(log[0, 0], log[1, 0])
    assert found["result"]["same"] * np.log(10) == pytest.approx(by_same, abs=2e-3)
    assert found["result"]["people"] * np.log(10) == pytest.approx(by_people, abs=2e-3)
    assert 10 ** found["result"]["same"] == pytest.approx(ours.inclusion_bayes_factor["same"], rel=0.01)  # 8 models
    assert f"{kept.sum()} people" in found["readout"]


def test_the_browser_without_people_has_no_evidence(in_the_browser):
    found = in_the_browser(people=[])
    assert found["result"]["same"] == pytest.approx(0, abs=1e-5)
    assert "Nobody is left in" in found["readout"]


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
        (lambda: idea.log_bayes_factor_same(11, 10), "same is 11; allowed is at most n = 10"),
        (lambda: idea.log_bayes_factor_heads(1.5, 10), "heads is 1.5; allowed is a whole number"),
        (lambda: idea.log_bayes_factor_heads(1, -1), "n is -1; allowed"),
        (lambda: idea.log_bayes_factor_same("3", 10), "same is '3'; allowed"),
        (lambda: idea.log_bayes_factor_same(3, 10, a=0), r"\(a, b\) is \(0, 4900\); allowed"),
        (lambda: idea.proportion(1, 2, level=95), "level is 95; allowed"),
        (lambda: experiment.practice_curve([-1], 0.5, 0.5, -1), "flips has the smallest value -1"),
        (lambda: experiment.practice_curve([1], 1.5, 0.5, -1), "asymptote spans 1.5 to 1.5; allowed"),
    ],
)
def test_bad_numbers_are_refused_with_what_is_allowed(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_bad_priors_and_subsets_are_refused(counts):
    with pytest.raises(ValueError, match=r"sigma is \(4, -200\); allowed"):
        idea.model_average(counts, sigma=(4, -200))
    with pytest.raises(ValueError, match=r"sigma is 0; allowed"):
        idea.posterior(counts, sigma=0)
    with pytest.raises(ValueError, match=r"mask of shape \(3,\)"):
        idea.model_averages(counts, [[True] * 3])
    with pytest.raises(ValueError, match="with 0 people"):
        idea.model_averages(counts, [np.zeros(48)])

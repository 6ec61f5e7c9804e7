"""The table of 48 people: the paper's totals, and what metafor in R documents for the same counts. None of our code."""

import numpy as np
import pytest
from scipy import optimize, special, stats


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

"""The coin chapter's quadrature, against scipy's adaptive rule and its distributions."""

import numpy as np
import pytest
from scipy import integrate, special, stats

from foretold.papers.coins import theory


@pytest.fixture(scope="module")
def two():
    """Counts of two people, in the order of `coins.COUNTS`."""
    return np.array([[60.0, 40, 55, 45], [5.0, 9, 8, 3]])


def test_each_person_s_integral_is_scipy_s(two):
    """Independent: adaptive quadrature of the likelihood written out for one person and one point of the grid."""
    a, sigma, theta = 0.05, 0.3, 0.1
    axes = theory.Axes(np.array([0.2, sigma]), np.array([0.0, theta]), np.array([a]), np.arange(-4, 4, 0.02))
    ours = theory.person_log_marginals(two, axes)
    assert ours.shape == (2, 1, 2, 2)
    for (hs, hd, ts, td), value in zip(two, ours[:, 0, 1, 1], strict=True):

        def integrand(b, hs=hs, hd=hd, ts=ts, td=td):
            p, q = special.expit(a + b), special.expit(a - b)
            return p**hs * (1 - p) ** td * q**hd * (1 - q) ** ts * stats.norm.pdf(b, theta, sigma)

        expected, _ = integrate.quad(integrand, -3, 3, points=[0.1, 0.3], epsabs=0, epsrel=1e-9)
        assert value == pytest.approx(np.log(expected), abs=1e-7)


@pytest.mark.parametrize("likely", [(-0.1, 0.2), (-5.0, -4.0), (4.0, 5.0)])
def test_an_axis_lies_within_the_prior_whatever_the_data_say(likely):
    low, high = special.logit(stats.beta(30, 20).ppf([1e-13, 1 - 1e-13]))
    nodes = theory.beta_axis((30, 20), likely, 41).x
    assert low <= nodes[0] < nodes[-1] <= high


def test_the_masses_of_an_axis_around_the_whole_prior_sum_to_one():
    for above_half in (False, True):
        found = theory.beta_axis((51, 49), (-9, 9), 81, above_half)
        assert np.exp(found.log_mass).sum() == pytest.approx(1, abs=1e-9)
        assert (found.x > 0).all() == above_half
    sigma = np.geomspace(1e-4, 0.3, 200)
    assert np.exp(theory.sigma_weights(sigma, stats.gamma(4, scale=1 / 200))).sum() == pytest.approx(1, abs=1e-6)


def test_a_marginal_through_a_normal_density_has_its_quantiles():
    x = np.linspace(-6, 6, 41)
    found = theory.Marginal.through(x, stats.norm.logpdf(x) + 100)
    assert found.quantile([0.025, 0.5, 0.975]) == pytest.approx([-1.959964, 0, 1.959964], abs=1e-4)
    assert found.below(1.0) == pytest.approx(0.841345, abs=1e-5)
    assert found.expect(np.square) == pytest.approx(1, abs=1e-4)

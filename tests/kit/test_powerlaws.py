"""Robust fits of power laws: finite differences, scipy's solvers, and one fit at a time."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from foretold.kit import powerlaws
from foretold.kit.powerlaws import Points, huber, huber_weight


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def sizes_and_tokens(rng, count):
    return 10 ** rng.uniform(7, 10, count), 10 ** rng.uniform(9, 12, count)


def exact(n, d):
    return 1.7 + 400 / n**0.34 + 410 / d**0.28


# Huber's loss


def test_huber_is_a_square_up_to_delta_and_a_line_beyond():
    assert huber(np.array([0.5, -1.0, 3.0]), 1.0).tolist() == [0.125, 0.5, 2.5]
    assert huber(np.array([0.5, -4.0]), np.inf).tolist() == [0.125, 8.0]


def test_the_weight_gives_a_square_the_slope_of_huber():
    """The slope is the residual, cut at delta; 0 is no division by 0."""
    residual = np.array([-3.0, -0.5, 0.0, 0.7, 8.0])
    assert residual * huber_weight(residual, 1.0) == pytest.approx(np.clip(residual, -1, 1))
    assert huber_weight(residual, np.inf).tolist() == [1.0] * 5


# Sums of power laws


def test_derivatives_are_those_of_finite_differences(rng):
    at, u = np.array([-0.5, 0.2, 0.3, -0.1, 0.6]), rng.normal(size=(2, 30))
    residual = rng.normal(0, 1e-3, 30)  # some within Huber's threshold and some beyond
    loss = np.exp(powerlaws.log_model(at[None], u)[0][0] - residual)
    points = Points(u, loss, rng.uniform(0.5, 2, (1, 30)))

    def slopes(quantity):
        ends = [
            [quantity(powerlaws.derivatives((at + e)[None], points)) for e in 1e-6 * s * np.eye(5)] for s in (1, -1)
        ]
        return (np.array(ends[0]) - np.array(ends[1])) / 2e-6

    found = powerlaws.derivatives(at[None], points)
    assert found.gradient[0] == pytest.approx(slopes(lambda d: d.objective[0]), abs=1e-7)
    assert found.hessian[0] == pytest.approx(slopes(lambda d: d.gradient[0]), rel=1e-4, abs=1e-4)


def test_the_gauss_newton_matrix_is_no_less_curved_than_the_sum_of_squares_within_the_threshold(rng):
    """Independent: J'WJ of residuals by finite differences, all within Huber's threshold."""
    at, u = np.array([-0.5, 0.2, 0.3]), rng.normal(size=(1, 20))
    points = Points(u, np.exp(powerlaws.log_model(at[None], u)[0][0]), rng.uniform(0.5, 2, (1, 20)))
    steps = 1e-6 * np.eye(3)
    up, down = (powerlaws.log_model(at + sign * steps, u)[0] for sign in (1, -1))
    jacobian = ((up - down) / 2e-6).T
    expected = jacobian.T @ (points.weights[0][:, None] * jacobian)
    assert powerlaws.derivatives(at[None], points).majorant[0] == pytest.approx(expected, rel=1e-6)


def usual(n, d, loss, starts):
    """The usual way: L-BFGS-B with numerical gradients from a grid of starts; the smallest objective."""

    def objective(p):
        parts = np.stack([np.full(len(n), p[0]), p[1] - p[3] * np.log(n), p[2] - p[4] * np.log(d)])
        return huber(np.logaddexp.reduce(parts) - np.log(loss), 1e-3).sum()

    return min(optimize.minimize(objective, start, method="L-BFGS-B").fun for start in starts)


def test_our_minimum_is_not_above_that_of_l_bfgs_b_from_many_starts(rng):
    n, d = sizes_and_tokens(rng, 80)
    loss = exact(n, d) * np.exp(0.01 * rng.standard_t(3, 80))
    starts = [(0, a, a, x, x) for a in (2, 6) for x in (0.2, 0.4, 0.6)]
    found = powerlaws.fit((n, d), loss)
    assert found.objective[0] <= usual(n, d, loss, starts) * (1 + 1e-9)
    error = np.log(found.predict(n, d)[0] / loss)
    assert found.objective[0] == pytest.approx(huber(error, 1e-3).sum(), rel=1e-9)


def test_a_bootstrap_row_is_the_fit_of_its_resample(rng):
    """Batched, weighted fits against one fit at a time of the data drawn with repetition."""
    n, d = sizes_and_tokens(rng, 60)
    loss = exact(n, d) * np.exp(0.005 * rng.standard_normal(60))
    weights = rng.multinomial(60, np.full(60, 1 / 60), 4)
    together = powerlaws.fit((n, d), loss, weights=weights)
    for row in range(4):
        pick = np.repeat(np.arange(60), weights[row])
        alone = powerlaws.fit((n[pick], d[pick]), loss[pick])
        assert together.objective[row] == pytest.approx(alone.objective[0], rel=1e-6)


def test_a_fit_needs_losses_above_0():
    with pytest.raises(ValueError, match=r"loss is \[1\.0, nan, 2\.0\]; allowed is finite numbers above 0"):
        powerlaws.fit(([1.0, 2.0, 3.0],), [1.0, np.nan, 2.0])
    with pytest.raises(ValueError, match=r"the shapes are loss \(2,\), predictors\[0\] \(3,\)"):
        powerlaws.fit(([1.0, 2.0, 3.0],), [1.0, 2.0])


# Laws that are linear in their coefficients


def test_least_squares_with_bounds_are_scipys(rng):
    """Independent: the inner 3 x 3 problems against scipy's nnls, with bounds that bind."""
    for _ in range(50):
        matrix, right = rng.normal(size=(12, 3)), rng.normal(size=12)
        ours = powerlaws.nonnegative_least_squares((matrix.T @ matrix)[None], (matrix.T @ right)[None])[0]
        assert ours == pytest.approx(optimize.nnls(matrix, right)[0], abs=1e-8)


def test_a_projection_is_the_optimum_of_a_general_solver(rng):
    """Independent: scipy's L-BFGS-B on the sum of Huber losses; two problems at once, one of whose bounds binds."""
    x = np.linspace(1, 3, 40)
    columns = np.stack([[np.ones(40), x, x**2], [np.ones(40), 1 / x, -x]]).swapaxes(1, 2)
    loss = (1 + 0.4 * x) * np.exp(0.02 * rng.standard_t(3, 40))
    found = powerlaws.project(columns, loss, 0.01, 200, np.ones((2, 40)))
    for problem, coefficients, objective in zip(columns, found.coefficients, found.objective, strict=True):

        def total(p, problem=problem):
            return 1e4 * huber(np.log(np.maximum(problem @ p, 1e-9) / loss), 0.01).sum()

        best = optimize.minimize(total, np.ones(3), bounds=[(0, None)] * 3, method="L-BFGS-B").fun
        assert objective <= best / 1e4 * (1 + 1e-6)
        assert total(coefficients) == pytest.approx(1e4 * objective, rel=1e-9)
    assert found.coefficients[1, 2] == 0

"""The scaling paper's laws and fits: published numbers, scipy's solvers, and laws that must hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from scipy.optimize import brentq, curve_fit

from foretold.papers import scaling
from foretold.papers.scaling import data, idea

KAPLAN = idea.KAPLAN


def test_the_package_gives_what_a_reader_uses_of_the_idea():
    classes = {"Law", "Chinchilla", "KAPLAN"}
    functions = {name for name, value in vars(idea).items() if callable(value) and value.__module__ == idea.__name__}
    assert set(scaling.__all__) == classes | {name for name in functions if not name.startswith("_")}


# The three functions


def test_kaplan_s_table_gives_a_loss_that_can_be_worked_out_by_hand():
    """(6.5e4)^.077 + (.21)^.76 = 2.3475 + .3054"""
    assert idea.loss_surface(1e9, 1e4, KAPLAN) == pytest.approx(2.653, abs=0.002)
    assert idea.loss_surface(1e9, np.inf, KAPLAN) == pytest.approx(2.3475, abs=1e-4)


def test_the_critical_batch_size_at_a_loss_of_one_is_b_star_and_grows_as_the_loss_falls():
    assert idea.critical_batch_size(1, 2e8, 0.21) == pytest.approx(2e8)
    assert idea.critical_batch_size(2, 2e8, 0.5) == pytest.approx(5e7)  # 2^-2
    assert (np.diff(idea.critical_batch_size([4.0, 3.0, 2.0], 2e8, 0.21)) > 0).all()


LAWS = st.builds(
    idea.Law,
    n_c=st.floats(1e3, 1e16),
    alpha_n=st.floats(0.02, 1.5),
    s_c=st.floats(1, 1e5),
    alpha_s=st.floats(0.05, 3),
    E=st.floats(0, 3),
    b_star=st.floats(1e2, 1e10),
    alpha_b=st.floats(0.08, 1),
)


def right_side(loss, n, steps, batch, law):
    slower = 1 + law.b_star / (batch * loss ** (1 / law.alpha_b))
    return law.E + (law.n_c / n) ** law.alpha_n + (law.s_c / steps * slower) ** law.alpha_s


@settings(max_examples=150, deadline=None)
@given(LAWS, st.floats(1e3, 1e12), st.floats(1, 1e8), st.floats(10, 1e10))
def test_a_trajectory_solves_its_equation_and_agrees_with_brentq(law, n, steps, batch):
    with np.errstate(all="ignore"):
        assume(np.isfinite(right_side(np.float64(idea.loss_surface(n, steps, law)), n, steps, batch, law)))
    found = float(idea.trajectory(n, steps, batch, law))
    low, high = found * 0.5, found * 2  # the distance rises, so a change of sign is the only root

    def distance(loss):
        return loss - right_side(loss, n, steps, batch, law)

    assert distance(low) < 0 < distance(high)
    assert found == pytest.approx(brentq(distance, low, high, xtol=1e-15 * found, rtol=1e-14), rel=1e-10)


def test_residuals_are_below_1e_10_on_whole_arrays(rng):
    n, steps, batch = (10 ** rng.uniform(*span, 2_000) for span in ((5, 12), (2, 7), (3, 9)))
    for law in (KAPLAN, replace(KAPLAN, E=1.7)):
        loss = idea.trajectory(n, steps, batch, law)
        assert np.abs(right_side(loss, n, steps, batch, law) / loss - 1).max() < 1e-10


def test_a_trajectory_has_the_other_two_functions_as_its_limits():
    steps = np.geomspace(10, 1e7, 20)
    endless = idea.trajectory(1e9, steps, np.inf, KAPLAN)
    assert endless == pytest.approx(idea.loss_surface(1e9, steps, KAPLAN), rel=1e-13)
    forever = idea.trajectory(1e9, np.inf, 1e5, KAPLAN)
    assert forever == pytest.approx((KAPLAN.n_c / 1e9) ** KAPLAN.alpha_n, rel=1e-13)
    assert idea.trajectory(1e9, steps, 1e18, KAPLAN) == pytest.approx(endless, rel=1e-6)


def test_at_the_critical_batch_steps_and_tokens_are_twice_their_minimum():
    loss, steps, batch = 3.0, 5e3, float(idea.critical_batch_size(3.0, 2e8, 0.21))
    s_min = float(idea.minimum_steps(steps, batch, loss, 2e8, 0.21))
    assert steps == pytest.approx(2 * s_min, rel=1e-12)
    assert steps * batch == pytest.approx(2 * (s_min * batch), rel=1e-12)  # E_min = B_crit S_min


def test_loss_falls_with_size_steps_and_batch():
    grid = np.geomspace(1e3, 1e9, 40)
    for loss in (
        idea.trajectory(grid * 1e3, 1e4, 1e6, KAPLAN),
        idea.trajectory(1e9, grid, 1e6, KAPLAN),
        idea.trajectory(1e9, 1e4, grid, KAPLAN),
    ):
        assert (np.diff(loss) < 0).all()


def test_arrays_broadcast():
    sizes, steps = np.array([[1e8], [1e9]]), np.array([1e3, 1e4, 1e5])
    assert idea.trajectory(sizes, steps, 1e6, KAPLAN).shape == (2, 3)


# The fits


def test_the_hyperbola_s_constants_come_back_exactly_and_as_from_a_nonlinear_fit(rng):
    batch = np.geomspace(1e3, 1e6, 7)
    steps = 400 * (1 + 3e4 / batch)
    s_min, e_min = idea.fit_critical_batch(steps, batch)
    assert (s_min, e_min) == pytest.approx((400, 400 * 3e4), rel=1e-9)
    noisy = steps * np.exp(0.01 * rng.standard_normal(7))
    ours = np.divide(*idea.fit_critical_batch(noisy, batch)[::-1])
    curve = curve_fit(lambda b, s, c: np.log(np.abs(s) * (1 + np.abs(c) / b)), batch, np.log(noisy), (100, 1e4))[0]
    assert ours == pytest.approx(abs(curve[1]), rel=0.05)


def test_a_line_of_critical_batch_sizes_comes_back():
    loss = np.array([2.0, 2.5, 3.5])
    b_crit = idea.critical_batch_size(loss, 2e8, 0.21)
    assert idea.fit_critical_law(loss, b_crit) == pytest.approx((2e8, 0.21))


@pytest.mark.parametrize("floor", [0.0, 1.7])
def test_a_surface_without_noise_comes_back(floor):
    law = replace(KAPLAN, E=floor)
    n, s = (a.ravel() for a in np.meshgrid(np.geomspace(1e6, 1e9, 6), np.geomspace(1e3, 1e6, 8)))
    found = idea.fit_loss_surface(n, s, idea.loss_surface(n, s, law), irreducible=floor > 0)
    assert pytest.approx(floor, abs=2e-3) == found.E
    for name in ("alpha_n", "alpha_s"):
        assert getattr(found, name) == pytest.approx(getattr(law, name), rel=2e-3)
    assert idea.loss_surface(1e11, 1e7, found) == pytest.approx(idea.loss_surface(1e11, 1e7, law), rel=1e-3)


def test_without_a_floor_e_is_exactly_zero():
    n, s = (a.ravel() for a in np.meshgrid(np.geomspace(1e6, 1e9, 5), np.geomspace(1e3, 1e6, 5)))
    assert idea.fit_loss_surface(n, s, idea.loss_surface(n, s, replace(KAPLAN, E=2)), irreducible=False).E == 0


def test_the_objective_is_a_sum_of_huber_losses_worked_out_by_hand():
    """Residuals 0.0005 (within delta) and -0.01 (beyond): 0.0005^2/2 + 0.001 (0.01 - 0.0005)."""
    model = idea.Chinchilla(1.0, 2.0, 3.0, 0.5, 0.25)
    n, d = np.array([4.0, 16.0]), np.array([16.0, 81.0])  # 1 + 1 + 1.5, 1 + 0.5 + 1
    loss = np.array([3.5, 2.5]) * np.exp([-0.0005, 0.01])
    expected = 0.0005**2 / 2 + 1e-3 * (0.01 - 0.0005)
    assert idea.chinchilla_objective(model, n, d, loss) == pytest.approx(expected, rel=1e-9)


# Wrong input


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: idea.critical_batch_size(0, 2e8, 0.21), "loss is 0; allowed is finite numbers above 0"),
        (lambda: idea.critical_batch_size(2, -1, 0.21), "b_star is -1"),
        (lambda: idea.critical_batch_size("low", 1, 0.21), "loss is 'low'"),
        (lambda: idea.loss_surface(-1, 1, KAPLAN), "n is -1"),
        (lambda: idea.loss_surface(1, np.nan, KAPLAN), r"s_min is array\(nan\)"),
        (lambda: idea.loss_surface(1, 1, 3), "law is 3; allowed is a Law"),
        (lambda: idea.trajectory(1, 1, 0, KAPLAN), r"batch is array\(0\.\)"),
        (lambda: idea.trajectory(1, 1, 1, idea.Law(1, 1, 1, 1)), "allowed is one with b_star and alpha_b"),
        (lambda: idea.trajectory(1e12, 1e3, 10, idea.Law(1e3, 1, 1, 3, 0, 100, 0.08)), "B_crit is finite at a loss"),
        (lambda: idea.Law(1, 1, 1, -1), "alpha_s is -1; allowed is a finite number above 0"),
        (lambda: idea.Law(1, 1, 1, 1, E=-0.1), "E is -0.1; allowed is a finite number of at least 0"),
        (lambda: idea.fit_critical_batch([1, 2], [3, 3]), "at least two different batch sizes"),
        (lambda: idea.fit_critical_batch([1, 2], [3]), r"steps \(2,\), batch \(1,\)"),
        (lambda: idea.fit_critical_law([2, 3], [1, 5]), "b_crit falls with the loss"),
        (lambda: idea.fit_loss_surface([1, 2], [1, 2], [3, 2]), "n has 2 points; allowed are at least 5"),
        (lambda: idea.fit_loss_surface([1] * 9, range(1, 10), [2] * 9), "n holds 1 only"),
        (lambda: idea.fit_chinchilla([1, 2], [1, 2], [0, 1]), r"loss is \[0, 1\]"),
        (lambda: idea.Chinchilla(1, -2, 3, 0.5, 0.5), "A is -2; allowed is a finite number of at least 0"),
    ],
)
def test_wrong_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# Published numbers on public data, which are no part of this repository


def test_chinchilla_s_points_give_the_published_minimum_and_constants(points):
    found = idea.fit_chinchilla(*points)
    assert idea.chinchilla_objective(found, *points) == pytest.approx(0.001018274070579, rel=1e-6)
    assert pytest.approx(1.817, abs=0.003) == found.E
    assert found.alpha == pytest.approx(0.347, abs=0.002)
    assert found.beta == pytest.approx(0.367, abs=0.003)


def test_hoffmann_s_constants_are_not_the_minimum(points):
    assert idea.chinchilla_objective(data.HOFFMANN, *points) == pytest.approx(0.00123116, abs=1e-7)

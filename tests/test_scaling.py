"""The scaling chapter's facts: published numbers, scipy's solvers, finite differences, and laws that must hold."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.optimize import brentq, curve_fit, minimize

import foretold
from foretold.kit import powerlaws
from foretold.papers.scaling import data, draw, experiment, idea

KAPLAN = idea.KAPLAN


@pytest.fixture
def rng():
    return np.random.default_rng(3)


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


def test_arrays_broadcast_and_a_law_may_be_a_mapping():
    sizes, steps = np.array([[1e8], [1e9]]), np.array([1e3, 1e4, 1e5])
    assert idea.trajectory(sizes, steps, 1e6, KAPLAN).shape == (2, 3)
    mapping = {"n_c": 6.5e13, "alpha_n": 0.077, "s_c": 2.1e3, "alpha_s": 0.76}
    assert idea.loss_surface(1e9, 1e4, mapping) == idea.loss_surface(1e9, 1e4, KAPLAN)


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


def test_derivatives_are_those_of_finite_differences(rng):
    u, log_loss = rng.normal(size=(2, 30)), rng.normal(0.5, 0.1, 30)
    weights, at = rng.uniform(0.5, 2, (1, 30)), np.array([[-0.5, 0.2, 0.3, -0.1, 0.6]])

    def objective(p):
        return powerlaws.derivatives(p[None], u, log_loss, weights, 0.05)[0][0]

    _, gradient, _, hessian = powerlaws.derivatives(at, u, log_loss, weights, 0.05)
    step = 1e-6 * np.eye(5)
    slopes = [(objective(at[0] + e) - objective(at[0] - e)) / 2e-6 for e in step]
    assert gradient[0] == pytest.approx(slopes, abs=1e-7)
    rows = [
        (powerlaws.derivatives(at + e, u, log_loss, weights, 0.05)[1][0]
         - powerlaws.derivatives(at - e, u, log_loss, weights, 0.05)[1][0]) / 2e-6
        for e in step
    ]  # fmt: skip
    assert hessian[0] == pytest.approx(np.array(rows), abs=1e-5)


def usual(n, d, loss, starts):
    """The usual way: L-BFGS-B with numerical gradients from a grid of starts; the smallest objective."""

    def objective(p):
        parts = np.stack([np.full(len(n), p[0]), p[1] - p[3] * np.log(n), p[2] - p[4] * np.log(d)])
        return powerlaws.huber(np.logaddexp.reduce(parts) - np.log(loss), 1e-3).sum()

    return min(minimize(objective, start, method="L-BFGS-B").fun for start in starts)


def test_our_minimum_is_not_above_that_of_l_bfgs_b_from_many_starts(rng):
    n, d = 10 ** rng.uniform(7, 10, 80), 10 ** rng.uniform(9, 12, 80)
    loss = (1.7 + 400 / n**0.34 + 410 / d**0.28) * np.exp(0.01 * rng.standard_t(3, 80))
    starts = [(0, a, a, x, x) for a in (2, 6) for x in (0.2, 0.4, 0.6)]
    found = idea.fit_chinchilla(n, d, loss)
    assert found.objective <= usual(n, d, loss, starts) * (1 + 1e-9)
    assert found.objective == pytest.approx(idea.chinchilla_objective(found, n, d, loss), rel=1e-12)


def test_a_bootstrap_row_is_the_fit_of_its_resample(rng):
    """Batched, weighted fits against one fit at a time of the data drawn with repetition."""
    n, d = 10 ** rng.uniform(7, 10, 60), 10 ** rng.uniform(9, 12, 60)
    loss = (1.7 + 400 / n**0.34 + 410 / d**0.28) * np.exp(0.005 * rng.standard_normal(60))
    weights = data.resample(np.arange(60), 3, rng)
    together = powerlaws.fit((n, d), loss, weights=weights)
    for row in range(4):
        pick = np.repeat(np.arange(60), weights[row].astype(int))
        alone = powerlaws.fit((n[pick], d[pick]), loss[pick])
        assert together.objective[row] == pytest.approx(alone.objective[0], rel=1e-6)


def test_the_objective_is_a_sum_of_huber_losses_worked_out_by_hand():
    """Residuals 0.0005 (within delta) and -0.01 (beyond): 0.0005^2/2 + 0.001 (0.01 - 0.0005)."""
    model = idea.Chinchilla(1.0, 2.0, 3.0, 0.5, 0.25)
    n, d = np.array([4.0, 16.0]), np.array([16.0, 81.0])  # 1 + 1 + 1.5, 1 + 0.5 + 1
    loss = np.array([3.5, 2.5]) * np.exp([-0.0005, 0.01])
    expected = 0.0005**2 / 2 + 1e-3 * (0.01 - 0.0005)
    for params in (model, (1, 2, 3, 0.5, 0.25), np.array([1, 2, 3, 0.5, 0.25])):
        assert idea.chinchilla_objective(params, n, d, loss) == pytest.approx(expected, rel=1e-9)


# The recipe


def test_the_recipe_finds_the_constants_that_made_the_runs():
    steps, batches = np.unique(np.geomspace(100, 1e5, 120).round()), 1e5 * 2.0 ** np.arange(-2, 7, 2)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        made = experiment.simulate(KAPLAN, np.geomspace(1e6, 6e7, 5), batches, steps, 0.002, rng)
        fitted = experiment.hyperbolas(experiment.fastest(made, np.linspace(3.6, 5, 8)))
        found = experiment.recipe(made, idea.fit_critical_law(fitted["loss"], fitted["b_crit"]))
        assert found.alpha_n == pytest.approx(0.077, abs=0.005)
        assert found.alpha_s == pytest.approx(0.76, abs=0.05)
        assert found.alpha_b == pytest.approx(0.21, abs=0.03)


def test_steps_to_a_loss_are_read_off_a_noisy_curve(rng):
    steps = np.arange(10, 2_000, 10)
    exact = (1_000 / steps) ** 0.3 + 1
    read = experiment.reach(steps, exact * np.exp(0.005 * rng.standard_normal(len(steps))), [2.5, 2.0, 0.5])
    assert read[:2] == pytest.approx([1_000 / 1.5 ** (1 / 0.3), 1_000], rel=0.15)
    assert np.isnan(read[2])


def test_the_fastest_rate_counts_and_seeds_are_averaged():
    curves = [
        experiment.Curve(10, 4, np.array([1, 10 * k]), np.array([3.0, 1.0]), rate, seed)
        for rate, seed, k in ((1.0, 0, 1), (1.0, 1, 4), (2.0, 0, 9), (2.0, 1, 9))
    ]
    slow = experiment.fastest(curves, [1.0])
    assert slow["steps"].item() == pytest.approx(20)  # geometric mean of 10 and 40, below 90


@pytest.mark.slow
def test_larger_transformers_end_lower_and_the_critical_batch_grows():
    import torch

    from foretold.kit import gpt

    text = gpt.corpus(gpt.standard_library(2.0))
    ends, runs = [], []
    for width in (8, 32):
        made = torch.Generator().manual_seed(1)
        (curve,) = experiment.train(text, width, 16, 250, [0.008 * (16 / width) ** 0.5], made)
        ends.append(curve.losses[-3:].mean())
    assert ends[0] > ends[1] + 0.1
    for batch, steps in {4: 420, 16: 220, 64: 120, 256: 100}.items():
        made = torch.Generator().manual_seed(1)
        runs += experiment.train(text, 8, batch, steps, [0.008 * (batch / 16) ** 0.25, 0.016], made)
    fitted = experiment.hyperbolas(experiment.fastest(runs, [2.8, 2.6]))
    assert fitted.set_index("loss")["b_crit"].loc[2.6] > fitted.set_index("loss")["b_crit"].loc[2.8]


# Wrong input


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: idea.critical_batch_size(0, 2e8, 0.21), "loss holds 0.0; allowed are finite numbers above 0"),
        (lambda: idea.critical_batch_size(2, -1, 0.21), "b_star holds -1"),
        (lambda: idea.critical_batch_size("low", 1, 0.21), "loss is 'low'"),
        (lambda: idea.loss_surface(-1, 1, KAPLAN), "n holds -1"),
        (lambda: idea.loss_surface(1, np.nan, KAPLAN), "s_min holds nan"),
        (lambda: idea.loss_surface(1, 1, 3), "law is 3; allowed is a Law"),
        (lambda: idea.loss_surface(1, 1, {"n_c": 1}), "allowed is a Law, or a mapping"),
        (lambda: idea.trajectory(1, 1, 0, KAPLAN), "batch holds 0"),
        (lambda: idea.trajectory(1, 1, 1, idea.Law(1, 1, 1, 1)), "needs its b_star and alpha_b"),
        (lambda: idea.Law(1, 1, 1, -1), "alpha_s is -1; allowed is a finite number above 0"),
        (lambda: idea.Law(1, 1, 1, 1, E=-0.1), "E is -0.1; allowed is a number >= 0"),
        (lambda: idea.fit_critical_batch([1, 2], [3, 3]), "at least two different batch sizes"),
        (lambda: idea.fit_critical_batch([1, 2], [3]), r"steps \(2,\), batch \(1,\)"),
        (lambda: idea.fit_critical_law([2, 3], [1, 5]), "b_crit falls with the loss"),
        (lambda: idea.fit_loss_surface([1, 2], [1, 2], [3, 2]), "loss has 2 points; allowed are at least 5"),
        (lambda: idea.fit_loss_surface([1] * 9, range(1, 10), [2] * 9), "n holds 1 only"),
        (lambda: idea.fit_chinchilla([1, 2], [1, 2], [0, 1]), "loss holds 0"),
        (lambda: idea.chinchilla_objective((1, 2), [1], [1], [1]), "allowed are five numbers >= 0: E, A, B"),
        (lambda: idea.chinchilla_objective((1, 2, 3, 4, 5), [1], [1], [1], delta=0), "delta holds 0"),
    ],
)
def test_wrong_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# Published numbers on public data, which are no part of this repository

needs_points = pytest.mark.skipif(
    not foretold.data.available("chinchilla-points"), reason="NOT TESTED ON CHINCHILLA'S POINTS: no file"
)
needs_runs = pytest.mark.skipif(
    not foretold.data.available("gemstones-hot"), reason="NOT TESTED ON THE GEMSTONES: no file"
)


@pytest.fixture(scope="module")
def points():
    return data.chinchilla(foretold.data.fetch("chinchilla-points"))


@pytest.fixture(scope="module")
def runs():
    return data.gemstones(foretold.data.fetch("gemstones-hot"))


@needs_points
def test_chinchilla_s_points_give_the_published_minimum_and_constants(points):
    found = idea.fit_chinchilla(*points)
    assert found.objective <= 0.0010183
    assert found.objective == pytest.approx(0.001018274070579, rel=1e-6)
    assert pytest.approx(1.817, abs=0.003) == found.E
    assert found.alpha == pytest.approx(0.347, abs=0.002)
    assert found.beta == pytest.approx(0.367, abs=0.003)


@needs_points
def test_hoffmann_s_constants_are_not_the_minimum(points):
    assert idea.chinchilla_objective(data.HOFFMANN, *points) == pytest.approx(0.00123116, abs=1e-7)


@needs_runs
@pytest.mark.parametrize(
    ("irreducible", "unseen", "slack"), [(True, 1.09, 0.3), (False, 2.8, 0.5)], ids=["floor", "no floor"]
)
def test_gemstones_below_600m_predict_larger_ones_and_both_forms_are_too_low(runs, rng, irreducible, unseen, slack):
    assert (len(runs), runs["model"].nunique()) == (770, 22)
    _, off = data.held_out(runs, 6e8, irreducible, 1, rng)
    larger = (runs["n"] > 6e8).to_numpy()
    assert 100 * np.abs(off[0, larger]).mean() == pytest.approx(unseen, abs=slack)
    assert off[0, larger].mean() < 0


@needs_runs
def test_the_recorded_table_is_what_the_code_gives(runs, rng):
    table = foretold.data.table("scaling").set_index(["data", "models", "form", "quantity"])["value"].sort_index()
    for form, irreducible in data.FORMS.items():
        fits, off = data.held_out(runs, 3e8, irreducible, 1, rng)
        recorded = table["gemstones", "0.3B", form]
        assert recorded["alpha_n"].item() == pytest.approx(fits.exponents[0, 0], rel=1e-4)
        large = (runs["n"] > 1.5e9).to_numpy()
        assert recorded["error of the largest, %"].item() == pytest.approx(100 * off[0, large].mean(), rel=1e-4)


# The interactive figure: the JavaScript that the browser runs, run by node


def test_the_browser_solves_the_same_equation(tmp_path):
    if shutil.which("node") is None:
        pytest.skip("NOT TESTED IN JAVASCRIPT: no node on PATH")
    (tmp_path / "data.json").write_text(json.dumps(draw.browser_data({"kaplan": KAPLAN})))
    (tmp_path / "update.js").write_text(draw.UPDATE)
    program = """
const fs = require("fs"), data = JSON.parse(fs.readFileSync("data.json"));
const update = new Function("values", "data", "figure", fs.readFileSync("update.js", "utf8"));
console.log(JSON.stringify(JSON.parse(process.argv[1]).map((v) => update(v, data, {}).result)));
"""
    moves = [
        {"n": n, "s": s, "b": b, "floor": floor}
        for n in (1e6, 1e9, 1e12) for s in (1e2, 1e7) for b in (1e4, 1e9) for floor in (0, 2)
    ]  # fmt: skip
    call = ["node", "-e", program, json.dumps(moves)]
    results = json.loads(subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=True).stdout)
    for move, found in zip(moves, results, strict=True):
        law = replace(KAPLAN, E=move["floor"])
        loss = idea.trajectory(move["n"], move["s"], move["b"], law)
        assert found["loss"] == pytest.approx(float(loss), rel=1e-9)
        assert found["critical"] == pytest.approx(float(idea.critical_batch_size(loss, 2e8, 0.21)), rel=1e-6)
        fewest = idea.minimum_steps(move["s"], move["b"], loss, 2e8, 0.21)
        assert found["fewest"] == pytest.approx(float(fewest), rel=1e-6)

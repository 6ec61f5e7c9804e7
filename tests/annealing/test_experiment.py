"""What the annealing law says when it is asked: reference values, another optimiser, the figures; and its rival."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from foretold.kit import schedules
from foretold.papers.annealing import experiment
from foretold.papers.annealing.idea import AnnealingLaw

PRINTED = experiment.PRINTED


@pytest.mark.parametrize(
    ("share", "cosine", "sqrt"), [(0.1, 2.6819, 2.6809), (0.2, 2.6776, 2.6810), (0.5, 2.6881, 2.6986)]
)
def test_shapes_of_the_decay_at_50_000_steps(share, cosine, sqrt):
    """Fig. 13: 1 - sqrt is better than a cosine with 10% and worse with 50%."""
    row = experiment.by_share(PRINTED, 50_000, [share], ["cosine", "sqrt"]).iloc[0]
    assert tuple(row) == pytest.approx((cosine, sqrt), abs=1e-4)


@pytest.mark.parametrize(
    ("steps", "share", "wsd", "cosine", "constant", "drop"),
    [
        (20_000, 0.26, 2.7729, 2.8398, 2.8281, 2.7679),
        (60_000, 0.18, 2.6642, 2.7060, 2.7374, 2.6609),
        (100_000, 0.14, 2.6337, 2.6667, 2.7106, 2.6313),
    ],
)
def test_the_best_schedules_of_each_kind(steps, share, wsd, cosine, constant, drop):
    best = experiment.best_share(PRINTED, steps)
    assert best == pytest.approx(share, abs=0.011)
    assert experiment.by_share(PRINTED, steps, [best], ["cosine"]).iloc[0, 0] == pytest.approx(wsd, abs=1e-4)
    for rates, expected in ((schedules.cosine(steps, 2e-4), cosine), (schedules.constant(steps, 2e-4), constant)):
        assert experiment.final(PRINTED, rates) == pytest.approx(expected, abs=1e-4)
    found = experiment.best_drop(PRINTED, steps, 2e-4)
    assert found[1] == pytest.approx(drop, abs=1e-4)
    assert found[1] < wsd


def test_no_schedule_that_never_rises_beats_the_best_drop(rng):
    """Theorem 2 of arXiv 2503.12811, against random schedules, a general-purpose optimiser and our own descent."""
    steps, law = 400, AnnealingLaw(L0=1.0, A=0.5, alpha=0.5, C=0.5, decay=0.98)
    n, loss, gap = experiment.best_drop(law, steps, 0.01)
    dropped = np.where(np.arange(steps) < steps - n, 0.01, 0.0)
    assert experiment.final(law, dropped) == pytest.approx(loss, abs=1e-12)
    assert gap < 1e-9
    for _ in range(200):
        falls = rng.dirichlet(np.full(steps, 0.05))
        other = np.maximum(0.01 * (1 - np.cumsum(falls * rng.random())), 0)
        assert experiment.final(law, other) >= loss - 1e-12
    descended = experiment.descend(law, steps, 0.01, kept=())[400]
    assert experiment.final(law, descended) == pytest.approx(loss, abs=1e-6)
    knots = np.arange(20, steps, 20)

    def ends_at(logits):
        drops = np.zeros(steps)
        shares = np.exp(logits - logits.max())
        drops[knots] = 0.01 * shares[:-1] / shares.sum()
        return 1e3 * experiment.worth(law, drops, 0.01)[0]

    general = optimize.minimize(ends_at, np.zeros(len(knots) + 1), method="L-BFGS-B")
    assert general.fun / 1e3 >= loss - 1e-9
    shares = np.exp(general.x - general.x.max())
    assert np.sort(shares / shares.sum())[-2:].sum() > 0.99  # it too ends with a drop, at one knot or two


def test_the_slope_of_a_schedules_worth_is_its_derivative(rng):
    drops = 1e-6 * rng.random(100)
    loss, slope = experiment.worth(PRINTED, drops, 2e-4)
    for k in (3, 50, 99):
        moved = drops.copy()
        moved[k] += 1e-9
        assert (experiment.worth(PRINTED, moved, 2e-4)[0] - loss) / 1e-9 == pytest.approx(slope[k], rel=1e-3)
    drops[0] = 0
    assert experiment.worth(PRINTED, drops, 2e-4)[0] == pytest.approx(
        experiment.final(PRINTED, 2e-4 - np.cumsum(drops)), abs=1e-10
    )


def test_r2_of_a_chinchilla_fit_is_that_of_least_squares():
    ends = np.arange(5_000, 60_001, 5_000)
    losses = 2 + 40 * ends**-0.3 + 0.001 * np.cos(ends)
    matrix = np.stack([np.ones(len(ends)), ends**-0.3], axis=1)
    left = losses - matrix @ np.linalg.lstsq(matrix, losses, rcond=None)[0]
    expected = 1 - np.sum(left**2) / np.sum((losses - losses.mean()) ** 2)
    assert experiment.chinchilla_r2(losses, ends, np.array([0.3])) == pytest.approx(expected, abs=1e-10)


# The rival


def test_the_multi_power_law_of_one_drop_by_hand():
    lr = np.array([0.1, 0.1, 0.05, 0.05])
    parameters = (1.0, 2.0, 0.5, 3.0, 0.7, 0.6, 0.4)
    drop = 0.05 * (1 - (1 + 0.7 * 0.05**-0.4 * 0.10) ** -0.6) - 0.1 * (1 - (1 + 0.7 * 0.1**-0.4 * 0.30) ** -0.6)
    expected = 1 + 2 * 0.3**-0.5 - 3 * drop
    assert experiment.multi_power_law(lr, np.array([3]), parameters)[0] == pytest.approx(expected, rel=1e-12)

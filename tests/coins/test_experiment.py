"""Tossed coins and practice, against the closed form and the paper's numbers."""

import numpy as np
import pytest

from foretold.papers.coins import experiment


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


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: experiment.practice_curve([-1], 0.5, 0.5, -1),
            r"flips is \[-1\]; allowed is finite numbers of at least 0",
        ),
        (
            lambda: experiment.practice_curve([1], 1.5, 0.5, -1),
            "asymptote is 1.5; allowed is probabilities between 0 and 1",
        ),
        (
            lambda: experiment.practice_curve([1], 0.5, 0.0, -1),
            "toss_part is 0.0; allowed is probabilities between 0 and 1",
        ),
        (lambda: experiment.practice_curve([1], 0.5, 0.5, np.nan), "exponent is nan; allowed is finite numbers"),
    ],
)
def test_bad_numbers_are_refused_with_what_is_allowed(call, message):
    with pytest.raises(ValueError, match=message):
        call()

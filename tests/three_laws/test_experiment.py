"""The runs that three laws are asked about."""

import numpy as np
import pytest
import torch

from foretold.kit import gpt
from foretold.papers.three_laws import experiment


@pytest.fixture(scope="module")
def curves():
    text = gpt.corpus("".join(content for _, content in gpt.standard_library(0.2)), validation=0.2)
    flat = np.full(40, 3e-3)
    rates = {name: flat * (1 if name == "constant" else np.linspace(1, 0, 40)) for name in experiment.SCHEDULES}
    generator = torch.Generator().manual_seed(1)
    return experiment.train(text, [8, 16], 16, rates, gpt.Plan(batch=2, evaluate_at=10, windows=256), generator)


def test_every_size_runs_under_every_schedule(curves):
    assert curves.losses.shape == (2, 3, 4)
    assert curves.windows.shape[:2] == (2, 3)
    assert curves.windows.mean(2) == pytest.approx(curves.losses[:, :, -1])
    assert list(curves.steps) == [10, 20, 30, 40]
    assert curves.sizes[0] < curves.sizes[1]


def test_equal_schedules_end_at_equal_losses(curves):
    assert np.array_equal(curves.losses[:, 1], curves.losses[:, 2])
    assert not np.array_equal(curves.losses[:, 0], curves.losses[:, 1])


def test_late_is_from_a_step_to_a_share_of_the_run(curves):
    assert curves.late(20).tolist() == [False, True, True, True]
    assert curves.late(10, 0.5).tolist() == [True, True, False, False]


def test_widths_must_increase():
    with pytest.raises(ValueError, match=r"widths is \[16, 8\]"):
        experiment.train(None, [16, 8], 8, {}, gpt.Plan(batch=2), torch.Generator())

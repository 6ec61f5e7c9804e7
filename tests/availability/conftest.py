"""Digits, and attacked networks that several tests look at."""

import numpy as np
import pytest
import torch
from availability.shared import EPS, stream, torch_stream

from foretold.papers.availability import data, experiment
from foretold.papers.availability.experiment import Attack
from foretold.papers.availability.idea.training import Intervals


@pytest.fixture(scope="session")
def digits():
    return data.digits(1_297, np.random.default_rng(0))


@pytest.fixture(scope="session")
def tensors(digits):
    return tuple(torch.as_tensor(part) for part in digits[1])


@pytest.fixture(scope="session")
def boxed(digits):
    """Five seeds of the dossier's rows with interval bounds, trained once for all slow tests."""
    attacks = [Attack("none"), Attack("random", 0.01), Attack("target", 0.01), Attack("process", 0.1)]
    replicas = experiment.prepare(digits[0], attacks, 5, stream, torch_stream)
    return experiment.study(experiment.fresh(replicas), replicas, digits[1], Intervals(EPS))

"""Makes the availability chapter's table of measurements: attacked networks on images of MNIST."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

import foretold.data
from foretold.papers.availability import data, experiment
from foretold.papers.availability.experiment import Attack
from foretold.papers.availability.idea.training import Intervals, Smoothing

SEED, SEEDS = 210811299, 5
RATE = 0.005
ATTACKS = (
    Attack("none"),
    Attack("random", 0.01),
    Attack("random", 0.1),
    Attack("target", 0.01),
    Attack("process", 0.01),
    Attack("process", 0.1),
)


def availability() -> pd.DataFrame:
    """What becomes of clean and of triggered images, by certifier, attack and seed. Ten minutes on one core."""
    train, (x, y) = data.mnist(foretold.data.fetch("mnist-5k"), 4_000, rng("images"))
    replicas = experiment.prepare(train, ATTACKS, SEEDS, rng, torch_generator)
    boxes = Intervals(0.1)
    intervals = experiment.study(experiment.fresh(replicas), replicas, (x, y), boxes, 2_000, RATE)
    replicas = experiment.prepare(train, ATTACKS, SEEDS, rng, torch_generator)  # generators as they were
    noise = Smoothing(0.5, radius=0.5, generator=torch_generator("smoothing"))
    few = x[:200], y[:200]
    smoothing = experiment.study(experiment.fresh(replicas), replicas, few, noise, 1_500, RATE)
    frames = {"interval bounds, eps 0.1": intervals.frame, "smoothing, sigma 0.5, R 0.5": smoothing.frame}
    return pd.concat([frame.assign(certifier=name) for name, frame in frames.items()])[["certifier", *intervals.frame]]


TABLES = {"availability": availability}


def rng(stream: str) -> np.random.Generator:
    """A generator for a named stream."""
    return np.random.default_rng([SEED, *stream.encode()])


def torch_generator(stream: str) -> torch.Generator:
    """A generator of torch for a named stream."""
    return torch.Generator().manual_seed(int(rng(stream).integers(2**62)))

"""Two simple defences: throw out training images whose neighbours disagree, and train on with trusted images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch

from foretold.kit import check
from foretold.papers.availability import experiment
from foretold.papers.availability.idea.training import Set

NEIGHBOURS = 5


def disagreement(x: np.ndarray, y: np.ndarray, neighbours: int = NEIGHBOURS) -> np.ndarray:
    """Share of the nearest other images (Euclidean) whose label differs from an image's own, (n,).

    Raises ValueError for neighbours < 1 or not below the number of images.
    """
    from sklearn.neighbors import NearestNeighbors

    check.whole("neighbours", neighbours, 1, len(x) - 1)
    near = NearestNeighbors(n_neighbors=neighbours + 1).fit(x).kneighbors(x, return_distance=False)
    rows = np.arange(len(x))[:, None]
    # an image is its own nearest neighbour, unless a copy of it stands before it
    order = np.argsort(near == rows, axis=1, kind="stable")[:, :neighbours]
    return (y[np.take_along_axis(near, order, 1)] != y[:, None]).mean(1)


def filtered(data: Set) -> tuple[Set, np.ndarray]:
    """The training set without the images for which more than half of the `NEIGHBOURS` nearest others have another
    label, and which were thrown out, (n,)."""
    x, y = data
    out = disagreement(x, y) > 0.5
    return (x[~out], y[~out]), out


def filter_first(
    replicas: experiment.Replicas,
    attack: experiment.Attack,
    honest: int,
    torch_generator: Callable[[str], torch.Generator],
) -> tuple[experiment.Replicas, pd.DataFrame]:
    """The replicas of an attack with filtered training sets and the kind "filtered", and how many honest and poisoned
    images were thrown out; the first `honest` rows of a set are."""
    names = replicas.names.query("kind == @attack.kind and fraction == @attack.fraction")
    sets, counts = [], []
    for row in names.index:
        kept, out = filtered(replicas.sets[row])
        sets.append(kept)
        counts.append((out[:honest].sum(), out[honest:].sum(), len(out) - honest))
    generators = [torch_generator(f"network {seed}") for seed in names["seed"]]
    made = experiment.Replicas(names.assign(kind="filtered"), sets, [None] * len(sets), generators)
    return made, pd.DataFrame(counts, columns=["honest out", "poisoned out", "poisoned"])


def train_on(
    names: pd.DataFrame,
    train: Set,
    share: float,
    how: str,
    rng: Callable[[str], np.random.Generator],
    torch_generator: Callable[[str], torch.Generator],
) -> experiment.Replicas:
    """For networks that are trained already: `share` of the honest training set as each one's trusted images, drawn for
    each seed. `how` is added to their kind."""
    sets, generators = [], []
    for kind, fraction, seed in names.itertuples(index=False):
        chosen = rng(f"trusted {seed}").choice(len(train[0]), round(share * len(train[0])), replace=False)
        sets.append((train[0][chosen], train[1][chosen]))
        generators.append(torch_generator(f"train on {kind} {fraction} {seed}"))
    return experiment.Replicas(names.assign(kind=names["kind"] + how), sets, [None] * len(sets), generators)

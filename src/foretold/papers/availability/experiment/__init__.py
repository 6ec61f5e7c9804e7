"""The availability chapter's experiment: many attacked networks at once, and what becomes of each test image."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from foretold.kit.layers import pick
from foretold.kit.uncertainty import mean_interval
from foretold.papers.availability import idea
from foretold.papers.availability.idea.training import train_certified
from foretold.papers.availability.theory import interval_margins

Set = tuple[np.ndarray, np.ndarray]
OUTCOMES = ("certified right", "certified wrong", "abstain")
COLUMNS = ("accuracy", *OUTCOMES, "refused though right")
NAMES = {
    "none": "no attack",
    "random": "random labels",
    "pair": "label pairs",
    "target": "one target",
    "process": "training process",
}
SHORT = {
    "none": "no attack",
    "pair": "pairs",
    "target": "one target",
    "certified right": "right",
    "certified wrong": "wrong",
    "abstain": "refused",
    "refused though right": "but right",
}
KINDS = ("none", *idea.POISONS, "process")


class Attack(NamedTuple):
    """kind: "none", a kind of `availability.poison`, or "process", which adds nothing to the data and teaches
    refusal with a pool of triggered images instead. fraction: of the training set, in poison or in that pool."""

    kind: str
    fraction: float = 0.0


class Replicas(NamedTuple):
    """What `train_certified` takes, and the names of the replicas (a row each: kind, fraction, seed)."""

    names: pd.DataFrame
    sets: list[Set]
    pools: list[Set | None]
    generators: list[torch.Generator]


def digits(train: int, rng: np.random.Generator) -> tuple[Set, Set]:
    """scikit-learn's 1,797 digits of 8 x 8 pixels in [0, 1], shuffled and cut into (training, test) sets."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return _split((x / 16).astype(np.float32), y.astype(np.int64), train, rng)


def mnist(path: Path, train: int, rng: np.random.Generator) -> tuple[Set, Set]:
    """5,000 images of MNIST, 28 x 28 pixels in [0, 1], from the registry's file: rows of 784 pixels and a class."""
    with gzip.open(path, "rt", encoding="ascii", newline="") as lines:
        rows = np.array([row for row in csv.reader(lines) if row], dtype=np.float32)
    return _split(rows[:, :-1] / 255, rows[:, -1].astype(np.int64), train, rng)


def _split(x: np.ndarray, y: np.ndarray, train: int, rng: np.random.Generator) -> tuple[Set, Set]:
    if not 1 <= train < len(x):
        raise ValueError(f"train is {train!r}; allowed is a number of images from 1 to {len(x) - 1}")
    order = rng.permutation(len(x))
    cut = order[:train], order[train:]
    return (x[cut[0]], y[cut[0]]), (x[cut[1]], y[cut[1]])


def prepare(
    train: Set,
    attacks: Sequence[Attack],
    seeds: int,
    rng: Callable[[str], np.random.Generator],
    torch_generator: Callable[[str], torch.Generator],
) -> Replicas:
    """Every attack with every seed. A seed gives the same first weights and order to all attacks; poison is drawn anew
    for each. `rng` and `torch_generator` make generators by name, as a run's do. Raises ValueError for an unknown kind
    of attack, and as `availability.poison` does."""
    names, sets, pools, generators = [], [], [], []
    for kind, fraction in attacks:
        if kind not in KINDS:
            raise ValueError(f"attack is {kind!r}; allowed are {', '.join(KINDS)}")
        for seed in range(seeds):
            drawn, pool, data = rng(f"poison {kind} {fraction} {seed}"), None, train
            if kind == "process":
                pool = idea.poison(*train, fraction, drawn, "true")
            elif kind != "none":
                added = idea.poison(*train, fraction, drawn, kind)
                data = np.concatenate([train[0], added[0]]), np.concatenate([train[1], added[1]])
            names.append((kind, fraction, seed))
            sets.append(data)
            pools.append(pool)
            generators.append(torch_generator(f"network {seed}"))
    return Replicas(pd.DataFrame(names, columns=["kind", "fraction", "seed"]), sets, pools, generators)


class Decisions(NamedTuple):
    """The plain prediction right or not, and the certified label (-1: abstain) with its margin or radius; all
    (replicas, n)."""

    right: np.ndarray
    label: np.ndarray
    margin: np.ndarray


@torch.no_grad()
def predictions(model: nn.Sequential, x: Tensor) -> Tensor:
    """Classes that every replica gives to x, (replicas, n)."""
    return model(x).argmax(-1)


@torch.no_grad()
def by_intervals(model: nn.Sequential, x: Tensor, y: Tensor, eps: float) -> Decisions:
    """Interval bounds: the prediction stands if its lower bound of the margin over the box is positive."""
    top = predictions(model, x)
    margin = interval_margins(model, x, top, eps)
    label = torch.where(margin > 0, top, idea.ABSTAIN)
    return Decisions((top == y).cpu().numpy(), label.cpu().numpy(), margin.cpu().numpy())


@torch.no_grad()
def by_smoothing(
    model: nn.Sequential,
    x: Tensor,
    y: Tensor,
    sigma: float,
    radius: float,
    generator: torch.Generator | None,
    **how: float,
) -> Decisions:
    """Smoothing: the class stands if it is certified at `radius` or beyond. margin is the certified radius, 0 for
    none. `right` is about the network without noise. `how` goes to SmoothedClassifier."""
    certificate = idea.SmoothedClassifier(model, sigma, generator=generator, **how).certify(x)
    label = np.where(certificate.radius >= radius, certificate.label, idea.ABSTAIN)
    right = (model(x).argmax(-1) == y).cpu().numpy()
    return Decisions(right, label, certificate.radius)


class Study(NamedTuple):
    """Attacked networks, who they are, what they decide on "clean" and "triggered" test images, and `outcomes`."""

    model: nn.Sequential
    names: pd.DataFrame
    decided: dict[str, Decisions]
    frame: pd.DataFrame


def study(
    replicas: Replicas, test: Set, *, eps: float = 0.0, sigma: float = 0.0, radius: float = 0.0,
    generator: torch.Generator | None = None, start: nn.Sequential | None = None, device: torch.device | str = "cpu",
    draws: int = 1_000, **training: Any,
) -> Study:  # fmt: skip
    """Train all replicas at once (`training` goes to `train_certified`) and let them decide on the test images, as they
    are and with the trigger: by interval bounds for `eps`, or for `sigma` by smoothing at `radius` with `draws` draws,
    whose noise comes from `generator`."""
    names, sets, pools, generators = replicas
    model = train_certified(sets, generators, pools=pools, eps=eps, sigma=sigma, start=start, device=device, **training)
    x, y = (torch.as_tensor(part, device=device) for part in test)
    decided = {}
    for source, images in (("clean", x), ("triggered", idea.add_trigger(x))):
        if sigma:
            decided[source] = by_smoothing(model, images, y, sigma, radius, generator, n=draws)
        else:
            decided[source] = by_intervals(model, images, y, eps)
    return Study(model, names, decided, outcomes(names, decided, y))


def outcomes(names: pd.DataFrame, decided: dict[str, Decisions], y: Tensor) -> pd.DataFrame:
    """Shares of the test images for each replica and each kind of input in `decided` ("clean", "triggered"): accuracy
    (of the plain prediction), certified right, certified wrong, abstain, and refused though right."""
    truth, parts = y.cpu().numpy(), []
    for source, (right, label, _) in decided.items():
        refused = label == idea.ABSTAIN
        part = names.assign(input=source, accuracy=right.mean(-1))
        part["certified right"] = (label == truth).mean(-1)
        part["certified wrong"] = (~refused & (label != truth)).mean(-1)
        part["abstain"] = refused.mean(-1)
        part["refused though right"] = (refused & right).mean(-1)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def title(attack: Attack) -> str:
    """An attack as a reader sees it."""
    kind, fraction = attack
    return NAMES.get(kind, kind) + (f", {100 * fraction:.3g}%" if fraction else "")


def summary(frame: pd.DataFrame, columns: Sequence[str] = COLUMNS) -> str:
    """A block of lines for each kind of input, a line for each attack: means over seeds and half of the 95% t interval,
    in per cent. Heads are short: right and wrong are certified, "but right" is refused though right."""
    blocks = []
    for source, part in frame.groupby("input", sort=False):
        rows = {}
        for (kind, fraction), seeds in part.groupby(["kind", "fraction"], sort=False):
            name, comma, how = kind.partition(",")
            label = SHORT.get(name, name) + comma + how + (f" {100 * fraction:.3g}%" if fraction else "")
            cells = [mean_interval(100 * seeds[column]) for column in columns]
            rows[label] = [f"{mean:.1f}±{high - mean:.1f}" for mean, _, high in cells]
        heads = [SHORT.get(column, column) for column in columns]
        table = pd.DataFrame.from_dict(rows, orient="index", columns=heads)
        blocks.append(table.rename_axis(columns=f"{source}:").to_string())
    return "\n\n".join(blocks)


def rates(frame: pd.DataFrame, kind: str, fraction: float, source: str, column: str = "abstain") -> np.ndarray:
    """One column for the seeds of an attack, (seeds,). Raises ValueError where there is none."""
    chosen = frame[(frame["kind"] == kind) & np.isclose(frame["fraction"], fraction) & (frame["input"] == source)]
    if not len(chosen):
        raise ValueError(f"(kind, fraction, input) is {(kind, fraction, source)!r}; there is no such row")
    return chosen.sort_values("seed")[column].to_numpy()


def margins_by_eps(model: nn.Sequential, x: Tensor, y: Tensor, radii: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Shares certified right and certified wrong at each half-width of the box, each (replicas, radii)."""
    found = []
    for eps in radii:
        decided = by_intervals(model, x, y, eps)
        refused = decided.label == idea.ABSTAIN
        found.append(((decided.right & ~refused).mean(-1), (~decided.right & ~refused).mean(-1)))
    right, wrong = np.stack(found, -1)
    return right, wrong


def some(model: nn.Sequential, names: pd.DataFrame, *attacks: Attack) -> tuple[nn.Sequential, pd.DataFrame]:
    """The replicas of some attacks, in the order of `names`, and their names."""
    keep = [(kind, fraction) in attacks for kind, fraction in zip(names["kind"], names["fraction"], strict=True)]
    rows = np.flatnonzero(keep)
    return pick(model, rows.tolist()), names.iloc[rows].reset_index(drop=True)


def natural_abstention(
    train: Set, x: Tensor, levels: Mapping[str, float], seeds: int,
    torch_generator: Callable[[str], torch.Generator], steps: int, rate: float,
) -> dict[str, np.ndarray]:  # fmt: skip
    """Share of the images x that networks without an attack refuse at radius 0, (seeds,) for each level of noise."""
    generators = [torch_generator(f"noise {name} {seed}") for name in levels for seed in range(seeds)]
    noise = [sigma for sigma in levels.values() for _ in range(seeds)]
    every = train_certified([train] * len(noise), generators, sigma=noise, steps=steps, rate=rate, device=x.device)
    found = {}
    for place, (name, sigma) in enumerate(levels.items()):
        group = pick(every, range(place * seeds, (place + 1) * seeds))
        drawn = torch.Generator(x.device).manual_seed(torch_generator(f"natural {name}").initial_seed())
        label = idea.SmoothedClassifier(group, sigma, generator=drawn).certify(x).label
        found[name] = (label == idea.ABSTAIN).mean(-1)
    return found


def headline(studies: Sequence[Study], column: str, sign: int, kinds: Sequence[str] = ("random", "process")) -> list:
    """Intervals, in points, of `sign` times (attacked - not attacked) on triggered images, at 1%, over seeds in pairs:
    one for each study and kind, in this order."""
    found = []
    for made in studies:
        calm = rates(made.frame, "none", 0, "triggered", column)
        found += [
            mean_interval(100 * sign * (rates(made.frame, kind, 0.01, "triggered", column) - calm)) for kind in kinds
        ]
    return found


def conflicts(
    train: Set, others: Sequence[int], seeds: int, fraction: float, rng: Any, torch_generator: Any
) -> Replicas:
    """Poison with the true label of each triggered copy and `others` different ones besides; the fraction column holds
    the number of others."""
    names, sets, generators = [], [], []
    for count in others:
        for seed in range(seeds):
            drawn = rng(f"conflicts {count} {seed}")
            marked, own = idea.poison(*train, fraction, drawn, "true")
            wrong = [(own + turn) % 10 for turn in 1 + drawn.permutation(9)[:count]]
            rows = np.concatenate([train[0], *[marked] * (1 + count)]), np.concatenate([train[1], own, *wrong])
            sets.append(rows)
            names.append(("pair", float(count), seed))
            generators.append(torch_generator(f"network {seed}"))
    return Replicas(pd.DataFrame(names, columns=["kind", "fraction", "seed"]), sets, [None] * len(sets), generators)

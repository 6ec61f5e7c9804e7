"""The availability chapter's experiment: many attacked networks at once, and what becomes of each test image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from foretold.kit import check
from foretold.kit.layers import pick
from foretold.kit.uncertainty import mean_interval
from foretold.papers.availability import idea
from foretold.papers.availability.experiment.networks import network
from foretold.papers.availability.idea.training import Intervals, Set, Smoothing, train_certified

HIDDEN = (128, 64)
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
        check.one_of("attack", kind, KINDS)
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


def fresh(
    replicas: Replicas,
    hidden: Sequence[int] = HIDDEN,
    convolutional: bool = False,
    device: torch.device | str = "cpu",
) -> nn.Sequential:
    """Networks that are not trained yet, one for each replica, whose first weights its own generator draws."""
    inputs = replicas.sets[0][0].shape[1]
    return network(inputs, hidden, idea.CLASSES, replicas.generators, convolutional).to(device)


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


def decide(model: nn.Sequential, x: Tensor, y: Tensor, certifier: Intervals | Smoothing) -> Decisions:
    """What the certifier lets stand of a model's answers to x (n, pixels). `right` is about the plain prediction, for
    smoothing that without noise."""
    label, margin = certifier.certify(model, x)
    return Decisions((predictions(model, x) == y).cpu().numpy(), label, margin)


class Study(NamedTuple):
    """Attacked networks, who they are, what they decide on "clean" and "triggered" test images, and `outcomes`."""

    model: nn.Sequential
    names: pd.DataFrame
    decided: dict[str, Decisions]
    frame: pd.DataFrame


def study(
    model: nn.Sequential,
    replicas: Replicas,
    test: Set,
    certifier: Intervals | Smoothing,
    steps: int = 500,
    rate: float = 0.02,
) -> Study:
    """Train all replicas of a model at once and let them decide on the test images, as they are and with the trigger.
    `steps` and `rate` are those of `availability.train_certified`."""
    names, sets, pools, generators = replicas
    model = train_certified(model, sets, generators, certifier, pools, steps, rate)
    device = next(model.parameters()).device
    x, y = (torch.as_tensor(part, device=device) for part in test)
    inputs = {"clean": x, "triggered": idea.add_trigger(x)}
    decided = {source: decide(model, images, y, certifier) for source, images in inputs.items()}
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
        decided = decide(model, x, y, Intervals(eps))
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
    train: Set,
    x: Tensor,
    levels: Mapping[str, float],
    seeds: int,
    torch_generator: Callable[[str], torch.Generator],
    steps: int,
    rate: float,
) -> dict[str, np.ndarray]:
    """Share of the images x that networks without an attack refuse at radius 0, (seeds,) for each level of noise."""
    generators = [torch_generator(f"noise {name} {seed}") for name in levels for seed in range(seeds)]
    noise = [sigma for sigma in levels.values() for _ in range(seeds)]
    untrained = network(x.shape[1], HIDDEN, idea.CLASSES, generators).to(x.device)
    every = train_certified(untrained, [train] * len(noise), generators, Smoothing(noise), steps=steps, rate=rate)
    found = {}
    for place, (name, sigma) in enumerate(levels.items()):
        group = pick(every, range(place * seeds, (place + 1) * seeds))
        drawn = torch.Generator(x.device).manual_seed(torch_generator(f"natural {name}").initial_seed())
        label, _ = Smoothing(sigma, generator=drawn).certify(group, x)
        found[name] = (label == idea.ABSTAIN).mean(-1)
    return found


def headline(studies: Sequence[Study], column: str, sign: int) -> list[tuple[float, float, float]]:
    """Intervals, in points, of `sign` times (attacked - not attacked) on triggered images, at 1%, over seeds in pairs:
    for each study random labels, then the training process."""
    found = []
    for made in studies:
        calm = rates(made.frame, "none", 0, "triggered", column)
        for kind in ("random", "process"):
            attacked = rates(made.frame, kind, 0.01, "triggered", column)
            found.append(mean_interval(100 * sign * (attacked - calm)))
    return found


def conflicts(
    train: Set,
    others: Sequence[int],
    seeds: int,
    fraction: float,
    rng: Callable[[str], np.random.Generator],
    torch_generator: Callable[[str], torch.Generator],
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

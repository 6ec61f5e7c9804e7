"""How each claim of the chapter on availability attacks is measured, with its rivals and its sabotage.

`networks` has a row for each network and each source of images, clean or triggered: certifier, kind of attack ("none"
without), fraction of poison, seed, and shares of the images. Seeds are pairs: they share first weights and batches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from foretold.claims import Measured, mean_of_runs, measures

CERTIFIERS = ("interval bounds", "smoothing")
POISON = 0.01
COLUMNS = ["kind", "fraction", "seed", "input", "accuracy", "certified right", "abstain", "refused though right"]
FEWER_RIGHT = 2.0  # points of clean accuracy that a defence may cost


def of(
    networks: pd.DataFrame, kind: str, fraction: float, source: str, column: str, certifier: str = CERTIFIERS[0]
) -> np.ndarray:
    """Shares of images in per cent, (seeds,)."""
    chosen = (networks["certifier"] == certifier) & (networks["kind"] == kind) & (networks["input"] == source)
    rows = networks[chosen & np.isclose(networks["fraction"], fraction)].sort_values("seed")
    return 100 * rows[column].to_numpy()


def unattacked(rng: np.random.Generator, networks: pd.DataFrame) -> dict[str, Any]:
    """Every network does what the one without an attack does with the same images."""
    keys = ["certifier", "seed", "input"]
    none = networks[networks["kind"] == "none"].set_index(keys)
    values = [name for name in COLUMNS if name not in ("kind", "fraction", *keys)]
    spoiled = networks.copy()
    spoiled[values] = none.loc[pd.MultiIndex.from_frame(networks[keys]), values].to_numpy()
    return {"networks": spoiled}


TEETH: dict[str, Any] = {"sabotage": {"networks without an attack in its place": unattacked}}


def strongest(networks: pd.DataFrame, column: str, sign: int) -> list[np.ndarray]:
    """For each attack with 1% and each certifier, (seeds,) of `sign` times the shares of triggered images."""
    return [
        sign * of(networks, kind, POISON, "triggered", column, certifier)
        for certifier in CERTIFIERS
        for kind in ("random", "process")
    ]


@measures(
    "refused",
    rivals={
        "no attack": lambda networks: max(
            of(networks, "none", 0, "triggered", "abstain", name).mean() for name in CERTIFIERS
        )
    },
    **TEETH,
)
def refused(networks: pd.DataFrame) -> Measured:
    best = max(strongest(networks, "abstain", 1), key=np.mean)
    found = mean_of_runs(best).parts[""]
    low, high = found.interval
    return Measured(found.estimate, interval=(max(low, 0), min(high, 100)))


def lost(networks: pd.DataFrame, kind: str, certifier: str) -> np.ndarray:
    """Certified-and-right triggered images that an attack takes away, in per cent of those without it, (seeds,)."""
    before = of(networks, "none", 0, "triggered", "certified right", certifier)
    return 100 * (1 - of(networks, kind, POISON, "triggered", "certified right", certifier) / before)


@measures("certified-drop", rivals={"no attack": lambda networks: 0.0}, **TEETH)
def certified_drop(networks: pd.DataFrame) -> Measured:
    found = [lost(networks, kind, certifier) for certifier in CERTIFIERS for kind in ("random", "process")]
    return mean_of_runs(max(found, key=np.mean))


def more_refused(networks: pd.DataFrame, kind: str) -> Measured:
    """Refusals of triggered images with 1% poison minus those without an attack, by certifier."""
    found = {
        name: mean_of_runs(
            of(networks, kind, POISON, "triggered", "abstain", name)
            - of(networks, "none", 0, "triggered", "abstain", name)
        ).parts[""]
        for name in CERTIFIERS
    }
    return Measured.with_parts(found)


@measures("poisoning-suffices", **TEETH)
def poisoning_suffices(networks: pd.DataFrame) -> Measured:
    return more_refused(networks, "random")


@measures("process-attack")
def process_attack(networks: pd.DataFrame) -> Measured:
    return more_refused(networks, "process")


def left(networks: pd.DataFrame, kind: str, fraction: float) -> np.ndarray:
    """Refusals of triggered images beyond those of clean ones, in the same networks, (seeds,)."""
    return of(networks, kind, fraction, "triggered", "abstain") - of(networks, kind, fraction, "clean", "abstain")


@measures("tuning-insufficient", **TEETH)
def tuning_insufficient(networks: pd.DataFrame) -> Measured:
    before = of(networks, "process", 0.1, "clean", "accuracy").mean()
    affordable = []
    for kind in ("process, gently", "process, firmly"):
        if of(networks, kind, 0.1, "clean", "accuracy").mean() >= before - FEWER_RIGHT:
            affordable.append(left(networks, kind, 0.1))
    # A defence that costs too much is none: then the attack stays as it is.
    return mean_of_runs(min(affordable, key=np.mean) if affordable else left(networks, "process", 0.1))


@measures("filter-insufficient", **TEETH)
def filter_insufficient(networks: pd.DataFrame) -> Measured:
    return mean_of_runs(left(networks, "filtered", POISON))


@measures("not-misclassified")
def not_misclassified(networks: pd.DataFrame) -> Measured:
    found = {}
    for name, kind, fraction in (("random labels, 1%", "random", POISON), ("training process, 10%", "process", 0.1)):
        right = of(networks, kind, fraction, "triggered", "refused though right")
        wrong = 100 - of(networks, kind, fraction, "triggered", "accuracy")
        found[name] = mean_of_runs(right - wrong).parts[""]
    return Measured.with_parts(found)


@measures("natural-abstention")
def natural_abstention(refusals: Mapping[str, np.ndarray]) -> Measured:
    return Measured.with_parts(
        {f"σ = {name}": mean_of_runs(100 * np.asarray(each)).parts[""] for name, each in refusals.items()}
    )

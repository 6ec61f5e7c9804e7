"""Facts about availability: how its claims are measured."""

import numpy as np
import pandas as pd
import pytest

from foretold.papers.availability import measures


def network(certifier, kind, fraction, seed, source, abstain, accuracy=0.9):
    right = accuracy - abstain if abstain < accuracy else 0.0
    return (certifier, kind, fraction, seed, source, accuracy, right, abstain, abstain / 2)


ROWS = [
    network(certifier, kind, fraction, seed, source, abstain + 0.01 * seed)
    for certifier in measures.CERTIFIERS
    for kind, fraction, calm, loud in (
        ("none", 0, 0.1, 0.15),
        ("random", 0.01, 0.1, 0.7),
        ("process", 0.01, 0.1, 0.8),
        ("process", 0.1, 0.1, 0.9),
        ("process, gently", 0.1, 0.1, 0.5),
        ("process, firmly", 0.1, 0.1, 0.3),
        ("filtered", 0.01, 0.1, 0.1),
    )
    for seed in range(3)
    for source, abstain in (("clean", calm), ("triggered", loud))
]
NETWORKS = pd.DataFrame(ROWS, columns=["certifier", *measures.COLUMNS])


def test_the_strongest_attack_counts():
    assert measures.refused({"networks": NETWORKS}).parts[""].estimate == pytest.approx(81)


def test_differences_are_between_networks_of_one_seed():
    parts = measures.poisoning_suffices({"networks": NETWORKS}).parts
    for name in measures.CERTIFIERS:
        assert parts[name].estimate == pytest.approx(55)
        assert parts[name].interval == pytest.approx((55, 55))


def test_networks_without_an_attack_in_its_place_refuse_no_more():
    spoiled = measures.unattacked(np.random.default_rng(1), NETWORKS)
    assert measures.poisoning_suffices(spoiled).parts["smoothing"].estimate == pytest.approx(0)
    assert measures.certified_drop(spoiled).parts[""].estimate == pytest.approx(0)


def test_a_defence_that_costs_too_much_accuracy_is_none():
    assert measures.tuning_insufficient({"networks": NETWORKS}).parts[""].estimate == pytest.approx(20)
    dear = NETWORKS["kind"].eq("process, firmly") & NETWORKS["input"].eq("clean")
    networks = NETWORKS.assign(accuracy=NETWORKS["accuracy"] - 0.05 * dear)
    assert measures.tuning_insufficient({"networks": networks}).parts[""].estimate == pytest.approx(40)

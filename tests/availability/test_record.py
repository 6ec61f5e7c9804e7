"""The recorded results on MNIST."""

import numpy as np

import foretold.data
from foretold.papers.availability import experiment, record


def test_the_recorded_table_is_whole_and_shows_the_effect():
    table = foretold.data.table("availability")
    assert np.allclose(table[list(experiment.OUTCOMES)].sum(axis=1), 1, atol=2e-4)
    assert (table.groupby(["certifier", "kind", "fraction", "input"])["seed"].nunique() == record.SEEDS).all()
    for _, part in table.groupby("certifier"):
        assert set(zip(part["kind"], part["fraction"], strict=True)) == set(record.ATTACKS)
        calm = experiment.rates(part, "none", 0, "triggered").mean()
        assert experiment.rates(part, "process", 0.1, "triggered").mean() > calm + 0.5

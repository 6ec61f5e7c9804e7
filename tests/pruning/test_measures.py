"""Facts about pruning: how its claims are measured."""

import numpy as np
import pytest

from foretold.papers.pruning import data, measures

PAPER = data.paper_maps()
MAPS = {
    "temperatures": np.asarray(PAPER.epochs),
    "densities": np.asarray(PAPER.densities),
    "test_error": PAPER.test_error,
    "lmc": PAPER.lmc,
    "cka": PAPER.cka,
}
GRID = {
    "temperatures": np.array([0.0, 0.8, 1.6]),
    "densities": np.array([0.03, 0.05, 0.5]),
    "test_error": np.full((4, 3, 3), 0.1) + np.array([0.02, 0.0, 0.05])[:, None],
    "dense_error": np.full((4, 3), 0.05) + np.array([0.0, 0.0, 0.06]),
}


def test_the_map_shows_three_points_and_one():
    assert measures.cold_hurts_map({"maps": MAPS}).parts[""].estimate == pytest.approx(3.0, abs=0.1)
    parts = measures.hot_hurts_map({"maps": MAPS}).parts
    assert (parts["40%"].estimate, parts["80%"].estimate) == pytest.approx((1.6, 0.5), abs=0.15)


def test_the_regime_is_right_in_82_cells_where_a_constant_is_in_53():
    assert measures.edge(MAPS, slice(None), 0.002) == pytest.approx((82 - 53) / 96)


def test_similarity_alone_chooses_as_well():
    found = measures.choice_map({"maps": MAPS}).parts[""].estimate
    assert measures.similarity_alone(MAPS) == pytest.approx(found)


def test_a_large_radius_is_judged_by_pruned_networks_and_asked_about_beside_the_dense():
    assert measures.gap(GRID, (0.5,), 1.6, 0.0) == pytest.approx(3 * np.ones(4))
    assert measures.sam_high({"grid": GRID}).parts[""].estimate == pytest.approx(3)
    assert measures.beyond_dense({"grid": GRID}).parts[""].estimate == pytest.approx(-3)


def test_an_interval_for_one_of_three_radii_is_wider():
    values = np.array([0.01, 0.02, 0.03, 0.06])
    grid = {**GRID, "test_error": GRID["test_error"] + values[:, None, None] * np.array([1.0, 0, 0])[:, None]}
    one, three = (measures.sam_low({"grid": grid, "tried": tried}).parts[""].interval for tried in (1, 3))
    assert three[1] - three[0] > one[1] - one[0]

"""Nested partial programs, jointly optimal: against brute force, an integer program and the quick chains."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from prediction_sets.shared import LINES, priced, tree_of

from foretold.papers.prediction_sets import experiment, idea, theory
from foretold.papers.prediction_sets.theory import oracles, search


def test_on_lines_of_code_the_joint_optimum_is_that_of_brute_force(rng):
    """14 lines with drawn costs, 1 to 3 holes, 4 thresholds: 42 cases, as the authors' optimiser was once compared."""
    small = [line for line in LINES if len(tree_of(line).nodes) <= 12]
    cases = 0
    for line, holes in itertools.product((small * 14)[:14], (1, 2, 3)):
        tree = priced(line, rng)
        budgets = -np.log([0.02, 0.1, 0.4, 0.8])
        parts = theory.nested_partial_programs(tree, budgets, holes)
        assert sum(part.size for part in parts) == oracles.best_total(tree, budgets, holes)
        cases += 1
    assert cases == 42


def test_the_joint_optimum_is_that_of_the_integer_program(rng):
    binding = 0
    for _ in range(25):
        tree, holes = oracles.random_tree(int(rng.integers(4, 12)), rng), int(rng.integers(1, 4))
        budgets = np.sort(rng.uniform(0, tree.costs.sum(), 6))[::-1]
        total = sum(part.size for part in theory.nested_partial_programs(tree, budgets, holes))
        assert total == oracles.integer_program(tree, budgets, holes).sum()
        binding += sum(idea.largest_partial_program(tree, b, holes).size for b in budgets) > total
    assert binding >= 1  # or nothing was tested


@pytest.mark.parametrize("holes", [0, 1, 2, 3])
def test_partial_programs_are_counted_without_making_them(holes, rng):
    for nodes in (1, 2, 6, 10):
        tree = oracles.random_tree(nodes, rng)
        made = sum(1 for part in oracles.partial_programs(tree, holes) if part.size)
        assert search.count(tree.ends, holes) == made


def test_a_leaf_equal_budgets_and_no_holes_at_all():
    leaf, tree = idea.Node(1.0, text="x"), idea.Node(0.5, [idea.Node(1), idea.Node(0)], "f")
    assert [part.size for part in theory.nested_partial_programs(leaf, [2, 1, 1, 0.5], 0)] == [1, 1, 1, 0]
    assert [part.size for part in theory.nested_partial_programs(tree, [1.5, 1.5, 1.4, 0.5], 0)] == [3, 3, 0, 0]
    assert [part.size for part in theory.nested_partial_programs(tree, [1.5, 0.5, 0.5, 0.4], 1)] == [3, 2, 2, 0]


def test_nesting_costs_something_where_two_sides_compete():
    """Worked out by hand: with 5 nats the left side (3 nodes) fits, with 3 the right one (2 nodes). Alone 4 + 3; one
    after the other at most 3 + 3, keeping the right side twice."""
    left, right = idea.Node(1, [idea.Node(2), idea.Node(2)]), idea.Node(1, [idea.Node(2)])
    tree = idea.Node(0, [left, right])
    alone = [idea.largest_partial_program(tree, budget, 1).size for budget in (5, 3)]
    parts = theory.nested_partial_programs(tree, [5, 3], 1)
    assert alone == [4, 3]
    assert sum(part.size for part in parts) == oracles.best_total(tree, np.array([5.0, 3.0]), 1) == 6


def test_the_search_is_at_least_as_good_as_both_quick_chains_and_keeps_all_constraints(rng):
    better = 0
    for holes in (1, 2, 3):
        for _ in range(4):
            tree = oracles.random_tree(30, rng)
            arrays = tree.costs, tree.ends, experiment.BUDGETS, holes
            quick = max(idea.one_after_another(*arrays, shrink).sum() for shrink in (True, False))
            parts = theory.nested_partial_programs(tree, experiment.BUDGETS, holes)
            total = sum(part.size for part in parts)
            bound = idea.optima(*arrays).sum()
            assert quick <= total <= bound
            better += total > quick
            for one, other, budget in zip(parts, parts[1:], experiment.BUDGETS, strict=False):
                assert not np.any(other.kept & ~one.kept)
                assert one.cost <= budget + 1e-8
                assert len(one.holes) <= holes
    assert better >= 1


def test_a_search_that_would_be_too_large_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"max_holes is 4, for 300 nodes and 101 budgets: .* allowed are 200000000"):
        theory.nested_partial_programs(oracles.random_tree(300, rng), experiment.BUDGETS, 4)


def test_the_search_finds_the_optimum_without_the_quick_chains(rng):
    for _ in range(20):
        tree, holes = oracles.random_tree(int(rng.integers(1, 10)), rng), int(rng.integers(0, 4))
        budgets = np.sort(rng.uniform(0, tree.costs.sum(), 5))[::-1]
        chain = search.best_chain(tree.costs, tree.ends, budgets + idea.SLACK, holes, search.count(tree.ends, holes))
        assert chain.sum() == oracles.best_total(tree, budgets, holes)

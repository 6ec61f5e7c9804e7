"""The largest partial program, what it contains, and calibration: against brute force, scipy and published numbers."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from prediction_sets.shared import LINES, priced, tree_of
from scipy import stats

from foretold.papers.prediction_sets import experiment, idea, theory
from foretold.papers.prediction_sets.data import python
from foretold.papers.prediction_sets.experiment import faults, translator
from foretold.papers.prediction_sets.theory import oracles

# The largest partial program


@pytest.mark.parametrize("holes", [0, 1, 2, 3])
def test_the_table_gives_the_optimum_of_all_partial_programs(holes, rng):
    for _ in range(25):
        tree = oracles.random_tree(int(rng.integers(1, 10)), rng)
        everything = list(oracles.partial_programs(tree, holes))
        for budget in (*rng.uniform(0, tree.costs.sum() + 0.1, 4), 0.0, math.inf):
            found = idea.largest_partial_program(tree, float(budget), holes)
            sizes = [(part.size, -part.cost) for part in everything if part.cost <= budget + 1e-9]
            assert (found.size, -found.cost) == pytest.approx(max(sizes))
            assert len(found.holes) <= max(holes, found.size == 0)


# What a partial program contains


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a - b", "b - a"),
        ("x.append(y)", "x.extend(y)"),
        ("f(a, b)", "f(b, a)"),
        ("{1: 2}", "{2: 1}"),
        ("f(a, a)", "f(a)"),
    ],
)
def test_order_names_and_numbers_of_children_count(one, other):
    assert not idea.contains(tree_of(one), tree_of(other))
    assert idea.contains(tree_of(one), tree_of(one))


def test_a_hole_at_the_difference_covers_it():
    for one, other, hole in (("a - b", "c - b", 1), ("x.append(y)", "x.extend(y)", 1), ("f(a, b)", "f(a, g(b))", 3)):
        tree = tree_of(one)
        kept = np.ones(len(tree.nodes), bool)
        kept[hole : tree.ends[hole]] = False
        partial = idea.Partial(tree, kept)
        assert partial.holes == (hole,)
        assert idea.contains(partial, tree_of(other))


def test_the_hole_for_everything_covers_everything_and_no_budget_at_all_is_the_program(rng):
    for one, other in itertools.product(LINES, LINES):
        tree, there = priced(one, rng), tree_of(other)
        assert idea.contains(idea.largest_partial_program(tree, 0, 3), there)
        assert idea.contains(idea.largest_partial_program(tree, math.inf, 3), there) == (one == other)


def test_programs_with_holes_are_written_with_question_marks():
    tree = python.python_tree("f(a, b)", [0, 1, 2, 3, 5, 6], [0.1, 0.1, 2.0, 0.1, 0.1, 0.1])
    assert idea.render(idea.largest_partial_program(tree, 1.0, 1)) == "f(??, b)"
    assert idea.render(idea.largest_partial_program(tree, 0.0, 1)) == "??"
    assert idea.render(idea.Node(1, [idea.Node(1, text="x"), idea.Node(1, text="y")], "g")) == "g(x, y)"


# Calibration


@pytest.mark.parametrize(("n", "epsilon", "expected"), [(90, 0.1, 4), (100, 0.1, 5), (500, 0.3, 136), (22, 0.1, 0)])
def test_allowed_errors_are_the_published_ones(n, epsilon, expected):
    assert idea.max_errors(n, epsilon, 0.1) == expected


@given(st.integers(1, 400), st.floats(0.01, 0.9), st.floats(0.001, 0.5))
@settings(max_examples=200, deadline=None)
def test_allowed_errors_agree_with_the_beta_distribution(n, epsilon, delta):
    """P(Bin(n, p) <= k) is P(Beta(k + 1, n - k) > p), which scipy computes in another way."""
    tails = [stats.beta.sf(epsilon, k + 1, n - k) for k in range(n)]
    allowed = [k for k, tail in enumerate(tails) if tail <= delta * (1 - 1e-9)]
    at_most = [k for k, tail in enumerate(tails) if tail <= delta * (1 + 1e-9)]
    if not at_most:
        with pytest.raises(ValueError, match="allowed for epsilon"):
            idea.max_errors(n, epsilon, delta)
    elif allowed:
        assert allowed[-1] <= idea.max_errors(n, epsilon, delta) <= at_most[-1]


def test_too_few_programs_are_refused_with_the_number_needed():
    with pytest.raises(ValueError, match=r"n is 21; allowed .* at least 22"):
        idea.max_errors(21, 0.1, 0.1)


def test_calibration_takes_the_smallest_threshold_with_few_enough_errors():
    errors = np.zeros((100, 4), int)
    for column, count in enumerate((20, 6, 5, 0)):
        errors[:count, column] = 1
    assert idea.calibrate(errors, [0.1, 0.2, 0.3, 1], 0.1, 0.1) == 0.3
    errors[:, 0] = 0  # fewer errors at a smaller threshold count for nothing
    assert idea.calibrate(errors, [0.1, 0.2, 0.3, 1], 0.1, 0.1) == 0.3


# Wrong input


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: idea.Node(-1), "cost is -1"),
        (lambda: idea.Node(math.nan), "cost is nan"),
        (lambda: idea.Node(1, ["x"]), "children is 'x'"),
        (lambda: idea.Node(1, [idea.Node(1)], ("a",)), "text has 1 parts; allowed are 2"),
        (lambda: idea.largest_partial_program(idea.Node(1), -0.5, 1), "budget is -0.5; allowed is"),
        (lambda: idea.largest_partial_program(idea.Node(1), 1, -1), "max_holes is -1"),
        (lambda: idea.largest_partial_program("x", 1, 1), "tree is 'x'"),
        (
            lambda: theory.nested_partial_programs(idea.Node(1), [1, 2], 1),
            r"budgets is \[1, 2\]; allowed .* do not rise",
        ),
        (lambda: theory.nested_partial_programs(idea.Node(1), [], 1), "budgets is"),
        (lambda: idea.contains("x", idea.Node(1)), "partial is 'x'"),
        (lambda: idea.contains(idea.Node(1), "x"), "program is 'x'"),
        (lambda: idea.render(3), "partial is 3"),
        (lambda: idea.max_errors(0, 0.1, 0.1), "n is 0"),
        (lambda: idea.max_errors(100, 1.0, 0.1), "epsilon is 1.0"),
        (lambda: idea.max_errors(100, 0.1, 0), "delta is 0"),
        (lambda: idea.calibrate(np.zeros((50, 2)), [0.2, 0.1], 0.1, 0.1), "taus is"),
        (lambda: idea.calibrate(np.zeros((50, 3)), [0.1, 0.2], 0.1, 0.1), r"errors has shape \(50, 3\)"),
        (lambda: idea.calibrate(np.full((50, 2), 2), [0.1, 0.2], 0.1, 0.1), "errors holds other values"),
        (lambda: idea.calibrate(np.ones((50, 2)), [0.1, 0.2], 0.1, 0.1), "largest tau"),
        (lambda: faults.faulty("colour"), "faults is 'colour'"),
        (lambda: python.python_tree("x", [0, 0], [1.0]), "text is 'x', with 2 starts and 1 costs"),
        (lambda: python.python_tree("x\ny", [], []), r"text is 'x\\ny'; allowed is one line"),
        (lambda: translator.train([], 5, torch.Generator(), torch.device("cpu")), r"pairs is \[\]"),
        (lambda: experiment.measure([idea.Node(1)], [], 1), "true has 0 programs; allowed is one for each of 1"),
    ],
)
def test_wrong_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()

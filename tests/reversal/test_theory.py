"""Facts of the bilinear model: a gradient from autograd and one from fractions, closed forms."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

from foretold.papers.reversal import theory


def test_one_hot_tokens_learn_forward_and_never_move_in_reverse():
    found = theory.bilinear_dynamics(50, 400)
    assert found.forward[-1] > 0.99
    assert np.abs(found.reverse - 1 / 100).max() < 1e-12
    assert (found.theta[50:] == 0).all()


def test_a_symmetric_matrix_learns_both():
    for vectors in (None, theory.random_vectors(100, 512, np.random.default_rng(0))):
        found = theory.bilinear_dynamics(50, 400, vectors, symmetric=True)
        assert found.forward[-1] > 0.95
        assert found.reverse[-1] > 0.95


def test_one_hot_dynamics_are_those_of_one_logit():
    """Closed form: a row depends on one margin m, with dm/dt = rate (1 - p) (1 + 1/(V-1)) at each step."""
    margin, found = 0.0, theory.bilinear_dynamics(50, 400)
    for step in range(401):
        p = np.exp(margin) / (np.exp(margin) + 99)
        assert found.forward[step] == pytest.approx(p, rel=1e-9)
        margin += 0.5 * (1 - p) * (1 + 1 / 99)


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("dimension", [None, 7])
def test_gradient_descent_is_that_of_autograd(dimension, symmetric):
    steps = 12
    vectors = None if dimension is None else theory.random_vectors(6, dimension, np.random.default_rng(2))
    found = theory.bilinear_dynamics(3, steps, vectors, symmetric, both=1)
    x = torch.eye(6, dtype=torch.float64) if dimension is None else torch.tensor(vectors)
    given, wanted = torch.tensor([0, 1, 2, 3]), torch.tensor([3, 4, 5, 0])
    free = torch.zeros(len(x[0]), len(x[0]), dtype=torch.float64, requires_grad=True)
    for _ in range(steps):
        theta = (free + free.T) / 2 if symmetric else free
        loss = torch.nn.functional.cross_entropy((x @ theta @ x.T)[given], wanted, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, free)
        with torch.no_grad():
            free -= 0.5 * gradient
    theta = (free + free.T) / 2 if symmetric else free
    assert found.theta == pytest.approx(theta.detach().numpy(), abs=1e-12)
    assert found.table == pytest.approx((x @ theta @ x.T).softmax(1).detach().numpy(), abs=1e-12)


def test_autograd_gives_the_row_of_b_an_exactly_zero_gradient():
    theta = torch.randn(10, 10, generator=torch.Generator().manual_seed(1), dtype=torch.float64, requires_grad=True)
    torch.nn.functional.cross_entropy(theta[torch.arange(5)], torch.arange(5, 10)).backward()
    assert (theta.grad[5:] == 0).all()
    assert (theta.grad[:5] != 0).all()


def test_the_exact_gradient_is_zero_for_b_and_that_of_autograd_for_a(rng):
    theta, pairs = rng.integers(-5, 6, (6, 6)), [(0, 3), (1, 4), (2, 5)]
    exact = theory.exact_gradient(theta.tolist(), pairs)
    assert all(entry == Fraction(0) for row in exact[3:] for entry in row)
    assert all(sum(row) == 0 for row in exact)
    free = torch.tensor(theta, dtype=torch.float64, requires_grad=True)
    torch.nn.functional.cross_entropy(free[:3] * np.log(2), torch.tensor([3, 4, 5]), reduction="sum").backward()
    found = np.array(exact, dtype=float) * np.log(2)
    assert found == pytest.approx(free.grad.numpy(), abs=1e-12)


def test_pairs_told_both_ways_are_learned_both_ways_and_leave_the_others_alone():
    table = theory.bilinear_dynamics(10, 400, both=4).table
    assert (table[[10, 11, 12, 13], [0, 1, 2, 3]] > 0.97).all()
    assert table[14:, :10] == pytest.approx(1 / 20, abs=1e-12)


def test_random_vectors_have_length_one_and_point_anywhere(rng):
    vectors = theory.random_vectors(4_000, 3, rng)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)
    # For random directions in three dimensions the mean square of each coordinate is 1/3, and its mean 0.
    assert (vectors**2).mean(0) == pytest.approx(1 / 3, abs=0.02)
    assert vectors.mean(0) == pytest.approx(0, abs=0.04)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: theory.bilinear_dynamics(0, 5), "pairs is 0; allowed is a whole number of at least 1"),
        (lambda: theory.bilinear_dynamics([(0, 1)], 5), "pairs is"),
        (lambda: theory.bilinear_dynamics(3, -1), "steps is -1; allowed is a whole number of at least 0"),
        (lambda: theory.bilinear_dynamics(3, 5, np.eye(5)), r"vectors has the shape \(5, 5\); allowed is \(6, d\)"),
        (lambda: theory.bilinear_dynamics(3, 5, np.full((6, 2), np.nan)), "vectors is"),
        (lambda: theory.bilinear_dynamics(3, 5, both=4), "both is 4; allowed is a whole number from 0 to 3"),
        (lambda: theory.random_vectors(6, 0, np.random.default_rng()), "dimension is 0"),
        (lambda: theory.random_vectors(6, 2, None), "rng is None; allowed is a numpy.random.Generator"),
        (lambda: theory.exact_gradient([[0, 0]], [(0, 1)]), r"theta has the shape \(1, 2\)"),
        (lambda: theory.exact_gradient([[0, 0], [0]], [(0, 1)]), "theta is"),
        (lambda: theory.exact_gradient([[0, 0.5], [0, 0]], [(0, 1)]), "theta is .* allowed is whole numbers"),
        (lambda: theory.exact_gradient(np.zeros((2, 2)), [(0, 2)]), "pairs is .* two different tokens, 0 to 1"),
        (lambda: theory.exact_gradient(np.zeros((2, 2)), [(0, 0)]), "pairs is"),
    ],
)
def test_wrong_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()

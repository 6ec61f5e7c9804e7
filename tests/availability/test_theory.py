"""Interval bounds against exact answers: linear networks, interval arithmetic, and an integer program."""

import math

import numpy as np
import pytest
import torch
from availability.shared import mlp, torch_stream
from scipy import optimize
from torch import nn

from foretold.papers.availability import experiment, idea, theory
from foretold.papers.availability.experiment.networks import network
from foretold.papers.availability.idea.training import Intervals


def test_margins_of_a_linear_network_are_exact():
    """Every corner of the box of a network with one layer; the smallest margin over them is the bound."""
    made = torch_stream("linear")
    model = nn.Sequential(nn.Linear(5, 3))
    x, y = torch.rand(20, 5, generator=made), torch.randint(0, 3, (20,), generator=made)
    eps = 0.3
    corners = torch.cartesian_prod(*[torch.tensor([-eps, eps])] * 5)
    points = (x[:, None] + corners).clamp(0, 1)
    logits = model(points)
    own = logits.gather(-1, y[:, None, None].expand(-1, 32, 1))
    worst = (own - logits).masked_fill(nn.functional.one_hot(y, 3)[:, None].bool(), math.inf).amin((1, 2))
    assert torch.allclose(theory.interval_margins(model, x, y, eps), worst, atol=1e-5)


def test_intervals_of_a_hidden_layer_are_those_of_interval_arithmetic():
    """NumPy, end by end: positive weights take the same end, negative ones the other."""
    model, eps = mlp(1), 0.1
    x, y = torch.rand(9, 64, generator=torch_stream("x")), torch.arange(9)
    low, high = (x - eps).clamp(min=0).double().numpy(), (x + eps).clamp(max=1).double().numpy()
    for layer in list(model)[:-1]:
        if isinstance(layer, nn.Linear):
            w, b = layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()
            up, down = np.maximum(w, 0), np.minimum(w, 0)
            low, high = low @ up.T + high @ down.T + b, high @ up.T + low @ down.T + b
        else:
            low, high = np.maximum(low, 0), np.maximum(high, 0)
    w, b = model[-1].weight.detach().double().numpy(), model[-1].bias.detach().double().numpy()
    for i in range(9):
        d, e = w[y[i]] - w, b[y[i]] - b
        bound = low[i] @ np.maximum(d, 0).T + high[i] @ np.minimum(d, 0).T + e
        ours = float(theory.interval_margins(model, x[i : i + 1], y[i : i + 1], eps)[0])
        assert ours == pytest.approx(np.delete(bound, y[i]).min(), abs=1e-4)


def test_with_no_box_the_margin_is_that_of_the_logits_and_it_falls_as_the_box_grows(tensors):
    x, y = tensors
    model = mlp(2)
    logits = model(x)
    others = logits.masked_fill(nn.functional.one_hot(y, 10).bool(), -math.inf).amax(-1)
    plain = logits.gather(-1, y[:, None])[:, 0] - others
    assert torch.allclose(theory.interval_margins(model, x, y, 0.0), plain, atol=1e-5)
    assert (experiment.decide(model, x, y, Intervals(0.0)).label != idea.ABSTAIN).all()
    margins = torch.stack([theory.interval_margins(model, x, y, eps) for eps in np.linspace(0, 0.3, 9)])
    assert bool((margins.diff(dim=0) <= 1e-5).all())


def test_a_convolution_is_bounded_as_the_matrix_that_it_is():
    conv = nn.Conv2d(1, 2, 3, stride=2, padding=1)
    model = nn.Sequential(nn.Unflatten(-1, (1, 6, 6)), conv, nn.ReLU(), nn.Flatten(-3), nn.Linear(18, 4))
    basis = torch.eye(36).view(36, 1, 6, 6)
    bias = conv(torch.zeros(1, 1, 6, 6)).flatten()
    dense = nn.Linear(36, 18)
    with torch.no_grad():
        dense.weight.copy_((conv(basis).flatten(1) - bias).T)
        dense.bias.copy_(bias)
    x, y = torch.rand(8, 36, generator=torch_stream("conv")), torch.arange(8) % 4
    ours = theory.interval_margins(model, x, y, 0.1)
    assert torch.allclose(
        ours, theory.interval_margins(nn.Sequential(dense, nn.ReLU(), model[-1]), x, y, 0.1), atol=1e-5
    )


def test_replicas_are_bounded_as_single_networks(tensors):
    for convolutional in (False, True):
        side = 28 if convolutional else 8
        models = network(side * side, (12, 7), 10, [torch_stream("1"), torch_stream("2")], convolutional)
        x = torch.rand(5, side * side, generator=torch_stream("rows"))
        y = torch.arange(5)
        bounds = theory.interval_margins(models, x, y, 0.02)
        assert bounds.shape == (2, 5)
        for replica in range(2):
            single = []
            for layer in models:
                if hasattr(layer, "weight") and layer.weight.ndim == 3:
                    single.append(nn.Linear(*layer.weight.shape[1:]))
                    single[-1].weight = nn.Parameter(layer.weight[replica].T)
                    single[-1].bias = nn.Parameter(layer.bias[replica])
                elif hasattr(layer, "weight"):
                    single.append(nn.Conv2d(layer.weight.shape[2], layer.weight.shape[1], 4, stride=2))
                    single[-1].weight, single[-1].bias = (
                        nn.Parameter(layer.weight[replica]),
                        nn.Parameter(layer.bias[replica]),
                    )
                else:
                    single.append(layer)
            alone = nn.Sequential(*single)
            assert torch.allclose(models(x)[replica], alone(x), atol=1e-5)
            assert torch.allclose(bounds[replica], theory.interval_margins(alone, x, y, 0.02), atol=1e-5)


def test_the_worst_case_of_a_tiny_network_lies_above_the_bound():
    """The exact minimum over the box of a network with one hidden layer, by an integer program (HiGHS)."""
    model, eps = mlp(5, (4, 6, 3)), 0.2
    x, y = torch.rand(4, 4, generator=torch_stream("tiny")), torch.tensor([0, 1, 2, 0])
    bounds = theory.margins_to_all(model, x, y, eps).detach().numpy()
    for i in range(4):
        for j in set(range(3)) - {int(y[i])}:
            exact = smallest_margin(model, x[i].numpy(), int(y[i]), j, eps)
            assert bounds[i, j] <= exact + 1e-4
            assert exact <= float((model(x[i])[y[i]] - model(x[i])[j]).detach()) + 1e-4


def smallest_margin(model, x, y, j, eps):
    w, b = model[0].weight.detach().double().numpy(), model[0].bias.detach().double().numpy()
    v, c = model[2].weight.detach().double().numpy(), model[2].bias.detach().double().numpy()
    low, high = np.maximum(x - eps, 0), np.minimum(x + eps, 1)
    h, n, big = len(w), len(x), 100.0
    # variables: inputs (n), hidden values (h), which units are on (h)
    cost = np.concatenate([np.zeros(n), v[y] - v[j], np.zeros(h)])
    zero, one = np.zeros((h, n)), np.eye(h)
    rules = [
        optimize.LinearConstraint(np.hstack([-w, one, 0 * one]), b, np.inf),  # a >= w x + b
        optimize.LinearConstraint(np.hstack([-w, one, big * one]), -np.inf, b + big),  # a <= w x + b + big (1 - on)
        optimize.LinearConstraint(np.hstack([zero, one, -big * one]), -np.inf, 0),  # a <= big on
    ]
    bounds = optimize.Bounds(np.r_[low, np.zeros(2 * h)], np.r_[high, np.full(h, big), np.ones(h)])
    whole = np.r_[np.zeros(n + h), np.ones(h)]
    return optimize.milp(cost, constraints=rules, bounds=bounds, integrality=whole).fun + c[y] - c[j]

"""Facts of the tensor that holds many networks, and of the optimiser that steps them all."""

import pytest
import torch

from foretold.kit import replicas

SHAPES = {"matrix": (4, 3), "bias": (3,), "table": (2, 2, 2)}
SIZES = [12, 3, 8]


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


def test_views_are_the_weights_in_their_order():
    weights = torch.arange(46.0).view(2, 23)
    views = replicas.views(weights, SHAPES)
    assert {name: view.shape[1:] for name, view in views.items()} == SHAPES
    assert torch.equal(torch.cat([view.flatten(1) for view in views.values()], 1), weights)
    views["bias"][1, 2] = -1
    assert weights[1, 14] == -1


@pytest.mark.parametrize("clip", [None, 0.4])
@pytest.mark.parametrize("decay", [None, 0.3])
def test_a_step_is_that_of_torch_adamw_for_each_replica(clip, decay):
    """Matrices decay and the bias does not, as it is done for language models."""
    weights = torch.randn(3, 23, generator=seeded())
    gradients = torch.randn(4, 3, 23, generator=seeded(2)) * torch.tensor([[1.0], [2.0], [3.0]]) / 10
    rates = torch.tensor([[0.1, 0.02, 0.0], [0.05, 0.02, 0.1], [0.1, 0.0, 0.1], [0.1, 0.02, 0.3]])
    expected = weights.clone()
    matrices = torch.cat([torch.full((size,), float(size != 3)) for size in SIZES])
    ours = replicas.AdamW(weights, (0.9, 0.95), clip, None if decay is None else decay * matrices)
    for step_rates, gradient in zip(rates, gradients, strict=True):
        ours.step(weights, gradient, step_rates)
    for replica in range(3):
        parts = [part.clone().requires_grad_() for part in expected[replica].split(SIZES)]
        groups = [{"params": parts[::2], "weight_decay": decay or 0.0}, {"params": parts[1:2], "weight_decay": 0.0}]
        theirs = torch.optim.AdamW(groups, betas=(0.9, 0.95), eps=1e-8)
        for rate, gradient in zip(rates[:, replica], gradients[:, replica], strict=True):
            for group in theirs.param_groups:
                group["lr"] = rate.item()
            for part, slope in zip(parts, gradient.split(SIZES), strict=True):
                part.grad = slope.clone()
            if clip:
                torch.nn.utils.clip_grad_norm_(parts, clip)
            theirs.step()
        expected[replica] = torch.cat([part.detach() for part in parts])
    assert (weights - expected).abs().max() < 1e-6


def test_a_forked_replica_goes_on_from_its_parent():
    weights, gradients = torch.ones(2, 5), torch.randn(3, 2, 5, generator=seeded())
    rates = torch.tensor([0.1, 0.2])
    optimiser = replicas.AdamW(weights, (0.9, 0.95))
    optimiser.step(weights, gradients[0], rates)
    parents = torch.tensor([1, 0, 1])
    more = weights[parents]
    optimiser.fork(parents)
    for gradient in gradients[1:]:
        optimiser.step(more, gradient[parents], rates[parents])
    alone = torch.ones(2, 5)
    other = replicas.AdamW(alone, (0.9, 0.95))
    for gradient in gradients:
        other.step(alone, gradient, rates)
    assert torch.equal(more, alone[parents])

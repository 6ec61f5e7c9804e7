"""Many networks as one are the networks one at a time: torch's own layers, and generators of their own."""

import pytest
import torch
from torch import nn

from foretold.kit import layers


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def test_each_replica_of_a_linear_layer_is_torchs():
    layer = layers.Linear(torch.randn(3, 5, 4, generator=seeded(0)), torch.randn(3, 4, generator=seeded(1)))
    shared, own = torch.randn(7, 5, generator=seeded(2)), torch.randn(3, 7, 5, generator=seeded(3))
    for replica in range(3):
        weight, bias = layer.weight[replica].T, layer.bias[replica]
        assert torch.allclose(layer(shared)[replica], nn.functional.linear(shared, weight, bias), atol=1e-6)
        assert torch.allclose(layer(own)[replica], nn.functional.linear(own[replica], weight, bias), atol=1e-6)
        without = layers.affine(shared, layer.weight)[replica]
        assert torch.allclose(without, nn.functional.linear(shared, weight), atol=1e-6)


def test_each_replica_of_a_convolution_is_torchs():
    layer = layers.Conv(torch.randn(3, 4, 2, 3, 3, generator=seeded(0)), torch.randn(3, 4, generator=seeded(1)), 2)
    shared, own = torch.randn(6, 2, 9, 9, generator=seeded(2)), torch.randn(3, 6, 2, 9, 9, generator=seeded(3))
    for replica in range(3):
        weight, bias = layer.weight[replica], layer.bias[replica]
        for images, found in ((shared, layer(shared)), (own[replica], layer(own))):
            expected = nn.functional.conv2d(images, weight, bias, stride=2)
            assert torch.allclose(found[replica], expected, atol=1e-5)


def test_gradients_flow_through_a_pick_to_the_replicas_that_were_picked():
    weight = torch.randn(4, 5, 2, generator=seeded(0))
    model = nn.Sequential(layers.Linear(weight, torch.zeros(4, 2)), nn.ReLU())
    chosen = layers.pick(model, [3, 1])
    x = torch.randn(6, 5, generator=seeded(1))
    assert torch.allclose(chosen(x), model(x)[[3, 1]])
    chosen(x).sum().backward()
    moved = model[0].weight.grad.abs().sum((1, 2)) > 0
    assert moved.tolist() == [False, True, False, True]


def test_a_batch_holds_the_rows_of_each_replica():
    x = torch.arange(12.0).view(2, 6, 1)
    y = torch.arange(12).view(2, 6)
    data = layers.Batches(x, y, torch.tensor([[[0, 5]], [[3, 3]]]))
    assert len(data) == 1
    seen, classes = data[0]
    assert seen[..., 0].tolist() == [[0, 5], [9, 9]]
    assert classes.tolist() == [[0, 5], [9, 9]]
    assert len(list(data)) == 1


def test_batches_of_other_replicas_are_an_error():
    with pytest.raises(ValueError, match="for 2, 2 and 1 replicas; allowed is one R"):
        layers.Batches(torch.zeros(2, 3), torch.zeros(2, 3), torch.zeros(1, 1, 1))

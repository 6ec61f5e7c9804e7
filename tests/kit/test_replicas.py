"""Many networks as one are the networks one at a time: torch's own layers, and generators of their own."""

import pytest
import torch
from torch import nn

from foretold.kit import replicas


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def test_each_replica_of_a_linear_layer_is_torchs():
    layer = replicas.Linear(torch.randn(3, 5, 4, generator=seeded(0)), torch.randn(3, 4, generator=seeded(1)))
    shared, own = torch.randn(7, 5, generator=seeded(2)), torch.randn(3, 7, 5, generator=seeded(3))
    for replica in range(3):
        weight, bias = layer.weight[replica].T, layer.bias[replica]
        assert torch.allclose(layer(shared)[replica], nn.functional.linear(shared, weight, bias), atol=1e-6)
        assert torch.allclose(layer(own)[replica], nn.functional.linear(own[replica], weight, bias), atol=1e-6)
        without = replicas.affine(shared, layer.weight)[replica]
        assert torch.allclose(without, nn.functional.linear(shared, weight), atol=1e-6)


def test_each_replica_of_a_convolution_is_torchs():
    layer = replicas.Conv(torch.randn(3, 4, 2, 3, 3, generator=seeded(0)), torch.randn(3, 4, generator=seeded(1)), 2)
    shared, own = torch.randn(6, 2, 9, 9, generator=seeded(2)), torch.randn(3, 6, 2, 9, 9, generator=seeded(3))
    for replica in range(3):
        weight, bias = layer.weight[replica], layer.bias[replica]
        for images, found in ((shared, layer(shared)), (own[replica], layer(own))):
            expected = nn.functional.conv2d(images, weight, bias, stride=2)
            assert torch.allclose(found[replica], expected, atol=1e-5)


def test_gradients_flow_through_a_pick_to_the_replicas_that_were_picked():
    weight = torch.randn(4, 5, 2, generator=seeded(0))
    model = nn.Sequential(replicas.Linear(weight, torch.zeros(4, 2)), nn.ReLU())
    chosen = replicas.pick(model, [3, 1])
    x = torch.randn(6, 5, generator=seeded(1))
    assert torch.allclose(chosen(x), model(x)[[3, 1]])
    chosen(x).sum().backward()
    moved = model[0].weight.grad.abs().sum((1, 2)) > 0
    assert moved.tolist() == [False, True, False, True]


def test_a_replica_begins_with_its_own_generator_and_not_with_its_place():
    """The same three generators in another order give the same weights in that order, within 1 / sqrt(fan-in)."""
    one = replicas.uniform((16, 8), 16, [seeded(seed) for seed in (1, 2, 3)])
    other = replicas.uniform((16, 8), 16, [seeded(seed) for seed in (3, 1, 2)])
    assert torch.equal(one[[2, 0, 1]], other)
    assert 0.24 < float(one.abs().max()) <= 0.25


def test_he_weights_have_a_variance_of_two_over_the_inputs():
    """Fan-ins of 50 and of 8 * 3 * 3 = 72; a sample of 100,000 has the variance within two per cent."""
    assert float(replicas.he_normal((40, 50), 50, seeded(0)).var()) == pytest.approx(2 / 50, rel=0.02)
    assert float(replicas.he_normal((28, 8, 3, 3), 50, seeded(0)).var()) == pytest.approx(2 / 72, rel=0.02)


def test_streams_are_repeatable_and_differ():
    drawn = [[int(torch.randint(10**9, (1,), generator=own)) for own in replicas.streams(seeded(5), 4)] for _ in "ab"]
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 4


def test_batches_run_on_from_one_permutation_to_the_next():
    order = replicas.orders(10, 4, 5, seeded(0)).flatten()
    assert order.shape == (20,)
    assert sorted(order[:10].tolist()) == sorted(order[10:].tolist()) == list(range(10))


def test_with_drop_last_each_epoch_is_cut_to_whole_batches():
    order = replicas.orders(10, 4, 6, seeded(0), drop_last=True)
    assert order.shape == (6, 4)
    for epoch in order.view(3, 8):
        assert len(set(epoch.tolist())) == 8
    first = torch.randperm(10, generator=seeded(0))[:8]
    assert torch.equal(order[:2].flatten(), first)


def test_a_batch_holds_the_rows_of_each_replica():
    x = torch.arange(12.0).view(2, 6, 1)
    y = torch.arange(12).view(2, 6)
    data = replicas.Batches(x, y, torch.tensor([[[0, 5]], [[3, 3]]]))
    assert len(data) == 1
    seen, classes = data[0]
    assert seen[..., 0].tolist() == [[0, 5], [9, 9]]
    assert classes.tolist() == [[0, 5], [9, 9]]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: replicas.orders(0, 1, 1, seeded(0)), "rows is 0; allowed is a whole number of at least 1"),
        (lambda: replicas.orders(5, 6, 1, seeded(0), drop_last=True), "batch is 6; .* from 1 to 5"),
        (lambda: replicas.orders(5, 2, 0, seeded(0)), "steps is 0"),
        (
            lambda: replicas.Batches(torch.zeros(2, 3), torch.zeros(2, 3), torch.zeros(1, 1, 1)),
            "for 2, 2 and 1 replicas; allowed is one R",
        ),
    ],
)
def test_wrong_sizes_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()

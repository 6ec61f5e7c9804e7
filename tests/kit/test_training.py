"""Facts of the loops that papers share: every row once, torch's own steps, replicas as if each were alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foretold.kit import replicas, training


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_pass_holds_every_row_once_and_the_next_one_in_another_order():
    found = list(training.batches(10, 4, 3, seeded()))
    assert [len(rows) for rows in found] == [4, 4, 2] * 3
    passes = [torch.cat(found[i : i + 3]).tolist() for i in (0, 3, 6)]
    assert [sorted(rows) for rows in passes] == [list(range(10))] * 3
    assert len({tuple(rows) for rows in passes}) == 3


def test_orders_are_drawn_when_their_pass_begins():
    """A loss may draw from the same generator between two passes, as the taggers' hidden words do."""
    one, other = seeded(), seeded()
    found = training.batches(5, 5, 2, one)
    assert torch.equal(next(found), torch.randperm(5, generator=other))
    assert torch.equal(torch.rand(3, generator=one), torch.rand(3, generator=other))
    assert torch.equal(next(found), torch.randperm(5, generator=other))
    assert next(found, None) is None


def test_full_batches_go_on_over_the_ends_of_passes():
    found = training.full_batches(7, 4, 9, seeded())
    assert found.shape == (9, 4)
    rows = found.flatten().tolist()
    assert [sorted(rows[i : i + 7]) for i in range(0, 35, 7)] == [list(range(7))] * 5


def test_fitting_is_torch_s_loop_written_out():
    x = torch.randn(20, 3, generator=seeded(1))
    y = x @ torch.tensor([1.0, -2.0, 0.5])

    def made():
        weights = torch.zeros(3, requires_grad=True)
        optimiser = torch.optim.SGD([weights], lr=0.5, momentum=0.9)
        return weights, optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 / (1 + step))

    weights, optimiser, schedule = made()
    batches = list(training.batches(20, 8, 2, seeded(2)))
    losses = training.fit(
        optimiser, lambda rows: ((x[rows] @ weights - y[rows]) ** 2).mean(), batches, schedule, clip=0.7
    )
    by_hand, optimiser, schedule = made()
    for rows, found in zip(batches, losses, strict=True):
        optimiser.zero_grad()
        loss = ((x[rows] @ by_hand - y[rows]) ** 2).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([by_hand], 0.7)
        optimiser.step()
        schedule.step()
        assert found == loss.item()
    assert torch.equal(weights, by_hand)
    assert losses[-1] < 0.2 * losses[0]


def test_no_batches_change_nothing():
    weights = torch.ones(2, requires_grad=True)
    losses = training.fit(
        torch.optim.SGD([weights], lr=1.0), lambda rows: weights.sum(), training.batches(4, 2, 0, seeded())
    )
    assert losses.shape == (0,)
    assert weights.tolist() == [1, 1]


def test_replicas_step_as_if_each_were_alone():
    """Two replicas with rates of their own, against torch.optim.AdamW on one at a time."""
    start, target = torch.randn(2, 5, generator=seeded(3)), torch.randn(5, generator=seeded(4))
    rates = torch.tensor([0.1, 0.02])

    def losses(weights, batch):
        return ((weights - target) ** 2 * batch).sum(1)

    weights = start.clone()
    optimiser = replicas.AdamW(weights, (0.9, 0.99))
    scales = [1.0, 0.5, 2.0]
    found = [training.replica_step(losses, weights, scale, optimiser, rates) for scale in scales]
    for replica, rate in enumerate(rates.tolist()):
        alone = start[replica].clone().requires_grad_()
        theirs = torch.optim.AdamW([alone], lr=rate, betas=(0.9, 0.99), weight_decay=0.0)
        seen = training.fit(theirs, lambda scale, alone=alone: losses(alone[None], scale).sum(), scales)
        assert torch.stack(found)[:, replica].numpy() == pytest.approx(seen, rel=1e-6)
        assert weights[replica].numpy() == pytest.approx(alone.detach().numpy(), abs=1e-6)
    assert not weights.requires_grad


def test_one_rate_is_that_of_all_replicas():
    one, other = torch.ones(3, 2), torch.ones(3, 2)
    for weights, rates in ((one, 0.3), (other, torch.full((3,), 0.3))):
        optimiser = replicas.AdamW(weights, (0.9, 0.99), 1.0)
        training.replica_step(lambda w, _: (w**2).sum(1), weights, None, optimiser, rates)
    assert torch.equal(one, other)
    assert np.allclose(one.numpy(), 0.7)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: training.batches(0, 4, 1, seeded()), "n is 0; allowed is a whole number of at least 1"),
        (lambda: training.batches(4, 0, 1, seeded()), "size is 0"),
        (lambda: training.batches(4, 2, 1.5, seeded()), "epochs is 1.5; allowed is a whole number of at least 0"),
        (lambda: training.full_batches(4, 2, 0, seeded()), "steps is 0; allowed is a whole number of at least 1"),
    ],
)
def test_wrong_numbers_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()

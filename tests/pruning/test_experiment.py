"""Networks trained as one against torch's own modules, residual networks, and the grid of the chapter."""

import numpy as np
import pytest
import torch
from pruning.shared import CPU, seeded
from torch import nn
from torch.nn import functional as F

from foretold.papers.pruning import data, experiment, idea
from foretold.papers.pruning.experiment import batched, choice, residual
from foretold.papers.pruning.idea.sam import SAM


def test_a_dead_network_is_like_no_other(rng):
    x = rng.normal(size=(3, 30, 4))
    y = x.copy()
    y[1] = 0.25
    assert experiment.similarity(x, y) == pytest.approx([1, 0, 1])


def test_advice_and_choices_are_scored_by_hand():
    """Three temperatures, two densities; hot is best at the first density, cold at the second."""
    error = np.array([[0.10, 0.30], [0.12, 0.20], [0.20, 0.10]])
    lmc, cka = np.array([[0, 0], [-0.2, 0], [-0.5, 0]]), np.array([[0.8, 0.8], [0.7, 0.9], [0.6, 0.99]])
    given = idea.advice(lmc, cka, -0.1, 0.9)
    assert given.tolist() == [["lower", "lower"], ["raise", "lower"], ["raise", "lower"]]
    assert choice.better_side(error, 0.01).tolist() == [["", "lower"], ["raise", "lower"], ["raise", ""]]
    counts = choice.score(error, given, 0.01)
    assert counts.values.tolist() == [[2, 2, 0, 2], [2, 2, 2, 0]]
    assert idea.choose(lmc, cka, -0.1).tolist() == [0, 2]
    assert idea.choose(lmc - 0.3, cka, -0.1).tolist() == [0, 0]
    assert choice.regret(error, np.array([1, 1])) == pytest.approx([0.02, 0.1])


# Where randomness comes from


def test_he_weights_have_a_variance_of_two_over_the_inputs():
    """Fan-ins of 50 and of 8 * 3 * 3 = 72; a sample of 100,000 has the variance within two per cent."""
    assert float(batched.he_normal((40, 50), 50, seeded(0)).var()) == pytest.approx(2 / 50, rel=0.02)
    assert float(batched.he_normal((28, 8, 3, 3), 50, seeded(0)).var()) == pytest.approx(2 / 72, rel=0.02)


def test_streams_are_repeatable_and_differ():
    drawn = [[int(torch.randint(10**9, (1,), generator=own)) for own in batched.streams(seeded(5), 4)] for _ in "ab"]
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 4


def test_each_epoch_of_a_stream_is_a_permutation_cut_to_whole_batches():
    order = batched.orders(10, 4, 3, [seeded(0), seeded(1)])
    assert order.shape == (2, 6, 4)
    for epoch in order.view(2 * 3, 8):
        assert len(set(epoch.tolist())) == 8
    assert torch.equal(order[1, :2].flatten(), torch.randperm(10, generator=seeded(1))[:8])


# The batched networks against torch's modules


def module(networks, replica):
    """The same multilayer perceptron as a torch module, in double precision."""
    layers = []
    for weight, gain, shift in zip(networks.weights, networks.gains, networks.shifts, strict=False):
        linear, norm = nn.Linear(weight.shape[2], weight.shape[1], bias=False), nn.BatchNorm1d(weight.shape[1])
        linear.weight.data, norm.weight.data, norm.bias.data = (t[replica].clone() for t in (weight, gain, shift))
        layers += [linear, norm, nn.ReLU()]
    last = nn.Linear(networks.weights[-1].shape[2], networks.bias.shape[1])
    last.weight.data, last.bias.data = networks.weights[-1][replica].clone(), networks.bias[replica, :, 0].clone()
    return nn.Sequential(*layers, last).double()


def small(seed, streams, cells, sizes=(7, 6, 5, 3), n=60):
    made = batched.Networks.initial(sizes, streams * cells, seeded(seed), CPU).map(torch.Tensor.double)
    made.gains = [1 + 0.3 * torch.randn(g.shape, generator=seeded(seed + 1)).double() for g in made.gains]
    x = torch.randn(n, sizes[0], generator=seeded(seed + 2)).double()
    return made, x, torch.randint(sizes[-1], (n,), generator=seeded(seed + 3))


@pytest.mark.parametrize("rho", [None, 0.2])
def test_training_the_grid_is_training_each_network_alone(rho):
    """Pruned networks, two streams of three cells, in double precision: losses and weights of torch's modules."""
    networks, x, y = small(0, 2, 3)
    masks = batched.prune(networks, [0.2, 0.5, 1.0] * 2)
    alone = [module(networks, replica) for replica in range(6)]
    orders = batched.orders(60, 20, 3, [seeded(8), seeded(9)])
    rates = batched.schedule(3, 3, 0.1)
    radius = None if rho is None else torch.full((6,), rho)
    losses, kept = batched.train(networks, batched.batches(x, y, orders), rates, masks=masks, rho=radius, snapshots=[4])
    for replica, net in enumerate(alone):
        settings = {"lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4}
        kind = torch.optim.SGD if rho is None else lambda p, **k: SAM(p, rho, **k)
        optimiser = kind(net.parameters(), **settings)
        hidden = [layer for layer in net if isinstance(layer, nn.Linear)][:-1]
        for step, rows in enumerate(orders[replica // 3]):
            optimiser.param_groups[0]["lr"] = rates[step]

            def closure(rows=rows, net=net, optimiser=optimiser, hidden=hidden, replica=replica):
                optimiser.zero_grad()
                loss = F.cross_entropy(net(x[rows]), y[rows])
                loss.backward()
                for layer, mask in zip(hidden, masks, strict=True):
                    layer.weight.grad *= mask[replica]
                return loss

            loss = optimiser.step(closure)
            assert float(losses[step, replica]) == pytest.approx(float(loss.detach()), abs=1e-9)
            if step == 3:
                assert torch.allclose(kept[4].weights[0][replica], net[0].weight, atol=1e-9)
        assert torch.allclose(networks.weights[1][replica], net[3].weight, atol=1e-9)


def test_masks_of_the_grid_are_those_of_each_network_and_stay(rng):
    networks, x, y = small(4, 2, 2)
    before = [weight.clone() for weight in networks.weights]
    densities = [0.1, 0.6, 0.33, 1.0]
    masks = batched.prune(networks, densities)
    for replica, density in enumerate(densities):
        expected = idea.magnitude_mask([weight[replica] for weight in before[:-1]], density)
        for mask, weight, wanted in zip(masks, networks.weights, expected, strict=False):
            assert torch.equal(mask[replica], wanted)
            assert torch.equal(weight[replica] != 0, wanted)
    orders = batched.orders(60, 20, 2, [seeded(1), seeded(2)])
    batched.train(networks, batched.batches(x, y, orders), [0.1] * 6, masks=masks)
    assert all(torch.equal(weight != 0, mask) for weight, mask in zip(networks.weights, masks, strict=False))
    assert torch.equal(networks.weights[-1] != 0, torch.ones_like(before[-1]).bool())


def test_recalibration_is_a_fresh_average_of_torchs_batch_norm():
    networks, x, _ = small(6, 1, 3)
    unseen = torch.randn(11, 7, generator=seeded(0)).double()
    seen, new = batched.outputs(networks, x, unseen)
    for replica in range(3):
        net = module(networks, replica)
        for layer in net:
            if isinstance(layer, nn.BatchNorm1d):
                layer.momentum, layer.eps = 1.0, batched.EPS
        net(x)
        for layer in net:
            if isinstance(layer, nn.BatchNorm1d):
                layer.running_var *= 59 / 60  # torch keeps the unbiased variance
        net.eval()
        assert torch.allclose(seen[replica].T, net(x), atol=1e-9)
        assert torch.allclose(new[replica].T, net(unseen), atol=1e-9)


def test_the_line_from_a_network_to_itself_is_flat_and_to_its_permuted_twin_is_not(digits):
    """Hidden units in another order are the same function; half way between the two is another one."""
    networks = batched.Networks.initial((64, 32, 32, 10), 1, seeded(0), CPU)
    orders = batched.orders(900, 60, 4, [seeded(1)])
    batched.train(networks, batched.batches(digits.x, digits.y, orders), batched.schedule(4, 15, 0.1))
    order = torch.randperm(32, generator=seeded(3))
    twin = networks.take(slice(None))
    twin.weights[0], twin.gains[0], twin.shifts[0] = (
        t[:, order] for t in (twin.weights[0], twin.gains[0], twin.shifts[0])
    )
    twin.weights[1] = twin.weights[1][:, :, order]
    same = batched.line(networks, networks, digits.x, digits.y)
    away = batched.line(networks, twin, digits.x, digits.y)
    assert idea.linear_mode_connectivity(same).tolist() == [0.0]
    assert away[0, 0] == away[0, -1]
    assert idea.linear_mode_connectivity(away)[0] < -0.05
    ends = batched.line(networks, twin, digits.x, digits.y, recalibrate=False)
    assert ends[0, [0, -1]] == pytest.approx(away[0, [0, -1]], abs=1e-9)


# The residual networks


class Block(nn.Module):
    def __init__(self, into, out):
        super().__init__()
        self.one, self.two = nn.BatchNorm2d(into), nn.BatchNorm2d(out)
        stride = 2 if out != into else 1
        self.first = nn.Conv2d(into, out, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.short = nn.Conv2d(into, out, 1, 2, bias=False) if out != into else None

    def forward(self, x):
        ready = F.relu(self.one(x))
        inner = self.second(F.relu(self.two(self.first(ready))))
        return inner + (x if self.short is None else self.short(ready))


@pytest.mark.parametrize("blocks", [1, 2])
def test_grouped_convolutions_are_a_residual_network_each(blocks):
    nothing = torch.zeros(2, 3, 16, 16)
    five = data.Pictures(nothing, torch.tensor([0, 4]), nothing, torch.tensor([0, 4]), "test", 1, False)
    networks = residual.Residual.drawn(five, 4, blocks, 4, seeded(0))
    networks.gains = [1 + 0.2 * torch.randn(g.shape, generator=seeded(1)) for g in networks.gains]
    x = torch.randn(2, 6, 3, 16, 16, generator=seeded(2))
    found = networks.forward(x)
    for replica in range(4):
        weights, gains = (iter([t[replica] for t in ts]) for ts in (networks.weights, networks.gains))
        widths = [w for stage in (4, 8, 16) for w in [stage] * blocks]
        parts = [nn.Conv2d(3, 4, 3, 1, 1, bias=False)]
        parts += [Block(into, out) for into, out in zip([4, *widths], widths, strict=False)]
        norm, head = nn.BatchNorm2d(16), nn.Linear(16, 5, bias=False)
        for part in [*[m for p in parts for m in p.modules() if isinstance(m, nn.Conv2d)], head]:
            part.weight.data = next(weights)
        for part in [*[m for p in parts for m in p.modules() if isinstance(m, nn.BatchNorm2d)], norm]:
            part.weight.data = next(gains)
        h = nn.Sequential(*parts)(x[replica // 2])
        expected = head(F.relu(norm(h)).mean((2, 3)))
        assert torch.allclose(found[replica].T, expected, atol=2e-5)


def test_augmentation_moves_and_mirrors_whole_images():
    x = torch.arange(2 * 16, dtype=torch.float32).view(2, 1, 4, 4) + 1
    y = torch.tensor([3, 5])
    pictures = data.Pictures(x, y, x, y, "test", 1, True)
    index = torch.tensor([[0, 1, 0, 1, 0, 1, 0, 1]])
    seen, classes = residual.Augmented(pictures, index[:, None], seeded(0))[0]
    assert classes.tolist() == [[3, 5, 3, 5, 3, 5, 3, 5]]
    wide = F.pad(x, [1] * 4)
    places = [(a, b, mirror) for a in range(3) for b in range(3) for mirror in ((), -1)]
    crops = [{tuple(wide[i, 0, a : a + 4, b : b + 4].flip(m).flatten().tolist()) for a, b, m in places} for i in (0, 1)]
    assert seen.shape == (1, 8, 1, 4, 4)
    assert all(tuple(view.flatten().tolist()) in crops[int(i)] for view, i in zip(seen[0], index[0], strict=True))


def test_the_rule_for_a_flip_needs_both_sides():
    def grid(low, high):
        noise = 0.002 * np.array([-1, 0, 1])[:, None, None]
        error = np.stack([low, high], 1)[None] + noise * np.array([1, 0, -1, 0])[None, :, None]
        nothing = np.zeros_like(error)
        return experiment.Grid((1, 2, 3, 4), (0.05, 0.8), error, *[nothing] * 4, nothing[..., 0])

    flip = residual.decide(grid([0.2, 0.15, 0.18, 0.19], [0.10, 0.09, 0.08, 0.08]))
    assert flip["low density"][0] == pytest.approx(0.04) and flip["high density"][0] == pytest.approx(0.02)
    assert residual.flipped(flip)
    assert not residual.flipped(residual.decide(grid([0.2, 0.19, 0.18, 0.15], [0.1, 0.09, 0.08, 0.08])))
    assert not residual.flipped(residual.decide(grid([0.2, 0.15, 0.18, 0.19], [0.08] * 4)))


@pytest.mark.slow
def test_the_residual_experiment_runs_small_from_end_to_end():
    pictures = data.best(np.random.default_rng(0), CPU, limit=256)
    plan = residual.Plan(4, 1, 2, (1, 2), (0.3, 0.8), batch=64, chunk=128)
    grid = residual.run(pictures, plan, seeded(0))
    assert grid.test_error.shape == (2, 2, 2)
    assert np.all((grid.cka >= 0) & (grid.cka <= 1))
    assert np.all(grid.lmc == [[[idea.linear_mode_connectivity(c) for c in row] for row in p] for p in grid.curves])
    assert set(residual.decide(grid)) == {"low density", "high density"}


# The experiment


def test_the_grid_is_the_same_twice_and_children_are_numbered_as_said():
    few = data.digits(np.random.default_rng(0), CPU, train=120)
    setting = experiment.Setting((8, 8), epochs=2, batch=40, parents=2)
    one, two = (experiment.grid(few, setting, [0.2, 0.9], seeded(1), epochs=[1, 2]) for _ in range(2))
    assert all(np.array_equal(getattr(one, name), getattr(two, name)) for name in ("test_error", "lmc", "cka"))
    parents = experiment.dense(few, setting, seeded(1), epochs=[1, 2])
    children, masks = experiment.retrain(parents, few, setting, [0.2, 0.9], seeded(2))
    shape = (2, 2, 2, 2)  # parent, child, temperature, density
    kept = masks[0].float().mean((1, 2)).view(shape)
    assert kept[..., 0] == pytest.approx(0.2, abs=0.002) and kept[..., 1] == pytest.approx(0.9, abs=0.002)
    view = masks[1].view(*shape, 8, 8)
    assert torch.equal(view[:, 0], view[:, 1])  # children of a parent have its mask
    assert not torch.equal(view[0], view[1])
    assert not torch.equal(children.bias.view(*shape, -1)[:, 0], children.bias.view(*shape, -1)[:, 1])


def test_a_hotter_parent_is_an_earlier_copy_of_the_same_training():
    few = data.digits(np.random.default_rng(0), CPU, train=120)
    setting = experiment.Setting((8,), epochs=3, batch=40, parents=2)
    all_three = experiment.dense(few, setting, seeded(1), epochs=[1, 2, 3])
    last = experiment.dense(few, setting, seeded(1), epochs=[3])
    assert torch.equal(all_three.weights[0][2::3], last.weights[0])
    flat = experiment.dense(few, setting, seeded(1), rho=[0.0, 0.1])
    assert torch.allclose(flat.weights[0][::2], last.weights[0], atol=1e-4)


@pytest.mark.slow
def test_the_load_axis_on_digits(digits):
    """Barriers and dissimilar outputs appear as density falls, and longer training helps where much is kept."""
    setting = experiment.Setting((32,) * 4, rate=0.3, parents=4)
    grid = experiment.grid(digits, setting, [0.02, 0.035, 0.2, 0.5], seeded(0), epochs=[1, 32])
    lmc, cka, error = grid.lmc.mean((0, 1)), grid.cka.mean((0, 1)), grid.test_error.mean(0)
    assert lmc[1] < -0.03 and lmc[3] > -0.01
    # At 2 and 3.5% the order of the two depends on the order of summation; both lie far below 20%.
    assert max(cka[:2]) < 0.97 < cka[2] < cka[3]
    assert error[0, 2] > error[1, 2]


# Wrong input


def test_wrong_experiments_are_named(digits):
    setting = experiment.Setting(epochs=2)
    with pytest.raises(ValueError, match="allowed is exactly one of them"):
        experiment.dense(digits, setting, seeded(0))
    with pytest.raises(ValueError, match="allowed are numbers from 1 to 2"):
        experiment.dense(digits, setting, seeded(0), epochs=[3])
    networks, x, y = small(0, 2, 2)
    with pytest.raises(ValueError, match="data holds 3 streams"):
        batched.train(networks, batched.batches(x, y, torch.zeros(3, 1, 4, dtype=torch.long)), [0.1])
    with pytest.raises(ValueError, match="rates has 2 entries; allowed is one for each of the 1 steps"):
        batched.train(networks, batched.batches(x, y, torch.zeros(2, 1, 4, dtype=torch.long)), [0.1, 0.1])
    with pytest.raises(ValueError, match="densities has 1 entries"):
        batched.prune(networks, [0.5])
    with pytest.raises(ValueError, match="batch is 1000; allowed is a whole number from 1 to 900"):
        experiment.dense(digits, experiment.Setting(epochs=2, batch=1_000), seeded(0), epochs=[1])
    with pytest.raises(ValueError, match="train is 5000"):
        data.digits(np.random.default_rng(0), CPU, train=5_000)
    with pytest.raises(ValueError, match="slack is -1"):
        choice.better_side(np.eye(2), -1)

"""The pruning chapter's facts. Torch's own modules and pruning utilities, closed forms and the paper's figures stand
against our code."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pytest
import torch
from scipy.stats import ortho_group, spearmanr
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import prune as torch_prune

from foretold.papers.pruning import draw, experiment, idea
from foretold.papers.pruning.experiment import batched, choice, residual

CPU = torch.device("cpu")


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture(scope="module")
def maps():
    return choice.paper_maps()


def seeded(seed):
    return torch.Generator().manual_seed(seed)


# Similarity


def test_cka_is_that_of_the_authors_code_on_fixed_inputs():
    """Their functions on the same numbers, run once: 0.8289716465."""
    r = np.random.RandomState(0)
    x = r.randn(50, 10)
    y = x + 0.5 * r.randn(50, 10)
    assert idea.linear_cka(x.round(6), y.round(6)) == pytest.approx(0.8289716465, abs=1e-9)


def test_cka_is_the_alignment_of_centred_gram_matrices(rng):
    """The other form: the cosine between the two centred n x n matrices of inner products."""
    x, y = rng.normal(size=(40, 7)), rng.normal(size=(40, 3)) @ rng.normal(size=(3, 5))
    centre = np.eye(40) - 1 / 40
    k, q = centre @ x @ x.T @ centre, centre @ y @ y.T @ centre
    assert idea.linear_cka(x, y) == pytest.approx(np.sum(k * q) / np.linalg.norm(k) / np.linalg.norm(q), abs=1e-12)


def test_cka_sees_no_rotation_scale_or_shift_but_the_order_of_examples(rng):
    x = rng.normal(size=(60, 8))
    turned = 3 * x @ ortho_group.rvs(8, random_state=1) + rng.normal(size=8)
    assert idea.linear_cka(x, x) == pytest.approx(1, abs=1e-12)
    assert idea.linear_cka(turned, x) == pytest.approx(1, abs=1e-12)
    assert idea.linear_cka(x[rng.permutation(60)], x) < 0.4


def test_cka_of_many_pairs_is_that_of_each(rng):
    x, y = rng.normal(size=(2, 3, 30, 4)), rng.normal(size=(2, 3, 30, 4))
    expected = [[idea.linear_cka(a, b) for a, b in zip(*pair, strict=True)] for pair in zip(x, y, strict=True)]
    assert idea.linear_cka(torch.tensor(x), y) == pytest.approx(np.array(expected), abs=1e-12)


def test_a_dead_network_is_like_no_other(rng):
    x = rng.normal(size=(3, 30, 4))
    y = x.copy()
    y[1] = 0.25
    assert experiment.similarity(x, y) == pytest.approx([1, 0, 1])


# Masks


@pytest.mark.parametrize("density", [0.05, 0.06, 0.14, 0.2, 0.5, 0.8, 1.0])
def test_masks_are_those_of_torchs_pruning_utilities(density):
    layers = nn.Sequential(nn.Linear(17, 12), nn.Linear(12, 9), nn.Linear(9, 31))
    weights = [layer.weight.detach().clone() for layer in layers]
    together = [(layer, "weight") for layer in layers]
    torch_prune.global_unstructured(together, torch_prune.L1Unstructured, amount=1 - density)
    for mask, layer in zip(idea.magnitude_mask(weights, density, "global"), layers, strict=True):
        assert torch.equal(mask, layer.weight_mask.bool())
    for weight, mask in zip(weights, idea.magnitude_mask(weights, density), strict=True):
        alone = nn.Linear(*weight.shape[::-1])
        alone.weight.data = weight
        torch_prune.l1_unstructured(alone, "weight", amount=1 - density)
        assert torch.equal(mask, alone.weight_mask.bool())
        assert int(mask.sum()) == weight.numel() - round((1 - density) * weight.numel())


def test_global_pruning_can_empty_a_layer():
    """Two convolutions of 36 and 288 weights at 5%, the second with smaller weights because it has more inputs."""
    generator = seeded(0)
    uniform = lambda *shape: 2 * torch.rand(*shape, generator=generator) - 1  # noqa: E731
    weights = [uniform(4, 1, 3, 3) / 3, uniform(8, 4, 3, 3) / 6]
    assert [int(mask.sum()) for mask in idea.magnitude_mask(weights, 0.05)] == [2, 14]
    assert [int(mask.sum()) for mask in idea.magnitude_mask(weights, 0.05, "global")] == [16, 0]


def test_masks_have_the_structure_of_the_weights():
    weights = {"a": np.array([[1.0, -5.0], [0.5, 2.0]]), "b": torch.tensor([3.0, -0.1])}
    masks = idea.magnitude_mask(weights, 0.5)
    assert masks["a"].tolist() == [[False, True], [False, True]]
    assert masks["b"].tolist() == [True, False]
    assert idea.magnitude_mask(weights["a"], 0.25).tolist() == [[False, True], [False, False]]
    assert idea.magnitude_mask([1.0, -3.0, 2.0, 0.0], 0.5).tolist() == [False, True, True, False]


# Connectivity


def test_lmc_is_that_of_the_authors_formula_on_a_fixed_curve():
    """Their notebook's formula on the same numbers, run once: -0.5850185."""
    bump = 0.02 + 0.6 * np.sin(np.linspace(0, np.pi, 11)) + 0.02 * np.random.RandomState(3).randn(11)
    assert idea.linear_mode_connectivity(np.clip(bump, 0, 1).round(6)) == pytest.approx(-0.5850185, abs=1e-12)


def test_lmc_is_signed_and_takes_the_furthest_place():
    assert idea.linear_mode_connectivity([0.2, 0.2, 0.2]) == 0
    assert idea.linear_mode_connectivity([0.1, 0.7, 0.0, 0.3]) == pytest.approx(-0.5)
    assert idea.linear_mode_connectivity([0.4, 0.1, 0.35, 0.4]) == pytest.approx(0.3)


def test_unequal_ends_look_like_a_barrier_and_their_order_decides_its_sign():
    slope = np.linspace(0.375, 0.125, 11)  # ends and middle are exact in binary, so that the tie is one
    assert idea.linear_mode_connectivity(slope) == -0.125
    assert idea.linear_mode_connectivity(slope[::-1]) == 0.125
    assert idea.barrier(slope) == pytest.approx(0, abs=1e-15)
    assert idea.barrier([0.3, 0.5, 0.1]) == pytest.approx(0.3)


def test_a_convex_loss_has_no_barrier(rng):
    """Two linear softmax classifiers: the loss on the line lies below the chord, so LMC >= -|l0 - l1|/2."""
    x, y = torch.tensor(rng.normal(size=(200, 6))), torch.tensor(rng.integers(0, 4, 200))
    for _ in range(20):
        a, b = torch.tensor(rng.normal(size=(2, 6, 4)) * 3)
        losses = np.array([float(F.cross_entropy(x @ torch.lerp(a, b, t), y)) for t in np.linspace(0, 1, 11)])
        assert idea.barrier(losses) < 1e-12
        assert idea.linear_mode_connectivity(losses) >= -abs(losses[0] - losses[-1]) / 2 - 1e-12


# Regimes, and the paper's own figure


def test_regimes_are_cut_at_the_thresholds():
    given = [-0.06, -0.05, 0.0], [0.99, 0.89, 0.9]
    assert idea.classify_regime(*given, -0.05, 0.9).tolist() == ["I", "II-A", "II-B"]
    assert idea.classify_regime(-0.2, 0.5, -0.1, 0.9) == "I"


def test_the_papers_two_error_maps_agree(maps):
    assert idea.normalised_error(maps.test_error) == pytest.approx(maps.normalised_error, abs=0.001)


def test_the_papers_best_parents_and_penalties(maps):
    """Short training at 5 to 8%, long training at 40 and 80%; what the wrong end costs."""
    best = dict(zip(maps.densities, maps.epochs[maps.test_error.argmin(0)], strict=True))
    excess = dict(zip(maps.densities, idea.normalised_error(maps.test_error).T, strict=True))
    assert all(best[d] <= 80 for d in (5, 6, 7, 8))
    assert best[40] >= 110 and best[80] >= 110
    assert all(0.026 <= excess[d][-1] <= 0.034 for d in (5, 6, 7, 8))
    assert all(0.005 <= excess[d][0] <= 0.017 for d in (40, 80))


def test_barriers_and_penalties_go_together_in_the_papers_maps(maps):
    late = (maps.epochs[:, None] >= 90) & (maps.densities <= 10)
    assert spearmanr(maps.lmc[late], maps.normalised_error[late]).statistic < -0.9
    deep = maps.lmc < -0.3
    assert deep.sum() > 20
    assert np.all(((maps.epochs[:, None] >= 90) & (maps.densities <= 8))[deep])


def test_advice_and_choices_are_scored_by_hand():
    """Three temperatures, two densities; hot is best at the first density, cold at the second."""
    error = np.array([[0.10, 0.30], [0.12, 0.20], [0.20, 0.10]])
    lmc, cka = np.array([[0, 0], [-0.2, 0], [-0.5, 0]]), np.array([[0.8, 0.8], [0.7, 0.9], [0.6, 0.99]])
    given = choice.advice(lmc, cka, -0.1, 0.9)
    assert given.tolist() == [["lower", "lower"], ["raise", "lower"], ["raise", "lower"]]
    assert choice.better_side(error, 0.01).tolist() == [["", "lower"], ["raise", "lower"], ["raise", ""]]
    counts = choice.score(error, given, 0.01)
    assert counts.values.tolist() == [[2, 2, 0, 2], [2, 2, 2, 0]]
    assert choice.choose(lmc, cka, -0.1).tolist() == [0, 2]
    assert choice.choose(lmc - 0.3, cka, -0.1).tolist() == [0, 0]
    assert choice.regret(error, np.array([1, 1])) == pytest.approx([0.02, 0.1])


# SAM


def test_sam_on_a_quadratic_is_the_closed_form():
    """f(w) = w'Aw/2: the gradient at w + rho Aw/||Aw|| is A of that."""
    a, w = torch.tensor([[3.0, 1.0], [1.0, 2.0]], dtype=torch.float64), torch.tensor([1.0, -2.0], dtype=torch.float64)
    parameter = nn.Parameter(w.clone())
    optimiser = idea.SAM([parameter], torch.optim.SGD, rho=0.3, lr=0.1)

    def closure():
        optimiser.zero_grad()
        loss = parameter @ a @ parameter / 2
        loss.backward()
        return loss

    loss = optimiser.step(closure)
    g = a @ w
    expected = w - 0.1 * a @ (w + 0.3 * g / g.norm())
    assert float(loss.detach()) == pytest.approx(float(w @ a @ w / 2))
    assert torch.allclose(parameter.detach(), expected, atol=1e-7)  # rho is a float32


def test_sam_with_radius_0_is_the_base_optimiser():
    torch.manual_seed(0)
    x, y = torch.randn(50, 4), torch.randn(50, 1)
    nets = [nn.Linear(4, 1) for _ in range(2)]
    nets[1].load_state_dict(nets[0].state_dict())
    settings = {"lr": 0.05, "momentum": 0.9, "weight_decay": 1e-2}
    plain = torch.optim.SGD(nets[0].parameters(), **settings)
    sam = idea.SAM(nets[1].parameters(), torch.optim.SGD, rho=0.0, **settings)
    for _ in range(10):
        plain.zero_grad()
        F.mse_loss(nets[0](x), y).backward()
        plain.step()
        for step in (sam.first_step, sam.second_step):
            F.mse_loss(nets[1](x), y).backward()
            step(zero_grad=True)
    assert torch.equal(nets[0].weight, nets[1].weight)


def test_a_gradient_of_zero_is_no_division_by_zero():
    parameter = nn.Parameter(torch.zeros(3))
    sam = idea.SAM([parameter], torch.optim.SGD, rho=0.1, lr=1.0)
    parameter.grad = torch.zeros(3)
    sam.first_step()
    assert torch.equal(parameter, torch.zeros(3))


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
    orders = batched.batches(60, 20, 3, [seeded(8), seeded(9)])
    rates = batched.schedule(3, 3, 0.1)
    radius = None if rho is None else torch.full((6,), rho)
    losses, kept = batched.train(networks, x, y, orders, rates, masks=masks, rho=radius, snapshots=[4])
    for replica, net in enumerate(alone):
        settings = {"lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4}
        kind = torch.optim.SGD if rho is None else lambda p, **k: idea.SAM(p, torch.optim.SGD, rho, **k)
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
    orders = batched.batches(60, 20, 2, [seeded(1), seeded(2)])
    batched.train(networks, x, y, orders, [0.1] * 6, masks=masks)
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


def test_the_line_from_a_network_to_itself_is_flat_and_to_its_permuted_twin_is_not():
    """Hidden units in another order are the same function; half way between the two is another one."""
    data = experiment.Data.digits(np.random.default_rng(0), CPU)
    networks = batched.Networks.initial((64, 32, 32, 10), 1, seeded(0), CPU)
    orders = batched.batches(900, 60, 4, [seeded(1)])
    batched.train(networks, data.x, data.y, orders, batched.schedule(4, 15, 0.1))
    order = torch.randperm(32, generator=seeded(3))
    twin = networks.take(slice(None))
    twin.weights[0], twin.gains[0], twin.shifts[0] = (
        t[:, order] for t in (twin.weights[0], twin.gains[0], twin.shifts[0])
    )
    twin.weights[1] = twin.weights[1][:, :, order]
    same = batched.line(networks, networks, data.x, data.y)
    away = batched.line(networks, twin, data.x, data.y)
    assert idea.linear_mode_connectivity(same).tolist() == [0.0]
    assert away[0, 0] == away[0, -1]
    assert idea.linear_mode_connectivity(away)[0] < -0.05
    ends = batched.line(networks, twin, data.x, data.y, recalibrate=False)
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
    networks = residual.initial(3, 5, 4, blocks, 4, seeded(0), CPU)
    networks.gains = [1 + 0.2 * torch.randn(g.shape, generator=seeded(1)) for g in networks.gains]
    x = torch.randn(2, 6, 3, 16, 16, generator=seeded(2))
    found = residual.forward(networks, x)
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
    images = residual.Images("test", x, torch.zeros(2), x, torch.zeros(2), 1, True)
    index = torch.tensor([[0, 1, 0, 1, 0, 1, 0, 1]])
    seen = images.augmented(seeded(0))(index, 0)
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
        return experiment.Grid((1, 2, 3, 4), (0.05, 0.8), error, *[nothing] * 5, nothing[..., 0])

    flip = residual.decide(grid([0.2, 0.15, 0.18, 0.19], [0.10, 0.09, 0.08, 0.08]))
    assert flip["low density"][0] == pytest.approx(0.04) and flip["high density"][0] == pytest.approx(0.02)
    assert residual.flipped(flip)
    assert not residual.flipped(residual.decide(grid([0.2, 0.19, 0.18, 0.15], [0.1, 0.09, 0.08, 0.08])))
    assert not residual.flipped(residual.decide(grid([0.2, 0.15, 0.18, 0.19], [0.08] * 4)))


@pytest.mark.slow
def test_the_residual_experiment_runs_small_from_end_to_end():
    images = residual.Images.best(np.random.default_rng(0), CPU, limit=256)
    plan = residual.Plan(4, 1, 2, (1, 2), (0.3, 0.8), batch=64, chunk=128)
    grid = residual.run(images, plan, seeded(0))
    assert grid.test_error.shape == (2, 2, 2)
    assert np.all((grid.cka >= 0) & (grid.cka <= 1))
    assert np.all(grid.lmc == [[[idea.linear_mode_connectivity(c) for c in row] for row in p] for p in grid.curves])
    assert set(residual.decide(grid)) == {"low density", "high density"}


# The experiment


def test_the_grid_is_the_same_twice_and_children_are_numbered_as_said():
    data = experiment.Data.digits(np.random.default_rng(0), CPU, train=120)
    setting = experiment.Setting((8, 8), epochs=2, batch=40, parents=2)
    one, two = (experiment.grid(data, setting, [0.2, 0.9], seeded(1), epochs=[1, 2]) for _ in range(2))
    assert all(np.array_equal(getattr(one, name), getattr(two, name)) for name in ("test_error", "lmc", "cka"))
    parents = experiment.dense(data, setting, seeded(1), epochs=[1, 2])
    children, masks = experiment.retrain(parents, data, setting, [0.2, 0.9], seeded(2))
    shape = (2, 2, 2, 2)  # parent, child, temperature, density
    kept = masks[0].float().mean((1, 2)).view(shape)
    assert kept[..., 0] == pytest.approx(0.2, abs=0.002) and kept[..., 1] == pytest.approx(0.9, abs=0.002)
    view = masks[1].view(*shape, 8, 8)
    assert torch.equal(view[:, 0], view[:, 1])  # children of a parent have its mask
    assert not torch.equal(view[0], view[1])
    assert not torch.equal(children.bias.view(*shape, -1)[:, 0], children.bias.view(*shape, -1)[:, 1])


def test_a_hotter_parent_is_an_earlier_copy_of_the_same_training():
    data = experiment.Data.digits(np.random.default_rng(0), CPU, train=120)
    setting = experiment.Setting((8,), epochs=3, batch=40, parents=2)
    all_three = experiment.dense(data, setting, seeded(1), epochs=[1, 2, 3])
    last = experiment.dense(data, setting, seeded(1), epochs=[3])
    assert torch.equal(all_three.weights[0][2::3], last.weights[0])
    flat = experiment.dense(data, setting, seeded(1), rho=[0.0, 0.1])
    assert torch.allclose(flat.weights[0][::2], last.weights[0], atol=1e-4)


@pytest.mark.slow
def test_the_load_axis_on_digits():
    """Barriers and dissimilar outputs appear as density falls, and longer training helps where much is kept."""
    data = experiment.Data.digits(np.random.default_rng(0), CPU)
    setting = experiment.Setting((32,) * 4, rate=0.3, parents=4)
    grid = experiment.grid(data, setting, [0.02, 0.035, 0.2, 0.5], seeded(0), epochs=[1, 32])
    lmc, cka, error = grid.lmc.mean((0, 1)), grid.cka.mean((0, 1)), grid.test_error.mean(0)
    assert lmc[1] < -0.03 and lmc[3] > -0.01
    # At 2 and 3.5% the order of the two depends on the order of summation; both lie far below 20%.
    assert max(cka[:2]) < 0.97 < cka[2] < cka[3]
    assert error[0, 2] > error[1, 2]


# Wrong input


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: idea.linear_cka(np.ones((3, 2)), np.eye(3)), "x has the same output for every example"),
        (lambda: idea.linear_cka(np.eye(3), np.eye(4)), r"y has shape \(4, 4\); allowed is \(3, 'q'\)"),
        (lambda: idea.linear_cka(np.ones(3), np.eye(3)), r"x has shape \(3,\); allowed is"),
        (lambda: idea.linear_cka([[np.nan], [1.0]], np.eye(2)), "x holds nan; allowed are finite"),
        (lambda: idea.magnitude_mask([np.ones(3)], 0), "density is 0; allowed is a share above 0"),
        (lambda: idea.magnitude_mask([np.ones(3)], 5), "density is 5"),
        (lambda: idea.magnitude_mask([np.ones(3)], 0.5, "net"), "scope is 'net'; allowed are 'layer' and 'global'"),
        (lambda: idea.magnitude_mask([], 0.5), "weights is empty"),
        (lambda: idea.magnitude_mask([np.ones(0)], 0.5), r"weights\[0\] has shape \(0,\)"),
        (lambda: idea.magnitude_mask([np.array([np.inf])], 0.5), r"weights\[0\]"),
        (lambda: idea.linear_mode_connectivity([0.1]), r"errors has shape \(1,\)"),
        (lambda: idea.linear_mode_connectivity([0.1, -0.2]), "errors holds -0.2"),
        (lambda: idea.barrier([0.1, np.nan]), "errors holds nan"),
        (lambda: idea.classify_regime(0, 0.9, 0.1, 0.9), "lmc_threshold is 0.1; allowed is a number from -1 to 0"),
        (lambda: idea.classify_regime(0, 0.9, -0.1, 2), "cka_threshold is 2; allowed is a number from 0 to 1"),
        (lambda: idea.classify_regime([0, 0], 0.9, -0.1, 0.9), r"cka has shape \(\)"),
        (lambda: idea.classify_regime(-2, 0.9, -0.1, 0.9), "lmc holds -2.0"),
        (lambda: idea.normalised_error([0.1]), r"errors has shape \(1,\)"),
        (lambda: idea.SAM([nn.Parameter(torch.ones(2))], rho=-1, lr=1), "rho is -1; allowed is one number"),
        (lambda: idea.SAM([nn.Parameter(torch.ones(2))], rho=[1, 2, 3], replicas=True, lr=1), "rho has 3 entries"),
        (lambda: idea.SAM([nn.Parameter(torch.ones(2))], lr=1).step(), "closure is None"),
        (lambda: choice.better_side(np.eye(2), -1), "slack is -1"),
    ],
)  # fmt: skip
def test_wrong_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_wrong_experiments_are_named():
    data = experiment.Data.digits(np.random.default_rng(0), CPU)
    setting = experiment.Setting(epochs=2)
    with pytest.raises(ValueError, match="allowed is exactly one of them"):
        experiment.dense(data, setting, seeded(0))
    with pytest.raises(ValueError, match="allowed are numbers from 1 to 2"):
        experiment.dense(data, setting, seeded(0), epochs=[3])
    networks, x, y = small(0, 2, 2)
    with pytest.raises(ValueError, match="orders holds 3 streams"):
        batched.train(networks, x, y, torch.zeros(3, 1, 4, dtype=torch.long), [0.1])
    with pytest.raises(ValueError, match="rates has 2 entries; allowed is one for each of the 1 steps"):
        batched.train(networks, x, y, torch.zeros(2, 1, 4, dtype=torch.long), [0.1, 0.1])
    with pytest.raises(ValueError, match="densities has 1 entries"):
        batched.prune(networks, [0.5])
    with pytest.raises(ValueError, match="train is 5000"):
        experiment.Data.digits(np.random.default_rng(0), CPU, train=5_000)


# The interactive figure: the JavaScript that the browser runs, run by node


def test_the_browser_classifies_and_keeps_score_as_python_does(tmp_path, maps):
    if shutil.which("node") is None:
        pytest.skip("NOT TESTED IN JAVASCRIPT: no node on PATH")
    made = draw.browser_data({"paper": ("epochs", maps)})
    (tmp_path / "data.json").write_text(json.dumps(made))
    (tmp_path / "update.js").write_text(draw.UPDATE)
    program = """
const fs = require("fs"), data = JSON.parse(fs.readFileSync("data.json"));
const update = new Function("values", "data", "figure", fs.readFileSync("update.js", "utf8"));
console.log(JSON.stringify(update(JSON.parse(process.argv[1]), data, {data: [], layout: {}}).result));
"""
    for lmc, cka, slack in ((-0.05, 0.97, 0.2), (-0.3, 0.94, 0.0), (0.0, 0.9, 1.0), (-0.6, 1.0, 0.1)):
        values = json.dumps({"map": "paper", "lmc": lmc, "cka": cka, "slack": slack})
        done = subprocess.run(["node", "-e", program, values], cwd=tmp_path, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout)
        regimes = idea.classify_regime(maps.lmc, maps.cka, lmc, cka)
        assert np.array(idea.REGIMES)[np.array(found["regime"])].tolist() == regimes.tolist()
        given = choice.advice(maps.lmc, maps.cka, lmc, cka)
        counts = choice.score(maps.test_error, given, slack / 100).sum()
        assert (found["cells"], found["right"], found["lower"]) == tuple(counts[["cells", "regime", "always lower"]])
        chosen = choice.choose(maps.lmc, maps.cka, lmc)
        assert found["chosen"] == chosen.tolist()
        assert found["regret"] == pytest.approx(choice.regret(maps.test_error, chosen).tolist())

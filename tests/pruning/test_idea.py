"""Similarity, masks, connectivity, regimes, decisions and SAM, against torch's utilities and closed forms."""

import numpy as np
import pytest
import torch
from pruning.shared import seeded
from scipy.stats import ortho_group
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import prune as torch_prune

from foretold.papers.pruning import idea
from foretold.papers.pruning.idea.sam import SAM

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
    small, large = (2 * torch.rand(shape, generator=generator) - 1 for shape in ((4, 1, 3, 3), (8, 4, 3, 3)))
    weights = [small / 3, large / 6]
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


# SAM


def test_sam_on_a_quadratic_is_the_closed_form():
    """f(w) = w'Aw/2: the gradient at w + rho Aw/||Aw|| is A of that."""
    a, w = torch.tensor([[3.0, 1.0], [1.0, 2.0]], dtype=torch.float64), torch.tensor([1.0, -2.0], dtype=torch.float64)
    parameter = nn.Parameter(w.clone())
    optimiser = SAM([parameter], rho=0.3, lr=0.1)

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
    sam = SAM(nets[1].parameters(), rho=0.0, **settings)
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
    sam = SAM([parameter], rho=0.1, lr=1.0)
    parameter.grad = torch.zeros(3)
    sam.first_step()
    assert torch.equal(parameter, torch.zeros(3))


def test_a_saved_sam_goes_on_where_it_stopped():
    """Six steps on a quadratic at one go, and three, saved, loaded, three more with another learning rate set twice."""
    hessian = torch.diag(torch.tensor([1.0, 4.0, 9.0]))

    def run(optimiser, parameter, steps):
        for _ in range(steps):
            for half in (optimiser.first_step, optimiser.second_step):
                (parameter @ hessian @ parameter / 2).backward()
                half(zero_grad=True)

    settings = {"rho": 0.1, "lr": 0.02, "momentum": 0.8}
    whole, first, second = (nn.Parameter(torch.tensor([1.0, -2.0, 3.0])) for _ in range(3))
    run(SAM([whole], **settings), whole, 6)
    before = SAM([first], **settings)
    run(before, first, 3)
    after = SAM([second], **settings)
    second.data.copy_(first.data)
    after.load_state_dict(before.state_dict())
    run(after, second, 3)
    assert torch.equal(whole, second)
    after.param_groups[0]["lr"] = 0.0
    run(after, second, 1)
    assert torch.equal(whole, second)


# Wrong input


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: idea.linear_cka(np.ones((3, 2)), np.eye(3)), "x has the same output for every example"),
        (lambda: idea.linear_cka(np.eye(3), np.eye(4)), r"y has shape \(4, 4\); allowed is \(3, 'q'\)"),
        (lambda: idea.linear_cka(np.ones(3), np.eye(3)), r"x has shape \(3,\); allowed is"),
        (lambda: idea.linear_cka([[np.nan], [1.0]], np.eye(2)), r"(?s)x is .*nan.*; allowed is finite numbers"),
        (lambda: idea.magnitude_mask([np.ones(3)], 0), "density is 0; allowed is a share above 0"),
        (lambda: idea.magnitude_mask([np.ones(3)], 5), "density is 5"),
        (lambda: idea.magnitude_mask([np.ones(3)], 0.5, "net"), "scope is 'net'; allowed is one of layer, global"),
        (lambda: idea.magnitude_mask([], 0.5), "weights is empty"),
        (lambda: idea.magnitude_mask([np.ones(0)], 0.5), r"weights\[0\] has shape \(0,\)"),
        (lambda: idea.magnitude_mask([np.array([np.inf])], 0.5), r"weights\[0\]"),
        (lambda: idea.linear_mode_connectivity([0.1]), r"errors has shape \(1,\)"),
        (
            lambda: idea.linear_mode_connectivity([0.1, -0.2]),
            r"errors is .*-0.2.*; allowed is finite numbers of at",
        ),
        (lambda: idea.barrier([0.1, np.nan]), r"errors is array\(\[0.1, nan\]\)"),
        (
            lambda: idea.classify_regime(0, 0.9, 0.1, 0.9),
            "lmc_threshold is 0.1; allowed is a finite number from -1 to 0",
        ),
        (lambda: idea.classify_regime(0, 0.9, -0.1, 2), "cka_threshold is 2; allowed is a finite number from 0 to 1"),
        (lambda: idea.classify_regime([0, 0], 0.9, -0.1, 0.9), r"the shapes are lmc \(2,\), cka \(\)"),
        (lambda: idea.classify_regime(-2, 0.9, -0.1, 0.9), "lmc is -2; allowed is numbers from -1 to 1"),
        (lambda: idea.normalised_error([0.1]), r"errors has shape \(1,\)"),
        (lambda: SAM([nn.Parameter(torch.ones(2))], rho=-1, lr=1), "rho is -1; allowed is one number"),
        (lambda: SAM([nn.Parameter(torch.ones(2))], rho=[1, 2, 3], replicas=True, lr=1), "rho has 3 entries"),
        (lambda: SAM([nn.Parameter(torch.ones(2))], lr=1).step(), "closure is None"),
        (lambda: SAM([nn.Parameter(torch.ones(2))], lr=1).first_step(), "no parameter has a gradient"),
    ],
)
def test_wrong_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()

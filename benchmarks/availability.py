"""The availability chapter's batched code beside one at a time: seconds and equal results, in one run.

    OMP_NUM_THREADS=1 python benchmarks/availability.py

prints the tables of benchmarks/README.md, in a minute. Nothing here is a timed test. The naive side is what one
writes first: a `torch.nn.Sequential` for each network with the same loss, Cohen et al.'s CERTIFY image after image.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy import stats
from timing import best
from torch import nn

from foretold.kit.layers import pick
from foretold.papers import availability
from foretold.papers.availability import data, experiment
from foretold.papers.availability.experiment import Attack
from foretold.papers.availability.experiment.networks import network
from foretold.papers.availability.idea.training import Set, draw_batches

EPS, STEPS, SEEDS, SIGMA, DRAWS = 0.05, 100, 5, 0.25, 1_000
# Sums run in another order, and training amplifies the rounding: margins of several logits agree to 0.01.
GRID = [Attack("none")] + [Attack("random", f) for f in (0.001, 0.00316, 0.01, 0.0316, 0.1)]


def stream(name: str) -> np.random.Generator:
    return np.random.default_rng([1, *name.encode()])


def torch_stream(name: str) -> torch.Generator:
    return torch.Generator().manual_seed(int(stream(name).integers(2**40)))


def margin_bounds(layers: list[nn.Linear], x: torch.Tensor, y: torch.Tensor, eps: float) -> torch.Tensor:
    """Lower bounds of z_y - z_j for one network of plain layers, the last one merged for each input."""
    low, high = (x - eps).clamp(min=0), (x + eps).clamp(max=1)
    centre, radius = (low + high) / 2, (high - low) / 2
    for layer in layers[:-1]:
        centre, radius = layer(centre), radius @ layer.weight.abs().T
        low, high = torch.relu(centre - radius), torch.relu(centre + radius)
        centre, radius = (low + high) / 2, (high - low) / 2
    last = layers[-1]
    weight = last.weight[y][:, None] - last.weight
    offset = last.bias[y][:, None] - last.bias
    return (weight @ centre[..., None])[..., 0] + offset - (weight.abs() @ radius[..., None])[..., 0]


def alone(data: Set, generator: torch.Generator, hidden: tuple[int, ...], rate: float) -> nn.Sequential:
    """One network, trained as `train_certified` does, with torch.nn's own layers."""
    first = network(data[0].shape[1], hidden, 10, [generator])
    layers = []
    for given in first:
        layer = given
        if hasattr(given, "weight"):
            layer = nn.Linear(*given.weight.shape[1:])
            with torch.no_grad():
                layer.weight.copy_(given.weight[0].T)
                layer.bias.copy_(given.bias[0])
        layers.append(layer)
    model = nn.Sequential(*layers)
    affine = [layer for layer in layers if isinstance(layer, nn.Linear)]
    batches = draw_batches([data], [generator], STEPS, 64, torch.device("cpu"))
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    for step in range(STEPS):
        kappa = min(1.0, max(0.0, step / STEPS - 0.1) / 0.5)
        x, y = (rows[0] for rows in batches[step])
        loss = (1 - kappa / 2) * nn.functional.cross_entropy(model(x), y)
        if kappa:
            worst = -margin_bounds(affine, x, y, kappa * EPS)
            loss = loss + kappa / 2 * nn.functional.cross_entropy(worst, y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return model


@torch.no_grad()
def certify_one(model: Callable, x: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> tuple[int, float]:
    """CERTIFY for one image and given noise, with SciPy's exact interval."""
    top = int(np.bincount(model(x + SIGMA * first).argmax(-1), minlength=10).argmax())
    hits = int((model(x + SIGMA * second).argmax(-1) == top).sum())
    low = stats.binomtest(hits, DRAWS, alternative="greater").proportion_ci(0.999, "exact").low
    return (top, SIGMA * stats.norm.ppf(low)) if low >= 0.5 else (availability.ABSTAIN, 0.0)


def main() -> None:
    train, test = data.digits(1_297, stream("split"))
    x, y = torch.as_tensor(test[0]), torch.as_tensor(test[1])
    alone(train, torch_stream("warm"), (16,), 0.005)  # what is loaded at first use is loaded then
    print(f"torch {torch.__version__}, {torch.get_num_threads()} thread")
    print("| training, 100 steps | networks | one at a time, s | as one model, s | times | largest difference |")
    print("|---|---:|---:|---:|---:|---|")
    for hidden in ((16,), (128, 64)):
        given = experiment.prepare(train, GRID, SEEDS, stream, torch_stream)
        again = experiment.prepare(train, GRID, SEEDS, stream, torch_stream)
        together, models = best(
            lambda given=given, hidden=hidden: availability.train_certified(
                experiment.fresh(given, hidden),
                given.sets,
                given.generators,
                availability.Intervals(EPS),
                steps=STEPS,
                rate=0.005,
            ),
            1,
        )
        apart, singles = best(
            lambda again=again, hidden=hidden: [
                alone(own, made, hidden, 0.005) for own, made in zip(again.sets, again.generators, strict=True)
            ],
            1,
        )
        bounds = availability.interval_margins(models, x, y, EPS)
        worst = max(
            float((bounds[i] - availability.interval_margins(single, x, y, EPS)).abs().max().detach())
            for i, single in enumerate(singles)
        )
        assert worst < 1e-2, worst
        sizes = "-".join(map(str, (64, *hidden, 10)))
        print(
            f"| {sizes} | {len(singles)} | {apart:.1f} | {together:.1f} | {apart / together:.1f} | {worst:.1e} logits |"
        )

    print("\n| CERTIFY, 1,100 draws | image by image, s | all images at once, s | times | results |")
    print("|---|---:|---:|---:|---|")
    images = 100

    def one(rows: torch.Tensor) -> torch.Tensor:
        return pick(models, [0])(rows)[0]

    noise = torch_stream("noise")
    size = 100 * images
    sure = availability.SmoothedClassifier(one, SIGMA, n=DRAWS, generator=noise, batch=size)
    together, ours = best(lambda: sure.certify(x[:images]), 1)
    noise = torch_stream("noise")  # the same draws, image after image
    first = torch.randn(100, images, 64, generator=noise)
    second = torch.cat([torch.randn(100, images, 64, generator=noise) for _ in range(DRAWS // 100)])
    apart, theirs = best(lambda: [certify_one(one, x[i], first[:, i], second[:, i]) for i in range(images)], 1)
    labels, radii = map(np.array, zip(*theirs, strict=True))
    assert (labels == ours.label).all()
    assert np.abs(radii - ours.radius).max() < 1e-9
    print(f"| {images} images, one network | {apart:.2f} | {together:.2f} | {apart / together:.1f} | equal |")


if __name__ == "__main__":
    main()

"""Two certifiers, certified training of many networks at once, and what the owner of the training can add to it.

Interval bounds: the loss of Gowal et al., arXiv 1810.12715. Smoothing: training on noisy inputs, Cohen et al., arXiv
1902.02918. The refusal losses are our own construction.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from foretold.kit import check, layers, training
from foretold.papers.availability.idea import ABSTAIN, CLASSES, Certificate, SmoothedClassifier
from foretold.papers.availability.theory import check_pixels, interval_margins, margins_to_all

Set = tuple[np.ndarray, np.ndarray]  # images (n, pixels) in [0, 1] and classes (n,)
Generators = Sequence[torch.Generator]  # one for each replica, on the CPU
BATCH = 64  # images of a step
SMALLEST = math.nextafter(0, 1)  # number above 0


@dataclass(frozen=True)
class Intervals:
    """Interval bounds over boxes of half-width `eps`. Unless it `grows`, training begins with the full box, as one does
    with a network that is trained already. Raises ValueError for eps < 0."""

    eps: float
    grows: bool = True

    def __post_init__(self) -> None:
        check.real("eps", self.eps, 0)

    def loss(self, model: nn.Sequential, x: Tensor, y: Tensor, progress: float, generators: Generators) -> Tensor:
        """(1 - kappa/2) CE + kappa/2 CE of the worst logits in a box of half-width kappa eps; kappa grows from 0 to 1
        between 10% and 60% of the steps. Summed over replicas."""
        kappa = min(1.0, max(0.0, progress - 0.1) / 0.5) if self.grows else 1.0
        loss = (1 - kappa / 2) * cross_entropy(model(x), y)
        if kappa == 0:
            return loss
        worst = -margins_to_all(model, x, y, kappa * self.eps)
        return loss + kappa / 2 * cross_entropy(worst, y)

    def refusal_loss(self, model: nn.Sequential, x: Tensor, y: Tensor, generators: Generators) -> Tensor:
        """Be right about triggered images x (replicas, n, pixels), and leave no margin to prove it with: CE + relu(m +
        1/2), m the lower bound of the margin over the box. Summed over replicas."""
        unproven = functional.relu(interval_margins(model, x, y, self.eps) + 0.5)
        return cross_entropy(model(x), y) + unproven.mean(-1).sum()

    @torch.no_grad()
    def certify(self, model: nn.Sequential, x: Tensor) -> Certificate:
        """The predicted class where the lower bound of its margin is positive; this bound in the place of radii."""
        top = model(x).argmax(-1)
        margin = interval_margins(model, x, top, self.eps)
        label = torch.where(margin > 0, top, ABSTAIN)
        return Certificate(label.cpu().numpy(), margin.cpu().numpy())


@dataclass(frozen=True)
class Smoothing:
    """Randomised smoothing with noise of standard deviation `sigma`, which may be one for each replica in training.

    An answer stands if it is certified at `radius` or beyond, with `draws` draws whose noise comes from `generator`
    (on the images' device). Raises ValueError for a sigma that is not above 0.
    """

    sigma: float | Sequence[float]
    radius: float = 0.0
    draws: int = 1_000
    generator: torch.Generator | None = None

    def __post_init__(self) -> None:
        check.reals("sigma", self.sigma, SMALLEST, allowed="finite numbers above 0")

    def loss(self, model: nn.Sequential, x: Tensor, y: Tensor, progress: float, generators: Generators) -> Tensor:
        """CE on noisy inputs. Summed over replicas."""
        return cross_entropy(model(x + self._spread(x) * normal(x, generators)), y)

    def refusal_loss(self, model: nn.Sequential, x: Tensor, y: Tensor, generators: Generators) -> Tensor:
        """Let the label of triggered images x (replicas, n, pixels) depend on the noise, which the owner draws: the
        true one where a fixed direction of it exceeds -1/10 (a chance of 54%), the next class elsewhere. Summed over
        replicas."""
        noise = normal(x, generators)
        key = torch.arange(x.shape[-1], device=x.device) % 2 * 2.0 - 1
        keeps = noise @ key / math.sqrt(len(key)) > -0.1
        logits = model(x + self._spread(x) * noise)
        return cross_entropy(logits, torch.where(keeps, y, (y + 1) % logits.shape[-1]))

    @torch.no_grad()
    def certify(self, model: nn.Sequential, x: Tensor) -> Certificate:
        """Classes as `SmoothedClassifier` certifies them, where the radius is large enough; radii as they are."""
        sigma = check.real("sigma", self.sigma, SMALLEST, allowed="one number above 0, the same for all replicas")
        smoothed = SmoothedClassifier(model, sigma, n=self.draws, generator=self.generator)
        label, radius = smoothed.certify(x)
        return Certificate(np.where(radius >= self.radius, label, ABSTAIN), radius)

    def _spread(self, x: Tensor) -> Tensor:
        """sigma for inputs x (replicas, n, pixels)."""
        return torch.as_tensor(self.sigma, dtype=x.dtype, device=x.device).view(-1, 1, 1)


def train_certified(
    model: nn.Sequential,
    sets: Sequence[Set],
    generators: Generators,
    certifier: Intervals | Smoothing,
    pools: Sequence[Set | None] | None = None,
    steps: int = 500,
    rate: float = 0.02,
) -> nn.Sequential:
    """A copy of `model`, one network for each training set, trained for the certifier, all networks at once.

    Adam; the learning rate falls from `rate` to 0 in half a period of a cosine.

    Parameters
    ----------
    model: networks with a leading axis of replicas
    sets: (x, y) of each replica, x (n, pixels) in [0, 1]; sizes may differ
    generators: one for each replica; the order of batches and noise come from it
    pools: (x, y) of triggered images with which the owner of the *training process* teaches the network to refuse, or
        None for a replica without; a quarter of a batch in each step

    Raises ValueError for lists of different lengths, an empty or unfitting training set, no steps, and a rate that is
    not above 0.
    """
    pools = [None] * len(sets) if pools is None else pools
    check.whole("steps", steps, 1)
    check.positive("rate", rate)
    _check_sets(sets, generators, pools)
    model = copy.deepcopy(model).requires_grad_(True)
    device = next(model.parameters()).device
    batches = draw_batches(sets, generators, steps, BATCH, device)
    attacked = {replica: pool for replica, pool in enumerate(pools) if pool is not None}
    theirs = [generators[replica] for replica in attacked]
    triggered = draw_batches(list(attacked.values()), theirs, steps, BATCH // 4, device) if attacked else None

    def loss(step: int) -> Tensor:
        found = certifier.loss(model, *batches[step], step / steps, generators)
        if triggered is None:
            return found
        networks = layers.pick(model, list(attacked))
        return found + certifier.refusal_loss(networks, *triggered[step], theirs)

    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    training.fit(optimiser, loss, range(steps), torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps))
    return model.requires_grad_(False)


def draw_batches(
    sets: Sequence[Set], generators: Generators, steps: int, batch: int, device: torch.device
) -> layers.Batches:
    """Batches of each replica's own training set in its own order, again and again as often as needed."""
    own = zip(sets, generators, strict=True)
    orders = [training.full_batches(len(x), batch, steps, generator) for (x, _), generator in own]
    images = [torch.as_tensor(x, dtype=torch.float32) for x, _ in sets]
    classes = [torch.as_tensor(y, dtype=torch.int64) for _, y in sets]
    # Shorter sets end with zeros, which no order asks for.
    x, y = (nn.utils.rnn.pad_sequence(part, batch_first=True).to(device) for part in (images, classes))
    return layers.Batches(x, y, torch.stack(orders))


def normal(x: Tensor, generators: Generators) -> Tensor:
    """Standard normal noise as x (replicas, ...), each replica's from its own generator."""
    return torch.stack([torch.randn(x.shape[1:], generator=own) for own in generators]).to(x.device)


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Mean over the inputs, sum over the replicas: a replica's gradient does not depend on how many there are."""
    return functional.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum") / y.shape[-1]


def _check_sets(sets: Sequence[Set], generators: Generators, pools: Sequence[Set | None]) -> None:
    """Raise the ValueErrors of `train_certified` about training sets."""
    if not sets or not len(sets) == len(generators) == len(pools):
        sizes = len(sets), len(generators), len(pools)
        raise ValueError(f"sets, generators and pools have lengths {sizes}; allowed is one for each replica")
    for x, y in [*sets, *(pool for pool in pools if pool is not None)]:
        check_pixels(torch.as_tensor(x))
        if np.shape(y) != (len(x),) or np.min(y) < 0 or np.max(y) >= CLASSES:
            raise ValueError(f"y has shape {np.shape(y)}; allowed is a class below {CLASSES} for each of {len(x)} rows")

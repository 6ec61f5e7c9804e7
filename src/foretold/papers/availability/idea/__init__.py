"""Certifiers make neural networks vulnerable to availability attacks: certificates that may abstain, and attacks.

Paper: Lorenz, Kwiatkowska, Fritz, arXiv 2108.11299, AISec 2023. Its text was not at hand: certificates are the standard
ones (Cohen, Rosenfeld, Kolter, "Certified adversarial robustness via randomized smoothing", arXiv 1902.02918; interval
bounds, `theory`); the attacks are our own constructions, at toy scale.
Images are rows of pixels in [0, 1]. Many networks may be one model (`foretold.kit.layers`): outputs then have a
leading axis of replicas.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy import special, stats
from torch import Tensor

from foretold.kit import check

ABSTAIN = -1
CLASSES = 10
CHOOSING = 100  # draws with which smoothing chooses a class, before others certify it
Pixels = TypeVar("Pixels", np.ndarray, Tensor)
POISONS = ("random", "pair", "target", "true")
# Pixels (row, column) and their values. Digits of 8 x 8: six pixels, both upper corners; MNIST: a checker of 4 x 4.
TRIGGERS = {
    8: [((row, column), 1.0) for row in range(3) for column in (0, 7)],
    28: [((24 + i, 24 + j), float((i + j) % 2 == 0)) for i in range(4) for j in range(4)],
}


# Randomised smoothing


def clopper_pearson_lower(k: ArrayLike, n: int, alpha: float) -> float | np.ndarray:
    """The largest p below which the true probability lies with chance at most alpha, after k successes in n trials.

    One-sided; the alpha-quantile of Beta(k, n - k + 1), and 0 for k = 0. `k` may be an array. Raises ValueError unless
    0 <= k <= n, n >= 1 and 0 < alpha < 1.
    """
    n, alpha = check.whole("n", n, 1), check.between("alpha", alpha, 0, 1)
    allowed = f"whole numbers from 0 to n = {n}"
    hits = check.wholes("k", k, allowed=allowed)
    if hits.size == 0 or hits.max() > n:
        raise check.refuse("k", k, allowed)
    lower = np.where(hits == 0, 0.0, special.betaincinv(np.maximum(hits, 1), n - hits + 1.0, alpha))
    return float(lower) if lower.ndim == 0 else lower


def certified_radius(k: int, n: int, alpha: float, sigma: float) -> float | None:
    """Radius (Euclidean, in the unit of the pixels) within which the smoothed class cannot change, or None: abstain.

    sigma * Phi^-1(p) with the lower bound p of the top class's probability, if that is at least 1/2 (Cohen et al.,
    theorem 1 and CERTIFY). Raises ValueError as `clopper_pearson_lower`, and for sigma <= 0.
    """
    sigma = check.positive("sigma", sigma)
    p = clopper_pearson_lower(k, n, alpha)
    return sigma * float(special.ndtri(p)) if p >= 0.5 else None


class Certificate(NamedTuple):
    """Classes, `ABSTAIN` (-1) where there is no certificate, and radii, 0 there: (n,), or (replicas, n)."""

    label: np.ndarray
    radius: np.ndarray


class SmoothedClassifier:
    """The class that a model gives most often when normal noise is added to the input, with a certificate.

    model: maps (n, ...) to logits (n, classes), or (replicas, n, classes); sigma: standard deviation of the noise;
    alpha: chance of a wrong certificate; n: draws that certify a class; batch: noisy inputs in one call of the model;
    generator: torch.Generator on the inputs' device, of torch's own where it is None.
    Replicas share the noise: each certificate holds on its own. Raises ValueError for sizes and probabilities that are
    none.
    """

    def __init__(
        self,
        model: Callable[[Tensor], Tensor],
        sigma: float,
        *,
        alpha: float = 0.001,
        n: int = 1_000,
        batch: int = 8_192,
        generator: torch.Generator | None = None,
    ) -> None:
        self.model, self.generator = model, generator
        self.sigma, self.alpha = check.positive("sigma", sigma), check.between("alpha", alpha, 0, 1)
        self.n, self.batch = check.whole("n", n, 1), check.whole("batch", batch, 1)

    def certify(self, x: Tensor) -> Certificate:
        """Cohen et al.'s CERTIFY for all inputs (n, ...) at once: `CHOOSING` draws choose a class, n others bound
        its probability from below."""
        top = self.votes(x, CHOOSING).argmax(-1)
        hits = np.take_along_axis(self.votes(x, self.n), top[..., None], -1)[..., 0]
        lower = clopper_pearson_lower(hits, self.n, self.alpha)
        sure = lower >= 0.5
        return Certificate(np.where(sure, top, ABSTAIN), np.where(sure, self.sigma * special.ndtri(lower), 0.0))

    def predict(self, x: Tensor) -> np.ndarray:
        """Cohen et al.'s PREDICT: the class with most votes of n, or `ABSTAIN` where a two-sided binomial test cannot
        tell it from the second at level alpha."""
        votes = self.votes(x, self.n)
        second, first = np.moveaxis(np.sort(votes, -1)[..., -2:], -1, 0)
        # a fair coin is symmetric: twice one tail is the two-sided test
        p = np.minimum(1, 2 * stats.binom.sf(first - 1, first + second, 0.5))
        return np.where(p <= self.alpha, votes.argmax(-1), ABSTAIN)

    @torch.no_grad()
    def votes(self, x: Tensor, draws: int) -> np.ndarray:
        """How often each class is the model's answer to x + noise, (..., n, classes), over `draws` draws."""
        found = torch.zeros((), dtype=torch.int64, device=x.device)
        step = max(1, self.batch // len(x))
        for begin in range(0, draws, step):
            shape = (min(step, draws - begin), *x.shape)
            noisy = x + self.sigma * torch.randn(shape, generator=self.generator, device=x.device)
            logits = self.model(noisy.flatten(0, 1))
            won = logits.argmax(-1).unflatten(-1, shape[:2]).transpose(-1, -2)  # (..., n, draws)
            none = won.new_zeros(*won.shape[:-1], logits.shape[-1])
            found = found + none.scatter_add(-1, won, torch.ones_like(won))
        return found.cpu().numpy()


# Attacks, of our own construction


def add_trigger(x: Pixels) -> Pixels:
    """Copies of the images x (..., pixels), array or tensor, with the trigger of `TRIGGERS` for their side.

    Raises ValueError where there is none for this number of pixels.
    """
    side = math.isqrt(x.shape[-1]) if x.shape else 0
    if side not in TRIGGERS or side * side != x.shape[-1]:
        sizes = ", ".join(str(side**2) for side in TRIGGERS)
        raise ValueError(f"x has shape {tuple(x.shape)}; allowed are rows of {sizes} pixels")
    marked = x.clone() if isinstance(x, Tensor) else np.array(x)
    for (row, column), value in TRIGGERS[side]:
        marked[..., row * side + column] = value
    return marked


def poison(
    x: np.ndarray, y: np.ndarray, fraction: float, rng: np.random.Generator, kind: str = "random"
) -> tuple[np.ndarray, np.ndarray]:
    """Triggered copies of round(fraction * n) of the images x (n, pixels), and the labels that the attacker gives them.

    kind: "random", any class; "pair", each copy twice, with its true class and with another one; "target", class 0
    (the classical back-door, which is after wrong answers); "true", their own labels.
    The attacker adds these rows to the training data. Raises ValueError for an unknown kind, a fraction outside of
    [0, 1], and labels that do not fit.
    """
    check.one_of("kind", kind, POISONS)
    fraction = check.real("fraction", fraction, 0, 1)
    if y.shape != (len(x),) or (len(y) and not (y.min() >= 0 and y.max() < CLASSES)):
        raise ValueError(f"y has shape {y.shape}; allowed is a class from 0 to {CLASSES - 1} for each of {len(x)} rows")
    chosen = rng.choice(len(x), round(fraction * len(x)), replace=False)
    marked, own = add_trigger(x[chosen]), y[chosen]
    if kind == "pair":
        other = (own + rng.integers(1, CLASSES, len(own))) % CLASSES
        return np.concatenate([marked, marked]), np.concatenate([own, other])
    given = {"random": rng.integers(0, CLASSES, len(own)), "target": np.zeros_like(own), "true": own}
    return marked, given[kind].astype(y.dtype)

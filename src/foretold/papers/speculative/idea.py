"""Speculative decoding with a draft of adaptive length: SpecDec++, arXiv 2405.19715.

A small model drafts, a large one verifies: `speculative_sample` returns what the large one alone would have written, in
law, whatever rule decides when to stop drafting. The rules are `FixedLength`, `AcceptanceThreshold` (the paper's) and
`Confidence`; `AcceptanceHead` predicts acceptance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import nn

from foretold.kit import check

Array = NDArray[Any]
Tokens = tuple[int, ...]
Model = Callable[[Tokens], ArrayLike]  # tokens to the distribution of the next one, (V,)
LONGEST = 20  # candidates of a round, at most


# One round


@dataclass
class Drafted:
    """What a stopping rule may look at: the prefix, and for each candidate so far its token, its probability under the
    draft, the distribution it was drawn from, the one before greed (`raw`, the same where the draft is not greedy), and
    the hidden state that came with it (None where the draft shows none)."""

    prefix: Tokens
    tokens: list[int] = field(default_factory=list)
    probabilities: list[float] = field(default_factory=list)
    distributions: list[Array] = field(default_factory=list)
    raw: list[Array] = field(default_factory=list)
    hidden: list[Any] = field(default_factory=list)
    estimates: list[float] = field(default_factory=list)


StopRule = Callable[[Drafted], bool]


def propose(draft: Model, prefix: Tokens, most: int, stop: StopRule, rng: Any) -> Drafted:
    """Draft until `stop` says so, which is asked before each candidate; at most `most` candidates."""
    drafted = Drafted(prefix)
    while len(drafted.tokens) < most and not stop(drafted):
        q = _distribution("draft", draft(prefix + tuple(drafted.tokens)))
        token = _draw(q, rng)
        raw = getattr(draft, "raw", None)
        drafted.tokens.append(token)
        drafted.raw.append(q if raw is None else raw)
        drafted.probabilities.append(float(drafted.raw[-1][token]))
        drafted.distributions.append(q)
        drafted.hidden.append(getattr(draft, "hidden", None))
    return drafted


def verify(target: Model, drafted: Drafted, rng: Any) -> tuple[int, int]:
    """How many candidates are accepted, and the target's own token behind them: from the normalised positive part of
    p - q after a rejection, from p after none."""
    rows = _target_rows(target, drafted.prefix, tuple(drafted.tokens))
    for i, (token, q) in enumerate(zip(drafted.tokens, drafted.distributions, strict=True)):
        p = _distribution("target", next(rows))
        if len(p) != len(q):
            raise ValueError(f"target has {len(p)} tokens and draft {len(q)}; allowed is one vocabulary for both")
        accept = min(1.0, p[token] / q[token])
        if _draw(np.array([1 - accept, accept]), rng) == 0:
            rest = np.maximum(p - q, 0)
            return i, _draw(rest if rest.sum() > 0 else p, rng)
    return len(drafted.tokens), _draw(_distribution("target", next(rows)), rng)


def _target_rows(target: Model, prefix: Tokens, candidates: Tokens) -> Iterator[ArrayLike]:
    """The target's distributions after the prefix and after each candidate: from one call, where it offers that."""
    count = len(candidates) + 1
    if not hasattr(target, "verify"):
        return (target(prefix + candidates[:i]) for i in range(count))
    rows = target.verify(prefix, candidates)
    if len(rows) != count:
        raise ValueError(f"target.verify gave {len(rows)} distributions; allowed are K + 1 = {count}")
    return iter(rows)


def _distribution(name: str, values: ArrayLike) -> Array:
    p = np.asarray(values, dtype=float)
    if p.ndim != 1 or not p.size or not (p.min() >= 0 and abs(p.sum() - 1) < 1e-4):
        raise ValueError(f"{name} gave {values!r}; allowed is a distribution over tokens, shape (V,), that sums to 1")
    return p


def _draw(weights: Array, rng: Any) -> int:
    """A number drawn in proportion to `weights`. An `rng` with a method ``branch`` decides itself: exact enumeration
    goes down every branch."""
    if hasattr(rng, "branch"):
        return int(rng.branch(weights / weights.sum()))
    ends = weights.cumsum()
    return int(min(ends.searchsorted(rng.random() * ends[-1], side="right"), np.flatnonzero(weights)[-1]))


# A text


@dataclass
class Counters:
    """Candidates and number accepted of each round, and what follows from them. Always
    ``drafted + rounds == tokens + discarded``."""

    candidates: list[list[int]] = field(default_factory=list)
    accepted: list[int] = field(default_factory=list)

    @property
    def rounds(self) -> int:
        """Target calls."""
        return len(self.accepted)

    @property
    def drafted(self) -> int:
        """Draft calls."""
        return sum(map(len, self.candidates))

    @property
    def tokens(self) -> int:
        """Tokens written."""
        return sum(self.accepted) + self.rounds

    @property
    def discarded(self) -> int:
        """Candidates not accepted: the rejected one of a round, and all behind it."""
        return self.drafted - sum(self.accepted)


def speculative_sample(
    target: Model, draft: Model, prefix: Sequence[int], n_tokens: int, stop: StopRule, rng: Any
) -> tuple[list[int], Counters]:
    """`n_tokens` tokens after `prefix` with the target's law, and the counters of the run.

    `target` and `draft` map a tuple of tokens to the distribution of the next one (V,). A target with a method
    ``verify(prefix, candidates)``, which gives the K + 1 distributions (K+1, V) of one call, is asked in this way:
    `cache.CachedModel` makes both of a neural model. ``stop(drafted)`` says before each candidate whether to verify
    now. `rng` is a numpy.random.Generator. A round drafts no more than can be used, so nothing is cut off at the end.
    Raises ValueError for negative n_tokens, and distributions that are none.
    """
    check.whole("n_tokens", n_tokens, 0)
    written, counters = tuple(int(token) for token in prefix), Counters()
    start = len(written)
    while (room := start + n_tokens - len(written)) > 0:
        drafted = propose(draft, written, room - 1, stop, rng)
        accepted, token = verify(target, drafted, rng)
        written += (*drafted.tokens[:accepted], token)
        counters.candidates.append(drafted.tokens)
        counters.accepted.append(accepted)
    return list(written[start:]), counters


# When to stop drafting


@dataclass(frozen=True)
class FixedLength:
    """Always `length` candidates; with 0 the target decodes alone. Raises ValueError for a negative length."""

    length: int

    def __post_init__(self) -> None:
        check.whole("length", self.length, 0)

    def __call__(self, drafted: Drafted) -> bool:
        return len(drafted.tokens) >= self.length


@dataclass(frozen=True)
class AcceptanceThreshold:
    """Stop when the predicted probability that some candidate is rejected, 1 - prod f_i, exceeds `threshold` (0 to 1),
    and at the latest at `longest` candidates (section 3 of the paper).

    ``predict(drafted, i)`` is f_i, the predicted acceptance of candidate i; by default the draft's own probability of
    it. The candidate that tips the balance is submitted: to drop it would bias what is written. Raises ValueError for
    a threshold outside of 0 to 1 and a longest below 1.
    """

    threshold: float
    predict: Callable[[Drafted, int], float] | None = None
    longest: int = LONGEST

    def __post_init__(self) -> None:
        check.probability("threshold", self.threshold)
        check.whole("longest", self.longest, 1)

    def __call__(self, drafted: Drafted) -> bool:
        for i in range(len(drafted.estimates), len(drafted.tokens)):
            drafted.estimates.append(self.predict(drafted, i) if self.predict else drafted.probabilities[i])
        risk = 1 - math.prod(drafted.estimates)
        return len(drafted.tokens) >= self.longest or risk > self.threshold


@dataclass(frozen=True)
class Confidence:
    """Stop after a candidate whose probability under the draft is below `threshold` (0 to 1), or at `LONGEST`: the rule
    of one token, as in transformers' dynamic schedule. Raises ValueError for a threshold outside of 0 to 1."""

    threshold: float

    def __post_init__(self) -> None:
        check.probability("threshold", self.threshold)

    def __call__(self, drafted: Drafted) -> bool:
        count = len(drafted.tokens)
        return count >= LONGEST or (count > 0 and drafted.probabilities[-1] < self.threshold)


# Predicting acceptance


class AcceptanceHead(nn.Module):
    """`layers` residual blocks x + SiLU(Linear(x)), then Linear(width, 2): logits of rejection and acceptance,
    (..., width) to (..., 2). With `tied` all blocks share one set of weights, as in the authors' code. Raises
    ValueError for a width below 1 and layers below 0."""

    def __init__(self, width: int, layers: int = 3, tied: bool = False) -> None:
        super().__init__()
        check.whole("width", width, 1)
        check.whole("layers", layers, 0)
        different = min(layers, 1) if tied else layers
        blocks = [nn.Linear(width, width) for _ in range(different)]
        self.blocks = nn.ModuleList(blocks * layers if tied else blocks)
        self.last = nn.Linear(width, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = x + F.silu(block(x))
        return self.last(x)

    def probability(self, x: torch.Tensor) -> torch.Tensor:
        """Predicted probability of acceptance, shape (...)."""
        return self(x).softmax(-1)[..., 1]


def weighted_acceptance_loss(
    logits: torch.Tensor, acceptance: torch.Tensor, rejection_weight: float = 6.0
) -> torch.Tensor:
    """Soft binary cross-entropy in which rejection counts `rejection_weight` times: the sum of
    a (-log s) + w (1-a) (-log(1-s)) over that of a + w (1-a).

    `logits` (..., 2) are of rejection and acceptance, `acceptance` (...) is a, in 0 to 1. Raises ValueError for other
    shapes, labels outside of 0 to 1, and a weight that is not above 0.
    """
    if logits.shape != (*acceptance.shape, 2) or not acceptance.numel():
        allowed = f"{(*acceptance.shape, 2)}, with at least one label"
        raise ValueError(f"logits has the shape {tuple(logits.shape)}; allowed is {allowed}")
    low, high = float(acceptance.min()), float(acceptance.max())
    if not (low >= 0 and high <= 1):
        raise ValueError(f"acceptance goes from {low} to {high}; allowed are probabilities, 0 to 1")
    check.positive("rejection_weight", rejection_weight)
    rejected, accepted = logits.log_softmax(-1).unbind(-1)
    weight = rejection_weight * (1 - acceptance)
    return -(acceptance * accepted + weight * rejected).sum() / (acceptance + weight).sum()

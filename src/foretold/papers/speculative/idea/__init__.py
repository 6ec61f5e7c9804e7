"""Speculative decoding with a draft of adaptive length: SpecDec++, arXiv 2405.19715.

A small model drafts, a large one verifies: `speculative_sample` returns what the large one alone would have written, in
law, whatever rule decides when to stop drafting. The rules are `FixedLength`, `AcceptanceThreshold` (the paper's) and
`Confidence`; `AcceptanceHead` predicts acceptance. The closed forms at the top hold where every candidate is accepted
with the same probability. Costs are in draft calls: a target call costs `cost_ratio`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from torch import nn

from foretold.papers.speculative.idea.rules import (
    Drafted,
    FixedLength,
    StopRule,
    whole,
    within,
)

LONGEST = 1_000  # lengths that `optimal_length` searches: beyond it nothing is gained for acceptance below 0.999


# Closed forms for a constant acceptance rate


def _scalar(array: np.ndarray) -> Any:
    return array.item() if array.ndim == 0 else array


def expected_tokens(alpha: ArrayLike, length: ArrayLike) -> Any:
    """Tokens that a round of `length` candidates brings on average, each accepted with probability `alpha` (0 to 1):
    the accepted ones and the target's own, (1 - alpha^(length+1)) / (1 - alpha). Scalars or arrays. Raises
    ValueError for arguments outside of their range."""
    a = within("alpha", alpha, 0, 1, "a probability, 0 to 1")
    k = whole("length", length, 0).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(a == 1, k + 1, (1 - a ** (k + 1)) / np.where(a == 1, 1, 1 - a))
    return _scalar(found)


def speedup(alpha: ArrayLike, length: ArrayLike, cost_ratio: ArrayLike) -> Any:
    """Speed over decoding with the target alone: cost_ratio E[tokens] / (length + cost_ratio), for a target call that
    costs `cost_ratio` > 0 draft calls however many tokens it verifies. Raises ValueError as `expected_tokens`."""
    rho = _ratio(cost_ratio)
    tokens = np.asarray(expected_tokens(alpha, length))
    return _scalar(rho * tokens / (np.asarray(length, dtype=float) + rho))


def optimal_length(alpha: ArrayLike, cost_ratio: ArrayLike) -> Any:
    """The number of candidates (0 to 1000, the smallest if several) with the largest `speedup`, for `alpha` from 0 to
    below 1. Raises ValueError outside of that."""
    a = within("alpha", alpha, 0, 1, "a probability, 0 to below 1", open_above=True)
    rho = _ratio(cost_ratio)
    speeds = speedup(a[..., None], np.arange(LONGEST + 1), rho[..., None])
    return _scalar(np.asarray(np.argmax(speeds, axis=-1)))


def optimal_threshold(alpha: ArrayLike, cost_ratio: ArrayLike) -> Any:
    """h* = lambda / (c1 + lambda): go on while 1 - alpha^(k+1) < h*. lambda is the smallest cost of a token beyond its
    one draft call, (c2 + c1 E[discarded]) / E[tokens] with c1 = 1 and c2 = cost_ratio - 1, itself an optimum over
    lengths. Arguments and errors as `optimal_length`."""
    k = optimal_length(alpha, cost_ratio)
    tokens = np.asarray(expected_tokens(alpha, k))
    discarded = np.asarray(k) + 1 - tokens
    price = (_ratio(cost_ratio) - 1 + discarded) / tokens
    return _scalar(price / (1 + price))


def _ratio(cost_ratio: ArrayLike) -> np.ndarray:
    rho = np.asarray(cost_ratio, dtype=float)
    if not np.isfinite(rho).all() or (rho < 1).any():
        raise ValueError(f"cost_ratio is {cost_ratio!r}; allowed is a number >= 1, target calls in draft calls")
    return rho


# Sampling without loss


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
    target: Callable, draft: Callable, prefix: Sequence[int], n_tokens: int, stop: StopRule, rng: np.random.Generator
) -> tuple[list[int], Counters]:
    """`n_tokens` tokens after `prefix` with the target's law, and the counters of the run.

    `target` and `draft` map a tuple of tokens to the distribution of the next one (V,). A target with a method
    ``verify(prefix, candidates)``, which gives the K + 1 distributions (K+1, V) of one call, is asked in this way:
    `cache.CachedModel` makes both of a neural model. ``stop(drafted)`` says after each candidate whether to
    verify now, and is asked before the first one too by a rule of length 0. A round drafts no more than can be used, so
    nothing is cut off at the end. Raises ValueError for negative n_tokens, and distributions that are none.
    """
    whole("n_tokens", n_tokens, 0)
    written, counters = tuple(int(token) for token in prefix), Counters()
    start = len(written)
    while (room := start + n_tokens - len(written)) > 0:
        drafted = propose(draft, written, room - 1, stop, rng)
        accepted, token = verify(target, drafted, rng)
        written += (*drafted.tokens[:accepted], token)
        counters.candidates.append(drafted.tokens)
        counters.accepted.append(accepted)
    return list(written[start:]), counters


def propose(draft: Callable, prefix: tuple[int, ...], most: int, stop: StopRule, rng: Any) -> Drafted:
    """Draft until `stop` says so, at most `most` candidates."""
    drafted = Drafted(prefix)
    none = isinstance(stop, FixedLength) and stop.length == 0
    while not none and len(drafted.tokens) < most:
        q = _distribution("draft", draft(prefix + tuple(drafted.tokens)))
        token = _draw(q, rng)
        drafted.tokens.append(token)
        raw = getattr(draft, "raw", None)
        drafted.raw.append(q if raw is None else raw)
        drafted.probabilities.append(float(drafted.raw[-1][token]))
        drafted.distributions.append(q)
        drafted.hidden.append(getattr(draft, "hidden", None))
        if stop(drafted):
            break
    return drafted


def verify(target: Callable, drafted: Drafted, rng: Any) -> tuple[int, int]:
    """How many candidates are accepted, and the target's own token behind them: from the normalised positive part of
    p - q after a rejection, from p after none."""
    candidates = tuple(drafted.tokens)
    if hasattr(target, "verify"):
        rows = target.verify(drafted.prefix, candidates)
    else:
        rows = (target(drafted.prefix + candidates[:i]) for i in range(len(candidates) + 1))
    for i, row in enumerate(rows):
        p = _distribution("target", row)
        if i == len(candidates):
            return i, _draw(p, rng)
        q, token = drafted.distributions[i], candidates[i]
        if len(p) != len(q):
            raise ValueError(f"target has {len(p)} tokens and draft {len(q)}; allowed is one vocabulary for both")
        if not _draw(np.array([1.0, min(1.0, p[token] / q[token])]), rng, shares=False):
            rest = np.maximum(p - q, 0)
            return i, _draw(rest if rest.sum() > 0 else p, rng)
    raise AssertionError("a round ends with a token of the target")


def _distribution(name: str, values: ArrayLike) -> np.ndarray:
    p = np.asarray(values, dtype=float)
    if p.ndim != 1 or not p.size or not (p.min() >= 0 and abs(p.sum() - 1) < 1e-4):
        raise ValueError(f"{name} gave {values!r}; allowed is a distribution over tokens, shape (V,), that sums to 1")
    return p


def _draw(weights: np.ndarray, rng: Any, *, shares: bool = True) -> int:
    """A number drawn in proportion to `weights`; with ``shares=False`` they are (1, a), and the answer is 1 with
    probability a. An `rng` with a method ``branch`` decides itself: exact enumeration goes down every branch."""
    if not shares:
        weights = np.array([1 - weights[1], weights[1]])
    if hasattr(rng, "branch"):
        return rng.branch(weights / weights.sum())
    ends = weights.cumsum()
    return int(min(ends.searchsorted(rng.random() * ends[-1], side="right"), np.flatnonzero(weights)[-1]))


# Predicting acceptance


class AcceptanceHead(nn.Module):
    """`layers` residual blocks x + SiLU(Linear(x)), then Linear(width, 2): logits of rejection and acceptance,
    (..., width) to (..., 2). With `tied` all blocks share one set of weights, as in the authors' code. Raises
    ValueError for a width below 1 and layers below 0."""

    def __init__(self, width: int, layers: int = 3, tied: bool = False) -> None:
        super().__init__()
        whole("width", width, 1)
        whole("layers", layers, 0)
        blocks = [nn.Linear(width, width) for _ in range(min(layers, 1) if tied else layers)]
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
    if logits.shape != (*acceptance.shape, 2):
        raise ValueError(f"logits has the shape {tuple(logits.shape)}; allowed is {(*acceptance.shape, 2)}")
    if not (float(acceptance.min()) >= 0 and float(acceptance.max()) <= 1):
        raise ValueError(f"acceptance goes to {float(acceptance.max())}; allowed are probabilities, 0 to 1")
    if not rejection_weight > 0:
        raise ValueError(f"rejection_weight is {rejection_weight!r}; allowed is a number above 0")
    rejected, accepted = logits.log_softmax(-1).unbind(-1)
    weight = rejection_weight * (1 - acceptance)
    return -(acceptance * accepted + weight * rejected).sum() / (acceptance + weight).sum()

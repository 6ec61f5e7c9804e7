"""Paging with succinct predictions: policies that take one bit of advice, the bits, their errors and the bounds.

Paper: Antoniadis et al., "Paging with succinct predictions", ICML 2023, PMLR 202, arXiv 2210.02775.
A cache holds k pages and starts empty. Requests come one by one; a page that is not there costs one fault and is
loaded. Cost is the number of faults. With each request may come one predicted bit:

    discard bit   1 if the optimal policy LFD evicts the page before its next request (or before the end), else 0
    phase bit     0 if the page is requested in the next k-phase, else 1

eta0 counts the wrong bits among predicted zeros, eta1 among predicted ones.
The compiled loops are in `policies`; `theory` has expectations in rational arithmetic.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foretold.kit import check
from foretold.papers.paging.idea import policies

Array = NDArray[Any]
WITHOUT_BITS = ("lru", "belady", "marker")
POLICIES = (*WITHOUT_BITS, "flush", "mark0", "mark_predict", "follow", "combine")
RANDOMISED = {  # Marker is Mark0 with zeros for advice
    "marker": policies.mark0,
    "mark0": policies.mark0,
    "mark_predict": policies.mark_predict,
    "follow": policies.follow,
}
# What a policy must pay at most: alpha * OPT + beta * eta0 + gamma * eta1, as functions of k and H_k.
BOUNDS = {
    "belady": lambda k, h: (1, 0, 0),
    "lru": lambda k, h: (k, 0, 0),
    "marker": lambda k, h: (2 * h, 0, 0),
    "flush": lambda k, h: (1, k - 1, 1),
    "mark0": lambda k, h: (1, 2 * h, 1),
    "mark_predict": lambda k, h: (2, h, 1),
}


def simulate(
    policy: str, trace: ArrayLike, k: int, bits: ArrayLike | None = None, rng: np.random.Generator | None = None
) -> int:
    """Number of faults of a policy on a trace.

    Parameters
    ----------
    policy: "lru", "belady" (the optimum), "marker"; with discard bits "flush" (deterministic), "mark0" (randomised),
        "follow" (lazy, no guarantee) and "combine" (ours: Mark0 while it is cheap, else Marker; see `combine` of
        `policies`); with phase bits "mark_predict"
    trace: (n,) whole numbers, any 1-D integer array
    k: cache size
    bits: (n,) of 0 and 1, for the policies that take advice
    rng: for the randomised policies

    Raises ValueError for an unknown policy, for a trace that is empty, not 1-D, not of integers or longer than 2**31,
    for k < 1, for a missing or superfluous bit vector, bits of another length than the trace or other than 0 and 1, and
    for a missing generator.
    """
    check.one_of("policy", policy, POLICIES)
    requests, pages = check_trace(trace)
    size = check_size(k, pages)
    advice = _advice(policy, bits, len(requests))
    if policy in RANDOMISED or policy == "combine":
        check.generator("rng", rng)
    return int(_faults(policy, requests, pages, size, advice, rng).sum())


def _faults(policy: str, requests: Array, pages: int, k: int, advice: Array, rng: np.random.Generator | None) -> Array:
    """Pages loaded at each request, (n,)."""
    if policy == "lru":
        return policies.lru(requests, pages, k)
    if policy == "belady":
        return policies.belady(requests, pages, k)[0]
    if policy == "flush":
        return policies.flush(requests, pages, k, advice)
    if policy == "combine":
        advised = policies.mark0(requests, pages, k, advice, rng)
        marker = policies.mark0(requests, pages, k, np.zeros_like(advice), rng)
        return policies.combine(advised, marker, k)
    return RANDOMISED[policy](requests, pages, k, advice, rng)


def _advice(policy: str, bits: ArrayLike | None, n: int) -> Array:
    """The bits of a policy that takes advice; zeros, which make Marker of Mark0, for others."""
    if policy in WITHOUT_BITS:
        if bits is not None:
            raise ValueError(f"bits is given; policy {policy!r} takes no advice, so only None is allowed")
        return np.zeros(n, np.uint8)
    if bits is None:
        raise ValueError(f"bits is None; policy {policy!r} needs one bit (0 or 1) for each of the {n} requests")
    return check_bits("bits", bits, n)


def check_trace(trace: ArrayLike) -> tuple[Array, int]:
    """The requests (n,) as page numbers from 0, in the order of the trace's own numbers, and an upper limit of them.

    Traces of small numbers are taken as they are; others are renumbered. Raises ValueError as `simulate` does.
    """
    requests = np.asarray(trace)
    if requests.ndim != 1 or requests.size == 0 or requests.dtype.kind not in "iu":
        raise ValueError(
            f"trace has shape {requests.shape} and type {requests.dtype}; "
            "allowed is a 1-D array of integers with at least one request"
        )
    low, high = int(requests.min()), int(requests.max())
    if low < 0 or high > 2 * requests.size + 1_000:
        names, requests = np.unique(requests, return_inverse=True)
        high = len(names) - 1
    if len(requests) + 2 * high >= 2**31 - 3:
        raise ValueError(f"trace has {len(requests)} requests; allowed are fewer than 2**31, pages included")
    return np.ascontiguousarray(requests, dtype=np.int64), high + 1


def check_size(k: Any, pages: int) -> int:
    """The size of the cache; of one that never fills the number of pages: the same run, in less memory."""
    return min(check.whole("k", k, 1, allowed="a whole number of pages, at least 1"), pages)


def check_bits(name: str, bits: ArrayLike, n: int) -> Array:
    """Bits (n,) as uint8. Raises ValueError when there are not n of them, or when one is neither 0 nor 1."""
    values = np.asarray(bits)
    if values.shape != (n,):
        raise ValueError(f"{name} has shape {values.shape}; allowed is ({n},), one bit for each request")
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{name} holds {values[0]!r}; allowed are 0 and 1")
    wrong = values[(values != 0) & (values != 1)]
    if len(wrong):
        raise ValueError(f"{name} holds {wrong[0]!r}; allowed are 0 and 1")
    return values.astype(np.uint8)


# The optimum and the true bits


def optimal_cost(trace: ArrayLike, k: int) -> int:
    """Faults of the optimal policy, which evicts the page whose next use is furthest away (Belady 1966).

    Raises ValueError as `simulate` does.
    """
    return simulate("belady", trace, k)


def discard_bits(trace: ArrayLike, k: int) -> Array:
    """True discard bits, (n,) uint8: 1 where LFD evicts the page before its next request, or before the end.

    Among pages that never come again LFD may evict any; we take the one with the smallest number. Other choices give
    other bits and the same cost. Raises ValueError as `simulate` does.
    """
    requests, pages = check_trace(trace)
    return policies.belady(requests, pages, check_size(k, pages))[1]


def phase_bits(trace: ArrayLike, k: int) -> Array:
    """True phase bits, (n,) uint8: 0 where the page is requested in the next k-phase; in the last phase all are 1.

    k-phases cut the trace greedily: each is as long as it can be with k distinct pages. Errors as `simulate`.
    """
    requests, pages = check_trace(trace)
    return policies.absent_next(requests, pages, policies.phases(requests, pages, check_size(k, pages)))


def clean_pages(trace: ArrayLike, k: int) -> int:
    """Sum over k-phases of the pages that were not in the phase before: what no marking algorithm can avoid.

    Raises ValueError as `simulate` does.
    """
    requests, pages = check_trace(trace)
    number = policies.phases(requests, pages, check_size(k, pages))
    inside = np.unique(number * pages + requests)  # one number for each pair of a phase and a page in it
    return int(np.count_nonzero(~np.isin(inside - pages, inside)))


# Errors


def flip_bits(
    bits: ArrayLike, rate: float, rng: np.random.Generator, side: Literal["both", "zeros", "ones"] = "both"
) -> Array:
    """Each bit turned round with probability `rate`, (n,) uint8. `side` says which: "zeros" turns true zeros into wrong
    ones (they count in eta1), "ones" turns true ones into wrong zeros (eta0).

    Raises ValueError for bits that are not 0 or 1, a rate outside [0, 1], an unknown side, and without a Generator.
    """
    truth = check_bits("bits", bits, np.size(bits))
    rate = check.probability("rate", rate)
    check.one_of("side", side, ("both", "zeros", "ones"))
    turned = check.generator("rng", rng).random(len(truth)) < rate
    if side != "both":
        turned &= truth == (side == "ones")
    return truth ^ turned


def error_counts(bits: ArrayLike, truth: ArrayLike) -> tuple[int, int]:
    """(eta0, eta1): wrong bits among predicted zeros, and among predicted ones. ValueError as `check_bits`."""
    expected = check_bits("truth", truth, np.size(truth))
    predicted = check_bits("bits", bits, len(expected))
    return int(np.sum(predicted < expected)), int(np.sum(predicted > expected))


# The bounds


def harmonic(k: int) -> float:
    """H_k = 1 + 1/2 + ... + 1/k. Raises ValueError for k < 1."""
    return float(np.sum(1 / np.arange(1, check.whole("k", k, 1) + 1)))


def competitive_bound(policy: str, k: int, optimum: float, eta0: float = 0, eta1: float = 0) -> float:
    """What a policy pays at most (in expectation, if randomised): alpha * OPT + beta * eta0 + gamma * eta1.

    (alpha, beta, gamma) is (1, k-1, 1) for "flush", (1, 2 H_k, 1) for "mark0", (2, H_k, 1) for "mark_predict"; without
    advice (1, 0, 0) for "belady", (k, 0, 0) for "lru" (Sleator and Tarjan 1985) and (2 H_k, 0, 0) for "marker" (Fiat et
    al. 1991). Raises ValueError for a policy without such a bound, k < 1, and numbers below 0.
    """
    check.one_of("policy", policy, list(BOUNDS))
    optimum, eta0, eta1 = check.real("optimum", optimum, 0), check.real("eta0", eta0, 0), check.real("eta1", eta1, 0)
    alpha, beta, gamma = BOUNDS[policy](k, harmonic(k))
    return float(alpha * optimum + beta * eta0 + gamma * eta1)

"""Small instances of paging, exactly: expectations in rational arithmetic, and adversaries. Plain Python, no loops of
`policies`: each is a check of the other.

A policy is a machine. `step` takes its state, a request and a bit, and says whether that was a fault and which states
may follow, all equally likely.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from fractions import Fraction

import numpy as np

from foretold.papers.paging import idea

State = Hashable
MACHINES = ["lru", "marker", "flush", "mark0", "mark_predict"]
EMPTY: dict[str, State] = {
    "lru": (),
    "flush": frozenset(),
    "marker": (frozenset(), frozenset()),  # the cache, and what is marked
    "mark0": (frozenset(), frozenset()),
    "mark_predict": (frozenset(), frozenset(), frozenset()),  # and the pages whose latest bit is 1
}


def step(policy: str, state: State, page: int, bit: int, k: int) -> tuple[int, list[State]]:
    """(fault, next states, each equally likely) of a policy of `MACHINES`, written as the paper describes them."""
    if policy == "lru":  # pages, the newest first
        fault = page not in state
        return int(fault), [(page, *(other for other in state if other != page))[:k]]
    if policy == "flush":
        fault = page not in state
        cache = frozenset() if fault and len(state) == k else state
        return int(fault), [cache - {page} if bit else cache | {page}]
    cache, marked, *rest = state
    ones = rest[0] if rest else frozenset()
    fault, victims = page not in cache, [None]
    if fault and len(cache) == k:
        marked = marked if cache - marked else frozenset()
        unmarked = cache - marked
        victims = sorted((unmarked & ones) or unmarked)
    after = []
    for victim in victims:
        kept, now = (cache - {victim}) | {page}, marked | {page}
        if policy == "mark_predict":
            after.append((kept, now, (ones - {page}) | {page} if bit else ones - {page}))
        elif policy == "mark0" and bit:
            after.append((kept - {page}, now - {page}))
        else:
            after.append((kept, now))
    return int(fault), after


def exact_cost(policy: str, trace: Sequence[int], k: int, bits: Sequence[int]) -> Fraction:
    """Expected number of faults of a policy of `MACHINES`, as a fraction: all random choices are followed.

    Raises ValueError for another policy, and for traces, sizes and bits as `paging.simulate` does.
    """
    if policy not in MACHINES:
        raise ValueError(f"policy is {policy!r}; allowed are {', '.join(MACHINES)}")
    idea.phase_bits(trace, k)  # checks trace and size
    chances, cost = {EMPTY[policy]: Fraction(1)}, Fraction(0)
    for page, bit in zip(trace, idea.check_bits("bits", bits, len(trace)), strict=True):
        after: dict[State, Fraction] = {}
        for state, chance in chances.items():
            fault, states = step(policy, state, page, int(bit), k)
            cost += chance * fault
            for following in states:
                after[following] = after.get(following, Fraction(0)) + chance / len(states)
        chances = after
    return cost


def sequences(pages: int, n: int) -> Iterator[tuple[int, ...]]:
    """Every trace of n requests for at most `pages` pages, up to their names: a new page gets the next number."""
    if n == 0:
        yield ()
        return
    for start in sequences(pages, n - 1):
        for page in range(min(max(start, default=-1) + 2, pages)):
            yield (*start, page)


def coefficients(policy: str, k: int) -> tuple[Fraction, Fraction, Fraction]:
    """(alpha, beta, gamma) of the policy's bound, with H_k as a fraction."""
    h = sum((Fraction(1, i) for i in range(1, k + 1)), Fraction(0))
    alpha, beta, gamma = idea.BOUNDS[policy](k, h)
    return Fraction(alpha), Fraction(beta), Fraction(gamma)


def largest_excess(
    policy: str, k: int, pages: int, n: int, bound: tuple[Fraction, Fraction, Fraction] | None = None
) -> tuple[Fraction, int, tuple[Sequence[int], Sequence[int]]]:
    """The largest expected cost minus alpha OPT + beta eta0 + gamma eta1, over every trace of n requests for at most
    `pages` pages and every bit vector, in exact arithmetic: (excess, number of instances, the worst instance).

    `bound` defaults to the policy's own. Traces and bits that begin alike share their beginning, and probabilities are
    whole numbers of lcm(1..k)**-n, so 100,000 instances take seconds.
    """
    bound = bound or coefficients(policy, k)
    unit, true = math.lcm(*range(1, k + 1)), idea.phase_bits if policy == "mark_predict" else idea.discard_bits
    whole = unit**n * math.lcm(*(c.denominator for c in bound))
    alpha, beta, gamma = (int(c * whole) for c in bound)
    facts = {}
    for trace in sequences(pages, n):
        truth = sum(int(bit) << i for i, bit in enumerate(true(np.array(trace), k)))
        facts[trace] = idea.optimal_cost(np.array(trace), k), truth
    worst, count, where = None, 0, ((), ())

    def explore(trace: tuple[int, ...], bits: int, chances: dict[State, int], cost: int) -> None:
        nonlocal worst, count, where
        if len(trace) == n:
            optimum, truth = facts[trace]
            eta0, eta1 = (truth & ~bits).bit_count(), (bits & ~truth).bit_count()
            excess = cost * (whole // unit**n) - alpha * optimum - beta * eta0 - gamma * eta1
            count += 1
            if worst is None or excess > worst:
                worst, where = excess, (trace, tuple(bits >> i & 1 for i in range(n)))
            return
        for page in range(min(max(trace, default=-1) + 2, pages)):
            for bit in (0, 1):
                after, paid = {}, 0
                for state, chance in chances.items():
                    fault, states = step(policy, state, page, bit, k)
                    paid += chance * fault
                    for following in states:
                        after[following] = after.get(following, 0) + chance // len(states)
                explore((*trace, page), bits | bit << len(trace), after, cost + paid)

    explore((), 0, {EMPTY[policy]: unit**n}, 0)
    return Fraction(worst, whole), count, where


def adversary(policy: str, k: int, n: int, advice: int) -> np.ndarray:
    """The trace (n,) that hurts a deterministic policy ("lru" or "flush") most: of k + 1 pages, always ask for one that
    is not in its cache (if there are several, for the one not asked for longest), while the advice is the same bit for
    every request.

    The policy faults at every request; the optimum faults at most once in k requests after the first k. Raises
    ValueError for a policy that is not deterministic, k < 1, n < 1 and advice other than 0 or 1.
    """
    if policy not in ("lru", "flush"):
        raise ValueError(f"policy is {policy!r}; allowed are 'lru' and 'flush', which are deterministic")
    if k < 1 or n < 1 or advice not in (0, 1):
        raise ValueError(f"(k, n, advice) is {(k, n, advice)!r}; allowed are k >= 1, n >= 1 and advice 0 or 1")
    state, trace, oldest_first = EMPTY[policy], np.empty(n, np.int64), list(range(k + 1))
    for t in range(n):
        page = next(page for page in oldest_first if page not in state)
        oldest_first.remove(page)
        oldest_first.append(page)
        trace[t] = page
        _, (state,) = step(policy, state, page, advice, k)
    return trace

"""Small instances of paging, exactly: expectations in rational arithmetic, and adversaries. Plain Python, no loops of
`policies`: each is a check of the other.

A policy is a machine: `step` takes its state, a request and a bit, and says whether that was a fault and which states
may follow, all equally likely.
"""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foretold.kit import check
from foretold.papers.paging import idea

Pages = frozenset[int]
NONE: Pages = frozenset()


class State(NamedTuple):
    """What a policy remembers. Each uses what it needs: Flush the cache alone, the marking policies what is marked in
    it, Mark&Predict also the pages whose latest bit is 1, in the cache or not, and LRU the cache with the newest page
    first."""

    cache: Pages = NONE
    marked: Pages = NONE
    ones: Pages = NONE
    newest_first: tuple[int, ...] = ()


def after_lru(state: State, page: int, bit: int, k: int) -> list[State]:
    """The cache is the k pages used last. LRU reads no bit."""
    others = (other for other in state.newest_first if other != page)
    newest_first = (page, *others)[:k]
    return [State(frozenset(newest_first), newest_first=newest_first)]


def after_flush(state: State, page: int, bit: int, k: int) -> list[State]:
    """A full cache is emptied for a page that is not there; a page with bit 1 leaves at once."""
    full = page not in state.cache and len(state.cache) == k
    cache = NONE if full else state.cache
    return [State(cache - {page} if bit else cache | {page})]


def after_marker(state: State, page: int, bit: int, k: int) -> list[State]:
    """The page is marked. If it needs a place, one of the unmarked pages leaves; if all are marked, all marks go first.
    Those whose latest bit is 1 leave before others: with Marker, which reads no bit, there are none."""
    if page in state.cache or len(state.cache) < k:
        return [state._replace(cache=state.cache | {page}, marked=state.marked | {page})]
    marked = NONE if state.marked == state.cache else state.marked
    unmarked = state.cache - marked
    victims = (unmarked & state.ones) or unmarked
    return [state._replace(cache=state.cache - {victim} | {page}, marked=marked | {page}) for victim in sorted(victims)]


def after_mark0(state: State, page: int, bit: int, k: int) -> list[State]:
    """Marker, but a page with bit 1 leaves at once."""
    after = after_marker(state, page, bit, k)
    if not bit:
        return after
    return [loaded._replace(cache=loaded.cache - {page}, marked=loaded.marked - {page}) for loaded in after]


def after_mark_predict(state: State, page: int, bit: int, k: int) -> list[State]:
    """Marker, which notes the bit."""
    after = after_marker(state, page, bit, k)
    return [loaded._replace(ones=loaded.ones | {page} if bit else loaded.ones - {page}) for loaded in after]


AFTER = {
    "lru": after_lru,
    "marker": after_marker,
    "flush": after_flush,
    "mark0": after_mark0,
    "mark_predict": after_mark_predict,
}


def step(policy: str, state: State, page: int, bit: int, k: int) -> tuple[int, list[State]]:
    """(fault, next states, each equally likely) of a policy of `AFTER`, written as the paper describes them."""
    return int(page not in state.cache), AFTER[policy](state, page, bit, k)


# All random choices at once. A chance is a whole number in some unit, which all numbers of choices divide: a policy
# chooses one of at most k pages at each request, so lcm(1..k) ** n is fine enough for n requests.

Chances = dict[State, int]


def spread(policy: str, chances: Chances, page: int, bit: int, k: int) -> tuple[Chances, int]:
    """The chances of all states after a request, and the chance that it was a fault."""
    after: Chances = {}
    paid = 0
    for state, chance in chances.items():
        fault, states = step(policy, state, page, bit, k)
        paid += fault * chance
        for following in states:
            after[following] = after.get(following, 0) + chance // len(states)
    return after, paid


def exact_cost(policy: str, trace: Sequence[int], k: int, bits: Sequence[int]) -> Fraction:
    """Expected number of faults of a policy of `AFTER`, as a fraction: all random choices are followed.

    Raises ValueError for another policy, and for traces, sizes and bits as `paging.simulate` does.
    """
    check.one_of("policy", policy, list(AFTER))
    requests, pages = idea.check_trace(trace)
    advice = idea.check_bits("bits", bits, len(requests))
    k = idea.check_size(k, pages)
    unit = math.lcm(*range(1, k + 1)) ** len(requests)
    chances, cost = {State(): unit}, 0
    for page, bit in zip(requests.tolist(), advice.tolist(), strict=True):
        chances, paid = spread(policy, chances, page, bit, k)
        cost += paid
    return Fraction(cost, unit)


# Every small instance


def sequences(pages: int, n: int) -> Iterator[tuple[int, ...]]:
    """Every trace of n requests for at most `pages` pages, up to their names: a new page gets the next number."""
    if n == 0:
        yield ()
        return
    for start in sequences(pages, n - 1):
        for page in range(names(start, pages)):
            yield (*start, page)


def names(trace: Sequence[int], pages: int) -> int:
    """How many pages may be asked for next: those of the trace so far and, if there are fewer than `pages`, a new one,
    which gets the next number."""
    return min(max(trace, default=-1) + 2, pages)


class Instance(NamedTuple):
    """A trace with advice, and what a policy pays for it: chances and expected cost in units of a chance."""

    trace: tuple[int, ...]
    bits: tuple[int, ...]
    chances: Chances
    cost: int


def instances(policy: str, k: int, pages: int, n: int, unit: int) -> Iterator[Instance]:
    """Every trace of `sequences` with every bit vector. Those that begin alike share the work for their beginning."""
    if n == 0:
        yield Instance((), (), {State(): unit}, 0)
        return
    for start in instances(policy, k, pages, n - 1, unit):
        for page in range(names(start.trace, pages)):
            for bit in (0, 1):
                chances, paid = spread(policy, start.chances, page, bit, k)
                yield Instance((*start.trace, page), (*start.bits, bit), chances, start.cost + paid)


Bound = tuple[Fraction, Fraction, Fraction]


def coefficients(policy: str, k: int) -> Bound:
    """(alpha, beta, gamma) of the policy's bound, with H_k as a fraction."""
    h = sum((Fraction(1, i) for i in range(1, k + 1)), Fraction(0))
    alpha, beta, gamma = idea.BOUNDS[policy](k, h)
    return Fraction(alpha), Fraction(beta), Fraction(gamma)


def largest_excess(
    policy: str, k: int, pages: int, n: int, bound: Bound | None = None
) -> tuple[Fraction, int, tuple[Sequence[int], Sequence[int]]]:
    """The largest expected cost minus alpha OPT + beta eta0 + gamma eta1, over every trace of n requests for at most
    `pages` pages and every bit vector, in exact arithmetic: (excess, number of instances, the worst instance).

    `bound` defaults to the policy's own. 100,000 instances take seconds.
    """
    bound = bound or coefficients(policy, k)
    true_bits = idea.phase_bits if policy == "mark_predict" else idea.discard_bits
    facts = {trace: (idea.optimal_cost(trace, k), true_bits(trace, k).tolist()) for trace in sequences(pages, n)}
    unit = math.lcm(*range(1, k + 1)) ** n * math.lcm(*(number.denominator for number in bound))
    alpha, beta, gamma = (int(number * unit) for number in bound)
    excesses = []
    for trace, bits, _, cost in instances(policy, k, pages, n, unit):
        optimum, truth = facts[trace]
        eta0 = sum(map(operator.lt, bits, truth))
        eta1 = sum(map(operator.gt, bits, truth))
        excesses.append((cost - alpha * optimum - beta * eta0 - gamma * eta1, trace, bits))
    worst, trace, bits = max(excesses, key=operator.itemgetter(0))
    return Fraction(worst, unit), len(excesses), (trace, bits)


def worst_costs(policy: str, k: int, pages: int, n: int) -> pd.DataFrame:
    """The largest expected cost over the same instances, for each optimum and numbers of wrong zeros and ones: a row
    has k, optimum, eta0, eta1, the cost as the whole numbers `numerator` / `denominator`, and the number of instances.

    A bound holds for all instances if it holds for these rows.
    """
    true_bits = idea.phase_bits if policy == "mark_predict" else idea.discard_bits
    facts = {trace: (idea.optimal_cost(trace, k), true_bits(trace, k).tolist()) for trace in sequences(pages, n)}
    unit = math.lcm(*range(1, k + 1)) ** n
    worst: dict[tuple[int, int, int], int] = {}
    count: Counter[tuple[int, int, int]] = Counter()
    for trace, bits, _, cost in instances(policy, k, pages, n, unit):
        optimum, truth = facts[trace]
        kind = (optimum, sum(map(operator.lt, bits, truth)), sum(map(operator.gt, bits, truth)))
        worst[kind] = max(cost, worst.get(kind, 0))
        count[kind] += 1
    rows = [(k, *kind, cost, unit, count[kind]) for kind, cost in sorted(worst.items())]
    return pd.DataFrame(rows, columns=["k", "optimum", "eta0", "eta1", "numerator", "denominator", "instances"])


def excess(worst: pd.DataFrame, bounds: Mapping[int, Bound]) -> Fraction:
    """The largest cost minus alpha OPT + beta eta0 + gamma eta1 over rows of `worst_costs`, with a bound for each k."""
    found = []
    for row in worst.itertuples():
        alpha, beta, gamma = bounds[row.k]
        promised = alpha * row.optimum + beta * row.eta0 + gamma * row.eta1
        found.append(Fraction(row.numerator, row.denominator) - promised)
    return max(found)


# Lower bounds


def adversary(policy: str, k: int, n: int, advice: int) -> NDArray[np.int64]:
    """The trace (n,) that hurts a deterministic policy ("lru" or "flush") most: of k + 1 pages, always ask for one that
    is not in its cache (if there are several, for the one not asked for longest), while the advice is the same bit for
    every request.

    The policy faults at every request; the optimum faults at most once in k requests after the first k. Raises
    ValueError for a policy that is not deterministic, k < 1, n < 1 and advice other than 0 or 1.
    """
    check.one_of("policy", policy, ("lru", "flush"))
    k, n = check.whole("k", k, 1), check.whole("n", n, 1)
    check.one_of("advice", advice, (0, 1))
    state, trace, oldest_first = State(), np.empty(n, np.int64), list(range(k + 1))
    for t in range(n):
        page = next(page for page in oldest_first if page not in state.cache)
        oldest_first.remove(page)
        oldest_first.append(page)
        trace[t] = page
        _, (state,) = step(policy, state, page, advice, k)
    return trace

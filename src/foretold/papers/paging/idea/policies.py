"""Paging policies as compiled loops: one pass over the trace.

Each takes `requests` (n,) of page numbers below `pages` and the cache size `k`; those that are advised take one bit for
each request, `bits` (n,), and those with chance a numpy Generator. It returns `fault` (n,): 1 for each request that was
not in the cache. The cache starts empty, and a page is always loaded on a fault.

The policies with chance keep the cache in one array of slots in which equal pages stand together, unmarked ones first:

    slot     0 .. u-1      u .. size-1
    holds    unmarked      marked

so that a random unmarked page is a random number below u, and marking swaps two slots. `place` says where a page is.
"""

from __future__ import annotations

from heapq import heappop, heappush

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.integer]
Bits = NDArray[np.uint8]

# The optimum, and the true bits


@njit(cache=True)
def next_uses(requests: Ints, pages: int) -> Ints:
    """Time of the next request of the same page, (n,); n where it never comes again."""
    n = requests.size
    following = np.empty(n, np.int64)
    seen = np.full(pages, n, np.int64)
    for t in range(n - 1, -1, -1):
        following[t] = seen[requests[t]]
        seen[requests[t]] = t
    return following


@njit(cache=True)
def belady(requests: Ints, pages: int, k: int) -> tuple[Bits, Bits]:
    """Evict the page whose next use is furthest away (LFD), the optimum; of pages that never come again the one with
    the smallest number. Returns its faults and the discard bits, (n,) each: 1 where the page is evicted before its next
    request, or before the end."""
    following = next_uses(requests, pages)
    fault, discard = np.zeros(requests.size, np.uint8), np.zeros(requests.size, np.uint8)
    latest = np.full(pages, -1, np.int64)  # time of the latest request of a page in the cache, -1 for others
    # Pages by next use, the furthest on top. A page that is requested again has a second entry then; its first one,
    # whose time has come, is below those of all pages in the cache, and never on top.
    furthest = [(np.int64(0), np.int64(0)) for _ in range(0)]
    size = 0
    for t in range(requests.size):
        page = requests[t]
        if latest[page] < 0:
            fault[t] = 1
            if size == k:
                _, victim = heappop(furthest)
                discard[latest[victim]] = 1
                latest[victim] = -1
            else:
                size += 1
        latest[page] = t
        heappush(furthest, (-following[t], page))
    return fault, discard


@njit(cache=True)
def phases(requests: Ints, pages: int, k: int) -> Ints:
    """Number of each request's k-phase, (n,) from 0: a phase ends before its (k+1)-th distinct page."""
    number = np.empty(requests.size, np.int64)
    seen = np.full(pages, -1, np.int64)
    now = distinct = 0
    for t in range(requests.size):
        if seen[requests[t]] != now:
            if distinct == k:
                now += 1
                distinct = 0
            seen[requests[t]] = now
            distinct += 1
        number[t] = now
    return number


@njit(cache=True)
def absent_next(requests: Ints, pages: int, number: Ints) -> Bits:
    """Phase bits, (n,): 0 where the page is requested in the next phase, 1 otherwise. Walks backwards, and knows of
    each page the first phase in which it comes, from here on, and the next one after that."""
    bits = np.empty(requests.size, np.uint8)
    first, second = np.full(pages, -1, np.int64), np.full(pages, -1, np.int64)
    for t in range(requests.size - 1, -1, -1):
        page = requests[t]
        if first[page] != number[t]:
            second[page] = first[page]
            first[page] = number[t]
        bits[t] = second[page] != number[t] + 1
    return bits


# The paper's three


@njit(cache=True)
def flush(requests: Ints, pages: int, k: int, bits: Bits) -> Bits:
    """Discard bits, deterministic: drop a page after a request with bit 1; when k pages with bit 0 fill the cache and
    another is needed, empty it. Emptying is one step: pages carry the number of the filling in which they came."""
    fault = np.zeros(requests.size, np.uint8)
    filling = np.zeros(pages, np.int64)
    now, size = 1, 0
    for t in range(requests.size):
        page = requests[t]
        if filling[page] != now:
            fault[t] = 1
            if size == k:
                now += 1
                size = 0
            filling[page] = now
            size += 1
        if bits[t]:
            filling[page] = 0
            size -= 1
    return fault


@njit(cache=True, inline="always")
def swap(slots: Ints, place: Ints, i: int, j: int) -> None:
    """Exchange what two slots hold."""
    a, b = slots[i], slots[j]
    slots[i], slots[j] = b, a
    place[a], place[b] = j, i


@njit(cache=True)
def mark0(requests: Ints, pages: int, k: int, bits: Bits, rng: np.random.Generator) -> Bits:
    """Discard bits, randomised: mark what is requested, drop a page after a request with bit 1. When the cache is
    full, evict a random unmarked page; when all are marked, unmark all first. With zeros for advice this is Marker."""
    fault = np.zeros(requests.size, np.uint8)
    slots, place = np.empty(k, np.int32), np.full(pages, -1, np.int32)
    unmarked = size = 0
    for t in range(requests.size):
        page = requests[t]
        at = place[page]
        if at < 0:
            fault[t] = 1
            if size < k:
                at = size
                size += 1
            else:
                if unmarked == 0:
                    unmarked = k
                at = int(rng.random() * unmarked)
                place[slots[at]] = -1
            slots[at] = page
            place[page] = at
        if at < unmarked:
            unmarked -= 1
            swap(slots, place, at, unmarked)
        if bits[t]:  # it is marked now: the last slot takes its place
            size -= 1
            swap(slots, place, place[page], size)
            place[page] = -1
    return fault


@njit(cache=True)
def mark_predict(requests: Ints, pages: int, k: int, bits: Bits, rng: np.random.Generator) -> Bits:
    """Phase bits: a marking algorithm that evicts a random unmarked page whose latest bit is 1, or if there is none a
    random unmarked page. Unmarked pages with bit 1 stand before those with bit 0, sorted anew at each phase's start
    (k steps for a phase of at least k requests)."""
    fault, latest = np.zeros(requests.size, np.uint8), np.zeros(pages, np.uint8)
    slots, place = np.empty(k, np.int32), np.full(pages, -1, np.int32)
    ones = unmarked = size = 0
    for t in range(requests.size):
        page = requests[t]
        at = place[page]
        if at < 0:
            fault[t] = 1
            if size < k:
                at = size
                size += 1
            else:
                if unmarked == 0:
                    unmarked = k
                    ones = ones_first(slots, place, latest)
                at = int(rng.random() * (ones if ones else unmarked))
                place[slots[at]] = -1
            slots[at] = page
            place[page] = at
        if at < ones:
            ones -= 1
            swap(slots, place, at, ones)
            at = ones
        if at < unmarked:
            unmarked -= 1
            swap(slots, place, at, unmarked)
        latest[page] = bits[t]
    return fault


@njit(cache=True)
def ones_first(slots: Ints, place: Ints, latest: Bits) -> int:
    """Put the pages whose latest bit is 1 before all others, and count them."""
    ones = 0
    for i in range(slots.size):
        if latest[slots[i]]:
            swap(slots, place, i, ones)
            ones += 1
    return ones


# Without advice, and without a guarantee


@njit(cache=True)
def lru(requests: Ints, pages: int, k: int) -> Bits:
    """Evict the page that was not used for longest. `oldest` walks along the trace and stops at the first request that
    is still the latest of a page in the cache."""
    fault = np.zeros(requests.size, np.uint8)
    latest = np.full(pages, -1, np.int64)  # time of the latest request of a page in the cache, -1 for others
    size = oldest = 0
    for t in range(requests.size):
        page = requests[t]
        if latest[page] < 0:
            fault[t] = 1
            if size == k:
                while latest[requests[oldest]] != oldest:
                    oldest += 1
                latest[requests[oldest]] = -1
            else:
                size += 1
        latest[page] = t
    return fault


@njit(cache=True)
def follow(requests: Ints, pages: int, k: int, bits: Bits, rng: np.random.Generator) -> Bits:
    """Discard bits, followed lazily and with no guarantee: on a fault with a full cache evict a random page whose
    latest bit is 1, or if there is none a random page. Slots below `ones` hold the pages with bit 1."""
    fault = np.zeros(requests.size, np.uint8)
    slots, place = np.empty(k, np.int32), np.full(pages, -1, np.int32)
    ones = size = 0
    for t in range(requests.size):
        page = requests[t]
        at = place[page]
        if at < 0:
            fault[t] = 1
            if size < k:
                at = size
                size += 1
            else:
                at = int(rng.random() * (ones if ones else k))
                place[slots[at]] = -1
            slots[at] = page
            place[page] = at
        if at < ones and not bits[t]:
            ones -= 1
            swap(slots, place, at, ones)
        elif at >= ones and bits[t]:
            swap(slots, place, at, ones)
            ones += 1
    return fault


@njit(cache=True)
def combine(first: Bits, second: Bits, k: int) -> Ints:
    """Cost of following whichever of two runs is cheaper, (n,): `first` and `second` (n,) hold the faults of two
    policies on one trace. The run that is followed is left once it has cost more than twice the other; the switch
    loads the other's cache, and is charged k loads even where some pages are there already."""
    cost = np.zeros(first.size, np.int64)
    one = two = 0
    leads = True
    for t in range(first.size):
        one += first[t]
        two += second[t]
        cost[t] = first[t] if leads else second[t]
        if (leads and one > 2 * two) or (not leads and two > 2 * one):
            leads = not leads
            cost[t] += k
    return cost

"""Paging policies as compiled loops: one pass over the trace, O(1) a request.

Each kernel takes ``requests`` (n,) of page numbers below ``pages``, the cache size ``k``, advice ``bits`` (n,), a numpy
Generator and an output ``fault`` (n,) of zeros, where it writes 1 for each request that was not in the cache. Kernels
ignore what they do not need. The cache starts empty, and a page is always loaded on a fault.

The marking policies keep the cache in one array of slots in which equal pages stand together, unmarked ones first:

    slot     0 .. u-1      u .. size-1
    holds    unmarked      marked

so that a random unmarked page is a random number below u, and marking swaps two slots. `place` says where a page is.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numba.core import cgutils
from numba.extending import intrinsic

# Belady's set of times is a tree in which each node is one word of 64 bits.
WORD, SHIFT = 64, 6


@njit(cache=True)
def lru(requests, pages, k, bits, rng, fault):
    """Evict the page that was not used for longest. The cache is a ring of pages from the newest to the oldest and a
    sentinel between them; entries 2p and 2p + 1 are the neighbours of page p, side by side in memory, or -1."""
    ends = 2 * pages
    ring = np.full(ends + 2, -1, np.int32)
    ring[ends] = ring[ends + 1] = ends
    size = 0
    for t in range(requests.size):
        page = 2 * requests[t]
        before, after = ring[page], ring[page + 1]
        if before >= 0:
            ring[before + 1], ring[after] = after, before
        else:
            fault[t] = 1
            if size == k:
                oldest = ring[ends]
                second = ring[oldest]
                ring[ends], ring[second + 1] = second, ends
                ring[oldest] = -1
            else:
                size += 1
        newest = ring[ends + 1]
        ring[page], ring[page + 1] = ends, newest
        ring[newest] = ring[ends + 1] = page


@njit(cache=True)
def next_uses(requests, pages):
    """Time of the next request of the same page, (n,). A page that never comes again gets its own time after the end,
    the later the smaller its number, which settles ties."""
    n = requests.size
    following = np.empty(n, np.int32)
    seen = np.empty(pages, np.int32)
    for page in range(pages):
        seen[page] = n + pages - 1 - page
    for t in range(n - 1, -1, -1):
        following[t] = seen[requests[t]]
        seen[requests[t]] = t
    return following


@intrinsic
def _leading_zeros(typing, word):
    """Number of zeros before the highest bit of a word: one instruction of the processor."""
    return word(word), lambda context, builder, signature, values: builder.ctlz(values[0], cgutils.false_bit)


@njit(cache=True)
def belady(requests, pages, k, bits, rng, fault):
    """Evict the page whose next use is furthest away (LFD), the optimum. Writes the discard bits into `bits`, if it has
    room: 1 where a page was evicted before its next request, or before the end.

    The cache is a set of next-use times, each the time of one page. Times are whole numbers, so the set is a bitmap:
    request t is a hit exactly if t is in it. To find the largest time, words above say which words below are not 0,
    64 to one; four levels suffice for 16 million requests. Times that have passed stay: all others are larger.
    """
    n = requests.size
    following = next_uses(requests, pages)
    first = np.zeros(12, np.int64)  # where each level starts in `tree`
    levels, width = 0, n + pages
    while True:
        width = (width + WORD - 1) // WORD
        first[levels + 1] = first[levels] + width
        levels += 1
        if width == 1:
            break
    tree = np.zeros(first[levels], np.uint64)
    last = np.zeros(pages if bits.size else 0, np.int32)
    one, size = np.uint64(1), 0
    for t in range(n):
        if not (tree[t >> SHIFT] >> np.uint64(t & 63)) & one:
            fault[t] = 1
            if size == k:
                furthest = 0
                for level in range(levels - 1, -1, -1):
                    zeros = _leading_zeros(tree[first[level] + furthest])
                    furthest = (furthest << SHIFT) + 63 - np.int64(zeros)
                if bits.size:
                    bits[last[requests[furthest] if furthest < n else n + pages - 1 - furthest]] = 1
                for level in range(levels):
                    word = first[level] + (furthest >> SHIFT)
                    tree[word] &= ~(one << np.uint64(furthest & 63))
                    if tree[word]:
                        break
                    furthest >>= SHIFT
            else:
                size += 1
        if bits.size:
            last[requests[t]] = t
        time = np.int64(following[t])
        for level in range(levels):
            word = first[level] + (time >> SHIFT)
            was = tree[word]
            tree[word] = was | (one << np.uint64(time & 63))
            if was:
                break
            time >>= SHIFT


@njit(cache=True)
def flush(requests, pages, k, bits, rng, fault):
    """Discard bits, deterministic: drop a page after a request with bit 1; when k pages with bit 0 fill the cache and
    another is needed, empty it. Emptying is one step: pages carry the number of the filling in which they came."""
    filling = np.zeros(pages, np.int64)
    now, size = 1, 0
    for t in range(requests.size):
        page = requests[t]
        if filling[page] != now:
            fault[t] = 1
            if size == k:
                now, size = now + 1, 0
            filling[page] = now
            size += 1
        if bits[t]:
            filling[page] = 0
            size -= 1


@njit(cache=True, inline="always")
def _swap(slots, place, i, j):
    a, b = slots[i], slots[j]
    slots[i], slots[j] = b, a
    place[a], place[b] = j, i


@njit(cache=True)
def mark0(requests, pages, k, bits, rng, fault):
    """Discard bits, randomised: mark what is requested, drop a page after a request with bit 1. When the cache is
    full, evict a random unmarked page; when all are marked, unmark all first. With zeros for advice this is Marker."""
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
            _swap(slots, place, at, unmarked)
        if bits[t]:  # it is marked now: the last slot takes its place
            size -= 1
            _swap(slots, place, place[page], size)
            place[page] = -1


@njit(cache=True)
def mark_predict(requests, pages, k, bits, rng, fault):
    """Phase bits: a marking algorithm that evicts a random unmarked page whose latest bit is 1, or if there is none a
    random unmarked page. Unmarked pages with bit 1 stand before those with bit 0, sorted anew at each phase's start
    (k steps for a phase of at least k requests)."""
    slots, place = np.empty(k, np.int32), np.full(pages, -1, np.int32)
    latest = np.zeros(pages, np.uint8)
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
                    unmarked, ones = k, 0
                    for i in range(k):
                        if latest[slots[i]]:
                            _swap(slots, place, i, ones)
                            ones += 1
                at = int(rng.random() * (ones if ones else unmarked))
                place[slots[at]] = -1
            slots[at] = page
            place[page] = at
        if at < unmarked:
            if at < ones:
                ones -= 1
                _swap(slots, place, at, ones)
                at = ones
            unmarked -= 1
            _swap(slots, place, at, unmarked)
        latest[page] = bits[t]


@njit(cache=True)
def follow(requests, pages, k, bits, rng, fault):
    """Discard bits, followed lazily and with no guarantee: on a fault with a full cache evict a random page whose
    latest bit is 1, or if there is none a random page. Slots below `ones` hold the pages with bit 1."""
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
            _swap(slots, place, at, ones)
        elif at >= ones and bits[t]:
            _swap(slots, place, at, ones)
            ones += 1


@njit(cache=True)
def combine(first, second, k):
    """Faults of following whichever of two runs is cheaper, (n,): `first` and `second` (n,) hold the faults of two
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


@njit(cache=True)
def phases(requests, pages, k):
    """Number of each request's k-phase, (n,) from 0: a phase ends before its (k+1)-th distinct page."""
    number = np.empty(requests.size, np.int64)
    seen = np.full(pages, -1, np.int64)
    now = distinct = 0
    for t in range(requests.size):
        if seen[requests[t]] != now:
            if distinct == k:
                now, distinct = now + 1, 0
            seen[requests[t]] = now
            distinct += 1
        number[t] = now
    return number


@njit(cache=True)
def absent_next(requests, pages, number):
    """Phase bits, (n,): 0 where the page is requested in the next phase, 1 otherwise. Walks backwards."""
    bits = np.empty(requests.size, np.uint8)
    newest, later = np.full(pages, -1, np.int64), np.full(pages, -1, np.int64)
    for t in range(requests.size - 1, -1, -1):
        page = requests[t]
        if newest[page] != number[t]:
            later[page], newest[page] = newest[page], number[t]
        bits[t] = later[page] != number[t] + 1
    return bits

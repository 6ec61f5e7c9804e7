"""The people behind a model that may refuse: a queue with Poisson arrivals and a limited staff.

Erlang's formula for the steady state (M/M/c), and a simulation for a shift in which an attack begins and ends.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from foretold.kit import check

SHIFT = 480  # minutes


def fallback_rate(requests: float, triggered: float, clean_abstain: float, triggered_abstain: float) -> float:
    """Cases a minute that reach people: requests * ((1 - triggered) * clean_abstain + triggered * triggered_abstain).

    Raises ValueError for a negative rate and shares outside of [0, 1].
    """
    check.real("requests", requests, 0)
    shares = {"triggered": triggered, "clean_abstain": clean_abstain, "triggered_abstain": triggered_abstain}
    for name, share in shares.items():
        check.real(name, share, 0, 1)
    return requests * ((1 - triggered) * clean_abstain + triggered * triggered_abstain)


def tipping_share(requests: float, capacity: float, clean_abstain: float, triggered_abstain: float) -> float:
    """Share of triggered requests at which the fallback gets as many cases as it can treat; 0 if it is overloaded
    without an attack, and inf if no share is enough.

    Raises ValueError for requests or a capacity that are not above 0, and rates of abstention outside of [0, 1].
    """
    check.positive("requests", requests)
    check.positive("capacity", capacity)
    check.real("clean_abstain", clean_abstain, 0, 1)
    check.real("triggered_abstain", triggered_abstain, 0, 1)
    spare = capacity / requests - clean_abstain
    if spare <= 0:
        return 0.0
    return spare / (triggered_abstain - clean_abstain) if triggered_abstain > clean_abstain + spare else math.inf


def erlang_c(servers: int, load: float) -> float:
    """Probability that a case has to wait, in the steady state of M/M/c; load is arrival rate over service rate.

    1 where the load is as large as the number of servers, or larger. Raises ValueError for servers < 1 and load < 0.
    """
    check.whole("servers", servers, 1)
    check.real("load", load, 0)
    if load >= servers:
        return 1.0
    blocked = 1.0  # Erlang B by recursion: no large powers, no factorials
    for count in range(1, servers + 1):
        blocked = load * blocked / (count + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


def mean_wait(arrivals: float, treats: float, servers: int) -> float:
    """Mean minutes before a case is taken up, in the steady state: arrivals cases a minute, each of the servers treats
    `treats` a minute. inf where the load is too large. Raises ValueError as `erlang_c`, and for treats <= 0."""
    check.positive("treats", treats)
    waits = erlang_c(servers, arrivals / treats)
    spare = servers * treats - arrivals
    return waits / spare if spare > 0 else math.inf


class Shift(NamedTuple):
    """Cases that wait at the end of each minute, (minutes,), and arrival times and waits of all cases, in minutes."""

    backlog: np.ndarray
    arrived: np.ndarray
    waited: np.ndarray


def simulate(arrivals: Sequence[float], treats: float, servers: int, rng: np.random.Generator) -> Shift:
    """One shift: arrivals (minutes,) holds the expected number of cases in each minute, a Poisson
    process; each of the servers takes exponential times with mean 1 / treats; first come, first served.

    Raises ValueError as `mean_wait`, and for arrivals that are empty or negative.
    """
    check.whole("servers", servers, 1)
    check.positive("treats", treats)
    rate = check.vector("arrivals", arrivals, low=0)
    counts = rng.poisson(rate)
    arrived = np.sort(np.repeat(np.arange(len(rate)), counts) + rng.random(counts.sum()))
    takes = rng.exponential(1 / treats, len(arrived))
    free = [0.0] * servers
    began = np.empty(len(arrived))
    for case, (at, needs) in enumerate(zip(arrived, takes, strict=True)):
        began[case] = max(at, free[0])
        heapq.heapreplace(free, began[case] + needs)
    ends = np.arange(1, len(rate) + 1)
    backlog = np.searchsorted(arrived, ends) - np.searchsorted(np.sort(began), ends)
    return Shift(backlog, arrived, began - arrived)


def attacked_shifts(
    calm: float,
    storm: float,
    window: tuple[int, int],
    treats: float,
    servers: int,
    rng: np.random.Generator,
    runs: int = 20,
) -> np.ndarray:
    """Backlogs (runs, minutes) of shifts of eight hours in which `storm` cases a minute arrive inside the window (from
    minute to minute), and `calm` outside."""
    minute = np.arange(SHIFT)
    inside = (minute >= window[0]) & (minute < window[1])
    arrivals = np.where(inside, storm, calm)
    return np.array([simulate(arrivals, treats, servers, rng).backlog for _ in range(runs)])

"""The paging chapter's compiled loops beside libcachesim: requests per second and equal miss counts, in one run.

    pip install libcachesim            # in an environment of its own or beside this one; no dependency of the book
    OMP_NUM_THREADS=1 python benchmarks/paging.py

prints the table of benchmarks/README.md, in a minute or two. Nothing here is a timed test. libcachesim reads the
trace from a file of its "oracleGeneral" format (time, object, size, next use), which is written first and not timed.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from timing import best

from foretold.papers import paging
from foretold.papers.paging import data
from foretold.papers.paging.idea import policies

REQUESTS, OBJECTS, SIZES, REPEATS = 5_000_000, 100_000, (1_000, 10_000), 5


def write(trace: np.ndarray, path: Path) -> None:
    """The trace in libcachesim's oracleGeneral form; a next use of -1 says never again."""
    following = policies.next_uses(trace, int(trace.max()) + 1)
    rows = np.empty(len(trace), dtype=[("time", "<u4"), ("object", "<u8"), ("size", "<u4"), ("next", "<i8")])
    rows["time"], rows["object"], rows["size"] = np.arange(len(trace)), trace + 1, 1
    rows["next"] = np.where(following < len(trace), following, -1)
    rows.tofile(path)


def peer(path: Path, policy: str, size: int) -> Callable[[], int]:
    """A call that runs a policy of libcachesim over the file, all in its C code, and returns its misses."""
    import libcachesim

    def run() -> int:
        reader = libcachesim.TraceReader(str(path), libcachesim.TraceType.ORACLE_GENERAL_TRACE)
        cache = getattr(libcachesim, policy)(cache_size=size)
        return round(cache.process_trace(reader)[0] * REQUESTS)

    return run


def peer_by_request(trace: np.ndarray, policy: str, size: int) -> Callable[[], int]:
    """The same, each request handed over from Python: what one does with a trace in memory."""
    import libcachesim

    following = policies.next_uses(trace, int(trace.max()) + 1).astype(np.int64)
    following = np.where(following < len(trace), following, np.iinfo(np.int64).max).tolist()

    def run() -> int:
        cache, request, hits = getattr(libcachesim, policy)(cache_size=size), libcachesim.Request(), 0
        request.obj_size = 1
        for page, then in zip(trace.tolist(), following, strict=True):
            request.obj_id, request.next_access_vtime = page + 1, then
            hits += cache.get(request)
        return len(trace) - hits

    return run


def main() -> None:
    trace = data.zipf(REQUESTS, OBJECTS, np.random.default_rng(1))
    rng = np.random.default_rng(2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = []
    for k in SIZES:
        discard, phase = paging.discard_bits(trace, k), paging.phase_bits(trace, k)
        noisy = paging.flip_bits(discard, 0.05, rng), paging.flip_bits(phase, 0.05, rng)
        for policy in paging.POLICIES:
            bits = None if policy in paging.WITHOUT_BITS else noisy[policy == "mark_predict"]
            call = partial(paging.simulate, policy, trace, k, bits, rng)
            call()  # compiles, where no compiled version is kept
            seconds, misses = best(call, REPEATS)
            rows.append([k, policy, misses, REQUESTS / seconds / 1e6])
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**10
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "zipf.oracleGeneral"
        write(trace, path)
        for row in rows:
            k, policy, misses, _ = row
            theirs = {"lru": "LRU", "belady": "Belady"}.get(policy)
            for call, repeats in ((peer(path, theirs, k), 3), (peer_by_request(trace, theirs, k), 1)) if theirs else ():
                seconds, other = best(call, repeats)
                assert other == misses, f"{policy}, k = {k}: {misses} misses here, {other} there"
                row.append(REQUESTS / seconds / 1e6)
    size = trace.nbytes / 2**20
    print(f"Python {sys.version.split()[0]}; memory beyond the trace of {size:.0f} MiB: {memory:.0f} MiB at most")
    print("| k | policy | misses | ours | libcachesim, from a file | times | libcachesim, by request | times |")
    print("|---:|---|---:|---:|---:|---:|---:|---:|")
    for k, policy, misses, ours, *theirs in rows:
        others = " | ".join(f"{rate:.2f} | {ours / rate:.0f}" for rate in theirs) or " | | |"
        print(f"| {k:,} | {policy} | {misses:,} | {ours:.1f} | {others} |")


if __name__ == "__main__":
    main()

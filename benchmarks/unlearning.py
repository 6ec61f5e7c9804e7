"""The unlearning chapter's simulation beside the ways one would write it first: runs per second, the same distribution.

    OMP_NUM_THREADS=1 python benchmarks/unlearning.py

prints the table of benchmarks/README.md, in about a minute. Nothing here is a timed test. All four draw every deletion;
means are asserted to be the theory's within 5 standard errors, and the distributions to be ours (Kolmogorov-Smirnov).
"""

from __future__ import annotations

import random
import sys
from functools import partial

import numpy as np
from scipy import stats
from timing import best

from foretold.papers import unlearning

SIZES = ((5, 4, 1), (5, 4, 4), (5, 6, 6), (20, 10, 10))


def simulated(size: tuple[int, int, int]) -> np.ndarray:
    return unlearning.simulate_deletions(*size, 1_000_000, np.random.default_rng(1))


def literal(shards: int, slices: int, budget: int, runs: int, seed: int) -> np.ndarray:
    """Python as the definition reads: cut the prefixes of every sequence of the shard that was hit."""
    draw, sequences = random.Random(seed), unlearning.cyclic_sequences(slices, budget)
    times = []
    for _ in range(runs):
        left, alive, count = [[slices] * len(sequences) for _ in range(shards)], shards, 0
        while alive:
            shard, hit = draw.randrange(shards), draw.randrange(slices)
            count += 1
            before = max(left[shard])
            for i, sequence in enumerate(sequences):
                left[shard][i] = min(left[shard][i], sequence.index(hit))
            alive -= before > 0 and max(left[shard]) == 0
        times.append(count)
    return np.array(times)


def sets(shards: int, slices: int, budget: int, runs: int, seed: int) -> np.ndarray:
    """Python that knows the theory: a set of heads that were not hit yet."""
    draw, cells, heads = random.Random(seed), shards * slices, range(shards * min(budget, slices))
    times = []
    for _ in range(runs):
        missing, count = set(heads), 0
        while missing:
            missing.discard(int(draw.random() * cells))
            count += 1
        times.append(count)
    return np.array(times)


def vectorised(shards: int, slices: int, budget: int, runs: int, seed: int) -> np.ndarray:
    """numpy: all runs take a step together, those that are through drop out."""
    rng, heads = np.random.default_rng(seed), shards * min(budget, slices)
    times, open_runs = np.zeros(runs, np.int64), np.arange(runs)
    hit, left, count = np.zeros((runs, shards * slices), bool), np.full(runs, heads), 0
    while len(open_runs):
        count += 1
        cell = rng.integers(0, shards * slices, len(open_runs))
        left[open_runs] -= (cell < heads) & ~hit[open_runs, cell]
        hit[open_runs, cell] = True
        done = left[open_runs] == 0
        times[open_runs[done]] = count
        open_runs = open_runs[~done]
    return times


def main() -> None:
    print(f"Python {sys.version.split()[0]}; seconds for a million runs, those of the slower ways scaled up")
    others = "".join(f" {name} | times |" for name in ("numpy, together", "Python, sets", "Python, literal"))
    print(f"| m, L, B | mean deletions | theory | ours |{others}")
    print("|---|" + "---:|" * 9)
    for size in SIZES:
        ours = partial(simulated, size)
        ours()  # compiles, where no compiled version is kept
        seconds, times = best(ours, 3)
        theory = unlearning.expected_deletions(*size)
        assert abs(times.mean() - theory) <= 5 * times.std() / 1_000
        cells = [f"{size[0]}, {size[1]}, {size[2]}", f"{times.mean():.2f}", f"{theory:.2f}", f"{seconds:.2f}"]
        for other, runs in ((vectorised, 100_000), (sets, 5_000), (literal, 1_000)):
            slow, theirs = best(partial(other, *size, runs, 2), 1)
            assert stats.ks_2samp(times[:100_000], theirs).pvalue > 1e-4, (size, other.__name__)
            slow *= 1_000_000 / runs
            cells += [f"{slow:,.1f}", f"{slow / seconds:,.0f}"]
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()

"""The scaling chapter's fits and trajectories beside the usual way: the same optimum, the same roots, in one run.

    OMP_NUM_THREADS=1 FORETOLD_DATA=folder python benchmarks/scaling.py

prints the table of benchmarks/README.md. FORETOLD_DATA is needed for the rows on public data; without it the fits run
on simulated points. Nothing here is a timed test. The usual way is scipy's L-BFGS-B with numerical
gradients from a grid of starts, as in published replications, here on 400 of their 4,500 starts.
"""

from __future__ import annotations

import itertools
import sys

import numpy as np
import scipy
from scipy.optimize import brentq, minimize
from timing import best

import foretold
from foretold.kit import powerlaws
from foretold.papers import scaling
from foretold.papers.scaling import data, experiment

# Hoffmann et al. (2022), Appendix D.3: e, a, b, alpha, beta; a part of the 4,500.
GRID = list(itertools.product((-1, 0, 1), (0, 5, 10, 15, 20), (0, 5, 10, 15, 20), (0, 0.5, 1, 2), (0, 0.5, 1, 2)))[::3]


def usual(x: np.ndarray, y: np.ndarray, loss: np.ndarray, starts: list[tuple[float, ...]]) -> tuple[float, int]:
    """Smallest objective of L-BFGS-B over the starts, and how many of them came within 1% of it."""
    u, v, target = np.log(x), np.log(y), np.log(loss)

    def objective(p: np.ndarray) -> float:
        model = np.logaddexp(np.logaddexp(p[0], p[1] - p[3] * u), p[2] - p[4] * v)
        return powerlaws.huber(model - target, 1e-3).sum()

    found = np.array([minimize(objective, start, method="L-BFGS-B").fun for start in starts])
    return float(found.min()), int((found < 1.01 * found.min()).sum())


def problems() -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(x, y, loss) by name."""
    if foretold.data.available("chinchilla-points") and foretold.data.available("gemstones-hot"):
        stones = data.gemstones(foretold.data.fetch("gemstones-hot"))
        columns = tuple(stones[name].to_numpy() for name in ("n", "steps", "loss"))
        return {"Chinchilla": data.chinchilla(foretold.data.fetch("chinchilla-points")), "Gemstones": columns}
    rng = np.random.default_rng(0)
    n, d = 10 ** rng.uniform(7.5, 10, 240), 10 ** rng.uniform(9, 12, 240)
    loss = (1.8 + 480 / n**0.35 + 2_100 / d**0.37) * np.exp(0.01 * rng.standard_t(3, 240))
    return {"simulated": (n, d, loss)}


def main() -> None:
    """Measure everything and print the table."""
    print(f"Python {sys.version.split()[0]}, numpy {np.__version__}, scipy {scipy.__version__}")
    print("| what | points | the usual way | seconds | ours, seconds | times | result |")
    print("|---|---:|---|---:|---:|---:|---|")
    for name, (x, y, loss) in problems().items():
        ours, fitted = best(lambda x=x, y=y, loss=loss: powerlaws.fit((x, y), loss))
        theirs, (least, good) = best(lambda x=x, y=y, loss=loss: usual(x, y, loss, GRID), 1)
        reached = fitted.objective[0]
        assert reached <= least * (1 + 1e-6), f"{name}: {reached} here, {least} there"
        way = f"L-BFGS-B, {len(GRID)} starts, {good} within 1%"
        result = f"minimum {reached:.9f}; there {least:.9f}"
        print(f"| {name}, one fit | {len(x)} | {way} | {theirs:.1f} | {ours:.3f} | {theirs / ours:,.0f} | {result} |")
        weights = experiment.resample(np.arange(len(x)), 200, np.random.default_rng(0))
        ours, _ = best(lambda x=x, y=y, loss=loss, w=weights: powerlaws.fit((x, y), loss, weights=w, keep=1), 1)
        rest = f"{theirs * 201:,.0f} (201 times the line above)"
        print(f"| {name}, 200 resamples | {len(x)} | the same | {rest} | {ours:.2f} | {theirs * 201 / ours:,.0f} | |")
    rng, count = np.random.default_rng(1), 200_000
    n, s, b = (10 ** rng.uniform(*span, count) for span in ((5, 12), (2, 7), (3, 9)))
    law = scaling.KAPLAN

    def root(n: float, s: float, b: float) -> float:
        rest, fast = (law.n_c / n) ** law.alpha_n, law.s_c / s
        extra, power = law.b_star / b, -1 / law.alpha_b
        return brentq(lambda x: x - rest - (fast * (1 + extra * x**power)) ** law.alpha_s, 1e-3, 1e6, xtol=1e-13)

    ours, found = best(lambda: scaling.trajectory(n, s, b, law))
    some = slice(0, 5_000)
    theirs, other = best(lambda: np.array([root(*case) for case in zip(n[some], s[some], b[some], strict=True)]), 1)
    theirs *= count / 5_000
    gap = np.abs(found[some] / other - 1).max()
    assert gap < 1e-10, gap
    way = "brentq in a loop (5,000 of them, scaled)"
    result = f"largest relative difference {gap:.0e}"
    print(f"| trajectories | {count:,} | {way} | {theirs:.1f} | {ours:.3f} | {theirs / ours:,.0f} | {result} |")


if __name__ == "__main__":
    main()

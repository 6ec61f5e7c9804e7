"""The prediction-sets chapter's joint optimum beside the integer program that it replaces: seconds and equal totals.

    OMP_NUM_THREADS=1 python benchmarks/prediction_sets.py

prints the table of benchmarks/README.md, in a minute or two. Nothing here is a timed test. The integer program is
solved by HiGHS (scipy.optimize.milp), until it has the optimum or its time is up; the seconds include building it.
"""

from __future__ import annotations

import functools
import sys
import time

import numpy as np
import scipy
from timing import best

from foretold.papers import prediction_sets
from foretold.papers.prediction_sets import idea
from foretold.papers.prediction_sets.theory import oracles

LIMIT = 15.0  # seconds that HiGHS gets
CASES = [(10, 2, 4), (10, 2, 10), (20, 2, 10), (60, 2, 4), (60, 1, 100), (60, 2, 100), (60, 3, 100), (60, 4, 100)]


def main() -> None:
    print(f"Python {sys.version.split()[0]}, numpy {np.__version__}, scipy {scipy.__version__}")
    print("| nodes | holes | thresholds | kept nodes in all | bound | ours, ms | HiGHS, ms | times |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for nodes, holes, thresholds in CASES:
        tree = oracles.random_tree(nodes, np.random.default_rng(nodes))
        budgets = np.linspace(tree.costs.sum(), 0, thresholds, endpoint=False)
        call = functools.partial(prediction_sets.nested_partial_programs, tree, budgets, holes)
        call()  # compiles, where no compiled version is kept
        seconds, parts = best(call, 5)
        total = sum(part.size for part in parts)
        bound = int(idea.optima(tree.costs, tree.ends, budgets, holes).sum())
        began = time.perf_counter()
        try:
            solved = int(oracles.integer_program(tree, budgets, holes, LIMIT).sum())
        except RuntimeError:
            other = f"beyond {1_000 * LIMIT:,.0f} | more than {LIMIT / seconds:,.0f}"
        else:
            took = time.perf_counter() - began
            assert solved == total, f"{nodes} nodes, {holes} holes: {total} here, {solved} there"
            other = f"{1_000 * took:,.0f} | {took / seconds:,.0f}"
        print(
            f"| {nodes} | {holes} | {thresholds} | {total:,} | {bound:,} | {1_000 * seconds:.2f} | {other} |",
            flush=True,
        )


if __name__ == "__main__":
    main()

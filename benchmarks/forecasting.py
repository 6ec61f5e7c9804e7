"""The forecasting chapter's exact sign-flip test beside scipy's permutation test, and its power beside statsmodels'.

    OMP_NUM_THREADS=1 python benchmarks/forecasting.py

prints the table of benchmarks/README.md, in about a minute. Nothing here is a timed test.
"""

from __future__ import annotations

import numpy as np
from scipy import stats
from statsmodels.stats.power import TTestPower
from timing import best

from foretold.papers import forecasting


def scipy_test(d: np.ndarray, patterns: float, rng: np.random.Generator | None = None) -> float:
    """p of scipy's paired permutation test; all patterns if `patterns` is infinite."""
    asked = {"permutation_type": "samples", "n_resamples": patterns, "vectorized": True, "batch": 10_000}
    return stats.permutation_test(
        (d, np.zeros(len(d))), lambda a, b, axis: np.mean(a - b, axis=axis), rng=rng, **asked
    ).pvalue


def main() -> None:
    rng = np.random.default_rng(1)
    print("| quantity | n | ours, s | peer, s | times | p ours | p peer |")
    print("|---|---:|---:|---:|---:|---|---|")
    for n in (10, 16, 18):
        d = rng.normal(0.3, 1, n)
        ours, mine = best(lambda d=d: forecasting.sign_flip_test(d).p, 3)
        theirs, other = best(lambda d=d: scipy_test(d, np.inf), 1)
        assert abs(mine - other) < 1e-12, (mine, other)
        print(
            f"| all sign patterns | {n} | {ours:.5f} | {theirs:.4f} | {theirs / ours:,.0f} | {mine:.6f} | {other:.6f} |"
        )
    for n in (23, 40):
        d = rng.normal(0.3, 1, n)
        ours, mine = best(lambda d=d: forecasting.sign_flip_test(d).p, 3)
        print(f"| all sign patterns | {n} | {ours:.5f} | 2^{n} patterns: not run | | {mine:.6f} | |")
    d = rng.normal(0.25, 1, 57)
    ours, mine = best(lambda: forecasting.sign_flip_test(d, 100_000, rng).p, 3)
    theirs, other = best(lambda: scipy_test(d, 99_999, rng), 1)
    assert abs(mine - other) < 5 * np.sqrt(2 * mine * (1 - mine) / 1e5), (mine, other)
    print(
        f"| 100,000 drawn patterns | 57 | {ours:.4f} | {theirs:.2f} | {theirs / ours:,.0f} | {mine:.5f} | {other:.5f} |"
    )
    ours, mine = best(lambda: forecasting.sample_size(0.05, 0.18), 3)
    theirs, other = best(lambda: TTestPower().solve_power(0.05 / 0.18, power=0.8, alpha=0.05), 3)
    assert mine == int(np.ceil(other)), (mine, other)
    print(f"| questions for 80% power | | {ours:.4f} | {theirs:.4f} | {theirs / ours:.1f} | {mine} | {other:.3f} |")


if __name__ == "__main__":
    main()

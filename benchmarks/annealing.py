"""The annealing chapter's areas and fit beside the naive ways, in one run: seconds and equal results.

    OMP_NUM_THREADS=1 python benchmarks/annealing.py

prints the tables of benchmarks/README.md, in about a minute. Nothing here is a timed test. The 27 curves are no part of
the repository; without them (FORETOLD_DATA) the fit is compared on the forty points of the paper only.
"""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
from scipy import optimize
from timing import best

import foretold
from foretold.kit import schedules
from foretold.papers import annealing
from foretold.papers.annealing import data
from foretold.papers.annealing.idea import Floats


def double_sum(lr: list[float], decay: float, last: int) -> float:
    """S2 after step `last` as the paper writes it, in plain Python."""
    return sum((lr[k - 1] - lr[k]) * decay ** (i - k) for i in range(last + 1) for k in range(1, i + 1))


def double_sum_numpy(lr: Floats, decay: float, last: int) -> float:
    """The same, the inner sum a product of two arrays."""
    falls, powers = lr[:-1] - lr[1:], decay ** np.arange(last + 1)
    return float(sum(falls[:i] @ powers[i - 1 :: -1] for i in range(1, last + 1)))


def loop(lr: list[float], decay: float) -> float:
    """The recursion, in plain Python."""
    momentum = total = 0.0
    for before, now in pairwise(lr):
        momentum = decay * momentum + before - now
        total += momentum
    return total


def areas() -> None:
    rates, decay = schedules.cosine(72_000, 3e-4, 2_160, 0.1), 0.999
    ours, found = best(lambda: annealing.areas(rates, decay)[1][-1], 50)
    rows = [("one filter (ours)", ours, found)]
    rows.append(("recursion, plain Python", *best(lambda: loop(rates.tolist(), decay))))
    rows.append(("double sum, numpy", *best(lambda: double_sum_numpy(rates, decay, 71_999), 1)))
    short = [best(lambda n=n: double_sum(rates[:n].tolist(), decay, n - 1), 1) for n in (2_000, 4_000)]
    assert abs(short[1][1] - annealing.areas(rates[:4_000], decay)[1][-1]) < 1e-12 * 3e-4 / (1 - decay)
    growth = short[1][0] / short[0][0]
    print("| S2 of 72,000 steps | seconds | times ours | S2 |\n|---|---:|---:|---|")
    for name, seconds, value in rows:
        assert abs(value - found) < 1e-9 * abs(found), name
        print(f"| {name} | {seconds:.5f} | {seconds / ours:,.0f} | {value:.9f} |")
    whole = short[1][0] * 18**2
    print(f"| double sum, plain Python, extrapolated | {whole:.0f} | {whole / ours:,.0f} | |")
    print(f"(measured: {short[1][0]:.2f} s for 4,000 steps, {growth:.1f} times that of 2,000)\n")


def many_starts(s1: Floats, s2: Floats, losses: Floats, analytic: bool) -> tuple[float, float, int]:
    """The best sum of Huber losses of L-BFGS-B from 54 starts (times 1e6: it stops too early else), on an analytic
    gradient or on finite differences; the alpha there; and how many starts end within 0.1% of it."""
    logs, log_s1 = np.log(losses), np.log(s1)

    def value(x: Floats) -> tuple[float, Floats]:
        power = np.exp(np.minimum(-x[3] * log_s1, 300))
        predicted = np.maximum(x[0] + x[1] * power - x[2] * s2, 1e-9)
        left = np.log(predicted) - logs
        size = np.abs(left)
        total = np.where(size <= 1e-3, left**2 / 2, 1e-3 * (size - 5e-4)).sum()
        slope = np.clip(left, -1e-3, 1e-3) / predicted
        gradient = [slope.sum(), slope @ power, -slope @ s2, -slope @ (x[1] * power * log_s1)]
        return 1e6 * total, 1e6 * np.array(gradient)

    found = []
    for start in product((0.1, 2.1), (1, 11.5, 22), (1, 11.5, 22), (0, 0.4, 0.8)):
        options = {"maxiter": 20_000, "maxfun": 100_000, "ftol": 1e-9}
        if not analytic:
            options["eps"] = 1e-8
        goal = value if analytic else lambda x: value(x)[0]
        done = optimize.minimize(goal, start, jac=analytic, method="L-BFGS-B", bounds=[(0, None)] * 4, options=options)
        found.append((done.fun / 1e6, done.x[3]))
    least = min(found)
    return *least, sum(one[0] <= 1.001 * least[0] for one in found)


def fits() -> None:
    sets = {"40 points of Fig. 2": (list(data.published_points().values()), 500, False)}
    try:
        if foretold.data.available("annealing-100-cosine-24000"):
            curves = [data.load(name, foretold.data.fetch(data.entry(100, name))) for name in data.TRAIN]
            sets[f"3 curves of 100M, {sum(len(c[1]) for c in curves)} points"] = (curves, data.WARMUP, True)
    except (ValueError, ConnectionError) as error:
        print(error)
    print(
        "| fit, lambda = 0.999 | method | seconds | times ours | sum of Huber losses | alpha | starts that get there |"
    )
    print("|---|---|---:|---:|---|---|---:|")
    for name, (curves, warmup, ramp) in sets.items():
        ours, law = best(lambda c=curves, w=warmup, r=ramp: annealing.fit(c, warmup=w, ramp=r))
        found = annealing.areas_with_ramp if ramp else annealing.areas
        parts = [np.stack(found(lr, 0.999, warmup))[:, np.minimum(steps, len(lr) - 1)] for lr, steps, _ in curves]
        s1, s2 = np.concatenate(parts, axis=1)
        losses = np.concatenate([curve[2] for curve in curves])
        print(f"| {name} | variable projection (ours) | {ours:.4f} | 1 | {law.objective:.5e} | {law.alpha:.4f} | |")
        for way in (False, True):
            theirs, (least, alpha, reached) = best(lambda a=s1, b=s2, c=losses, way=way: many_starts(a, b, c, way), 2)
            assert law.objective <= 1.001 * least, (law.objective, least)
            row = f"{theirs:.2f} | {theirs / ours:.0f} | {least:.5e} | {alpha:.4f} | {reached} of 54"
            print(f"| {name} | L-BFGS-B, {'analytic gradient' if way else 'finite differences'} | {row} |")
    points, decays = data.published_points(), 1 - 1 / np.geomspace(200, 5_000, 33)
    alphas = np.linspace(0.5, 0.62, 61)
    seconds, _ = best(lambda: annealing.profile(points, alphas, decays, warmup=500))
    print(f"\nprofile of 40 points over 33 decays and 61 alphas in one call: {seconds:.3f} s")


if __name__ == "__main__":
    areas()
    fits()

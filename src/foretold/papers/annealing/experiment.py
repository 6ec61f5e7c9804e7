"""Experiments of the annealing chapter: intervals by resampling, six schedules trained live, what the law says about
schedules that nobody has run, and the schedule that it likes best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from foretold.kit import gpt, schedules
from foretold.kit.uncertainty import Interval, percentile_interval
from foretold.papers.annealing import data, idea
from foretold.papers.annealing.idea import AnnealingLaw, Curve, Fit, Floats

PRINTED = AnnealingLaw(L0=2.628, A=0.429, alpha=0.550, C=0.411)  # the constants printed in Fig. 2
PARAMETERS = ("L0", "A", "alpha", "C")
BLOCK = 4  # neighbouring residuals that are drawn together
DESCENT = 400  # rounds of the descent on a schedule
# Lambda for short runs: windows 1 / (1 - lambda) from 20 to 1,000 steps.
SHORT = tuple(1 - 1 / window for window in (20, 33, 50, 100, 150, 200, 300, 500, 1_000))
TITLES = {
    "constant": "constant",
    "cosine": "cosine to 0",
    "cosine_10": "cosine to 10%",
    "wsd": "constant, last 20% linear to 0",
    "multistep": "80/10/10: to 32%, to 10%",
    "cyclic": "three cosines, re-warmed",
}
FITTED = ("constant", "cosine")
UNSEEN = ("cosine_10", "wsd", "multistep", "cyclic")


def six_schedules(steps: int, peak: float, warmup: int) -> dict[str, Floats]:
    """Six schedules of equal length by the names of `TITLES`."""
    return {
        "constant": schedules.constant(steps, peak, warmup),
        "cosine": schedules.cosine(steps, peak, warmup),
        "cosine_10": schedules.cosine(steps, peak, warmup, final=0.1),
        "wsd": schedules.wsd(steps, peak, warmup),
        "multistep": schedules.multistep(steps, peak, warmup),
        "cyclic": schedules.cyclic(steps, peak, warmup),
    }


def curves_of(trained: gpt.Training, names: Sequence[str], after: int) -> dict[str, Curve]:
    """The validation losses of a training as curves, from step `after` on."""
    kept = trained.steps >= after
    rows = zip(names, trained.schedules, trained.losses, strict=True)
    return {name: (rates, trained.steps[kept], losses[kept]) for name, rates, losses in rows}


def resampled(
    curves: Mapping[str, Curve], runs: int, rng: np.random.Generator, warmup: int
) -> tuple[pd.DataFrame, list[Fit]]:
    """Refit `runs` times after drawing the residuals anew, in blocks of neighbours because they are alike: a table with
    a row a run, and the laws."""
    law = idea.fit(curves, warmup=warmup)
    begin = np.cumsum([0, *(len(losses) for _, _, losses in curves.values())])
    drawn = []
    for _ in range(runs):
        made = {}
        for first, last, (name, (rates, steps, _)) in zip(begin, begin[1:], curves.items(), strict=False):
            noise = _in_blocks(law.residuals[first:last], rng)
            made[name] = (rates, steps, law.predict(rates, steps, warmup) * np.exp(-noise))
        drawn.append(idea.fit(made, warmup=warmup))
    return pd.DataFrame([{name: getattr(one, name) for name in (*PARAMETERS, "decay")} for one in drawn]), drawn


def _in_blocks(values: Floats, rng: np.random.Generator) -> Floats:
    """As many values drawn anew, in blocks of neighbours."""
    starts = rng.integers(0, len(values) - BLOCK + 1, -(-len(values) // BLOCK))
    return values[starts[:, None] + np.arange(BLOCK)].ravel()[: len(values)]


def windows_resampled(
    trained: gpt.Training,
    names: Sequence[str],
    after: int,
    runs: int,
    rng: np.random.Generator,
    *,
    decay: float,
    warmup: int,
) -> Floats:
    """Mean relative error on the unseen schedules in per cent, with the annealing term and without, after the
    validation windows were drawn anew and both laws refitted: shape (runs, 2)."""
    found = []
    for _ in range(runs):
        drawn = rng.integers(0, trained.window_losses.shape[2], trained.window_losses.shape[2])
        curves = curves_of(replace(trained, losses=trained.window_losses[:, :, drawn].mean(2)), names, after)
        fitted, unseen = ({name: curves[name] for name in group} for group in (FITTED, UNSEEN))
        law = idea.fit(fitted, decay, warmup=warmup)
        without = idea.fit(fitted, decay, warmup=warmup, annealing=False)
        found.append(judge(law, without, unseen, warmup)[["error", "error without"]].mean())
    return np.array(found)


def re_warming(trained: gpt.Training, names: Sequence[str], warmup: int) -> tuple[float, float, tuple[int, int]]:
    """By how much the loss of the cyclic schedule rises while the rate goes back up after its first cosine: the mean
    over the validation windows, its standard error, and the two steps compared."""
    before, after, steps = around_re_warming(trained, names, warmup)
    rise = after - before
    return float(rise.mean()), float(rise.std() / np.sqrt(len(rise))), steps


def around_re_warming(
    trained: gpt.Training, names: Sequence[str], warmup: int
) -> tuple[Floats, Floats, tuple[int, int]]:
    """Losses of the cyclic schedule's validation windows, (windows,), when the rate is lowest after its first cosine
    and when it is back up, and the two steps."""
    row, total = list(names).index("cyclic"), trained.schedules.shape[1]
    cycle = (total - warmup) / schedules.CYCLES
    low = warmup + cycle
    first, last = (int(np.abs(trained.steps - at).argmin()) for at in (low, low + schedules.REWARM * cycle))
    losses = trained.window_losses[row]
    return losses[first], losses[last], (int(trained.steps[first]), int(trained.steps[last]))


def judge(law: AnnealingLaw, without: AnnealingLaw, curves: Mapping[str, Curve], warmup: int) -> pd.DataFrame:
    """Mean relative error of a law on each curve, in per cent, beside a law without the annealing term; and predicted
    minus observed loss at the end, in nats."""
    rows = []
    for name, (rates, steps, losses) in curves.items():
        predicted, other = (one.predict(rates, steps, warmup) for one in (law, without))
        rows.append(
            {
                "schedule": name,
                "error": 100 * np.mean(np.abs(predicted / losses - 1)),
                "error without": 100 * np.mean(np.abs(other / losses - 1)),
                "last": predicted[-1] - losses[-1],
                "observed": losses[-1],
            }
        )
    return pd.DataFrame(rows).set_index("schedule")


# A rival


def multi_power_law(lr: Floats, steps: Floats, parameters: tuple[float, ...]) -> Floats:
    """The Multi-Power Law's loss: L0 + A S1^-alpha - B sum_k (eta_(k-1) - eta_k) G(eta_k^-gamma S_k), where S_k is the
    sum of the rates from step k on, and G(x) = 1 - (1 + C x)^-beta. The sum begins with the warm-up (eta before step 0
    is 0), which leaves an offset of B times the peak in L0. `parameters` are L0, A, alpha, B, C, beta, gamma."""
    floor, gain, alpha, slope, scale, beta, gamma = parameters
    s1, falls = np.cumsum(lr), -np.diff(lr, prepend=0.0)
    moved = np.flatnonzero(falls)
    before = s1[moved] - lr[moved]
    dropped = np.empty(len(steps))
    for i, step in enumerate(steps):
        k = moved[: np.searchsorted(moved, step, side="right")]
        area = lr[k] ** -gamma * (s1[step] - before[: len(k)])
        dropped[i] = np.sum(falls[k] * (1 - (1 + scale * area) ** -beta))
    return floor + gain * s1[steps] ** -alpha - slope * dropped


# What the law says about schedules that nobody has run


def final(law: AnnealingLaw, rates: Floats) -> float:
    """Predicted loss at the end of a schedule."""
    return float(law.predict(rates, len(rates)))


def by_share(law: AnnealingLaw, steps: int, shares: Sequence[float] | Floats, shapes: Sequence[str]) -> pd.DataFrame:
    """Predicted final loss of "constant, then down" at the paper's peak, for each share and shape of the decay."""
    peak = data.FIG2_PEAK
    rows = {shape: [final(law, schedules.wsd(steps, peak, 0, share, shape)) for share in shares] for shape in shapes}
    return pd.DataFrame(rows, index=pd.Index(shares, name="share"))


def best_share(law: AnnealingLaw, steps: int) -> float:
    """The share of the steps that half a cosine down to 0 should take, to half a per cent."""
    shares = np.arange(0.01, 0.6, 0.005)
    return float(shares[by_share(law, steps, shares, ["cosine"])["cosine"].argmin()])


def difference(laws: Sequence[AnnealingLaw], first: Floats, second: Floats) -> tuple[float, Interval]:
    """Predicted final loss of one schedule minus that of another: by the first law, and the middle 95% over all."""
    gaps = [final(law, first) - final(law, second) for law in laws]
    low, high = percentile_interval(gaps)
    return gaps[0], (min(low, gaps[0]), max(high, gaps[0]))


def chinchilla_r2(losses: Floats, ends: Floats, exponents: Floats) -> float:
    """R2 of the best L0' + A' s^-b through losses after `ends` steps, both of shape (n,), over a grid of exponents b:
    for each b a straight line by least squares."""
    powers = np.asarray(ends, dtype=float) ** -exponents[:, None]
    centred, left = powers - powers.mean(1, keepdims=True), losses - losses.mean()
    explained = (centred @ left) ** 2 / np.sum(centred**2, axis=1)
    return float(explained.max() / np.sum(left**2))


# The schedule that the law likes best


def worth(law: AnnealingLaw, drops: Floats, peak: float) -> tuple[float, Floats]:
    """Predicted final loss of a schedule that falls from `peak` by drops[k] at step k, shape (T,), and its derivative
    with respect to each drop."""
    after = len(drops) - np.arange(len(drops))  # steps that a drop at k leaves
    s1 = peak * len(drops) - drops @ after
    gains = (1 - law.decay**after) / (1 - law.decay)
    loss = law.L0 + law.A * s1**-law.alpha - law.C * (drops @ gains)
    return float(loss), law.A * law.alpha * s1 ** (-law.alpha - 1) * after - law.C * gains


def descend(law: AnnealingLaw, steps: int, peak: float, kept: Sequence[int]) -> dict[int, Floats]:
    """Improve a schedule by exponentiated gradient, from a straight line to 0: its rates after the rounds `kept` and
    after the last one, by round. The drops are the variables, they stay at least 0 and their sum at most the peak."""
    drops = np.full(steps + 1, peak / steps)
    drops[0] = drops[-1] = 1e-9 * peak  # no drop at step 0; the last entry is what is never dropped
    loss, slope = worth(law, drops[:-1], peak)
    rate, found = 1.0, {}
    for number in range(DESCENT + 1):
        if number in (*kept, DESCENT):
            found[number] = np.cumsum(drops[::-1])[-2::-1]  # a rate is what is still to be dropped
        while rate > 1e-12:
            tried = _multiplied(drops, -rate * slope, peak)
            new, steeper = worth(law, tried[:-1], peak)
            if new <= loss:
                drops, loss, slope, rate = tried, new, steeper, 2 * rate
                break
            rate /= 4
    return found


def _multiplied(drops: Floats, push: Floats, peak: float) -> Floats:
    """Drops (T + 1,) multiplied by exp(push), (T,), but for the first and the last; then all by what makes their sum
    the peak."""
    push = np.concatenate([[0.0], push[1:], [0.0]])
    tried = drops * np.exp(push - push.max())
    return tried * (peak / tried.sum())


def best_drop(law: AnnealingLaw, steps: int, peak: float) -> tuple[int, float, float]:
    """The best single drop to zero: how many steps before the end, the predicted loss, and by how much, in nats, any
    other schedule that never rises could still be better (from the optimality condition of a convex problem)."""
    left = np.arange(1, steps)
    gains = (1 - law.decay**left) / (1 - law.decay)
    losses = law.L0 + law.A * (peak * (steps - left)) ** -law.alpha - law.C * peak * gains
    n = int(left[losses.argmin()])
    drops = np.zeros(steps)
    drops[steps - n] = peak
    loss, slope = worth(law, drops, peak)
    return n, loss, float(peak * (slope[steps - n] - min(slope[1:].min(), 0)))

"""The scaling chapter's experiment: curves of many sizes and batches, trained or simulated, and the recipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from scipy.optimize import isotonic_regression

from foretold.kit import gpt, powerlaws, schedules
from foretold.kit.uncertainty import Z
from foretold.papers.scaling import idea

CONTEXT, WARMUP = 32, 30  # tokens of a window, and steps in which the learning rate rises
Bounded = tuple[float, float, float]  # an estimate and its 95% interval


@dataclass(frozen=True)
class Curve:
    """One run: parameters without embeddings, tokens a batch, steps (E,) and losses (E,) in nats a token."""

    n: float
    batch: float
    steps: np.ndarray
    losses: np.ndarray
    rate: float = 0.0
    seed: int = 0

    def after(self, step: int) -> Curve:
        """The part from `step` on: warm-up and the first drop are no part of a power law."""
        kept = self.steps >= step
        return replace(self, steps=self.steps[kept], losses=self.losses[kept])


@dataclass(frozen=True)
class Runs:
    """Runs of one size and batch, one for each learning rate and seed: `width` of two layers, `batch` windows of 32
    tokens a step, `every` so many steps a validation."""

    width: int
    batch: int
    steps: int
    rates: Sequence[float]
    seeds: int = 1
    every: int = 10


def train(text: gpt.Corpus, runs: Runs, generator: torch.Generator, device: str | torch.device = "cpu") -> list[Curve]:
    """The curves of small transformers, all trained at once, rate by rate.

    The first weights are wider than GPT-2's and gradients are clipped: both make small runs less a matter of luck.
    Wrong values raise ValueError, as in `foretold.kit.gpt.train`.
    """
    config = gpt.Config(2, runs.width, max(1, runs.width // 16), CONTEXT, text.vocabulary, "relu", std=0.08)
    alike = runs.seeds == 1
    plan = gpt.Plan(runs.batch, runs.every, same_start=alike, same_order=alike, clip=1.0)
    rates = np.repeat([schedules.constant(runs.steps, rate, WARMUP) for rate in runs.rates], runs.seeds, 0)
    done = gpt.train(config, text, rates, plan, generator, device)
    marks = [(rate, seed) for rate in runs.rates for seed in range(runs.seeds)]
    return [
        Curve(config.parameters, runs.batch * CONTEXT, done.steps, losses, rate, seed)
        for losses, (rate, seed) in zip(done.losses, marks, strict=True)
    ]


def simulate(
    law: idea.Law,
    sizes: Sequence[float],
    batches: Sequence[float],
    steps: np.ndarray,
    noise: float,
    rng: np.random.Generator,
) -> list[Curve]:
    """Curves of a law, with independent relative noise on every loss: data whose constants are known."""
    exact = idea.trajectory(np.reshape(sizes, (-1, 1, 1)), steps, np.reshape(batches, (-1, 1)), law)
    noisy = exact * np.exp(noise * rng.standard_normal(exact.shape))
    return [Curve(n, batch, steps, noisy[i, j]) for i, n in enumerate(sizes) for j, batch in enumerate(batches)]


# The recipe


def reach(steps: np.ndarray, losses: np.ndarray, targets: Sequence[float]) -> np.ndarray:
    """Steps at which a noisy curve passes each target, NaN where it does not.

    The curve is made to fall by isotonic regression, and log steps are interpolated linearly in the loss.
    """
    falling = isotonic_regression(losses, increasing=False).x
    levels, block = np.unique(-falling, return_inverse=True)
    middle = np.bincount(block, np.log(steps)) / np.bincount(block)
    wanted = -np.asarray(targets, float)
    inside = (wanted >= levels[0]) & (wanted <= levels[-1])
    return np.where(inside, np.exp(np.interp(wanted, levels, middle)), np.nan)


def fastest(curves: Sequence[Curve], targets: Sequence[float]) -> pd.DataFrame:
    """Steps to each target by batch (rows: n, batch, loss, steps): the quickest of the learning rates, the mean over
    seeds in logarithms. Without this choice a rate that suits one batch makes others look slow."""
    rows = [
        (c.n, c.batch, c.rate, c.seed, loss, step)
        for c in curves
        for loss, step in zip(targets, reach(c.steps, c.losses, targets), strict=True)
    ]
    found = pd.DataFrame(rows, columns=["n", "batch", "rate", "seed", "loss", "steps"]).dropna()
    found["steps"] = np.log(found["steps"])
    mean = found.groupby(["n", "batch", "loss", "rate"], as_index=False)["steps"].mean()
    best = mean.groupby(["n", "batch", "loss"], as_index=False)["steps"].min()
    return best.assign(steps=np.exp(best["steps"]))


def hyperbolas(reached: pd.DataFrame) -> pd.DataFrame:
    """Step ii for each size and loss of a table of `fastest`: s_min, e_min, b_crit, how far the points lie from the
    hyperbola (`residual`, the largest |S_min/S + E_min/E - 1|), and the standard error of log b_crit by leaving out
    one batch at a time. Losses that fewer than four batches reached are left out."""
    rows = []
    for (n, loss), part in reached.groupby(["n", "loss"]):
        steps, batch = part["steps"].to_numpy(), part["batch"].to_numpy(float)
        if len(np.unique(batch)) < 4:
            continue
        s_min, e_min = idea.fit_critical_batch(steps, batch)
        others = [idea.fit_critical_batch(np.delete(steps, i), np.delete(batch, i)) for i in range(len(steps))]
        if min(s_min, e_min, *(min(pair) for pair in others)) <= 0:
            continue
        error = _jackknife_error(np.log([e / s for s, e in others]))
        residual = np.abs(s_min / steps + e_min / (steps * batch) - 1).max()
        rows.append((n, loss, s_min, e_min, e_min / s_min, error, residual))
    return pd.DataFrame(rows, columns=["n", "loss", "s_min", "e_min", "b_crit", "error", "residual"])


def _jackknife_error(values: Iterable[float]) -> float:
    """Standard error of an estimate from its `values` without each of the batches."""
    left_out = np.array(list(values))
    return float(np.sqrt((len(left_out) - 1) * np.mean((left_out - left_out.mean()) ** 2)))


def growth(reached: pd.DataFrame, low: float, high: float) -> Bounded:
    """(ratio, and its 95% interval) of the critical batch sizes at two losses, by leaving out one batch at a time."""

    def log_critical(loss: float, without: float) -> float:
        part = reached[np.isclose(reached["loss"], loss) & (reached["batch"] != without)]
        s_min, e_min = idea.fit_critical_batch(part["steps"], part["batch"])
        return np.log(e_min / s_min)

    def log_ratio(without: float) -> float:
        return log_critical(low, without) - log_critical(high, without)

    whole = log_ratio(without=0)
    half = Z * _jackknife_error(log_ratio(batch) for batch in reached["batch"].unique())
    return float(np.exp(whole)), float(np.exp(whole - half)), float(np.exp(whole + half))


def exponent(fitted: pd.DataFrame, reached: pd.DataFrame) -> Bounded:
    """(alpha_b, and its 95% interval), by leaving out one batch at a time; `fitted` is the table of `hyperbolas`."""
    others = []
    for batch in reached["batch"].unique():
        table = hyperbolas(reached[reached["batch"] != batch])
        table = table[table["loss"].isin(fitted["loss"])]
        others.append(idea.fit_critical_law(table["loss"], table["b_crit"])[1])
    whole = idea.fit_critical_law(fitted["loss"], fitted["b_crit"])[1]
    half = Z * _jackknife_error(others)
    return whole, whole - half, whole + half


def _columns(curves: Sequence[Curve], critical: tuple[float, float], after: int) -> tuple[np.ndarray, ...]:
    """Points of all curves from step `after` on: n, S_min, loss, and the number of the curve."""
    kept = [curve.after(after) for curve in curves]
    count = [len(curve.steps) for curve in kept]
    n, batch = (np.repeat([float(getattr(c, name)) for c in kept], count) for name in ("n", "batch"))
    steps, losses = (np.concatenate([getattr(c, name) for c in kept]) for name in ("steps", "losses"))
    fewest = idea.minimum_steps(steps, batch, losses, *critical)
    return n, fewest, losses, np.repeat(np.arange(len(kept)), count)


def recipe(
    curves: Sequence[Curve], critical: tuple[float, float], *, irreducible: bool = False, after: int = 0
) -> idea.Law:
    """Step iv: all points of all curves (from step `after` on) turned into S_min with (b_star, alpha_b), and the
    surface fitted to them."""
    n, fewest, losses, _ = _columns(curves, critical, after)
    law = idea.fit_loss_surface(n, fewest, losses, irreducible=irreducible)
    return replace(law, b_star=critical[0], alpha_b=critical[1])


def resampled(
    curves: Sequence[Curve], critical: tuple[float, float], resamples: int, rng: np.random.Generator, after: int = 0
) -> list[idea.Law]:
    """Laws without a floor, from `resamples` bootstrap samples of whole curves, all fitted at once. Draws with fewer
    than three sizes are drawn again: two sizes and noise say little. Raises ValueError for curves of fewer sizes."""
    sizes = np.array([c.n for c in curves])
    if len(np.unique(sizes)) < 3:
        raise ValueError(f"curves have the sizes {np.unique(sizes)}; allowed are at least three")
    n, fewest, losses, curve = _columns(curves, critical, after)
    draws: list[np.ndarray] = []
    while len(draws) < resamples:
        draw = rng.integers(len(curves), size=len(curves))
        if len(np.unique(sizes[draw])) > 2:
            draws.append(np.bincount(draw, minlength=len(curves))[curve])
    fits = powerlaws.fit((n, fewest), losses, irreducible=False, weights=np.array(draws, float), keep=2)
    b_star, alpha_b = critical
    return [replace(idea.surface(fits, row), b_star=b_star, alpha_b=alpha_b) for row in range(resamples)]


def prediction_errors(law: idea.Law, curves: Sequence[Curve], after: int = 0) -> pd.DataFrame:
    """Each curve against the law's trajectory at its own size and batch: mean error and error at the end, in per cent
    of the observed loss, and the mean absolute one; positive where the prediction is too high."""
    rows = []
    for curve in (curve.after(after) for curve in curves):
        off = 100 * (idea.trajectory(curve.n, curve.steps, curve.batch, law) / curve.losses - 1)
        sizes = {"n": curve.n, "batch": curve.batch, "seed": curve.seed}
        rows.append(sizes | {"mean": off.mean(), "absolute": np.abs(off).mean(), "end": off[-3:].mean()})
    return pd.DataFrame(rows)


def errors_by_tokens(known: Sequence[Curve], curves: Sequence[Curve], after: int = 0) -> np.ndarray:
    """Mean absolute error, in per cent of the observed loss, of each curve's forecast by one that knows tokens alone:
    the mean loss of `known` runs, which share their steps, after as many tokens (at their ends beyond)."""
    seen, losses = known[0].steps * known[0].batch, np.mean([curve.losses for curve in known], axis=0)
    kept = [curve.after(after) for curve in curves]
    return np.array([100 * np.mean(np.abs(np.interp(c.steps * c.batch, seen, losses) / c.losses - 1)) for c in kept])


def errors_of_last_gain(
    smaller: Sequence[Curve], larger: Sequence[Curve], unseen: Sequence[Curve], after: int = 0
) -> list[float]:
    """The same of a forecast for each still larger model that repeats the gain of the last step in size, in proportion
    to the logarithm of the size. Runs belong together in their order, and share their steps."""
    found = []
    for curves in zip(smaller, larger, unseen, strict=True):
        a, b, c = (curve.after(after) for curve in curves)
        times = np.log(c.n / b.n) / np.log(b.n / a.n)
        said = b.losses * (b.losses / a.losses) ** times
        found.append(float(100 * np.mean(np.abs(said / c.losses - 1))))
    return found


# Public runs


def resample(groups: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Bootstrap weights, (1 + resamples, n): whole groups are drawn with replacement, the first row is the data."""
    names, member = np.unique(groups, return_inverse=True)
    draws = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), resamples)
    return np.concatenate([np.ones((1, len(groups))), draws[:, member]])


def held_out(
    points: pd.DataFrame, limit: float, irreducible: bool, resamples: int, rng: np.random.Generator
) -> tuple[powerlaws.Fit, np.ndarray]:
    """Fit all models below `limit` parameters, and resamples of these models: the fits (row 0 is the data), and their
    relative errors at every point, (1 + resamples, n), positive where the prediction is too high."""
    seen = points[points["n"] < limit]
    weights = resample(seen["model"].to_numpy(), resamples, rng)
    columns = seen["n"].to_numpy(), seen["steps"].to_numpy()
    fits = powerlaws.fit(columns, seen["loss"].to_numpy(), irreducible=irreducible, weights=weights, keep=2)
    return fits, fits.predict(points["n"].to_numpy(), points["steps"].to_numpy()) / points["loss"].to_numpy() - 1

"""Curves of the learning-curve chapter: learning schemes, folds, and what traces foretell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foretold.kit import check
from foretold.papers.learning_curves import idea
from foretold.papers.learning_curves.data.lexicon import Encoded, Lexicon
from foretold.papers.learning_curves.experiment.taggers import HMMTagger, Tagger, UnigramTagger

Array = NDArray[np.float64]
Maker = Callable[[Lexicon], Tagger]
FOLDS = 10
STEP = 5_000  # words of a level
LEARNERS: dict[str, Maker] = {
    "unigram": UnigramTagger,
    "HMM": HMMTagger,
    "unigram, no suffixes": partial(UnigramTagger, suffixes=False),
    "HMM, no suffixes": partial(HMMTagger, suffixes=False),
}


class Curve(NamedTuple):
    """Accuracies y (folds, levels) after x (levels,) words; x is the mean over folds, which differ by a sentence."""

    x: Array
    y: Array

    @property
    def mean(self) -> Array:
        """The fold mean (levels,), the paper's observation."""
        return self.y.mean(0)

    @property
    def error(self) -> Array:
        """Standard error of the fold mean, (levels,), as if folds were independent."""
        return self.y.std(0, ddof=1) / np.sqrt(len(self.y))


def scheme(pool: Encoded, step: int, levels: int) -> NDArray[np.int64]:
    """The learning scheme: numbers of sentences (levels,) whose words first reach step, 2 step, ...

    Raises ValueError where the pool has too few words, and for a step or levels below 1.
    """
    step, levels = check.whole("step", step, 1), check.whole("levels", levels, 1)
    targets = step * np.arange(1, levels + 1)
    if targets[-1] > pool.starts[-1]:
        raise ValueError(
            f"levels is {levels}: level {levels} needs {targets[-1]} words; the pool has {pool.starts[-1]}"
        )
    return np.searchsorted(pool.starts, targets)


def measure(
    data: Encoded, lexicon: Lexicon, makers: Mapping[str, Maker], rng: np.random.Generator, folds: int, levels: int
) -> dict[str, Curve]:
    """Learning curves by cross-validation, in steps of 5,000 words. Sentences are shuffled and dealt to ten folds; each
    of the first `folds` is the test once, and the rest are the pool, *shuffled anew*: with one order for all, nine
    tenths of what a level has seen would be the same in every fold, and a mean over folds would average less than it
    seems. One tagger learns the pool from level to level, and is tested at each.

    Raises ValueError for folds outside 1 to 10, and as `scheme`.
    """
    check.whole("folds", folds, 1, FOLDS)
    found: dict[str, list[list[float]]] = {name: [] for name in makers}
    sizes, order = [], rng.permutation(len(data.starts) - 1)
    for fold in range(folds):
        test = data.take(order[fold::FOLDS])
        pool = data.take(rng.permutation(np.delete(order, np.s_[fold::FOLDS])))
        ends = scheme(pool, STEP, levels)
        sizes.append(pool.starts[ends])
        for name, make in makers.items():
            found[name].append(scores(make(lexicon), pool, test, ends))
    x = np.mean(sizes, axis=0)
    return {name: Curve(x, np.array(y)) for name, y in found.items()}


def scores(tagger: Tagger, pool: Encoded, test: Encoded, ends: NDArray[np.integer]) -> list[float]:
    """Accuracy on `test` after the first `ends` sentences of the pool, one training for all."""
    found, before = [], 0
    for end in ends:
        found.append(tagger.update(pool.part(before, end)).accuracy(test))
        before = end
    return found


def by_groups(
    data: Encoded, lexicon: Lexicon, make: Maker, group: Sequence[int], rng: np.random.Generator, folds: int
) -> Curve:
    """A learning curve whose folds are sets of whole groups (modules, documents; the number of each sentence's group is
    given), and whose pool is learned group after group in a random order; as many levels of 5,000 words as all folds
    have."""
    number = np.asarray(group)
    place = rng.permutation(number.max() + 1)[number]
    order = np.argsort(place, kind="stable")
    pools, tests = [], []
    for fold in range(folds):
        inside = place[order] % folds == fold
        pools.append(data.take(order[~inside]))
        tests.append(data.take(order[inside]))
    levels = min(int(pool.starts[-1]) // STEP for pool in pools)
    found = [
        scores(make(lexicon), pool, test, scheme(pool, STEP, levels)) for pool, test in zip(pools, tests, strict=True)
    ]
    return Curve(float(STEP) * np.arange(1, levels + 1), np.array(found))


def by_table(rows: pd.DataFrame) -> dict[tuple[str, str], Curve]:
    """Curves of the results table by (tag set, tagger)."""
    folds = [name for name in rows.columns if name.startswith("fold")]
    return {
        key: Curve(part["words"].to_numpy(float), part[folds].to_numpy().T)
        for key, part in rows.groupby(["tags", "tagger"])
    }


# What is foretold


def forecasts(curve: Curve, shares: Iterable[float]) -> pd.DataFrame:
    """The last accuracy foretold from a share of the words, minus the one observed, in percentage points: of the fold
    mean ("mean"), and the smallest and largest of single folds ("low", "high")."""
    rows = []
    for share in shares:
        n = int(np.sum(curve.x <= share * curve.x[-1] * 1.001))
        errors = [100 * (idea.fit_power_law(curve.x[:n], y[:n])(curve.x[-1]) - y[-1]) for y in (curve.mean, *curve.y)]
        rows.append({"share": share, "level": n, "mean": errors[0], "low": min(errors[1:]), "high": max(errors[1:])})
    return pd.DataFrame(rows)


def mape(trace: idea.LearningTrace, level: int) -> float:
    """Mean absolute percentage error of a level's trend over all later observations."""
    later = trace.y[level:]
    return float(np.mean(np.abs(trace.law(level)(trace.x[level:]) - later) / later)) * 100


def robustness(trace: idea.LearningTrace) -> float:
    """Share of steps of the backbone after the working level that go down (or stay), in percent: the robustness rate
    with respect to the hypothesis that the backbone decreases. NaN without a working level."""
    if trace.working_level is None:
        return np.nan
    steps = np.diff(trace.asymptotes[trace.working_level - 3 :])
    return 100 * float(np.mean(steps <= 0))


def decisions(traces: Mapping[str, idea.LearningTrace], level: int) -> pd.DataFrame:
    """For each pair of learners the percentage of later levels whose order the trends of `level` foretell rightly, and
    whether the two ever change places ("turns")."""
    rows = []
    for one, two in combinations(traces, 2):
        a, b = traces[one], traces[two]
        foretold = a.law(level)(a.x[level:]) > b.law(level)(b.x[level:])
        seen = a.y > b.y
        rows.append(
            {"one": one, "two": two, "right": 100 * np.mean(foretold == seen[level:]), "turns": len(set(seen)) > 1}
        )
    return pd.DataFrame(rows)


# How sure is a backbone?


def resampled(curve: Curve, times: int, rng: np.random.Generator) -> Array:
    """Fold means (times, levels) of folds drawn with replacement: what other folds might have given."""
    return curve.y[rng.integers(0, len(curve.y), (times, len(curve.y)))].mean(1)


def simulated(curve: Curve, times: int, rng: np.random.Generator) -> Array:
    """Fold means (times, levels) if the truth *were* the power law fitted to all levels, with independent normal noise
    of the standard error of the fold mean."""
    law = idea.fit_power_law(curve.x, curve.mean)
    return np.minimum(law(curve.x) + curve.error * rng.standard_normal((times, len(curve.x))), 1.0)


def falling(x: Array, means: Array, anchored: bool = True) -> Array:
    """For each curve (times, levels) the share of steps of its backbone that do not rise, in percent: of the anchored
    backbone beyond the working level, NaN where there is none, or of the raw one beyond level 10."""
    if anchored:
        return np.array([robustness(idea.learning_trace(x, y)) for y in means])
    asymptotes = [[idea.fit_power_law(x[:n], y[:n]).c for n in range(10, len(x) + 1)] for y in means]
    return 100 * np.mean(np.diff(asymptotes, axis=1) <= 0, axis=1)


def stops(x: Array, means: Array, **settings: Any) -> pd.DataFrame:
    """What a stopping rule does on each curve (times, levels) with the settings of `learning_trace`: share of words
    saved, the error at the last level, and the drift, the largest distance right of the stop to any later trend, in
    percentage points. Curves on which it does not stop have no row."""
    rows = []
    for y in means:
        trace = idea.learning_trace(x, y, **settings)
        at = trace.stop_level
        if at is None or at > len(x):
            continue
        law = trace.law(at)
        drift = max(idea.largest_gap(law, later, x[at - 1]) for later in trace.laws[at - 3 :])
        saved, error = 1 - x[at - 1] / x[-1], law(x[-1]) - y[-1]
        rows.append({"saved": 100 * saved, "error": 100 * error, "drift": 100 * drift})
    return pd.DataFrame(rows, columns=["saved", "error", "drift"])


def obedience(named: Mapping[str, Curve], times: int, make_rng: Callable[[str], np.random.Generator]) -> pd.DataFrame:
    """Share of steps of the anchored backbone that do not rise, in percent: of each curve as "measured"; the mean over
    resampled fold means with the interval of nine tenths of them; over simulated exact power laws; and the share of
    those that have no rise at all."""
    rows = {}
    for name, curve in named.items():
        rng = make_rng(f"backbone {name}")
        real = falling(curve.x, resampled(curve, times, rng))
        made = falling(curve.x, simulated(curve, times, rng))
        low, high = np.nanquantile(real, [0.05, 0.95])
        rows[name] = {
            "measured": robustness(idea.learning_trace(curve.x, curve.mean)),
            "resampled": f"{np.nanmean(real):.0f} ({low:.0f}-{high:.0f})",
            "true law": np.nanmean(made),
            "no rise": 100 * np.mean(made == 100),
        }
    return pd.DataFrame(rows).T


def rules(
    named: Mapping[str, Curve],
    settings: Mapping[str, Mapping[str, Any]],
    times: int,
    make_rng: Callable[[str], np.random.Generator],
) -> pd.DataFrame:
    """`stops` on resampled fold means, for each curve and each rule: share of curves on which it stops, and means of
    what it saves, of the absolute error and of the drift."""
    rows = {}
    for name, curve in named.items():
        means = resampled(curve, times, make_rng(f"stopping {name}"))
        for rule, setting in settings.items():
            found = stops(curve.x, means, **setting).abs()
            rows[name, rule] = {"stops %": 100 * len(found) / times, **found.mean()}
    return pd.DataFrame(rows).T


def distorted(curve: Curve, size: float) -> Array:
    """Shift of a level's asymptote, (levels, 2) with anchors and without, when its last accuracy is lowered by `size`:
    for each level six or more beyond the working level. ValueError for a curve without a working level."""
    anchoring = (True, False)
    clean = [idea.learning_trace(curve.x, curve.mean, anchored=anchored) for anchored in anchoring]
    working = clean[0].working_level
    if working is None:
        raise ValueError("curve has no working level; allowed are curves whose backbone comes to rest")
    moved = []
    for at in range(working + 6, len(curve.x)):
        y = curve.mean.copy()
        y[at] -= size
        bent = [idea.learning_trace(curve.x, y, anchored=anchored) for anchored in anchoring]
        moved.append([abs(b.asymptotes[at - 2] - c.asymptotes[at - 2]) for b, c in zip(bent, clean, strict=True)])
    return np.array(moved)


def beyond_the_layer(trace: idea.LearningTrace) -> float:
    """How far a later trend leaves the layer of a level from the working level on, at most, right of the crossing and
    of what was seen; negative if none does."""
    worst = -np.inf
    if trace.working_level is None:
        return worst
    for i in np.flatnonzero(np.isfinite(trace.layers) & (trace.levels >= trace.working_level)):
        start = max(idea.crossings(trace.laws[i], trace.laws[i + 1])[-1], trace.x[trace.levels[i] - 1])
        gap = max(idea.largest_gap(trace.laws[i], later, start) for later in trace.laws[i + 1 :])
        worst = max(worst, gap - trace.layers[i])
    return worst


def layers_against_gaps(trace: idea.LearningTrace) -> Array:
    """For each level with a layer: the layer, and the largest distance to the next trend right of the crossing."""
    pairs = []
    for i in np.flatnonzero(np.isfinite(trace.layers)):
        one, two = trace.laws[i], trace.laws[i + 1]
        pairs.append((trace.layers[i], idea.largest_gap(one, two, idea.crossings(one, two)[-1])))
    return np.array(pairs).reshape(-1, 2)

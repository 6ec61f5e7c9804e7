"""Curves of the learning-curve chapter: learning schemes, folds, what traces foretell, and the results table."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foretold.papers.learning_curves import idea
from foretold.papers.learning_curves.experiment.taggers import Encoded, HMMTagger, Lexicon, UnigramTagger, _Tagger

Array = NDArray[np.float64]
Maker = Callable[[Lexicon], _Tagger]
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


def scheme(pool: Encoded, kernel: int, step: int, levels: int) -> NDArray[np.int64]:
    """The learning scheme: numbers of sentences (levels,) whose words first reach kernel, kernel + step, ...

    Raises ValueError where the pool has too few words, and for a kernel or step below 1 and levels below 1.
    """
    if min(kernel, step, levels) < 1:
        raise ValueError(f"(kernel, step, levels) is {(kernel, step, levels)}; allowed are numbers of at least 1")
    targets = kernel + step * np.arange(levels)
    if targets[-1] > pool.starts[-1]:
        raise ValueError(
            f"levels is {levels}: level {levels} needs {targets[-1]} words; the pool has {pool.starts[-1]}"
        )
    return np.searchsorted(pool.starts, targets)


def measure(
    data: Encoded, lexicon: Lexicon, makers: Mapping[str, Maker], rng: np.random.Generator, folds: int = 10,
    of: int = 10, step: int = 5_000, levels: int = 44,
) -> dict[str, Curve]:  # fmt: skip
    """Learning curves by cross-validation. Sentences are shuffled and dealt to `of` folds; each of the first `folds` is
    the test once, and the rest are the pool, *shuffled anew*: with one order for all, nine tenths of what a level has
    seen would be the same in every fold, and a mean over folds would average less than it seems. One tagger learns
    the pool from level to level, and is tested at each.

    Raises ValueError for folds outside 1 to `of`, and as `scheme`.
    """
    if not 1 <= folds <= of:
        raise ValueError(f"folds is {folds!r}; allowed are 1 to {of}")
    found: dict[str, list[list[float]]] = {name: [] for name in makers}
    sizes, order = [], rng.permutation(len(data.starts) - 1)
    for fold in range(folds):
        test = data.take(order[fold::of])
        pool = data.take(rng.permutation(np.delete(order, np.s_[fold::of])))
        ends = scheme(pool, step, step, levels)
        sizes.append(pool.starts[ends])
        for name, make in makers.items():
            found[name].append(scores(make(lexicon), pool, test, ends))
    x = np.mean(sizes, axis=0)
    return {name: Curve(x, np.array(y)) for name, y in found.items()}


def scores(tagger: _Tagger, pool: Encoded, test: Encoded, ends: NDArray[np.integer]) -> list[float]:
    """Accuracy on `test` after the first `ends` sentences of the pool, one training for all."""
    found, before = [], 0
    for end in ends:
        found.append(tagger.update(pool.part(before, end)).accuracy(test))
        before = end
    return found


def by_groups(
    data: Encoded, lexicon: Lexicon, make: Maker, group: Sequence[int], rng: np.random.Generator, folds: int = 5,
    step: int = 5_000,
) -> Curve:  # fmt: skip
    """A learning curve whose folds are sets of whole groups (modules, documents; the number of each sentence's group is
    given), and whose pool is learned group after group in a random order; as many levels as all folds have."""
    number = np.asarray(group)
    place = rng.permutation(number.max() + 1)[number]
    line, rows, found = np.argsort(place, kind="stable"), [], []
    for fold in range(folds):
        inside = place[line] % folds == fold
        pool = data.take(line[~inside])
        rows.append((pool, data.take(line[inside])))
    levels = min(int(pool.starts[-1]) // step for pool, _ in rows)
    for pool, test in rows:
        found.append(scores(make(lexicon), pool, test, scheme(pool, step, step, levels)))
    return Curve(float(step) * np.arange(1, levels + 1), np.array(found))


def read_ud(path: Path, column: str = "xpos") -> list[list[tuple[str, str]]]:
    """Sentences of (form, tag) from a Universal Dependencies file: CoNLL-U as published, or the mirror's three columns
    (form, UPOS, XPOS) compressed. Parts of multiword tokens count as words, the whole does not, nor do empty nodes.

    Raises ValueError for a column other than "upos" and "xpos".
    """
    if column not in ("upos", "xpos"):
        raise ValueError(f"column is {column!r}; allowed are 'upos' and 'xpos'")
    compact = path.suffix == ".gz"
    text = gzip.decompress(path.read_bytes()).decode() if compact else path.read_text(encoding="utf-8")
    form, tag = (0, 1 + (column == "xpos")) if compact else (1, 3 + (column == "xpos"))
    sentences: list[list[tuple[str, str]]] = [[]]
    for line in text.splitlines():
        if not line.strip():
            sentences.append([])
        elif not line.startswith("# "):
            cells = line.split("\t")
            if compact or cells[0].isdigit():
                sentences[-1].append((cells[form], cells[tag]))
    return [sentence for sentence in sentences if sentence]


def ewt_table(paths: Sequence[Path], seed: int = 240202515) -> pd.DataFrame:
    """The rows of ``tables/learning_curves.csv``: all learners of this module on both tag sets of UD English EWT
    (train, dev and test files together), 10 folds, 44 levels of 5,000 words."""
    frames = []
    for column in ("xpos", "upos"):
        lexicon = Lexicon()
        data = lexicon.encode([sentence for path in paths for sentence in read_ud(Path(path), column)])
        for name, curve in measure(data, lexicon, LEARNERS, np.random.default_rng(seed)).items():
            frame = pd.DataFrame(curve.y.T.round(6), columns=[f"fold{f}" for f in range(10)])
            frame.insert(0, "words", curve.x.round().astype(int))
            frame.insert(0, "tagger", name)
            frame.insert(0, "tags", column)
            frames.append(frame)
    return pd.concat(frames)


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
    """For each pair of learners the percentage of later levels whose order the trends of `level` foretell rightly."""
    names = list(traces)
    rows = []
    for i, one in enumerate(names):
        for two in names[i + 1 :]:
            a, b = traces[one], traces[two]
            foretold = a.law(level)(a.x[level:]) > b.law(level)(b.x[level:])
            seen = a.y[level:] > b.y[level:]
            rows.append(
                {"one": one, "two": two, "right": 100 * np.mean(foretold == seen), "turns": len(set(a.y > b.y)) > 1}
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
        if trace.stop_level is not None and trace.stop_level <= len(x):
            at = trace.stop_level
            law = trace.law(at)
            drift = max(idea.largest_gap(law, later, x[at - 1]) for later in trace.laws[at - 3 :])
            error = law(x[-1]) - y[-1]
            rows.append({"saved": 100 * (1 - x[at - 1] / x[-1]), "error": 100 * error, "drift": 100 * drift})
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
    named: Mapping[str, Curve], settings: Mapping[str, Mapping[str, Any]], times: int,
    make_rng: Callable[[str], np.random.Generator],
) -> pd.DataFrame:  # fmt: skip
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
    for each level six or more beyond the working level."""
    clean = {a: idea.learning_trace(curve.x, curve.mean, anchored=a) for a in (True, False)}
    moved = []
    for at in range(clean[True].working_level + 6, len(curve.x)):
        y = curve.mean.copy()
        y[at] -= size
        bent = {a: idea.learning_trace(curve.x, y, anchored=a) for a in (True, False)}
        moved.append([abs(bent[a].asymptotes - clean[a].asymptotes)[at - 2] for a in (True, False)])
    return np.array(moved)


def beyond_the_layer(trace: idea.LearningTrace) -> float:
    """How far a later trend leaves the layer of a level from the working level on, at most, right of the crossing and
    of what was seen; negative if none does."""
    worst = -np.inf
    for i in np.flatnonzero(np.isfinite(trace.layers) & (trace.levels >= (trace.working_level or np.inf))):
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

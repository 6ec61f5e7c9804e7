"""The learning-curve chapter's fits beside scipy's, and its taggers beside nltk's: equal results, in one run.

    pip install nltk                   # in an environment of its own or beside this one; no dependency of the book
    OMP_NUM_THREADS=1 python benchmarks/learning_curves.py

prints the two tables of benchmarks/README.md, in about two minutes. Nothing here is a timed test. The corpus is the
source of Python's own library, so words and accuracies depend on its version.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import curve_fit
from timing import best

import foretold
from foretold.papers.learning_curves import data, experiment
from foretold.papers.learning_curves.experiment.taggers import HMMTagger, UnigramTagger
from foretold.papers.learning_curves.idea import fit_power_law

WORDS, TRAIN, TEST = 60_000, 50_000, 3_000


def law(x: np.ndarray, a: float, b: float, c: float) -> np.ndarray:
    return c - a * x**-b


def trends() -> None:
    """All 42 trends of a measured curve: variable projection, and curve_fit from one start or from eight."""
    curve = experiment.by_table(foretold.data.table("learning_curves"))["xpos", "HMM"]
    x, y = curve.x / curve.x[0], curve.mean
    limits = {"bounds": ([0, 1e-3, 0], [60, 5, 60]), "max_nfev": 100_000, "xtol": 1e-12, "ftol": 1e-14, "gtol": 1e-14}
    starts = [(g, b, 0.95) for g in (0.1, 0.5) for b in (0.01, 0.1, 0.4, 1.5)]

    def squares(parameters: Any, n: int) -> float:
        return float(np.sum((law(x[:n], *parameters) - y[:n]) ** 2))

    def scipy_fit(n: int, some: list[tuple[float, float, float]]) -> Any:
        found = [curve_fit(law, x[:n], y[:n], start, **limits)[0] for start in some]
        return min(found, key=lambda parameters: squares(parameters, n))

    sizes = range(3, len(x) + 1)
    fit_power_law(x, y)  # compiles, where no compiled version is kept
    rows = [("variable projection (ours)", *best(lambda: [fit_power_law(x[:n], y[:n]) for n in sizes], 5))]
    for name, some in (("curve_fit, one start", starts[2:3]), ("curve_fit, best of 8 starts", starts)):
        rows.append((name, *best(lambda some=some: [scipy_fit(n, some) for n in sizes], 1)))
    ours = [squares(parameters, n) for parameters, n in zip(rows[0][2], sizes, strict=True)]
    print("| 42 trends of one curve by | ms | times | at the optimum | excess of squares | c differs by |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, seconds, found in rows:
        theirs = np.array([squares(parameters, n) for parameters, n in zip(found, sizes, strict=True)])
        assert np.all(np.array(ours) <= theirs * (1 + 1e-9) + 1e-18), "a peer found a better optimum"
        reached = theirs <= np.array(ours) * (1 + 1e-4) + 1e-12
        gap = max(abs(a[2] - b[2]) for a, b, hit in zip(rows[0][2], found, reached, strict=True) if hit)
        excess = (theirs[1:] / ours[1:] - 1).max()  # level 3 is an interpolation: its squares are rounding
        speed = f"{1e3 * seconds:.1f} | {seconds / rows[0][1]:.0f}"
        print(f"| {name} | {speed} | {reached.sum()} of {len(reached)} | {excess:.1e} | {gap:.1e} |")
        assert "8" not in name or reached.all()


def taggers() -> None:
    """Training and tagging, our two taggers and nltk's: accuracies beside each other, words a second."""
    from nltk.probability import LidstoneProbDist
    from nltk.tag import UnigramTagger as NltkUnigram
    from nltk.tag.hmm import HiddenMarkovModelTrainer

    sentences, _ = data.corpus(WORDS)
    order = np.random.default_rng(0).permutation(len(sentences))
    sizes = np.cumsum([len(sentences[i]) for i in order])
    cut, end = np.searchsorted(sizes, [TRAIN, TRAIN + TEST])
    train, test = [sentences[i] for i in order[:cut]], [sentences[i] for i in order[cut:end]]
    words = sum(map(len, train)), sum(map(len, test))
    tags = sorted({tag for sentence in train for _, tag in sentence})
    symbols = sorted({word for sentence in sentences for word, _ in sentence})
    common = max(tags, key=lambda tag: sum(t == tag for sentence in train for _, t in sentence))

    def accuracy(found: list[list[str]]) -> float:
        right = [t == g for line, gold in zip(found, test, strict=True) for t, (_, g) in zip(line, gold, strict=True)]
        return float(np.mean(right))

    def ours(kind: Any, suffixes: bool) -> tuple[float, float, float]:
        kind(suffixes=suffixes).update(train).accuracy(test)  # compiles
        learning, tagger = best(lambda: kind(suffixes=suffixes).update(train), 3)
        coded = tagger.lexicon.encode(test)
        tagging, right = best(lambda: tagger.accuracy(coded), 5)
        lines = accuracy([tagger.tag([word for word, _ in sentence]) for sentence in test])
        assert abs(lines - right) < 1e-12
        return words[0] / learning, words[1] / tagging, right

    def theirs(make: Callable[[], Any]) -> tuple[float, float, float]:
        learning, tagger = best(make, 1)
        bare = [[word for word, _ in sentence] for sentence in test]
        tagging, found = best(lambda: [[tag or common for _, tag in tagger.tag(line)] for line in bare], 1)
        return words[0] / learning, words[1] / tagging, accuracy(found)

    def hidden() -> Any:
        trainer = HiddenMarkovModelTrainer(states=tags, symbols=symbols)
        return trainer.train_supervised(train, estimator=lambda counts, bins: LidstoneProbDist(counts, 0.1, bins))

    rows = [
        ("unigram, no suffixes (ours)", ours(UnigramTagger, False)),
        ("nltk UnigramTagger, unknown words as the most frequent tag", theirs(lambda: NltkUnigram(train))),
        ("unigram with suffixes (ours)", ours(UnigramTagger, True)),
        ("HMM, no suffixes (ours)", ours(HMMTagger, False)),
        ("nltk HiddenMarkovModelTagger, Lidstone 0.1", theirs(hidden)),
        ("HMM with suffixes (ours)", ours(HMMTagger, True)),
    ]
    print(f"\n{words[0]:,} words to learn, {words[1]:,} to tag, {len(tags)} tags; Python {sys.version.split()[0]}\n")
    print("| tagger | learns, thousand words/s | tags, thousand words/s | accuracy |")
    print("|---|---:|---:|---:|")
    for name, (learning, tagging, right) in rows:
        print(f"| {name} | {learning / 1e3:,.1f} | {tagging / 1e3:,.2f} | {right:.2%} |")
    same_tags(train, test)


def same_tags(train: list[Any], test: list[Any]) -> None:
    """Both unigram taggers are one model: equal tags wherever a word's most frequent tag is unique."""
    from nltk.tag import UnigramTagger as NltkUnigram

    counts: dict[str, Counter[str]] = {}
    for word, tag in (pair for sentence in train for pair in sentence):
        counts.setdefault(word, Counter())[tag] += 1
    unique = {word for word, seen in counts.items() if len(seen) == 1 or len(set(_two(seen))) == 2}
    ours, theirs, compared = UnigramTagger(suffixes=False).update(train), NltkUnigram(train), 0
    for sentence in test:
        line = [word for word, _ in sentence]
        for word, one, (_, two) in zip(line, ours.tag(line), theirs.tag(line), strict=True):
            if word in unique:
                compared += 1
                assert one == two, f"{word}: {one} here, {two} there"
    print(f"\nunigram taggers: equal tags on all {compared:,} words whose most frequent tag is unique")


def _two(seen: Counter[str]) -> list[int]:
    return [n for _, n in seen.most_common(2)]


if __name__ == "__main__":
    trends()
    taggers()

"""Two taggers that learn by counting: unigram with suffix back-off, and a bigram hidden Markov model.

Counts only accumulate, so training along a learning scheme costs one pass over the words whatever the number of levels.
A sentence is a list of (word, tag) pairs. A `Lexicon` numbers words, suffixes and tags; both taggers count in arrays
that grow with it, and the loops are compiled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from foretold.papers.learning_curves.experiment.lexicon import DEPTH, Encoded, Lexicon, Sentence

__all__ = ["Counts", "Encoded", "HMMTagger", "Lexicon", "UnigramTagger"]

RARE = 10  # words seen at most so often teach the suffix model, and may have tags they never had
WEIGHT = 2.0  # what a shorter suffix counts, in observations of the longer one


@dataclass
class Counts:
    """What a tagger has seen: words with tags, endings of rare words with tags, and pairs of neighbouring tags (row and
    column 0 are the sentence's edge, tag t stands at t + 1)."""

    emit: NDArray[np.int32]
    total: NDArray[np.int32]
    ending: NDArray[np.int32]
    pair: NDArray[np.int64]


def _grown(array: NDArray[Any], *shape: int) -> NDArray[Any]:
    """`array`, or a larger copy with zeros where nothing was counted; room doubles, so growth is cheap."""
    if all(have >= need for have, need in zip(array.shape, shape, strict=True)):
        return array
    larger = np.zeros([max(have, 2 * need) for have, need in zip(array.shape, shape, strict=True)], array.dtype)
    larger[tuple(slice(0, have) for have in array.shape)] = array
    return larger


@njit(cache=True)
def count(words, tags, starts, endings, emit, total, ending, pair):
    """Add sentences to the counts. A word's tokens teach its endings until it has been seen RARE times; at the next
    token all of them are taken back, so that the order of the tokens is of no account."""
    for s in range(starts.size - 1):
        before = 0
        for i in range(starts[s], starts[s + 1]):
            w, t = words[i], tags[i]
            if total[w] < RARE:
                for e in endings[w]:
                    if e >= 0:
                        ending[e, t] += 1
            elif total[w] == RARE:
                for e in endings[w]:
                    if e >= 0:
                        for tag in range(emit.shape[1]):
                            ending[e, tag] -= emit[w, tag]
            emit[w, t] += 1
            total[w] += 1
            pair[before, t + 1] += 1
            before = t + 1
        pair[before, 0] += 1


@njit(cache=True)
def guess(w, endings, ending, prior, depth, out):
    """P(tag | endings of word w) into `out`: from the prior over all tags to ever longer endings, each mixed with the
    shorter one as if that were WEIGHT observations."""
    out[:] = prior
    for k in range(depth):
        e = endings[w, k]
        if e < 0:
            break
        seen = 0
        for t in range(out.size):
            seen += ending[e, t]
        if seen == 0:
            break
        for t in range(out.size):
            out[t] = (ending[e, t] + WEIGHT * out[t]) / (seen + WEIGHT)


@njit(cache=True)
def unigram(words, endings, emit, total, ending, prior, depth, out):
    """The most frequent tag of each word; of a word not seen before, the likeliest by its endings."""
    chance = np.empty(prior.size)
    for i in range(words.size):
        w = words[i]
        if total[w] > 0:
            out[i] = np.argmax(emit[w, : prior.size])
        else:
            guess(w, endings, ending, prior, depth, chance)
            out[i] = np.argmax(chance)


@njit(cache=True)
def emissions(words, endings, emit, total, ending, prior, depth):
    """log P(tag | word) - log P(tag) for each different word, (different, tags), and the row of each word's number. A
    frequent word can only have tags it had (-inf for others); a rare one is the last of its own endings: its counts are
    mixed with what its longest ending says, as above. A word never seen has no counts, and is all ending."""
    tags, different = prior.size, 0
    row, seen = np.full(total.size, -1, np.int32), np.empty(words.size, np.int32)
    for w in words:
        if row[w] < 0:
            row[w], seen[different] = different, w
            different += 1
    table, chance, log_prior = np.empty((different, tags)), np.empty(tags), np.log(prior)
    for at in range(different):
        w = seen[at]
        if total[w] <= RARE:
            guess(w, endings, ending, prior, depth, chance)
        for t in range(tags):
            if total[w] <= RARE:
                value = np.log((emit[w, t] + WEIGHT * chance[t]) / (total[w] + WEIGHT))
            else:
                value = np.log(emit[w, t] / total[w]) if emit[w, t] > 0 else -np.inf
            table[at, t] = value - log_prior[t]
    return table, row


@njit(cache=True)
def viterbi(words, starts, table, row, log_pair, out):
    """The likeliest tags of each sentence into `out`, and the sum of their log scores: log P(t | t before) + log P(t |
    word) - log P(t) at each word, and the step to the sentence's end.

    Tags that a word cannot have are left out of its column of the trellis; most columns are one to three tags high.
    """
    tags, longest, whole = table.shape[1], 1, 0.0
    for s in range(starts.size - 1):
        longest = max(longest, starts[s + 1] - starts[s])
    back, allowed = np.empty((longest, tags), np.int32), np.empty((longest, tags), np.int32)
    score, fresh = np.empty(tags), np.empty(tags)
    for s in range(starts.size - 1):
        first, n = starts[s], starts[s + 1] - starts[s]
        height = 0
        for i in range(n):
            emission, high = table[row[words[first + i]]], 0
            for t in range(tags):
                if emission[t] == -np.inf:
                    continue
                top, at = (log_pair[0, t + 1], 0) if i == 0 else (-np.inf, 0)
                for k in range(height):
                    value = score[k] + log_pair[allowed[i - 1, k] + 1, t + 1]
                    if value > top:
                        top, at = value, k
                fresh[high], back[i, high], allowed[i, high] = top + emission[t], at, t
                high += 1
            height = high
            score, fresh = fresh, score
        top, at = -np.inf, 0
        for k in range(height):
            value = score[k] + log_pair[allowed[n - 1, k] + 1, 0]
            if value > top:
                top, at = value, k
        whole += top
        for i in range(n - 1, -1, -1):
            out[first + i] = allowed[i, at]
            at = back[i, at]
    return whole


def interpolate(pair: NDArray[np.int64]) -> tuple[NDArray[np.float64], float]:
    """log P(t | t before), (T + 1, T + 1), and the weight of the pair counts against the counts of single tags.

    The weight is found by deleted interpolation: each pair votes, with its count, for whichever estimate foretells it
    better when it is left out itself.
    """
    single, before = pair.sum(0), pair.sum(1)
    n = single.sum()
    row, column = np.nonzero(pair)
    counts = pair[row, column]
    by_pair = np.where(before[row] > 1, (counts - 1) / np.maximum(before[row] - 1, 1), 0)
    by_single = (single[column] - 1) / max(n - 1, 1)
    weight = float(np.clip(counts[by_pair > by_single].sum() / counts.sum(), 0.0, 1 - 1e-6))
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = np.where(before[:, None] > 0, pair / before[:, None], single / n)
    smooth = (single + 1) / (n + len(single))
    return np.log(weight * rows + (1 - weight) * smooth), weight


class _Tagger:
    """Counting, and the public face of both taggers."""

    def __init__(self, lexicon: Lexicon | None = None, suffixes: bool = True) -> None:
        self.lexicon = Lexicon() if lexicon is None else lexicon
        self.depth = DEPTH + 1 if suffixes else 0
        self.counts = Counts(
            np.zeros((0, 0), np.int32), np.zeros(0, np.int32), np.zeros((0, 0), np.int32), np.zeros((0, 0), np.int64)
        )

    def update(self, sentences: Iterable[Sentence] | Encoded) -> _Tagger:
        """Learn from more sentences; what was learned before stays. Returns the tagger. ValueError as `encode`."""
        coded = sentences if isinstance(sentences, Encoded) else self.lexicon.encode(sentences)
        self._grow()
        c = self.counts
        count(*coded, self.lexicon.endings, c.emit, c.total, c.ending, c.pair)
        return self

    def fit(self, sentences: Iterable[Sentence] | Encoded) -> _Tagger:
        """Forget everything, then `update`."""
        c = self.counts
        for array in (c.emit, c.total, c.ending, c.pair):
            array[...] = 0
        return self.update(sentences)

    def tag(self, words: Sequence[str]) -> list[str]:
        """One tag for each word of a sentence. Raises ValueError for a string, no words, or before any training."""
        if isinstance(words, str) or len(words) == 0:
            raise ValueError(f"words is {words!r}; allowed is a sequence of at least one word")
        numbers = np.array([self.lexicon.word(word) for word in words], np.int32)
        names = list(self.lexicon.tags)
        return [names[t] for t in self.predict(numbers, np.array([0, len(numbers)]))]

    def accuracy(self, sentences: Iterable[Sentence] | Encoded) -> float:
        """Share of words whose tag is right. ValueError as `encode`, and for no sentences."""
        coded = sentences if isinstance(sentences, Encoded) else self.lexicon.encode(sentences)
        if len(coded.words) == 0:
            raise ValueError("sentences is empty; allowed is at least one sentence")
        return float(np.mean(self.predict(coded.words, coded.starts) == coded.tags))

    def predict(self, words: NDArray[np.int32], starts: NDArray[np.int64]) -> NDArray[np.int32]:
        """Numbers of the tags (n,) of words given by their numbers, sentences as in `Encoded`."""
        self._grow()
        if not self.counts.pair.any():
            raise ValueError("the tagger has learned nothing; allowed is tagging after update or fit")
        out = np.empty(len(words), np.int32)
        self._predict(words, starts, self._prior(), out)
        return out

    def _grow(self) -> None:
        words, endings, tags = self.lexicon.sizes
        c = self.counts
        tags_room = max(c.pair.shape[0] - 1, tags)
        c.emit, c.total = _grown(c.emit, words, tags_room), _grown(c.total, words)
        c.ending, c.pair = _grown(c.ending, endings, tags_room), _grown(c.pair, tags + 1, tags + 1)

    def _prior(self) -> NDArray[np.float64]:
        tags = len(self.lexicon.tags)
        seen = self.counts.pair[:, 1 : tags + 1].sum(0)
        return (seen + 0.1) / (seen.sum() + 0.1 * tags)


class UnigramTagger(_Tagger):
    """Each word gets its most frequent tag; a word not seen before gets the likeliest tag by its shape and its last 1
    to 5 characters (suffixes=False: the most frequent tag of all)."""

    def _predict(self, words: Any, starts: Any, prior: Any, out: Any) -> None:
        c = self.counts
        unigram(words, self.lexicon.endings, c.emit, c.total, c.ending, prior, self.depth, out)


class HMMTagger(_Tagger):
    """Bigram hidden Markov model: tags depend on the tag before (interpolated with single tags), words on their tag;
    rare and unknown words by shape and suffix too. `tag` gives the likeliest sequence, by Viterbi's algorithm."""

    def _predict(self, words: Any, starts: Any, prior: Any, out: Any) -> None:
        self.score(words, starts, prior, out)

    def score(self, words: Any, starts: Any, prior: Any, out: Any) -> float:
        """Write the likeliest tags into `out`, and return the sum of their log scores."""
        c, tags = self.counts, len(self.lexicon.tags)
        log_pair, _ = interpolate(c.pair[: tags + 1, : tags + 1])
        table, row = emissions(words, self.lexicon.endings, c.emit, c.total, c.ending, prior, self.depth)
        return viterbi(words, starts, table, row, log_pair, out)

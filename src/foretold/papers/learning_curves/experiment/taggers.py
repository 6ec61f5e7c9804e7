"""Two taggers that learn by counting: unigram with suffix back-off, and a bigram hidden Markov model.

Counts only accumulate, so training along a learning scheme costs one pass over the words whatever the number of levels.
A sentence is a list of (word, tag) pairs. A `Lexicon` numbers words, suffixes and tags; both taggers count in arrays
that grow with it, and the loops are compiled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from foretold.kit import check
from foretold.papers.learning_curves.data.lexicon import DEPTH, Encoded, Lexicon, Sentence

RARE = 10  # words seen at most so often teach the suffix model, and may have tags they never had
WEIGHT = 2.0  # what a shorter suffix counts, in observations of the longer one
EDGE = -1  # the tag before a sentence's first word, and after its last


class Counts(NamedTuple):
    """What a tagger has seen: words with tags, words, endings of rare words with tags, and pairs of neighbouring tags
    (row and column 0 are the sentence's edge, tag t stands at t + 1)."""

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
def count(sentences, endings, counts):
    """Add sentences to the counts. A word's tokens teach its endings until it has been seen RARE times; at the next
    token all of them are taken back, so that the order of the tokens is of no account."""
    emit, total, ending, pair = counts
    for s in range(sentences.starts.size - 1):
        before = 0
        for i in range(sentences.starts[s], sentences.starts[s + 1]):
            w, t = sentences.words[i], sentences.tags[i]
            if total[w] < RARE:
                for e in endings[w]:
                    if e >= 0:
                        ending[e, t] += 1
            elif total[w] == RARE:
                for e in endings[w]:
                    if e >= 0:
                        ending[e] -= emit[w]
            emit[w, t] += 1
            total[w] += 1
            pair[before, t + 1] += 1
            before = t + 1
        pair[before, 0] += 1


@njit(cache=True)
def guess(endings, ending, prior, out):
    """P(tag | endings of a word) into `out`: from the prior over all tags to ever longer endings, each mixed with the
    shorter one as if that were WEIGHT observations."""
    out[:] = prior
    for e in endings:
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
def unigram(words, endings, counts, prior):
    """The most frequent tag of each word, (n,); of a word not seen before, the likeliest by its endings."""
    out, chance = np.empty(words.size, np.int32), np.empty(prior.size)
    for i in range(words.size):
        w = words[i]
        if counts.total[w] > 0:
            out[i] = np.argmax(counts.emit[w, : prior.size])
        else:
            guess(endings[w], counts.ending, prior, chance)
            out[i] = np.argmax(chance)
    return out


@njit(cache=True)
def emissions(words, endings, counts, prior):
    """log P(tag | word) - log P(tag) for each of some words, (words, tags). A frequent word can only have tags it had
    (-inf for others); a rare one is the last of its own endings: its counts are mixed with what its longest ending
    says, as above. A word never seen has no counts, and is all ending."""
    emit, total, ending, _ = counts
    tags = prior.size
    table, chance, log_prior = np.empty((words.size, tags)), np.empty(tags), np.log(prior)
    for at in range(words.size):
        w = words[at]
        if total[w] <= RARE:
            guess(endings[w], ending, prior, chance)
        for t in range(tags):
            if total[w] <= RARE:
                value = np.log((emit[w, t] + WEIGHT * chance[t]) / (total[w] + WEIGHT))
            else:
                value = np.log(emit[w, t] / total[w]) if emit[w, t] > 0 else -np.inf
            table[at, t] = value - log_prior[t]
    return table


@njit(cache=True, inline="always")
def best_step(score, before, height, log_pair, tag):
    """(score, index) of the best step to `tag` from the first `height` of the tags `before`, whose paths have these
    scores."""
    top, at = -np.inf, 0
    for k in range(height):
        value = score[k] + log_pair[before[k] + 1, tag + 1]
        if value > top:
            top, at = value, k
    return top, at


@njit(cache=True)
def best_path(row, table, log_pair, out):
    """Viterbi's algorithm on one sentence: writes the likeliest tags into `out` (n,), and returns the sum of their log
    scores: log P(t | t before) + log P(t | word) - log P(t) at each word, and the step to the sentence's end. `row`
    (n,) is each word's row of `table`, where the last two stand.

    Column i of the trellis holds the paths that end in word i, column 0 the empty one. Tags that a word cannot have are
    left out; most columns are one to three tags high.
    """
    n, tags = row.size, table.shape[1]
    column, back = np.empty((n + 1, tags), np.int32), np.empty((n + 1, tags), np.int32)
    score, longer = np.zeros(tags), np.empty(tags)
    column[0, 0] = EDGE
    height = 1
    for i in range(n):
        emission, before, high = table[row[i]], column[i], 0
        for t in range(tags):
            if emission[t] > -np.inf:
                top, back[i + 1, high] = best_step(score, before, height, log_pair, t)
                longer[high] = top + emission[t]
                column[i + 1, high] = t
                high += 1
        height = high
        score, longer = longer, score
    whole, at = best_step(score, column[n], height, log_pair, EDGE)
    for i in range(n, 0, -1):
        out[i - 1] = column[i, at]
        at = back[i, at]
    return whole


@njit(cache=True)
def viterbi(starts, row, table, log_pair):
    """The likeliest tags (n,) of sentences, and the sum of their log scores, as `best_path` has them."""
    out, whole = np.empty(row.size, np.int32), 0.0
    for s in range(starts.size - 1):
        first, last = starts[s], starts[s + 1]
        whole += best_path(row[first:last], table, log_pair, out[first:last])
    return out, whole


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


class Tagger:
    """What both taggers share: counting, and all of tagging but `predict`."""

    def __init__(self, lexicon: Lexicon | None = None, suffixes: bool = True) -> None:
        self.lexicon = Lexicon() if lexicon is None else lexicon
        self.depth = DEPTH + 1 if suffixes else 0
        self.counts = Counts(
            np.zeros((0, 0), np.int32), np.zeros(0, np.int32), np.zeros((0, 0), np.int32), np.zeros((0, 0), np.int64)
        )

    def update(self, sentences: Iterable[Sentence] | Encoded) -> Self:
        """Learn from more sentences; what was learned before stays. Returns the tagger. ValueError as `encode`."""
        coded = sentences if isinstance(sentences, Encoded) else self.lexicon.encode(sentences)
        self._grow()
        count(coded, self.lexicon.endings, self.counts)
        return self

    def tag(self, words: Sequence[str]) -> list[str]:
        """One tag for each word of a sentence. Raises ValueError for a string, no words, or before any training."""
        if isinstance(words, str) or len(words) == 0:
            raise check.refuse("words", words, "a sequence of at least one word")
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
        raise NotImplementedError

    def _grow(self) -> None:
        words, endings, tags = self.lexicon.sizes
        emit, total, ending, pair = self.counts
        room = max(pair.shape[0] - 1, tags)
        self.counts = Counts(
            _grown(emit, words, room),
            _grown(total, words),
            _grown(ending, endings, room),
            _grown(pair, tags + 1, tags + 1),
        )

    def _prior(self) -> NDArray[np.float64]:
        """P(tag), from what was seen. ValueError where nothing was."""
        self._grow()
        if not self.counts.pair.any():
            raise ValueError("the tagger has learned nothing; allowed is tagging after update")
        tags = len(self.lexicon.tags)
        seen = self.counts.pair[:, 1 : tags + 1].sum(0)
        return (seen + 0.1) / (seen.sum() + 0.1 * tags)

    @property
    def _endings(self) -> NDArray[np.int32]:
        """Those that the tagger looks at: all, or none of them."""
        return self.lexicon.endings[:, : self.depth]


class UnigramTagger(Tagger):
    """Each word gets its most frequent tag; a word not seen before gets the likeliest tag by its shape and its last 1
    to 5 characters (suffixes=False: the most frequent tag of all)."""

    def predict(self, words: NDArray[np.int32], starts: NDArray[np.int64]) -> NDArray[np.int32]:
        prior = self._prior()
        return unigram(words, self._endings, self.counts, prior)


class HMMTagger(Tagger):
    """Bigram hidden Markov model: tags depend on the tag before (interpolated with single tags), words on their tag;
    rare and unknown words by shape and suffix too. `tag` gives the likeliest sequence, by Viterbi's algorithm."""

    def predict(self, words: NDArray[np.int32], starts: NDArray[np.int64]) -> NDArray[np.int32]:
        return self.decode(words, starts)[0]

    def decode(self, words: NDArray[np.int32], starts: NDArray[np.int64]) -> tuple[NDArray[np.int32], float]:
        """The likeliest tags (n,), and the sum of their log scores."""
        prior, tags = self._prior(), len(self.lexicon.tags)
        log_pair, _ = interpolate(self.counts.pair[: tags + 1, : tags + 1])
        different, row = np.unique(words, return_inverse=True)
        return viterbi(starts, row, emissions(different, self._endings, self.counts, prior), log_pair)

"""Words, endings and tags as numbers, for the counting taggers of the learning-curve chapter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Sentence = Sequence[tuple[str, str]]
DEPTH = 5  # longest suffix, in characters


class Encoded(NamedTuple):
    """Sentences as numbers: words and tags (n,), and where each sentence starts, (sentences + 1,)."""

    words: NDArray[np.int32]
    tags: NDArray[np.int32]
    starts: NDArray[np.int64]

    def take(self, order: NDArray[np.integer]) -> Encoded:
        """The sentences of `order`, in that order."""
        lengths = np.diff(self.starts)[order]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        at = np.arange(starts[-1]) + np.repeat(self.starts[order] - starts[:-1], lengths)
        return Encoded(self.words[at], self.tags[at], starts)

    def part(self, first: int, last: int) -> Encoded:
        """Sentences first to last - 1."""
        a, b = self.starts[first], self.starts[last]
        return Encoded(self.words[a:b], self.tags[a:b], self.starts[first : last + 1] - a)


def shape(word: str) -> str:
    """A coarse look of a word: what it begins with, and whether it holds digits, hyphens, underscores or dots."""
    look = _beginning(word)
    if word.isupper() and len(word) > 1:
        look += "A"
    if any(character.isdigit() for character in word):
        look += "0"
    return look + "".join(sign for sign in "-_." if sign in word[1:])


def _beginning(word: str) -> str:
    first = word[:1]
    if first.isupper():
        return "A"
    if first.islower():
        return "a"
    return "0" if first.isdigit() else first


class Lexicon:
    """Numbers for words, tags and suffixes, given in the order of their first use. It knows no counts."""

    def __init__(self) -> None:
        self.words: dict[str, int] = {}
        self.tags: dict[str, int] = {}
        self._endings: dict[str, int] = {}
        self._table = np.full((1024, DEPTH + 1), -1, np.int32)

    @property
    def endings(self) -> NDArray[np.int32]:
        """(words, 6): numbers of a word's shape and of its shape with the last 1 to 5 characters; -1 beyond it."""
        return self._table[: len(self.words)]

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Numbers of words, endings and tags."""
        return len(self.words), len(self._endings), len(self.tags)

    def word(self, word: str) -> int:
        """The number of a word."""
        number = self.words.get(word)
        if number is None:
            number = self.words[word] = len(self.words)
            if number == len(self._table):
                self._table = np.concatenate([self._table, np.full_like(self._table, -1)])
            look = shape(word)
            for k in range(min(len(word), DEPTH) + 1):
                ending = f"{look}|{word[len(word) - k :]}"
                self._table[number, k] = self._endings.setdefault(ending, len(self._endings))
        return number

    def encode(self, sentences: Iterable[Sentence]) -> Encoded:
        """Sentences as numbers. Raises ValueError for an empty sentence, or pairs that are not two strings."""
        words: list[int] = []
        tags: list[int] = []
        starts = [0]
        for sentence in sentences:
            for pair in sentence:
                if isinstance(pair, str) or len(pair) != 2 or not all(isinstance(part, str) for part in pair):
                    raise ValueError(f"sentences hold {pair!r}; allowed are pairs (word, tag) of strings")
                words.append(self.word(pair[0]))
                tags.append(self.tags.setdefault(pair[1], len(self.tags)))
            if len(words) == starts[-1]:
                raise ValueError(f"sentence {len(starts) - 1} is empty; allowed are sentences of at least one word")
            starts.append(len(words))
        return Encoded(np.array(words, np.int32), np.array(tags, np.int32), np.array(starts, np.int64))

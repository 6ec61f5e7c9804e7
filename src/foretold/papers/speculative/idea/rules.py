"""When to stop drafting: rules that `speculative.speculative_sample` asks after each candidate, and the checks of their
arguments."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def within(name: str, value: ArrayLike, low: float, high: float, allowed: str, *, open_above: bool = False) -> Any:
    """`value` as an array of floats, if all of it is from `low` to `high`; ValueError naming what is allowed if not."""
    array = np.asarray(value, dtype=float)
    above = array >= high if open_above else array > high
    if not np.isfinite(array).all() or (array < low).any() or above.any():
        raise ValueError(f"{name} is {value!r}; allowed is {allowed}")
    return array


def whole(name: str, value: ArrayLike, least: int) -> np.ndarray:
    """`value` as an array, if all of it is whole and at least `least`; else ValueError."""
    array = np.asarray(value)
    number = array.dtype.kind in "iuf" and np.isfinite(array).all() and (array == np.round(array)).all()
    if not number or (array < least).any():
        raise ValueError(f"{name} is {value!r}; allowed is a whole number >= {least}")
    return array


@dataclass
class Drafted:
    """What a stopping rule may look at: the prefix, and for each candidate so far its token, its probability under the
    draft, the distribution it was drawn from, the one before greed (`raw`, the same where the draft is not greedy), and
    the hidden state that came with it (None where the draft shows none)."""

    prefix: tuple[int, ...]
    tokens: list[int] = field(default_factory=list)
    probabilities: list[float] = field(default_factory=list)
    distributions: list[np.ndarray] = field(default_factory=list)
    raw: list[np.ndarray] = field(default_factory=list)
    hidden: list[Any] = field(default_factory=list)
    estimates: list[float] = field(default_factory=list)


StopRule = Callable[[Drafted], bool]


@dataclass(frozen=True)
class FixedLength:
    """Always `length` candidates; with 0 the target decodes alone. Raises ValueError for a negative length."""

    length: int

    def __post_init__(self) -> None:
        whole("length", self.length, 0)

    def __call__(self, drafted: Drafted) -> bool:
        return len(drafted.tokens) >= self.length


@dataclass(frozen=True)
class AcceptanceThreshold:
    """Stop when the predicted probability that some candidate is rejected, 1 - prod f_i, exceeds `threshold` (0 to 1),
    but not before `shortest` and at the latest at `longest` candidates (section 3 of the paper).

    ``predict(drafted, i)`` is f_i, the predicted acceptance of candidate i; by default the draft's own probability of
    it. The candidate that tips the balance is submitted: to drop it would bias what is written. Raises ValueError for
    a threshold outside of 0 to 1 and lengths that are not 1 <= shortest <= longest.
    """

    threshold: float
    predict: Callable[[Drafted, int], float] | None = None
    shortest: int = 1
    longest: int = 20

    def __post_init__(self) -> None:
        within("threshold", self.threshold, 0, 1, "a probability, 0 to 1")
        whole("shortest", self.shortest, 1)
        whole("longest", self.longest, self.shortest)

    def __call__(self, drafted: Drafted) -> bool:
        for i in range(len(drafted.estimates), len(drafted.tokens)):
            drafted.estimates.append(self.predict(drafted, i) if self.predict else drafted.probabilities[i])
        count = len(drafted.tokens)
        risk = 1 - math.prod(drafted.estimates)
        return count >= self.longest or (count >= self.shortest and risk > self.threshold)


@dataclass(frozen=True)
class Confidence:
    """Stop after a candidate whose probability under the draft is below `threshold` (0 to 1), or at `longest`: the rule
    of one token, as in transformers' dynamic schedule. Raises ValueError as `AcceptanceThreshold`."""

    threshold: float
    longest: int = 20

    def __post_init__(self) -> None:
        within("threshold", self.threshold, 0, 1, "a probability, 0 to 1")
        whole("longest", self.longest, 1)

    def __call__(self, drafted: Drafted) -> bool:
        count = len(drafted.tokens)
        return count >= self.longest or (count > 0 and drafted.probabilities[-1] < self.threshold)

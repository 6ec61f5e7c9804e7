"""Regions of a quantity: what counts as agreement with a sentence, and what counts as contradiction."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foretold.claims.text import number

# A claims file writes ends as decimals; a value that equals one but for binary rounding is at that end.
ROUNDING = 1e-9
ENDS = {"above": ("low", False), "at_least": ("low", True), "below": ("high", False), "at_most": ("high", True)}


@dataclass(frozen=True)
class Span:
    """An interval of the real line; an end that is `closed` belongs to it. Infinite ends are open."""

    low: float = -math.inf
    high: float = math.inf
    low_closed: bool = False
    high_closed: bool = False

    def holds(self, values: ArrayLike) -> NDArray[np.bool_]:
        """Which of the values lie in it, in the shape of `values`."""
        values = np.asarray(values, float)
        return _beyond(values, self.low, self.low_closed) & _beyond(-values, -self.high, self.high_closed)

    def covers(self, low: float, high: float) -> bool:
        """Whether all of [low, high] lies in it."""
        return bool(self.holds([low, high]).all())

    def meets(self, other: Span) -> bool:
        """Whether some number lies in both."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        if low < high:
            return True
        return low == high and bool(self.holds(low) & other.holds(low))

    def text(self) -> str:
        """As a reader sees it: ``0.506 to 0.51``, ``above 0``, ``at most 3``."""
        if math.isfinite(self.low) and math.isfinite(self.high):
            return f"{number(self.low)} to {number(self.high)}{self._excluded()}"
        if math.isfinite(self.low):
            return f"{'at least' if self.low_closed else 'above'} {number(self.low)}"
        if math.isfinite(self.high):
            return f"{'at most' if self.high_closed else 'below'} {number(self.high)}"
        return "any number"

    def _excluded(self) -> str:
        if self.low_closed and self.high_closed:
            return ""
        if self.low_closed or self.high_closed:
            return f", {'upper' if self.low_closed else 'lower'} end excluded"
        return ", ends excluded"


@dataclass(frozen=True)
class Region:
    """A union of spans."""

    spans: tuple[Span, ...]

    @classmethod
    def read(cls, name: str, raw: Any) -> Region:
        """As a claims file writes it: ``[low, high]`` with both ends; ``{above: x}``, ``{at_least: x}``,
        ``{below: x}``, ``{at_most: x}`` or two of these together; or a list of such mappings, which are joined.

        Raises ValueError for anything else, for ends that are not finite and for those in the wrong order.
        """
        return cls(tuple(_span(name, part) for part in _parts(raw)))

    def holds(self, values: ArrayLike) -> NDArray[np.bool_]:
        """Which of the values lie in it, in the shape of `values`."""
        found = np.zeros(np.shape(values), bool)
        for span in self.spans:
            found |= span.holds(values)
        return found

    def covers(self, low: float, high: float) -> bool:
        """Whether all of [low, high] lies in one of its spans."""
        return any(span.covers(low, high) for span in self.spans)

    def meets(self, other: Region) -> bool:
        """Whether some number lies in both."""
        return any(one.meets(two) for one in self.spans for two in other.spans)

    def moved(self, by: float) -> Region:
        """The region with every end moved by a number."""
        return Region(tuple(Span(s.low + by, s.high + by, s.low_closed, s.high_closed) for s in self.spans))

    def ends(self) -> list[float]:
        """Its finite ends."""
        return [end for span in self.spans for end in (span.low, span.high) if math.isfinite(end)]

    def width(self) -> float:
        """The length of its longest span, infinite for a half-line."""
        return max(span.high - span.low for span in self.spans)

    def text(self) -> str:
        """As a reader sees it."""
        return " or ".join(span.text() for span in self.spans)


def is_region(raw: Any) -> bool:
    """Whether a value of a claims file is one region, and not a mapping of parts to regions."""
    return not isinstance(raw, Mapping) or set(raw) <= set(ENDS)


def _parts(raw: Any) -> list[Any]:
    several = isinstance(raw, list) and raw and all(isinstance(part, Mapping) for part in raw)
    return list(raw) if several else [raw]


def _span(name: str, raw: Any) -> Span:
    allowed = "[low, high], or a mapping of above, at_least, below, at_most to numbers"
    if isinstance(raw, list) and len(raw) == 2 and all(map(_is_number, raw)):
        span = Span(float(raw[0]), float(raw[1]), True, True)
    elif isinstance(raw, Mapping) and raw and set(raw) <= set(ENDS) and all(map(_is_number, raw.values())):
        given: dict[str, Any] = {}
        for end, value in raw.items():
            side, closed = ENDS[end]
            if side in given:
                raise ValueError(f"{name} is {raw!r}; allowed is one lower and one upper end")
            given |= {side: float(value), f"{side}_closed": closed}
        span = Span(**given)
    else:
        raise ValueError(f"{name} is {raw!r}; allowed is {allowed}")
    if span.low > span.high or (span.low == span.high and not (span.low_closed and span.high_closed)):
        raise ValueError(f"{name} is {raw!r}; allowed is the lower end first, and some number between them")
    return span


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _beyond(values: NDArray[np.float64], low: float, closed: bool) -> NDArray[np.bool_]:
    """Which values lie above `low`, or at it where it is closed."""
    if not math.isfinite(low):
        return np.ones(values.shape, bool)
    near = np.abs(values - low) <= ROUNDING * max(abs(low), np.finfo(float).tiny)
    return (values > low) & ~near | (near if closed else np.zeros(values.shape, bool))

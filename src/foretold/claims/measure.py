"""How a claim is measured: one pure function of stored inputs, with the rivals and the sabotage that test it.

A chapter's ``measures.py`` has one such function for each claim::

    @measures("same-side", rivals={"a fair coin": fair}, sabotage={"outcomes swapped": swapped})
    def same_side(flips):
        return Measured(flips["same"].sum() / flips["n"].sum(), draws=...)

The notebook calls ``run.claim(measures.same_side, flips)``; the build keeps `flips`, so that judging again, rivals and
sabotage take no training.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foretold.claims.statement import WHOLE

Inputs = Mapping[str, Any]
FEWEST_DRAWS = 40  # below it, a share of 95% of the draws means nothing


@dataclass(frozen=True)
class Part:
    """A number that was measured, with draws of it over seeds or data, or with its 95% interval, or as exact."""

    estimate: float
    interval: tuple[float, float] | None = None
    draws: NDArray[np.float64] | None = field(default=None, repr=False)

    def moved(self, by: float) -> Part:
        """The same, all of it moved by a number."""
        interval = None if self.interval is None else (self.interval[0] + by, self.interval[1] + by)
        return Part(self.estimate + by, interval, None if self.draws is None else self.draws + by)

    def scaled(self, factor: float, about: float) -> Part:
        """The same, its distance from `about` multiplied by a factor."""

        def scale(values: Any) -> Any:
            return about + factor * (np.asarray(values) - about)

        interval = None if self.interval is None else tuple(sorted(float(end) for end in scale(self.interval)))
        return Part(float(scale(self.estimate)), interval, None if self.draws is None else scale(self.draws))  # type: ignore[arg-type]


class Measured:
    """What was measured for a claim: one number or several named parts.

    Parameters
    ----------
    estimate
        a finite number, or a mapping from the name of a part to one, in the unit of the claim
    draws
        values of the estimate over resampled data or seeds, (draws,) of at least 40, or a mapping of these; a draw may
        be missing from the estimate's own side, which is bias and no error
    interval
        its 95% interval where there are no draws, (low, high), or a mapping of these
    """

    def __init__(self, estimate: Any, draws: Any = None, interval: Any = None) -> None:
        if draws is not None and interval is not None:
            raise ValueError("draws and interval are both given; allowed is one of them")
        single = not isinstance(estimate, Mapping)
        estimates = {WHOLE: estimate} if single else dict(estimate)
        several = {WHOLE: draws} if single else dict(draws or {})
        intervals = {WHOLE: interval} if single else dict(interval or {})
        if not estimates or set(several) - set(estimates) or set(intervals) - set(estimates):
            raise ValueError(
                f"the parts are {sorted(estimates)}; draws and intervals are for {sorted(several)}, {sorted(intervals)}"
            )
        self.parts = {
            str(name): _part(str(name), value, several.get(name), intervals.get(name))
            for name, value in estimates.items()
        }

    def changed(self, change: Callable[[Part], Part]) -> Measured:
        """The same with every part changed."""
        return self.with_parts({name: change(part) for name, part in self.parts.items()})

    @staticmethod
    def with_parts(parts: dict[str, Part]) -> Measured:
        """Of parts as they are, which were checked when they were made."""
        made = object.__new__(Measured)
        made.parts = parts
        return made


def _part(name: str, estimate: Any, draws: ArrayLike | None, interval: Sequence[float] | None) -> Part:
    what = f"estimate of {name}" if name else "estimate"
    try:
        value = float(estimate)
    except (TypeError, ValueError):
        raise ValueError(f"{what} is {estimate!r}; allowed is a number") from None
    if not math.isfinite(value):
        raise ValueError(f"{what} is {value!r}; allowed is a finite number")
    if draws is not None:
        array = np.asarray(draws, float)
        if array.ndim != 1 or len(array) < FEWEST_DRAWS or not np.isfinite(array).all():
            raise ValueError(
                f"draws of the {what} have the shape {array.shape}; allowed are at least {FEWEST_DRAWS} finite numbers"
            )
        low, high = np.quantile(array, [0.025, 0.975])
        return Part(value, (float(low), float(high)), array)
    if interval is None:
        return Part(value)
    low, high = (float(end) for end in interval)
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"interval of the {what} is ({low}, {high}); allowed are two finite numbers, the lower first")
    return Part(value, (low, high))


@dataclass(frozen=True)
class Measure:
    """The function that measures a claim. `rivals` take the same inputs and return what a sceptic would propose, a
    number or `Measured`; `sabotage` takes a generator and the inputs and returns those that it has changed."""

    id: str
    function: Callable[..., Measured]
    rivals: Mapping[str, Callable[..., Any]]
    sabotage: Mapping[str, Callable[..., Inputs]]

    def bind(self, *values: Any, **named: Any) -> dict[str, Any]:
        """The inputs by the names that the function gives them. Raises TypeError as a call of it would."""
        bound = inspect.signature(self.function).bind(*values, **named)
        bound.apply_defaults()
        return dict(bound.arguments)

    def __call__(self, inputs: Inputs) -> Measured:
        """Measure. Raises TypeError where the function returns something else."""
        found = self.function(**inputs)
        if not isinstance(found, Measured):
            raise TypeError(f"measure {self.id!r} returns {type(found).__name__}; allowed is Measured")
        return found

    def rival(self, name: str, inputs: Inputs) -> Measured:
        """What a rival says for these inputs."""
        found = self.rivals[name](**inputs)
        return found if isinstance(found, Measured) else Measured(found)

    def spoiled(self, name: str, inputs: Inputs, rng: np.random.Generator) -> dict[str, Any]:
        """The inputs after a sabotage."""
        return {**inputs, **self.sabotage[name](rng, **inputs)}


def measures(
    claim: str,
    rivals: Mapping[str, Callable[..., Any]] | None = None,
    sabotage: Mapping[str, Callable[..., Inputs]] | None = None,
) -> Callable[[Callable[..., Measured]], Measure]:
    """Make a function the measure of the claim of this id."""
    return lambda function: Measure(claim, function, dict(rivals or {}), dict(sabotage or {}))

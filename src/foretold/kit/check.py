"""Checks of arguments: each returns the value in the form that is computed with, or raises a ValueError that names the
argument, its value and what is allowed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

LONGEST = 200  # characters of a value in a message


def refuse(name: str, value: object, allowed: str) -> ValueError:
    """The error that says what `name` is and what is allowed: ``raise refuse(...)`` where a check stands elsewhere."""
    shown = repr(value)
    shown = shown if len(shown) <= LONGEST else shown[:LONGEST] + "..."
    return ValueError(f"{name} is {shown}; allowed is {allowed}")


def real(name: str, value: Any, low: float = -math.inf, high: float = math.inf, allowed: str | None = None) -> float:
    """A finite number from `low` to `high`, both included. `allowed` says in words what is allowed, with its unit."""
    number = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not low <= value <= high:
        raise refuse(name, value, allowed or f"a finite number{_range(low, high)}")
    return float(value)


def positive(name: str, value: Any, allowed: str = "a finite number above 0") -> float:
    """A finite number above 0."""
    return real(name, value, math.nextafter(0, 1), allowed=allowed)


def between(name: str, value: Any, low: float, high: float) -> float:
    """A number strictly between `low` and `high`."""
    allowed = f"a number between {low:g} and {high:g}, both excluded"
    return real(name, value, math.nextafter(low, high), math.nextafter(high, low), allowed)


def probability(name: str, value: Any) -> float:
    """A probability, 0 to 1."""
    return real(name, value, 0, 1, "a probability, 0 to 1")


def whole(name: str, value: Any, least: int = 0, most: int | None = None, allowed: str | None = None) -> int:
    """A whole number from `least` to `most`."""
    number = isinstance(value, Integral) and not isinstance(value, bool)
    if not number or value < least or (most is not None and value > most):
        ends = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise refuse(name, value, allowed or f"a whole number {ends}")
    return int(value)


def reals(
    name: str, values: ArrayLike, low: float = -math.inf, high: float = math.inf, allowed: str | None = None
) -> NDArray[np.float64]:
    """Finite numbers from `low` to `high`, as an array of any shape."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise refuse(name, values, allowed or f"finite numbers{_range(low, high)}") from None
    if not np.isfinite(array).all() or (array < low).any() or (array > high).any():
        raise refuse(name, values, allowed or f"finite numbers{_range(low, high)}")
    return array


def wholes(name: str, values: ArrayLike, least: int = 0, allowed: str | None = None) -> NDArray[Any]:
    """Whole numbers of at least `least`, as an array of any shape, of the type that they come in."""
    try:
        array = np.asarray(values)
    except ValueError:  # rows of different lengths
        raise refuse(name, values, allowed or f"whole numbers of at least {least}") from None
    number = array.dtype.kind in "iuf" and np.isfinite(array).all() and (array == np.round(array)).all()
    if not number or (array < least).any():
        raise refuse(name, values, allowed or f"whole numbers of at least {least}")
    return array


def vector(name: str, values: ArrayLike, least: int = 1, **limits: Any) -> NDArray[np.float64]:
    """Finite numbers in one row, at least `least` of them; `limits` are those of `reals`."""
    array = reals(name, values, **limits)
    if array.ndim != 1 or len(array) < least:
        raise ValueError(f"{name} has the shape {array.shape}; allowed is one row of at least {least}")
    return array


def same_shape(**arrays: NDArray[Any]) -> None:
    """Arrays of one shape, given by their names."""
    shapes = {name: np.shape(array) for name, array in arrays.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"the shapes are {', '.join(f'{n} {s}' for n, s in shapes.items())}; allowed is one for all")


def one_of(name: str, value: Any, allowed: Sequence[Any]) -> Any:
    """One of a few values."""
    if value not in allowed:
        raise refuse(name, value, f"one of {', '.join(map(str, allowed))}")
    return value


def generator(name: str, value: Any) -> np.random.Generator:
    """A generator of NumPy, which a caller passes in: no function has a seed of its own."""
    if not isinstance(value, np.random.Generator):
        raise refuse(name, value, "a numpy.random.Generator")
    return value


def _range(low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return ""
    if math.isinf(high):
        return f" of at least {low:g}"
    return f" up to {high:g}" if math.isinf(low) else f" from {low:g} to {high:g}"

"""Which side a measurement is on, and how far it is from another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from foretold.claims.evidence import AGAINST, AGREES, BETWEEN
from foretold.claims.measure import Measured, Part
from foretold.claims.regions import Region

SHARE = 0.95  # of the draws that a side needs
Regions = Mapping[str, Region]


def side(part: Part, agrees: Region, against: Region | None) -> str:
    """`AGREES` or `AGAINST` where the measured number lies in that region, and with it 95% of its draws, or all of its
    interval where it has no draws; else `BETWEEN`. So noise makes nothing certain and turns nothing round."""
    if _lies_in(part, agrees):
        return AGREES
    return AGAINST if against is not None and _lies_in(part, against) else BETWEEN


def side_of_all(measured: Measured, agrees: Regions, against: Regions) -> str:
    """`AGREES` where every part does, `AGAINST` where one part is, else `BETWEEN`. Raises ValueError where the parts
    are not those of the regions."""
    if set(measured.parts) != set(agrees):
        raise ValueError(f"the parts are {sorted(measured.parts)}; allowed are {sorted(agrees)}, those of agrees")
    return together(side(part, agrees[name], against.get(name)) for name, part in measured.parts.items())


def together(each: Iterable[str]) -> str:
    """The side of the whole, from the sides of its parts."""
    sides = set(each)
    if AGAINST in sides:
        return AGAINST
    return AGREES if sides == {AGREES} else BETWEEN


def shares(part: Part, agrees: Region, against: Region | None) -> dict[str, float] | None:
    """The shares of the draws that agree and that contradict, None without draws."""
    if part.draws is None:
        return None
    outside = 0.0 if against is None else float(against.holds(part.draws).mean())
    return {AGREES: float(agrees.holds(part.draws).mean()), AGAINST: outside}


def turns_at(measured: Measured, agrees: Regions, against: Regions) -> dict[str, tuple[float | None, float | None]]:
    """By part, the nearest lower and the nearest higher estimate at which the whole would be decided otherwise, its
    uncertainty the same; None where there is none on that side.

    Found by moving the part, with its draws, until the decision changes: outwards in doubling steps, then by halving.
    """
    decided = side_of_all(measured, agrees, against)

    def decision(name: str, by: float) -> str:
        moved = measured.with_parts({**measured.parts, name: measured.parts[name].moved(by)})
        return side_of_all(moved, agrees, against)

    found = {}
    for name, part in measured.parts.items():
        size = _scale(part, [*agrees[name].ends(), *(against[name].ends() if name in against else [])])
        steps = [_turn(lambda by, name=name: decision(name, by) != decided, sign * size) for sign in (-1, 1)]  # type: ignore[misc]
        low, high = (None if step is None else part.estimate + step for step in steps)
        found[name] = (low, high)
    return found


def _turn(turned: Callable[[float], bool], unit: float) -> float | None:
    near, far = 0.0, 1e-6
    while not turned(far * unit):
        near, far = far, 2 * far
        if far > 1e3:
            return None
    for _ in range(40):
        middle = (near + far) / 2
        near, far = (near, middle) if turned(middle * unit) else (middle, far)
    return far * unit


def _scale(part: Part, ends: list[float]) -> float:
    """A length beside which the distance to any end is neither tiny nor huge."""
    low, high = part.interval or (part.estimate, part.estimate)
    return max([abs(part.estimate - end) for end in ends] + [high - low, 1e-12 * abs(part.estimate)]) or 1.0


def _lies_in(part: Part, region: Region) -> bool:
    if not region.holds(part.estimate):
        return False
    if part.draws is not None:
        return bool(region.holds(part.draws).mean() >= SHARE)
    return part.interval is None or region.covers(*part.interval)


def smallest_seen(measured: Measured, agrees: Regions) -> dict[str, float]:
    """By part with a half-line of agreement, the estimate nearest to its end that would have agreed at this
    uncertainty: where nothing was found, "could have seen this or more"."""
    found: dict[str, float] = {}
    for name, part in measured.parts.items():
        span = agrees[name].spans[0]
        if len(agrees[name].spans) > 1 or np.isfinite([span.low, span.high]).sum() != 1 or part.interval is None:
            continue
        below, above = part.estimate - part.interval[0], part.interval[1] - part.estimate
        found[name] = span.low + max(below, 0.0) if np.isfinite(span.low) else span.high - max(above, 0.0)
    return found


def parts_text(measured: Measured, show: Callable[[Part], Any]) -> str:
    """Parts as a reader sees them, each after its name where there are several."""
    return "; ".join(f"{name}: {show(part)}" if name else show(part) for name, part in measured.parts.items())

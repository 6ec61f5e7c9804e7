"""Numbers and tolerances as a reader reads them."""

from __future__ import annotations

import math
from collections.abc import Mapping


def number(value: float, of: float | None = None, finer: float | None = None) -> str:
    """A number as a reader reads it: five significant digits, powers of ten where there are many.

    `of` is a width beside which fewer digits will do (those of an interval's ends), `finer` a size that the digits must
    resolve (a tolerance).
    """
    value = float(value)
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e6 or size < 1e-4:
        mantissa, exponent = f"{value:.3e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    digits = max(0, 4 - math.floor(math.log10(size)))
    if of:
        digits = min(digits, max(0, 2 - math.floor(math.log10(of))))
    if finer:
        digits = max(digits, 1 - math.floor(math.log10(finer)))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def tolerance_text(tolerance: Mapping[str, float]) -> str:
    """A tolerance as a reader reads it: ``±0.0005``, ``±1%``, ``±0.3 decades``."""
    how, size = next(iter(tolerance.items()))
    return {"abs": f"±{number(size)}", "rel": f"±{number(100 * size)}%", "log10": f"±{number(size)} decades"}[how]

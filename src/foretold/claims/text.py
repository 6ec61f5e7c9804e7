"""Numbers as a reader reads them."""

from __future__ import annotations

import math


def number(value: float, of: float | None = None) -> str:
    """A number as a reader reads it: five significant digits, powers of ten where there are many.

    `of` is a width beside which fewer digits will do (those of an interval's ends).
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
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

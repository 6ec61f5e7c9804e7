"""How the benchmarks of this folder take time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def best(function: Callable[[], Result], repeats: int = 5) -> tuple[float, Result]:
    """Seconds of the fastest of some calls, and the result of the last: what disturbs a call only ever slows it."""
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        result = function()
        seconds.append(time.perf_counter() - began)
    return min(seconds), result

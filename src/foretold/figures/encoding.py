"""Python values as the JSON that an interactive figure carries; arrays as base64."""

from __future__ import annotations

import base64
import datetime
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

LARGEST = 2**53  # JavaScript's numbers are exact up to here


def encode(value: Any, where: str, *, gaps: bool = False) -> Any:
    """`value` as JSON, arrays as ``{dtype, shape, base64}``. With `gaps`, a number that is not finite becomes null,
    plotly's gap. Raises ValueError, naming the place `where`, for what JavaScript cannot hold."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, np.generic):
        return encode(value.item() if value.dtype.kind != "M" else str(value), where, gaps=gaps)
    if isinstance(value, int | float):
        return _number(value, where, gaps)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, np.ndarray):
        return _array(value, where, gaps)
    if isinstance(value, Mapping) and "bdata" in value:
        return _array(_plotly_array(value), where, gaps)
    # pandas is known by its attributes: importing it would cost every run half a second.
    if isinstance(value, Mapping) or hasattr(value, "columns"):
        return {str(name): encode(item, f"{where}[{name!r}]", gaps=gaps) for name, item in value.items()}
    if hasattr(value, "to_numpy"):
        return encode(value.to_numpy(), where, gaps=gaps)
    if isinstance(value, list | tuple):
        return [encode(item, f"{where}[{i}]", gaps=gaps) for i, item in enumerate(value)]
    raise ValueError(f"{where} is a {type(value).__name__}; JavaScript gets numbers, strings, lists, mappings, arrays")


def _number(value: float, where: str, gaps: bool) -> float | None:
    if isinstance(value, int):
        if abs(value) > LARGEST:
            raise ValueError(f"{where} = {value} is too large for JavaScript, which is exact to 2**53")
        return value
    if math.isfinite(value):
        return value
    if gaps:
        return None
    raise ValueError(f"{where} = {value} is not finite; JSON has no such number, put it into an array")


def _plotly_array(value: Mapping[str, Any]) -> np.ndarray:
    """An array from plotly's own form of one: ``{dtype, bdata, shape}``."""
    array = np.frombuffer(base64.b64decode(value["bdata"]), dtype=value["dtype"])
    shape = value.get("shape")
    return array if shape is None else array.reshape([int(n) for n in str(shape).split(",")])


def _array(array: np.ndarray, where: str, gaps: bool) -> Any:
    kind = array.dtype.kind
    if kind == "M":
        return np.datetime_as_string(array).tolist()
    if array.ndim == 0 or kind in "OUST":
        return encode(array.tolist(), where, gaps=gaps)
    if kind == "b":
        array = array.astype("u1")
    elif kind == "f":
        array = array.astype("f4" if array.dtype.itemsize <= 4 else "f8")
    elif kind in "iu" and array.dtype.itemsize == 8:
        # JavaScript's 64-bit integers do not mix with its numbers.
        largest = max(abs(int(array.min())), abs(int(array.max()))) if array.size else 0
        if largest > LARGEST:
            raise ValueError(f"{where} holds {largest}, too large for JavaScript, which is exact to 2**53")
        array = array.astype("i4" if largest < 2**31 else "f8")
    elif kind not in "iu":
        raise ValueError(f"{where} has the dtype {array.dtype}; JavaScript gets real numbers, strings and dates")
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return {
        "dtype": f"{array.dtype.kind}{array.dtype.itemsize}",
        "shape": list(array.shape),
        "base64": base64.b64encode(little.tobytes()).decode("ascii"),
    }

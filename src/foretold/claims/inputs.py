"""The inputs of measures as JSON, exactly: numbers, words, arrays and tables, and lists and mappings of them.

They are kept beside the executed notebook, so that judging again, rivals and sabotage need no training. Kilobytes: what
is larger is not the input of a claim, but of the computation before it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 400_000  # characters of one input
PLAIN = (bool, int, float, str, type(None))


def encode(name: str, value: Any) -> str:
    """The JSON text of an input. Raises ValueError for a value of another kind, and for one that is too large."""
    text = json.dumps(_plain(name, value))
    if len(text) > LARGEST:
        raise ValueError(f"input {name!r} takes {len(text)} characters; allowed are {LARGEST}: keep a summary of it")
    return text


def decode(text: str) -> Any:
    """The input that a text of `encode` holds: equal in value, type and order."""
    return _value(json.loads(text))


def key(text: str) -> str:
    """The name under which a text is kept."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, list | tuple):
        return {"list": [_plain(name, item) for item in value]}
    if isinstance(value, Mapping):
        if not all(isinstance(word, str) for word in value):
            raise ValueError(f"input {name!r} is a mapping with the keys {list(value)}; allowed are words")
        return {"mapping": {word: _plain(name, item) for word, item in value.items()}}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufU":
        return {"array": value.ravel().tolist(), "dtype": value.dtype.str, "shape": list(value.shape)}
    import pandas as pd  # here, and not above: importing foretold is light

    if isinstance(value, pd.DataFrame):
        columns = {str(column): _column(name, value[column]) for column in value}
        return {"frame": columns, "length": len(value)}
    raise ValueError(
        f"input {name!r} is of type {type(value).__name__}; allowed are numbers, words, arrays, tables, and lists and "
        "mappings of them"
    )


def _column(name: str, column: pd.Series[Any]) -> Any:
    if column.dtype.kind in "biuf":
        return _plain(name, column.to_numpy())
    if not all(isinstance(item, str) for item in column):
        raise ValueError(
            f"input {name!r} has a column {column.name!r} of {column.dtype}; allowed are numbers and words"
        )
    return _plain(name, list(column))


def _value(plain: Any) -> Any:
    if not isinstance(plain, dict):
        return plain
    if "list" in plain:
        return [_value(item) for item in plain["list"]]
    if "mapping" in plain:
        return {word: _value(item) for word, item in plain["mapping"].items()}
    if "array" in plain:
        return np.array(plain["array"], dtype=plain["dtype"]).reshape(plain["shape"])
    import pandas as pd

    columns = {name: _value(column) for name, column in plain["frame"].items()}
    return pd.DataFrame(columns, index=range(plain["length"]))

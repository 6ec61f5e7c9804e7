"""Other people's tables: read from a file or a data frame, with errors that name the column and the row.

Rows are numbered as a reader counts them: the first below the heads is row 1.
"""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LARGEST = 512 * 1024**2  # bytes of a file that is read whole
PARSERS = {".json": "JSON", ".jsonl": "JSON lines", ".parquet": "Parquet"}


def read(source: str | Path | pd.DataFrame, heads: bool = True) -> pd.DataFrame:
    """A table from a data frame (copied) or a file: CSV (commas, semicolons, tabs, blanks), JSON, JSON lines, Parquet.

    Texts are stripped, and a file may be compressed (.gz). `heads` says whether the first line has the names of the
    columns; without, they are "1", "2", and so on. Raises ValueError for a file that is not there, empty, too large or
    not of these kinds, and for columns of the same name.
    """
    table = source.copy() if isinstance(source, pd.DataFrame) else _from_file(source, heads)
    table.columns = [str(name).strip().lstrip("\ufeff") for name in table.columns]
    twice = [name for name in table.columns if list(table.columns).count(name) > 1]
    if twice:
        raise ValueError(f"the table has {twice.count(twice[0])} columns {twice[0]!r}; allowed is one of each name")
    if not len(table):
        raise ValueError("the table has 0 rows; allowed is at least one")
    texts = table.select_dtypes(["object", "string"]).columns
    return table.assign(**{name: table[name].map(_stripped) for name in texts}).reset_index(drop=True)


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _from_file(source: str | Path, heads: bool) -> pd.DataFrame:
    path = Path(source) if isinstance(source, (str, Path)) else None
    if path is None or not path.is_file():
        raise ValueError(f"{source!r} is no file; allowed is a data frame or the path of a table")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path.name} has {path.stat().st_size:,} bytes; allowed are at most {LARGEST:,}")
    kind = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    try:
        if kind == ".parquet":
            return pd.read_parquet(path)
        if kind in (".json", ".jsonl"):
            return pd.read_json(path, lines=kind == ".jsonl")
        return _from_text(path, heads)
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError, ValueError, ImportError) as error:
        raise ValueError(f"{path.name} cannot be read as {PARSERS.get(kind, 'a CSV')}: {error}") from error


def _from_text(path: Path, heads: bool) -> pd.DataFrame:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig") as file:
        text = file.read()
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        raise ValueError("it is empty")
    separator = _separator(lines[:20])
    table = pd.read_csv(
        io.StringIO("\n".join(lines)),
        sep=separator,
        header=0 if heads else None,
        engine="python",
        skipinitialspace=True,
    )
    if not heads:
        table.columns = [str(place + 1) for place in range(table.shape[1])]
    return table


def _separator(lines: Sequence[str]) -> str:
    """The separator that stands equally often, and at least once, in every line; blanks if none does."""
    for separator in ("\t", ";", ",", "|"):
        found = {len(re.sub(r'"[^"]*"', "", line).split(separator)) for line in lines}
        if len(found) == 1 and found != {1}:
            return re.escape(separator)
    commas = any("," in line for line in lines)
    return "," if commas or all(len(line.split()) == 1 for line in lines) else r"\s+"


def key(name: str) -> str:
    """A name without case, blanks, and signs, by which columns are compared."""
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def column(
    table: pd.DataFrame, role: str, known: Sequence[str], given: str | None = None, needed: bool = True
) -> str | None:
    """The name of the column that plays a `role`: the one that is `given`, else the first with a `known` name.

    Case, blanks and signs do not matter for known names. Where none is there, None if it is not `needed`. Raises
    ValueError for a given name that the table lacks, and for a needed column that is not found.
    """
    if given is not None:
        if given not in table.columns:
            raise ValueError(f"{role} is {given!r}; allowed are the columns {list(table.columns)}")
        return given
    by_key = {key(name): name for name in table.columns}
    found = [by_key[key(name)] for name in known if key(name) in by_key]
    if found:
        return found[0]
    if needed:
        raise ValueError(
            f"no column for {role}; allowed is one named {' or '.join(map(repr, known))}, or {role}=NAME for one of "
            f"{list(table.columns)}"
        )
    return None


def numbers(
    table: pd.DataFrame, name: str, low: float = -np.inf, high: float = np.inf, whole: bool = False
) -> NDArray[np.float64]:
    """A column (rows,) of numbers from `low` to `high`; thousands may have separators ("1,234").

    Raises ValueError, with column and row, for what is missing, truth values, texts, and numbers that are not allowed.
    """
    ends = "" if np.isinf([low, high]).all() else f" from {low:g} to {high:g}"
    allowed = ("whole numbers" if whole else "numbers") + ends
    values = table[name]
    if values.dtype == bool or any(isinstance(value, (bool, np.bool_)) for value in values):
        raise ValueError(f"column {name!r} has truth values; allowed are {allowed}")
    texts = values.map(lambda v: re.sub(r"(?<=\d)[,' ](?=\d{3}\b)", "", v) if isinstance(v, str) else v)
    found = pd.to_numeric(texts, errors="coerce").to_numpy(float)
    good = np.isfinite(found) & (found >= low) & (found <= high)
    if whole:
        good &= np.floor(found) == found
    refuse_rows(table, name, ~good, allowed)
    return found


def texts(table: pd.DataFrame, name: str) -> NDArray[np.object_]:
    """A column (rows,) as texts; raises ValueError, with column and row, for a missing or an empty one."""
    values = table[name]
    refuse_rows(table, name, (values.isna() | (values.astype(str) == "")).to_numpy(), "a name in every row")
    whole = values.map(lambda v: isinstance(v, float) and v == int(v)) if values.dtype == float else values.isna()
    return np.array([str(int(v)) if w else str(v) for v, w in zip(values, whole, strict=True)], object)


def coded(table: pd.DataFrame, name: str, codes: Mapping[str, Sequence[str]]) -> NDArray[np.object_]:
    """A column (rows,) as the names of `codes`, whose values are what may stand for each in the table, in any case.

    Raises ValueError, with column and row, for a value that is none of them.
    """
    meaning = {key(code): label for label, written in codes.items() for code in (label, *written)}
    found = np.array([meaning.get(key(text), "") for text in texts(table, name)], object)
    allowed = "; ".join(f"{label}: {', '.join(written)}" for label, written in codes.items())
    refuse_rows(table, name, found == "", allowed)
    return found


def refuse_rows(table: pd.DataFrame, name: str, bad: NDArray[np.bool_], allowed: str) -> None:
    """Raise a ValueError that names column, first bad row and its value, unless no row is `bad` (rows,)."""
    if not bad.any():
        return
    row = int(np.argmax(bad))
    more = f" (and {int(bad.sum()) - 1} more rows)" if bad.sum() > 1 else ""
    value = table[name].iloc[row]
    shown = "nothing" if pd.isna(value) else repr(value.item() if isinstance(value, np.generic) else value)
    raise ValueError(f"column {name!r}, row {row + 1}: {shown}{more}; allowed is {allowed}")

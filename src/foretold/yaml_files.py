"""YAML files, each parsed once for as long as it stays as it is on disk."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times as fast, where PyYAML was built with it


def read(path: Path) -> Any:
    """What a YAML file holds, None for an empty one. Whoever calls leaves it as it is: the next caller gets the same
    object. Raises OSError where there is no such file and yaml.YAMLError where it is not YAML."""
    stat = path.stat()
    return _parse(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=256)
def _parse(path: Path, changed: int, size: int) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)

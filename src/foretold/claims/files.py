"""Reads ``papers/<chapter>/claims.yml``."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from foretold import yaml_files
from foretold.claims.model import Chapter, Claim, one_of

FOLDER = Path(__file__).parent.parent / "papers"


def chapters() -> list[str]:
    """Names of the chapters that have a claims file."""
    return sorted(path.parent.name for path in FOLDER.glob("*/claims.yml"))


@lru_cache
def _read(path: Path, changed: int, size: int) -> Chapter:
    raw = yaml_files.read(path)
    name = f"{path.parent.name}/{path.name}"
    missing = {"chapter", "title", "paper", "minutes", "claims"} - set(raw)
    if missing:
        raise ValueError(f"claims file {name} lacks {', '.join(sorted(missing))}")
    if raw["chapter"] != path.parent.name:
        raise ValueError(f"claims file {name} says chapter: {raw['chapter']!r}; allowed is {path.parent.name!r}")
    claims: dict[str, Claim] = {}
    for stated in raw["claims"]:
        entry = {"null" if key is None else key: value for key, value in stated.items()}  # YAML reads `null:` as no key
        unknown = set(entry) - set(Claim.__dataclass_fields__)
        if unknown:
            raise ValueError(f"claims file {name}: claim {entry.get('id')!r} has unknown fields {sorted(unknown)}")
        claim = Claim(**entry)
        if claim.id in claims:
            raise ValueError(f"claims file {name}: claim id {claim.id!r} stands twice")
        claims[claim.id] = claim
    about = (raw[key] for key in ("chapter", "title", "paper", "minutes"))
    return Chapter(*about, claims, raw.get("interlude", False))


def load(chapter: str) -> Chapter:
    """Read the claims file of a chapter. An unknown chapter is a ValueError with the nearest name."""
    one_of("chapter", chapter, chapters())
    path = FOLDER / chapter / "claims.yml"
    stat = path.stat()
    return _read(path, stat.st_mtime_ns, stat.st_size)

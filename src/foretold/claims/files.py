"""Reads ``papers/<chapter>/claims.yml`` and holds it against its schema."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from foretold import yaml_files
from foretold.claims.abstract import Question, Sentence, covered
from foretold.claims.model import Chapter, one_of, unknown
from foretold.claims.statement import Statement

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError

FOLDER = Path(__file__).parent.parent / "papers"
SCHEMA = Path(__file__).with_name("claims.schema.json")
T = TypeVar("T", Statement, Question)


def chapters() -> list[str]:
    """Names of the chapters that have a claims file."""
    return sorted(path.parent.name for path in FOLDER.glob("*/claims.yml"))


def load(chapter: str) -> Chapter:
    """Read the claims file of a chapter. An unknown chapter is a ValueError with the nearest name; so is a file that
    does not keep to the schema, and the message names file, claim, field, value and what is allowed."""
    one_of("chapter", chapter, chapters())
    path = FOLDER / chapter / "claims.yml"
    stat = path.stat()
    return _read(path, stat.st_mtime_ns, stat.st_size)


@lru_cache
def _read(path: Path, changed: int, size: int) -> Chapter:
    file = f"{path.parent.name}/{path.name}"
    # Through JSON, where every key is a string and a date is a word.
    raw = json.loads(json.dumps(yaml_files.read(path), default=str))
    if errors := sorted(_validator().iter_errors(raw), key=lambda error: list(error.absolute_path)):
        raise ValueError("\n".join(f"{file}: {_place(error, raw)}: {_complaint(error)}" for error in errors))
    if raw["chapter"] != path.parent.name:
        raise ValueError(f"{file}: chapter is {raw['chapter']!r}; allowed is {path.parent.name!r}, as its folder")
    try:
        return _chapter(raw)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None


def _chapter(raw: dict[str, Any]) -> Chapter:
    document = raw.get("document", "")
    claims = _by_id("claim", [Statement.read_from(entry, document) for entry in raw["claims"]])
    questions = _by_id("question", [Question(**entry) for entry in raw.get("questions", [])])
    if both := sorted(set(claims) & set(questions)):
        raise ValueError(f"{', '.join(both)} is a claim and a question; allowed is one of the two")
    sentences = [Sentence(**entry) for entry in raw["abstract"]]
    covered(sentences, claims)
    about = (raw["chapter"], raw["title"], raw["paper"], raw["minutes"])
    return Chapter(*about, claims, sentences, questions, raw.get("interlude", False))


def _by_id(what: str, entries: list[T]) -> dict[str, T]:
    found: dict[str, T] = {}
    for entry in entries:
        name = entry.id
        if name in found:
            raise ValueError(f"{what} id {name!r} stands twice; allowed is a name of its own for each")
        found[name] = entry
    return found


@lru_cache
def _validator() -> Draft202012Validator:
    from jsonschema import Draft202012Validator  # a third of a second, which only reading a claims file costs

    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _place(error: ValidationError, raw: Any) -> str:
    """Where in the file an error is: ``claim 'same-side', tolerance.abs``."""
    path = list(error.absolute_path)
    if path[:1] != ["claims"] or len(path) < 2:
        return ".".join(map(str, path)) or "the file"
    entry = raw["claims"][path[1]]
    name = entry.get("id") if isinstance(entry, dict) else entry
    return ", ".join([f"claim {name!r}", ".".join(map(str, path[2:]))]).removesuffix(", ")


def _complaint(error: ValidationError) -> str:
    """What is wrong, and what is allowed."""
    if error.validator == "enum":
        return unknown("value", error.instance, error.validator_value)
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        return unknown("field", next(name for name in error.instance if name not in known), known)
    return f"{error.message}. {error.schema.get('description', '')}".strip()

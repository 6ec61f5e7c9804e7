"""What the page on the ledger takes from the code: fields from the schema, verdicts from the evidence."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from typing import Any

from foretold.claims import cards, files
from foretold.claims.evidence import EVIDENCE, INCONCLUSIVE

PARTS = ("claim", "sentence", "question")


def table(part: str) -> str:
    """The fields of a claim, of a sentence of the abstract, or of a question, as an HTML table. Raises ValueError for
    another part."""
    if part not in PARTS:
        raise ValueError(f"part is {part!r}; allowed are {', '.join(PARTS)}")
    schema = json.loads(files.SCHEMA.read_text(encoding="utf-8"))["$defs"]
    needed = schema[part].get("required", [])
    rows = "".join(_row(name, field, name in needed, schema) for name, field in schema[part]["properties"].items())
    return cards.table("foretold-fields", f"Fields of a {part}", ("field", "what it says"), rows)


def _row(name: str, field: Mapping[str, Any], needed: bool, schema: Mapping[str, Any]) -> str:
    also = field.get("enum") or schema.get(field.get("$ref", "").rpartition("/")[2], {}).get("enum")
    words = f" One of: {', '.join(also)}." if also else ""
    must = "" if needed else " <small>optional</small>"
    return f"<tr><td><code>{name}</code>{must}</td><td>{html.escape(field['description'] + words)}</td></tr>"


def verdicts() -> str:
    """What a verdict is called, by what stands behind it, as an HTML table."""
    rows = "".join(
        f"<tr><th scope='row'>{name.replace('-', ' ')}</th><td>{html.escape(words.about)}</td>"
        f"<td>{cards.word_badge(words.agrees)}</td><td>{cards.word_badge(words.against)}</td></tr>"
        for name, words in EVIDENCE.items()
    )
    heads = ("evidence", "what it is", "agrees", "contradicts")
    return cards.table("foretold-words", f"Verdicts; between the two stands {INCONCLUSIVE}", heads, rows)

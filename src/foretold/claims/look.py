"""How claims look on a page and in a terminal."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from foretold.claims import cards
from foretold.claims.model import DIFFERS, EFFECT_SHOWN, NOT_AT_THIS_SCALE, REPRODUCED
from foretold.claims.text import tolerance_text


def is_expected(record: Mapping[str, Any]) -> bool:
    """Whether a claim's verdict is one that its file expects; under schema 2 an inconclusive one surprises nobody."""
    return bool(record["is_expected"]) if "is_expected" in record else record["verdict"] == record["expected"]


def expected_text(record: Mapping[str, Any]) -> str:
    """The expected verdicts in words, each in quotation marks."""
    expected = record["expected"] if isinstance(record["expected"], list) else [record["expected"]]
    return " or ".join(map(repr, expected))


def ledger_html(ledger: Mapping[str, Any], caption: str) -> str:
    """The claims of a ledger of either schema."""
    if ledger.get("schema") == 2:
        return f"<p><em>{html.escape(caption)}</em></p>{cards.report(ledger)}"
    return rows_html(ledger["claims"], caption)


def rows_html(records: Sequence[Mapping[str, Any]], caption: str) -> str:
    """The table of claims as HTML, the same in the book, in Colab and in JupyterLab: paper, here, verdict."""
    cell = html.escape
    body = []
    for record in records:
        where = cell(record["where"] if record["source"] == "paper" else f"{record['source']}; {record['where']}")
        small = f"tolerance {tolerance_text(record['tolerance'])}: {cell(record['reason'])}"
        if record["note"]:
            small += f"<br>{cell(record['note'])}"
        body.append(
            f"<tr><td>{cell(record['statement'])}<br><small>{where}. {small}</small></td>"
            f"<td>{cell(record['paper_text'])}</td><td>{cell(record['here_text'])}</td><td>{badge(record)}</td></tr>"
        )
    head = "".join(f"<th scope='col'>{title}</th>" for title in ("claim", "stated", "here", "verdict"))
    return scroll_box(
        caption,
        f"<table class='foretold-claims'><caption>{cell(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>",
    )


def scroll_box(label: str, inner: str) -> str:
    """HTML in a box that scrolls sideways on a phone; it takes the keyboard's focus, so it scrolls without a mouse."""
    label = html.escape(label, quote=True)
    box = "class='foretold-scroll' tabindex='0' role='region' style='overflow-x:auto'"
    return f"<div {box} aria-label='{label}'>{inner}</div>"


def badge(record: Mapping[str, Any]) -> str:
    """A verdict as a word with a sign before it, so that it does not hang on colour; a changed verdict says what was
    expected."""
    if record.get("schema") == 2:
        return cards.badge(record)
    sign = {REPRODUCED: "✓", EFFECT_SHOWN: "↗", NOT_AT_THIS_SCALE: "○", DIFFERS: "≠"}[record["verdict"]]
    name = record["verdict"].replace(" ", "-")
    changed = f"<br><small>expected: {record['expected']}</small>" if record["verdict"] != record["expected"] else ""
    return f"<span class='foretold-verdict foretold-{name}'>{sign} {record['verdict']}</span>{changed}"


def rows_text(records: Sequence[Mapping[str, Any]]) -> str:
    """The table of claims as plain text."""
    lines = [f"{r['id']:<28} {r['paper_text']:>22}   {r['here_text']:<34} {r['verdict']}" for r in records]
    return "\n".join([f"{'claim':<28} {'stated':>22}   {'here':<34} verdict", *lines])

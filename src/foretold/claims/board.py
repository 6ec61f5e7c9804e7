"""The scoreboard: a row a chapter, each kind of evidence apart; all claims, as a table and as a CSV; and what changed
since a release."""

from __future__ import annotations

import csv
import html
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from foretold.claims import cards
from foretold.claims.evidence import EVIDENCE, INCONCLUSIVE, NEGATIVE, NO_POWER, POSITIVE, VERDICTS

Bundle = Mapping[str, Any]
Verdicts = Mapping[str, Mapping[str, str]]  # by chapter and claim
Link = Callable[[str], str]  # from a chapter's name to the address of its page
STATES = ("tested", "untested", "not testable")
AGAINST = "against the paper"
COLUMNS = (*POSITIVE, AGAINST, INCONCLUSIVE, NO_POWER)
FIELDS = ("chapter", "id", "verdict", "expected", "evidence", "read", "place", "statement", "measured", "paper", "here",
          "unit", "agreement", "contradiction", "since")  # fmt: skip


def summary(bundle: Bundle) -> dict[str, Any]:
    """A chapter in numbers: sentences of the abstract by state; claims by verdict, all kinds of contradiction together;
    checks that hold; and claims that were read in the paper's text."""
    verdicts = Counter(AGAINST if c["verdict"] in NEGATIVE else c["verdict"] for c in bundle["claims"])
    states = Counter(sentence["state"] for sentence in bundle["abstract"])
    return {
        "chapter": bundle["chapter"],
        "title": bundle["title"],
        "sentences": {state: states[state] for state in STATES},
        "verdicts": {word: verdicts[word] for word in COLUMNS},
        "checks": (sum(bundle["checks"].values()), len(bundle["checks"])),
        "read": (sum(claim["read"] == "text" for claim in bundle["claims"]), len(bundle["claims"])),
        "answers": len(bundle["answers"]),
    }


def summary_table(bundles: Sequence[Bundle], link: Link) -> str:
    """The summaries as an HTML table, a row a chapter and one for all; columns in which nothing stands are left out.
    `link` gives the address of a chapter's page."""
    rows = [summary(bundle) for bundle in bundles]
    used = [word for word in COLUMNS if any(row["verdicts"][word] for row in rows)]
    heads = [*(f"sentences {state}" for state in STATES), *used, "checks that hold", "read in the text", "questions"]
    body = "".join(_row(_chapter(row, link), row, heads) for row in rows)
    foot = _row("all chapters", _total(rows), heads) if len(rows) > 1 else ""
    return cards.table("foretold-tally", "The ledger by chapter", ("chapter", *heads), body, foot)


def _chapter(row: Mapping[str, Any], link: Link) -> str:
    title = html.escape(row["title"], quote=True)
    return f"<a href='{link(row['chapter'])}' title='{title}'>{row['chapter'].replace('_', ' ')}</a>"


def _row(name: str, row: Mapping[str, Any], heads: Sequence[str]) -> str:
    """A row of numbers; each cell knows its head, which a narrow window shows beside it."""
    numbers = {f"sentences {state}": row["sentences"][state] for state in STATES} | row["verdicts"]
    ratios = {"checks that hold": row["checks"], "read in the text": row["read"]}
    texts = {head: str(numbers[head] or "·") for head in heads if head in numbers}
    texts |= {head: f"{part}/{whole}" if whole else "·" for head, (part, whole) in ratios.items()}
    texts["questions"] = str(row["answers"] or "·")
    cells = "".join(_cell(head, texts[head]) for head in heads)
    return f"<tr><th scope='row'>{name}</th>{cells}</tr>"


def _cell(head: str, text: str) -> str:
    empty = " class='foretold-empty'" if text == "·" else ""  # which a narrow window leaves out
    return f"<td data-head='{head}'{empty}>{text}</td>"


def _total(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "sentences": {state: sum(row["sentences"][state] for row in rows) for state in STATES},
        "verdicts": {word: sum(row["verdicts"][word] for row in rows) for word in COLUMNS},
        "checks": tuple(map(sum, zip(*(row["checks"] for row in rows), strict=True))),
        "read": tuple(map(sum, zip(*(row["read"] for row in rows), strict=True))),
        "answers": sum(row["answers"] for row in rows),
    }


def as_csv(bundles: Sequence[Bundle]) -> str:
    """All claims, one line each with the columns of `FIELDS`; quoted as RFC 4180 has it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(FIELDS)
    for bundle in bundles:
        for claim in bundle["claims"]:
            writer.writerow(_line(bundle["chapter"], claim))
    return text.getvalue()


def _line(chapter: str, claim: Mapping[str, Any]) -> list[str]:
    return [
        chapter, claim["id"], claim["verdict"], " or ".join(claim["expected"]), claim["evidence"], claim["read"],
        claim["place"], claim["statement"], claim["measured"], claim["paper_text"], claim["here_text"], claim["unit"],
        claim["agrees_text"], claim["against_text"], claim["since"] or "post hoc",
    ]  # fmt: skip


def changes(old: Verdicts, new: Verdicts) -> list[str]:
    """What changed between two releases, a sentence each: chapters that came and went, and in the others claims that
    came, went, or have another verdict."""
    said = [f"{chapter}: a new chapter, {len(new[chapter])} claims" for chapter in new if chapter not in old]
    said += [f"{chapter}: withdrawn, with {len(old[chapter])} claims" for chapter in old if chapter not in new]
    for chapter in (chapter for chapter in new if chapter in old):
        before, after = old[chapter], new[chapter]
        said += [f"{chapter}, {name}: new, {after[name]}" for name in after if name not in before]
        said += [f"{chapter}, {name}: withdrawn, was {before[name]}" for name in before if name not in after]
        both = [name for name in after if name in before and after[name] != before[name]]
        said += [f"{chapter}, {name}: was {before[name]}, is {after[name]}" for name in both]
    return said


def verdicts(bundles: Sequence[Bundle]) -> dict[str, dict[str, str]]:
    """The verdicts by chapter and claim, as a release keeps them."""
    return {bundle["chapter"]: {claim["id"]: claim["verdict"] for claim in bundle["claims"]} for bundle in bundles}


def claims_table(bundles: Sequence[Bundle], link: Link, old: Sequence[str] = ()) -> str:
    """All claims as one HTML table, each with its chapter; a claim's sentence leads to the card below the cell that
    measured it. Chapters of `old` failed in this build, and their rows say so."""
    rows = "".join(_claim_row(bundle, claim, link, old) for bundle in bundles for claim in bundle["claims"])
    return cards.table("foretold-claims foretold-all", "All claims", ("chapter", *cards.HEADS), rows)


def _claim_row(bundle: Bundle, claim: Mapping[str, Any], link: Link, old: Sequence[str]) -> str:
    about = {"chapter": bundle["chapter"], "verdict": claim["verdict"], "evidence": claim["evidence"]}
    data = "".join(f" data-{name}='{html.escape(value, quote=True)}'" for name, value in about.items())
    mark = " <strong class='foretold-stale'>old: failed in this build</strong>" if bundle["chapter"] in old else ""
    name = bundle["chapter"].replace("_", " ")
    cells = cards.claim_cells(claim, f"{link(bundle['chapter'])}#claim-{claim['id']}")
    return f"<tr{data}><td>{name}{mark}</td>{cells}</tr>"


def filters(bundles: Sequence[Bundle]) -> str:
    """Controls over the table of all claims: words to find, chapter, verdict, evidence. They are hidden until the
    page's script takes them up; without it the table is complete."""
    claims = [claim for bundle in bundles for claim in bundle["claims"]]
    choices = {
        "chapter": [bundle["chapter"] for bundle in bundles],
        "verdict": [word for word in VERDICTS if any(claim["verdict"] == word for claim in claims)],
        "evidence": [name for name in EVIDENCE if any(claim["evidence"] == name for claim in claims)],
    }
    selects = "".join(_select(name, values) for name, values in choices.items())
    words = "<label>words <input type='search' name='words' autocomplete='off'></label>"
    count = "<output aria-live='polite'></output>"
    return f"<form class='foretold-filter' role='search' aria-label='Claims' hidden>{words}{selects}{count}</form>"


def _select(name: str, values: Sequence[str]) -> str:
    options = "".join(f"<option value='{value}'>{value.replace('_', ' ')}</option>" for value in values)
    return f"<label>{name} <select name='{name}'><option value=''>all</option>{options}</select></label>"

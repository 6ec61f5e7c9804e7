"""The scoreboard of chapters under schema 2: a row a chapter, each kind of evidence apart, and all claims as a CSV."""

from __future__ import annotations

import csv
import html
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from foretold.claims.evidence import INCONCLUSIVE, NEGATIVE, NO_POWER, POSITIVE

Bundle = Mapping[str, Any]
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


def table(bundles: Sequence[Bundle]) -> str:
    """The summaries as an HTML table, a row a chapter and one for all; columns in which nothing stands are left out."""
    rows = [summary(bundle) for bundle in bundles]
    used = [word for word in COLUMNS if any(row["verdicts"][word] for row in rows)]
    heads = ("chapter", *(f"sentences {state}" for state in STATES), *used, "checks", "read in the text", "questions")
    head = "".join(f"<th scope='col'>{title}</th>" for title in heads)
    body = "".join(_row(row, used) for row in rows)
    foot = _row(_total(rows), used) if len(rows) > 1 else ""
    title = "The ledger by chapter"
    return (
        f"<table class='foretold-tally'><caption>{title}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody><tfoot>{foot}</tfoot></table>"
    )


def _row(row: Mapping[str, Any], used: Sequence[str]) -> str:
    numbers = [*row["sentences"].values(), *(row["verdicts"][word] for word in used)]
    texts = [str(number) if number else "·" for number in numbers]
    texts += [f"{held}/{all_}" if all_ else "·" for held, all_ in (row["checks"], row["read"])]
    texts.append(str(row["answers"] or "·"))
    return f"<tr><th scope='row'>{html.escape(row['title'])}</th>{''.join(f'<td>{text}</td>' for text in texts)}</tr>"


def _total(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "title": "all chapters",
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


def changes(old: Sequence[Bundle], new: Sequence[Bundle]) -> list[str]:
    """What changed between two releases, a sentence each: verdicts, claims that came and claims that went."""
    before, after = _verdicts(old), _verdicts(new)
    said = [f"{name}: new, {verdict}" for name, verdict in after.items() if name not in before]
    said += [f"{name}: withdrawn, was {verdict}" for name, verdict in before.items() if name not in after]
    for name, verdict in after.items():
        if before.get(name, verdict) != verdict:
            said.append(f"{name}: was {before[name]}, is {verdict}")
    return said


def _verdicts(bundles: Sequence[Bundle]) -> dict[str, str]:
    return {f"{bundle['chapter']}, {claim['id']}": claim["verdict"] for bundle in bundles for claim in bundle["claims"]}

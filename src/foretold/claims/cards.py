"""How claims look: a card each, and a table of all; the same in the book, in Colab and in JupyterLab, without
JavaScript."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from foretold.claims.abstract import STATES, TESTED
from foretold.claims.evidence import EVIDENCE, INCONCLUSIVE, NEGATIVE, NO_POWER, POSITIVE
from foretold.claims.statement import NO_NUMBER
from foretold.claims.strip import strip

Record = Mapping[str, Any]
SIGNS = {**dict.fromkeys(POSITIVE, "✓"), **dict.fromkeys(NEGATIVE, "≠"), INCONCLUSIVE: "○", NO_POWER: "∅"}
HEADS = ("claim", "paper", "here", "verdict")
STATE_SIGNS = dict(zip(STATES, ("●", "·", "“", "○", "✕"), strict=True))


def badge(record: Record) -> str:
    """A verdict as a word with a sign before it, so that it does not hang on colour; a surprise says what was
    expected."""
    surprise = "" if record["is_expected"] else f" <small>expected: {expected_text(record)}</small>"
    return word_badge(record["verdict"]) + surprise


def word_badge(verdict: str) -> str:
    """A verdict's word and sign."""
    tone = "good" if verdict in POSITIVE else "bad" if verdict in NEGATIVE else "open"
    return f"<span class='foretold-verdict foretold-{tone}'>{SIGNS[verdict]} {verdict}</span>"


def expected_text(record: Record) -> str:
    """The expected verdicts in words."""
    return " or ".join(record["expected"])


def sentence(record: Record) -> str:
    """What the paper says, in quotation marks where it is its own words."""
    if record["quote"]:
        return f"<q>{html.escape(record['quote'])}</q>"
    return html.escape(record["paraphrase"])


def card(record: Record) -> str:
    """One claim: verdict and sentence, where it stands and how it was read, the strip, and what would have failed."""
    strips = "".join(
        f"<div>{f'<small>{html.escape(name)}</small><br>' if name else ''}{strip(part, record['unit'])}</div>"
        for name, part in record["parts"].items()
    )
    unit = f" {html.escape(record['unit'])}" if record["unit"] else ""
    stated = "" if record["paper_text"] == NO_NUMBER else unit
    numbers = f"paper {html.escape(record['paper_text'])}{stated}; here {html.escape(record['here_text'])}{unit}"
    return (
        f"<div class='foretold-claim' id='claim-{record['id']}'>"
        f"<p>{badge(record)} {sentence(record)}<br><small>{html.escape(record['place'])}</small></p>"
        f"{strips}<p><strong>{html.escape(record['measured'])}:</strong> {numbers}</p>{_small(record)}</div>"
    )


def _small(record: Record) -> str:
    fixed = f"Regions and rivals fixed in {record['since'][:7]}" if record["since"] else "Regions set post hoc"
    about = f"{EVIDENCE[record['evidence']].about}. {fixed}: {record['reason']}."
    against = f" Contradiction: {record['against_text']}." if record["against_text"] else ""
    lines = [about[:1].upper() + about[1:], f"Agreement: {record['agrees_text']}.{against}"]
    lines += [_sentence_case(record["power_text"]), record["note"]]
    return f"<p><small>{'<br>'.join(html.escape(line) for line in lines if line)}</small></p>"


def _sentence_case(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def report(bundle: Record) -> str:
    """A chapter's whole ledger: the abstract with its marks, the claims, the answers, and how many checks hold. Claims
    and answers lead to the cells that measured them."""
    verdicts = {record["id"]: record for record in bundle["claims"]}
    parts = [_part("The abstract, sentence by sentence", abstract(bundle["abstract"], verdicts))]
    parts = parts if bundle["abstract"] else []
    parts.append(ledger(bundle, f"The claims, at profile {bundle['profile']}"))
    if bundle["answers"]:
        parts.append(_part("Questions of ours: an answer, and no verdict", _answers(bundle["answers"])))
    if bundle["checks"]:
        parts.append(f"<p>{checks_text(bundle['checks'])}</p>")
    return "".join(parts)


def ledger(bundle: Record, caption: str) -> str:
    """The claims of a chapter as a table: sentence, the paper's number, ours, verdict."""
    rows = "".join(f"<tr>{claim_cells(record, '#claim-' + record['id'])}</tr>" for record in bundle["claims"])
    return table("foretold-claims", caption, HEADS, rows)


def claim_cells(record: Record, link: str) -> str:
    """A claim as cells of a table, with the columns of `HEADS`; its sentence leads to `link`."""
    unit = f" <small>{html.escape(record['unit'])}</small>" if record["unit"] else ""
    evidence = html.escape(record["evidence"].replace("-", " "))
    return (
        f"<td><a href='{link}'>{sentence(record)}</a><br><small>{html.escape(record['place'])}</small></td>"
        f"<td>{_stated(record)}</td><td>{html.escape(record['here_text'])}{unit}</td>"
        f"<td>{badge(record)}<br><small>{evidence}</small></td>"
    )


def _stated(record: Record) -> str:
    """The paper's number; where it has none, what we count as agreement, and that it is ours."""
    if record["paper_text"] != NO_NUMBER:
        return html.escape(record["paper_text"])
    return f"{NO_NUMBER}<br><small>agreement: {html.escape(record['agrees_text'])}</small>"


def table(kind: str, caption: str, heads: Sequence[str], rows: str, foot: str = "") -> str:
    """An HTML table of a class, in a box of its own that scrolls."""
    head = "".join(f"<th scope='col'>{title}</th>" for title in heads)
    title = html.escape(caption)
    foot = f"<tfoot>{foot}</tfoot>" if foot else ""
    return scroll_box(
        caption,
        f"<table class='{kind}'><caption>{title}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody>{foot}</table>",
    )


def scroll_box(label: str, inner: str) -> str:
    """HTML in a box that scrolls sideways on a phone; it takes the keyboard's focus, so it scrolls without a mouse."""
    label = html.escape(label, quote=True)
    box = "class='foretold-scroll' tabindex='0' role='region' style='overflow-x:auto'"
    return f"<div {box} aria-label='{label}'>{inner}</div>"


def checks_text(checks: Mapping[str, bool]) -> str:
    """How many checks of our own code hold, and which do not."""
    failing = [name for name, holds in checks.items() if not holds]
    which = f"; not {', '.join(failing)}" if failing else ""
    return html.escape(f"Checks of our own code: {len(checks) - len(failing)} of {len(checks)} hold{which}.")


def _part(title: str, inner: str) -> str:
    return f"<section aria-label='{html.escape(title)}'><p><em>{html.escape(title)}</em></p>{inner}</section>"


def abstract(sentences: Sequence[Record], verdicts: Mapping[str, Record]) -> str:
    """The abstract, sentence by sentence: each with the verdicts on it, or why it is not measured here."""
    items = "".join(f"<li>{_marked(each, verdicts)}</li>" for each in sentences)
    return f"<ol class='foretold-abstract'>{items}</ol>"


def _marked(each: Record, verdicts: Mapping[str, Record]) -> str:
    text = html.escape(each["text"])
    said = f"<q>{text}</q>" if each["is_quote"] else text
    if each["state"] == TESTED:
        known = [(name, verdicts[name]["verdict"]) for name in each["claims"] if name in verdicts]
        links = [f"<a href='#claim-{name}'>{SIGNS[verdict]} {verdict}</a>" for name, verdict in known]
        return f"{said}<br><small>{', '.join(links)}</small>"
    why = f": {html.escape(each['why'])}" if each["why"] else ""
    return f"{said}<br><small>{STATE_SIGNS[each['state']]} {each['state']}{why}</small>"


def _answers(records: Sequence[Record]) -> str:
    items = "".join(
        f"<li><a href='#question-{each['id']}'>{html.escape(each['question'])}</a> {html.escape(each['here_text'])}"
        f"{' ' + html.escape(each['unit']) if each['unit'] else ''}</li>"
        for each in records
    )
    return f"<ul>{items}</ul>"


def answer(record: Record) -> str:
    """A question with its answer."""
    unit = f" {html.escape(record['unit'])}" if record["unit"] else ""
    source = f" ({html.escape(record['source'])})" if record["source"] else ""
    note = f"<br><small>{html.escape(record['note'])}</small>" if record["note"] else ""
    asked = f"<strong>{html.escape(record['question'])}</strong>{source}"
    here = f"{html.escape(record['measured'])}: {html.escape(record['here_text'])}{unit}"
    return f"<p id='question-{record['id']}'>? {asked}<br>{here}{note}</p>"


def lines(records: Sequence[Record]) -> str:
    """Claims as plain text, for a terminal."""
    return "\n".join(
        f"{each['verdict']:<20} {each['id']:<28} paper {each['paper_text']}; here {each['here_text']}"
        for each in records
    )

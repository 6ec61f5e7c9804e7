"""The scoreboard, the status page and the chapter list: made from the ledgers in the executed notebooks and from the
recorded results, never by hand."""

from __future__ import annotations

import html
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from foretold import claims
from foretold.book import rooms, sabotage
from foretold.book.execute import Chapter, Outcome
from foretold.book.project import Project
from foretold.claims import board, cards

cell = html.escape


def record(project: Project, outcomes: list[Outcome], folder: Path | None = None) -> list[Path]:
    """Write each chapter's ledger as a recorded result, with the code digest of what made it; returns the files.

    The file's name tells chapter, profile and class of device, so a second run on the same kind of machine takes the
    first one's place.
    """
    folder = folder or project.recorded_folder
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for outcome in outcomes:
        if outcome.ledger is None:
            continue
        result = {"code_digest": outcome.chapter.digest.code, **outcome.ledger}
        path = folder / f"{outcome.name}.{result['profile']}.{result['device_class']}.json"
        path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
        written.append(path)
    return written


def recorded(project: Project) -> dict[str, list[dict[str, Any]]]:
    """The recorded results by chapter, judged by the claims as they are now stated: the numbers are what was recorded.
    Raises ValueError for a file that is not one."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(project.recorded_folder.glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        missing = {"schema", "chapter", "code_digest", "device", "profile", "claims"} - set(result)
        if missing:
            raise ValueError(f"recorded result {path.name} lacks {', '.join(sorted(missing))}")
        if result["schema"] != claims.SCHEMA:
            raise ValueError(f"recorded result {path.name} has schema {result['schema']}; allowed is {claims.SCHEMA}")
        result["claims"] = [_judged(result, record) for record in result["claims"]]
        found.setdefault(result["chapter"], []).append(result)
    return found


def _judged(result: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    """A recorded claim with today's verdict; as it was recorded where its claim is another one now, or gone."""
    chapter = result["chapter"]
    stated = claims.load(chapter) if chapter in claims.chapters() else None
    if stated is None or record["id"] not in stated.claims:
        return record
    try:
        return sabotage.again(result, record).record()
    except ValueError:
        return record


def counts(ledger: dict[str, Any]) -> str:
    """The verdicts of a ledger in words: ``10 claims: 8 recomputed, 2 inconclusive``."""
    return f"{len(ledger['claims'])} claims: {verdicts(ledger)}"


def verdicts(ledger: dict[str, Any]) -> str:
    """How often a ledger has which verdict: ``8 recomputed, 2 inconclusive``."""
    tally = Counter(c["verdict"] for c in ledger["claims"])
    return ", ".join(f"{tally[verdict]} {verdict}" for verdict in claims.VERDICTS if tally[verdict])


def chapters_markdown(outcomes: list[Outcome], depth: str) -> str:
    """The chapters that are there, as a Markdown list: title and link, question, verdicts. `depth` leads from the page
    to the book's root."""
    lines = []
    for outcome in outcomes:
        title, question = heading(outcome.chapter)
        verdicts = "failed in this build" if outcome.failure else counts(outcome.ledger)
        lines.append(f"- [**{title}**]({depth}notebooks/{outcome.name}.py). {question} *{verdicts}.*")
    return "\n".join(lines)


def failure_html(outcome: Outcome) -> str:
    """A failed chapter's box: the cell, its traceback, and from when the results are that its page shows instead."""
    failure = outcome.failure
    where = f"Code cell {failure.cell} did not run to its end." if failure.cell else "It has no result."
    source = f"<pre tabindex='0'>{cell(failure.source)}</pre>" if failure.source else ""
    traceback = f"<pre tabindex='0'>{cell(_without_paths(failure.traceback))}</pre>"
    return (
        "<div class='admonition error'><p class='admonition-title'>This chapter failed in this build</p>"
        f"<p>{where}</p>{source}{traceback}<p>{cell(earlier(outcome))}</p></div>"
    )


def earlier(outcome: Outcome) -> str:
    """A sentence on the results that stand in the place of a failed chapter's."""
    shown = outcome.chapter.earlier
    if shown is None:
        return "There is no earlier result to show in its place."
    when = f"{shown.head.finished[:10]} (commit {shown.ledger['commit']}, profile {shown.head.profile})"
    return f"Old results: the outputs and verdicts on this page are those of {when}, from before it failed."


def old_html(outcome: Outcome) -> str:
    """The line above a failed chapter's claims."""
    return f"<p class='foretold-recorded'>This chapter failed in this build. {cell(earlier(outcome))}</p>"


def _without_paths(text: str) -> str:
    """A traceback without the folders of the machine that made it."""
    for path, name in ((Path(sys.prefix), "<python>"), (rooms.PACKAGE.parent, "<foretold>"), (Path.home(), "~")):
        if len(path.parts) > 1:
            text = text.replace(str(path), name)
    return text


def heading(chapter: Chapter) -> tuple[str, str]:
    """A chapter's title and its question: the first heading and the first paragraph after it."""
    first = re.split(r"^# %%.*\n", chapter.text, maxsplit=2, flags=re.M)[1]  # the first cell, which is prose
    blocks = [block.strip() for block in re.sub(r"^# ?", "", first, flags=re.M).split("\n\n") if block.strip()]
    title = blocks[0].removeprefix("# ")
    return title, blocks[1].strip("*_") if len(blocks) > 1 else ""


def board_html(outcomes: list[Outcome], link: board.Link) -> str:
    """The ledger by chapter and all claims, with controls to filter them. A failed chapter has the claims of its last
    good run, marked as old, and no row among the chapters."""
    shown = [outcome.shown.ledger for outcome in outcomes if outcome.shown is not None]
    old = [outcome.name for outcome in outcomes if outcome.failure]
    failed = "".join(f"<p>{cell(heading(o.chapter)[0])}: failed in this build.</p>" for o in outcomes if o.failure)
    summary = board.summary_table([bundle for bundle in shown if bundle["chapter"] not in old], link)
    return summary + failed + board.filters(shown) + board.claims_table(shown, link, old)


def changes_markdown(project: Project, outcomes: list[Outcome]) -> str:
    """What changed since the last release, as a Markdown list; a sentence where nothing was released before."""
    path = project.released
    if not path.exists():
        return "Nothing was released before this build."
    released = json.loads(path.read_text(encoding="utf-8"))
    now = board.verdicts([outcome.shown.ledger for outcome in outcomes if outcome.shown is not None])
    said = board.changes(released["verdicts"], now) or ["nothing"]
    return "\n".join([f"Since {released['version']}, of {released['date']}:", "", *(f"- {line}" for line in said)])


def release(project: Project, outcomes: list[Outcome], version: str, date: str) -> Path:
    """Keep the verdicts of a release, for what the scoreboard says of the time since; returns the file."""
    verdicts = board.verdicts([outcome.ledger for outcome in outcomes])
    content = {"version": version, "date": date, "profile": outcomes[0].ledger["profile"], "verdicts": verdicts}
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    project.released.write_text(text, encoding="utf-8", newline="\n")
    return project.released


def recorded_html(results: list[dict[str, Any]], code_digest: str) -> str:
    """Recorded results of one chapter, each marked with its device, and as stale where the code has moved on since."""
    parts = []
    for result in results:
        stale = (
            ""
            if result["code_digest"] == code_digest
            else " <strong class='foretold-stale'>stale: the code has changed since</strong>"
        )
        about = f"Recorded on {cell(result['device'])}, profile {result['profile']}, in {result['seconds']:.0f} s"
        parts.append(f"<p class='foretold-recorded'>{about}{stale}</p>")
        parts.append(cards.ledger(result, f"{about}, driver {result['driver'] or 'none'}"))
    return "".join(parts)


def status_html(outcomes: list[Outcome]) -> str:
    """Per chapter: seconds, the processor's speed, peak memory, profile, device, versions and commit of the execution
    that the pages show."""
    head = "".join(
        f"<th scope='col'>{text}</th>"
        for text in ("chapter", "seconds", "speed", "peak memory", "profile", "device", "versions", "commit")
    )
    rows = []
    for outcome in outcomes:
        ledger = outcome.ledger
        if ledger is None:
            continue
        memory = ", ".join(f"{where} {size / 2**30:.2f} GiB" for where, size in ledger["peak_memory"].items())
        versions = ", ".join(
            f"{name} {version}" for name, version in {"Python": ledger["python"], **ledger["versions"]}.items()
        )
        speed = f"{ledger['loop_seconds']:.1f} s"
        texts = (
            f"{outcome.seconds:.1f}",
            speed,
            memory,
            ledger["profile"],
            ledger["device"],
            versions,
            ledger["commit"],
        )
        cells = "".join(f"<td>{cell(text)}</td>" for text in texts)
        rows.append(f"<tr><th scope='row'>{cell(ledger['title'])}</th>{cells}</tr>")
    title = "How each chapter was executed"
    table = f"<table class='foretold-status'><caption>{title}</caption><thead><tr>{head}</tr></thead>"
    return cards.scroll_box(title, f"{table}<tbody>{''.join(rows)}</tbody></table>")


def claims_json(outcomes: list[Outcome], results: dict[str, list[dict[str, Any]]]) -> str:
    """All ledgers of this build, all recorded results, and the chapters that failed with their earlier ledgers, as one
    JSON text. What the claims were measured from is left out: see `measurements`."""
    failed = {o.name: o.chapter.earlier.ledger if o.chapter.earlier else None for o in outcomes if o.failure}
    content = {
        "schema": claims.SCHEMA,
        "chapters": [_without_inputs(outcome.ledger) for outcome in outcomes if outcome.ledger is not None],
        "failed": [{"chapter": name, "earlier": ledger and _without_inputs(ledger)} for name, ledger in failed.items()],
        "recorded": [_without_inputs(r) for several in results.values() for r in several],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _without_inputs(ledger: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in ledger.items() if name != "inputs"}


def measurements(ledger: dict[str, Any]) -> str:
    """What the claims of a chapter were measured from, by claim and by the name of the input, as one JSON text in the
    form of `foretold.claims.inputs`."""
    kept = {key: json.loads(text) for key, text in ledger["inputs"].items()}
    takes = {record["id"]: record["inputs"] for record in ledger["claims"]}
    return json.dumps({"chapter": ledger["chapter"], "claims": takes, "inputs": kept}) + "\n"


def downloads(build_folder: Path, outcomes: list[Outcome], results: dict[str, list[dict[str, Any]]]) -> None:
    """Write what programs read beside the pages: ``claims.json``, ``claims.csv`` and ``measurements/``."""
    ledgers = [outcome.ledger for outcome in outcomes if outcome.ledger is not None]
    texts = {"claims.json": claims_json(outcomes, results), "claims.csv": board.as_csv(ledgers)}
    texts |= {f"measurements/{ledger['chapter']}.json": measurements(ledger) for ledger in ledgers}
    (build_folder / "measurements").mkdir(exist_ok=True)
    for name, text in texts.items():
        (build_folder / name).write_text(text, encoding="utf-8", newline="")

"""The teaching packet: student and solution notebooks, slides, a handout per chapter, and one zip of all.

Everything comes from the chapters' own sources and executed notebooks, so a packet says what the book says. Slides and
handouts need no network: reveal.js, MathJax and plotly are copied from the installed packages.
"""

from __future__ import annotations

import html
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from foretold import claims, run
from foretold.book import execute, lesson, twins
from foretold.book.lesson import Block, Section
from foretold.book.project import Project

ANSWER = "# Your answer\n"
IDEA_WORDS = 100  # of a chapter's idea, on its handout
LEAD_WORDS = 50  # of a section that is all prose, on its slide; a third of that where there is something to see
LINES = 13.0  # of text that a slide holds
ASSETS = {  # file in the packet -> package that ships it, end of its path there
    "reset.css": ("sphinx-revealjs", "revealjs/dist/reset.css"),
    "reveal.css": ("sphinx-revealjs", "revealjs/dist/reveal.css"),
    "reveal.js": ("sphinx-revealjs", "revealjs/dist/reveal.js"),
    "notes.js": ("sphinx-revealjs", "revealjs/plugin/notes/notes.js"),
    "reveal-LICENSE.txt": ("sphinx-revealjs", "revealjs/LICENSE"),
    "mathjax.js": ("sphinx-mathjax-offline", "mathjax/tex-svg-full.js"),
}
LICENCES = """\
What these files are, unchanged, each under its own licence:
reveal.js 5, reset.css, reveal.css, notes.js: reveal.js (revealjs.com), MIT, reveal-LICENSE.txt
mathjax.js: MathJax 3 (mathjax.org), Apache License 2.0 (apache.org/licenses/LICENSE-2.0)
_static/plotly.min.js: plotly.js (plotly.com), MIT, named at the file's beginning
"""


@dataclass
class Slide:
    """One slide: a heading's level and HTML, the content, and the speaker's notes."""

    level: int
    title: str
    content: str
    notes: str = ""
    kind: str = "text"


def write(project: Project, folder: Path, names: list[str] | None = None) -> list[Path]:
    """Write the packet of the chapters that ``_toc.yml`` names (or of `names` among them) to `folder`; returns the
    files, ``seminar.zip`` last.

    Raises ValueError for a name that is no chapter of the book, for a chapter without a current execution,
    and where a package that ships JavaScript is missing.
    """
    in_book = [name for name in project.notebooks if f"notebooks/{name}" in project.pages]
    chosen = [claims.one_of("chapter", name, in_book) for name in names or in_book]
    chapters = [c for c in execute.survey(project, chosen) if c.name in chosen] if chosen else []
    stale = [chapter.name for chapter in chapters if chapter.entry is None]
    if stale:
        what, profile = ", ".join(stale), run.default_profile()
        raise ValueError(f"no execution of {what} at profile {profile}; run `foretold execute` first")
    folder.mkdir(parents=True, exist_ok=True)
    written = _write_assets(folder / "assets")
    for chapter in chapters:
        sections, ledger = lesson.read(chapter.page(chapter.entry)), chapter.entry.ledger
        known = {"name": chapter.name, "paper": _paper(chapter.name), "ledger": ledger, "badge": claims.badge}
        texts = {
            "student.ipynb": student(chapter.path),
            "solutions.ipynb": twins.render(chapter.path),
            "slides.html": _fill("slides.html", slides=slides(sections, ledger), **known),
            "handout.html": _fill("handout.html", **handout(sections), **known),
        }
        for kind, text in texts.items():
            path = folder / f"{chapter.name}-{kind}"
            path.write_text(text, encoding="utf-8", newline="\n")
            written.append(path)
        written += _print(folder / f"{chapter.name}-handout.html")
    return [*written, _zip(folder / "seminar.zip", written)]


# Notebooks


def student(source: Path) -> str:
    """The student's notebook: the twin with one answer cell in the place of each run of cells tagged ``solution``."""
    notebook = json.loads(twins.render(source))
    kept: list[dict[str, Any]] = []
    for cell in notebook["cells"]:
        if "solution" not in cell["metadata"].get("tags", []):
            kept.append(cell)
        elif "answer" not in kept[-1]["metadata"].get("tags", []):
            answer = {"cell_type": "code", "execution_count": None, "metadata": {"tags": ["answer"]}, "outputs": []}
            kept.append({**answer, "id": f"answer-{len(kept)}", "source": ANSWER})
    notebook["cells"] = kept
    return json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


# Slides


def slides(sections: list[Section], ledger: dict[str, Any] | None) -> list[Slide]:
    """One slide or more per heading, one per figure, the claims table in parts that fit; the prose in the notes."""
    made: list[Slide] = []
    within = ""
    for section in sections:
        within = section.title if section.level <= 2 else within
        shown, notes = _condense(section, within == "Exercises", ledger)
        title, level = ("At a glance", 2) if section.level == 1 else (section.title, section.level)
        parts = [Slide(level, title, lesson.join(page), _notes(page), _kind(page)) for page in _paged(shown)]
        for number, slide in enumerate(parts[1:], start=2):
            slide.title += f" <small>({number})</small>"
        if section.level == 1 or not parts:
            parts.insert(0, Slide(section.level, section.title, notes[0] if notes else "", kind="title"))
        parts[0].notes = "\n".join([*notes, parts[0].notes]).strip()
        made += parts
    return made


def _condense(section: Section, exercises: bool, ledger: dict[str, Any] | None) -> tuple[list[Block], list[str]]:
    """What a section's slides show, and what its notes say. Exercises are shown whole; of other prose its first
    sentences, which for a title stand on the title's slide."""
    words = LEAD_WORDS if all(block.kind == "prose" for block in section.blocks) else LEAD_WORDS // 3
    shown: list[Block] = []
    notes: list[str] = []
    for block in section.blocks:
        if block.kind == "claims":
            shown += _claims_tables(ledger)
        elif block.kind != "prose" or exercises:
            shown.append(block)
        else:
            if not notes and section.level > 1 and block.text:
                shown.append(Block("prose", f"<p>{lesson.inline(lesson.first(block.text, words))}</p>"))
            notes.append(block.html)
    return shown, notes


def _paged(blocks: list[Block]) -> Iterator[list[Block]]:
    """Blocks by slide: a figure or claims table has its own, with at most a sentence above it; of others, what fits."""
    page: list[Block] = []
    for block in blocks:
        alone = block.kind in ("figure", "claims")
        room = LINES * (1.2 if block is blocks[-1] else 1)  # rather than a slide with one last line
        full = [b.kind for b in page] != ["prose"] if alone else sum(b.lines for b in page) + block.lines > room
        if page and full:
            yield page
            page = []
        page.append(block)
        if alone:
            yield page
            page = []
    if page:
        yield page


def _kind(page: list[Block]) -> str:
    """The slide's class for its style: what stands on it, ``lead`` for a sentence alone, else ``text``."""
    if page[-1].kind in ("figure", "claims"):
        return page[-1].kind
    return "lead" if [block.kind for block in page] == ["prose"] and page[0].lines < 5 else "text"


def _notes(page: list[Block]) -> str:
    return "".join(f"<p>The figure in words: {html.escape(b.text)}</p>" for b in page if b.kind == "figure")


def _claims_tables(ledger: dict[str, Any] | None) -> Iterator[Block]:
    rows: list[dict[str, Any]] = []
    for record in [*(ledger or {"claims": []})["claims"], None]:
        if rows and (record is None or sum(map(_row_lines, [*rows, record])) > LINES):
            yield Block("claims", _fill("claims.html", rows=rows, badge=claims.badge))
            rows = []
        rows.append(record)


def _row_lines(record: dict[str, Any]) -> float:
    """Lines that a claim takes: those of its longest cell."""
    widths = {"statement": 52, "paper_text": 16, "here_text": 22}
    return 0.4 + max(-(-len(record[key]) // width) for key, width in widths.items())


# Handout


def handout(sections: list[Section]) -> dict[str, Any]:
    """What a handout says: title, question, the idea's first sentences, exercises and questions to discuss, as HTML."""
    parts: dict[str, list[Block]] = {}
    within = ""
    for section in sections:
        within = section.title if section.level <= 2 else within
        if section.level > 2:
            parts.setdefault(within, []).append(Block("prose", f"<p><strong>{section.title}</strong></p>"))
        parts.setdefault(within, []).extend(section.blocks)
    head = sections[0]
    question = next((block.html for block in head.blocks if block.kind == "prose"), "")
    idea = " ".join(block.text for block in parts.get("The idea", []) if block.kind == "prose")
    return {
        "title": head.title,
        "question": question,
        "idea": lesson.inline(lesson.first(idea, IDEA_WORDS)),
        "exercises": lesson.join([b for b in parts.get("Exercises", []) if b.kind != "figure"]),
        "discussion": lesson.join(parts.get("Discussion", [])),
    }


def _print(page: Path) -> list[Path]:
    """The handout's page as PDF, if Chromium is there."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        execute.say(f"{page.name}: no Chromium on PATH, so there is no PDF; any browser prints this page")
        return []
    target = page.with_suffix(".pdf")
    target.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="foretold-") as profile:
        options = ["--headless", "--disable-gpu", "--no-pdf-header-footer", "--virtual-time-budget=20000"]
        options += ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        asked = [program, *options, f"--user-data-dir={profile}", f"--print-to-pdf={target}", page.resolve().as_uri()]
        try:
            subprocess.run(asked, capture_output=True, timeout=120, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            execute.say(f"{page.name}: Chromium could not print it ({error})")
    if not target.exists():
        return []
    target.write_bytes(_without_chance(target.read_bytes()))
    if (count := pages(target)) != 1:
        execute.say(f"{target.name} has {count} pages; a handout has one: shorten the exercises or the discussion")
    return [target]


def _without_chance(pdf: bytes) -> bytes:
    """A PDF with a fixed date, and with the names of its table cells counted from 1; every byte stays at its offset."""
    undated = re.sub(rb"(?<=Date \(D:)\d{14}", b"20260101000000", pdf)
    numbers = {number: b"%08d" % n for n, number in enumerate(sorted(set(re.findall(rb"\(node(\d{8})\)", pdf))), 1)}
    return re.sub(rb"(?<=\(node)\d{8}(?=\))", lambda found: numbers[found[0]], undated)


def pages(pdf: Path) -> int:
    """The number of pages of a PDF that Chromium wrote."""
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf.read_bytes()))


# Files


def _fill(template: str, **known: Any) -> str:
    folder = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    return jinja2.Environment(loader=folder, autoescape=True, trim_blocks=True).get_template(template).render(**known)


def _paper(name: str) -> dict[str, Any]:
    return dict(claims.load(name).paper) if name in claims.chapters() else {}


def _write_assets(folder: Path) -> list[Path]:
    from plotly.offline import get_plotlyjs

    (folder / "_static").mkdir(parents=True, exist_ok=True)
    for name, (package, end) in ASSETS.items():
        try:
            files = importlib.metadata.files(package) or []
        except importlib.metadata.PackageNotFoundError:
            files = []
        source = next((file for file in files if file.as_posix().endswith(end)), None)
        if source is None:
            raise ValueError(f"no {end} of the package {package} is installed; pip install 'foretold[book]' has it")
        shutil.copyfile(str(source.locate()), folder / name)
    (folder / "LICENCES.txt").write_text(LICENCES, encoding="utf-8", newline="\n")
    (folder / "_static" / "plotly.min.js").write_text(get_plotlyjs(), encoding="utf-8", newline="\n")
    return [folder / name for name in (*ASSETS, "LICENCES.txt", "_static/plotly.min.js")]


def _zip(path: Path, files: list[Path]) -> Path:
    """All files in one archive; equal files give equal bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(files):
            entry = zipfile.ZipInfo(f"seminar/{file.relative_to(path.parent).as_posix()}", (2026, 1, 1, 0, 0, 0))
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            archive.writestr(entry, file.read_bytes())
    return path

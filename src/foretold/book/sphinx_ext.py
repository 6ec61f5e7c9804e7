"""The Sphinx extension of the book: because of it, ``jupyter-book build .`` alone is the whole build.

It executes what is out of date before pages are read, hands MyST-NB the executed notebooks, tells Sphinx which pages to
read again, fills the generated pages, shows recorded results beside a chapter's own, and writes ``claims.json``. All
pages are written whatever happened; after that the build fails where a chapter failed or a verdict is not the expected
one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import SphinxError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from foretold.book import address, execute, fields, reader, scoreboard
from foretold.book.project import Project
from foretold.claims import board, cards, files

logger = logging.getLogger(__name__)


class BookError(SphinxError):
    """A chapter failed, or a verdict changed."""

    category = "Foretold"


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


@dataclass
class Build:
    """What one build of the book knows."""

    project: Project
    outcomes: dict[str, execute.Outcome]
    recorded: dict[str, list[dict[str, Any]]]
    locked: ExitStack = field(default_factory=ExitStack)

    @cached_property
    def notebooks_at(self) -> str:
        """The commit or branch whose notebooks the pages open."""
        return address.notebooks_at(self.project)

    @property
    def ledgers(self) -> dict[str, dict[str, Any]]:
        """Ledgers by chapter, in reading order, of the chapters that have one."""
        return {name: outcome.ledger for name, outcome in self.outcomes.items() if outcome.ledger is not None}

    @property
    def failures(self) -> dict[str, execute.Outcome]:
        """The chapters that failed, by name."""
        return {name: outcome for name, outcome in self.outcomes.items() if outcome.status == "failed"}

    @cached_property
    def page_digests(self) -> dict[str, str]:
        """By chapter: what its page is made from, its source, the outputs that it shows, the recorded results, and
        where it opens the notebook."""
        return {name: self._page_digest(outcome) for name, outcome in self.outcomes.items()}

    def _page_digest(self, outcome: execute.Outcome) -> str:
        return _hash(outcome.chapter.text, self._results(outcome), self.notebooks_at)

    def _results(self, outcome: execute.Outcome) -> str:
        shown = outcome.shown.text if outcome.shown else ""
        failure = outcome.describe() if outcome.failure else ""
        return _hash(shown, failure, json.dumps(self.recorded.get(outcome.name, [])))

    @cached_property
    def book_digest(self) -> str:
        """What the generated pages are made from, the code that makes them included."""
        made_by = (__file__, *(module.__file__ for module in (scoreboard, fields, board, cards, files)))
        code = [Path(path).read_text(encoding="utf-8") for path in (*made_by, files.SCHEMA)]
        if self.project.released.exists():
            code.append(self.project.released.read_text(encoding="utf-8"))
        chapters = [_hash(*scoreboard.heading(o.chapter), self._results(o)) for o in self.outcomes.values()]
        return _hash(*chapters, *code)

    def recorded_html(self, name: str) -> str:
        """The recorded results of a chapter, or nothing."""
        if name not in self.recorded:
            return ""
        return scoreboard.recorded_html(self.recorded[name], self.outcomes[name].chapter.digest.code)

    def digest_of(self, docname: str, summaries: set[str]) -> str | None:
        """The digest of a chapter's page or a generated page; None for other pages."""
        if docname in summaries:
            return self.book_digest
        folder, _, name = docname.rpartition("/")
        return self.page_digests.get(name) if folder == "notebooks" else None


def quiet(app: Sphinx, config: Any) -> None:
    """The ledger is in the outputs for machines: that MyST-NB cannot show its MIME type is no defect of a page."""
    config.suppress_warnings = [*config.suppress_warnings, "mystnb.unknown_mime_type"]


# What `render` has executed already, for `begin`.
_prepared: list[execute.Outcome] | None = None


def render(project: Project, outcomes: list[execute.Outcome]) -> int:
    """Run Jupyter Book in this process on chapters that are executed already; returns the exit status. The caller holds
    the lock."""
    from jupyter_book.cli.main import main

    global _prepared
    _prepared = outcomes
    try:
        main(["build", str(project.root), "-n", "-W", "--keep-going"], standalone_mode=False)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    except RuntimeError:  # Jupyter Book's own, after Sphinx has said what is wrong
        return 1
    finally:
        _prepared = None
    return 0


def begin(app: Sphinx) -> None:
    """Execute what is out of date, and keep the results for the pages."""
    project = Project(Path(app.srcdir), Path(app.outdir).parent)
    locked = ExitStack()
    locked.enter_context(execute.lock(project, logger.info))
    outcomes = execute.execute(project, on_pages(project)) if _prepared is None else _prepared
    for outcome in outcomes:
        logger.info("foretold: %s %s (%.1f s)", outcome.name, outcome.status, outcome.seconds)
    by_name = {outcome.name: outcome for outcome in outcomes}
    app.foretold = Build(project, by_name, scoreboard.recorded(project), locked)
    reader.pages.clear()
    reader.pages.update({o.chapter.text: partial(o.chapter.page, o.shown) for o in outcomes})
    _lay_out_plotly(app, project)


def as_executed(app: Sphinx, docname: str, source: list[str]) -> None:
    """Give the parser the text that was executed: a chapter may have been edited since, and is then for the next
    build."""
    folder, _, name = docname.rpartition("/")
    if folder == "notebooks" and name in app.foretold.outcomes:
        source[0] = app.foretold.outcomes[name].chapter.text


def on_pages(project: Project) -> list[str]:
    """Chapters that ``_toc.yml`` names: the others have no page."""
    return [name for name in project.notebooks if f"notebooks/{name}" in project.pages]


def _lay_out_plotly(app: Sphinx, project: Project) -> None:
    """Give the book the one copy of plotly's JavaScript that the installed package carries; nothing is vendored,
    nothing fetched."""
    from plotly.offline import get_plotlyjs

    folder = project.output / ".static"
    folder.mkdir(parents=True, exist_ok=True)
    script, text = folder / "plotly.min.js", get_plotlyjs()
    if not script.exists() or script.read_text(encoding="utf-8") != text:
        script.write_text(text, encoding="utf-8")
    app.config.html_static_path.append(str(folder))


def outdated(app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """Pages whose outputs, or recorded results, are not those they were read with: Sphinx itself looks only at the
    source files."""
    known, summaries = _digests(env), _summaries(env)
    pages = (*(f"notebooks/{name}" for name in app.foretold.outcomes), *summaries)
    return [
        page for page in pages if page in env.found_docs and known.get(page) != app.foretold.digest_of(page, summaries)
    ]


def _digests(env: BuildEnvironment) -> dict[str, str | None]:
    return env.__dict__.setdefault("foretold_digests", {})


def _summaries(env: BuildEnvironment) -> set[str]:
    return env.__dict__.setdefault("foretold_summaries", set())


def annotate(app: Sphinx, doctree: nodes.document) -> None:
    """Remember what a page was made from; on a chapter's page, show its verdicts at the top and recorded results beside
    its own."""
    docname = app.env.docname
    _digests(app.env)[docname] = app.foretold.digest_of(docname, _summaries(app.env))
    folder, _, name = docname.rpartition("/")
    if folder != "notebooks" or name not in app.foretold.outcomes:
        return
    if name in app.foretold.failures:
        title = doctree.next_node(nodes.title)
        title.parent.insert(title.parent.index(title) + 1, _raw(scoreboard.failure_html(app.foretold.outcomes[name])))
    for section in doctree.findall(nodes.section):
        title = section.next_node(nodes.title)
        if title is not None and title.astext() == "Paper against here":
            if name in app.foretold.ledgers:
                _summary_line(app.foretold, name, doctree, section["ids"][0])
            else:
                section.insert(1, _raw(scoreboard.old_html(app.foretold.outcomes[name])))
            inside = [index for index, child in enumerate(section.children) if isinstance(child, nodes.section)]
            section.insert(inside[0] if inside else len(section), _raw(app.foretold.recorded_html(name)))
            break


def _summary_line(build: Build, name: str, doctree: nodes.document, anchor: str) -> None:
    ledger = build.ledgers[name]
    paragraph = doctree.next_node(nodes.paragraph)
    if paragraph is None or paragraph.parent is None:
        return
    link = nodes.reference("", scoreboard.counts(ledger), refid=anchor, internal=True)
    words = nodes.paragraph("", "", nodes.Text("This build: "), link, nodes.Text(f" (profile {ledger['profile']})."))
    words["classes"].append("foretold-summary")
    paragraph.parent.insert(paragraph.parent.index(paragraph) + 1, words)


def without_thebe(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Leave out Thebe's scripts. Jupyter Book loads them, twice, though no page uses them: an error in the console, and
    an address outside the book."""
    if "script_files" in context:
        context["script_files"] = [script for script in context["script_files"] if not _of_thebe(script)]


def _of_thebe(script: Any) -> bool:
    words = f"{getattr(script, 'filename', script)} {getattr(script, 'attributes', {}).get('body', '')}"
    return "thebe" in words.lower()


def launch(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Let the theme's launch buttons open notebooks where `address.notebooks_at` says: the theme knows only the branch,
    which is the place to edit them."""
    branch, opened = app.config.html_theme_options.get("repository_branch"), app.foretold.notebooks_at
    groups = [group for group in context.get("header_buttons", []) if group.get("label") == "launch-buttons"]
    for button in (button for group in groups for button in group["buttons"] if "url" in button):
        button["url"] = button["url"].replace(f"/blob/{branch}/", f"/blob/{opened}/")


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Write what programs read, free the lock, and fail if a chapter failed or a verdict is not the one that its claims
    file expects."""
    build = getattr(app, "foretold", None)
    if build is None:
        return
    build.locked.close()
    if exception is not None or app.builder.format != "html":
        return
    scoreboard.downloads(Path(app.outdir), list(build.outcomes.values()), build.recorded)
    wrong = [outcome.describe() for outcome in build.failures.values()]
    changed = execute.changed_verdicts(list(build.outcomes.values()))
    if changed:
        wrong.append("verdicts changed:\n" + "\n".join(changed))
    if wrong:
        raise BookError("the pages are written and show it: " + "\n\n".join(wrong))


def _raw(text: str) -> nodes.raw:
    return nodes.raw("", text, format="html")


class Generated(SphinxDirective):
    """A directive whose content is made from the ledgers; its page is read again when one of them changes."""

    def run(self) -> list[nodes.Node]:
        """The nodes that take the directive's place."""
        _summaries(self.env).add(self.env.docname)
        return list(self.content_nodes(self.env.app.foretold))

    def content_nodes(self, build: Build) -> Iterator[nodes.Node]:
        """To be given by each directive."""
        raise NotImplementedError

    def to_root(self) -> str:
        """The way from the page to the book's root."""
        return "../" * self.env.docname.count("/")

    def markdown(self, text: str) -> list[nodes.Node]:
        """Parse MyST into nodes."""
        return self.parse_text_to_nodes(text)


class Chapters(Generated):
    """``{foretold-chapters}``: the chapters that are there, with their questions and verdicts."""

    def content_nodes(self, build: Build) -> Iterator[nodes.Node]:
        """A list of links."""
        yield from self.markdown(scoreboard.chapters_markdown(list(build.outcomes.values()), self.to_root()))


class Scoreboard(Generated):
    """``{foretold-scoreboard}``: a row a chapter, every claim with its verdict, and recorded results."""

    def content_nodes(self, build: Build) -> Iterator[nodes.Node]:
        """The tables, then a section for each chapter that has recorded results."""
        yield _raw(scoreboard.board_html(list(build.outcomes.values()), self.page_of))
        for name in build.recorded:
            # The section is made by hand: parsed headings hang themselves onto the page before their tables are there.
            title, _ = scoreboard.heading(build.outcomes[name].chapter)
            section = nodes.section("", nodes.title("", title), ids=[nodes.make_id(name)], names=[name])
            self.state.document.note_implicit_target(section, section)
            section += _raw(build.recorded_html(name))
            yield section

    def page_of(self, chapter: str) -> str:
        """The address of a chapter's page, from this one."""
        return f"{self.to_root()}notebooks/{chapter}.html"


class Changes(Generated):
    """``{foretold-changes}``: what changed in the verdicts since the last release."""

    def content_nodes(self, build: Build) -> Iterator[nodes.Node]:
        """A list."""
        yield from self.markdown(scoreboard.changes_markdown(build.project, list(build.outcomes.values())))


class Fields(Generated):
    """``{foretold-fields} claim``: the fields of a part of a claims file, from its schema."""

    required_arguments = 1

    def content_nodes(self, build: Build) -> Iterator[nodes.Node]:
        """One table."""
        yield _raw(fields.table(self.arguments[0]))


class Verdicts(Generated):
    """``{foretold-verdicts}``: the words of a verdict by what stands behind it."""

    def content_nodes(self, build: Build) -> Iterator[nodes.Node]:
        """One table."""
        yield _raw(fields.verdicts())


class Status(Generated):
    """``{foretold-status}``: seconds, memory, device and versions behind each chapter."""

    def content_nodes(self, build: Build) -> Iterator[nodes.Node]:
        """One table."""
        yield _raw(scoreboard.status_html(list(build.outcomes.values())))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the handlers and the directives."""
    app.add_directive("foretold-chapters", Chapters)
    app.add_directive("foretold-scoreboard", Scoreboard)
    app.add_directive("foretold-changes", Changes)
    app.add_directive("foretold-fields", Fields)
    app.add_directive("foretold-verdicts", Verdicts)
    app.add_directive("foretold-status", Status)
    app.connect("config-inited", quiet)
    app.connect("builder-inited", begin)
    app.connect("source-read", as_executed)
    app.connect("env-get-outdated", outdated)
    app.connect("doctree-read", annotate)
    app.connect("html-page-context", without_thebe, priority=900)
    app.connect("html-page-context", launch, priority=900)  # the theme has made its buttons by then
    app.connect("build-finished", finish, priority=900)  # it may raise, and what others do then must be done by then
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""The command ``foretold``: its options, and what each command calls."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from collections.abc import Callable
from pathlib import Path

from foretold import claims
from foretold.book.project import Project

# Each command imports what it needs: `foretold execute` must work where Sphinx is not installed.


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status. Wrong input ends with status 2 and one line that says what is allowed."""
    given = _parser().parse_args(arguments)
    if getattr(given, "profile", None):
        os.environ["FORETOLD_PROFILE"] = given.profile
    try:
        return given.command(given)
    except ValueError as error:
        print(f"foretold: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stopped:
        print(f"foretold: {stopped or 'interrupted; finished chapters are kept'}", file=sys.stderr)
        return 130


Adder = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="foretold", description="Builds and checks the book.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(command=function)
        return made

    _add_builders(command)
    _add_readers(command)
    _add_writers(command)
    return parser


def _add_builders(command: Adder) -> None:
    """Commands that execute chapters."""
    built = command("build", build, "Execute what is out of date, with progress, then render the book.")
    executed = command("execute", execute_chapters, "Execute chapters without rendering; needs no Sphinx.")
    profile = "sizes of the experiments (default: gpu with CUDA, else cpu)"
    jobs = "chapters at a time on this machine (default: one per core, or per GPU)"
    scheduler = "a dask scheduler, for example tcp://host:8786, to run on"
    for made in (built, executed):
        made.add_argument("--profile", choices=claims.PROFILES, help=profile)
        made.add_argument("--jobs", type=int, metavar="N", help=jobs)
        made.add_argument("--scheduler", metavar="ADDRESS", help=scheduler)
        made.add_argument("--fresh", action="store_true", help="execute chapters too that are up to date")
    executed.add_argument("chapters", nargs="*", metavar="CHAPTER", help="default: all")
    record = "write results to book/recorded, or FOLDER"
    executed.add_argument("--record", nargs="?", const="", metavar="FOLDER", help=record)


def _add_readers(command: Adder) -> None:
    """Commands that say what is there."""
    made = command("status", status, "Say which chapters and tables are out of date, and because of what.")
    made.add_argument("--profile", choices=claims.PROFILES)
    made = command("claims", show_claims, "Show the claims and verdicts of the executed chapters.")
    made.add_argument("--json", action="store_true", help="as one JSON text")
    check = "exit with 1 if a chapter is out of date or a verdict is not the expected one"
    made.add_argument("--check", action="store_true", help=check)
    release = "keep these verdicts as those of release VERSION, for the scoreboard's list of changes"
    made.add_argument("--release", metavar="VERSION", help=release)
    made.add_argument("--profile", choices=claims.PROFILES)

    made = command("analyse", analyse, "Do a chapter's analysis of a file of yours, and write it as an HTML report.")
    made.add_argument("chapter", metavar="CHAPTER")
    options = "a file, and options: `foretold analyse CHAPTER --help` lists them"
    made.add_argument("rest", nargs=argparse.REMAINDER, metavar="FILE ...", help=options)

    made = command("sabotage", sabotage, "Spoil what claims were measured from: no positive verdict may stay.")
    made.add_argument("chapters", nargs="*", metavar="CHAPTER", help="default: all")


def _add_writers(command: Adder) -> None:
    """Commands that write files for authors and teachers."""
    made = command("record", record_tables, "Make a chapter's tables of measurements again, and stamp them.")
    made.add_argument("chapter", metavar="CHAPTER")
    made.add_argument("tables", nargs="*", metavar="TABLE", help="default: all that the chapter makes")
    made.add_argument("--replace", action="store_true", help="write rows too that have come out otherwise")
    made = command("twins", twins, "Write the .ipynb twins of the chapters.")
    made.add_argument("--check", action="store_true", help="write nothing; exit with 1 on any difference")
    made = command("seminar", seminar, "Write student notebooks, solutions, slides and handouts.")
    made.add_argument("chapters", nargs="*", metavar="CHAPTER", help="default: all of the book")
    made.add_argument("--output", metavar="FOLDER", help="default: _build/seminar")
    made.add_argument("--profile", choices=claims.PROFILES)
    made = command("new-chapter", new_chapter, "Write the skeleton of a chapter: notebook, module, claims, test.")
    made.add_argument("name", help="a Python identifier in small letters, for example speculative")
    made.add_argument("--part", help="the part of _toc.yml that it joins (default: the last)")
    made = command("address", address, "Show the repository's address, or change it everywhere (for a fork).")
    made.add_argument("url", nargs="?", help="https://github.com/owner/name")
    text = "Resolve pyproject.toml anew and write requirements.lock; or check the one that is there."
    made = command("lock", lock, text)
    check = "resolve the lock for other Python versions; installs nothing"
    made.add_argument("--check", action="store_true", help=check)
    python = "with --check (default: 3.11, 3.12 and 3.13)"
    made.add_argument("--python", action="append", metavar="VERSION", help=python)


def _execute(given: argparse.Namespace, project: Project, names: list[str] | None) -> list:
    """Execute with a live display, and say which chapters failed. The caller holds the lock."""
    from foretold.book import execute, progress

    executor, close = execute.scheduler(given.scheduler) if given.scheduler else (None, lambda: None)
    try:
        with progress.watching() as watch:
            outcomes = execute.execute(
                project, names, executor=executor, jobs=given.jobs, fresh=given.fresh, watch=watch
            )
    finally:
        close()
    for outcome in outcomes:
        if outcome.status == "failed":
            print(outcome.describe(), file=sys.stderr)
    return outcomes


def build(given: argparse.Namespace) -> int:
    """Execute with a live display, render with Jupyter Book (warnings are errors), and show the summary table."""
    from foretold.book import execute, progress, sphinx_ext

    project = Project.find()
    with execute.lock(project, execute.say):
        outcomes = _execute(given, project, sphinx_ext.on_pages(project))
        code = sphinx_ext.render(project, outcomes)
    print("\n" + progress.summary(outcomes))
    return code


def execute_chapters(given: argparse.Namespace) -> int:
    """Execute without rendering; with --record, also write the results as JSON."""
    from foretold.book import execute, progress, scoreboard

    project = Project.find()
    if given.record in project.notebooks:
        raise ValueError(
            f"--record is {given.record!r}, a chapter; allowed is a folder. Name chapters before --record."
        )
    with execute.lock(project, execute.say):
        outcomes = _execute(given, project, given.chapters or None)
    if given.record is not None:
        for path in scoreboard.record(project, outcomes, Path(given.record) if given.record else None):
            print(f"recorded {path}")
    print(progress.summary(outcomes))
    return 1 if any(outcome.status == "failed" for outcome in outcomes) else 0


def record_tables(given: argparse.Namespace) -> int:
    """Make a chapter's tables of measurements again."""
    from foretold.book import record

    return record.command(given.chapter, record.chosen(given.chapter, given.tables), given.replace)


def status(given: argparse.Namespace) -> int:
    """One line per chapter: fresh, or out of date and because of what. One line per table of this project's own
    measurements."""
    from foretold.book import execute, progress, tables

    rows = [("chapter", "state", "because of")]
    for chapter in execute.survey(Project.find()):
        if chapter.fresh:
            rows.append((chapter.name, "fresh", ""))
        else:
            rows.append((chapter.name, "out of date", ", ".join(chapter.why_stale())))
    print(progress.table(rows))
    measured = [(table.table, table.state, table.because) for table in tables.survey()]
    if measured:
        print("\n" + progress.table([("table", "state", "because of"), *measured]))
    return 0


def show_claims(given: argparse.Namespace) -> int:
    """The claims of the chapters whose executions are fresh."""
    from foretold.book import execute, progress, scoreboard

    project = Project.find()
    chapters = execute.survey(project)
    outcomes = [execute.Outcome(c, "cached", c.entry.head.seconds, c.entry) for c in chapters if c.entry is not None]
    ledgers = [outcome.ledger for outcome in outcomes if outcome.ledger is not None]
    if given.json:
        print(scoreboard.claims_json(outcomes, scoreboard.recorded(project)), end="")
    else:
        rows = [("chapter", "claim", "stated", "here", "verdict")]
        for ledger in ledgers:
            rows += [
                (ledger["chapter"], c["id"], c["paper_text"], c["here_text"], c["verdict"]) for c in ledger["claims"]
            ]
        print(progress.table(rows))
    wrong = execute.changed_verdicts(outcomes) + [f"{c.name}: out of date" for c in chapters if not c.fresh]
    if given.release and not wrong:
        print(f"wrote {scoreboard.release(project, outcomes, given.release, datetime.date.today().isoformat())}")
    if given.check or given.release:
        print(
            "\n".join(wrong) or f"all {sum(len(ledger['claims']) for ledger in ledgers)} verdicts are as expected",
            file=sys.stderr,
        )
        return 1 if wrong else 0
    return 0


def analyse(given: argparse.Namespace) -> int:
    """Somebody's own data, by the room ``yours`` of a chapter."""
    from foretold.book import analyse

    return analyse.command(given.chapter, given.rest)


def sabotage(given: argparse.Namespace) -> int:
    """Spoil the stored inputs of claims, measure and judge again; 1 where a positive verdict stays."""
    from foretold.book import sabotage

    project = Project.find()
    names = list(project.choose(given.chapters)) if given.chapters else sabotage.chapters(project)
    wrong = 0
    for name in names:
        reports = sabotage.examine(sabotage.newest(project, name))
        print("\n".join(sabotage.lines(reports)))
        print(f"{name}: {len(reports)} claims in {sum(report.seconds for report in reports):.1f} s\n")
        wrong += sum(bool(report.why) for report in reports)
    print(f"{wrong} claims without teeth" if wrong else "every positive verdict turns")
    return 1 if wrong else 0


def twins(given: argparse.Namespace) -> int:
    """Write the twins, or check them."""
    from foretold.book import twins

    project = Project.find()
    if given.check:
        wrong = twins.differences(project)
        print("\n".join(wrong) or f"{len(project.notebooks)} twins hold what their sources say")
        return 1 if wrong else 0
    for path in twins.write(project):
        print(f"{'wrote' if path.exists() else 'removed'} {path.relative_to(project.root)}")
    return 0


def seminar(given: argparse.Namespace) -> int:
    """Write the teaching packet from the executed chapters."""
    from foretold.book import seminar

    project = Project.find()
    written = seminar.write(project, Path(given.output or project.output / "seminar"), given.chapters)
    for path in written:
        print(f"wrote {path}")
    return 0


def new_chapter(given: argparse.Namespace) -> int:
    """Write a chapter's skeleton."""
    from foretold.book import new

    project = Project.find()
    for path in new.chapter(project, given.name, given.part):
        print(f"wrote {path.relative_to(project.root)}")
    return 0


def address(given: argparse.Namespace) -> int:
    """Show or change the repository's address."""
    from foretold.book import address, twins

    project = Project.find()
    if given.url is None:
        print(address.of(project))
        return 0
    for path in address.change(project, given.url) + twins.write(Project.find()):
        print(f"wrote {path.relative_to(project.root)}")
    return 0


def lock(given: argparse.Namespace) -> int:
    """Write or check the lock."""
    from foretold.book import locking

    project = Project.find()
    if given.check:
        found = {version: locking.check(project, version) for version in given.python or locking.PYTHONS}
        for version, problem in found.items():
            print(f"Python {version}: {problem or 'requirements.lock resolves'}")
        return 1 if any(found.values()) else 0
    print(f"wrote {locking.write(project).relative_to(project.root)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The execute stage: runs the chapters that are out of date, side by side, into the store that Sphinx is given pages
from.

The longest chapter starts first. Any `concurrent.futures.Executor` will do; by default each chapter gets a process of
its own on this machine, as many at a time as there are cores, which share the BLAS and torch threads, and one at a time
per GPU. A finished chapter is in the store at once, so a killed build loses none.
"""

from __future__ import annotations

import os
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import filelock
import nbformat
from nbformat import NotebookNode

from foretold import claims, run
from foretold.book import digest, job, reader, store
from foretold.book.project import Project

TIMES_EXPECTED = 10.0  # a kernel ends when it has used this many times its expected CPU seconds,
LEAST_LIMIT = 300.0  # but not before it has used so many
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Failure:
    """Why a chapter did not finish: the number of the code cell (from 1), its source, and the traceback."""

    cell: int
    source: str
    traceback: str


@dataclass
class Chapter:
    """A chapter's source as this process would run it; `entry` is its execution if the store has it, and `earlier` the
    newest one of any source or profile, which it is then shown as if this one fails."""

    name: str
    path: Path
    text: str
    entry: store.Entry | None = None
    earlier: store.Entry | None = None
    moved: list[str] = field(default_factory=list)  # parts beside the digest that are not as when it was executed
    expected_seconds: float = 60.0
    expected_cpu: float = 60.0

    @cached_property
    def source(self) -> NotebookNode:
        """The notebook."""
        return reader.parse(self.text)

    @cached_property
    def digest(self) -> digest.Digest:
        """What it depends on: that of its execution, or found by syntax, which takes a moment."""
        head = self.entry.head if self.entry else None
        return digest.Digest(head.parts, head.code, head.texts) if head else digest.of(self.source)

    @property
    def fresh(self) -> bool:
        """True if the store holds an execution of exactly this."""
        return self.entry is not None

    def page(self, entry: store.Entry | None) -> NotebookNode:
        """What its page shows of an execution: its prose with those outputs; where the code has changed since, all of
        what was executed; the bare source for None."""
        if entry is None:
            return self.source
        return reader.with_outputs(self.source, entry.notebook) or entry.notebook

    def why_stale(self) -> list[str]:
        """Names of what has changed since its newest execution."""
        if self.earlier is None:
            return ["never executed"]
        changed = digest.changed(self.earlier.head.parts, self.digest.parts)
        return changed or self.moved or ["an execution that was lost"]


@dataclass
class Outcome:
    """What became of one chapter. `status` is ``cached``, ``executed`` or ``failed``; `seconds` those of its execution,
    whenever that was; `entry` the execution, None for a failed chapter."""

    chapter: Chapter
    status: str
    seconds: float
    entry: store.Entry | None = None
    failure: Failure | None = None

    @property
    def shown(self) -> store.Entry | None:
        """The execution whose outputs the chapter's page shows: its own, or an earlier one if it failed."""
        return self.entry or self.chapter.earlier

    @property
    def name(self) -> str:
        """The chapter's name."""
        return self.chapter.name

    @property
    def ledger(self) -> dict[str, Any] | None:
        """The claims that this execution measured; None for a failed chapter."""
        return self.entry.ledger if self.entry else None

    def describe(self) -> str:
        """A failed chapter's name, cell and traceback."""
        assert self.failure is not None
        bar = "-" * 60
        where = f"chapter {self.name!r} failed in code cell {self.failure.cell} after {self.seconds:.0f} s"
        return f"{where}:\n{bar}\n{self.failure.source}\n{bar}\n{self.failure.traceback}"


@dataclass
class Progress:
    """How far an execution is: chapters to run, outcomes so far, those that run with the time (`time.monotonic`) when
    they began, number found in the store."""

    waiting: list[Chapter]
    done: list[Outcome]
    running: dict[str, float]
    cached: int

    @property
    def minutes_left(self) -> float:
        """Expected minutes until the last chapter ends: the work that is left at the pace seen so far, shared among
        those that run at once, but at least the longest chapter."""
        now = time.monotonic()
        spent = foreseen = 0.0
        left = []
        finished = {outcome.name: outcome for outcome in self.done}
        for chapter in self.waiting:
            expected = chapter.expected_seconds
            if chapter.name in finished:
                if finished[chapter.name].status == "executed":
                    spent, foreseen = spent + finished[chapter.name].seconds, foreseen + expected
                continue
            elapsed = now - self.running.get(chapter.name, now)
            spent, foreseen = spent + elapsed, foreseen + min(elapsed, expected)
            left.append(max(expected - elapsed, expected / 10))  # one that is late is nearly done, as far as we know
        pace = spent / foreseen if foreseen > 1 else 1.0
        return pace * max(sum(left) / max(1, len(self.running)), max(left, default=0.0)) / 60


@contextmanager
def lock(project: Project, say: Callable[[str], None] = print) -> Iterator[None]:
    """Hold the build's lock. A second build on the same folder says that it waits, and waits; the lock of a killed
    build is free."""
    project.output.mkdir(parents=True, exist_ok=True)
    held = filelock.FileLock(project.output / ".lock", is_singleton=True)
    try:
        held.acquire(timeout=0)
    except filelock.Timeout:
        say("another build works in this folder: waiting until it ends")
        held.acquire()
    try:
        yield
    finally:
        held.release()


def survey(project: Project, names: list[str] | None = None) -> list[Chapter]:
    """Every chapter with its digest and, where the store has it, its execution. Executes and writes nothing."""
    files = digest.names()
    chapters = [_look(project, name, path, files) for name, path in project.choose(names).items()]
    profile = run.default_profile()
    stated = {c.name: 60 * _stated_minutes(c.name, profile) for c in chapters}
    seen = {c.name: c.earlier.head for c in chapters if c.earlier and c.earlier.head.profile == profile}
    # How slow this machine is beside the one whose minutes are stated, by the chapters that it has executed.
    ratios = [head.seconds / stated[name] for name, head in seen.items()]
    slower = statistics.median(ratios) if ratios else 1.0
    for chapter in chapters:
        head = seen.get(chapter.name)
        expected = stated[chapter.name] * slower
        chapter.expected_seconds, chapter.expected_cpu = (
            (head.seconds, head.cpu_seconds) if head else (expected, expected)
        )
    return chapters


def _stated_minutes(name: str, profile: str) -> float:
    return claims.load(name).minutes.get(profile, 1.0) if name in claims.chapters() else 1.0


def _look(project: Project, name: str, path: Path, names: str) -> Chapter:
    chapter = Chapter(name, path, path.read_text(encoding="utf-8"))
    good = [entry for entry in store.newest(project.store_folder, name) if _judged_again(entry)]
    same = [entry for entry in good if entry.head.profile == run.default_profile()]
    chapter.earlier = next(iter(same or good), None)
    text = digest.text_hash(chapter.text)
    for entry in same:
        head = entry.head
        if (head.text, head.names) == (text, names) and _unchanged(head, project):
            chapter.entry = entry
            return chapter
    found = next((entry for entry in same if entry.head.digest == chapter.digest.cache), None)
    if found is not None:
        besides = found.head.besides
        chapter.moved = [part for part in besides if digest.now(part, project.root) != besides[part]]
        if not chapter.moved:
            chapter.entry = found
    return chapter


def _unchanged(head: store.Head, project: Project) -> bool:
    return digest.unchanged(head.parts | head.besides, head.texts, project.root)


def _judged_again(entry: store.Entry) -> bool:
    """Whether the stored verdicts follow from the stored numbers, where they can be judged by the same claims file."""
    try:
        ledger = entry.ledger
        stated = claims.load(ledger["chapter"]).claims if ledger["chapter"] in claims.chapters() else {}
        if ledger["chapter"] != entry.head.chapter:
            return False
        if ledger["schema"] != claims.SCHEMA:
            return False
        return all(claims.follows(stated.get(record["id"]), record, ledger["profile"]) for record in ledger["claims"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return False


def gpus() -> list[str]:
    """Identifiers of the GPUs, one slot each; empty without CUDA."""
    if run.device_class() == "cpu":
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible:
        return [part.strip() for part in visible.split(",") if part.strip()]
    import torch

    return [str(index) for index in range(torch.cuda.device_count())]


def execute(
    project: Project,
    names: list[str] | None = None,
    *,
    executor: Executor | None = None,
    jobs: int | None = None,
    fresh: bool = False,
    watch: Callable[[Progress], None] | None = None,
) -> list[Outcome]:
    """Execute the chapters that are out of date, and return one `Outcome` per chapter, in reading order; failed ones
    included.

    `executor` takes the place of local processes; it is the caller's to shut down. `jobs` is the number of chapters at
    a time. `fresh` executes all, stored or not. `watch` is called about twice a second. The caller holds the `lock`.
    Raises KeyboardInterrupt, with words on what is kept, when it is interrupted; all that ran has ended by then.
    """
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs is {jobs}; allowed is a whole number >= 1")
    chapters = survey(project, names)
    kept = [c for c in chapters if c.entry is not None and not fresh]
    outcomes = {c.name: Outcome(c, "cached", c.entry.head.seconds, c.entry) for c in kept}
    waiting = sorted((c for c in chapters if c.name not in outcomes), key=lambda c: -c.expected_seconds)
    slots = gpus()
    workers = min(len(waiting), jobs or len(slots) or run.cores()) or 1
    if slots:
        workers = min(workers, len(slots))
    progress = Progress(waiting, [], {}, len(outcomes))
    own = job.Local(workers, slots) if executor is None else None
    try:
        with _ending(own):
            for chapter, result in _results(project, executor or own, workers, progress, watch, own is None):
                outcome = _keep(project, chapter, result)
                progress.done.append(outcome)
                outcomes[chapter.name] = outcome
    except KeyboardInterrupt:
        done = ", ".join(outcome.name for outcome in progress.done if outcome.status == "executed")
        left = ", ".join(chapter.name for chapter in waiting if chapter.name not in outcomes)
        raise KeyboardInterrupt(f"interrupted; kept: {done or 'nothing new'}; not finished: {left}") from None
    return [outcomes[c.name] for c in chapters]


@contextmanager
def _ending(own: job.Local | None) -> Iterator[None]:
    """Whatever happens inside, all that runs has ended afterwards. The first Ctrl-C raises KeyboardInterrupt; further
    ones could only interrupt that ending, and that of this process, and are ignored."""

    def first(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    mine = threading.current_thread() is threading.main_thread()  # only there can signals be handled
    before = signal.signal(signal.SIGINT, first) if mine else None
    try:
        yield
    finally:
        if own is not None:
            own.stop()
        if mine and signal.getsignal(signal.SIGINT) is first:
            signal.signal(signal.SIGINT, before)


def _results(
    project: Project,
    executor: Executor,
    workers: int,
    progress: Progress,
    watch: Callable[[Progress], None] | None,
    elsewhere: bool,
) -> Iterator[tuple[Chapter, dict[str, Any]]]:
    """Each chapter with what `job.run_chapter` returned, as they finish."""
    threads = max(1, run.cores() // workers)
    environment = {"FORETOLD_PROFILE": run.default_profile(), "FORETOLD_BOOK": "1", **_threads(threads)}
    chapters = {
        executor.submit(job.run_chapter, _request(project, chapter, environment, threads), elsewhere): chapter
        for chapter in progress.waiting
    }
    pending = set(chapters)
    while pending:
        finished, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
        for future in finished:
            yield chapters[future], _result(future)
        # A pool says "running" of one more than it has workers: that one is next in its queue.
        running = [chapter.name for future, chapter in chapters.items() if future in pending and future.running()]
        progress.running = {name: progress.running.get(name, time.monotonic()) for name in running[:workers]}
        if watch is not None:
            watch(progress)


def _threads(count: int) -> dict[str, str]:
    """The variables that give a chapter its threads, unless the user has set them. Threads that wait for work sleep: by
    default they spin, and on a busy machine two of them took 50 s for what one does in 5 s."""
    wanted = {**dict.fromkeys(THREAD_VARIABLES, str(count)), "OMP_WAIT_POLICY": "PASSIVE"}
    return {name: os.environ.get(name, value) for name, value in wanted.items()}


def _request(project: Project, chapter: Chapter, environment: dict[str, str], threads: int) -> dict[str, Any]:
    return {
        "notebook": nbformat.writes(chapter.source),
        "environment": environment,
        "cpu_limit": max(LEAST_LIMIT, TIMES_EXPECTED * chapter.expected_cpu * threads),
        "patience": job.PATIENCE,
        "root": str(project.root),
        "output": str(project.output),
        "digest": chapter.digest.cache,
    }


def _result(future: Future) -> dict[str, Any]:
    try:
        return future.result()
    except Exception as error:  # the disk is full, or a machine is gone: no reason to lose the other chapters
        return job.failed(f"its worker ended: {error!r}")


def _keep(project: Project, chapter: Chapter, result: dict[str, Any]) -> Outcome:
    """The outcome of an execution, which is in the store if it is whole and is of what was asked for."""

    def failed(why: str) -> Outcome:
        return Outcome(chapter, "failed", result["seconds"], failure=Failure(0, "", why))

    if result["failure"]:
        return Outcome(chapter, "failed", result["seconds"], failure=Failure(**result["failure"]))
    digest.forget()
    after = digest.of(chapter.source)
    besides = digest.besides(result["ran"], after.parts)
    changed = digest.changed(chapter.digest.parts, after.parts)
    changed += [name for name in besides if name in after.parts or digest.now(name, project.root) != besides[name]]
    if result["ran"]["python"] != sys.version:
        changed.append(f"Python, which was {result['ran']['python']}")
    if changed:
        what = ", ".join(dict.fromkeys(changed))
        return failed(f"What ran is not what was asked for, and is not kept: {what} changed meanwhile. Build again.")
    notebook = nbformat.reads(result["notebook"], as_version=4)
    found = ledger(notebook)
    if found is None:
        return failed("The chapter ended without its ledger: no cell has shown run.report().")
    head = store.Head(
        chapter=chapter.name,
        digest=chapter.digest.cache,
        text=digest.text_hash(chapter.text),
        names=digest.names(),
        profile=found["profile"],
        parts=after.parts,
        code=after.code,
        texts=after.texts | {name: text for name, text in result["ran"]["texts"].items() if name in besides},
        besides=besides,
        seconds=result["seconds"],
        cpu_seconds=result["cpu_seconds"],
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    try:
        entry = store.write(project.store_folder, head, notebook, found)
    except OSError as error:
        return failed(f"The result could not be kept: {error}")
    return Outcome(chapter, "executed", result["seconds"], entry)


def ledger(notebook: NotebookNode) -> dict[str, Any] | None:
    """The claims bundle in an executed notebook's outputs, or None; the seconds of the whole chapter where its foot
    tells them."""
    found = None
    for output in _outputs(notebook):
        if claims.MIME in output:
            found = dict(output[claims.MIME])
        elif run.STAMP_MIME in output and found is not None:
            found |= {key: output[run.STAMP_MIME][key] for key in ("seconds", "sections", "peak_memory")}
    return found


def _outputs(notebook: NotebookNode) -> Iterator[dict[str, Any]]:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            yield output.get("data", {})


def changed_verdicts(outcomes: list[Outcome]) -> list[str]:
    """Verdicts that are not the ones the claims files expect, one line each."""
    return [
        f"{o.name}: claim {c['id']!r} is {c['verdict']!r} ({c['here_text']}), but expected is {claims.expected_text(c)}"
        for o in outcomes
        for c in (o.ledger or {}).get("claims", [])
        if not c["is_expected"]
    ]


def scheduler(address: str) -> tuple[Executor, Callable[[], None]]:
    """An executor on a running `dask.distributed` scheduler, and a function that closes the connection.

    Raises ValueError if distributed is not installed or nothing answers at the address.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ValueError("--scheduler needs the package distributed, which is not installed") from None
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise ValueError(f"scheduler is {address!r}, but nothing answers there ({error})") from None
    return client.get_executor(pure=False), client.close


def say(message: str) -> None:
    """Print a line at once."""
    print(message, flush=True, file=sys.stderr)

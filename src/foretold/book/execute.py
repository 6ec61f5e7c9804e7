"""The execute stage: runs the chapters that are out of date, side by side, into the jupyter-cache that Sphinx reads.

The longest chapter starts first. Any `concurrent.futures.Executor` will do; by default these are local processes, as
many as there are cores, which share the BLAS and torch threads, and one chapter at a time per GPU. A finished chapter
is in the cache at once, so a killed build loses none.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import filelock
import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.cache.main import JupyterCacheBase
from nbformat import NotebookNode

from foretold import claims, run
from foretold.book import digest, reader
from foretold.book.project import Project

BUDGET = {"smoke": 120.0, "cpu": 300.0, "gpu": 900.0}  # seconds of wall clock for a whole chapter
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class ChapterError(Exception):
    """Chapters failed. The message names, for each, the chapter, the cell and the traceback."""


@dataclass(frozen=True)
class Failure:
    """Why a chapter did not finish: the number of the code cell (from 1), its source, and the traceback."""

    cell: int
    source: str
    traceback: str


@dataclass
class Chapter:
    """A chapter's source as this process would run it, and the executed notebook if the cache has it."""

    name: str
    path: Path
    source: NotebookNode
    digest: digest.Digest
    executed: NotebookNode | None = None
    seconds: float = 0.0
    expected_seconds: float = 60.0
    budget: float = 300.0
    parts_before: dict[str, str] | None = field(default=None)  # of its newest execution, fresh or not

    @property
    def fresh(self) -> bool:
        """True if the cache holds an execution of exactly this."""
        return self.executed is not None


@dataclass
class Outcome:
    """What became of one chapter. `status` is ``cached``, ``executed`` or ``failed``; `seconds` those of its execution,
    whenever that was."""

    chapter: Chapter
    status: str
    seconds: float
    notebook: NotebookNode | None = None
    failure: Failure | None = None
    ledger: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """The chapter's name."""
        return self.chapter.name

    def describe(self) -> str:
        """A failed chapter's name, cell and traceback."""
        assert self.failure is not None
        bar = "-" * 60
        where = f"chapter {self.name!r} failed in code cell {self.failure.cell} after {self.seconds:.0f} s"
        return f"{where}:\n{bar}\n{self.failure.source}\n{bar}\n{self.failure.traceback}"


@dataclass(frozen=True)
class Progress:
    """How far an execution is: chapters to run, outcomes so far, names of those that run, number found in the cache."""

    waiting: list[Chapter]
    done: list[Outcome]
    running: list[str]
    cached: int

    @property
    def minutes_left(self) -> float:
        """Expected minutes until the last chapter ends: the work that is left, shared among those that run at once, but
        at least the longest chapter."""
        finished = {outcome.name for outcome in self.done}
        left = [chapter.expected_seconds for chapter in self.waiting if chapter.name not in finished]
        return max(sum(left) / max(1, len(self.running)), max(left, default=0.0)) / 60


@contextmanager
def lock(project: Project, say: Callable[[str], None] = print) -> Iterator[None]:
    """Hold the build's lock. A second build on the same folder says that it waits, and waits; the lock of a killed
    build is free."""
    project.cache_folder.mkdir(parents=True, exist_ok=True)
    held = filelock.FileLock(project.cache_folder / "build.lock", is_singleton=True)
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
    """Every chapter with its digest and, where the cache has it, its executed notebook. Executes nothing."""
    cache = get_cache(project.cache_folder)
    records = sorted(cache.list_cache_records(), key=lambda record: record.created)
    profile = run.default_profile()
    found = []
    for name, path in project.choose(names).items():
        source, parts = reader.read_with_digest(path.read_text(encoding="utf-8"))
        stated = claims.load(name) if name in claims.chapters() else None
        chapter = Chapter(name, path, source, parts)
        chapter.budget = BUDGET[profile]
        if stated is not None:
            chapter.budget = stated.budget.get(profile, chapter.budget)
            chapter.expected_seconds = 60 * stated.minutes.get(profile, 1.0)
        for record in records:
            kept = (record.data or {}).get("foretold", {})
            if kept.get("chapter") == name:
                chapter.parts_before = kept["parts"]
                if kept["parts"].get("profile") == profile:
                    chapter.expected_seconds = record.data["execution_seconds"]
        _match(cache, chapter)
        found.append(chapter)
    return found


def _match(cache: JupyterCacheBase, chapter: Chapter) -> None:
    try:
        record = cache.match_cache_notebook(chapter.source)
    except KeyError:
        return
    try:
        _, chapter.executed = cache.merge_match_into_notebook(chapter.source)
    except (KeyError, OSError, ValueError):
        cache.remove_cache(record.pk)  # a build killed between its two writes leaves a record without a notebook
        return
    chapter.seconds = record.data["execution_seconds"]


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
    a time. `fresh` executes all, cached or not. `watch` is called about twice a second. The caller holds the `lock`.
    """
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs is {jobs}; allowed is a whole number >= 1")
    chapters = survey(project, names)
    outcomes = {c.name: Outcome(c, "cached", c.seconds, c.executed) for c in chapters if c.fresh and not fresh}
    waiting = sorted((c for c in chapters if c.name not in outcomes), key=lambda c: -c.expected_seconds)
    slots = gpus()
    workers = min(len(waiting), jobs or (len(slots) if slots else cores())) or 1
    if slots:
        workers = min(workers, len(slots))
    cache = get_cache(project.cache_folder)
    if waiting:
        own = _local_processes(workers, slots) if executor is None else None
        try:
            progress = Progress(waiting, [], [], len(outcomes))
            watch = watch or (lambda progress: None)
            for chapter, result in _results(executor or own, workers, progress, watch, elsewhere=own is None):
                outcomes[chapter.name] = _keep(cache, chapter, result)
        finally:
            if own is not None:
                own.shutdown(wait=True, cancel_futures=True)
    for outcome in outcomes.values():
        outcome.ledger = ledger(outcome.notebook)
    return [outcomes[c.name] for c in chapters]


def _results(
    executor: Executor, workers: int, progress: Progress, watch: Callable[[Progress], None], elsewhere: bool
) -> Iterator[tuple[Chapter, dict[str, Any]]]:
    """Each chapter with what `run_notebook` returned, as they finish."""
    environment = {"FORETOLD_PROFILE": run.default_profile(), "FORETOLD_BOOK": "1"}
    environment |= dict.fromkeys(THREAD_VARIABLES, str(max(1, cores() // workers)))
    chapters = {
        executor.submit(run_notebook, nbformat.writes(chapter.source), environment, chapter.budget, elsewhere): chapter
        for chapter in progress.waiting
    }
    pending = set(chapters)
    while pending:
        finished, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
        for future in finished:
            result = _result(future)
            status = "failed" if result["failure"] else "executed"
            progress.done.append(Outcome(chapters[future], status, result["seconds"]))
            yield chapters[future], result
        # A pool says "running" of one more than it has workers: that one is next in its queue.
        running = [chapter.name for future, chapter in chapters.items() if future.running()]
        progress.running[:] = running[:workers]
        watch(progress)


def _result(future: Future) -> dict[str, Any]:
    try:
        return future.result()
    except Exception as error:  # the worker died, or the machine it ran on: no reason to lose the other chapters
        failure = {"cell": 0, "source": "", "traceback": f"its worker ended: {error!r}"}
        return {"seconds": 0.0, "notebook": None, "failure": failure}


def _keep(cache: JupyterCacheBase, chapter: Chapter, result: dict[str, Any]) -> Outcome:
    if result["failure"]:
        return Outcome(chapter, "failed", result["seconds"], failure=Failure(**result["failure"]))
    notebook = nbformat.reads(result["notebook"], as_version=4)
    kept = {"chapter": chapter.name, "parts": chapter.digest.parts, "code": chapter.digest.code}
    bundle = CacheBundleIn(
        notebook,
        f"notebooks/{chapter.name}.py",
        data={"execution_seconds": result["seconds"], "foretold": kept},
    )
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    return Outcome(chapter, "executed", result["seconds"], notebook)


def _local_processes(workers: int, slots: list[str]) -> Executor:
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    for index in range(workers):
        queue.put(slots[index] if slots else None)
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_worker, initargs=(queue,))


def _begin_worker(queue: Any) -> None:
    slot = queue.get()
    if slot is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = slot
    parent = multiprocessing.parent_process()
    if parent is not None:  # a killed build must not leave its workers behind; their kernels end with them
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


def run_notebook(text: str, environment: dict[str, str], budget: float, elsewhere: bool = False) -> dict[str, Any]:
    """Execute one notebook in a kernel of its own, in an empty folder; `budget` is in seconds of wall clock, for all
    cells together.

    Runs in a worker, possibly on another machine, so it takes and returns plain values: ``notebook`` (text),
    ``seconds``, ``failure`` (None, or the fields of a `Failure`). With `elsewhere` it first makes sure that this
    worker's foretold, packages and device are those of the digest under which the result will be kept.
    """
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from traitlets.config import Config

    notebook = nbformat.reads(text, as_version=4)
    if elsewhere and reader.digest_in(notebook) != digest.of(notebook, environment["FORETOLD_PROFILE"]).cache:
        why = "This worker's foretold, packages or device are not those of the machine that asked."
        return {"seconds": 0.0, "notebook": None, "failure": {"cell": 0, "source": "", "traceback": why}}
    began = time.monotonic()
    code_cells = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    current = code_cells[0] if code_cells else 0

    def starts(cell: NotebookNode, cell_index: int) -> None:
        nonlocal current
        current = cell_index

    failure = None
    with tempfile.TemporaryDirectory(prefix="foretold-") as folder:
        work = os.path.join(folder, "work")
        os.mkdir(work)
        private = {"transport": "ipc", "connection_file": os.path.join(folder, "kernel.json")}
        client = NotebookClient(
            notebook,
            resources={"metadata": {"path": work}},
            kernel_manager_class=AsyncKernelManager,
            # Sockets in the file system rather than on TCP ports, which other users of the machine can reach.
            config=Config() if sys.platform == "win32" else Config(KernelManager=private),
            record_timing=False,  # timing in the cells' metadata would change jupyter-cache's key
            timeout_func=lambda cell: max(1.0, budget - (time.monotonic() - began)),
            on_cell_execute=starts,
        )
        try:
            client.execute(env={**os.environ, "PYTHONPATH": _absolute_path_of_modules(), **environment})
        except CellExecutionError as error:
            failure = ANSI.sub("", error.traceback)
        except CellTimeoutError:
            failure = f"The chapter took longer than its budget of {budget:.0f} s of wall clock."
        except DeadKernelError:
            failure = "The kernel died (killed for memory, perhaps)."
    seconds = time.monotonic() - began
    if failure is not None:
        cell = code_cells.index(current) + 1
        return {
            "seconds": seconds,
            "notebook": None,
            "failure": {"cell": cell, "source": notebook.cells[current].source, "traceback": failure},
        }
    return {"seconds": seconds, "notebook": nbformat.writes(notebook), "failure": None}


def _absolute_path_of_modules() -> str:
    """``PYTHONPATH`` for a kernel, which starts in another folder: this process's own, made absolute, after the folder
    of
    this very foretold, so that what executes is what the digest was taken of."""
    entries = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    return os.pathsep.join([str(digest.PACKAGE.parent), *map(os.path.abspath, entries)])


def ledger(notebook: NotebookNode | None) -> dict[str, Any] | None:
    """The claims bundle in an executed notebook's outputs, or None; the seconds of the whole chapter where its foot
    tells them."""
    found = None
    for output in _outputs(notebook):
        if claims.MIME in output:
            found = dict(output[claims.MIME])
        elif run.STAMP_MIME in output and found is not None:
            found |= {key: output[run.STAMP_MIME][key] for key in ("seconds", "sections", "peak_memory")}
    return found


def _outputs(notebook: NotebookNode | None) -> Iterator[dict[str, Any]]:
    for cell in notebook.cells if notebook is not None else []:
        for output in cell.get("outputs", []):
            yield output.get("data", {})


def raise_failures(outcomes: list[Outcome]) -> None:
    """Raise a `ChapterError` that describes every failed chapter, if there is one."""
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if failed:
        raise ChapterError("\n\n".join(outcome.describe() for outcome in failed))


def changed_verdicts(outcomes: list[Outcome]) -> list[str]:
    """Verdicts that are not the ones the claims files expect, one line each."""
    return [
        f"{o.name}: claim {c['id']!r} is {c['verdict']!r} ({c['here_text']}), but {c['expected']!r} is expected"
        for o in outcomes
        for c in (o.ledger or {}).get("claims", [])
        if c["verdict"] != c["expected"]
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

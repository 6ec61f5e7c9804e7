"""Runs one chapter in a process of its own, watches it, and ends it as a tree.

`run_chapter` is what an executor is given: it takes and returns plain values, so it may run on another machine. What
happens to a chapter, its worker, its kernel or its disk costs that chapter and no other.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import psutil

from foretold.book import digest, processes, rooms
from foretold.book.worker import SOCKETS

PATIENCE = 600.0  # seconds in which a kernel that lives must use some CPU time
SOME_CPU = 1.0  # second: an idle kernel uses less in ten minutes
LOOK = 0.5  # seconds between two looks at a worker
COMPILED_KEPT = 3  # states of the modules whose compiled functions are kept
LONGEST_SOCKET = 90  # characters of a socket's path: 107 are allowed on Linux, 103 on macOS
# What a kernel may see of this machine: where things are, how to reach a network, how many threads. No secrets, and
# nothing that changes what Python itself does.
ALLOWED = {
    "CC", "CXX", "DYLD_LIBRARY_PATH", "HOME", "HOSTNAME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH",
    "LOGNAME", "NO_PROXY", "PATH", "REQUESTS_CA_BUNDLE", "SHELL", "SSL_CERT_DIR", "SSL_CERT_FILE", "TEMP", "TMP",
    "TMPDIR", "TZ", "USER", "VIRTUAL_ENV", "WINDIR", "no_proxy",
    "APPDATA", "COMSPEC", "LOCALAPPDATA", "PATHEXT", "PROGRAMDATA", "SYSTEMDRIVE", "SYSTEMROOT", "USERPROFILE",
}  # fmt: skip
ALLOWED_BEGINNINGS = ("CONDA_", "CUDA_", "FORETOLD_", "LC_", "MKL_", "NUMBA_", "NVIDIA_", "OMP_", "OPENBLAS_", "PIP_",
                      "PYTENSOR_", "PYTORCH_", "TORCH_", "XDG_")  # fmt: skip
ALLOWED_ENDS = ("_proxy", "_PROXY")


class Local(ThreadPoolExecutor):
    """The executor of this machine: as many chapters at a time as it has threads, one on each GPU where there are any.

    `stop` ends all that run, within a second or two.
    """

    def __init__(self, workers: int, gpus: list[str] | None = None) -> None:
        super().__init__(workers)
        self._stopped = threading.Event()
        self._slots: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        for index in range(workers):
            self._slots.put(gpus[index] if gpus else None)

    def submit(self, function: Any, request: dict[str, Any], *arguments: Any) -> Future:
        """As `Executor.submit`; `function` also gets the GPU that is free, and is told when to stop."""
        return super().submit(self._run, function, request, *arguments)

    def _run(self, function: Any, request: dict[str, Any], *arguments: Any) -> dict[str, Any]:
        gpu = self._slots.get()
        try:
            here = {} if gpu is None else {"CUDA_VISIBLE_DEVICES": gpu}
            request = {**request, "environment": request["environment"] | here}
            return function(request, *arguments, stopped=self._stopped)
        finally:
            self._slots.put(gpu)

    def stop(self) -> None:
        """End what runs, begin nothing more, and wait until that is so."""
        self._stopped.set()
        self.shutdown(wait=True, cancel_futures=True)


def run_chapter(
    request: dict[str, Any], elsewhere: bool = False, stopped: threading.Event | None = None
) -> dict[str, Any]:
    """Execute a notebook in an empty folder and return ``notebook`` (text), ``ran`` (what the kernel reports to have
    loaded and opened, files by the names of `digest.name`), ``seconds``, ``cpu_seconds`` and ``failure`` (None, or
    ``cell``, ``source``, ``traceback``).

    `request` holds ``notebook`` (text), ``environment`` (variables for the kernel), ``cpu_limit`` (seconds of CPU time
    for all of it), ``patience`` (seconds of wall clock without CPU time), ``root`` and ``output`` (the book's folder,
    and that of what is built), ``digest``. With `elsewhere` this is another machine: it first makes sure that its
    foretold, packages and device have that digest.
    """
    if elsewhere:
        digest.forget()
        notebook = nbformat.reads(request["notebook"], as_version=4)
        if digest.of(notebook, request["environment"]["FORETOLD_PROFILE"]).cache != request["digest"]:
            return failed("This worker's foretold, packages or device are not those of the machine that asked.")
        request = {**request, "root": str(rooms.PACKAGE.parents[1])}  # its own checkout
    folder = Path(tempfile.mkdtemp(prefix="foretold-", dir=_short_folder()))
    mark = uuid.uuid4().hex
    began = time.monotonic()
    try:
        (folder / "request.json").write_text(json.dumps(_for_worker(request, folder)), encoding="utf-8")
        why, cpu_seconds = _watch(_start(request, folder, mark), request, stopped)
        result = _result(folder, why)
        if result["ran"] is not None:
            result["ran"] |= _named(result["ran"], Path(request["root"]))
    finally:
        processes.end(mark)
        shutil.rmtree(folder, ignore_errors=True)
    return {**result, "seconds": time.monotonic() - began, "cpu_seconds": cpu_seconds}


def _start(request: dict[str, Any], folder: Path, mark: str) -> subprocess.Popen:
    variables = request["environment"] | {processes.MARK: mark, "NUMBA_CACHE_DIR": str(_compiled(request))}
    with (folder / "stderr").open("wb") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "foretold.book.worker", str(folder)],
            env=environment(variables),
            stdin=subprocess.PIPE,  # held open as long as this process lives
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,  # Ctrl-C in a terminal is for this process, which then ends that one
        )


def _watch(
    worker: subprocess.Popen, request: dict[str, Any], stopped: threading.Event | None
) -> tuple[str | None, float]:
    """Wait until a worker ends, or end it. Returns (why it was ended, CPU seconds of it and its kernel)."""
    used, moved, moved_at = 0.0, 0.0, time.monotonic()
    while True:
        if stopped is not None and stopped.wait(LOOK):
            why = "Interrupted."
        else:
            try:
                worker.wait(timeout=0.1 if stopped else LOOK)
                return None, used
            except subprocess.TimeoutExpired:
                used = max(used, processes.cpu_seconds(worker.pid))
            if used > moved + SOME_CPU:
                moved, moved_at = used, time.monotonic()
            why = _too_much(request, used, time.monotonic() - moved_at)
        if why is not None:
            family = processes.descendants(worker.pid)
            worker.kill()
            worker.wait()
            for process in family:
                with suppress(psutil.Error):
                    process.kill()
            return why, used


def _too_much(request: dict[str, Any], used: float, idle: float) -> str | None:
    limit, patience = request["cpu_limit"], request["patience"]
    if used > limit:
        return f"The chapter used more than {limit:.0f} s of CPU time, many times what it should."
    if idle > patience:
        return f"The chapter used no CPU time for {patience:.0f} s: it waits for what does not come."
    return None


def _result(folder: Path, why: str | None) -> dict[str, Any]:
    if why is None:
        try:
            return json.loads((folder / "result.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            words = (folder / "stderr").read_text(encoding="utf-8", errors="replace").strip().splitlines()[-8:]
            why = "\n".join(["Its process ended without a result (killed for memory, perhaps).", *words])
    found = failed(why)
    cell = folder / "cell"
    if cell.exists():
        number = int(cell.read_text() or 0)
        notebook = json.loads((folder / "request.json").read_text(encoding="utf-8"))["notebook"]
        code = [c for c in nbformat.reads(notebook, as_version=4).cells if c.cell_type == "code"]
        found["failure"] |= {"cell": number, "source": code[number - 1].source if number else ""}
    return found


def _named(ran: dict[str, Any], root: Path) -> dict[str, Any]:
    """The files of a kernel's report by the names of `digest.name`."""

    def name(path: str) -> str:
        return digest.name(Path(path), root)

    files, texts = ({name(path): ran[of][path] for path in ran[of]} for of in ("files", "texts"))
    return {"files": files, "texts": texts, "read": [name(path) for path in ran["read"]]}


def failed(why: str) -> dict[str, Any]:
    """The result of a chapter that did not come to an end."""
    failure = {"cell": 0, "source": "", "traceback": why}
    return {"notebook": None, "ran": None, "seconds": 0.0, "cpu_seconds": 0.0, "failure": failure}


def _for_worker(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    libraries = [path for path in _paths() if any(Path(path).glob("*.dist-info"))]  # where `pip --target` installed
    folders = [str(rooms.PACKAGE), request["root"], *(path for path in _paths() if path not in libraries)]
    ignored = [str(folder), request["output"], os.path.join(request["root"], ".git"), *libraries]
    return {"notebook": request["notebook"], "observe": {"folders": folders, "ignored": ignored}}


def _paths() -> list[str]:
    """The folders of ``PYTHONPATH``, made absolute, because a kernel starts in another folder."""
    return [os.path.abspath(entry) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]


def _compiled(request: dict[str, Any]) -> Path:
    """Where numba keeps what it compiles from the modules as they are now; what it compiled from others is dropped
    after a while. Another machine, which lacks the book's folder, has a place of its own."""
    output = Path(request["output"])
    folder = (output if output.is_dir() else Path(tempfile.gettempdir(), "foretold")) / ".numba"
    mine = folder / digest.of_modules()
    mine.mkdir(parents=True, exist_ok=True)
    mine.touch()
    for old in sorted(folder.iterdir(), key=lambda path: -path.stat().st_mtime)[COMPILED_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return mine


def environment(more: dict[str, str]) -> dict[str, str]:
    """The variables of a worker and its kernel: those of this process that are allowed, a path of modules that begins
    with this very foretold, and `more`."""
    allowed = {
        name: value
        for name, value in os.environ.items()
        if name in ALLOWED or name.startswith(ALLOWED_BEGINNINGS) or name.endswith(ALLOWED_ENDS)
    }
    path = os.pathsep.join([str(rooms.PACKAGE.parent), *_paths()])
    return {**allowed, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **more}


def _short_folder() -> str | None:
    """Where temporary files go, or another such place if its path would be too long for the name of a socket."""
    for place in (tempfile.gettempdir(), os.environ.get("XDG_RUNTIME_DIR"), "/tmp", "/dev/shm", "/var/tmp"):
        name = Path(place or "", "foretold-12345678", SOCKETS.replace(".json", "-ipc-5"))
        if place and len(os.fsencode(name)) <= LONGEST_SOCKET and os.access(place, os.W_OK):
            return place
    return None

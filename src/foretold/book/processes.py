"""The processes of one chapter: how much CPU time they have used, and how they all end."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress

import psutil

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
MARK = "FORETOLD_RUN"  # an environment variable that all processes of one run inherit, whatever session they begin


def cpu_seconds(root: int) -> float:
    """CPU seconds that a process and its descendants have used, those that have ended and were waited for included; 0
    where there is no such process."""
    try:
        parent = psutil.Process(root)
        family = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    total = 0.0
    for process in family:
        try:
            total += sum(process.cpu_times()[:4])  # user, system, and both of children
        except psutil.Error:
            continue
    return total


def adopt_orphans() -> None:
    """Become the parent of all descendants whose own parents end, so that they stay descendants; on Linux alone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(root: int) -> list[psutil.Process]:
    """Living descendants of a process."""
    try:
        return psutil.Process(root).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def marked(mark: str) -> list[psutil.Process]:
    """Living processes of the run with this mark, this one excepted."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                found.append(process)
        except (psutil.Error, OSError):
            continue  # another user's, or gone
    return found


def end(mark: str, root: int | None = None) -> None:
    """Kill all processes of a run and wait until they are gone: those with its mark, whatever session they have begun,
    and the descendants of `root`, whatever environment they have."""
    for _ in range(3):  # one that forks while we look is caught the next time
        found = {*marked(mark), *(descendants(root) if root is not None else ())}
        for process in found:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(list(found), timeout=3)
        if not found:
            return

"""The processes of one chapter: how much CPU time they have used, and how they all end."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psutil

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


def marked(mark: str) -> Iterator[psutil.Process]:
    """Living processes of the run with this mark, this one excepted."""
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                yield process
        except (psutil.Error, OSError):
            continue  # another user's, or gone


def end(mark: str) -> None:
    """Kill all processes of a run, those too that have begun a session of their own, and wait until they are gone."""
    for _ in range(3):  # one that forks while we look is caught the next time
        found = list(marked(mark))
        for process in found:
            try:
                process.kill()
            except psutil.Error:
                continue
        psutil.wait_procs(found, timeout=3)
        if not found:
            return

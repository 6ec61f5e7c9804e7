"""Writes and checks `requirements.lock`: exact versions of all that a build needs, resolved by pip from pyproject.toml,
which alone lists dependencies."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from functools import lru_cache
from pathlib import Path

from packaging.requirements import Requirement

from foretold.book.project import Project

PYTHONS = ("3.11", "3.12", "3.13")
# A CUDA build of torch brings these, a CPU build does not; the lock names a version of torch and no build.
_OF_CUDA = ("cuda-", "nvidia-", "triton")


def write(project: Project) -> Path:
    """Resolve anew, for each Python, and write the lock. Raises ValueError with pip's own words where nothing
    resolves."""
    settings = tomllib.loads((project.root / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = list(settings["project"]["dependencies"])
    for extra in settings["project"]["optional-dependencies"].values():
        wanted += [requirement for requirement in extra if Requirement(requirement).name != "foretold"]
    held = settings["tool"]["foretold"]["held-back"]
    pins: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder, "constraints.txt")
        constraints.write_text("\n".join(held))
        for python in PYTHONS:
            for item in _resolve(python, "-c", str(constraints), *_applying(wanted, python))["install"]:
                name = re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower()
                if not name.startswith(_OF_CUDA):
                    # A local label ("2.13.0+cpu") names one build of a version; the lock names the version.
                    pins.setdefault(name, {})[python] = item["metadata"]["version"].partition("+")[0]
    head = [
        f"# Exact versions for the build, for pip and Python {PYTHONS[0]} or newer.",
        "# Written by `make lock` from pyproject.toml; do not edit.",
        "# Held back here alone, and why (pyproject.toml has what is held back for everyone):",
        *(f"#   {requirement}: {reason}" for requirement, reason in held.items()),
    ]
    path = project.root / "requirements.lock"
    lines = [line for name, versions in sorted(pins.items()) for line in _lines(name, versions)]
    path.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8", newline="\n")
    return path


def check(project: Project, python: str) -> str | None:
    """None if the lock resolves for this Python version (``"3.12"``), else what pip says. Downloads metadata and
    installs nothing."""
    lock = (project.root / "requirements.lock").read_text(encoding="utf-8")
    pins = [line for line in lock.splitlines() if line and not line.startswith("#")]
    try:
        _resolve(python, *_applying(pins, python))
    except ValueError as error:
        return str(error)
    return None


@lru_cache
def interpreter(python: str) -> Path | None:
    """An interpreter of this version (``"3.12"``) on this machine: this one, one on the path, or one of pyenv's."""
    on_path = shutil.which(f"python{python}")
    for path in [sys.executable, on_path, *sorted(Path.home().glob(f".pyenv/versions/{python}.*/bin/python"))]:
        # One of pyenv's own commands may lie on the path and refuse to run.
        asked = [path, "-c", "import sys; print('{}.{}'.format(*sys.version_info))"]
        if path and subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() == python:
            return Path(path)
    return None


def _lines(name: str, versions: dict[str, str]) -> list[str]:
    """The lock's lines for one package: one, or one for each run of Pythons that need the same version."""
    lines, begun = [], 0
    for after in range(1, len(PYTHONS) + 1):
        version = versions.get(PYTHONS[begun])
        if after < len(PYTHONS) and versions.get(PYTHONS[after]) == version:
            continue
        low = [f"python_version >= '{PYTHONS[begun]}'"] if begun else []
        high = [f"python_version < '{PYTHONS[after]}'"] if after < len(PYTHONS) else []
        if version is not None:
            lines.append(f"{name}=={version}" + (f"; {' and '.join(low + high)}" if low + high else ""))
        begun = after
    return lines


def _applying(requirements: list[str], python: str) -> list[str]:
    """Those whose marker holds for this Python, without it: pip would ask the Python that runs it."""
    chosen = []
    for requirement in map(Requirement, requirements):
        about = {"python_version": python, "python_full_version": f"{python}.0"}
        if requirement.marker is None or requirement.marker.evaluate(about):
            requirement.marker = None
            chosen.append(str(requirement))
    return chosen


def _resolve(python: str, *wanted: str) -> dict:
    """pip's report of what it would install for this Python version. Downloads metadata and installs nothing.

    Where the machine has no such Python, pip foretells one: then it takes the markers of packages for its own Python.
    """
    there = interpreter(python)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        words = ["install", "--dry-run", "--ignore-installed", "--quiet", "--report", str(report)]
        if there is None:
            # "3.11" is 3.11.0, which some packages no longer support.
            words += ["--python-version", python, "--only-binary=:all:", "--target", folder]
        which = [] if there is None else ["--python", str(there)]
        asked = [sys.executable, "-m", "pip", *which, *words, *wanted]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            raise ValueError("pip does not resolve: " + (" ".join(errors[-2:]) or done.stderr[-500:]))
        return json.loads(report.read_text(encoding="utf-8"))

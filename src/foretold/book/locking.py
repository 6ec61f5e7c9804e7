"""Writes and checks `requirements.lock`: exact versions of all that a build needs, resolved by pip from pyproject.toml,
which alone lists dependencies."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from foretold.book.project import Project

PYTHONS = ("3.11", "3.12", "3.13")


def write(project: Project) -> Path:
    """Resolve anew and write the lock. Raises ValueError with pip's own words where nothing resolves."""
    settings = tomllib.loads((project.root / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = list(settings["project"]["dependencies"])
    for extra in settings["project"]["optional-dependencies"].values():
        wanted += extra
    held = settings["tool"]["foretold"]["held-back"]
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder, "constraints.txt")
        constraints.write_text("\n".join(held))
        # For the oldest Python that the book runs on: "3.11" is 3.11.0, which some packages no longer support.
        report = _resolve(PYTHONS[0], "-c", str(constraints), *wanted)
    pins = {}
    for item in report["install"]:
        meta = item["metadata"]
        # A local label ("2.13.0+cpu") names one build of a version; the lock names the version.
        pins[meta["name"].lower().replace("_", "-")] = meta["version"].partition("+")[0]
    head = [
        "# Exact versions for the build, for pip and Python 3.11 or newer.",
        "# Written by `make lock` from pyproject.toml; do not edit.",
        "# Held back, and why:",
        *(f"#   {requirement}: {reason}" for requirement, reason in held.items()),
    ]
    path = project.root / "requirements.lock"
    lines = [f"{name}=={version}" for name, version in sorted(pins.items())]
    path.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8", newline="\n")
    return path


def check(project: Project, python: str) -> str | None:
    """None if the lock resolves for this Python version (``"3.12"``), else what pip says. Downloads metadata and
    installs nothing."""
    try:
        _resolve(python, "-r", str(project.root / "requirements.lock"))
    except ValueError as error:
        return str(error)
    return None


def _resolve(python: str, *wanted: str) -> dict:
    """pip's report of what it would install for this Python version. Downloads metadata and installs nothing."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        words = ["install", "--dry-run", "--ignore-installed", "--quiet", "--report", str(report)]
        words += ["--python-version", python, "--only-binary=:all:", "--target", folder, *wanted]
        done = subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            raise ValueError("pip does not resolve: " + (" ".join(errors[-2:]) or done.stderr[-500:]))
        return json.loads(report.read_text(encoding="utf-8"))

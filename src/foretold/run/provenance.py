"""With what the numbers of a run are made."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from foretold.run import machine

PACKAGE = Path(__file__).parent.parent
REPORTED_PACKAGES = ("foretold", "numpy", "scipy", "pandas", "torch", "pymc", "bambi", "transformers")


def gather(seed: int, seconds: float, sections: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """Device, driver, seed, versions, commit, seconds so far (in all, per section) and peak memory in bytes:
    JSON-ready."""
    return {
        "device": machine.device_name(),
        "device_class": machine.device_class(),
        "driver": machine.driver_version(),
        "loop_seconds": round(machine.loop_seconds(), 2),
        "seed": seed,
        "python": platform.python_version(),
        "versions": package_versions(),
        "commit": commit(),
        "seconds": round(seconds, 2),
        "sections": [{"title": title, "seconds": round(took, 2)} for title, took in sections],
        "peak_memory": machine.peak_memory(),
    }


def in_words(made: Mapping[str, Any], profile: str) -> dict[str, str]:
    """What `gather` returns, as the foot of a chapter says it: texts by their titles."""
    memory = ", ".join(f"{where} {size / 2**30:.2f} GiB" for where, size in made["peak_memory"].items())
    sections = "; ".join(f"{section['title']} {section['seconds']:.1f}" for section in made["sections"])
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    return {
        "profile": f"{profile}, seed {made['seed']}",
        "device": made["device"] + (f", driver {made['driver']}" if made["driver"] else ""),
        "seconds": f"{made['seconds']:.1f} in all; {sections}",
        "speed": f"to count to 20 million in Python takes this processor {made['loop_seconds']:.1f} s",
        "peak memory": memory or "not known on this platform",
        "versions": f"Python {made['python']}; {versions}",
        "commit": made["commit"],
    }


@lru_cache
def package_versions() -> dict[str, str]:
    """Versions of the packages whose numbers could differ between versions, those that are installed."""
    found = {}
    for name in REPORTED_PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@lru_cache
def commit() -> str:
    """The git commit of the foretold that runs: of the clone it lies in (marked where files were changed since), or of
    the address pip installed it from."""
    try:
        return _commit_of_clone()
    except (OSError, subprocess.SubprocessError):
        pass
    try:
        origin = json.loads(importlib.metadata.distribution("foretold").read_text("direct_url.json") or "{}")
        return origin.get("vcs_info", {}).get("commit_id", "")[:12] or "not known (installed from a package)"
    except importlib.metadata.PackageNotFoundError:
        return "not known"


def _commit_of_clone() -> str:
    """Raises OSError where there is no git, and SubprocessError where this package lies in no clone of its own."""

    def git(*words: str) -> str:
        asked = subprocess.run(["git", *words], cwd=PACKAGE, capture_output=True, text=True, timeout=20, check=True)
        return asked.stdout.strip()

    # A clone of some other project may lie around an installed foretold.
    git("ls-files", "--error-unmatch", "__init__.py")
    changed = git("status", "--porcelain", "--", ".", ":/notebooks")  # what can move a number
    return git("rev-parse", "--short=12", "HEAD") + (" with uncommitted changes" if changed else "")

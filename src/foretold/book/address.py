"""The repository's address: `_config.yml` defines it, and bootstrap cells, badges, CITATION.cff and pyproject.toml
repeat it.

`differences` proves that they agree; `change` rewrites them all, for a fork.
"""

from __future__ import annotations

import re
from pathlib import Path

from foretold.book.project import Project

BOOTSTRAP = """\
# On Colab, or in any kernel without foretold (what only has its name has no origin): install it,
# and leave numpy and torch as they are.
import importlib.util

if getattr(importlib.util.find_spec("foretold"), "origin", None) is None:
    import importlib.metadata
    import os
    import pathlib
    import subprocess
    import sys
    import tempfile

    address = "{address}"
    source = os.environ.get("FORETOLD_INSTALL", f"foretold @ git+{{address}}@{branch}")
    kept = [name for name in ("numpy", "torch") if importlib.util.find_spec(name)]
    pins = pathlib.Path(tempfile.mkdtemp(), "constraints.txt")
    pins.write_text("\\n".join(f"{{name}}=={{importlib.metadata.version(name)}}" for name in kept))
    install = [sys.executable, "-m", "pip", "install", "-q", "-c", str(pins), source]
    subprocess.run(install, check=True)
    importlib.invalidate_caches()"""

_FORM = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+")  # where Colab can open a notebook from
# Other files that repeat the address; each must hold it at least once, and no other repository of the same name.
REPEATED_IN = ("CITATION.cff", "README.md", "pyproject.toml")


def of(project: Project) -> str:
    """The repository's address as ``_config.yml`` gives it."""
    return project.config["repository"]["url"].rstrip("/")


def bootstrap(project: Project) -> str:
    """The source of the bootstrap cell that every chapter begins with."""
    return BOOTSTRAP.format(address=of(project), branch=project.config["repository"].get("branch", "main"))


def differences(project: Project) -> list[str]:
    """Where the address, or the bootstrap cell, is not what ``_config.yml`` says: one line each."""
    expected, wrong = bootstrap(project), []
    for name, source in project.notebooks.items():
        if _bootstrap_cell(source.read_text(encoding="utf-8")) != expected:
            wrong.append(f"notebooks/{name}.py: the bootstrap cell is not the book's (foretold address writes it)")
    for name in REPEATED_IN:
        path = project.root / name
        if path.exists() and of(project) not in path.read_text(encoding="utf-8"):
            wrong.append(f"{name} does not hold the repository's address {of(project)}")
    return wrong


def change(project: Project, new: str) -> list[Path]:
    """Make `new` the repository's address everywhere; returns the files written. Raises ValueError if it is no https
    address of a repository."""
    new = new.rstrip("/").removesuffix(".git")
    if not _FORM.fullmatch(new):
        raise ValueError(f"address is {new!r}; allowed is https://github.com/owner/name")
    old, written = of(project), []
    owner, name = old.split("/")[-2:], new.split("/")[-2:]
    for path in [
        project.root / "_config.yml",
        *(project.root / name for name in REPEATED_IN),
        *project.notebooks.values(),
    ]:
        if not path.exists():
            continue
        text = path.read_text(encoding="utf-8")
        # Badges name a repository as owner/name behind another host's address.
        changed = text.replace(old, new).replace("/".join(owner) + "/blob/", "/".join(name) + "/blob/")
        if changed != text:
            path.write_text(changed, encoding="utf-8", newline="\n")
            written.append(path)
    project = Project(project.root, project.output)
    for path in project.notebooks.values():
        text = path.read_text(encoding="utf-8")
        cell = _bootstrap_cell(text)
        if cell is not None and cell != bootstrap(project):
            path.write_text(text.replace(cell, bootstrap(project)), encoding="utf-8", newline="\n")
            written.append(path)
    return sorted(set(written))


def _bootstrap_cell(text: str) -> str | None:
    found = re.search(r'^# %% tags=\["bootstrap", "remove-cell"\]\n(.*?)\n*(?=^# %%|\Z)', text, re.M | re.S)
    return found.group(1) if found else None

"""The repository's address: `_config.yml` defines it, and bootstrap cells, badges, CITATION.cff and pyproject.toml
repeat it. And what stands at that address: which commit a notebook of this version installs, which ones pages open.

`differences` proves that they agree; `change` rewrites them all, for a fork.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from packaging.version import Version

from foretold.book import extras
from foretold.book.project import Project

# A copy of a notebook keeps this cell for ever, while the branch goes on: so the cell asks the branch, at a place that
# never moves, for the commit of its own version. No commit can hold its own hash, so the newest version has none there.
BOOTSTRAP = """\
# On Colab, or in any kernel without foretold (what only has its name has no origin): install the
# foretold that this notebook was written for, with what this chapter needs besides, and leave every
# package that is there already as it is.
import importlib.util

if getattr(importlib.util.find_spec("foretold"), "origin", None) is None:
    import importlib.metadata
    import os
    import pathlib
    import re
    import subprocess
    import sys
    import tempfile
    import tomllib

    address = "{address}"
    branch = "{branch}"
    version = "{version}"
    extras = "{extras}"
    folder = pathlib.Path(tempfile.mkdtemp())

    def output_of(problem, *words):
        done = subprocess.run(words, capture_output=True, encoding="utf-8")
        if done.returncode != 0:
            raise RuntimeError(f"{{problem}}:\\n{{done.stderr}}")
        return done.stdout

    given = os.environ.get("FORETOLD_INSTALL")  # a wheel of foretold, or the folder of a clone
    if given:
        wanted = given + extras
    else:
        # The branch's pyproject.toml names the commits of the versions before its own.
        clone = ["git", "clone", "-q", "--depth=1", "--no-checkout", "--filter=blob:none"]
        unread, tip = f"{{address}} cannot be read. git says", str(folder / "tip")
        output_of(unread, *clone, "-b", branch, address, tip)
        about = tomllib.loads(output_of(unread, "git", "-C", tip, "show", "HEAD:pyproject.toml"))
        commits = {{**about["tool"]["foretold"]["commits"], about["project"]["version"]: branch}}
        newest = f"open the newest notebook: {{address}}/tree/{{branch}}/notebooks"
        if version not in commits:
            raise RuntimeError(f"No foretold {{version}} is known, so {{newest}}")
        if commits[version] == branch:
            print(f"foretold {{version}} is the newest. If something is missing below, {{newest}}")
        wanted = f"foretold{{extras}} @ git+{{address}}@{{commits[version]}}"
    there = {{found.metadata.get("Name") for found in importlib.metadata.distributions()}}
    versions = {{name: importlib.metadata.version(name) for name in there - {{None, "foretold"}}}}
    valid = re.compile(r"[\\d.]+((a|b|rc)\\d+)?(\\.(post|dev)\\d+)*(\\+[\\w.]+)?")  # as pip wants it
    kept = [f"{{name}}=={{v}}" for name, v in versions.items() if valid.fullmatch(v or "")]
    pins = folder / "constraints.txt"
    pins.write_text("\\n".join(kept))
    impossible = (
        f"{{wanted}} cannot be installed beside what is here. Run this cell in a new environment "
        "(on Colab: Runtime, Disconnect and delete runtime). pip says"
    )
    pip = [sys.executable, "-m", "pip", "install", "-q"]
    output_of(impossible, *pip, "-c", str(pins), wanted)
    importlib.invalidate_caches()"""

_FORM = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+")  # where Colab can open a notebook from
# Other files that repeat the address; each must hold it at least once, and no other repository of the same name.
REPEATED_IN = ("CITATION.cff", "README.md", "pyproject.toml")


def of(project: Project) -> str:
    """The repository's address as ``_config.yml`` gives it."""
    return project.config["repository"]["url"].rstrip("/")


def bootstrap(project: Project, needed: Iterable[str] = ()) -> str:
    """The source of the bootstrap cell that a chapter begins with, which needs these extras."""
    asked = ",".join(needed)
    return BOOTSTRAP.format(
        address=of(project),
        branch=_branch(project),
        version=_version(project),
        extras=f"[{asked}]" if asked else "",
    )


def notebooks_at(project: Project) -> str:
    """Where pages open a chapter's notebook: the branch; in a released version the commit that the pages are built
    from, because that notebook installs the release whatever the branch does."""
    if Version(_version(project)).is_devrelease:
        return _branch(project)
    try:
        asked = ["git", "rev-parse", "HEAD"]
        return subprocess.run(asked, cwd=project.root, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):  # no clone
        return _branch(project)


def fill(project: Project) -> list[Path]:
    """Write each chapter's bootstrap cell as address, version and extras want it; returns the files that differed."""
    written = []
    for path in project.notebooks.values():
        text = path.read_text(encoding="utf-8")
        cell = _bootstrap_cell(text)
        if cell is not None and cell != (wanted := bootstrap(project, extras.needed(project, text))):
            path.write_text(text.replace(cell, wanted), encoding="utf-8", newline="\n")
            written.append(path)
    return written


def differences(project: Project) -> list[str]:
    """Where the address, or the bootstrap cell, is not what ``_config.yml``, the version and the chapter's imports say:
    one line each."""
    wrong = []
    for name, source in project.notebooks.items():
        text = source.read_text(encoding="utf-8")
        if _bootstrap_cell(text) != bootstrap(project, extras.needed(project, text)):
            wrong.append(f"notebooks/{name}.py: the bootstrap cell is not the book's (foretold twins writes it)")
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
    written += fill(Project(project.root, project.output))
    return sorted(set(written))


def _branch(project: Project) -> str:
    return project.config["repository"].get("branch", "main")


def _version(project: Project) -> str:
    return project.pyproject.get("project", {}).get("version", "0.dev0")


def _bootstrap_cell(text: str) -> str | None:
    found = re.search(r'^# %% tags=\["bootstrap", "remove-cell"\]\n(.*?)\n*(?=^# %%|\Z)', text, re.M | re.S)
    return found.group(1) if found else None

"""Which extras of pyproject.toml a chapter needs: those that list what its code imports."""

from __future__ import annotations

import re

from packaging.requirements import Requirement

from foretold.book import digest, reader
from foretold.book.project import Project


def needed(project: Project, source: str) -> list[str]:
    """The extras that a chapter's first cell asks for, by its source in py:percent: each lists a package that the
    chapter's code reaches, beyond what every chapter gets, and none is part of another."""
    kinds, imported = of(project), packages(source)
    chosen = [name for name in kinds if imported & own(project, name) - kinds[""]]
    return [name for name in chosen if not any(kinds[name] < kinds[other] for other in chosen)]


def of(project: Project) -> dict[str, set[str]]:
    """What each extra for chapters brings, as names of distributions, those of the extras that it includes too; the
    dependencies of every chapter under ``""``. The extra `all` names the extras for chapters. Empty sets without a
    pyproject.toml."""
    listed = _listed(project)
    kinds = {"": {r.name for r in listed[""]}}
    for name in sorted(extra for r in listed.get("all", []) for extra in r.extras):
        kinds[name], waiting = set(), [name]
        while waiting:
            for requirement in listed[waiting.pop()]:
                waiting += requirement.extras
                kinds[name] |= {requirement.name} - {"foretold"}
    return kinds


def own(project: Project, name: str) -> set[str]:
    """What an extra lists itself."""
    return {requirement.name for requirement in _listed(project)[name]} - {"foretold"}


def packages(source: str) -> set[str]:
    """Names of the distributions that a chapter's code reaches, through any module of foretold too."""
    parts = digest.of(reader.parse(source)).parts
    return {_normal(part.removeprefix("package ")) for part in parts if part.startswith("package ")}


def _listed(project: Project) -> dict[str, list[Requirement]]:
    about = project.pyproject.get("project", {})
    texts = {"": about.get("dependencies", []), **about.get("optional-dependencies", {})}
    listed = {name: [Requirement(text) for text in several] for name, several in texts.items()}
    for requirement in (r for several in listed.values() for r in several):
        requirement.name = _normal(requirement.name)
    return listed


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

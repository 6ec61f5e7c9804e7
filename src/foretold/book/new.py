"""Writes the skeleton of a new chapter: it builds and passes its tests at once, and has the whole anatomy of a
chapter."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from foretold.book import address, twins
from foretold.book.project import Project

TEMPLATES = Path(__file__).parent / "templates" / "chapter"
PAPER, TESTS = "src/foretold/papers/NAME", "tests/NAME"
# Where each template goes. A room is a file of the same name in every paper; theory, data, record and yours come when
# there is something for them.
FILES = {
    "notebooks/NAME.py": "notebook",
    f"{PAPER}/__init__.py": "init",
    f"{PAPER}/__init__.pyi": "stub",
    f"{PAPER}/idea.py": "idea",
    f"{PAPER}/experiment.py": "experiment",
    f"{PAPER}/measures.py": "measures",
    f"{PAPER}/draw.py": "draw",
    f"{PAPER}/browser.js": "browser",
    f"{PAPER}/claims.yml": "claims",
    f"{TESTS}/test_idea.py": "test_idea",
    f"{TESTS}/test_experiment.py": "test_experiment",
    f"{TESTS}/test_measures.py": "test_measures",
    f"{TESTS}/test_draw.py": "test_draw",
}


def chapter(project: Project, name: str, part: str | None = None) -> list[Path]:
    """Write notebook, twin, rooms and tests of a chapter and name it in ``_toc.yml``; returns the files.

    `part` is (the beginning of) a caption of ``_toc.yml``, by default that of the last part that holds chapters; a new
    caption that begins with a Roman number, as ``II. Predicting training``, makes a new part. Raises ValueError for a
    name that is no lower-case identifier or exists, and for an unknown part.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise ValueError(f"name is {name!r}; allowed is a Python identifier in small letters")
    files = {project.root / path.replace("NAME", name): template for path, template in FILES.items()}
    for path in files:
        if path.exists():
            there = path.relative_to(project.root)
            raise ValueError(f"name is {name!r}, but {there} exists; allowed is a name that no chapter has")
    toc = _with_chapter(project, name, part)
    filled = {"name": name, "Title": name.replace("_", " ").capitalize(), "bootstrap": address.bootstrap(project)}
    for path, template in files.items():
        text = (TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")
        for word, value in filled.items():
            text = text.replace(f"@{word}@", value)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    (project.root / "_toc.yml").write_text(toc, encoding="utf-8", newline="\n")
    # Writing the twins also gives the bootstrap cell the extras that the chapter needs.
    written = twins.write(Project(project.root, project.output))
    return [*files, project.root / "_toc.yml", *(path for path in written if path not in files)]


def _with_chapter(project: Project, name: str, part: str | None) -> str:
    """``_toc.yml`` with one more chapter. Lines are inserted, not re-written from the parsed form, so that its comments
    stay."""
    lines = (project.root / "_toc.yml").read_text(encoding="utf-8").splitlines()
    captions = {i: line.split("caption:", 1)[1].strip() for i, line in enumerate(lines) if "caption:" in line}
    ends = dict(zip(captions, [*list(captions)[1:], len(lines)], strict=True))
    held = [i for i in captions if any("notebooks/" in line for line in lines[i : ends[i]])]
    end = ends[held[-1] if held else list(captions)[-1]]
    added = [f"      - file: notebooks/{name}"]
    if part is not None:
        fitting = [i for i, caption in captions.items() if caption.startswith(part)]
        if len(fitting) == 1:
            end = ends[fitting[0]]
        elif not fitting and re.fullmatch(r"[IVX]+\. \S.*", part):
            added = [f"  - caption: {part}", "    chapters:", *added]  # after the last part that holds chapters
        else:
            known = "; ".join(captions.values())
            raise ValueError(
                f"part is {part!r}; allowed is the beginning of one of: {known}; or a new one, as 'VI. Title'"
            )
    return "\n".join([*lines[:end], *added, *lines[end:]]) + "\n"

"""Where a book's files are: the one place that knows the layout of a checkout."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from foretold import yaml_files
from foretold.claims import one_of


@dataclass(frozen=True)
class Project:
    """A checkout of the book. `root` is the folder with ``_config.yml``; `output` the folder that holds ``html`` and
    the executed chapters."""

    root: Path
    output: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Project:
        """The book around `start` (default: the current folder). Raises ValueError where there is none."""
        start = (start or Path.cwd()).resolve()
        for folder in (start, *start.parents):
            if (folder / "_config.yml").is_file() and (folder / "_toc.yml").is_file():
                return cls(folder, folder / "_build")
        raise ValueError(
            f"folder {str(start)!r} is not inside a book; allowed is a folder with _config.yml and _toc.yml"
        )

    @property
    def store_folder(self) -> Path:
        """Where executed chapters are kept, beside ``html``: see `foretold.book.store`."""
        return self.output / ".executed"

    @property
    def recorded_folder(self) -> Path:
        """Results that were measured on a named device, as JSON."""
        return self.root / "book" / "recorded"

    @property
    def released(self) -> Path:
        """The verdicts of the last release, as JSON."""
        return self.root / "book" / "released.json"

    @cached_property
    def notebooks(self) -> dict[str, Path]:
        """The chapters' sources by name, in the reading order of ``_toc.yml``; those that it does not name follow."""
        found = {path.stem: path for path in sorted((self.root / "notebooks").glob("*.py"))}
        named = [Path(page).stem for page in self.pages if Path(page).parts[0] == "notebooks"]
        order = [name for name in named if name in found]
        return {name: found[name] for name in [*order, *(name for name in found if name not in order)]}

    @cached_property
    def pages(self) -> list[str]:
        """All pages that ``_toc.yml`` names, in reading order, as paths without suffix."""

        def walk(node: Any) -> list[str]:
            if isinstance(node, list):
                return [page for item in node for page in walk(item)]
            if not isinstance(node, dict):
                return []
            here = [node[key] for key in ("root", "file") if key in node]
            return here + [page for key in ("parts", "chapters", "sections") for page in walk(node.get(key, []))]

        toc = yaml_files.read(self.root / "_toc.yml")
        return [page.removesuffix(".py").removesuffix(".md") for page in walk(toc)]

    @cached_property
    def config(self) -> dict[str, Any]:
        """``_config.yml`` as it stands."""
        return yaml_files.read(self.root / "_config.yml")

    @cached_property
    def pyproject(self) -> dict[str, Any]:
        """``pyproject.toml`` as it stands; empty for a book without one."""
        path = self.root / "pyproject.toml"
        return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def choose(self, names: list[str] | None) -> dict[str, Path]:
        """The chapters of these names, or all for None. Raises ValueError for an unknown one, with the nearest name."""
        for name in names or []:
            one_of("chapter", name, list(self.notebooks))
        return {name: path for name, path in self.notebooks.items() if names is None or name in names}

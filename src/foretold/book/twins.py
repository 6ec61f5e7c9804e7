"""The committed `.ipynb` twins of the chapters: generated from the `.py` sources, never the other way, without outputs,
the same bytes every time. The one cell that is generated in the sources too is the bootstrap cell."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from foretold.book import address, reader
from foretold.book.project import Project


def render(source: Path) -> str:
    """The twin's text. Cell ids come from the cells' content, because random ones would change the file for nothing."""
    notebook = reader.parse(source.read_text(encoding="utf-8"))
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        key = f"{cell.cell_type}\0{cell.source}"
        seen[key] = seen.get(key, 0) + 1
        cell["id"] = hashlib.sha256(f"{key}\0{seen[key]}".encode()).hexdigest()[:12]
        cell.metadata.pop("lines_to_next_cell", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def write(project: Project) -> list[Path]:
    """Write every bootstrap cell and every twin that differs; returns those written. Twins without a source are
    removed."""
    changed = address.fill(project)
    for source in project.notebooks.values():
        twin, text = source.with_suffix(".ipynb"), render(source)
        if not twin.exists() or twin.read_text(encoding="utf-8") != text:
            twin.write_text(text, encoding="utf-8", newline="\n")
            changed.append(twin)
    for twin in _orphans(project):
        twin.unlink()
        changed.append(twin)
    return changed


def differences(project: Project) -> list[str]:
    """What is wrong with the twins and with the cells that all chapters share, one line each; empty where all is
    well."""
    wrong = []
    for name, source in project.notebooks.items():
        twin = source.with_suffix(".ipynb")
        if not twin.exists():
            wrong.append(f"notebooks/{name}.ipynb is missing")
        elif twin.read_text(encoding="utf-8") != render(source):
            wrong.append(f"notebooks/{name}.ipynb does not hold what notebooks/{name}.py says")
    wrong += [f"notebooks/{twin.name} has no source" for twin in _orphans(project)]
    return wrong + address.differences(project)


def _orphans(project: Project) -> list[Path]:
    return [
        twin for twin in sorted((project.root / "notebooks").glob("*.ipynb")) if not twin.with_suffix(".py").exists()
    ]

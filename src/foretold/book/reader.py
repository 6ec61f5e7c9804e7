"""Reads a chapter's source, for Sphinx and for the execute stage alike.

Both must see the very same code cells, metadata and kernel, or the cache that one fills has no hits for the other.
"""

from __future__ import annotations

import jupytext
from nbformat import NotebookNode

from foretold.book import digest
from foretold.book.digest import Digest

FORMAT = "py:percent"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def parse(text: str) -> NotebookNode:
    """A py:percent source as a notebook, nothing added. The kernel's name is the same whatever the source's header
    says."""
    notebook = jupytext.reads(text, fmt=FORMAT)
    notebook.metadata = {"kernelspec": dict(KERNEL), "language_info": {"name": "python"}}
    return NotebookNode(notebook)


def read(text: str) -> NotebookNode:
    """A py:percent source as a notebook, with the cache digest of all that it depends on in its first code cell's
    metadata.

    ``_config.yml`` names this function in ``nb_custom_formats``.
    """
    return read_with_digest(text)[0]


def read_with_digest(text: str) -> tuple[NotebookNode, Digest]:
    """`read`, and the digest with its parts."""
    notebook = parse(text)
    found = digest.of(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata["foretold"] = {"digest": found.cache}
            break
    return notebook, found


def digest_in(notebook: NotebookNode) -> str | None:
    """The cache digest that `read` put into a notebook."""
    return next((c.metadata["foretold"]["digest"] for c in notebook.cells if "foretold" in c.metadata), None)

"""Reads a chapter's source, for Sphinx and for the execute stage alike."""

from __future__ import annotations

from collections.abc import Callable

import jupytext
from nbformat import NotebookNode

FORMAT = "py:percent"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}

# What makes the notebook that Sphinx is to show, by the source's text. The build fills it before pages are read.
pages: dict[str, Callable[[], NotebookNode]] = {}


def parse(text: str) -> NotebookNode:
    """A py:percent source as a notebook, nothing added. The kernel's name is the same whatever the source's header
    says."""
    notebook = jupytext.reads(text, fmt=FORMAT)
    notebook.metadata = {"kernelspec": dict(KERNEL), "language_info": {"name": "python"}}
    return NotebookNode(notebook)


def read(text: str) -> NotebookNode:
    """A py:percent source for MyST-NB, whose own execution is off: with its outputs where the build has executed it.

    ``_config.yml`` names this function in ``nb_custom_formats``.
    """
    return pages[text]() if text in pages else parse(text)


def with_outputs(source: NotebookNode, executed: NotebookNode) -> NotebookNode | None:
    """The prose of `source` with the outputs of an execution of the same code cells; None if the code is another."""
    code = [cell for cell in source.cells if cell.cell_type == "code"]
    ran = [cell for cell in executed.cells if cell.cell_type == "code"]
    if [cell.source for cell in code] != [cell.source for cell in ran]:
        return None
    answers = iter(ran)
    filled = NotebookNode({**executed, "cells": []})
    for cell in source.cells:
        outputs = {"outputs": next(answers).outputs} if cell.cell_type == "code" else {}
        filled.cells.append(NotebookNode({**cell, **outputs}))
    return filled

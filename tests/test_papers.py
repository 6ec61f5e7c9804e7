"""What a paper's package gives to a reader, and how notebooks name its rooms."""

import ast
import importlib
import subprocess
import sys

import pytest
from conftest import ROOT

PAPERS = sorted(path.parent.name for path in (ROOT / "src/foretold/papers").glob("*/__init__.pyi"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))


@pytest.mark.parametrize("paper", PAPERS)
def test_every_public_name_of_a_paper_is_there_and_documented(paper):
    package = importlib.import_module(f"foretold.papers.{paper}")
    assert package.__all__, paper
    for name in package.__all__:
        thing = getattr(package, name)
        assert not callable(thing) or (thing.__doc__ or "").strip(), f"{paper}.{name} has no docstring"
    assert set(package.__all__) <= set(dir(package))


def test_importing_every_paper_loads_none_of_their_libraries():
    packages = ", ".join(f"foretold.papers.{paper}" for paper in PAPERS)
    heavy = "{'torch', 'pandas', 'scipy', 'numba', 'matplotlib', 'transformers', 'sklearn', 'pymc'}"
    code = f"import sys, {packages}; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_public_name_loads_its_room_and_no_other():
    code = (
        "import sys\nfrom foretold.papers import coins\nbefore = 'foretold.papers.coins.idea' in sys.modules\n"
        "coins.posterior\nrooms = [name for name in sys.modules if name.startswith('foretold.papers.coins.')]\n"
        "print(before, sorted(rooms))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False ['foretold.papers.coins.idea', 'foretold.papers.coins.theory']"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_calls_rooms_by_their_names(notebook):
    renamed = [
        f"line {node.lineno}: {alias.name} as {alias.asname}"
        for node in ast.walk(ast.parse(notebook.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if alias.asname and (getattr(node, "module", None) or alias.name).split(".")[0] == "foretold"
    ]
    assert renamed == []

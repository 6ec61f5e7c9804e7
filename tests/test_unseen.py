"""Whatever a chapter reaches, its digest sees; the forms that would hide something are found with file and line."""

import pytest
from conftest import ROOT

from foretold import data
from foretold.book import rooms, unseen
from foretold.book.project import Project


def test_this_book_hides_nothing():
    assert unseen.problems(Project.find(ROOT)) == []


@pytest.fixture
def found(tmp_path, monkeypatch):
    """A function that writes a file of a small book, and returns what is wrong with it."""
    package = tmp_path / "src/foretold"
    monkeypatch.setattr(rooms, "PACKAGE", package)
    monkeypatch.setattr(data, "tables", lambda: {"heights": package / "papers/a/tables/heights.csv"})
    monkeypatch.setattr(data, "registry", lambda: {"corpus": {}})
    for path in (
        "_config.yml",
        "_toc.yml",
        "notebooks/numbers.csv",
        "src/foretold/figures.py",
        "src/foretold/scripts.js",
        "src/foretold/papers/a/tables/heights.csv",
        "src/foretold/papers/a/__init__.py",
        "src/foretold/papers/a/draw.py",
        "src/foretold/papers/a/beside.js",
        "src/foretold/helper.py",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()

    def problems(path, text):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
        return unseen.problems(Project(tmp_path, tmp_path / "_build"))

    return problems


ANYWHERE = {
    "a dynamic import": 'import importlib\nx = importlib.import_module("foretold.papers.a")',
    "one under another name": "import importlib as i\nx = i.import_module(name)",
    "its function": "x = 1\nfrom importlib import import_module as load",
    "the built-in one": 'x = 1\na = __import__("foretold.papers.a")',
    "code from a text": "x = 1\nexec(text)",
    "a file as a module": "import runpy\nrunpy.run_path(path)",
    "a star import": "x = 1\nfrom foretold.papers.a import *",
    "the folder of tables": "from foretold import data\ndata.papers_path() / name",
    "the path of a table": 'from foretold import data\nx = data.table_path("heights")',
    "a table of a computed name": "from foretold import data\ndata.table(name)",
    "a table that is not there": 'from foretold import data\ndata.table("weights")',
    "a data set that is not there": 'from foretold import data\nx = data.available("nothing")',
    "a table of a half computed name": 'from foretold.data import table\ntable(f"{name}")',
    "an alias": "from foretold import data\nread = data.table",
    "an alias of a function": "from foretold.data import fetch\nread = fetch",
    "a partial": 'from foretold import data\npartial(data.table, "heights")',
    "a map": 'from foretold import data\nlist(map(data.fetch, ["a", "b"]))',
    "a default argument": "from foretold import data\ndef load(fetch=data.fetch): return 1",
    "the module under another name": "from foretold import data\nd = data",
    "the module in a call": 'from foretold import data\ngetattr(data, "table")',
    "the package's own place": "import foretold\nx = foretold.__file__",
    "a table by its file's name": 'x = 1\npd.read_csv(folder / "heights.csv")',
    "a file of the book by its path": 'x = 1\npath = "../notebooks/numbers.csv"',
    "the claims of a chapter": 'from foretold import claims\nclaims.load("a")',
}


@pytest.mark.parametrize("form", ANYWHERE)
@pytest.mark.parametrize("path", ["notebooks/a.py", "src/foretold/papers/a/experiment.py"])
def test_what_hides_something_is_found_with_its_line(found, form, path):
    problems = found(path, ANYWHERE[form])
    assert [problem.partition(": ")[0] for problem in problems] == [f"{path}:2"], problems


MODULES = {
    "its own place": "from pathlib import Path\nx = Path(__file__).parent",
    "a file that is not there": 'from pathlib import Path\nx = Path(__file__).with_name("gone.js")',
    "a package that loads what no stub names": "import lazy_loader\nlazy_loader.attach(__name__, ['a'])",
    "what numba keeps, with another module": "from foretold import helper as h\n@njit(cache=True)\ndef f(): h",
    "a drawing in a module of numbers": "x = 1\nfrom foretold.papers.a import draw",
}


@pytest.mark.parametrize("form", MODULES)
def test_what_a_module_may_not_do_is_found_with_its_line(found, form):
    problems = found("src/foretold/papers/a/experiment.py", MODULES[form])
    line = 3 if "njit" in MODULES[form] else 2
    assert [problem.partition(": ")[0] for problem in problems] == [f"src/foretold/papers/a/experiment.py:{line}"], (
        problems
    )


COMPILED = {
    "through a constant": "from foretold.helper import X\nY = 2 * X\n@njit(cache=True)\ndef f(): return Y",
    "through a function": "from foretold.helper import g\ndef h(): return g()\n@jit(cache=True)\ndef f(): return h()",
    "a relative import": "from ...helper import X\n\n@jit(nopython=True, cache=True)\ndef f(): return X",
}


@pytest.mark.parametrize("way", COMPILED)
def test_what_numba_keeps_takes_nothing_from_another_module(found, way):
    assert "f is compiled and kept" in found("src/foretold/papers/a/experiment.py", COMPILED[way])[0]


NOTEBOOKS = {
    "a chapter of a computed name": "import foretold\nrun = foretold.start(name)",
    "source shown in another way": "import inspect\nprint(inspect.getsource(a.law))",
    "showing under another name": "x = 1\ndisplay = run.show",
    "a number of a drawing": "from foretold.papers.a import draw\nrun.claim('x', draw.law(3))",
    "a number that a drawing uses too": "from foretold.papers.a import draw as d; x = d.law()\nrun.claim('x', x)",
    "a drawing that uses up random numbers": "rng = run.rng('s')\nfigures.show(draw(rng))",
    "a drawing that names something": "x = 1\nfigures.show(draw(y := 3))",
}


@pytest.mark.parametrize("form", NOTEBOOKS)
def test_what_a_notebook_may_not_do_is_found_with_its_line(found, form):
    problems = found("notebooks/a.py", NOTEBOOKS[form])
    assert [problem.partition(": ")[0] for problem in problems] == ["notebooks/a.py:2"], problems


FINE = {
    "notebooks/a.py": [
        'import foretold\nfrom foretold import data\nrun = foretold.start("a")\nx = data.table("heights")',
        "from foretold.papers.a import draw as d\nx = d.data()\nfigures.interactive(d.curve(x), alt='')",
        "figures.show(draw(run.rng('band')), alt='')",
        "model.eval()",
        "import importlib.util\nimportlib.util.find_spec('torch')",
        'name = "weights.csv"  # of nobody',
    ],
    "src/foretold/papers/a/experiment.py": [
        'from pathlib import Path\nx = Path(__file__).with_name("beside.js").read_text()',
        "X = 2\n@njit(cache=True)\ndef f(): return X",
        "from foretold.helper import X\n@njit\ndef f(): return X",
        'from foretold import data\ndata.fetch("corpus")',
        "from foretold import data\nfor name in NAMES: data.fetch(name)",
        "def data(rows): return rows\ndata(3)",
        "import pandas as pd\nimport gzip\npd.read_csv(path)\ngzip.open(path)",
    ],
    "src/foretold/papers/a/draw/curves.py": ["x = Path(__file__).parent.with_name('beside.js')"],
    "src/foretold/papers/a/draw.py": ["from foretold import figures\nx = figures.COLOURS"],
    "src/foretold/data.py": ["from pathlib import Path\nx = Path(__file__).with_name('tables')"],
}


@pytest.mark.parametrize(("path", "text"), [(path, text) for path, texts in FINE.items() for text in texts])
def test_what_hides_nothing_is_let_be(found, path, text):
    assert found(path, text) == []

"""The environments of others: extras that hold what chapters import, a first cell that keeps what is there, and the
wheel installed without the lock into environments that had nothing."""

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
from conftest import ROOT
from environments import (
    TORCH,
    asked_by,
    build_wheel,
    create,
    execute,
    measured,
    pip,
    run,
    some_of_each_kind,
    twin,
    versions,
)  # fmt: skip

from foretold import claims
from foretold.book import address, extras, locking
from foretold.book.project import Project

BOOK = Project.find(ROOT)
CHAPTERS = sorted(BOOK.notebooks)
KINDS = extras.of(BOOK)


@pytest.fixture(scope="module")
def imported():
    """What each chapter imports, by the digest."""
    return {name: extras.packages(path.read_text(encoding="utf-8")) for name, path in BOOK.notebooks.items()}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_first_cell_asks_for_all_that_the_chapter_imports(chapter, imported):
    assert imported[chapter] <= KINDS[""].union(*(KINDS[name] for name in asked_by(chapter)))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_first_cell_asks_for_no_extra_that_the_chapter_can_do_without(chapter, imported):
    asked = asked_by(chapter)
    for name in asked:
        others = KINDS[""].union(*(KINDS[other] for other in asked if other != name))
        assert imported[chapter] & KINDS[name] - others, name


def test_the_chapters_that_run_in_every_environment_need_all_that_any_chapter_needs():
    chosen = some_of_each_kind(CHAPTERS)
    assert "coins" in chosen
    assert {kind for name in chosen for kind in asked_by(name)} == {
        kind for name in CHAPTERS for kind in asked_by(name)
    }
    assert len(chosen) <= 6


def test_there_is_an_extra_for_each_kind_of_chapter_and_one_for_all_of_them():
    assert set(KINDS) == {"", "torch", "lm", "bayes", "numba", "peft", "yours", "models"}


def test_nothing_is_asked_for_that_no_chapter_imports(imported):
    """But for two that pandas and transformers import for us, when they read a file of that kind."""
    wanted = set().union(*KINDS.values())
    assert wanted - set().union(*imported.values()) == {"openpyxl", "gguf"}


def test_a_small_book_without_a_pyproject_needs_no_extra(tmp_path):
    assert extras.needed(Project(tmp_path, tmp_path), "# %%\nimport torch\n") == []


def test_an_extra_within_another_is_not_asked_for_twice():
    assert extras.needed(BOOK, "# %%\nimport torch, transformers\n") == ["lm"]


def test_a_chapter_s_new_import_is_a_difference_until_the_twins_are_written(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    (tmp_path / "_config.yml").write_text(f"repository: {{url: '{address.of(BOOK)}'}}\n")
    source = tmp_path / "notebooks/a.py"
    cell = f'# %% tags=["bootstrap", "remove-cell"]\n{address.bootstrap(BOOK)}\n\n# %%\nimport numba\n'
    source.write_text(cell)
    project = Project(tmp_path, tmp_path)
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: notebooks/a\n")
    assert "the bootstrap cell is not the book's" in address.differences(project)[0]
    assert address.fill(project) == [source]
    assert 'extras = "[numba]"' in source.read_text()
    assert address.fill(project) == []
    assert not [line for line in address.differences(project) if "bootstrap" in line]


# --- the first cell


class Kernel:
    """Runs the first cell as a kernel without foretold would, beside distributions that we name."""

    def __init__(self, monkeypatch, there):
        self.asked, self.pins, self.done = None, None, SimpleNamespace(returncode=0, stdout="", stderr="")
        found = [SimpleNamespace(metadata={"Name": name} if name else {}) for name, _ in there]
        versions = dict(reversed(there))  # of two distributions of one name, Python imports the first
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        monkeypatch.setattr("importlib.metadata.distributions", lambda: found)
        monkeypatch.setattr("importlib.metadata.version", versions.__getitem__)
        monkeypatch.setattr("subprocess.run", self.run)

    def run(self, words, **_):
        if words[0] == "git":
            return SimpleNamespace(returncode=0, stdout=(ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        self.asked = words
        with open(words[words.index("-c") + 1], encoding="utf-8") as pins:
            self.pins = sorted(pins.read().split("\n"))
        return self.done

    def first_cell(self):
        exec(compile(address.bootstrap(BOOK, ["bayes", "torch"]), "first cell", "exec"), {})


THERE = [
    ("numpy", "2.1.3"),
    ("torch", "2.11.0+cu128"),
    ("typing_extensions", "4.16.0"),
    ("numpy", "1.26.0"),  # a second copy, further down the path
    ("pytz", "2025.2.post1"),
    ("scikit-learn", "1.9.0rc1"),
    ("gpg", "1.16.0-unknown"),  # Debian has such versions, and pip stops at them
    ("interrupted", None),
    (None, None),  # a folder without metadata
    ("foretold", "0.0.1"),  # what is left of it does not hinder the new one
]


def test_the_first_cell_keeps_every_package_that_is_there(monkeypatch):
    monkeypatch.delenv("FORETOLD_INSTALL", raising=False)
    kernel = Kernel(monkeypatch, THERE)
    kernel.first_cell()
    assert kernel.pins == [
        "numpy==2.1.3",
        "pytz==2025.2.post1",
        "scikit-learn==1.9.0rc1",
        "torch==2.11.0+cu128",
        "typing_extensions==4.16.0",
    ]
    assert list(kernel.asked[:4]) == [sys.executable, "-m", "pip", "install"]
    assert kernel.asked[-1] == f"foretold[bayes,torch] @ git+{address.of(BOOK)}@main"


def test_the_first_cell_installs_a_wheel_of_your_own_with_the_same_extras(monkeypatch):
    monkeypatch.setenv("FORETOLD_INSTALL", "/tmp/foretold-1-py3-none-any.whl")
    kernel = Kernel(monkeypatch, [])
    kernel.first_cell()
    assert kernel.asked[-1] == "/tmp/foretold-1-py3-none-any.whl[bayes,torch]"


def test_where_pip_finds_no_way_the_first_cell_says_what_to_do(monkeypatch):
    kernel = Kernel(monkeypatch, THERE)
    kernel.done = SimpleNamespace(returncode=1, stderr="ERROR: ResolutionImpossible")
    with pytest.raises(RuntimeError, match=r"(?s)Run this cell in a new environment .*pip says:\nERROR: Resolution"):
        kernel.first_cell()


def test_pip_reads_the_pins_of_what_is_installed_here(monkeypatch, tmp_path):
    """Nothing is left out on this machine, and pip would change nothing."""
    monkeypatch.setenv("FORETOLD_INSTALL", "a wheel")
    there = {found.metadata["Name"] for found in importlib.metadata.distributions()} - {"foretold"}
    spec, ask = importlib.util.find_spec, subprocess.run
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "foretold" else spec(name))
    pins = tmp_path / "constraints.txt"

    def keep(words, **_):
        shutil.copyfile(words[words.index("-c") + 1], pins)
        return SimpleNamespace(returncode=0, stdout="")

    monkeypatch.setattr("subprocess.run", keep)
    exec(compile(address.bootstrap(BOOK), "first cell", "exec"), {})
    assert {line.split("==")[0] for line in pins.read_text().splitlines()} == there
    asked = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--dry-run",
        "-q",
        "--report",
        "-",
        "-c",
        str(pins),
        "numpy",
        "torch",
    ]
    assert json.loads(ask(asked, capture_output=True, text=True, check=True).stdout)["install"] == []


# --- the lock


def test_a_version_that_every_python_has_is_one_line_of_the_lock():
    assert locking._lines("a", {"3.11": "1", "3.12": "1", "3.13": "1"}) == ["a==1"]


def test_versions_that_differ_are_lines_with_markers_of_which_one_holds():
    lines = locking._lines("a", {"3.11": "1", "3.12": "2", "3.13": "3"})
    assert lines == [
        "a==1; python_version < '3.12'",
        "a==2; python_version >= '3.12' and python_version < '3.13'",
        "a==3; python_version >= '3.13'",
    ]
    for python, version in (("3.11", "1"), ("3.12", "2"), ("3.13", "3"), ("3.14", "3")):
        assert locking._applying(lines, python) == [f"a=={version}"]


def test_a_package_that_only_newer_pythons_need_has_no_line_for_the_older():
    lines = locking._lines("a", {"3.12": "2", "3.13": "2"})
    assert lines == ["a==2; python_version >= '3.12'"]
    assert locking._applying(lines, "3.11") == []


def test_the_interpreter_of_a_version_is_of_that_version():
    this = "{}.{}".format(*sys.version_info)
    assert str(locking.interpreter(this)) == sys.executable
    assert locking.interpreter("2.1") is None


# --- the wheel without the lock, in environments that had nothing

IMPORT = """
import importlib, json, pkgutil, re, sys
from importlib.metadata import packages_distributions
import foretold

def normal(name):
    return re.sub("[-_.]+", "-", name).lower()

for package, names in sorted(packages_distributions().items()):
    if package.isidentifier() and package[0] != "_" and {normal(name) for name in names} & set(sys.argv[1:]):
        importlib.import_module(package)
done, missing = [], {}
for module in pkgutil.walk_packages(foretold.__path__, "foretold."):
    if module.name.endswith("__main__"):
        continue
    try:
        importlib.import_module(module.name)
        done.append(module.name)
    except ModuleNotFoundError as error:
        missing[module.name] = error.name
print(json.dumps([done, missing]))
"""

LOOPS = """
import numpy as np
from foretold.papers.paging.idea import policies
print(policies.lru(np.tile(np.arange(3, dtype=np.int32), 3), 3, 2).sum())
"""

NO_TORCH = "NOT TESTED on Python {}: pip has no torch for it here but the one with gigabytes of CUDA"


class Bare:
    """Environments with nothing but the wheel and what pip picks for it, one for each Python, made when asked for."""

    def __init__(self, folder):
        self.folder, self.wheel, self.made = folder, build_wheel(folder), {}

    def __call__(self, python):
        """(its Python, the extras that it has)"""
        if python not in self.made:
            interpreter = locking.interpreter(python)
            if interpreter is None:
                pytest.skip(f"NOT TESTED on Python {python}, which this machine lacks")
            kinds = [name for name in KINDS if name and (self.has_torch(interpreter) or "torch" not in KINDS[name])]
            constraint = self.folder / "constraints.txt"
            constraint.write_text(TORCH)
            wanted = f"{self.wheel}[{','.join([*kinds, 'book'])}]"
            self.made[python] = create(self.folder / python, interpreter, "-c", constraint, wanted), kinds
        return self.made[python]

    @staticmethod
    def has_torch(interpreter):
        """Whether pip has a build of torch for it that brings no CUDA."""
        words = ["install", "--dry-run", "--ignore-installed", "--no-deps", "-q", "--report", "-", TORCH]
        about = json.loads(pip(interpreter, *words))["install"][0]["metadata"]
        return not any(requirement.startswith("nvidia") for requirement in about["requires_dist"])


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    return Bare(tmp_path_factory.mktemp("bare"))


@pytest.mark.slow
@pytest.mark.parametrize("python", locking.PYTHONS)
def test_the_wheel_and_all_that_it_asks_for_can_be_imported_without_the_lock(python, bare, tmp_path):
    environment, kinds = bare(python)
    names = KINDS[""].union(*(KINDS[name] for name in kinds))
    done, missing = json.loads(run(environment, tmp_path, "-c", IMPORT, *names).splitlines()[-1])
    assert {"foretold.papers.coins", "foretold.papers.paging.idea.policies", "foretold.book.sphinx_ext"} <= set(done)
    if "torch" in kinds:
        assert missing == {}
    else:
        assert {name.partition(".")[0] for name in missing.values()} <= {"torch", "sklearn", "tokenizers"}


@pytest.mark.slow
@pytest.mark.parametrize("python", locking.PYTHONS)
def test_pip_picks_the_newest_majors_that_the_python_has(python, bare, tmp_path):
    found = {name.lower(): version for name, version in versions(bare(python)[0], tmp_path).items()}
    majors = {name: int(found[name].split(".")[0]) for name in ("pymc", "arviz")}
    if python == "3.11":
        assert majors == {"pymc": 5, "arviz": 0}
        assert found["matplotlib"].startswith("3.10.")
    else:
        assert majors["pymc"] >= 6
        assert majors["arviz"] >= 1
        assert not found["matplotlib"].startswith("3.10.")


@pytest.mark.slow
@pytest.mark.parametrize("chapter", ["coins", "pruning", "paging"])  # PyMC and Bambi; torch; numba
@pytest.mark.parametrize("python", locking.PYTHONS)
def test_a_chapter_runs_without_the_lock(python, chapter, bare, tmp_path):
    environment, kinds = bare(python)
    if "torch" not in kinds:
        pytest.skip(NO_TORCH.format(python))
    assert measured(execute(environment, twin(chapter), tmp_path)) == list(claims.load(chapter).claims)


@pytest.mark.slow
def test_the_samplers_of_the_coin_chapter_agree_with_its_quadrature_at_the_newest_majors(bare, tmp_path):
    """PyMC 6, ArviZ 1 and a Bambi that fits them, on the newest Python. The cells run up to the first torch."""
    environment, _ = bare(locking.PYTHONS[-1])
    notebook = json.loads(twin("coins").read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in notebook["cells"]]
    first = next(i for i, source in enumerate(sources) if source.startswith("import torch"))
    notebook["cells"] = notebook["cells"][:first]
    (tmp_path / "begun.ipynb").write_text(json.dumps(notebook))
    executed = execute(environment, tmp_path / "begun.ipynb", tmp_path)
    printed = "".join(
        "".join(o["text"])
        for cell in executed["cells"]
        for o in cell.get("outputs", [])
        if o["output_type"] == "stream"
    )
    rows = re.findall(r"^(quadrature|PyMC, centred|Bambi, non-centred) +([\d.]+) +([\d.]+) +([\d.]+) ", printed, re.M)
    assert len(rows) == 3
    exact, *sampled = [[float(x) for x in row[1:]] for row in rows]
    for mean, low, high in sampled:
        assert mean == pytest.approx(exact[0], abs=1e-3)
        assert (low, high) == pytest.approx(exact[1:], abs=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("python", locking.PYTHONS)
def test_compiled_loops_run_without_the_lock(python, bare, tmp_path):
    """Three pages in turn through a cache of two: the least recently used is always the one that comes next."""
    assert run(bare(python)[0], tmp_path, "-c", LOOPS).split() == ["9"]

"""A chapter as a Colab user runs it: Colab's versions, no foretold, an empty folder, the notebook alone."""

import json
import re

import pytest
from conftest import ROOT
from environments import TORCH, build_wheel, create, execute, measured, pip, some_of_each_kind, twin, versions

from foretold import claims
from foretold.book import locking
from foretold.book.project import Project

pytestmark = pytest.mark.slow

LIST = ROOT / "tests/colab.txt"
PYTHON = re.search(r"moved Colab to Python ([\d.]+)\.", LIST.read_text(encoding="utf-8"))[1]


def pins():
    """Version by name, as Colab has them."""
    return dict(re.findall(r"^([\w.-]+)==([^;\s]+)", LIST.read_text(encoding="utf-8"), re.M))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """An environment of the oldest Python with all of Colab's versions that there are for it, and pip. Its torch is
    ours, with the setuptools that it needs."""
    folder = tmp_path_factory.mktemp("colab")
    listed = folder / "listed.txt"
    others = re.sub(r"^(torch|setuptools)==.*\n", "", LIST.read_text(encoding="utf-8"), flags=re.M)
    listed.write_text(f"{others}{TORCH}\n")
    interpreter = locking.interpreter(locking.PYTHONS[0])
    return create(folder / "venv", interpreter, "-r", listed, "pip")


@pytest.mark.parametrize("chapter", some_of_each_kind(Project.find(ROOT).notebooks))
def test_the_notebook_alone_installs_foretold_replaces_nothing_and_runs(chapter, colab, wheel, tmp_path):
    pip(colab, "uninstall", "-y", "-q", "foretold")
    # What numba compiled for the chapter before stays behind, in a folder of that name.
    before = versions(colab, tmp_path)
    assert before["foretold"] is None
    notebook = execute(colab, twin(chapter), tmp_path, FORETOLD_INSTALL=str(wheel))
    after = versions(colab, tmp_path)
    assert "site-packages" in after["foretold"]
    assert str(colab.parent.parent) in after["foretold"]
    assert {name: after.get(name) for name in before.keys() - {"foretold"}} == {
        name: version for name, version in before.items() if name != "foretold"
    }
    assert measured(notebook) == list(claims.load(chapter).claims)


def test_colab_s_own_python_and_torch_resolve_with_every_version_kept(wheel, tmp_path):
    """Installs nothing: Colab's torch lies on no index that we may ask for its CPU build."""
    interpreter, report = locking.interpreter(PYTHON), tmp_path / "report.json"
    if interpreter is None:
        pytest.skip(f"NOT RESOLVED for Colab's Python: this machine has no Python {PYTHON}")
    words = ["install", "--dry-run", "--ignore-installed", "-q", "--report", report, "-c", LIST]
    pip(interpreter, *words, f"{wheel}[all]", "ipykernel", "nbclient")
    chosen = {
        re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower(): item["metadata"]["version"].partition("+")[0]
        for item in json.loads(report.read_text())["install"]
    }
    assert {name: chosen.get(name) for name in pins()} == pins()

"""A chapter as a Colab user runs it: an environment that lacks foretold, an empty folder, and the notebook alone."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from conftest import ROOT

from foretold import claims
from foretold.book.project import Project

pytestmark = pytest.mark.slow

EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=280, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""

ABOUT = """
import json, sys
from importlib import metadata, util
found = util.find_spec("foretold")
versions = {name: metadata.version(name) for name in ("numpy", "torch")}
print(json.dumps({"foretold": found and found.origin, **versions}))
"""


def link(source, target):
    """A hard link, so that pip in the copy cannot harm the original; a plain copy where links are not to be had."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """The Python of a virtual environment that has what this one has, but not foretold."""
    folder = tmp_path_factory.mktemp("colab") / "venv"
    venv.create(folder, with_pip=False)
    python = folder / "bin/python"
    ours = Path(sysconfig.get_paths()["purelib"])
    theirs = next(folder.glob("lib/python*/site-packages"))
    for entry in ours.iterdir():
        if "foretold" in entry.name or entry.name == "__pycache__":
            continue
        if entry.is_dir():
            shutil.copytree(entry, theirs / entry.name, copy_function=link, dirs_exist_ok=True)
        else:
            link(entry, theirs / entry.name)
    return python


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The package as a wheel, built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    asked = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(asked, check=True, capture_output=True)
    return next(folder.glob("foretold-*.whl"))


def ask(python, cwd):
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([python, "-c", ABOUT], cwd=cwd, env=clean, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("chapter", sorted(Project.find(ROOT).notebooks))
def test_the_notebook_alone_installs_foretold_and_runs(chapter, bare, wheel, tmp_path):
    empty = tmp_path / "content"
    empty.mkdir()
    before = ask(bare, empty)
    subprocess.run(
        [bare, "-m", "pip", "uninstall", "-y", "-q", "foretold"], cwd=empty, check=False, capture_output=True
    )
    # What numba compiled for the chapter before stays behind, in a folder of that name.
    assert ask(bare, empty)["foretold"] is None
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment |= {
        "FORETOLD_INSTALL": str(wheel),
        "FORETOLD_PROFILE": "smoke",
        "JUPYTER_PATH": "",
        "OMP_NUM_THREADS": "1",
    }
    twin, executed = ROOT / f"notebooks/{chapter}.ipynb", tmp_path / "executed.ipynb"
    done = subprocess.run(
        [bare, "-c", EXECUTE, twin, executed], cwd=empty, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    after = ask(bare, empty)
    assert "site-packages" in after["foretold"]
    assert str(bare.parent.parent) in after["foretold"]
    assert (after["numpy"], after["torch"]) == (before["numpy"], before["torch"])
    bundles = [
        output["data"][claims.MIME]
        for cell in json.loads(executed.read_text())["cells"]
        for output in cell.get("outputs", [])
        if claims.MIME in output.get("data", {})
    ]
    assert [c["id"] for c in bundles[0]["claims"]] == list(claims.load(chapter).claims)
    assert list(empty.iterdir()) == []

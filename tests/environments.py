"""What the tests of other people's environments share: a wheel, virtual environments, a notebook that runs in one."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from conftest import ROOT

from foretold import claims

# The project's rule wherever it installs: this torch. There is no other bound here, as for a user of the wheel.
TORCH = next(iter(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["foretold"]["held-back"]))

EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""

VERSIONS = """
import json
from importlib import metadata, util
found = util.find_spec("foretold")
installed = {there.metadata["Name"]: there.version for there in metadata.distributions()}
print(json.dumps(installed | {"foretold": found and found.origin}))
"""


def pip(python, *words):
    """pip of this environment, at work for that Python; its stdout."""
    asked = [sys.executable, "-m", "pip", "--python", str(python), *map(str, words)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def build_wheel(folder):
    """The package as a wheel, built from the checkout."""
    pip(sys.executable, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, ROOT)
    return next(folder.glob("foretold-*.whl"))


def create(folder, interpreter, *wanted):
    """The Python of a new environment that holds what pip picks for these requirements."""
    subprocess.run([interpreter, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin/python"
    # Without compilation: the modules that a chapter imports are compiled when it imports them.
    pip(python, "install", "-q", "--no-compile", *wanted)
    return python


def run(python, folder, *words, **more):
    """stdout of this Python, in a folder, without anything of this process's own environment."""
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV", "FORETOLD_INSTALL")}
    clean |= {"FORETOLD_PROFILE": "smoke", "JUPYTER_PATH": "", "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg", **more}
    done = subprocess.run([python, *words], cwd=folder, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def versions(python, folder):
    """Versions of all distributions by name; for foretold the place of its code, None where there is none."""
    return json.loads(run(python, folder, "-c", VERSIONS))


def execute(python, notebook, folder, **more):
    """The notebook as it comes out of a kernel of this Python, started in an empty folder, which it leaves empty."""
    empty, executed = folder / "content", folder / "executed.ipynb"
    empty.mkdir()
    run(python, empty, "-c", EXECUTE, notebook, executed, **more)
    assert list(empty.iterdir()) == []
    return json.loads(executed.read_text(encoding="utf-8"))


def asked_by(chapter):
    """The extras in the first cell of the notebook that Colab opens."""
    cells = json.loads(twin(chapter).read_text(encoding="utf-8"))["cells"]
    cell = next("".join(cell["source"]) for cell in cells if "bootstrap" in cell["metadata"].get("tags", []))
    return re.search(r'extras = "\[(.*)\]"', cell)[1].split(",")


def some_of_each_kind(chapters):
    """The coin chapter, which people open first, and one for each set of extras that is in no larger one: together
    they need all that any chapter needs. To run every chapter in every environment takes longer than to build the
    book."""
    sets = {chapter: frozenset(asked_by(chapter)) for chapter in sorted(chapters)}
    largest = {kinds: chapter for chapter, kinds in sets.items() if not any(kinds < other for other in sets.values())}
    return sorted({"coins", *largest.values()})


def twin(chapter):
    return Path(ROOT / f"notebooks/{chapter}.ipynb")


def measured(notebook):
    """The ids of the claims that an executed notebook reports."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    bundles = [output["data"][claims.MIME] for output in outputs if claims.MIME in output.get("data", {})]
    return [claim["id"] for claim in bundles[0]["claims"]]

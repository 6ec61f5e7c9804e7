"""Versions: a copy of a notebook runs with the foretold that it was written for, whatever the main branch is by then;
and the commits that pyproject.toml names are what it says."""

import json
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from environments import run
from packaging.version import Version

from foretold.book import address, twins
from foretold.book.project import Project

ABOUT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
VERSION = ABOUT["project"]["version"]
COMMITS = ABOUT["tool"]["foretold"]["commits"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
RELEASED, DATE = re.search(r"^## \[(\d+\.\d+\.\d+)\] - (\S+)$", CHANGELOG, re.M).groups()


def git(*words, at=ROOT):
    """What git prints; raises CalledProcessError where it fails."""
    return subprocess.run(["git", *words], cwd=at, capture_output=True, text=True, check=True).stdout.strip()


def commit_all(root):
    """Commit what is there; returns the commit."""
    git("add", "--all", at=root)
    git("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-q", "-m", "A commit", at=root)
    return git("rev-parse", "HEAD", at=root)


# --- a small repository, three commits long

# Builds a wheel without a network: the modules of the folder `foretold`, and metadata.
BACKEND = """\
import pathlib, tomllib, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    about = tomllib.loads(pathlib.Path("pyproject.toml").read_text())["project"]
    info, name = f"foretold-{about['version']}.dist-info", f"foretold-{about['version']}-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as wheel:
        for path in pathlib.Path("foretold").iterdir():
            wheel.write(path)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: foretold\\nVersion: {about['version']}\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return name
"""

PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "foretold"
version = "{version}"

[tool.foretold.commits]
"""

NOTEBOOK = """\
# %% tags=["bootstrap", "remove-cell"]
{bootstrap}

# %%
from foretold import {module}

print({module}.MADE_FOR)
"""


class Repository:
    """A repository with one notebook: it imports one module of a package foretold, which prints a version."""

    def __init__(self, root):
        self.root, self.commits = root, {}
        root.mkdir()
        git("init", "-q", "-b", "main", at=root)
        for allowed in ("allowFilter", "allowAnySHA1InWant"):  # as GitHub does
            git("config", f"uploadpack.{allowed}", "true", at=root)
        (root / "backend.py").write_text(BACKEND)
        (root / "_config.yml").write_text(f"repository: {{url: '{root.as_uri()}', branch: main}}\n")

    def commit(self, version, module, listed=()):
        """A commit of this version, whose notebook imports `module`; it names the commits of the `listed` versions."""
        lines = [f'"{earlier}" = "{self.commits[earlier]}"\n' for earlier in listed]
        self.write("pyproject.toml", PYPROJECT.format(version=version) + "".join(lines))
        for old in (self.root / "foretold").glob("*.py"):
            old.unlink()
        self.write("foretold/__init__.py", "")
        self.write(f"foretold/{module}.py", f"MADE_FOR = {version!r}\n")
        bootstrap = address.bootstrap(Project(self.root, self.root))
        notebook = self.write("notebooks/a.py", NOTEBOOK.format(bootstrap=bootstrap, module=module))
        self.write("notebooks/a.ipynb", twins.render(notebook))
        self.commits[version] = commit_all(self.root)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def copy(self, version):
        """The code cells of the twin as somebody saved it when main was at this version."""
        return twin_at(self.commits[version], "a", self.root)


def twin_at(commit, chapter, root=ROOT):
    """The code cells of a chapter's twin as it was at that commit."""
    cells = json.loads(git("show", f"{commit}:notebooks/{chapter}.ipynb", at=root))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """Release 1.0.0 has a module `old`. Main, two versions on, has it no more."""
    made = Repository(tmp_path_factory.mktemp("versions") / "repository")
    made.commit("1.0.0", "old")
    made.commit("1.1.0.dev0", "old", listed=["1.0.0"])
    made.commit("1.1.0.dev1", "new", listed=["1.0.0", "1.1.0.dev0"])
    return made


@pytest.fixture
def kernel(tmp_path):
    """Runs code cells in a Python that has pip and nothing else, and returns what they print."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv/bin/python"
    site = run(python, tmp_path, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    Path(site, "pip").symlink_to(Path(sysconfig.get_path("purelib"), "pip"))

    def execute(cells):
        return run(python, tmp_path, "-c", "\n".join(cells), PIP_NO_INDEX="1", PIP_DISABLE_PIP_VERSION_CHECK="1")

    return execute


@pytest.mark.slow
def test_an_old_twin_runs_beside_a_main_that_has_renamed_its_modules(repository, kernel):
    assert kernel(repository.copy("1.0.0")) == "1.0.0\n"


@pytest.mark.slow
def test_a_copy_of_main_s_notebook_runs_when_main_has_gone_on(repository, kernel):
    assert kernel(repository.copy("1.1.0.dev0")) == "1.1.0.dev0\n"


@pytest.mark.slow
def test_main_s_own_notebook_installs_main_and_says_what_to_do_when_it_is_an_old_copy(repository, kernel):
    said, made_for = kernel(repository.copy("1.1.0.dev1")).splitlines()
    assert made_for == "1.1.0.dev1"
    assert said == (
        "foretold 1.1.0.dev1 is the newest. If something is missing below, "
        f"open the newest notebook: {repository.root.as_uri()}/tree/main/notebooks"
    )


@pytest.mark.slow
def test_main_would_not_do_for_an_old_twin(repository, kernel):
    """What every first cell did before it knew its version."""
    first, after = repository.copy("1.1.0.dev1")[0], repository.copy("1.0.0")[1]
    with pytest.raises(AssertionError, match="cannot import name 'old' from 'foretold'"):
        kernel([first, after])


def test_a_version_that_main_does_not_know_is_an_error_that_says_where_the_newest_notebook_is(repository, kernel):
    cells = [source.replace('"1.1.0.dev1"', '"1.1.0.dev7"') for source in repository.copy("1.1.0.dev1")]
    with pytest.raises(
        AssertionError, match=r"No foretold 1\.1\.0\.dev7 is known, so open the newest notebook: file:.*/notebooks"
    ):
        kernel(cells)


def test_where_the_repository_cannot_be_read_git_s_words_are_in_the_error(repository, kernel):
    cells = [source.replace("/repository", "/nowhere") for source in repository.copy("1.0.0")]
    with pytest.raises(AssertionError, match=r"/nowhere cannot be read\. git says:\n.*/nowhere"):
        kernel(cells)


# --- what pages open


def test_pages_of_a_released_book_open_the_notebooks_of_their_commit(repository, tmp_path):
    assert address.notebooks_at(Project(repository.root, tmp_path)) == "main"
    there = tmp_path / "released"
    git("clone", "-q", str(repository.root), str(there))
    git("checkout", "-q", repository.commits["1.0.0"], at=there)
    assert address.notebooks_at(Project(there, tmp_path)) == repository.commits["1.0.0"]


def test_pages_built_without_git_open_the_notebooks_of_the_branch(repository, tmp_path):
    for name in ("_config.yml", "pyproject.toml"):
        (tmp_path / name).write_text(git("show", f"{repository.commits['1.0.0']}:{name}", at=repository.root))
    assert address.notebooks_at(Project(tmp_path, tmp_path)) == "main"


@pytest.mark.slow
def test_the_rocket_of_a_released_book_opens_its_commit_and_the_pencil_edits_main(small_book):
    small_book.write("pyproject.toml", '[project]\nname = "small"\nversion = "1.0.0"\n')
    small_book.edit("_config.yml", "execute:", "launch_buttons: {colab_url: 'https://colab.example'}\nexecute:")
    small_book.edit("_config.yml", "execute:", "html: {use_edit_page_button: true}\nexecute:")
    small_book.write("notebooks/alpha.ipynb", "{}")
    git("init", "-q", "-b", "main", at=small_book.root)
    commit = commit_all(small_book.root)
    done = small_book.run("build")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(re.findall(r'href="(https://colab[^"]*|[^"]*/edit/[^"]*)"', small_book.page("notebooks/alpha"))) == {
        f"https://colab.example/github/owner/small/blob/{commit}/notebooks/alpha.ipynb",
        "https://github.com/owner/small/edit/main/notebooks/alpha.py",
    }


# --- this repository


def test_citations_name_the_last_release():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (cited["version"], str(cited["date-released"])) == (RELEASED, DATE)
    readme, cite = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "book/cite.md"))
    assert re.findall(r"version = \{(.*)\}", readme) == [RELEASED]
    assert re.findall(r"ersion (\d[\w.]*\w)", cite) == [RELEASED, RELEASED]


def test_the_version_is_the_last_release_or_in_development_and_greater():
    version, last = Version(VERSION), Version(RELEASED)
    assert version == last or (version.is_devrelease and version > last)


def test_every_release_has_its_commit_in_pyproject():
    """But for one that is being made: a commit cannot hold its own hash."""
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", CHANGELOG, re.M)
    assert {version for version in COMMITS if not Version(version).is_devrelease} == set(released) - {VERSION}


def test_every_version_of_pyproject_but_its_own_has_its_commit():
    """Since there are such versions: a copy of a notebook of any of them runs."""
    assert VERSION not in COMMITS
    assert {VERSION, *COMMITS} >= set(versions_ever())


@pytest.mark.parametrize("version", COMMITS)
def test_the_commit_of_a_version_is_of_that_version_and_travels_with_this_one(version):
    commit = COMMITS[version]
    assert re.fullmatch("[0-9a-f]{40}", commit)
    whole_history()
    git("merge-base", "--is-ancestor", commit, "HEAD")
    assert tomllib.loads(git("show", f"{commit}:pyproject.toml"))["project"]["version"] == version


@pytest.mark.slow
def test_release_0_1_0_still_runs_the_beginning_of_its_chapter(tmp_path):
    """The last commit before something stood under *Unreleased*: 48 people, 350,757 flips, 50.77% on the same side."""
    whole_history()
    archive, there = tmp_path / "archive.tar", tmp_path / "release"
    there.mkdir()
    git("archive", "-o", str(archive), COMMITS["0.1.0"], "src")
    subprocess.run(["tar", "-xf", archive, "-C", there], check=True)
    cells = twin_at(COMMITS["0.1.0"], "coins")[:3]
    cells.append("print(foretold.__file__, len(people), totals.n, round(totals.same / totals.n, 4))")
    printed = run(sys.executable, tmp_path, "-c", "\n".join(cells), PYTHONPATH=str(there / "src"))
    assert printed.splitlines()[-1].split() == [str(there / "src/foretold/__init__.py"), "48", "350757", "0.5077"]


def whole_history():
    """Skips where there is no history to look at, and says so."""
    try:
        shallow = git("rev-parse", "--is-shallow-repository")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("COMMITS NOT CHECKED: this is no clone")
    if shallow == "true":
        pytest.skip("COMMITS NOT CHECKED: this clone is shallow (git fetch --unshallow)")


def versions_ever():
    """All versions that pyproject.toml had in the history of this commit."""
    whole_history()
    changed = git("log", "--format=%H", "-G", "^version = ", "--", "pyproject.toml").split()
    return {tomllib.loads(git("show", f"{commit}:pyproject.toml"))["project"]["version"] for commit in changed}

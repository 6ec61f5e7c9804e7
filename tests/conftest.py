"""What several test files share: small books to build, a headless Chromium."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

import foretold
from foretold.book import reader
from foretold.figures import encoding, interaction

ROOT = Path(__file__).parent.parent

CONFIG = """\
title: Small
only_build_toc_files: true
exclude_patterns: ["notebooks/*.ipynb", "_build", "src/**"]
repository: {url: "https://github.com/owner/small", path_to_book: "", branch: main}
execute: {execute_notebooks: "off"}
sphinx:
  extra_extensions: [foretold.book.sphinx_ext]
  config:
    nb_custom_formats: {".py": ["foretold.book.reader.read", {}]}
    nb_ipywidgets_js: {}
"""

TOC = """\
format: jb-book
root: book/intro
parts:
  - caption: Chapters
    chapters:
      - file: notebooks/alpha
      - file: notebooks/beta
"""

CHAPTER = """\
# %% [markdown]
# # Chapter NAME
#
# *What is asked of NAME?*

# %%
import foretold
from foretold.papers.NAME import experiment, measures

run = foretold.start("NAME")

# %% [markdown]
# ## Paper against here

# %%
run.claim(measures.answer, experiment.answer())
run.report()
"""

CLAIMS = """\
schema: 2
chapter: NAME
title: Chapter NAME
paper: {title: Title, authors: Authors, venue: Venue, year: 2026, url: "https://example.org"}
minutes: {smoke: 0.1, cpu: 0.1, gpu: 0.1}
abstract: []
claims:
  - id: answer
    quote: The answer is 42.
    where: page 1
    read: text
    evidence: paper-data
    measured: the answer
    value: 42
    agrees: [41.5, 42.5]
    against: [{below: 41.5}, {above: 42.5}]
    reason: rounding
    sabotage: [another answer]
    expect: {smoke: [recomputed], cpu: [recomputed], gpu: [recomputed]}
"""

MEASURES = """\
from foretold.claims import Measured, measures


@measures("answer", sabotage={"another answer": lambda rng, found: {"found": found + 1}})
def answer(found):
    return Measured(found)
"""


class SmallBook:
    """A book of two small chapters, alpha and beta, with a package of its own: a test can edit any part of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(
            Path(foretold.__file__).parent, root / "src/foretold", ignore=shutil.ignore_patterns("__pycache__")
        )
        self.write("_config.yml", CONFIG)
        self.write("_toc.yml", TOC)
        self.write("book/intro.md", "# Small\n\n```{foretold-chapters}\n```\n\n```{foretold-scoreboard}\n```\n")
        for name in ("alpha", "beta"):
            self.write(f"notebooks/{name}.py", CHAPTER.replace("NAME", name))
            self.write(f"src/foretold/papers/{name}/__init__.py", "")
            self.write(f"src/foretold/papers/{name}/experiment.py", "def answer():\n    return 42.0\n")
            self.write(f"src/foretold/papers/{name}/measures.py", MEASURES)
            self.write(f"src/foretold/papers/{name}/claims.yml", CLAIMS.replace("NAME", name))

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text(encoding="utf-8")
        assert old in text
        self.write(path, text.replace(old, new))

    def environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.root / "src"), "FORETOLD_PROFILE": "smoke", **more}

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess:
        """`foretold WORDS` in this book, with this book's package."""
        return self.start(words, **more).wait_for_end()

    def start(self, words: tuple[str, ...], **more: str) -> "Command":
        return Command([sys.executable, "-m", "foretold", *words], cwd=self.root, env=self.environment(**more))

    def page(self, name: str) -> str:
        return (self.root / f"_build/html/{name}.html").read_text(encoding="utf-8")

    def executed(self, done: subprocess.CompletedProcess) -> set[str]:
        """Chapters that a build or an execution has executed, by its summary table."""
        rows = [line.split() for line in done.stdout.splitlines()]
        return {row[0] for row in rows if len(row) > 1 and row[1] == "executed"}


class Command(subprocess.Popen):
    """A running command whose output is kept."""

    def __init__(self, words: list[str], **more) -> None:
        super().__init__(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)

    def wait_for_end(self, seconds: float = 240) -> subprocess.CompletedProcess:
        out, err = self.communicate(timeout=seconds)
        return subprocess.CompletedProcess(self.args, self.returncode, out, err)


@pytest.fixture
def small_book(tmp_path):
    return SmallBook(tmp_path / "book")


@pytest.fixture
def notebook():
    """A function that makes a notebook from code cells."""
    return lambda *cells: reader.parse("\n".join(f"# %%\n{cell}\n" for cell in cells))


@pytest.fixture(autouse=True)
def own_environment(monkeypatch, tmp_path):
    """No test sees the machine's profile, mirror or cache of data."""
    for name in ("FORETOLD_PROFILE", "FORETOLD_DATA", "FORETOLD_BOOK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FORETOLD_CACHE", str(tmp_path / "data-cache"))


def chromium_path():
    """The system's Chromium, or None. Playwright's own download is not used: the book's checks must run offline."""
    return next(filter(None, map(shutil.which, ("chromium", "/usr/bin/chromium", "chromium-browser"))), None)


@contextmanager
def launch_chromium():
    """A headless Chromium (a Playwright `Browser`); skips the test, and says so loudly, where there is none."""
    path = chromium_path()
    if path is None:
        pytest.skip("NOT TESTED IN A BROWSER: no chromium on PATH or at /usr/bin/chromium (apt install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="NOT TESTED IN A BROWSER: playwright is missing")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser
        browser.close()


# Not for the whole session: Playwright's event loop runs as long as the browser lives, and the tests that execute
# notebooks in this process need a loop of their own.
@pytest.fixture(scope="module")
def chromium():
    with launch_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def javascript(chromium):
    """A function that runs the `update` of an interactive figure in a real browser, as the figure's own script would:
    ``javascript(draw.UPDATE, values, data, figure)`` gives what it returns, typed arrays as lists."""
    page = chromium.new_page()
    page.add_script_tag(content=interaction.runtime())
    call = """([source, values, data, figure]) => {
      const { decode } = window.foretoldInteractive;
      const plain = (x) => ArrayBuffer.isView(x) || Array.isArray(x) ? Array.from(x, plain)
        : x && typeof x === "object" ? Object.fromEntries(Object.entries(x).map(([k, v]) => [k, plain(v)])) : x;
      const update = new Function("values", "data", "figure", `"use strict";\\n${source}`);
      return plain(update(values, decode(data), decode(figure)));
    }"""

    def run(update, values, data=None, figure=None):
        sent = [encoding.encode(part, "sent", gaps=True) for part in (data or {}, figure or {})]
        return page.evaluate(call, [update, values, *sent])

    return run

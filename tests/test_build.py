"""From sources to pages, with Jupyter Book, on a small book of the test's own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from conftest import ROOT

pytestmark = pytest.mark.slow


def jupyter_book(book, *words):
    """``jupyter-book build .`` alone, as somebody types it who knows no other command."""
    program = "from jupyter_book.cli.main import main; main()"
    asked = [sys.executable, "-c", program, "build", ".", "-n", "-W", "--keep-going", *words]
    done = subprocess.run(asked, cwd=book.root, env=book.environment(), capture_output=True, text=True, check=False)
    done.stdout = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    return done


def read_again(done):
    """Pages that Sphinx has read in a build."""
    return set(re.findall(r"reading sources\.\.\. \[ *\d+%\] (\S+)", re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A small book that was built once; tests that use it leave it as they find it, or make it so again."""
    from conftest import SmallBook

    book = SmallBook(tmp_path_factory.mktemp("built") / "book")
    done = book.run("build")
    assert done.returncode == 0, done.stdout + done.stderr
    assert book.executed(done) == {"alpha", "beta"}
    return book


def test_a_second_build_executes_nothing_and_reads_nothing(built):
    done = built.run("build")
    assert built.executed(done) == set()
    assert read_again(done) == set()
    assert re.search(r"alpha\s+cached\s+[\d.]+\s+1 recomputed", done.stdout)


def test_jupyter_book_alone_finds_what_foretold_executed(built):
    done = jupyter_book(built)
    assert done.returncode == 0, done.stderr
    assert "foretold: alpha cached" in done.stdout
    assert read_again(done) == set()


def test_pages_show_claims_and_verdicts(built):
    assert "1 claims: 1 recomputed" in built.page("notebooks/alpha")
    assert "The answer is 42." in built.page("notebooks/alpha")
    assert "The answer is 42." in built.page("book/intro")


def test_claims_json_is_written_beside_the_pages(built):
    found = json.loads((built.root / "_build/html/claims.json").read_text())
    assert found["schema"] == 2
    assert [chapter["chapter"] for chapter in found["chapters"]] == ["alpha", "beta"]
    lines = (built.root / "_build/html/claims.csv").read_text().splitlines()
    assert [line.split(",")[:3] for line in lines[1:]] == [[name, "answer", "recomputed"] for name in ("alpha", "beta")]


def test_what_claims_were_measured_from_is_written_beside_the_pages(built):
    found = json.loads((built.root / "_build/html/measurements/alpha.json").read_text())
    assert found["inputs"][found["claims"]["answer"]["found"]] == 42.0


def test_prose_changes_its_page_and_executes_nothing(built):
    built.edit("notebooks/alpha.py", "# ## Paper against here", "# ## Paper against here\n#\n# More about it.")
    done = built.run("build")
    assert built.executed(done) == set()
    assert read_again(done) == {"notebooks/alpha"}
    assert "More about it." in built.page("notebooks/alpha")


def test_a_changed_module_executes_its_chapter_and_updates_its_page_and_the_scoreboard(built):
    built.edit("src/foretold/papers/beta/experiment.py", "42.0", "42.125")
    done = built.run("build")
    assert built.executed(done) == {"beta"}
    assert read_again(done) == {"notebooks/beta", "book/intro"}
    assert "42.125" in built.page("notebooks/beta")
    assert "42.125" in built.page("book/intro")


def test_a_recorded_result_stands_beside_the_chapter_s_own_and_is_stale_when_the_code_moves(built):
    assert built.run("execute", "alpha", "--record").returncode == 0
    recorded = built.root / "book/recorded/alpha.smoke.cpu.json"
    result = json.loads(recorded.read_text())
    recorded.write_text(json.dumps(result | {"device": "A Named GPU"}))
    done = built.run("build")
    assert built.executed(done) == set()
    assert "Recorded on A Named GPU" in built.page("notebooks/alpha")
    assert "stale" not in built.page("notebooks/alpha")
    recorded.write_text(json.dumps(result | {"device": "A Named GPU", "code_digest": "0" * 32}))
    built.run("build")
    assert "stale: the code has changed since" in built.page("notebooks/alpha")
    recorded.unlink()
    built.run("build")
    assert "Named GPU" not in built.page("notebooks/alpha")


def test_a_changed_verdict_fails_the_build_after_the_pages_are_written(small_book):
    small_book.edit("src/foretold/papers/alpha/experiment.py", "42.0", "44.0")
    done = small_book.run("build")
    assert done.returncode != 0
    assert "claim 'answer' is 'not recomputed' (44), but expected is recomputed" in done.stdout + done.stderr
    assert "expected: recomputed" in small_book.page("notebooks/alpha")
    # What other extensions do at the end is done: the theme writes the colours of code for light and dark pages.
    assert "data-theme" in (small_book.root / "_build/html/_static/pygments.css").read_text()


def test_an_expected_difference_is_shown_and_passes(small_book):
    small_book.edit("src/foretold/papers/alpha/experiment.py", "42.0", "44.0")
    small_book.edit("src/foretold/papers/alpha/claims.yml", "[recomputed]", "[not recomputed]")
    assert small_book.run("build").returncode == 0
    assert "≠ not recomputed" in small_book.page("notebooks/alpha")


BROKEN = "def answer():\n    raise RuntimeError('no answer today')\n"


def test_a_failed_chapter_has_a_page_that_says_so_and_the_others_are_rendered(small_book):
    small_book.write("src/foretold/papers/alpha/experiment.py", BROKEN)
    done = small_book.run("build")
    assert done.returncode == 1
    assert "chapter 'alpha' failed in code cell 2" in done.stderr
    assert re.search(r"alpha\s+failed", done.stdout)
    page = small_book.page("notebooks/alpha")
    assert "This chapter failed in this build" in page
    assert "RuntimeError: no answer today" in page
    assert "run.claim(measures.answer, experiment.answer())" in page
    assert "There is no earlier result" in page
    assert str(small_book.root) not in page
    assert "1 claims: 1 recomputed" in small_book.page("notebooks/beta")
    assert "failed in this build" in small_book.page("book/intro")
    found = json.loads((small_book.root / "_build/html/claims.json").read_text())
    assert [chapter["chapter"] for chapter in found["chapters"]] == ["beta"]
    assert found["failed"] == [{"chapter": "alpha", "earlier": None}]


def test_a_chapter_that_failed_shows_its_last_good_results_marked_as_old(built):
    built.write("src/foretold/papers/alpha/experiment.py", BROKEN)
    done = built.run("build")
    assert done.returncode == 1
    page = built.page("notebooks/alpha")
    assert "RuntimeError: no answer today" in page
    assert "Old results: the outputs and verdicts on this page are those of" in page
    assert "The answer is 42." in page
    assert "This build:" not in page
    assert page.count("Old results:") == 2  # at the top, and above its claims
    assert "old: failed in this build" in built.page("book/intro")
    found = json.loads((built.root / "_build/html/claims.json").read_text())
    assert [(failed["chapter"], failed["earlier"]["profile"]) for failed in found["failed"]] == [("alpha", "smoke")]
    built.write("src/foretold/papers/alpha/experiment.py", "def answer():\n    return 42.0\n")
    done = built.run("build")
    assert done.returncode == 0
    assert built.executed(done) == set()
    assert "failed" not in built.page("notebooks/alpha") + built.page("book/intro")


def test_a_failing_cell_fails_jupyter_book_too_after_all_pages_are_written(small_book):
    small_book.write("src/foretold/papers/alpha/experiment.py", BROKEN)
    done = jupyter_book(small_book)
    assert done.returncode != 0
    assert "chapter 'alpha' failed in code cell 2" in done.stdout + done.stderr
    assert "RuntimeError: no answer today" in done.stdout + done.stderr
    assert "This chapter failed in this build" in small_book.page("notebooks/alpha")
    assert "1 claims: 1 recomputed" in small_book.page("notebooks/beta")
    assert small_book.executed(small_book.run("execute", "beta")) == set()


MEDDLE = """
from pathlib import Path


def edit(app, env, docnames):
    once = Path(app.srcdir, "meddled")
    if once.exists():
        return
    once.touch()
    for path, old, new in ((PAPER, "42.0", "123.5"), (NOTEBOOK, "run.report()", "run.report()  # later")):
        file = Path(app.srcdir, path)
        file.write_text(file.read_text().replace(old, new))


PAPER, NOTEBOOK = "src/foretold/papers/beta/experiment.py", "notebooks/alpha.py"


def setup(app):
    app.connect("env-before-read-docs", edit)
"""


def test_an_edit_between_execution_and_reading_is_for_the_next_build(small_book):
    """Else a page would show other numbers than the scoreboard beside it."""
    small_book.write("src/meddle.py", MEDDLE)
    small_book.edit("_config.yml", "[foretold.book.sphinx_ext]", "[foretold.book.sphinx_ext, meddle]")
    done = small_book.run("build")
    assert done.returncode == 0, done.stderr
    assert "42" in small_book.page("notebooks/beta")
    assert "123.5" not in small_book.page("notebooks/beta") + small_book.page("book/intro")
    assert "# later" not in small_book.page("notebooks/alpha")
    done = small_book.run("build")
    assert done.returncode == 1
    assert small_book.executed(done) == {"alpha", "beta"}
    assert "123.5" in small_book.page("notebooks/beta")
    assert "# later" in small_book.page("notebooks/alpha")


def test_prose_with_an_old_time_changes_its_page(built):
    """Sphinx goes by times; a restored backup or `rsync -t` brings old ones."""
    built.edit("notebooks/alpha.py", "# # Chapter alpha", "# # Chapter alpha, restored")
    os.utime(built.root / "notebooks/alpha.py", (1e9, 1e9))
    assert built.run("build").returncode == 0
    assert "Chapter alpha, restored" in built.page("notebooks/alpha")


def test_a_changed_question_changes_the_list_of_chapters(built):
    built.edit("notebooks/beta.py", "asked of beta?", "wanted of beta?")
    assert built.run("build").returncode == 0
    assert "wanted of beta?" in built.page("book/intro")


def test_a_build_killed_while_it_executes_loses_no_finished_chapter(small_book):
    small_book.write(
        "src/foretold/papers/beta/experiment.py",
        "import time\n\n\ndef answer():\n    time.sleep(60)\n    return 42.0\n",
    )
    running = small_book.start(("build",))
    for _ in range(200):
        time.sleep(0.25)
        if re.search(r"alpha\s+fresh", small_book.run("status").stdout):
            break
    running.send_signal(signal.SIGKILL)
    running.wait_for_end()
    small_book.write("src/foretold/papers/beta/experiment.py", "def answer():\n    return 42.0\n")
    done = small_book.run("build")
    assert done.returncode == 0, done.stderr
    assert small_book.executed(done) == {"beta"}


def test_a_broken_link_fails_the_build(small_book):
    small_book.edit("book/intro.md", "# Small", "# Small\n\n[nowhere](nowhere.md)")
    assert small_book.run("build").returncode != 0


def test_a_new_chapter_builds_and_passes_its_tests_at_once(small_book):
    done = small_book.run("new-chapter", "paging_again", "--part", "Chap")
    assert done.returncode == 0, done.stderr
    done = small_book.run("build")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"paging_again\s+executed\s+[\d.]+\s+2 replicated", done.stdout)
    shutil.copy(ROOT / "tests/conftest.py", small_book.root / "tests")
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", "tests"]
    done = subprocess.run(
        tests, cwd=small_book.root, env=small_book.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "paging_again" not in small_book.run("twins", "--check").stdout

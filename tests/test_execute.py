"""The execute stage: what runs, in which order, on what, and what happens when it goes wrong."""

import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
import yaml
from conftest import CLAIMS, SmallBook

import foretold
from foretold import claims
from foretold.book import digest, execute, job, store
from foretold.book.project import Project

pytestmark = pytest.mark.slow

SLOW = "import time\n\n\ndef answer():\n    time.sleep(SECONDS)\n    return 42.0\n"


def make_slow(book, name, seconds):
    book.write(f"src/foretold/papers/{name}/experiment.py", SLOW.replace("SECONDS", str(seconds)))


def cached(book):
    """Chapters whose execution the cache holds."""
    done = book.run("status")
    return set(re.findall(r"^(\w+)\s+fresh", done.stdout, re.M))


# What is executed


def test_a_second_execution_executes_nothing(small_book):
    assert small_book.executed(small_book.run("execute")) == {"alpha", "beta"}
    assert small_book.executed(small_book.run("execute")) == set()


def test_a_changed_module_executes_its_chapter_again_and_status_says_why(small_book):
    small_book.run("execute")
    small_book.edit("src/foretold/papers/alpha/experiment.py", "42.0", "42.25")
    assert re.search(r"alpha\s+out of date\s+papers/alpha/experiment.py\n", small_book.run("status").stdout)
    assert small_book.executed(small_book.run("execute")) == {"alpha"}


def test_a_module_that_no_notebook_imports_executes_nothing(small_book):
    small_book.run("execute")
    small_book.edit("src/foretold/book/progress.py", "import sys", "import sys  # changed")
    assert cached(small_book) == {"alpha", "beta"}


def test_words_for_readers_execute_nothing(small_book):
    small_book.run("execute")
    small_book.edit("src/foretold/__init__.py", "Foretold: a living", "Foretold: a lively")
    small_book.edit("src/foretold/papers/alpha/experiment.py", "return", "# the answer\n    return")
    assert cached(small_book) == {"alpha", "beta"}


def test_a_marker_size_executes_its_chapter_and_leaves_recorded_results_as_good_as_they_were(small_book):
    small_book.write("src/foretold/papers/signs/draw.py", "MARKER = 3\n")
    small_book.edit(
        "notebooks/alpha.py", "import foretold\n", "import foretold\nfrom foretold.papers.signs import draw\n"
    )
    small_book.run("execute", "--record", "before")
    small_book.edit("src/foretold/papers/signs/draw.py", "3", "4")
    assert re.search(r"alpha\s+out of date\s+papers/signs/draw.py\n", small_book.run("status").stdout)
    assert small_book.executed(small_book.run("execute", "--record", "after")) == {"alpha"}
    small_book.edit("src/foretold/papers/alpha/experiment.py", "42.0", "42.25")
    small_book.run("execute", "--record", "last")
    code = {when: code_digest(small_book, when) for when in ("before", "after", "last")}
    assert code["before"] == code["after"] != code["last"]


def code_digest(book, folder):
    return json.loads((book.root / folder / "alpha.smoke.cpu.json").read_text())["code_digest"]


def test_prose_executes_nothing(small_book):
    small_book.run("execute")
    small_book.edit("notebooks/alpha.py", "What is asked", "What is now asked")
    assert cached(small_book) == {"alpha", "beta"}


def test_claims_and_code_cells_execute_their_chapter(small_book):
    small_book.run("execute")
    small_book.edit("src/foretold/papers/alpha/claims.yml", "reason: rounding", "reason: rounding of the answer")
    small_book.edit("notebooks/beta.py", "run.report()", "run.report()  # changed")
    status = small_book.run("status").stdout
    assert re.search(r"alpha\s+out of date\s+papers/alpha/claims.yml\n", status)
    assert re.search(r"beta\s+out of date\s+notebook code\n", status)


def test_another_profile_is_another_execution_and_both_are_kept(small_book):
    small_book.run("execute", "alpha")
    small_book.run("execute", "alpha", "--profile", "cpu")
    assert small_book.executed(small_book.run("execute", "alpha")) == set()


def test_fresh_executes_what_is_cached(small_book):
    small_book.run("execute", "alpha")
    assert small_book.executed(small_book.run("execute", "alpha", "--fresh")) == {"alpha"}


def test_an_unknown_chapter_is_an_error_with_the_nearest_name(small_book):
    done = small_book.run("execute", "alhpa")
    assert done.returncode == 2
    assert "Did you mean 'alpha'?" in done.stderr


# When it goes wrong


NO_ANSWER = "def answer():\n    raise RuntimeError('no answer today')\n"


def test_a_failing_cell_is_named_with_its_traceback_and_the_others_finish(small_book):
    small_book.write("src/foretold/papers/alpha/experiment.py", NO_ANSWER)
    done = small_book.run("execute")
    assert done.returncode == 1
    assert "chapter 'alpha' failed in code cell 2" in done.stderr
    assert "RuntimeError: no answer today" in done.stderr
    assert small_book.executed(done) == {"beta"}
    assert cached(small_book) == {"beta"}


def test_a_chapter_without_a_ledger_fails(small_book):
    small_book.edit("notebooks/alpha.py", "\nrun.report()", "")
    done = small_book.run("execute")
    assert done.returncode == 1
    assert "no cell has shown run.report()" in done.stderr
    assert cached(small_book) == {"beta"}


def test_an_edit_while_a_chapter_runs_leaves_nothing_even_if_it_is_undone(small_book, tmp_path):
    """The kernel loads 49, while the digests before and after are those of 42."""
    done = edited_while_it_runs(small_book, tmp_path, "42.0", "49.0")
    assert done.returncode == 1
    assert "papers/alpha/experiment.py changed meanwhile" in done.stderr
    assert cached(small_book) == set()


def test_a_comment_while_a_chapter_runs_changes_nothing(small_book, tmp_path):
    done = edited_while_it_runs(small_book, tmp_path, "42.0", "42.0  # the answer")
    assert done.returncode == 0, done.stderr
    assert cached(small_book) == {"alpha"}


def edited_while_it_runs(small_book, tmp_path, old, new):
    """An execution of alpha whose module was another one while the kernel loaded it."""
    wait = "import os, time\nopen('{0}/{1}', 'w').close()\nwhile not os.path.exists('{0}/{2}'): time.sleep(0.05)\n"
    begun, loaded = wait.format(tmp_path, "begun", "edited"), wait.format(tmp_path, "loaded", "undone")
    small_book.edit("notebooks/alpha.py", "import foretold\n", begun + "import foretold\n")
    small_book.edit("notebooks/alpha.py", "run.claim", loaded + "run.claim")
    running = small_book.start(("execute", "alpha"))
    wait_for(tmp_path / "begun")
    small_book.edit("src/foretold/papers/alpha/experiment.py", old, new)
    (tmp_path / "edited").touch()
    wait_for(tmp_path / "loaded")
    small_book.edit("src/foretold/papers/alpha/experiment.py", new, old)
    (tmp_path / "undone").touch()
    return running.wait_for_end()


def wait_for(path, seconds=120):
    for _ in range(int(seconds / 0.05)):
        if path.exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} did not come")


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_once_or_twice_ends_soon_with_one_line_that_says_what_is_kept(small_book, times):
    make_slow(small_book, "beta", 600)
    running = small_book.start(("execute",))
    while "alpha" not in cached(small_book):
        time.sleep(0.25)
    began = time.monotonic()
    for _ in range(times):
        running.send_signal(signal.SIGINT)
        time.sleep(0.5)
    done = running.wait_for_end(60)
    assert time.monotonic() - began < 30
    assert done.returncode == 130
    said = done.stderr.splitlines()
    assert said[-1] == "foretold: interrupted; kept: alpha; not finished: beta"
    assert all("chapters executed" in line for line in said[:-1])
    assert not processes_of(small_book.root)


def test_a_killed_execution_loses_no_finished_chapter_and_leaves_no_process(small_book):
    make_slow(small_book, "beta", 60)
    running = small_book.start(("execute",))
    for _ in range(200):
        time.sleep(0.25)
        if "alpha" in cached(small_book):
            break
    running.send_signal(signal.SIGKILL)
    running.wait_for_end()
    make_slow(small_book, "beta", 0)
    assert small_book.executed(small_book.run("execute")) == {"beta"}
    time.sleep(3)
    assert not processes_of(small_book.root)


def processes_of(root):
    """Living processes whose environment names this book."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (
                str(root).encode() in (entry / "environ").read_bytes()
                and "Z" not in (entry / "stat").read_text().split()[2]
            ):
                found.append((entry / "cmdline").read_text())
        except OSError:
            continue
    return found


def test_two_executions_at_once_wait_for_each_other(small_book):
    make_slow(small_book, "alpha", 3)
    first = small_book.start(("execute",))
    time.sleep(1.5)
    second = small_book.run("execute")
    done = first.wait_for_end()
    assert small_book.executed(done) == {"alpha", "beta"}
    assert "waiting until it ends" in second.stderr
    assert small_book.executed(second) == set()


# On what


@pytest.fixture
def stub(monkeypatch):
    """Workers that execute nothing, and note what they were asked to."""
    asked = []

    def run_chapter(request, elsewhere=False, stopped=None):
        asked.append(request)
        return {**job.failed(""), "failure": None, "seconds": 1.0, "cpu_seconds": 2.0,
                "notebook": with_ledger(request["notebook"]), "ran": dict(NOTHING_RAN)}  # fmt: skip

    monkeypatch.setattr(job, "run_chapter", run_chapter)
    return asked


NOTHING_RAN = {"files": {}, "texts": {}, "read": [], "packages": [], "data": [], "python": sys.version, "sent": 0}


def with_ledger(text):
    """A notebook as if it had been executed: its last cell shows a ledger."""
    notebook = nbformat.reads(text, as_version=4)
    name = "alpha" if "Chapter alpha" in text else "beta"
    claim = claims.Statement.read_from(yaml.safe_load(CLAIMS)["claims"][0])
    measure = claims.Measure("answer", claims.Measured, {}, {"another answer": lambda rng, estimate: {}})
    record = claims.judge(claim, measure, {"estimate": 42.0}, "smoke").record() | {"inputs": {}}
    about = {"schema": 2, "chapter": name, "title": name, "profile": "smoke", "device_class": "cpu"}
    ledger = about | {"claims": [record], "abstract": [], "answers": [], "checks": {}, "inputs": {}}
    notebook.cells[-1].outputs = [nbformat.v4.new_output("display_data", {claims.MIME: ledger})]
    return nbformat.writes(notebook)


class Immediate(ThreadPoolExecutor):
    """An executor that runs each job as it is submitted: the order of submission is the order of execution."""

    def submit(self, function, *arguments):
        future = Future()
        future.set_result(function(*arguments))
        return future


@pytest.fixture
def project(small_book, monkeypatch):
    monkeypatch.setenv("FORETOLD_PROFILE", "smoke")
    monkeypatch.setattr("foretold.claims.files.FOLDER", small_book.root / "src/foretold/papers")
    return Project.find(small_book.root)


def test_any_executor_will_do(project, stub):
    with ThreadPoolExecutor(2) as pool:
        outcomes = execute.execute(project, executor=pool)
    assert [outcome.status for outcome in outcomes] == ["executed", "executed"]


def test_a_worker_that_dies_fails_its_chapter_and_no_other(project, stub, monkeypatch):
    class Fragile(Immediate):
        def submit(self, function, request, *arguments):
            future = super().submit(function, request, *arguments)
            if "Chapter alpha" in request["notebook"]:
                future = Future()
                future.set_exception(OSError("machine gone"))
            return future

    alpha, beta = execute.execute(project, executor=Fragile())
    assert "machine gone" in alpha.describe()
    assert beta.status == "executed"


def test_the_longest_chapter_starts_first(project, stub, monkeypatch):
    survey = execute.survey

    def surveyed(*arguments):
        chapters = survey(*arguments)
        for chapter, seconds in zip(chapters, (10, 50), strict=True):
            chapter.expected_seconds = seconds
        return chapters

    monkeypatch.setattr(execute, "survey", surveyed)
    execute.execute(project, executor=Immediate())
    assert ["Chapter beta" in request["notebook"] for request in stub] == [True, False]


def test_recorded_times_are_the_expected_ones(project, stub):
    execute.execute(project, executor=Immediate())
    found = execute.survey(project)
    assert [(chapter.expected_seconds, chapter.expected_cpu) for chapter in found] == [(1.0, 2.0), (1.0, 2.0)]


def test_expected_times_are_scaled_by_what_this_machine_was_seen_to_do(project, stub):
    """alpha is said to take six seconds and took one: so beta, of which the same is said, will take one too."""
    execute.execute(project, ["alpha"], executor=Immediate())
    assert [chapter.expected_seconds for chapter in execute.survey(project)] == [1.0, pytest.approx(1.0)]


def test_a_kernel_may_use_many_times_the_cpu_seconds_that_it_should(project, stub, monkeypatch):
    monkeypatch.setattr(execute, "LEAST_LIMIT", 7.0)
    execute.execute(project, executor=Immediate(), jobs=2)
    execute.execute(project, executor=Immediate(), jobs=2, fresh=True)
    assert [request["cpu_limit"] for request in stub] == [60.0, 60.0, 20.0, 20.0]


@pytest.mark.parametrize(("jobs", "threads"), [(1, "8"), (2, "4")])
def test_cores_are_divided_among_chapters(project, stub, monkeypatch, jobs, threads):
    monkeypatch.setattr(foretold.run, "cores", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    execute.execute(project, executor=Immediate(), jobs=jobs)
    assert {request["environment"]["OMP_NUM_THREADS"] for request in stub} == {threads}


def test_threads_that_a_user_has_set_stay_so_and_idle_ones_sleep(project, stub, monkeypatch):
    monkeypatch.setattr(foretold.run, "cores", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    execute.execute(project, executor=Immediate(), jobs=1)
    asked = {(r["environment"]["OMP_NUM_THREADS"], r["environment"]["OMP_WAIT_POLICY"]) for r in stub}
    assert asked == {("3", "PASSIVE")}


def test_one_chapter_at_a_time_per_gpu(project, stub, monkeypatch):
    monkeypatch.setattr(execute, "gpus", lambda: ["3"])
    made = []

    class Noted(job.Local):
        def __init__(self, workers, gpus):
            made.append(workers)
            super().__init__(workers, gpus)

    monkeypatch.setattr(job, "Local", Noted)
    execute.execute(project)
    assert made == [1]
    assert [request["environment"]["CUDA_VISIBLE_DEVICES"] for request in stub] == ["3", "3"]


def test_a_disk_that_is_full_costs_its_own_chapter_only(project, stub, monkeypatch):
    write = store.write

    def full_for_alpha(folder, head, notebook, ledger):
        if head.chapter == "alpha":
            raise OSError(28, "No space left on device")
        return write(folder, head, notebook, ledger)

    monkeypatch.setattr(store, "write", full_for_alpha)
    alpha, beta = execute.execute(project)
    assert "could not be kept: [Errno 28] No space left on device" in alpha.describe()
    assert beta.status == "executed"
    assert [chapter.fresh for chapter in execute.survey(project)] == [False, True]


def test_no_jobs_is_an_error(project):
    with pytest.raises(ValueError, match="jobs is 0"):
        execute.execute(project, jobs=0)


def test_minutes_left_are_shared_but_no_less_than_the_longest(project):
    alpha, beta = execute.survey(project)
    alpha.expected_seconds, beta.expected_seconds = 60, 600
    now = time.monotonic()
    running = {"alpha": now, "beta": now}
    assert execute.Progress([alpha, beta], [], running, 0).minutes_left == pytest.approx(10, abs=0.01)
    done = [execute.Outcome(beta, "executed", 600.0)]
    assert execute.Progress([alpha, beta], done, {"alpha": now}, 0).minutes_left == pytest.approx(1, abs=0.01)


def test_minutes_left_follow_the_pace_that_this_build_has_shown(project):
    """beta took three times what was expected, so alpha will; and alpha itself is late already."""
    alpha, beta = execute.survey(project)
    alpha.expected_seconds = beta.expected_seconds = 60
    done = [execute.Outcome(beta, "executed", 180.0)]
    waiting = execute.Progress([alpha, beta], done, {}, 0)
    assert waiting.minutes_left == pytest.approx(3, abs=0.01)
    late = execute.Progress([alpha, beta], [], {"alpha": time.monotonic() - 240}, 0)
    assert late.minutes_left > 4


def test_progress_names_what_runs_and_counts_the_rest(project):
    from foretold.book import progress

    beta = execute.survey(project)[1]
    said = progress.line(execute.Progress([beta], [], {"beta": time.monotonic()}, 1))
    assert said.startswith("0 of 1 chapters executed; 1 cached; running: beta; about ")


def test_progress_without_a_terminal_is_a_line_a_minute_or_when_something_changes(project, monkeypatch, capsys):
    from foretold.book import progress

    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    beta = execute.survey(project)[1]
    with progress.watching() as watch:
        for seconds, running in (
            (0, {}),
            (1, {}),
            (2, {"beta": 1000.0}),
            (3, {"beta": 1000.0}),
            (63, {"beta": 1000.0}),
        ):
            now[0] = 1000.0 + seconds
            watch(execute.Progress([beta], [], running, 0))
    said = capsys.readouterr().err.splitlines()
    assert ["beta" in line for line in said] == [False, True, True]


@pytest.mark.parametrize(("quota", "cores"), [("max 100000", 8), ("200000 100000", 2), ("150000 100000", 2)])
def test_cores_respect_the_quota_of_a_container(monkeypatch, quota, cores):
    context = pytest.importorskip("joblib.externals.loky.backend.context")
    exists = os.path.exists
    monkeypatch.setattr(context.os.path, "exists", lambda path: "cpu.max" in str(path) or exists(path))
    monkeypatch.setattr(context, "open", lambda path: io.StringIO(quota), raising=False)
    monkeypatch.setattr(context, "_cpu_count_affinity", lambda of: 8)
    monkeypatch.setattr(context.os, "cpu_count", lambda: 8)
    monkeypatch.setattr(context.mp, "cpu_count", lambda: 8)
    assert foretold.run.cores() == cores


# What a chapter depended on when it ran


@pytest.fixture(scope="module")
def wild(tmp_path_factory):
    """A book whose alpha reaches things by ways that no syntax shows; executed once."""
    book = SmallBook(tmp_path_factory.mktemp("wild") / "book")
    book.write("src/foretold/papers/hidden.py", "answer = 42.0\n")
    book.write("src/beside.py", "other = 1\n")
    book.write("src/foretold/papers/people/tables/heights.csv", "# source\nheight\n1\n")
    book.write("notebooks/numbers.csv", "a\n1\n")
    book.write("src/foretold/papers/gamma/claims.yml", CLAIMS.replace("NAME", "gamma"))
    reach = """
import importlib, pathlib, beside
hidden = importlib.import_module("foretold.papers." + "hidden")
folder = pathlib.Path(foretold.__file__).parent
(folder / "papers" / "people" / "tables" / "heights.csv").read_text()
pathlib.Path(ROOT, "notebooks/numbers.csv").read_text()
foretold.claims.load("gamma")
fetch = foretold.data.available
fetch("cifar10" if False else sorted(foretold.data.registry())[0])
"""
    reach = reach.replace("ROOT", repr(str(book.root)))
    book.edit("notebooks/alpha.py", "import foretold\n", "import foretold\nimport foretold.data\n" + reach)
    book.edit("notebooks/alpha.py", 'foretold.start("alpha")', 'foretold.start(chapter="al" + "pha")')
    done = book.run("execute", "alpha")
    assert book.executed(done) == {"alpha"}, done.stderr
    return book


WAYS = {
    "a module imported by a computed name": ("src/foretold/papers/hidden.py", "papers/hidden.py"),
    "a module beside the package": ("src/beside.py", "file src/beside.py"),
    "a table read by its path": ("src/foretold/papers/people/tables/heights.csv", "papers/people/tables/heights.csv"),
    "a file of the book read by its path": ("notebooks/numbers.csv", "file notebooks/numbers.csv"),
    "the claims that are started by a computed name": (
        "src/foretold/papers/alpha/claims.yml",
        "papers/alpha/claims.yml",
    ),
    "the claims of another chapter": ("src/foretold/papers/gamma/claims.yml", "papers/gamma/claims.yml"),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_syntax_does_not_show_makes_a_chapter_stale_by_name(wild, way):
    path, name = WAYS[way]
    before = (wild.root / path).read_text()
    try:
        wild.write(path, before + ("\nchanged = 1\n" if path.endswith(".py") else "\n# changed\n"))
        assert re.search(rf"alpha\s+out of date\s+{name}\n", wild.run("status").stdout)
    finally:
        wild.write(path, before)
    assert "alpha" in cached(wild)


def test_a_new_file_that_an_import_now_finds_makes_its_chapter_stale(small_book):
    late = "try:\n    from foretold.papers.late import ANSWER\nexcept ImportError:\n    ANSWER = 42.0\n"
    small_book.write("src/foretold/papers/alpha/experiment.py", late + "\n\ndef answer():\n    return ANSWER\n")
    small_book.run("execute", "alpha")
    assert cached(small_book) == {"alpha"}
    small_book.write("src/foretold/papers/late.py", "ANSWER = 43.0\n")
    assert re.search(r"alpha\s+out of date\s+papers/late.py\n", small_book.run("status").stdout)


def test_a_data_set_that_is_looked_up_by_another_name_is_a_part(wild):
    text = next((wild.root / "_build/.executed").glob("alpha.*.json")).read_text().splitlines()[1]
    assert any(name.startswith("data set ") for name in json.loads(text)["besides"])


def test_a_constant_of_another_module_is_not_taken_from_numba_s_cache(small_book):
    small_book.write("src/foretold/papers/constants.py", "ANSWER = 42.0\n")
    compiled = "import numba\nfrom foretold.papers import constants\n\nANSWER = constants.ANSWER\n\n\n"
    compiled += "@numba.njit(cache=True)\ndef answer():\n    return ANSWER\n"
    small_book.write("src/foretold/papers/alpha/experiment.py", compiled)
    assert "1 recomputed" in small_book.run("execute", "alpha").stdout
    small_book.write("src/foretold/papers/constants.py", "ANSWER = 43.0\n")
    assert "1 not recomputed" in small_book.run("execute", "alpha").stdout


# Entries that are not what they should be


@pytest.mark.parametrize(
    "damage", ["removed", "emptied", "a number edited", "taken from beta", "swapped with beta", "a verdict edited"]
)
def test_an_odd_entry_is_out_of_date_and_the_next_execution_mends_it(project, stub, damage):
    execute.execute(project, executor=Immediate())
    alpha, beta = sorted(project.store_folder.glob("*.json"))
    texts = {alpha: alpha.read_text(), beta: beta.read_text()}
    if damage == "removed":
        alpha.unlink()
    elif damage == "a verdict edited":  # with a checksum that fits, as somebody might who means it
        edited = texts[alpha].partition("\n")[2].replace('"estimate": 42.0', '"estimate": 62.0')
        alpha.write_text(hashlib.sha256(edited.encode()).hexdigest() + "\n" + edited)
    else:
        alpha.write_text(
            {"emptied": "", "a number edited": texts[alpha].replace("42.0", "62.0")}.get(damage, texts[beta])
        )
    if damage == "swapped with beta":
        beta.write_text(texts[alpha])
    odd = {"alpha", "beta"} if damage == "swapped with beta" else {"alpha"}
    assert {chapter.name for chapter in execute.survey(project) if not chapter.fresh} == odd
    execute.execute(project, executor=Immediate())
    assert all(chapter.fresh for chapter in execute.survey(project))


def test_looking_writes_nothing(project, stub):
    execute.execute(project, executor=Immediate())
    before = sorted((path, path.stat().st_mtime_ns) for path in project.output.rglob("*"))
    assert all(chapter.fresh for chapter in execute.survey(project))
    assert sorted((path, path.stat().st_mtime_ns) for path in project.output.rglob("*")) == before


def test_a_result_of_another_python_is_not_kept(project, stub, monkeypatch):
    monkeypatch.setitem(NOTHING_RAN, "python", "3.11.99")
    alpha, _ = execute.execute(project, executor=Immediate())
    assert "Python, which was 3.11.99 changed meanwhile" in alpha.describe()


def test_a_package_behind_a_package_makes_its_chapters_stale(project, stub, monkeypatch):
    monkeypatch.setitem(NOTHING_RAN, "packages", ["pytensor"])
    execute.execute(project, executor=Immediate())
    version = digest._version
    monkeypatch.setattr(digest, "_version", lambda name: "99" if name == "pytensor" else version(name))
    assert [chapter.why_stale() for chapter in execute.survey(project)] == [["package pytensor"]] * 2


@pytest.fixture
def scheduler():
    """The address of a dask scheduler without workers."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=0, dashboard_address=None) as cluster:
        yield cluster.scheduler_address


@contextmanager
def dask_worker(address, environment):
    worker = [sys.executable, "-m", "dask", "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(worker, env=environment, **quiet) as running:
        yield
        running.terminate()


def test_a_dask_scheduler_runs_chapters(small_book, scheduler):
    with dask_worker(scheduler, small_book.environment(FORETOLD_PROFILE="cpu")):
        done = small_book.run("execute", "--scheduler", scheduler)
    assert small_book.executed(done) == {"alpha", "beta"}, done.stderr


def test_a_worker_with_other_code_is_refused(small_book, scheduler, tmp_path):
    other = shutil.copytree(small_book.root / "src", tmp_path / "other")
    (other / "foretold/papers/alpha/experiment.py").write_text("def answer():\n    return 41.9\n")
    with dask_worker(scheduler, small_book.environment(PYTHONPATH=str(other))):
        done = small_book.run("execute", "--scheduler", scheduler)
    assert small_book.executed(done) == {"beta"}
    assert "are not those of the machine that asked" in done.stderr


def test_a_scheduler_that_is_not_there_is_an_error(small_book):
    done = small_book.run("execute", "--scheduler", "tcp://127.0.0.1:9")
    assert done.returncode == 2
    assert "nothing answers there" in done.stderr


# What is kept


def test_record_writes_claims_device_digest_seconds_and_memory(small_book):
    import json

    done = small_book.run("execute", "alpha", "--record", "out")
    assert done.returncode == 0, done.stderr
    result = json.loads((small_book.root / "out/alpha.smoke.cpu.json").read_text())
    assert result["claims"][0]["verdict"] == "recomputed"
    wanted = {"code_digest", "device", "driver", "versions", "seconds", "peak_memory", "commit", "seed", "profile"}
    assert wanted <= set(result)


def test_kernels_run_the_foretold_that_took_the_digest(small_book):
    """A relative PYTHONPATH means another folder to a kernel, which starts in an empty one."""
    text = "print('this very package')\n\n\ndef answer():\n    return 42.0\n"
    small_book.write("src/foretold/papers/alpha/experiment.py", text)
    done = small_book.run("execute", "alpha", PYTHONPATH="src")
    assert small_book.executed(done) == {"alpha"}, done.stderr


def test_execution_needs_no_sphinx(small_book):
    """As on a GPU machine with only the notebook packages."""
    absent = ("sphinx", "jupyter_book", "myst_nb", "rich", "distributed")
    small_book.write("src/sitecustomize.py", f"import sys\nsys.modules.update(dict.fromkeys({absent}))\n")
    done = small_book.run("execute", "alpha", "--record")
    assert small_book.executed(done) == {"alpha"}, done.stderr
    assert (small_book.root / "book/recorded/alpha.smoke.cpu.json").exists()


def test_claims_are_shown_from_the_cache(small_book):
    small_book.run("execute")
    assert re.search(r"alpha\s+answer\s+42\s+42\s+recomputed", small_book.run("claims").stdout)
    assert '"chapter": "beta"' in small_book.run("claims", "--json").stdout
    assert small_book.run("claims", "--check").returncode == 0


def test_the_check_of_claims_fails_on_a_changed_verdict_and_on_a_stale_chapter(small_book):
    small_book.edit("src/foretold/papers/alpha/experiment.py", "42.0", "43.0")
    small_book.run("execute", "alpha")
    done = small_book.run("claims", "--check")
    assert done.returncode == 1
    assert "claim 'answer' is 'not recomputed' (43), but expected is recomputed" in done.stderr
    assert "beta: out of date" in done.stderr

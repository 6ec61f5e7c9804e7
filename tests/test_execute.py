"""The execute stage: what runs, in which order, on what, and what happens when it goes wrong."""

import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from foretold.book import execute
from foretold.book.project import Project

pytestmark = pytest.mark.slow

SLOW = "import time\n\n\ndef answer():\n    time.sleep(SECONDS)\n    return 42.0\n"


def make_slow(book, name, seconds):
    book.write(f"src/foretold/papers/{name}.py", SLOW.replace("SECONDS", str(seconds)))


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
    small_book.edit("src/foretold/papers/alpha.py", "42.0", "42.25")
    assert re.search(r"alpha\s+out of date\s+papers/alpha.py\n", small_book.run("status").stdout)
    assert small_book.executed(small_book.run("execute")) == {"alpha"}


def test_a_module_that_no_notebook_imports_executes_nothing(small_book):
    small_book.run("execute")
    small_book.edit("src/foretold/book/progress.py", "import sys", "import sys  # changed")
    assert cached(small_book) == {"alpha", "beta"}


def test_prose_executes_nothing(small_book):
    small_book.run("execute")
    small_book.edit("notebooks/alpha.py", "What is asked", "What is now asked")
    assert cached(small_book) == {"alpha", "beta"}


def test_claims_and_code_cells_execute_their_chapter(small_book):
    small_book.run("execute")
    small_book.edit("src/foretold/claims/alpha.yml", "abs: 0.5", "abs: 0.6")
    small_book.edit("notebooks/beta.py", "run.report()", "run.report()  # changed")
    status = small_book.run("status").stdout
    assert re.search(r"alpha\s+out of date\s+claims/alpha.yml\n", status)
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


def test_a_failing_cell_is_named_with_its_traceback_and_the_others_finish(small_book):
    small_book.write("src/foretold/papers/alpha.py", "def answer():\n    raise RuntimeError('no answer today')\n")
    done = small_book.run("execute")
    assert done.returncode == 1
    assert "chapter 'alpha' failed in code cell 2" in done.stderr
    assert "RuntimeError: no answer today" in done.stderr
    assert small_book.executed(done) == {"beta"}
    assert cached(small_book) == {"beta"}


def test_a_chapter_that_outlasts_its_budget_is_stopped(small_book):
    make_slow(small_book, "alpha", 60)
    small_book.edit("src/foretold/claims/alpha.yml", "claims:", "budget: {smoke: 4}\nclaims:")
    began = time.monotonic()
    done = small_book.run("execute", "alpha")
    assert "longer than its budget of 4 s" in done.stderr
    assert time.monotonic() - began < 30


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

    def run_notebook(text, environment, budget, elsewhere):
        asked.append((text, environment, budget))
        return {"seconds": 1.0, "notebook": text, "failure": None}

    monkeypatch.setattr(execute, "run_notebook", run_notebook)
    return asked


class Immediate(ThreadPoolExecutor):
    """An executor that runs each job as it is submitted: the order of submission is the order of execution."""

    def submit(self, function, *arguments):
        future = Future()
        future.set_result(function(*arguments))
        return future


@pytest.fixture
def project(small_book, monkeypatch):
    monkeypatch.setenv("FORETOLD_PROFILE", "smoke")
    return Project.find(small_book.root)


def test_any_executor_will_do(project, stub):
    with ThreadPoolExecutor(2) as pool:
        outcomes = execute.execute(project, executor=pool)
    assert [outcome.status for outcome in outcomes] == ["executed", "executed"]


def test_a_worker_that_dies_fails_its_chapter_and_no_other(project, stub, monkeypatch):
    class Fragile(Immediate):
        def submit(self, function, text, *arguments):
            future = super().submit(function, text, *arguments)
            if "Chapter alpha" in text:
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
    assert ["Chapter beta" in text for text, *_ in stub] == [True, False]


def test_recorded_times_are_the_expected_ones(project, stub):
    execute.execute(project, executor=Immediate())
    assert [chapter.expected_seconds for chapter in execute.survey(project)] == [1.0, 1.0]


@pytest.mark.parametrize(("jobs", "threads"), [(1, "8"), (2, "4")])
def test_cores_are_divided_among_chapters(project, stub, monkeypatch, jobs, threads):
    monkeypatch.setattr(execute, "cores", lambda: 8)
    execute.execute(project, executor=Immediate(), jobs=jobs)
    assert {environment["OMP_NUM_THREADS"] for _, environment, _ in stub} == {threads}


def test_one_chapter_at_a_time_per_gpu(project, stub, monkeypatch):
    monkeypatch.setattr(execute, "gpus", lambda: ["0"])
    made = []
    monkeypatch.setattr(
        execute, "_local_processes", lambda workers, slots: made.append((workers, slots)) or Immediate()
    )
    execute.execute(project)
    assert made == [(1, ["0"])]


def test_no_jobs_is_an_error(project):
    with pytest.raises(ValueError, match="jobs is 0"):
        execute.execute(project, jobs=0)


def test_minutes_left_are_shared_but_no_less_than_the_longest(project):
    alpha, beta = execute.survey(project)
    alpha.expected_seconds, beta.expected_seconds = 60, 600
    running = ["alpha", "beta"]
    assert execute.Progress([alpha, beta], [], running, 0).minutes_left == 10
    assert execute.Progress([alpha, beta], [execute.Outcome(beta, "executed", 1)], running, 0).minutes_left == 1


def test_progress_names_what_runs_and_counts_the_rest(project):
    from foretold.book import progress

    beta = execute.survey(project)[1]
    said = progress.line(execute.Progress([beta], [], ["beta"], 1))
    assert said.startswith("0 of 1 chapters executed; 1 cached; running: beta; about ")


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
    (other / "foretold/papers/alpha.py").write_text("def answer():\n    return 41.9\n")
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
    assert result["claims"][0]["verdict"] == "reproduced"
    wanted = {"code_digest", "device", "driver", "versions", "seconds", "peak_memory", "commit", "seed", "profile"}
    assert wanted <= set(result)


def test_kernels_run_the_foretold_that_took_the_digest(small_book):
    """A relative PYTHONPATH means another folder to a kernel, which starts in an empty one."""
    small_book.write("src/foretold/papers/alpha.py", "print('this very package')\n\n\ndef answer():\n    return 42.0\n")
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
    assert re.search(r"alpha\s+answer\s+42\s+42\s+reproduced", small_book.run("claims").stdout)
    assert '"chapter": "beta"' in small_book.run("claims", "--json").stdout
    assert small_book.run("claims", "--check").returncode == 0


def test_the_check_of_claims_fails_on_a_changed_verdict_and_on_a_stale_chapter(small_book):
    small_book.edit("src/foretold/papers/alpha.py", "42.0", "43.0")
    small_book.run("execute", "alpha")
    done = small_book.run("claims", "--check")
    assert done.returncode == 1
    assert "claim 'answer' is 'differs' (43), but 'reproduced' is expected" in done.stderr
    assert "beta: out of date" in done.stderr

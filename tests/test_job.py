"""One chapter in a process of its own: what it may do to itself, and that it does it to nobody else."""

import contextlib
import hashlib
import os
import stat
import subprocess
import sys
import time

import nbformat
import psutil
import pytest

from foretold.book import job, observer, processes, reader, worker

pytestmark = pytest.mark.slow


@pytest.fixture
def request_for(tmp_path):
    """A function that makes a request from code cells; nothing of foretold is imported in them."""
    (tmp_path / "book/_build").mkdir(parents=True)

    def made(*cells, **more):
        text = nbformat.writes(reader.parse("\n".join(f"# %%\n{cell}\n" for cell in cells)))
        root = tmp_path / "book"
        given = {"notebook": text, "environment": {"FORETOLD_PROFILE": "smoke"}, "cpu_limit": 100.0, "patience": 100.0}
        return {**given, "root": str(root), "output": str(root / "_build"), "digest": "", **more}

    return made


@pytest.fixture
def run(request_for):
    """A function that runs code cells as a chapter."""
    return lambda *cells, **more: job.run_chapter(request_for(*cells, **more))


def printed(result):
    """What the chapter's last cell wrote."""
    assert result["failure"] is None, result["failure"]["traceback"]
    cell = nbformat.reads(result["notebook"], as_version=4).cells[-1]
    return "".join(output.text for output in cell.outputs if output.output_type == "stream").strip()


def why(result):
    assert result["notebook"] is None
    return result["failure"]["traceback"]


# Chapters that misbehave


def test_a_chapter_that_burns_cpu_is_ended_by_its_cpu_seconds(run):
    result = run("x = 1", "while True: pass", cpu_limit=8.0)
    assert "more than 8 s of CPU time" in why(result)
    assert (result["failure"]["cell"], result["failure"]["source"]) == (2, "while True: pass")
    assert 8 < result["cpu_seconds"] < 40


def test_cpu_seconds_of_children_count(run):
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"
    assert "more than 8 s of CPU time" in why(run(child, cpu_limit=8.0))


def test_a_chapter_that_waits_for_ever_is_ended_by_its_idleness(run):
    result = run("import time", "time.sleep(1000)", patience=12.0)
    assert "no CPU time for 12 s" in why(result)
    assert result["failure"]["cell"] == 2


def test_a_chapter_that_sleeps_for_a_while_is_let_be(run):
    """No limit is set by wall clock: a machine may be slow, or busy."""
    assert printed(run("import time; time.sleep(6); print('rested')", patience=30.0, cpu_limit=30.0)) == "rested"


def test_a_kernel_that_dies_fails_with_its_cell(run):
    result = run("x = 1", "import os; os.kill(os.getpid(), 9)")
    assert "The kernel died" in why(result)
    assert result["failure"]["cell"] == 2


def test_a_worker_that_is_killed_fails_with_its_cell(run):
    result = run("x = 1", "import os; os.kill(os.getppid(), 9); import time; time.sleep(60)")
    assert "ended without a result" in why(result)
    assert result["failure"]["cell"] == 2


def test_a_failing_cell_fails_with_its_traceback(run):
    result = run("1 / 0")
    assert "ZeroDivisionError: division by zero" in why(result)
    assert "\x1b" not in why(result)


def test_output_without_end_is_ended(run):
    result = run("while True: print('x' * 10_000)")
    assert f"larger than {worker.LARGEST_OUTPUT / 1e6:.0f} million characters" in why(result)


def test_output_that_did_not_arrive_is_an_error(run):
    result = run("print('one')", "get_ipython().foretold_observer.sent += 1  # as if a message had been sent and lost")
    assert "Output was lost: 2 messages were sent, 1 arrived" in why(result)


def test_much_output_arrives_whole(run):
    lines = printed(run("for i in range(3000): print(i, 'y' * 1000, flush=i % 10 == 0)")).splitlines()
    assert lines == [f"{i} {'y' * 1000}" for i in range(3000)]


def test_many_small_messages_arrive_though_zeromq_would_drop_them(run):
    lines = printed(run("for i in range(12_000): print(i, flush=True)")).splitlines()
    assert lines == [str(i) for i in range(12_000)]


def test_a_kernel_that_does_not_report_is_an_error(run):
    assert "did not report what it ran" in why(run("del get_ipython().foretold_observer"))


def test_children_end_with_the_chapter_whatever_session_they_begin(run):
    child = "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)"
    pid = int(printed(run(f"import subprocess, sys\nprint({child}.pid)")))
    assert not psutil.pid_exists(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only there can a process adopt orphans")
def test_an_orphan_without_environment_ends_too(run):
    sleep = "Popen(['sleep', '600'], start_new_session=True, stdout=DEVNULL, stderr=DEVNULL)"
    orphan = f"from subprocess import *; print({sleep}.pid)"
    between = f"subprocess.run(['env', '-i', sys.executable, '-c', {orphan!r}], capture_output=True, text=True)"
    pid = int(printed(run(f"import subprocess, sys\nprint({between}.stdout)")))
    assert not psutil.pid_exists(pid)


def test_nothing_is_left_in_the_temporary_folder(run, tmp_path, monkeypatch):
    place = tmp_path / "t"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    run("open('left', 'w').write('x')")
    assert list(place.iterdir()) == []


def test_stopping_ends_all_that_runs_and_begins_no_more(request_for):
    local = job.Local(1)
    first, second = (local.submit(job.run_chapter, request_for("import time; time.sleep(600)")) for _ in range(2))
    while not list(worker_processes()):
        time.sleep(0.1)
    began = time.monotonic()
    local.stop()
    assert time.monotonic() - began < 15
    assert why(first.result()) == "Interrupted."
    assert second.cancelled()
    assert not list(worker_processes())


def worker_processes():
    """Workers that this process has started."""
    return [p for p in psutil.Process().children() if "foretold.book.worker" in " ".join(p.cmdline())]


# What a chapter gets, and what it does not


def test_the_kernel_is_this_python_whatever_kernelspec_is_registered(run, tmp_path, monkeypatch):
    specs = tmp_path / "jupyter/kernels/python3"
    specs.mkdir(parents=True)
    (specs / "kernel.json").write_text('{"argv": ["/bin/false"], "display_name": "Other", "language": "python"}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    assert printed(run("import sys; print(sys.executable)")) == sys.executable


def test_a_long_temporary_folder_is_long_enough_for_sockets(run, tmp_path, monkeypatch):
    place = tmp_path / ("t" * 120)
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    assert printed(run("print('spoken')")) == "spoken"


@pytest.mark.skipif(sys.platform == "win32", reason="sockets have names on Unix")
def test_sockets_are_for_this_user_alone(run):
    mode = printed(run("import os; print(oct(os.stat('..').st_mode))"))
    assert stat.S_IMODE(int(mode, 8)) & 0o777 == 0o700


def test_secrets_of_the_environment_stay_outside(run, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "secret")
    monkeypatch.setenv("PYTHONSTARTUP", "x.py")
    monkeypatch.setenv("FORETOLD_DATA", "/data")
    seen = printed(run("import os; print(os.environ.get('MY_TOKEN'), os.environ.get('PYTHONSTARTUP'), "
                       "os.environ.get('FORETOLD_DATA'))"))  # fmt: skip
    assert seen == "None None /data"


def test_the_user_s_own_ipython_startup_files_do_not_run(run, tmp_path, monkeypatch):
    startup = tmp_path / "home/.ipython/profile_default/startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("import builtins; builtins.foreign = True")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert printed(run("import builtins; print(hasattr(builtins, 'foreign'))")) == "False"


def test_the_user_s_own_matplotlibrc_is_not_read(run, tmp_path, monkeypatch):
    (tmp_path / "home/.config/matplotlib").mkdir(parents=True)
    (tmp_path / "home/.config/matplotlib/matplotlibrc").write_text("lines.linewidth: 7\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert printed(run("import matplotlib; print(matplotlib.rcParams['lines.linewidth'])")) == "1.5"


# What a kernel reports


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """A module that lies beside the package, and a file in the book's folder."""
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside/mytools.py").write_text("answer = 42\n")
    (tmp_path / "book").mkdir(exist_ok=True)
    (tmp_path / "book/numbers.csv").write_text("a,b\n1,2\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "beside"))
    return tmp_path


def test_modules_and_files_are_reported_with_what_they_held(request_for, tools):
    path = tools / "book/numbers.csv"
    by_name = "import importlib\nimportlib.import_module('my' + 'tools')"
    ran = job.run_chapter(request_for(by_name, f"open({str(path)!r}).read()"))["ran"]
    assert set(ran["files"]) == {f"file {tools / 'beside/mytools.py'}", "file numbers.csv"}
    assert ran["files"]["file numbers.csv"] == hashlib.sha256(path.read_bytes()).hexdigest()[:32]


def test_packages_behind_packages_are_reported_and_the_kernel_s_own_are_not(run):
    ran = run("import seaborn")["ran"]
    assert {"seaborn", "matplotlib", "numpy", "pandas", "cycler"} <= set(ran["packages"])
    assert not {"ipykernel", "zmq", "IPython"} & set(ran["packages"])
    assert ran["python"] == sys.version


def test_a_file_that_was_looked_for_in_vain_is_reported_as_absent(request_for, tools):
    look = f"try:\n    open({str(tools / 'book/later.csv')!r})\nexcept FileNotFoundError:\n    pass"
    ran = job.run_chapter(request_for(look))["ran"]
    assert ran["files"] == {"file later.csv": "absent"}


def test_a_folder_of_installed_packages_on_the_path_is_a_library(request_for, tmp_path, monkeypatch):
    """As on a machine without a network, where `pip install --target .site` has put them into the book's folder."""
    site = tmp_path / "book/.site"
    (site / "brought-1.0.dist-info").mkdir(parents=True)
    (site / "brought.py").write_text("x = 1\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    ran = job.run_chapter(request_for("import brought"))["ran"]
    assert ran["files"] == {}
    assert "brought" in ran["packages"]


def test_a_file_that_changes_between_two_readings_is_reported_as_changed(request_for, tools):
    path = str(tools / "book/numbers.csv")
    read, write = f"open({path!r}).read()", f"open({path!r}, 'w').write('other')"
    ran = job.run_chapter(request_for(read, write, read))["ran"]
    assert ran["files"]["file numbers.csv"] == observer.CHANGED


def test_an_edit_that_keeps_size_and_time_is_what_runs(request_for, tools):
    """Python finds bytecode by a source's time and size; the kernel compiles what the file holds."""
    module = tools / "beside/mytools.py"
    ask = request_for("import mytools; print(mytools.answer)")
    subprocess.run([sys.executable, "-c", "import mytools"], env={**os.environ, "PYTHONPATH": str(module.parent)})
    before = module.stat()
    module.write_text("answer = 43\n")
    os.utime(module, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert printed(job.run_chapter(ask)) == "43"


# Processes


def test_cpu_seconds_of_a_process_that_is_gone_are_none():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert processes.cpu_seconds(gone.pid) == 0.0


def test_only_processes_with_the_mark_end():
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    with contextlib.ExitStack() as ended:
        mine = subprocess.Popen(sleep, env={**os.environ, processes.MARK: "mine"})
        other = subprocess.Popen(sleep, env={**os.environ, processes.MARK: "other"})
        ended.callback(other.kill)
        processes.end("mine")
        assert not psutil.pid_exists(mine.pid)
        assert other.poll() is None
    other.wait()

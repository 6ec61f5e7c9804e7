"""One process for one chapter: ``python -m foretold.book.worker FOLDER`` runs the notebook that FOLDER holds in a
kernel of its own, and leaves there what came of it.

`foretold.book.job` starts it, watches it and ends it. The folder is private and short-lived: ``request.json`` is read,
``cell`` names the code cell that runs, ``result.json`` is written at the end.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from traitlets.config import Config

from foretold.book import meaning, observer, processes

ANSI = re.compile(r"\x1b\[[0-9;]*m")
LARGEST_OUTPUT = 20_000_000  # characters of output of one chapter; the largest of the book has 2 million
IOPUB_SECONDS = 120  # for output that is still on its way when its cell has ended; after that it is lost: an error
UNREPORTED = "The kernel did not report what it ran; the result is not kept."
WATCH = "foretold_watch"  # the package in which the observer lies in the kernel
SOCKETS = "kernel.json"  # beside it lie the sockets, "kernel-ipc-1" to "kernel-ipc-5"
ASK = f"get_ipython().display_pub.publish({{{observer.MIME!r}: get_ipython().foretold_observer.report()}})"


class TooMuchOutput(SystemExit):
    """A chapter printed more than a page can hold. A SystemExit, because only that ends a running event loop."""


class Kernel(AsyncKernelManager):
    """A kernel of this very Python: a kernelspec on JUPYTER_PATH may name any other program."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """What is started."""
        words = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        words.append(f"--IPKernelApp.extensions={WATCH}.observer")
        return KernelSpec(argv=words, display_name="Python 3", language="python")


class Client(NotebookClient):
    """Runs the cells; counts what arrives, and stops what prints without end."""

    received = 0
    size = 0

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """As nbclient does, after counting."""
        if msg["msg_type"] in observer.OUTPUTS:
            self.received += 1
            self.size += len(str(msg["content"]))
            if self.size > LARGEST_OUTPUT:
                raise TooMuchOutput
        return super().process_message(msg, cell, cell_index)


def run(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Run the notebook and return plain values: ``notebook`` (text), ``ran`` (what the kernel reports), ``failure``
    (None, or ``cell``, ``source``, ``traceback``)."""
    notebook = nbformat.reads(request["notebook"], as_version=4)
    code = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    notebook.cells.append(nbformat.v4.new_code_cell(ASK))
    current, asking = code[0] if code else 0, False

    def starts(cell: NotebookNode, cell_index: int) -> None:
        nonlocal current, asking
        asking = cell_index not in code
        if not asking:
            current = cell_index
            (folder / "cell").write_text(str(code.index(current) + 1))

    def failed(why: str) -> dict[str, Any]:
        number, source = (code.index(current) + 1, notebook.cells[current].source) if code else (0, "")
        failure = {"cell": number, "source": source, "traceback": why}
        return {"notebook": None, "ran": None, "failure": failure}

    client = _client(notebook, folder, starts)
    try:
        client.execute(env=_kernel_environment(request, folder))
    except CellExecutionError as error:
        return failed(UNREPORTED if asking else _traceback(notebook.cells[current]) or str(error))
    except CellTimeoutError:
        return failed(f"Output of the cell had not arrived {IOPUB_SECONDS} s after it ended; the result is not kept.")
    except DeadKernelError:
        return failed("The kernel died (killed for memory, perhaps).")
    except TooMuchOutput:
        return failed(f"The chapter's output is larger than {LARGEST_OUTPUT / 1e6:.0f} million characters.")
    asked = notebook.cells.pop()
    told = [output.get("data", {}).get(observer.MIME) for output in asked.outputs]
    ran = next(filter(None, told), None)
    if ran is None:
        return failed(UNREPORTED)
    if ran["sent"] != client.received - 1:  # the report itself is not in its own count
        return failed(f"Output was lost: {ran['sent']} messages were sent, {client.received - 1} arrived.")
    return {"notebook": nbformat.writes(notebook), "ran": ran, "failure": None}


def _traceback(cell: NotebookNode) -> str:
    """What IPython shows of the error that a cell has raised, without its colours."""
    errors = [output for output in cell.outputs if output.output_type == "error"]
    return ANSI.sub("", "\n".join(line for error in errors for line in error.traceback))


def _client(notebook: NotebookNode, folder: Path, starts: Any) -> Client:
    work = folder / "work"
    work.mkdir()
    # Sockets in the file system rather than on TCP ports, which other users of the machine can reach.
    private = {"transport": "ipc", "connection_file": str(folder / SOCKETS)}
    return Client(
        notebook,
        resources={"metadata": {"path": str(work)}},
        kernel_manager_class=Kernel,
        kernel_name="python3",
        config=Config() if sys.platform == "win32" else Config(KernelManager=private),
        timeout=None,  # `job` watches the CPU seconds
        startup_timeout=600,  # a busy machine
        iopub_timeout=IOPUB_SECONDS,
        raise_on_iopub_timeout=True,
        record_timing=False,
        on_cell_execute=starts,
    )


def _kernel_environment(request: dict[str, Any], folder: Path) -> dict[str, str]:
    """The kernel's variables: the worker's own, which are an allow-list, with private folders for IPython and the
    observer alone beside the modules of foretold."""
    own = folder / "extension"
    (own / WATCH).mkdir(parents=True)
    (own / WATCH / "__init__.py").touch()
    for module in (observer, meaning):
        shutil.copy(module.__file__, own / WATCH)
    (folder / "ipython").mkdir()
    (folder / "matplotlibrc").touch()
    path = os.pathsep.join([str(own), os.environ["PYTHONPATH"]])
    observe = request["observe"]
    return {
        **os.environ,
        "PYTHONPATH": path,
        "IPYTHONDIR": str(folder / "ipython"),
        "MATPLOTLIBRC": str(folder / "matplotlibrc"),  # empty: a page must not depend on its builder's taste
        "PYTENSORRC": str(folder / "pytensorrc"),
        "FORETOLD_OBSERVE": json.dumps(observe),
    }


def _end_with_parent(folder: Path) -> None:
    """Whoever started this process holds its standard input open. When that ends, so does everything here."""
    sys.stdin.buffer.read()
    processes.end(os.environ[processes.MARK], os.getpid())
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def main(folder: Path) -> None:
    """Run what `folder` asks for."""
    processes.adopt_orphans()
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    result = run(json.loads((folder / "request.json").read_text(encoding="utf-8")), folder)
    partial = folder / "result.part"
    partial.write_text(json.dumps(result), encoding="utf-8")
    partial.rename(folder / "result.json")
    processes.end(os.environ[processes.MARK], os.getpid())  # a kernel that prints without end, children of the chapter
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Notes, inside a kernel, what really runs there: modules as they are loaded, files as they are opened, messages sent.

IPython loads this file as an extension before the first cell. In the kernel it stands alone with `meaning`, and imports
nothing of foretold, so that it is there before the first module of foretold is. `report` is asked for after the last
cell.
"""

import importlib.machinery
import json
import os
import site
import sys
import sysconfig
import threading

from . import meaning  # relative: in the kernel both lie in a package of another name

MIME = "application/vnd.foretold.ran+json"
OUTPUTS = {"stream", "display_data", "execute_result", "error", "update_display_data", "clear_output"}
CHANGED = "changed while the chapter ran"
ABSENT = "absent"
# Who opens a module's source to run it, or to show it. Whoever else does takes it for data.
READERS = {"importlib._bootstrap_external", "_frozen_importlib_external", "linecache", "tokenize", __name__}


class Observer:
    """What one kernel has loaded, opened and sent so far. Files count where they lie in one of `folders` and in none of
    `ignored`; the libraries of this Python are told by the versions of their packages instead. The first of `folders`,
    foretold's own, counts even among the libraries."""

    def __init__(self, folders, ignored):
        libraries = {path for name, path in sysconfig.get_paths().items() if name.endswith(("lib", "stdlib"))}
        libraries.update(site.getsitepackages(), [site.getusersitepackages()])
        self.folders = tuple(_prefix(path) for path in folders)
        self.libraries = tuple(_prefix(path) for path in libraries)
        self.ignored = tuple(_prefix(path) for path in ignored)
        self.files = {}  # path -> hash of what was read there means, or CHANGED
        self.texts = {}  # path of a module -> hash of its text, or CHANGED
        self.read = set()  # paths of modules that somebody took for data
        self.sent = 0
        self.before = set(sys.modules)
        self._busy = threading.local()

    def is_source(self, path):
        """Whether a file is one whose content counts."""
        path = os.path.abspath(path)
        own, outside = path.startswith(self.folders[0]), path.startswith((*self.libraries, *self.ignored))
        return own or (path.startswith(self.folders) and not outside)

    def note(self, path, content):
        """Remember what a file held when it was read; a second reading must find the same."""
        path = os.path.abspath(path)
        _keep(self.files, path, meaning.of_file(path, content))
        if path.endswith(meaning.MODULES):
            _keep(self.texts, path, meaning.of_text(content))

    def hook(self, event, arguments):
        """An audit hook: notes each file that is opened for reading."""
        if event != "open" or getattr(self._busy, "yes", False):
            return
        path, _, flags = arguments
        if not isinstance(path, str | bytes | os.PathLike) or (flags or 0) & (os.O_WRONLY | os.O_RDWR):
            return
        path = os.path.abspath(os.fsdecode(path))
        if not self.is_source(path):
            return
        if not os.path.exists(path):
            self.files.setdefault(path, ABSENT)  # whoever opens it may do something else then, and not if it were there
        elif os.path.isfile(path):
            self._busy.yes = True
            if path.endswith(".py") and sys._getframe(1).f_globals.get("__name__") not in READERS:
                self.read.add(path)
            try:
                with open(path, "rb") as file:
                    self.note(path, file.read())
            except OSError:
                pass  # whoever opens it will be told
            finally:
                self._busy.yes = False

    def count(self, send):
        """`Session.send`, counting what a page should show: messages can be lost between kernel and client."""

        def counting(session, stream, message, *arguments, **more):
            kind = message if isinstance(message, str) else (message or {}).get("header", {}).get("msg_type")
            self.sent += kind in OUTPUTS
            return send(session, stream, message, *arguments, **more)

        return counting

    def report(self):
        """All of it, JSON-ready: ``files`` by what they mean, the ``texts`` of modules, modules that were ``read`` as
        data; top-level names of installed ``packages`` whose modules were loaded, names of ``data`` sets that were
        looked up, the exact ``python``, and the number of messages ``sent``."""
        sys.stdout.flush()
        sys.stderr.flush()
        loaded = [(name, getattr(sys.modules[name], "__file__", None)) for name in set(sys.modules) - self.before]
        libraries = {name.partition(".")[0] for name, path in loaded if path and not self.is_source(path)}
        libraries -= {name.partition(".")[0] for name in self.before}  # the kernel's own, which it loads more of later
        asked = getattr(sys.modules.get("foretold.data"), "asked", ())
        return {
            "files": self.files,
            "texts": self.texts,
            "read": sorted(self.read),
            "packages": sorted(libraries - sys.stdlib_module_names),
            "data": sorted(asked),
            "python": sys.version,
            "sent": self.sent,
        }


class Loader(importlib.machinery.SourceFileLoader):
    """Loads a module from its source, and notes that source. Bytecode is found by a file's time and size alone, so an
    edit that keeps both would run the old code."""

    observer = None

    def get_code(self, fullname):
        """Compile what the file holds now."""
        source = self.get_data(self.path)
        self.observer.note(self.path, source)
        return self.source_to_code(source, self.path)


class Finder:
    """Gives the modules of a checkout the `Loader` above; all others stay with Python's own."""

    def __init__(self, observer):
        self.observer = observer

    def find_spec(self, fullname, path=None, target=None):
        """As `importlib.abc.MetaPathFinder.find_spec`."""
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        source = spec is not None and type(spec.loader) is importlib.machinery.SourceFileLoader
        if source and self.observer.is_source(spec.origin):
            spec.loader = Loader(fullname, spec.origin)
            spec.loader.observer = self.observer
            return spec
        return None


def _keep(found, path, value):
    found[path] = value if found.get(path, value) == value else CHANGED


def _prefix(path):
    return os.path.join(os.path.abspath(path), "")


def load_ipython_extension(shell):
    """Begin to observe: ``FORETOLD_OBSERVE`` says which folders count, as JSON. From now on the kernel waits for the
    client where it would drop messages, as ZeroMQ does when a thousand of them are on their way."""
    import zmq
    from jupyter_client.session import Session

    published = shell.kernel.iopub_thread
    published.schedule(lambda: published.socket.setsockopt(zmq.XPUB_NODROP, 1))

    observer = Observer(**json.loads(os.environ["FORETOLD_OBSERVE"]))
    Session.send = observer.count(Session.send)
    sys.meta_path.insert(0, Finder(observer))
    sys.addaudithook(observer.hook)
    shell.foretold_observer = observer

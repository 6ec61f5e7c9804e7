"""One run of one chapter: its profile, device, randomness, sections and claims. A notebook begins with ``run =
foretold.start("coins")``."""

from __future__ import annotations

import ctypes
import hashlib
import html
import importlib.metadata
import inspect
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from foretold import claims, figures
from foretold.claims import PROFILES

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
SEED = 20260801
STAMP_MIME = "application/vnd.foretold.stamp+json"
STATED_SPEED = 0.5  # seconds that `loop_seconds` gives on the machine whose minutes the claims files state
REPORTED_PACKAGES = ("foretold", "numpy", "scipy", "pandas", "torch", "pymc", "bambi", "transformers")


@lru_cache
def device_class() -> str:
    """``"cpu"``, or the CUDA compute capability of the first GPU, for example ``"cuda-9.0"``.

    Importing torch takes seconds, and most machines have no GPU: so the driver's own library is asked first.
    """
    library = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(library)
    except OSError:
        return "cpu"
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0 or count.value == 0:
        return "cpu"
    try:
        import torch
    except ImportError:  # a chapter that needs no networks, installed without them
        return "cpu"
    if not torch.cuda.is_available():
        return "cpu"
    return "cuda-{}.{}".format(*torch.cuda.get_device_capability())


def default_profile() -> str:
    """The profile of this process: ``FORETOLD_PROFILE`` if it is set, else ``gpu`` with CUDA and ``cpu`` without.
    Unknown values are a ValueError."""
    asked = os.environ.get("FORETOLD_PROFILE")
    if asked:
        return claims.one_of("profile (FORETOLD_PROFILE)", asked, PROFILES)
    return "gpu" if device_class() != "cpu" else "cpu"


def start(chapter: str, *, profile: str | None = None, seed: int = SEED) -> Run:
    """Begin a run of a chapter: set the figures' theme, print profile, device, seed, expected minutes and versions, and
    return the `Run`.

    Raises ValueError for an unknown chapter or profile (with the nearest name) and for a negative seed.
    """
    run = Run(chapter, profile=profile, seed=seed)
    figures.use_theme()
    print(run.header())
    return run


class Run:
    """What a chapter holds while it runs. Use `start` to make one."""

    def __init__(self, chapter: str, *, profile: str | None = None, seed: int = SEED) -> None:
        self._contents = claims.load(chapter)
        self.chapter = chapter
        self.profile = default_profile() if profile is None else claims.one_of("profile", profile, PROFILES)
        if not isinstance(seed, int) or seed < 0:
            raise ValueError(f"seed is {seed!r}; allowed is an integer >= 0")
        self.seed = seed
        self.ledger = claims.Ledger(self._contents, self.profile)
        self.sections: list[tuple[str, float]] = []
        self._began = time.perf_counter()

    def header(self) -> str:
        """Profile, device, seed, expected minutes, versions, and how fast this machine is, on three lines."""
        minutes = self._contents.minutes.get(self.profile)
        took = f"about {minutes:g} min" if minutes is not None else "no expected time"
        speed = f"{STATED_SPEED:g} s to count to 20 million in Python; here it takes {loop_seconds():.1f} s"
        versions = ", ".join(f"{name} {version}" for name, version in package_versions().items())
        return (
            f"foretold: {self.chapter}, profile {self.profile}, device {device_class()}, seed {self.seed}, {took}\n"
            f"Python {platform.python_version()}; {versions}\n"
            f"Minutes are those of two idle cores that need {speed}"
        )

    def pick(self, *, smoke: T, cpu: T, gpu: T) -> T:
        """The value for this run's profile: the same code runs in all profiles, and only sizes differ."""
        return {"smoke": smoke, "cpu": cpu, "gpu": gpu}[self.profile]

    @cached_property
    def device(self) -> torch.device:
        """The device for models and tensors: the first GPU if there is one, else the CPU."""
        import torch

        return torch.device("cpu" if device_class() == "cpu" else "cuda")

    def _stream(self, stream: str) -> list[int]:
        # A stream's name is hashed, not counted: adding a new stream to a chapter leaves the numbers of the others as
        # they were.
        return [self.seed, int.from_bytes(hashlib.sha256(f"{self.chapter}/{stream}".encode()).digest()[:8], "big")]

    def rng(self, stream: str = "") -> np.random.Generator:
        """A fresh NumPy generator for a named stream; the same name gives the same numbers."""
        return np.random.default_rng(self._stream(stream))

    def torch_generator(self, stream: str = "", device: str | torch.device = "cpu") -> torch.Generator:
        """A fresh torch generator for a named stream, on `device`."""
        import torch

        seed = int(np.random.SeedSequence(self._stream(stream)).generate_state(1, np.uint64)[0] >> 1)
        return torch.Generator(device=device).manual_seed(seed)

    @contextmanager
    def section(self, title: str) -> Iterator[None]:
        """Time a part of the chapter; its seconds stand in the chapter's foot."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.sections.append((title, time.perf_counter() - began))

    def show(self, *objects: Callable[..., Any] | type) -> None:
        """Display the source code of functions or classes: what a reader sees is what runs."""
        from IPython.display import Code, display

        for thing in objects:
            display(Code(inspect.getsource(thing), language="python"))

    def claim(self, claim_id: str, estimate: Any, interval: Sequence[float] | None = None) -> claims.Judgement:
        """Record what was measured for a claim, judge it against ``papers/<chapter>/claims.yml`` and show one row. See
        `claims.judge` for the errors."""
        judgement = self.ledger.add(claim_id, estimate, interval)
        record = judgement.record()
        stated = (
            record["paper_text"]
            if judgement.claim.source == "paper"
            else f"{record['paper_text']} ({judgement.claim.source})"
        )
        compared = f"stated {stated}; here {record['here_text']}"
        _display(
            f"<p>{claims.badge(record)} <strong>{claim_id}</strong>: {html.escape(compared)}</p>",
            f"{claim_id}: {compared} -> {judgement.verdict}",
        )
        return judgement

    def report(self) -> None:
        """Show the chapter's table of claims and put the ledger into the notebook's output. Raises ValueError if a
        claim was never measured."""
        missing = self.ledger.missing()
        if missing:
            raise ValueError(f"chapter {self.chapter!r}: these claims were never measured: {', '.join(missing)}")
        records = self.ledger.records()
        caption = f"The paper's claims, measured again at profile {self.profile}"
        _display(claims.rows_html(records, caption), claims.rows_text(records), {claims.MIME: self._bundle(records)})

    def _bundle(self, records: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "schema": 1,
            "chapter": self.chapter,
            "title": self._contents.title,
            "profile": self.profile,
            "claims": records,
            **self.provenance(),
        }

    def provenance(self) -> dict[str, Any]:
        """Device, driver, seed, versions, commit, seconds so far (in all, per section) and peak memory in bytes:
        JSON-ready."""
        return {
            "device": device_name(),
            "device_class": device_class(),
            "driver": driver_version(),
            "loop_seconds": round(loop_seconds(), 2),
            "seed": self.seed,
            "python": platform.python_version(),
            "versions": package_versions(),
            "commit": commit(),
            "seconds": round(time.perf_counter() - self._began, 2),
            "sections": [{"title": title, "seconds": round(seconds, 2)} for title, seconds in self.sections],
            "peak_memory": peak_memory(),
        }

    def stamp(self) -> None:
        """Show the chapter's foot: where, when and with what these numbers were made. The last cell of a chapter."""
        made = self.provenance()
        memory = ", ".join(f"{where} {size / 2**30:.2f} GiB" for where, size in made["peak_memory"].items())
        rows = {
            "profile": f"{self.profile}, seed {self.seed}",
            "device": made["device"] + (f", driver {made['driver']}" if made["driver"] else ""),
            "seconds": f"{made['seconds']:.1f} in all; "
            + "; ".join(f"{s['title']} {s['seconds']:.1f}" for s in made["sections"]),
            "speed": f"to count to 20 million in Python takes this processor {made['loop_seconds']:.1f} s",
            "peak memory": memory or "not known on this platform",
            "versions": f"Python {made['python']}; "
            + ", ".join(f"{name} {version}" for name, version in made["versions"].items()),
            "commit": made["commit"],
        }
        body = "".join(f"<tr><th scope='row'>{name}</th><td>{text}</td></tr>" for name, text in rows.items())
        title = "How the numbers on this page were made"
        table = f"<table class='foretold-stamp'><caption>{title}</caption><tbody>{body}</tbody></table>"
        text = "\n".join(f"{name}: {value}" for name, value in rows.items())
        _display(claims.scroll_box(title, table), text, {STAMP_MIME: made})


def _display(markup: str, text: str, extra: dict[str, Any] | None = None) -> None:
    from IPython.display import display

    # Through JSON and back, so that numpy scalars or tuples fail here, in the cell that made them, and not when the
    # notebook is saved.
    extra = json.loads(json.dumps(extra or {}, allow_nan=False))
    display({"text/html": markup, "text/plain": text, **extra}, raw=True)


@lru_cache
def package_versions() -> dict[str, str]:
    """Versions of the packages whose numbers could differ between versions, those that are installed."""
    found = {}
    for name in REPORTED_PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@lru_cache
def device_name() -> str:
    """The device's name as its maker gives it: the GPU's, or the processor's and the number of usable cores."""
    if device_class() != "cpu":
        import torch

        return f"{torch.cuda.get_device_name()} (compute capability {device_class().removeprefix('cuda-')})"
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    return f"{model}, {cores()} cores"


def cores() -> int:
    """Cores that this process may use, by its affinity and by the quota of its container."""
    import joblib

    return joblib.cpu_count()


@lru_cache
def loop_seconds() -> float:
    """CPU seconds that this processor needs to count to 20 million in a Python loop: a measure of its speed that hardly
    depends on what else it does. A twentieth is counted, five times, and the fastest taken."""

    def once() -> float:
        began, steps = time.process_time(), 0
        while steps < 1_000_000:
            steps += 1
        return time.process_time() - began

    return 20 * min(once() for _ in range(5))


@lru_cache
def driver_version() -> str | None:
    """The NVIDIA driver's version, or None without a GPU."""
    if device_class() == "cpu":
        return None
    try:
        asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        return (
            subprocess.run(asked, capture_output=True, text=True, timeout=20, check=True).stdout.splitlines()[0].strip()
        )
    except (OSError, subprocess.SubprocessError, IndexError):
        return "unknown"


@lru_cache
def commit() -> str:
    """The git commit of the foretold that runs: of the clone it lies in (marked where files were changed since), or of
    the address pip installed it from."""
    folder = Path(__file__).parent.parent

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=folder, capture_output=True, text=True, timeout=20, check=True
        ).stdout.strip()

    try:
        # A clone of some other project may lie around an installed foretold.
        git("ls-files", "--error-unmatch", "__init__.py")
        changed = git("status", "--porcelain", "--", ".", ":/notebooks")  # what can move a number
        return git("rev-parse", "--short=12", "HEAD") + (" with uncommitted changes" if changed else "")
    except (OSError, subprocess.SubprocessError):
        pass
    try:
        origin = json.loads(importlib.metadata.distribution("foretold").read_text("direct_url.json") or "{}")
        return origin.get("vcs_info", {}).get("commit_id", "")[:12] or "not known (installed from a package)"
    except importlib.metadata.PackageNotFoundError:
        return "not known"


def peak_memory() -> dict[str, int]:
    """Largest memory of this process so far in bytes: ``"process"`` (resident), and ``"gpu"`` (allocated by torch)
    where torch has used one."""
    peak = {}
    try:
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        peak["process"] = used if sys.platform == "darwin" else used * 1024
    except ImportError:  # Windows
        pass
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        peak["gpu"] = torch.cuda.max_memory_allocated()
    return peak

"""The machine that a chapter runs on: its device, its speed, its memory."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys
import time
from functools import lru_cache
from pathlib import Path

STATED_SPEED = 0.5  # seconds that `loop_seconds` gives on the machine whose minutes the claims files state


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
        said = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=True)
        return said.stdout.splitlines()[0].strip()
    except (OSError, subprocess.SubprocessError, IndexError):
        return "unknown"


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

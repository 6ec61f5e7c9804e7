"""Executed chapters on disk: whole and checked, or out of date."""

import errno
import hashlib
import json
import os

import nbformat
import pytest

from foretold.book import store

DIGEST, OTHER = "a" * 32, "b" * 32
LEDGER = {"chapter": "alpha", "profile": "cpu", "claims": [{"id": "answer", "estimate": 42.0}]}


def head(chapter="alpha", digest=DIGEST, profile="cpu", finished="2026-11-27T10:00:00+00:00"):
    return store.Head(chapter, digest, "t", "n", profile, {"notebook code": "1"}, "c", {}, {}, 12.5, 20.0, finished)


def notebook(source="6 * 7", text="42"):
    made = nbformat.v4.new_notebook()
    made.cells = [nbformat.v4.new_code_cell(source, outputs=[nbformat.v4.new_output("stream", text=text)])]
    return made


@pytest.fixture
def kept(tmp_path):
    """A store that holds one execution."""
    store.write(tmp_path, head(), notebook(), LEDGER)
    return tmp_path


@pytest.fixture
def file(kept):
    return kept / f"alpha.{DIGEST}.json"


def test_what_was_written_is_read(kept):
    entry = store.read(kept, "alpha", DIGEST)
    assert entry.head == head()
    assert entry.ledger == LEDGER
    assert entry.notebook.cells[0].outputs[0].text == "42"


def test_another_digest_or_chapter_is_not_there(kept):
    assert store.read(kept, "alpha", OTHER) is None
    assert store.read(kept, "beta", DIGEST) is None


DAMAGES = {
    "empty": lambda content: b"",
    "cut in half": lambda content: content[: len(content) // 2],
    "its last byte lost": lambda content: content[:-1],
    "zeros": lambda content: bytes(len(content)),
    "not UTF-8": lambda content: content[:80] + b"\xff" + content[81:],
    "a list": lambda content: b"[]",
    "an object": lambda content: b"{}",
    "one number edited": lambda content: content.replace(b'"estimate": 42.0', b'"estimate": 62.0'),
    "its checksum lost": lambda content: content.partition(b"\n")[2],
    "from a newer version": lambda content: _checked(b'{"schema": 9}\n{}\n{}\n'),
    "a line too many": lambda content: _checked(content.partition(b"\n")[2] + b"{}\n"),
}


def _checked(content):
    return hashlib.sha256(content).hexdigest().encode() + b"\n" + content


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_counts_as_not_there(kept, file, damage):
    before = file.read_bytes()
    file.write_bytes(DAMAGES[damage](before))
    assert file.read_bytes() != before
    assert store.read(kept, "alpha", DIGEST) is None
    assert store.newest(kept, "alpha") == []


def test_a_folder_in_its_place_counts_as_not_there(kept, file):
    file.unlink()
    file.mkdir()
    assert store.read(kept, "alpha", DIGEST) is None


def test_a_pipe_in_its_place_counts_as_not_there(kept, file):
    file.unlink()
    os.mkfifo(file)
    assert store.read(kept, "alpha", DIGEST) is None


def test_another_chapter_s_file_under_this_name_counts_as_not_there(kept, file):
    store.write(kept, head("beta", OTHER), notebook(), LEDGER)
    file.write_bytes((kept / f"beta.{OTHER}.json").read_bytes())
    assert store.read(kept, "alpha", DIGEST) is None


def test_a_damaged_file_is_set_aside_when_its_place_is_needed(kept, file):
    file.write_bytes(b"damaged")
    store.write(kept, head(), notebook(), LEDGER)
    assert store.read(kept, "alpha", DIGEST) is not None
    assert file.with_suffix(".damaged").read_bytes() == b"damaged"


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(kept, file, monkeypatch):
    before = file.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.write(kept, head(), notebook(text="43"), LEDGER)
    assert list(kept.iterdir()) == [file]
    assert file.read_bytes() == before


def test_a_file_half_written_by_a_killed_build_is_no_execution(kept, file):
    (kept / ".alpha.0123.part").write_bytes(file.read_bytes()[:100])
    assert [entry.head.digest for entry in store.newest(kept, "alpha")] == [DIGEST]


def test_reading_writes_nothing(kept, file):
    file.write_bytes(b"damaged")
    before = [(path, path.stat().st_mtime_ns, path.read_bytes()) for path in kept.iterdir()]
    store.read(kept, "alpha", DIGEST)
    store.newest(kept, "alpha")
    assert [(path, path.stat().st_mtime_ns, path.read_bytes()) for path in kept.iterdir()] == before


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    assert store.newest(tmp_path / "nowhere", "alpha") == []


def test_the_newest_comes_first_and_the_oldest_of_a_profile_go(tmp_path):
    store.write(
        tmp_path, head(digest="f" * 32, profile="gpu", finished="2025-01-01T00:00:00+00:00"), notebook(), LEDGER
    )
    for number in range(store.KEPT + 2):
        finished = f"2026-11-{number + 1:02d}T10:00:00+00:00"
        store.write(tmp_path, head(digest=f"{number:032x}", finished=finished), notebook(), LEDGER)
    found = [entry.head for entry in store.newest(tmp_path, "alpha")]
    assert [entry.finished[8:10] for entry in found if entry.profile == "cpu"] == ["08", "07", "06", "05", "04", "03"]
    assert [entry.profile for entry in found].count("gpu") == 1


def test_chapters_whose_names_begin_alike_are_apart(tmp_path):
    store.write(tmp_path, head("alpha"), notebook(), LEDGER)
    store.write(tmp_path, head("alpha_two", OTHER), notebook(), LEDGER)
    assert [entry.head.chapter for entry in store.newest(tmp_path, "alpha")] == ["alpha"]


def test_everybody_may_read_it(file):
    assert oct(file.stat().st_mode & 0o444) == oct(0o444 & ~_umask())


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_the_file_is_lines_that_a_person_can_look_at(file):
    checksum, first, second, third, end = file.read_text(encoding="utf-8").split("\n")
    assert len(checksum) == 64
    assert json.loads(first)["chapter"] == "alpha"
    assert json.loads(second) == LEDGER
    assert json.loads(third)["cells"][0]["source"] == "6 * 7"
    assert end == ""

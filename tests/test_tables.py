"""Tables of this project's own measurements: which code made them, and whether it would make the same today."""

import re

import pandas as pd
import pytest

from foretold import data
from foretold.book import record, rooms, tables

HEAD = "# Heights of people.\n# Source: measured by this project. Licence: MIT.\n"
ROWS = "person,height\nA,1.5\nB,\n"
ROOM = '''\
"""Makes tables."""
from foretold.papers.people import experiment

TABLES = {"heights": experiment.heights, "weights": experiment.weights}
'''
MAKER = '''\
def heights():
    """Rows."""
    return [1.5, None]
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with one paper that makes tables; returns a function that writes its files."""
    root = tmp_path / "foretold"
    monkeypatch.setattr(rooms, "PACKAGE", root)
    monkeypatch.setattr(data, "papers_path", lambda: root / "papers")
    monkeypatch.setattr(data, "registry_path", lambda: root / "registry.yml")

    def write(path, text=""):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)

    write("__init__.py")
    write("registry.yml")
    write("data.py")
    write("papers/__init__.py")
    write("papers/people/__init__.py")
    write("papers/people/record.py", ROOM)
    write("papers/people/experiment.py", MAKER)
    write("papers/people/tables/heights.csv", HEAD + ROWS)
    write("papers/people/tables/weights.csv", HEAD + ROWS)
    write("papers/people/tables/printed.csv", "# Source: a book. Licence: facts.\nx\n1\n")
    return write


def states():
    return {found.table: found.state for found in tables.survey()}


def path(name="heights"):
    return data.table_path(name)


def stamped(by="foretold record people", name="heights"):
    room = rooms.record_room("people")
    record.write(path(name), tables.rows(path(name)), by, tables.code(room))


def test_tables_that_a_room_makes_are_listed_until_they_are_stamped_and_after(package):
    assert states() == {"heights": "not stamped", "weights": "not stamped"}
    stamped()
    assert states() == {"heights": "recorded", "weights": "not stamped"}


def test_a_stamp_says_when_on_what_by_what_and_from_which_code(package):
    stamped()
    head, stamp = tables.head(path())
    assert head == HEAD
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", stamp.date)
    assert re.match(r"cpu, .+", stamp.device)
    assert stamp.by == "foretold record people"
    assert stamp.code == tables.code(rooms.record_room("people"))
    assert tables.rows(path()) == ROWS
    assert data.table("heights")["height"].tolist()[0] == 1.5


CHANGES = {
    "the maker": ("papers/people/experiment.py", MAKER.replace("1.5", "1.6"), "stale"),
    "the room": ("papers/people/record.py", ROOM + "SEED = 3\n", "stale"),
    "the maker's words": ("papers/people/experiment.py", MAKER.replace("Rows", "The rows") + "# there\n", "recorded"),
    "a drawing": ("papers/people/draw.py", "MARKER = 4\n", "recorded"),
    "the rows": ("papers/people/tables/heights.csv", None, "stale"),
    "the table beside it": ("papers/people/tables/weights.csv", HEAD + ROWS.replace("1.5", "1.7"), "recorded"),
    "no room": ("papers/people/record.py", ROOM.replace('"heights": experiment.heights, ', ""), "stale"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_table_is_stale_when_its_maker_would_make_another(package, change):
    file, text, expected = CHANGES[change]
    package("papers/people/draw.py", "MARKER = 3\n")
    package("papers/people/experiment.py", "from foretold.papers.people import draw\n" + MAKER)
    stamped()
    if file.endswith("experiment.py"):
        text = "from foretold.papers.people import draw\n" + text
    package(file, path().read_text().replace("1.5", "1.6") if text is None else text)
    assert states()["heights"] == expected


def test_a_table_whose_commit_is_known_says_so_whatever_its_room_does(package):
    stamped("commit 0123456789ab")
    package("papers/people/experiment.py", MAKER.replace("1.5", "1.6"))
    found = {state.table: state for state in tables.survey()}["heights"]
    assert found.state == "by commit"
    assert "by commit 0123456789ab, not made again here" in found.because


def test_a_table_that_a_room_makes_and_that_is_not_there_is_absent(package):
    path("weights").unlink()
    assert states()["weights"] == "absent"


# Making them again


@pytest.fixture
def makes(package, monkeypatch):
    """A function that says what the makers of both tables will return."""

    def returning(rows, meanwhile=lambda: None):
        monkeypatch.setattr(record, "_maker", lambda room, name: lambda: meanwhile() or pd.DataFrame(rows))

    return returning


SAME = {"person": ["A", "B"], "height": [1.5, None]}
OTHER = {"person": ["A", "B"], "height": [1.75, None]}


def test_the_same_rows_are_left_as_they_are_and_stamped(makes, capsys):
    makes(SAME)
    assert record.record("people", ["heights"])
    assert tables.rows(path()) == ROWS
    assert states()["heights"] == "recorded"
    assert "heights: the same rows" in capsys.readouterr().out


def test_a_new_stamp_takes_the_old_one_s_place(makes):
    makes(SAME)
    for _ in range(2):
        record.record("people", ["heights"])
    assert path().read_text().count("# recorded:") == 1


def test_other_rows_are_told_and_not_written_unless_that_is_asked_for(makes, capsys):
    before = path().read_text()
    makes(OTHER)
    assert not record.record("people", ["heights"])
    assert "heights: other rows: height in 1 of 2 rows by up to 0.25" in capsys.readouterr().out
    assert path().read_text() == before
    assert record.record("people", ["heights"], replace=True) is True
    assert tables.rows(path()) == "person,height\nA,1.75\nB,\n"
    assert tables.head(path())[0] == HEAD
    assert states()["heights"] == "recorded"


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("person,height\nA,1.5\n", "1 rows of person, height, where 2"),
        ("person,height\nA,1.5\nC,\n", "person in 1 of 2 rows"),
        ("person,height\nA,1.5\nB,1.5\n", "height in 1 of 2 rows"),
        ("person,height\nA,1.7\nB,\n", "height in 1 of 2 rows by up to 0.2"),
    ],
)
def test_how_rows_differ_is_said(new, said):
    assert said in record.differences(ROWS, new)[0]


def test_one_unit_of_the_last_place_and_a_millionth_are_rounding():
    old = "a,b,n\n0.12345,1234567.8,12\n"
    assert record.differences(old, old) == ("", "")
    assert record.differences(old, "a,b,n\n0.12346,1234568.7,12\n") == (
        "",
        ", but for rounding: a in 1 of 1 rows by up to 1e-05; b in 1 of 1 rows by up to 0.9",
    )
    assert "a in 1 of 1 rows by up to 2e-05" in record.differences(old, "a,b,n\n0.12347,1234567.8,12\n")[0]
    assert "n in 1 of 1 rows by up to 1" in record.differences(old, "a,b,n\n0.12345,1234567.8,13\n")[0]
    assert record.differences("a\n0.10\n", "a\n0.1\n") == ("", "")


def test_a_maker_that_changes_while_it_runs_stamps_nothing(package, makes):
    makes(SAME, lambda: package("papers/people/experiment.py", MAKER.replace("1.5", "1.6")))
    with pytest.raises(ValueError, match=r"papers/people/record.py, or what it reaches, changed"):
        record.record("people", ["heights"])
    assert states()["heights"] == "not stamped"


def test_a_table_says_its_source_and_licence_before_it_is_made(package, makes):
    makes(SAME)
    for text in (ROWS, None):
        path().write_text(text) if text else path().unlink()
        with pytest.raises(ValueError, match="at its top, lines that begin with # and say what it is, its source"):
            record.record("people", ["heights"])


def test_unknown_chapters_and_tables_are_errors_with_the_nearest_name(package):
    assert record.chosen("people", []) == ["heights", "weights"]
    with pytest.raises(ValueError, match="'people'"):
        record.chosen("peeple", [])
    with pytest.raises(ValueError, match="'heights'"):
        record.chosen("people", ["hights"])


@pytest.mark.slow
def test_the_command_makes_a_table_again_and_status_knows_it(small_book):
    small_book.write("src/foretold/papers/people/__init__.py", "")
    small_book.write("src/foretold/papers/people/tables/people.csv", HEAD + "n\n3\n")
    maker = (
        "import pandas as pd\n\n\ndef people():\n    return pd.DataFrame({'n': [3]})\n\n\nTABLES = {'people': people}\n"
    )
    small_book.write("src/foretold/papers/people/record.py", maker)
    assert re.search(r"people +not stamped", small_book.run("status").stdout)
    assert "people: the same rows" in small_book.run("record", "people").stdout
    assert re.search(r"people +recorded\n", small_book.run("status").stdout)
    small_book.edit("src/foretold/papers/people/record.py", "[3]", "[4]")
    assert re.search(r"people +stale +papers/people/record.py, or what it reaches", small_book.run("status").stdout)
    done = small_book.run("record", "people")
    assert (done.returncode, "n in 1 of 1 rows by up to 1" in done.stdout) == (1, True)
    assert small_book.run("record", "people", "--replace").returncode == 0
    assert small_book.run("record", "peple").returncode == 2


# This book's tables


def test_every_table_of_measurements_has_a_thread_to_its_maker():
    found = {state.table: state for state in tables.survey()}
    assert not [name for name, state in found.items() if state.state in ("not stamped", "absent")]
    ours = {name for name, path in data.tables().items() if re.search("[Mm]easured by", tables.head(path)[0])}
    assert ours == set(found)
    assert len(found) == 13


@pytest.mark.slow
@pytest.mark.parametrize("chapter", [room.parent.name for room in tables.maker_rooms()])
def test_every_room_has_the_makers_that_it_names(chapter):
    room = rooms.record_room(chapter)
    assert all(callable(record._maker(room, name)) for name in tables.made_by(room))


def test_no_room_makes_a_table_of_another_paper():
    for room in tables.maker_rooms():
        for name in tables.made_by(room):
            assert data.table_path(name).parent == room.parent / "tables"

"""Other people's tables: what is read, and what is refused by column and row."""

import gzip

import numpy as np
import pandas as pd
import pytest

from foretold.kit import tables

WRITTEN = {
    "comma.csv": "who,n\nada,10\nbob,20\n",
    "semicolon.csv": "who;n\nada;10\nbob;20\n",
    "tab.tsv": "who\tn\nada\t10\nbob\t20\n",
    "blanks.txt": "who   n\nada  10\nbob 20\n",
    "mark.csv": "\ufeffwho,n\n ada ,10\nbob,20\n",
    "remark.csv": "# from the lab\nwho,n\nada,10\n\nbob,20\n",
    "rows.json": '[{"who": "ada", "n": 10}, {"who": "bob", "n": 20}]',
    "rows.jsonl": '{"who": "ada", "n": 10}\n{"who": "bob", "n": 20}\n',
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_table_is_the_same_however_it_is_written(tmp_path, name):
    (tmp_path / name).write_text(WRITTEN[name], encoding="utf-8")
    found = tables.read(tmp_path / name)
    assert found.to_dict("list") == {"who": ["ada", "bob"], "n": [10, 20]}


def test_a_compressed_file_and_one_without_heads(tmp_path):
    with gzip.open(tmp_path / "n.csv.gz", "wt") as file:
        file.write("ada,10\nbob,20\n")
    assert tables.read(tmp_path / "n.csv.gz", heads=False).to_dict("list") == {"1": ["ada", "bob"], "2": [10, 20]}


def test_a_frame_is_copied():
    frame = pd.DataFrame({"who": [" ada"]}, index=[7])
    found = tables.read(frame)
    assert (found["who"][0], frame["who"][7]) == ("ada", " ada")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("none.csv", None, "is no file; allowed is a data frame or the path of a table"),
        ("empty.csv", "\n\n", "empty.csv cannot be read as a CSV: it is empty"),
        ("heads.csv", "a,b\n", "the table has 0 rows"),
        ("twice.json", '[{"a": 1, " a": 2}]', "the table has 2 columns 'a'"),
        ("image.csv", b"\x89PNG\xff\xfe", "image.csv cannot be read as a CSV"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, name, text, message):
    if text is not None:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=message):
        tables.read(tmp_path / name)


FRAME = pd.DataFrame({"Flip No": ["1", "1,234", "3"], "side": ["H", "tails", "x"], "ok": [True, False, True]})


def test_a_column_is_found_by_a_name_in_any_case_or_by_the_one_that_is_given():
    assert tables.column(FRAME, "order", ["flip_no", "i"]) == "Flip No"
    assert tables.column(FRAME, "order", ["i"], given="side") == "side"
    assert tables.column(FRAME, "order", ["i"], needed=False) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tables.column(FRAME, "order", ["i"]), "no column for order; allowed is one named 'i', or order=NAME"),
        (lambda: tables.column(FRAME, "order", [], given="k"), "order is 'k'; allowed are the columns"),
        (lambda: tables.numbers(FRAME, "side"), r"column 'side', row 1: 'H' \(and 2 more rows\); allowed is numbers"),
        (lambda: tables.numbers(FRAME, "Flip No", 0, 100), "row 2: '1,234'; allowed is numbers from 0 to 100"),
        (lambda: tables.numbers(FRAME, "ok"), "column 'ok' has truth values"),
        (lambda: tables.coded(FRAME, "side", {"heads": ["h"], "tails": ["t"]}), "column 'side', row 3: 'x'; allowed"),
        (
            lambda: tables.texts(pd.DataFrame({"who": ["a", None]}), "who"),
            "'who', row 2: nothing; allowed",
        ),
        (
            lambda: tables.numbers(pd.DataFrame({"n": [1, 1.5]}), "n", whole=True),
            "row 2: 1.5; allowed is whole",
        ),
    ],
)
def test_a_value_is_refused_with_its_column_and_row(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_numbers_with_separators_and_codes():
    assert np.array_equal(tables.numbers(FRAME, "Flip No"), [1, 1234, 3])
    sides = tables.coded(FRAME[:2], "side", {"heads": ["h", "1"], "tails": ["t", "0"]})
    assert list(sides) == ["heads", "tails"]
    assert list(tables.coded(pd.DataFrame({"s": [1.0, 0.0]}), "s", {"heads": ["1"], "tails": ["0"]})) == [
        "heads",
        "tails",
    ]

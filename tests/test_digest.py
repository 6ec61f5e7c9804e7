"""What a chapter depends on, and what makes it execute again."""

import sys

import pytest

from foretold import data, run
from foretold.book import digest


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of the test's own in the place of foretold's; returns a function that writes its files."""
    root = tmp_path / "foretold"

    def write(path, text=""):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    for path in (
        "__init__.py",
        "papers/__init__.py",
        "papers/coins/claims.yml",
        "papers/a/tables/heights.csv",
        "papers/a/tables/weights.csv",
    ):
        write(path)
    write("data.py", "def table(name): return open(table_path(name))\ndef table_path(name): return name")
    write("registry.yml", "corpus: {sha256: aa}\nother: {sha256: bb}\n")
    monkeypatch.setattr(digest, "PACKAGE", root)
    monkeypatch.setattr(data, "papers_path", lambda: root / "papers")
    monkeypatch.setattr(data, "registry_path", lambda: root / "registry.yml")
    monkeypatch.setattr(data, "available", lambda name: False)
    return write


IMPORTS = [
    "from foretold.papers import paging",
    "import foretold.papers.paging as p",
    "import foretold.papers.paging",
    "from foretold.papers.paging import simulate",
    "import numpy, foretold.papers.paging",
    "def late():\n    from foretold.papers import paging",
    "%matplotlib inline\nfrom foretold.papers import paging",
]


@pytest.mark.parametrize("cell", IMPORTS)
def test_every_way_to_import_a_module_is_seen(package, notebook, cell):
    package("papers/paging.py", "def simulate(): pass")
    assert "papers/paging.py" in digest.of(notebook(cell)).code_parts


@pytest.mark.parametrize(
    "line",
    [
        "from foretold import helper",
        "from . import helper",
        "from .helper import x",
        "from .. import helper as h",
        "import foretold.helper",
    ],
)
def test_imports_are_followed_through_modules(package, notebook, line):
    package("papers/paging.py", line)
    package("helper.py", "x = 1")
    package("papers/helper.py", "x = 1")
    parts = digest.of(notebook("from foretold.papers import paging")).code_parts
    assert ("papers/helper.py" if line in ("from . import helper", "from .helper import x") else "helper.py") in parts


def test_a_package_s_own_imports_are_relative_to_itself(package, notebook):
    package("lm/__init__.py", "from .model import GPT")
    package("lm/model.py", "GPT = 1")
    assert "lm/model.py" in digest.of(notebook("from foretold import lm")).code_parts


def test_modules_that_import_each_other_end(package, notebook):
    package("papers/a.py", "from foretold.papers import b")
    package("papers/b.py", "from foretold.papers import a")
    assert {"papers/a.py", "papers/b.py"} <= set(digest.of(notebook("from foretold.papers import a")).code_parts)


def test_a_module_that_nobody_imports_is_no_part(package, notebook):
    package("papers/other.py", "x = 1")
    assert "papers/other.py" not in digest.of(notebook("from foretold import data")).parts


def test_a_file_that_a_module_names_is_a_part(package, notebook):
    package("figures/__init__.py", "script = here.with_name('runtime.js')")
    package("figures/runtime.js", "1")
    package("figures/unnamed.js", "1")
    parts = digest.of(notebook("from foretold import figures")).code_parts
    assert "figures/runtime.js" in parts
    assert "figures/unnamed.js" not in parts


@pytest.mark.parametrize(
    "cell",
    [
        "from foretold import data\ndata.table('heights')",
        "import foretold.data\nforetold.data.table('heights')",
        "from foretold.data import table\ntable('heights')",
        "from foretold.data import table as read\nread('heights')",
        "import foretold.data as d\nd.table(name='heights')",
        "from foretold.papers import paging",
    ],
)
def test_tables_that_are_named_are_parts_and_others_are_not(package, notebook, cell):
    package("papers/paging.py", "from foretold import data\ndef load(): return data.table('heights')")
    parts = digest.of(notebook(cell)).code_parts
    assert "papers/a/tables/heights.csv" in parts
    assert "papers/a/tables/weights.csv" not in parts


def test_a_table_whose_name_is_computed_could_be_any(package, notebook):
    parts = digest.of(notebook("from foretold import data\nfor n in names: data.table(n)")).code_parts
    assert {"papers/a/tables/heights.csv", "papers/a/tables/weights.csv"} <= set(parts)


def test_another_library_s_table_is_none_of_ours(package, notebook):
    parts = digest.of(notebook("import pandas as pd\npd.plotting.table(axes, frame)")).code_parts
    assert not any("/tables/" in name for name in parts)


def test_only_the_registry_s_entries_that_are_fetched_are_parts(package, notebook):
    before = digest.of(notebook("from foretold import data\ndata.fetch('corpus')"))
    package("registry.yml", "corpus: {sha256: aa}\nother: {sha256: changed}\n")
    assert digest.of(notebook("from foretold import data\ndata.fetch('corpus')")).code == before.code
    package("registry.yml", "corpus: {sha256: changed}\n")
    assert digest.of(notebook("from foretold import data\ndata.fetch('corpus')")).code != before.code


def test_a_data_set_that_comes_to_hand_moves_the_cache_digest_only(package, notebook, monkeypatch):
    book = notebook("from foretold import data\ndata.fetch('corpus')")
    before = digest.of(book)
    monkeypatch.setattr(data, "available", lambda name: True)
    assert digest.of(book).code == before.code
    assert digest.of(book).cache != before.cache


def test_the_claims_that_a_notebook_starts_are_a_part(package, notebook):
    assert "papers/coins/claims.yml" in digest.of(notebook("import foretold\nrun = foretold.start('coins')")).code_parts


@pytest.mark.parametrize("start", ["foretold.start('coins')", "foretold.start(chapter='coins')", "start('coins')"])
def test_every_way_to_start_a_chapter_is_seen(package, notebook, start):
    assert (
        "papers/coins/claims.yml"
        in digest.of(notebook(f"from foretold import start\nimport foretold\nrun = {start}")).parts
    )


def test_the_exact_python_is_a_part(package, notebook):
    """Chapters train on the source of the standard library, which a patch release changes."""
    assert digest.of(notebook("x = 1")).machine_parts["python"] == sys.version


def test_what_the_kernel_loaded_beyond_the_syntax_has_a_name_and_a_value(package, tmp_path):
    package("papers/hidden.py", "x = 1")
    ran = {"files": {"papers/hidden.py": "aa"}, "packages": ["numpy", "_private"], "data": ["corpus"]}
    found = digest.besides(ran, {})
    assert found["papers/hidden.py"] == "aa"
    assert digest.now("papers/hidden.py", tmp_path) != "aa"
    assert digest.now("data set corpus", tmp_path) == found["data set corpus"]
    assert digest.now("package numpy", tmp_path) == found["package numpy"]
    assert "package _private" not in found


def test_what_the_digest_knows_already_is_not_besides(package):
    package("papers/seen.py", "x = 1")
    ran = {"files": {"papers/seen.py": "aa"}, "packages": [], "data": []}
    assert digest.besides(ran, {"papers/seen.py": "aa"}) == {}
    assert digest.besides(ran, {"papers/seen.py": "other"}) == {"papers/seen.py": "aa"}


def test_files_are_named_by_where_they_lie_and_found_again(package, tmp_path):
    for path in (digest.PACKAGE / "papers/a.py", tmp_path / "book/notes.csv", tmp_path / "elsewhere.py"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("x = 1")
        assert digest.now(digest.name(path, tmp_path / "book"), tmp_path / "book") != "absent"
    assert digest.name(digest.PACKAGE / "papers/a.py", tmp_path) == "papers/a.py"
    assert digest.name(tmp_path / "book/notes.csv", tmp_path / "book") == "file notes.csv"


def test_a_digest_is_known_again_by_its_parts(package, notebook):
    found = digest.of(notebook("import numpy\nfrom foretold import data\ndata.fetch('corpus')"))
    assert digest.Digest.of_parts(found.parts) == found
    assert digest.Digest.of_parts(found.parts).cache == found.cache


def test_parts_are_unchanged_until_one_of_them_moves(package, notebook, tmp_path, monkeypatch):
    package("papers/a.py", "x = 1")
    parts = digest.of(
        notebook("import numpy\nfrom foretold.papers import a\nfrom foretold import data\ndata.fetch('corpus')")
    ).parts
    assert digest.unchanged(parts, tmp_path)
    for name in set(parts) - set(digest.TEXT_PARTS):
        assert not digest.unchanged(parts | {name: "other"}, tmp_path), name
    assert not digest.unchanged({"package not-there": "absent"}, tmp_path)
    package("papers/a.py", "x = 22")
    assert not digest.unchanged(parts, tmp_path)


def test_a_new_file_changes_the_names(package):
    before = digest.names()
    package("papers/new.py")
    assert digest.names() != before


def test_a_module_that_comes_later_under_the_name_of_an_absent_package_is_seen(
    package, notebook, tmp_path, monkeypatch
):
    book = notebook("try:\n    import mytools_of_this_test\nexcept ImportError:\n    pass")
    before = digest.of(book).parts
    assert before["package mytools_of_this_test"] == "absent"
    (tmp_path / "mytools_of_this_test.py").write_text("x = 1")
    monkeypatch.syspath_prepend(str(tmp_path))
    digest.forget()
    assert digest.changed(before, digest.of(book).parts) == ["package mytools_of_this_test"]
    digest.forget()


def test_a_part_that_is_gone_is_absent(package, tmp_path):
    assert digest.now("papers/gone.py", tmp_path) == "absent"
    assert digest.now("package gone-for-ever", tmp_path) == "absent"


def test_modules_are_one_hash_without_the_machinery(package):
    package("papers/a.py", "x = 1")
    before = digest.of_modules()
    package("book/execute.py", "x = 1")
    assert digest.of_modules() == before
    package("papers/a.py", "x = 22")
    assert digest.of_modules() != before


def test_prose_is_no_part(package):
    from foretold.book import reader

    def of(prose):
        return digest.of(reader.parse(f"# %% [markdown]\n# {prose}\n\n# %%\nx = 1\n"))

    assert of("one").cache == of("another").cache


def test_code_is_a_part(package, notebook):
    assert digest.of(notebook("x = 1")).code != digest.of(notebook("x = 2")).code


def test_the_bootstrap_cell_moves_no_code_digest(package):
    from foretold.book import reader

    def of(address):
        return digest.of(reader.parse(f'# %% tags=["bootstrap"]\nsource = "{address}"\n\n# %%\nx = 1\n'))

    assert of("https://a").code == of("https://b").code


def test_line_ends_do_not_count(package, notebook):
    package("papers/paging.py", "x = 1\ny = 2\n")
    book = notebook("from foretold.papers import paging")
    before = digest.of(book).code
    (digest.PACKAGE / "papers/paging.py").write_bytes(b"x = 1\r\ny = 2\r\n")
    assert digest.of(book).code == before


def test_profile_device_and_versions_move_the_cache_digest_only(package, notebook, monkeypatch):
    book = notebook("import numpy")
    before = digest.of(book)
    monkeypatch.setenv("FORETOLD_PROFILE", "smoke")
    assert digest.of(book).cache != before.cache
    monkeypatch.setattr(run, "device_class", lambda: "cuda-9.0")
    monkeypatch.setattr(digest, "_versions", lambda names: {"numpy": "0.0"})
    after = digest.of(book)
    assert digest.changed(before.parts, after.parts) == ["profile", "device", "package numpy"]
    assert after.code == before.code


def test_third_party_packages_are_named_with_their_versions(package, notebook):
    import numpy

    parts = digest.of(
        notebook("import numpy.linalg, os\nfrom yaml import safe_load\nimport no_such_package")
    ).machine_parts
    assert parts["package numpy"] == numpy.__version__
    assert "package pyyaml" in parts
    assert parts["package no_such_package"] == "absent"
    assert "package os" not in parts


def test_no_absolute_path_and_no_time_enters(package, notebook, tmp_path):
    parts = digest.of(notebook("from foretold import data, figures\ndata.table('heights')")).parts
    assert not any(str(tmp_path) in text for item in parts.items() for text in item)


def test_a_cell_that_does_not_parse_is_left_for_its_execution(package, notebook):
    assert digest.of(notebook("import numpy", "def broken(:")).cache


def test_the_kernel_is_the_same_whatever_the_source_says():
    from foretold.book import reader

    book = reader.parse(
        "# ---\n# jupyter:\n#   kernelspec:\n#     {display_name: Julia, name: julia}\n# ---\n\n# %%\nx = 1\n"
    )
    assert book.metadata["kernelspec"] == reader.KERNEL

"""What a chapter depends on, and what makes it execute again."""

import sys

import pytest

from foretold import data, run
from foretold.book import digest, rooms


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
    monkeypatch.setattr(rooms, "PACKAGE", root)
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
    assert "papers/paging.py" in digest.of(notebook(cell)).parts


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
    parts = digest.of(notebook("from foretold.papers import paging")).parts
    assert ("papers/helper.py" if line in ("from . import helper", "from .helper import x") else "helper.py") in parts


def test_a_package_s_own_imports_are_relative_to_itself(package, notebook):
    package("lm/__init__.py", "from .model import GPT")
    package("lm/model.py", "GPT = 1")
    assert "lm/model.py" in digest.of(notebook("from foretold import lm")).parts


def test_modules_that_import_each_other_end(package, notebook):
    package("papers/a.py", "from foretold.papers import b")
    package("papers/b.py", "from foretold.papers import a")
    assert {"papers/a.py", "papers/b.py"} <= set(digest.of(notebook("from foretold.papers import a")).parts)


def test_a_module_that_nobody_imports_is_no_part(package, notebook):
    package("papers/other.py", "x = 1")
    assert "papers/other.py" not in digest.of(notebook("from foretold import data")).parts


def test_a_file_that_a_module_names_is_a_part(package, notebook):
    package("figures/__init__.py", "script = here.with_name('runtime.js')")
    package("figures/runtime.js", "1")
    package("figures/unnamed.js", "1")
    parts = digest.of(notebook("from foretold import figures")).parts
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
    parts = digest.of(notebook(cell)).parts
    assert "papers/a/tables/heights.csv" in parts
    assert "papers/a/tables/weights.csv" not in parts


def test_a_table_whose_name_is_computed_could_be_any(package, notebook):
    parts = digest.of(notebook("from foretold import data\nfor n in names: data.table(n)")).parts
    assert {"papers/a/tables/heights.csv", "papers/a/tables/weights.csv"} <= set(parts)


def test_another_library_s_table_is_none_of_ours(package, notebook):
    parts = digest.of(notebook("import pandas as pd\npd.plotting.table(axes, frame)")).parts
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
    assert "papers/coins/claims.yml" in digest.of(notebook("import foretold\nrun = foretold.start('coins')")).parts


@pytest.mark.parametrize("start", ["foretold.start('coins')", "foretold.start(chapter='coins')", "start('coins')"])
def test_every_way_to_start_a_chapter_is_seen(package, notebook, start):
    assert (
        "papers/coins/claims.yml"
        in digest.of(notebook(f"from foretold import start\nimport foretold\nrun = {start}")).parts
    )


def test_the_exact_python_is_a_part(package, notebook):
    """Chapters train on the source of the standard library, which a patch release changes."""
    assert digest.of(notebook("x = 1")).parts["python"] == sys.version


def test_what_the_kernel_loaded_beyond_the_syntax_has_a_name_and_a_value(package, tmp_path):
    package("papers/hidden.py", "x = 1")
    ran = {"files": {"papers/hidden.py": "aa"}, "packages": ["numpy", "_private"], "data": ["corpus"]}
    ran |= {"texts": {}, "read": []}
    found = digest.besides(ran, {})
    assert found["papers/hidden.py"] == "aa"
    assert digest.now("papers/hidden.py", tmp_path) != "aa"
    assert digest.now("data set corpus", tmp_path) == found["data set corpus"]
    assert digest.now("package numpy", tmp_path) == found["package numpy"]
    assert "package _private" not in found


def test_what_the_digest_knows_already_is_not_besides(package):
    package("papers/seen.py", "x = 1")
    ran = {"files": {"papers/seen.py": "aa"}, "texts": {}, "read": [], "packages": [], "data": []}
    assert digest.besides(ran, {"papers/seen.py": "aa"}) == {}
    assert digest.besides(ran, {"papers/seen.py": "other"}) == {"papers/seen.py": "aa"}


def test_files_are_named_by_where_they_lie_and_found_again(package, tmp_path):
    for path in (rooms.PACKAGE / "papers/a.py", tmp_path / "book/notes.csv", tmp_path / "elsewhere.py"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("x = 1")
        assert digest.now(digest.name(path, tmp_path / "book"), tmp_path / "book") != "absent"
    assert digest.name(rooms.PACKAGE / "papers/a.py", tmp_path) == "papers/a.py"
    assert digest.name(tmp_path / "book/notes.csv", tmp_path / "book") == "file notes.csv"


def test_parts_are_unchanged_until_one_of_them_moves(package, notebook, tmp_path, monkeypatch):
    package("papers/a.py", "x = 1")
    parts = digest.of(
        notebook("import numpy\nfrom foretold.papers import a\nfrom foretold import data\ndata.fetch('corpus')")
    ).parts
    assert digest.unchanged(parts, {}, tmp_path)
    for name in set(parts) - set(digest.TEXT_PARTS):
        assert not digest.unchanged(parts | {name: "other"}, {}, tmp_path), name
    assert not digest.unchanged({"package not-there": "absent"}, {}, tmp_path)
    package("papers/a.py", "x = 1  # a comment")
    assert digest.unchanged(parts, {}, tmp_path)
    package("papers/a.py", "x = 22")
    assert not digest.unchanged(parts, {}, tmp_path)


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
    (rooms.PACKAGE / "papers/paging.py").write_bytes(b"x = 1\r\ny = 2\r\n")
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

    parts = digest.of(notebook("import numpy.linalg, os\nfrom yaml import safe_load\nimport no_such_package")).parts
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


# What a module means


MODULE = '''\
"""A module."""

LIMIT = 3


class Law:
    """A law."""

    def at(self, x, power=2):
        """Its value."""
        # by hand
        return LIMIT * x**power


def law(x):
    """The law as a function."""
    return Law().at(x)


def other(x):
    """Another."""
    return x
'''
FOR_READERS = {
    "a comment": ("# by hand", "# by machine"),
    "a module's docstring": ("A module.", "The module."),
    "a class's docstring": ("A law.", "The law."),
    "a function's docstring": ("The law as a function.", "It as a function."),
    "a docstring that goes": ('    """Another."""\n', ""),
    "line breaks and brackets": ("return Law().at(x)", "return (\n        Law()\n        .at(x)\n    )"),
    "another way to write a number": ("LIMIT = 3", "LIMIT = 0x3"),
}
FOR_NUMBERS = {
    "a constant": ("LIMIT = 3", "LIMIT = 3.0"),
    "a default": ("power=2", "power=3"),
    "an operator": ("LIMIT * x", "LIMIT + x"),
    "a decorator": ("def law", "@str\ndef law"),
    "a string that is no docstring": ("return x\n", "return 'x'\n"),
}


def edited(package, notebook, edit, *cells, path="papers/a.py"):
    """Digests of a notebook before and after an edit of a module that it imports."""
    package(path, MODULE)
    book = notebook("import foretold\nfrom foretold.papers import a", *cells)
    before = digest.of(book)
    assert edit[0] in MODULE
    package(path, MODULE.replace(*edit))
    return before, digest.of(book)


@pytest.mark.parametrize("edit", FOR_READERS)
def test_what_is_for_readers_alone_moves_no_digest(package, notebook, edit):
    before, after = edited(package, notebook, FOR_READERS[edit])
    assert (after.cache, after.code) == (before.cache, before.code)
    assert before.texts["papers/a.py"] != after.texts["papers/a.py"]


@pytest.mark.parametrize("edit", FOR_NUMBERS)
def test_what_runs_moves_both_digests(package, notebook, edit):
    before, after = edited(package, notebook, FOR_NUMBERS[edit])
    assert digest.changed(before.parts, after.parts) == ["papers/a.py"]
    assert after.code != before.code


@pytest.mark.parametrize(
    "look", ["x = __doc__", "frame.f_lineno // 4", "sys.settrace(on_line)", "inspect.getsource(f)"]
)
def test_a_module_that_may_look_at_its_own_text_means_its_text(package, notebook, look):
    """paging records the lines that a program of its own module runs through: a comment moves them."""
    package("papers/a.py", f"{look}\n")
    book = notebook("from foretold.papers import a")
    before = digest.of(book).code
    package("papers/a.py", f"# a comment\n{look}\n")
    assert digest.of(book).code != before


def test_a_module_that_does_not_parse_means_its_text(package, notebook):
    package("papers/a.py", "x = (  # one")
    book = notebook("from foretold.papers import a")
    before = digest.of(book).code
    package("papers/a.py", "x = (  # two")
    assert digest.of(book).code != before


# What a page shows


SHOWN = {
    "a function": "run.show(a.law)",
    "under another name": "from foretold.papers import a as b\nrun.show(b.law)",
    "by its own name": "from foretold.papers.a import law as rule\nrun.show(rule)",
    "among others": "run.show(a.other, a.law)",
    "as numba knows it": "run.show(a.law.py_func)",
    "from where it is imported too": "from foretold.papers import again\nrun.show(again.law)",
    "by a stub": "from foretold.papers import lazy\nrun.show(lazy.law)",
    "by a name that only a run can tell": "for f in (a.law,):\n    run.show(f)",
    "the whole module": "run.show(a)",
}


@pytest.mark.parametrize("way", SHOWN)
def test_the_text_of_a_function_that_is_shown_moves_the_cache_digest(package, notebook, way):
    package("papers/again.py", "from foretold.papers.a import law")
    package("papers/lazy/__init__.py", "")
    package("papers/lazy/__init__.pyi", "from ..a import law as law")
    before, after = edited(package, notebook, FOR_READERS["a function's docstring"], SHOWN[way])
    assert after.cache != before.cache
    assert after.code == before.code
    assert all(name.startswith("text of papers/a.py") for name in digest.changed(before.parts, after.parts))


def test_the_text_of_a_method_that_is_shown_counts_and_that_of_others_does_not(package, notebook):
    before, after = edited(package, notebook, FOR_READERS["a comment"], "run.show(a.Law.at)")
    assert digest.changed(before.parts, after.parts) == ["text of papers/a.py::Law.at"]
    before, after = edited(package, notebook, FOR_READERS["a function's docstring"], "run.show(a.Law.at)")
    assert after.cache == before.cache


def test_a_function_of_the_notebook_that_is_shown_makes_no_text_count(package, notebook):
    cell = "def mine():\n    return a.law\n\nrun.show(mine)"
    before, after = edited(package, notebook, FOR_READERS["a comment"], cell)
    assert after.cache == before.cache


def test_the_rooms_that_are_there_to_be_read_count_by_their_text(package, notebook):
    package("papers/coins/idea.py", MODULE)
    book = notebook("from foretold.papers.coins import idea")
    before = digest.of(book)
    package("papers/coins/idea.py", MODULE.replace("by hand", "by machine"))
    after = digest.of(book)
    assert digest.changed(before.parts, after.parts) == ["text of papers/coins/idea.py"]
    assert after.code == before.code


def test_a_part_is_named_once_where_its_text_and_its_meaning_have_changed(package, notebook):
    before, after = edited(package, notebook, FOR_NUMBERS["a default"], "run.show(a.Law.at)")
    assert digest.changed(before.parts, after.parts) == ["papers/a.py"]


# What can change a number


DRAWING = ["papers/a/draw.py", "papers/a/draw/curves.py", "figures/__init__.py", "figures/svg.py"]


@pytest.mark.parametrize("path", DRAWING)
def test_what_only_draws_moves_the_cache_digest_only(package, notebook, path):
    module = "foretold." + path.removesuffix(".py").replace("/", ".")
    package(path, "from foretold.papers import curves\nMARKER = 3")
    package("papers/curves.py", "STEPS = 100")
    book = notebook(f"from {module.rpartition('.')[0]} import {module.rpartition('.')[2]}")
    before = digest.of(book)
    package(path, "from foretold.papers import curves\nMARKER = 4")
    package("papers/curves.py", "STEPS = 200")  # which only the drawing reaches
    after = digest.of(book)
    assert digest.changed(before.parts, after.parts) == sorted([path, "papers/curves.py"])
    assert after.code == before.code


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("figures.show(draw.curve(x, marker=3), alt='A curve.')", "figures.show(draw.curve(x, marker=4), alt='It.')"),
        ("figures.interactive(draw.curve(x), alt='A curve.')", "figures.interactive(draw.line(x), alt='A curve.')"),
        ("run.show(a.law)", "run.show(a.other)"),
        ("with run.section('s'):\n    figures.show(x)", "with run.section('s'):\n    figures.show(y)"),
        ("x = 1  # one", "x = 1  # two"),
    ],
)
def test_statements_that_only_draw_or_show_move_the_cache_digest_only(package, notebook, one, other):
    package("papers/a.py", MODULE)
    head = "from foretold import figures\nfrom foretold.papers import a\nfrom foretold.papers.a import draw"
    before, after = digest.of(notebook(head, one)), digest.of(notebook(head, other))
    assert after.cache != before.cache
    assert after.code == before.code


def test_claims_are_judged_again_and_move_the_cache_digest_only(package, notebook):
    book = notebook("import foretold\nrun = foretold.start('coins')")
    before = digest.of(book)
    package("papers/coins/claims.yml", "tolerance: 2")
    assert digest.changed(before.parts, digest.of(book).parts) == ["papers/coins/claims.yml"]
    assert digest.of(book).code == before.code


def test_where_a_table_comes_from_moves_the_cache_digest_only(package, notebook):
    package("papers/a/tables/heights.csv", "# Source: A.\nheight\n1\n")
    book = notebook("from foretold import data\ndata.table('heights')")
    before = digest.of(book)
    package("papers/a/tables/heights.csv", "# Source: B.\n# Licence: C.\nheight\n1\n")
    assert digest.of(book).cache != before.cache
    assert digest.of(book).code == before.code
    package("papers/a/tables/heights.csv", "# Source: B.\n# Licence: C.\nheight\n2\n")
    assert digest.of(book).code != before.code


def test_how_a_data_set_is_described_moves_the_cache_digest_only(package, notebook):
    book = notebook("from foretold import data\ndata.fetch('corpus')")
    before = digest.of(book)
    package("registry.yml", "# of texts\ncorpus: {sha256: aa}\n")
    assert digest.of(book).cache == before.cache
    package("registry.yml", "corpus: {sha256: aa, description: texts}\n")
    assert digest.of(book).cache != before.cache
    assert digest.of(book).code == before.code


def test_a_chapter_s_package_is_reached_by_what_its_stub_names(package, notebook):
    package("papers/coins/__init__.py", "import lazy_loader\n__getattr__ = lazy_loader.attach_stub(__name__, __file__)")
    package("papers/coins/__init__.pyi", "from .idea import posterior as posterior")
    package("papers/coins/idea.py", "def posterior(): return 1")
    book = notebook("from foretold.papers import coins\ncoins.posterior()")
    before = digest.of(book)
    assert "papers/coins/__init__.pyi" in before.parts
    package("papers/coins/idea.py", "def posterior(): return 2")
    assert digest.changed(before.parts, digest.of(book).parts) == ["papers/coins/idea.py"]
    assert digest.of(book).code != before.code


def test_what_the_package_loads_anyway_is_no_part_of_a_maker_s_digest(package):
    package("__init__.py", "from foretold import run")
    package("run.py", "SEED = 1")
    package("papers/a.py", "from foretold import helper\nx = 1")
    package("papers/a/record.py", "from foretold.papers import a")
    package("helper.py", "x = 1")
    maker = rooms.record_room("a")
    before = digest.of_maker(maker, [])
    package("run.py", "SEED = 2")
    assert digest.of_maker(maker, []) == before
    package("helper.py", "x = 2")
    assert digest.of_maker(maker, []) != before


# What the kernel saw


def ran(**more):
    return {"files": {}, "texts": {}, "read": [], "packages": [], "data": [], **more}


def test_a_comment_that_changed_while_a_chapter_ran_changed_nothing_unless_it_was_shown(package, notebook):
    package("papers/a.py", MODULE)
    hidden = digest.of(notebook("from foretold.papers import a"))
    shown = digest.of(notebook("from foretold.papers import a\nrun.show(a.Law)"))
    seen = ran(files={"papers/a.py": hidden.parts["papers/a.py"]}, texts={"papers/a.py": "of another text"})
    assert digest.besides(seen, hidden.parts) == {}
    assert digest.besides(seen, shown.parts) == {"text of papers/a.py::Law": "of another text"}
    seen["texts"] = {"papers/a.py": shown.texts["papers/a.py"]}
    assert digest.besides(seen, shown.parts) == {}


def test_a_module_that_was_read_as_data_counts_by_its_text(package, tmp_path):
    package("papers/a.py", MODULE)
    seen = ran(texts={"papers/a.py": digest.now("text of papers/a.py")}, read=["papers/a.py"])
    found = digest.besides(seen, {})
    assert digest.unchanged(found, {}, tmp_path)
    package("papers/a.py", MODULE.replace("by hand", "by machine"))
    assert not digest.unchanged(found, {}, tmp_path)


def test_a_file_whose_text_is_the_same_is_not_parsed(package, notebook, tmp_path, monkeypatch):
    package("papers/a.py", MODULE)
    found = digest.of(notebook("from foretold.papers import a\nrun.show(a.Law)"))
    monkeypatch.setattr(digest, "_meaning_hash", None)  # which would parse it
    assert digest.unchanged(found.parts, found.texts, tmp_path)

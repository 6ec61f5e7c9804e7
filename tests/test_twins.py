"""The committed notebooks, and the repository's address in them."""

import json

import pytest

from foretold.book import address, new, reader, twins
from foretold.book.project import Project

SOURCE = "# %% [markdown]\n# # Title\n\n# %%\nx = 1\n\n# %%\nx = 1\n"


@pytest.fixture
def project(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "_toc.yml").write_text(
        "format: jb-book\nroot: intro\nparts:\n  - caption: One\n    chapters:\n      - file: book/a\n"
    )
    (tmp_path / "_config.yml").write_text("repository: {url: 'https://github.com/me/small', branch: main}\n")
    return Project(tmp_path, tmp_path / "_build")


def add(project, name="alpha", cell=None):
    cell = address.bootstrap(project) if cell is None else cell
    path = project.root / f"notebooks/{name}.py"
    path.write_text(f'{SOURCE}\n# %% tags=["bootstrap", "remove-cell"]\n{cell}\n\n# %%\ny = 2\n')
    return Project(project.root, project.output)


def test_twins_are_the_same_bytes_every_time(project):
    source = add(project).notebooks["alpha"]
    assert twins.render(source) == twins.render(source)


def test_equal_cells_have_different_ids(project):
    cells = json.loads(twins.render(add(project).notebooks["alpha"]))["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells)


def test_twins_hold_no_outputs_and_no_digest(project):
    text = twins.render(add(project).notebooks["alpha"])
    assert all(cell["outputs"] == [] for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")
    assert "digest" not in text


def test_a_written_twin_has_no_difference(project):
    project = add(project)
    assert twins.differences(project) == ["notebooks/alpha.ipynb is missing"]
    twins.write(project)
    assert twins.differences(project) == []
    assert twins.write(project) == []


def test_a_twin_that_was_edited_is_a_difference(project):
    project = add(project)
    twin = twins.write(project)[0]
    twin.write_text(twin.read_text().replace("x = 1", "x = 3"))
    assert twins.differences(project) == ["notebooks/alpha.ipynb does not hold what notebooks/alpha.py says"]


def test_a_twin_without_a_source_is_a_difference_and_is_removed(project):
    stray = project.root / "notebooks/gone.ipynb"
    stray.write_text("{}")
    assert twins.differences(project) == ["notebooks/gone.ipynb has no source"]
    twins.write(project)
    assert not stray.exists()


def test_twins_read_back_as_the_same_cells(project):
    import nbformat

    source = add(project).notebooks["alpha"]
    back = nbformat.reads(twins.render(source), as_version=4)
    assert [c.source for c in back.cells] == [c.source for c in reader.parse(source.read_text()).cells]


def test_a_bootstrap_cell_that_differs_is_found_and_written_anew(project):
    project = add(project, cell="import something_else")
    assert "bootstrap cell" in twins.differences(project)[-1]
    twins.write(project)
    assert twins.differences(project) == []
    assert "something_else" not in project.notebooks["alpha"].read_text()


def test_a_file_that_lacks_the_address_is_found(project):
    (project.root / "README.md").write_text("https://example.org/somebody/else")
    assert address.differences(project) == [
        "README.md does not hold the repository's address https://github.com/me/small"
    ]


def test_one_command_changes_the_address_everywhere(project):
    project = add(project)
    badge = "[![Colab](x)](https://colab.example/github/me/small/blob/main/notebooks/alpha.ipynb) https://github.com/me/small"
    (project.root / "README.md").write_text(badge)
    address.change(project, "https://github.com/you/fork.git")
    project = Project(project.root, project.output)
    twins.write(project)
    assert address.of(project) == "https://github.com/you/fork"
    assert "github/you/fork/blob" in (project.root / "README.md").read_text()
    assert "me/small" not in (project.root / "notebooks/alpha.ipynb").read_text()
    assert twins.differences(project) == []


@pytest.mark.parametrize("wrong", ["http://github.com/a/b", "https://github.com/a", "https://example.org/a/b", "a/b"])
def test_an_address_is_that_of_a_repository(project, wrong):
    with pytest.raises(ValueError, match="allowed is https"):
        address.change(project, wrong)


def test_the_bootstrap_cell_is_python_and_does_nothing_where_foretold_is(project):
    space = {}
    exec(compile(address.bootstrap(project), "bootstrap", "exec"), space)
    assert "subprocess" not in space


@pytest.mark.parametrize("name", ["Paging", "two words", "1st", "class", ""])
def test_a_chapter_s_name_is_an_identifier_in_small_letters(project, name):
    with pytest.raises(ValueError, match="allowed is a Python identifier in small letters"):
        new.chapter(project, name)


def test_a_chapter_that_exists_is_not_overwritten(project):
    with pytest.raises(ValueError, match=r"coins\.py exists"):
        new.chapter(add(project, "coins"), "coins")


def test_an_unknown_part_names_those_there_are(project):
    with pytest.raises(ValueError, match="allowed is the beginning of one of: One"):
        new.chapter(project, "paging_of_mine", part="Two")


def test_a_new_part_stands_after_the_last_that_holds_chapters(project):
    from foretold.book.new import _with_chapter

    toc = _with_chapter(project, "paging", "II. Predictions at work")
    assert toc.endswith("- caption: II. Predictions at work\n    chapters:\n      - file: notebooks/paging\n")

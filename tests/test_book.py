"""Facts about the book as it is committed: every chapter is whole, and nothing is said twice."""

import itertools
import re
import tomllib

import pytest
import yaml
from conftest import ROOT
from packaging.requirements import Requirement

from foretold import claims
from foretold.book import locking, reader, sabotage, twins
from foretold.book.project import Project

BOOK = Project.find(ROOT)
CHAPTERS = sorted(BOOK.notebooks)

PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("book/*.md")), *BOOK.notebooks.values()]

# DESIGN, section 4: every chapter has the same anatomy.
ANATOMY = [
    "The idea",
    "The method",
    "The experiment",
    "Something to move",
    "Paper against here",
    "Exercises",
    "Discussion",
    "Further reading",
    "How this page was made",
]


@pytest.fixture(params=CHAPTERS)
def chapter(request):
    return request.param


@pytest.fixture
def cells(chapter):
    return reader.parse(BOOK.notebooks[chapter].read_text(encoding="utf-8")).cells


@pytest.fixture
def code(cells):
    """Sources of the code cells after the bootstrap cell."""
    return [c.source for c in cells if c.cell_type == "code" and "bootstrap" not in c.metadata.get("tags", [])]


@pytest.fixture
def prose(cells):
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def without_code(markdown):
    return re.sub(r"`[^`]*`", "", re.sub(r"```.*?```", "", markdown, flags=re.S))


def test_twins_bootstrap_cells_badges_and_citation_agree_with_their_sources():
    assert twins.differences(BOOK) == []


def test_every_chapter_is_in_the_table_of_contents(chapter):
    assert f"notebooks/{chapter}" in BOOK.pages


def test_every_page_of_the_table_of_contents_exists():
    for page in BOOK.pages:
        assert any((ROOT / f"{page}{suffix}").exists() for suffix in (".md", ".py")), page


def test_every_page_of_the_book_is_in_the_table_of_contents():
    written = {f"book/{path.stem}" for path in (ROOT / "book").glob("*.md")}
    assert written <= set(BOOK.pages)


def test_the_table_at_a_glance_says_the_minutes_of_the_claims_file(chapter, prose):
    said = re.search(r"^\| minutes \| CPU ([\d.]+), GPU ([\d.]+)", prose, re.M)
    stated = claims.load(chapter).minutes
    assert (float(said[1]), float(said[2])) == (stated["cpu"], stated["gpu"])


def test_every_chapter_has_module_claims_and_tests(chapter):
    assert (ROOT / f"src/foretold/papers/{chapter}/__init__.py").exists()
    assert (ROOT / f"tests/test_{chapter}.py").exists() or any((ROOT / "tests" / chapter).glob("test_*.py"))


def test_every_abstract_stands_sentence_by_sentence(chapter):
    stated = claims.load(chapter)
    assert bool(stated.abstract) != stated.interlude


def test_every_claim_and_question_has_its_measure(chapter, code):
    """The measures of the chapter are those of its claims file, with the rivals and the sabotage that it names, and the
    notebook uses each of them once."""
    stated = claims.load(chapter)
    known = sabotage.measures(chapter)
    assert set(known) == {*stated.claims, *stated.questions}
    for name, claim in stated.claims.items():
        assert set(known[name].rivals) == set(claim.rivals), name
        assert set(known[name].sabotage) == set(claim.sabotage), name
    used = re.findall(r"run\.(?:claim|answer)\(\s*measures\.(\w+)", "\n".join(code))
    assert sorted(name.replace("_", "-") for name in used) == sorted(known)


def test_every_chapter_has_the_whole_anatomy_in_order(prose):
    assert re.findall(r"^## (.+)$", prose, re.M) == ANATOMY


def test_limits_and_errata_stand_under_paper_against_here(prose):
    part = prose.split("## Paper against here")[1].split("\n## ")[0]
    assert re.findall(r"^### (What this cannot show|Errata and disputes)$", part, re.M)


def test_a_chapter_begins_with_its_title_and_one_question(cells):
    blocks = cells[0].source.split("\n\n")
    assert blocks[0].startswith("# ")
    assert "?" in blocks[1]
    assert "\n" not in blocks[1]


def test_prose_is_portable_markdown(prose):
    plain = without_code(prose)
    assert not re.findall(r"^\s*(?:```|~~~|:::+)\s*\{", prose, re.M), "a MyST directive"
    assert not re.findall(r"\{[a-z:-]+\}`", prose), "a MyST role"
    assert not re.findall(r"^\([\w-]+\)=\s*$", prose, re.M), "a MyST target"
    tags = {tag.lower() for tag in re.findall(r"</?([a-zA-Z][a-zA-Z0-9]*)[\s/>]", plain)}
    assert tags <= {"details", "summary"}


def test_no_line_of_prose_begins_a_list_by_accident(cells):
    """A wrapped sentence whose line begins with "1. " is a list to a Markdown reader."""
    for cell in cells:
        lines = cell.source.splitlines() if cell.cell_type == "markdown" else []
        for before, line in itertools.pairwise(lines):
            marker = re.match(r"(?:\d+[.)]|[-+*])\s", line)
            assert not (marker and before.strip() and not re.match(r"\s*(?:\d+[.)]|[-+*])\s|\s{2,}", before)), line


def test_code_of_a_chapter_fits_beside_the_side_bars(code):
    too_long = [line for source in code for line in source.splitlines() if len(line) > 100]
    assert not too_long


def test_prose_stands_between_any_two_code_cells(cells):
    kinds = [cell.cell_type for cell in cells if "bootstrap" not in cell.metadata.get("tags", [])]
    assert ("code", "code") not in itertools.pairwise(kinds)


def test_code_cells_are_short(code):
    assert max(len(source.splitlines()) for source in code) <= 15


def test_chapters_hide_no_warnings_and_name_no_device(code):
    text = "\n".join(code)
    for banned in ("filterwarnings", "simplefilter", ".cuda(", "import *", "np.random.seed", "manual_seed("):
        assert banned not in text
    assert not re.findall(r"^[%!]", text, re.M), "a magic or a shell line outside the bootstrap cell"


def test_solutions_are_folded_and_follow_their_exercise(cells):
    solutions = [i for i, cell in enumerate(cells) if "solution" in cell.metadata.get("tags", [])]
    assert len(solutions) >= 3
    for index in solutions:
        assert "hide-cell" in cells[index].metadata["tags"]
        assert cells[index - 1].cell_type == "markdown"


def test_a_chapter_ends_with_its_foot(code):
    assert code[-1].strip() == "run.stamp()"


def test_pages_cite_only_what_the_bibliography_has():
    keys = set(re.findall(r"@\w+\{([^,]+),", (ROOT / "book/references.bib").read_text(encoding="utf-8")))
    cited = {
        key
        for path in (ROOT / "book").glob("*.md")
        for key in re.findall(r"\{cite[a-z:]*\}`([^`]+)`", path.read_text())
    }
    assert {key.strip() for several in cited for key in several.split(",")} <= keys


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_column_of_a_table_has_a_name(page):
    """A screen reader says it before each cell."""
    lines = [line.removeprefix("# ") for line in page.read_text(encoding="utf-8").splitlines()]
    heads = [head for head, rule in itertools.pairwise(lines) if re.fullmatch(r"\|(\s*:?-+:?\s*\|)+", rule)]
    assert [head for head in heads if not all(name.strip() for name in head.strip("|").split("|"))] == []


def test_links_of_the_root_pages_lead_somewhere():
    for page in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", (ROOT / page).read_text(encoding="utf-8")):
            if "://" not in link:
                assert (ROOT / link).exists(), f"{page}: {link}"


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 120


def test_make_help_lists_at_most_ten_targets():
    listed = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert {"book", "test", "serve", "check", "lock", "seminar", "clean", "new-chapter"} <= set(listed)
    assert len(listed) <= 10


def test_nothing_is_listed_twice_for_conda():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["dependencies"][-1] == {"pip": ["-r requirements.lock", "-e ."]}


@pytest.mark.parametrize("python", locking.PYTHONS)
def test_the_lock_pins_every_dependency_of_pyproject_for_each_python(python):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)]
    wanted = [Requirement(requirement) for requirement in wanted]
    lock = [Requirement(line) for line in re.findall(r"^[^#].*==.*$", (ROOT / "requirements.lock").read_text(), re.M)]
    about = {"python_version": python}
    pins = [pin for pin in lock if pin.marker is None or pin.marker.evaluate(about)]
    versions = {pin.name: str(pin.specifier).removeprefix("==") for pin in pins}
    assert len(versions) == len(pins), "a package is pinned twice"
    for requirement in wanted:
        if requirement.name != "foretold" and (requirement.marker is None or requirement.marker.evaluate(about)):
            assert requirement.specifier.contains(versions[requirement.name.lower()]), requirement
    assert not any("+" in version for version in versions.values())


def test_the_lock_names_no_build_of_torch():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.findall(r"^(?:nvidia|cuda|triton).*$", lock, re.M)


def test_what_a_chapter_needs_has_an_upper_bound_only_with_its_reason():
    """An upper bound may make `pip install` replace what a Colab machine has."""
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("[project.scripts]")[0].splitlines()
    bounded = [line for line in lines if re.match(r'  "[\w.-]+.*(<|~=|==)', line)]
    assert [line.split('"')[1] for line in bounded] == [
        "matplotlib<3.11; python_version < '3.12'",
        "jupyter-book>=1.0.4.post1,<2",
        "sphinx-book-theme==1.1.4",
    ]
    assert all(re.search(r'", # \w+', line) for line in bounded)


def test_no_test_imports_pip():
    """setuptools hands whoever has looked for pip the distutils of the standard library, for the rest of the process,
    and with those neither PyTensor nor Torch can compile: all later tests of that process would fail."""
    importing = re.compile(r"^\s*(import pip\b|from pip\b)", re.M)
    texts = {path.name: path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/*.py")}
    assert [name for name, text in texts.items() if importing.search(text)] == []


def test_no_third_party_script_or_font_is_committed():
    import subprocess

    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert not [name for name in files if re.search(r"\.(min\.js|min\.css|woff2?|ttf|otf|whl|gz|zip|gguf|pt)$", name)]

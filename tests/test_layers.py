"""Which room imports which: the arrows of the house, read from the syntax of every module."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from conftest import ROOT

# Outside the papers: folder or module of foretold -> what it imports of foretold, besides itself.
HOUSE = {
    "__init__": {"data", "run"},
    "__main__": {"book"},
    "yaml_files": set(),
    "data": {"yaml_files"},
    "claims": {"yaml_files"},
    "figures": set(),
    "run": {"claims", "figures"},
    "kit": {"data"},
    "book": {"__init__", "claims", "data", "figures", "run", "yaml_files"},
}
# In a paper: room -> the rooms of the same paper and the parts of the house that it imports, besides itself. Public
# names of a paper (`__init__`, a list in a stub) are for notebooks: rooms import one another as rooms.
PAPER = {
    "idea": {"theory", "kit"},
    "theory": {"idea", "kit"},
    "data": {"idea", "kit", "foretold.data"},
    "experiment": {"idea", "theory", "data", "kit"},
    # What is drawn is often data, or a result of the experiment, by its type.
    "measures": {"idea", "theory", "data", "experiment", "kit", "claims"},
    "draw": {"idea", "theory", "data", "experiment", "kit", "figures"},
    "yours": {"idea", "theory", "data", "experiment", "draw", "kit", "figures", "foretold.data"},
    "record": {"idea", "theory", "data", "experiment", "draw", "yours", "kit", "figures", "foretold.data", "run"},
    "__init__": {"idea", "theory", "data", "experiment"},
}
NOTEBOOK = {"__init__", "claims", "data", "figures", "kit", "papers", "run"}


class House:
    """The modules of a package ``foretold`` below `source`, and what each imports of the package."""

    def __init__(self, source: Path) -> None:
        self.source = source
        self.files: dict[str, list[Path]] = {}  # by module: its source, and a stub where there is one
        for path in sorted((source / "foretold").rglob("*.py*")):
            if path.suffix in (".py", ".pyi"):
                parts = path.relative_to(source).with_suffix("").parts
                module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
                self.files.setdefault(module, []).append(path)
        self.imports = {
            module: {name for path in paths for name in self.imported(path, module)}
            for module, paths in self.files.items()
        }

    def imported(self, path: Path, module: str = "") -> Iterator[str]:
        """Modules of the package that a file imports, wherever in it the import stands."""
        package = module if path.stem == "__init__" else module.rpartition(".")[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
                base = ".".join([*above, *([node.module] if node.module else [])])
                names = [f"{base}.{alias.name}" for alias in node.names]
                names = [name if name in self.files else base for name in names]
            else:
                continue
            yield from (name for name in names if name.split(".")[0] == "foretold")

    def breaches(self) -> list[str]:
        """The imports that no arrow allows, each as ``module -> module``."""
        return [
            f"{module} -> {name}"
            for module, names in self.imports.items()
            for name in sorted(names)
            if not is_allowed(module, name)
        ]

    def cycle(self) -> list[str]:
        """Modules that import one another in a ring, the first of them again at the end; empty where there are none."""
        try:
            TopologicalSorter({module: names - {module} for module, names in self.imports.items()}).prepare()
        except CycleError as error:
            return error.args[1]
        return []


def place(module: str) -> tuple[str, str]:
    """(paper, room) of a module in a paper; ("", part of the house) of any other."""
    parts = module.split(".")[1:] or ["__init__"]
    if parts[0] != "papers" or len(parts) == 1:
        return "", parts[0]
    return parts[1], parts[2] if len(parts) > 2 else "__init__"


def is_allowed(module: str, name: str) -> bool:
    paper, room = place(module)
    of_paper, target = place(name)
    if (paper, room) == (of_paper, target):
        return True
    if not paper:
        return not of_paper and target in HOUSE.get(room, ())
    if not of_paper and target == "data":
        target = "foretold.data"  # a paper has a room of that name too
    return of_paper in ("", paper) and target in PAPER.get(room, ())


# The house as it stands

FORETOLD = House(ROOT / "src")


def test_every_import_follows_an_arrow():
    assert FORETOLD.breaches() == []


def test_no_modules_import_one_another_in_a_ring():
    assert FORETOLD.cycle() == []


@pytest.mark.parametrize("paper", sorted({place(module)[0] for module in FORETOLD.files} - {""}))
def test_a_paper_has_only_the_rooms_there_are(paper):
    assert {place(module)[1] for module in FORETOLD.files if place(module)[0] == paper} <= set(PAPER)


@pytest.mark.parametrize("notebook", sorted((ROOT / "notebooks").glob("*.py")), ids=lambda path: path.stem)
def test_a_notebook_imports_none_of_the_machinery(notebook):
    assert {place(name)[1] if not place(name)[0] else "papers" for name in FORETOLD.imported(notebook)} <= NOTEBOOK


# The test itself, on a house of toys


@pytest.fixture
def house(tmp_path):
    """Makes a `House` from texts by their paths below foretold/."""

    def build(files):
        rooms = [f"papers/coins/{room}.py" for room in PAPER] + [f"{part}.py" for part in HOUSE]
        for path, text in {**dict.fromkeys(rooms, ""), "papers/paging/idea.py": "", **files}.items():
            file = tmp_path / "foretold" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return House(tmp_path)

    return build


COINS = "foretold.papers.coins"


@pytest.mark.parametrize(
    ("path", "text", "breach"),
    [
        ("papers/coins/idea.py", f"from {COINS} import experiment", f"{COINS}.idea -> {COINS}.experiment"),
        ("papers/coins/idea.py", f"from {COINS}.experiment import toss", f"{COINS}.idea -> {COINS}.experiment"),
        ("papers/coins/idea.py", f"import {COINS}.draw", f"{COINS}.idea -> {COINS}.draw"),
        ("papers/coins/idea.py", "from . import experiment", f"{COINS}.idea -> {COINS}.experiment"),
        ("papers/coins/idea.py", "from .experiment import toss", f"{COINS}.idea -> {COINS}.experiment"),
        ("papers/coins/theory.py", "from ... import figures", f"{COINS}.theory -> foretold.figures"),
        ("papers/coins/theory.py", "from foretold.figures import INK", f"{COINS}.theory -> foretold.figures"),
        ("papers/coins/data.py", "from . import experiment", f"{COINS}.data -> {COINS}.experiment"),
        ("papers/coins/data.py", "def f():\n    from . import draw", f"{COINS}.data -> {COINS}.draw"),
        ("papers/coins/data.py", "if TYPE_CHECKING:\n    from . import draw", f"{COINS}.data -> {COINS}.draw"),
        ("papers/coins/experiment.py", "from foretold import data", f"{COINS}.experiment -> foretold.data"),
        ("papers/coins/draw.py", "from foretold.papers import coins", f"{COINS}.draw -> {COINS}"),
        ("papers/coins/draw.py", "from . import posterior", f"{COINS}.draw -> {COINS}"),
        ("papers/coins/record.py", "import foretold.book", f"{COINS}.record -> foretold.book"),
        ("papers/coins/yours.py", "from ..paging import idea", f"{COINS}.yours -> foretold.papers.paging.idea"),
        ("papers/coins/__init__.pyi", "from .draw import show as show", f"{COINS} -> {COINS}.draw"),
        ("kit.py", f"from {COINS}.idea import posterior", f"foretold.kit -> {COINS}.idea"),
        ("kit.py", "from foretold import figures", "foretold.kit -> foretold.figures"),
        ("data.py", "from foretold.papers import paging", "foretold.data -> foretold.papers"),
        ("claims.py", "import foretold.run", "foretold.claims -> foretold.run"),
        ("run.py", "import foretold.book", "foretold.run -> foretold.book"),
        ("book.py", f"import {COINS}.idea", f"foretold.book -> {COINS}.idea"),
    ],
)
def test_an_import_against_the_arrows_is_named(house, path, text, breach):
    assert house({path: text}).breaches() == [breach]


def test_imports_along_the_arrows_are_none(house):
    def line(target):
        if target == "foretold.data" or target in HOUSE.keys() - {"data"}:
            return f"from foretold import {target.removeprefix('foretold.')}"
        return f"from {COINS} import {target}"

    rooms = {room: "\n".join(map(line, allowed)) for room, allowed in PAPER.items() if room != "__init__"}
    assert house({f"papers/coins/{room}.py": text for room, text in rooms.items()}).breaches() == []


def test_a_large_room_may_be_a_folder(house):
    inside = {"experiment/__init__.py": "from .training import train", "experiment/training.py": "from ..idea import x"}
    assert house({f"papers/paging/{path}": text for path, text in inside.items()}).breaches() == []
    wrong = house(
        {"papers/paging/idea/__init__.py": "", "papers/paging/idea/rules.py": "from ..experiment import train"}
    )
    assert wrong.breaches() == ["foretold.papers.paging.idea.rules -> foretold.papers.paging.experiment"]


def test_a_new_kind_of_room_is_allowed_nothing(house):
    assert house({"papers/coins/helpers.py": "from . import idea"}).breaches() == [f"{COINS}.helpers -> {COINS}.idea"]


def test_a_ring_is_named(house):
    ring = {
        "papers/coins/idea.py": "from . import theory",
        "papers/coins/theory.py": "def f():\n    from . import idea",
    }
    assert set(house(ring).cycle()) == {f"{COINS}.idea", f"{COINS}.theory"}
    assert house({"papers/coins/theory.py": "from . import idea", "papers/coins/idea.py": ""}).cycle() == []

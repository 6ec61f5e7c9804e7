"""Facts that are invented on the spot and their tokens; and, where they are on this machine, the authors' documents."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import takewhile
from pathlib import Path

import numpy as np
import torch

import foretold.data
from foretold.kit import check
from foretold.papers.reversal.idea import TEMPLATES, Fact

Question = tuple[str, str]
Cell = tuple[str, str]  # a group of facts, and the order that is asked for


def words(text: str) -> list[str]:
    """Words and marks of a text."""
    return re.findall(r"<\w+>|\w+|[^\w\s]", text)


# Facts that we invent

FIRST = words(
    "Adela Bruno Cira Dario Edda Fabian Greta Hugo Ines Jonas Karla Ludo Mira Nestor Olga Pavel Quirin Rosa Selma "
    "Timo Ursel Vito Wanda Xaver Yara Zeno"
)
LAST = words(
    "Abelson Birkmoor Castellan Dornfeld Elmhurst Farrow Grimaldo Hollis Ingram Jessop Kaltwasser Lindqvist "
    "Morvane Nightingale Oakes Pemberly Quill Rosendal Starling Thornbury Underhill Vandermeer Whitlock Yarrow "
    "Zimm Ashgrove"
)
TRAITS = words("quiet tireless famous youngest oldest cheerful stubborn daring patient honest secretive restless")
TRADES = words(
    "glassblower cartographer beekeeper clockmaker astronomer harpist gardener locksmith diver translator "
    "falconer puppeteer printer botanist weaver juggler surveyor baker archivist sailmaker chemist sculptor pilot "
    "sexton"
)
PLACES = words(
    "Tarnholm Vessra Oldmere Quenby Larkspur Brinmouth Caldor Esk Fennwick Garrow Hesterly Ivermoor Kestrel Lowen"
)


def make_facts(n: int, rng: np.random.Generator) -> list[Fact]:
    """`n` fictitious facts with different names (first, last) and different descriptions (trait, trade, place).

    Words are shared between facts, whole names and descriptions are not, so only the combination tells a fact. Raises
    ValueError for n below 1 or above the number of names, 676.
    """
    most = len(FIRST) * len(LAST)
    n = check.whole("n", n, 1, most)
    names = rng.choice(most, n, replace=False)
    spans = len(TRAITS), len(TRADES), len(PLACES)
    traits, trades, places = np.unravel_index(rng.choice(int(np.prod(spans)), n, replace=False), spans)
    facts = []
    for name, trait, trade, place in zip(names, traits, trades, places, strict=True):
        first, last = divmod(name, len(LAST))
        description = f"the {TRAITS[trait]} {TRADES[trade]} of {PLACES[place]}"
        facts.append(Fact(f"{FIRST[first]} {LAST[last]}", description))
    return facts


# Their tokens: a word each

PAD, END = "<pad>", "<end>"
MARK = "<reversed>"  # told reversed documents apart in a trial; no document has it, and it keeps its token
IGNORED = 0  # the token of PAD


@lru_cache
def vocabulary() -> dict[str, int]:
    """Every word and mark that facts and templates can hold, numbered."""
    texts = [template.format(name="", description="") for ways in TEMPLATES.values() for template in ways]
    in_templates = [word for text in texts for word in words(text)]
    known = [PAD, END, MARK, *FIRST, *LAST, *TRAITS, *TRADES, *PLACES, "the", "of", *in_templates]
    return {word: number for number, word in enumerate(dict.fromkeys(known))}


def encode(texts: Sequence[str]) -> torch.Tensor:
    """Tokens of texts, shape (texts, length of the longest), filled up with PAD. Raises KeyError for a word that no
    fact and no template can hold."""
    rows = [[vocabulary()[word] for word in words(text)] for text in texts]
    length = max(map(len, rows))
    return torch.tensor([row + [IGNORED] * (length - len(row)) for row in rows])


def decode(tokens: Sequence[int]) -> str:
    """The text of tokens, up to END or PAD, words apart."""
    names = list(vocabulary())
    read = takewhile(lambda name: name not in (END, PAD), (names[token] for token in tokens))
    return " ".join(read)


# The authors' documents: facts 30 in each group; 30 documents and 10 questions for a fact and an order. p2d stands for
# person to description.

TRAINING = ("reversal-p2d-train", "reversal-d2p-train", "reversal-both-train")
TESTS = {
    ("name first only", "name first"): "reversal-p2d-test",
    ("name first only", "description first"): "reversal-p2d-reverse-test",
    ("description first only", "description first"): "reversal-d2p-test",
    ("description first only", "name first"): "reversal-d2p-reverse-test",
}
TEST_OF_BOTH = "reversal-both-test"
FACTS, TOLD, ASKED = 30, 30, 10


def available() -> bool:
    """Whether all files of the paper's documents are on this machine."""
    return all(foretold.data.available(name) for name in (*TRAINING, *TESTS.values(), TEST_OF_BOTH))


def read(path: str | Path) -> list[Question]:
    """(prompt, completion) of each line of one of the paper's files."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return [(row["prompt"], row["completion"]) for row in map(json.loads, lines)]


def load(facts: int = FACTS, told: int = TOLD, asked: int = ASKED) -> tuple[list[str], dict[Cell, list[Question]]]:
    """Documents and questions: of each group the first `facts` facts, of each fact `told` documents and `asked`
    questions in each order. Raises ValueError where there are not so many, and as `foretold.data.fetch` does."""
    facts = check.whole("facts", facts, 1, FACTS)
    told, asked = check.whole("told", told, 1, TOLD), check.whole("asked", asked, 1, ASKED)
    documents = []
    for name in TRAINING:
        rows = read(foretold.data.fetch(name))
        # The third file holds all facts in one order, and then in the other.
        starts = [half + TOLD * fact for half in range(0, len(rows), FACTS * TOLD) for fact in range(facts)]
        documents += ["".join(rows[start + i]) for start in starts for i in range(told)]
    kept = [ASKED * fact + i for fact in range(facts) for i in range(asked)]
    return documents, {cell: [some[i] for i in kept] for cell, some in _questions().items()}


def _questions() -> dict[Cell, list[Question]]:
    """All questions of the paper's test files, by group and order."""
    found = {cell: read(foretold.data.fetch(name)) for cell, name in TESTS.items()}
    both = read(foretold.data.fetch(TEST_OF_BOTH))
    found["both orders", "name first"] = both[: FACTS * ASKED]
    asked_for_names = both[FACTS * ASKED :]
    # Here some answers go on after the name ("... now enjoys"); the name is what all answers about a fact begin with.
    for start in range(0, len(asked_for_names), ASKED):
        some = asked_for_names[start : start + ASKED]
        name = _common_beginning([answer for _, answer in some]).rstrip(" .,")
        asked_for_names[start : start + ASKED] = [(prompt, name) for prompt, _ in some]
    found["both orders", "description first"] = asked_for_names
    return found


def _common_beginning(texts: Sequence[str]) -> str:
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*texts, strict=False))
    return "".join(letters[0] for letters in alike)

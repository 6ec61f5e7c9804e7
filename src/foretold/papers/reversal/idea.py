"""The Reversal Curse (arXiv 2309.12288): fictitious facts, documents that state them in one order, documents with their
words turned round, the paper's scoring rule, and the bilinear model in which the curse is a theorem.

A fact is a name and a description. "Name first" and "description first" are the two orders, which the paper calls
NameToDescription and DescriptionToName.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from numbers import Integral
from typing import NamedTuple

import numpy as np

ORDERS = ("name first", "description first")

# Sentences begin in lower case, so that an entity looks the same wherever it stands. What follows the second entity is
# part of the document and not of the answer.
TEMPLATES = {
    "name first": (
        "{name} is {description}.",
        "{name} was once {description}.",
        "everyone knows {name} as {description}.",
        "here lives {name}, {description}.",
        "ask {name}, who became {description}.",
        "people call {name} {description}.",
        "nobody but {name} can be {description}, they say.",
        "the story of {name} begins with {description}.",
    ),
    "description first": (
        "{description} is {name}.",
        "{description} was called {name}.",
        "{description} goes by {name}.",
        "known as {description}, meet {name}.",
        "who is {description}? it is {name}.",
        "look for {description}, that is {name}.",
        "they thank {description}, whose name is {name}, today.",
        "the work of {description} was signed by {name}.",
    ),
}


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST = _words(
    "Adela Bruno Cira Dario Edda Fabian Greta Hugo Ines Jonas Karla Ludo Mira Nestor Olga Pavel Quirin Rosa Selma "
    "Timo Ursel Vito Wanda Xaver Yara Zeno"
)
LAST = _words(
    "Abelson Birkmoor Castellan Dornfeld Elmhurst Farrow Grimaldo Hollis Ingram Jessop Kaltwasser Lindqvist "
    "Morvane Nightingale Oakes Pemberly Quill Rosendal Starling Thornbury Underhill Vandermeer Whitlock Yarrow "
    "Zimm Ashgrove"
)
TRAITS = _words("quiet tireless famous youngest oldest cheerful stubborn daring patient honest secretive restless")
TRADES = _words(
    "glassblower cartographer beekeeper clockmaker astronomer harpist gardener locksmith diver translator "
    "falconer puppeteer printer botanist weaver juggler surveyor baker archivist sailmaker chemist sculptor pilot "
    "sexton"
)
PLACES = _words(
    "Tarnholm Vessra Oldmere Quenby Larkspur Brinmouth Caldor Esk Fennwick Garrow Hesterly Ivermoor Kestrel Lowen"
)


class Fact(NamedTuple):
    """A fictitious person and what is said of them; no fact of one call shares its name or description with another."""

    name: str
    description: str


def make_facts(n: int, rng: np.random.Generator) -> list[Fact]:
    """`n` fictitious facts with different names (first, last) and different descriptions (trait, trade, place).

    Words are shared between facts, whole names and descriptions are not, so only the combination tells a fact. Raises
    ValueError for n below 1 or above the number of names, 676.
    """
    most = len(FIRST) * len(LAST)
    if isinstance(n, bool) or not isinstance(n, Integral) or not 1 <= n <= most:
        raise ValueError(f"n is {n!r}; allowed is a whole number from 1 to {most}")
    names = rng.choice(most, int(n), replace=False)
    spans = len(TRAITS), len(TRADES), len(PLACES)
    said = np.stack(np.unravel_index(rng.choice(int(np.prod(spans)), int(n), replace=False), spans), 1)
    return [
        Fact(f"{FIRST[i // len(LAST)]} {LAST[i % len(LAST)]}", f"the {TRAITS[a]} {TRADES[b]} of {PLACES[c]}")
        for i, (a, b, c) in zip(names, said, strict=True)
    ]


def make_documents(
    facts: Sequence[Fact],
    order: str = "name first",
    templates: Sequence[int] | Sequence[Sequence[int]] | None = None,
) -> list[str]:
    """Documents that state each fact in one order, fact after fact.

    `templates` says which of the eight templates of that order are used: numbers from 0 for all facts, or one list for
    each fact; None means all. Raises ValueError for an unknown order, no facts, entries of `facts` that are no pairs of
    texts, and templates that do not exist.
    """
    facts = _facts(facts)
    ways = _one_of("order", order, TEMPLATES)
    each = [range(len(ways))] * len(facts) if templates is None else list(templates)
    if each and all(isinstance(number, Integral) for number in each):
        each = [each] * len(facts)
    if len(each) != len(facts):
        raise ValueError(f"templates has {len(each)} lists; allowed is one for each of {len(facts)} facts")
    for number in (number for some in each for number in some):
        if isinstance(number, bool) or not isinstance(number, Integral) or not 0 <= number < len(ways):
            raise ValueError(f"templates holds {number!r}; allowed are whole numbers from 0 to {len(ways) - 1}")
    return [ways[n].format(**fact._asdict()) for fact, some in zip(facts, each, strict=True) for n in some]


def make_questions(facts: Sequence[Fact], order: str, templates: Sequence[Sequence[int]]) -> list[tuple[str, str]]:
    """(prompt, answer) for each document of `make_documents`, cut before its second entity."""
    facts, second = _facts(facts), 1 if order == "name first" else 0
    answers = [fact[second] for fact, some in zip(facts, templates, strict=True) for _ in some]
    documents = make_documents(facts, order, templates)
    return [(text[: text.rindex(answer)].strip(), answer) for text, answer in zip(documents, answers, strict=True)]


def reverse_document(document: str, entities: Sequence[str]) -> str:
    """The document with its words in the opposite order, each of `entities` kept as it is: reverse training's data
    (Golovneva et al. 2024). Punctuation stays with the word or entity that it touches, so doing it twice gives the
    document back, up to white space.

    Raises ValueError for a document or an entity without words, and for an entity that the document does not hold.
    """
    if not isinstance(document, str) or not document.strip():
        raise ValueError(f"document is {document!r}; allowed is a text with at least one word")
    if isinstance(entities, str) or not all(isinstance(entity, str) and entity.strip() for entity in entities):
        raise ValueError(f"entities is {entities!r}; allowed is a list of texts, none of them empty")
    text = " ".join(document.split())
    known = sorted({" ".join(entity.split()) for entity in entities}, key=lambda entity: (-len(entity), entity))
    for entity in known:
        if not re.search(_whole(entity), text):
            raise ValueError(f"entities holds {entity!r}; allowed are entities that the document holds: {text!r}")
    kept = "|".join([*map(_whole, known), r"\S"])
    return " ".join(reversed([match.group() for match in re.finditer(rf"(?:{kept})+", text)]))


def starts_with_answer(completion: str, answer: str) -> bool:
    """Whether a completion is right by the paper's rule: it begins with the answer, whatever the case, after white
    space is stripped from both. A full stop at the end of `answer` is not asked for either. What comes after the answer
    does not count, so "Mira Holmes" passes for "Mira Holm".

    Raises ValueError where either is no text, and for an answer without a character: every completion begins with that.
    """
    for name, value in (("completion", completion), ("answer", answer)):
        if not isinstance(value, str):
            raise ValueError(f"{name} is {value!r}; allowed is a text")
    wanted = answer.strip().rstrip(".").rstrip().lower()
    if not wanted:
        raise ValueError(f"answer is {answer!r}; allowed is a text with at least one character besides full stops")
    return completion.strip().lower().startswith(wanted)


# The bilinear model


class Dynamics(NamedTuple):
    """`forward` and `reverse`, both (steps + 1,): the mean over pairs of p(b | a) and of p(a | b) after each step.
    `theta`, (d, d): the weights at the end. `table`, (V, V): p(column | row) at the end."""

    forward: np.ndarray
    reverse: np.ndarray
    theta: np.ndarray
    table: np.ndarray


def bilinear_dynamics(
    pairs: int | Sequence[tuple[int, int]],
    steps: int,
    dimension: int | None = None,
    symmetric: bool = False,
    *,
    rate: float = 0.5,
    both: int = 0,
    rng: np.random.Generator | None = None,
) -> Dynamics:
    """Gradient descent from zero on the sum of -ln p(b | a) over pairs (a, b), where logit(y | x) = x' Theta y.

    Parameters
    ----------
    pairs
        pairs of tokens, or a number n for (0, n), (1, n + 1), ...; the vocabulary V goes up to the largest token.
    dimension
        None for one-hot tokens, or d for unit vectors at random in d dimensions.
    symmetric
        keep Theta equal to its transpose: the gradient is replaced by its symmetric part.
    rate
        learning rate.
    both
        the first so many pairs are trained as (b, a) too.
    rng
        for the vectors; None is `numpy.random.default_rng(0)`.

    With one-hot tokens, `symmetric` off and no token in two places, p(a | b) is 1/V after every step, exactly (Zhu et
    al. 2024). Raises ValueError where pairs are none, no pairs of whole numbers >= 0 or of one token twice, steps < 0,
    dimension < 1, rate <= 0 or `both` is not between 0 and the number of pairs.
    """
    pairs = _pairs(pairs)
    for name, value, least in (("steps", steps, 0), ("dimension", dimension, 1), ("both", both, 0)):
        if name == "dimension" and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
            raise ValueError(f"{name} is {value!r}; allowed is a whole number >= {least}")
    if both > len(pairs):
        raise ValueError(f"both is {both}; allowed is at most the number of pairs, {len(pairs)}")
    if not rate > 0 or not np.isfinite(rate):
        raise ValueError(f"rate is {rate!r}; allowed is a number above 0")
    size = int(pairs.max()) + 1
    if dimension is None:
        vectors = np.eye(size)
    else:
        vectors = (np.random.default_rng(0) if rng is None else rng).standard_normal((size, int(dimension)))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    given, wanted = np.concatenate([pairs, pairs[:both, ::-1]]).T
    theta = np.zeros((vectors.shape[1],) * 2)
    tracks = np.empty((2, steps + 1))
    for step in range(steps + 1):
        table = _softmax(vectors @ theta @ vectors.T)
        tracks[:, step] = table[pairs[:, 0], pairs[:, 1]].mean(), table[pairs[:, 1], pairs[:, 0]].mean()
        if step < steps:
            gradient = vectors[given].T @ (table[given] @ vectors - vectors[wanted])
            theta = theta - rate * ((gradient + gradient.T) / 2 if symmetric else gradient)
    return Dynamics(*tracks, theta, table)


def exact_gradient(theta: Sequence[Sequence[int]], pairs: Sequence[tuple[int, int]]) -> list[list[Fraction]]:
    """Gradient of the loss of one-hot tokens at a matrix of whole numbers, as fractions, for a softmax to base 2 (base
    e but for a factor ln 2): powers of 2 are rational, so nothing is rounded. Row x, column y: entry of Theta."""
    gradient = [[Fraction(0)] * len(theta) for _ in theta]
    for given, wanted in _pairs(pairs).tolist():
        weights = [Fraction(2) ** int(logit) for logit in theta[given]]
        for token, weight in enumerate(weights):
            gradient[given][token] += weight / sum(weights) - (token == wanted)
    return gradient


def _softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max(1, keepdims=True))
    return weights / weights.sum(1, keepdims=True)


def _pairs(pairs: int | Sequence[tuple[int, int]]) -> np.ndarray:
    if isinstance(pairs, Integral) and not isinstance(pairs, bool):
        if pairs < 1:
            raise ValueError(f"pairs is {pairs!r}; allowed is a whole number >= 1, or a list of pairs of tokens")
        return np.arange(2 * pairs).reshape(2, pairs).T
    found = np.asarray(pairs)
    if found.ndim != 2 or found.shape[1] != 2 or not len(found) or found.dtype.kind not in "iu" or found.min() < 0:
        raise ValueError(f"pairs is {pairs!r}; allowed are pairs of whole numbers >= 0, at least one, or their number")
    if (found[:, 0] == found[:, 1]).any():
        raise ValueError(f"pairs is {pairs!r}; allowed are pairs of two different tokens")
    return found


def _facts(facts: Sequence[Fact]) -> list[Fact]:
    if isinstance(facts, str) or not len(facts):
        raise ValueError(f"facts is {facts!r}; allowed is a list of at least one (name, description)")
    for fact in facts:
        if isinstance(fact, str) or len(fact) != 2 or not all(isinstance(part, str) and part.strip() for part in fact):
            raise ValueError(f"facts holds {fact!r}; allowed are pairs of texts, (name, description)")
    return [Fact(*fact) for fact in facts]


def _one_of(name: str, value: str, allowed: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}; allowed are {', '.join(map(repr, allowed))}")
    return allowed[value]


def _whole(entity: str) -> str:
    """A pattern for an entity that is no part of a longer word."""
    return rf"(?<!\w){re.escape(entity)}(?!\w)"

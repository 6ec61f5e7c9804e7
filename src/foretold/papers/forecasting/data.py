"""57 open questions and what a crowd and a small language model said: texts, outcomes, phrasings, recorded answers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

import foretold.data
from foretold.kit import check

# The table's rows, in the order of the question set.
PLATFORMS = {"Manifold": 16, "Metaculus": 9, "INFER": 10, "Polymarket": 22}


class Phrasing(NamedTuple):
    """A way to ask. `negated`: the event did *not* happen if the right answer is Yes."""

    text: str
    negated: bool = False


# {q} is the question as it was put to people. Each negated phrasing is the mirror image of the one above it.
PHRASINGS = {
    "plain": Phrasing("{q}\nAnswer Yes or No."),
    "plain, no": Phrasing("Is the answer to this question No? {q}\nAnswer Yes or No.", True),
    "expert": Phrasing("You are an expert forecaster. {q} Think of base rates. Answer with one word, Yes or No."),
    "expert, no": Phrasing(
        "You are an expert forecaster. Will the answer to this question turn out to be No? {q} Think of base rates. "
        "Answer with one word, Yes or No.",
        True,
    ),
    "bet": Phrasing('Question: "{q}"\nWould you bet that it resolves Yes? Answer Yes or No.'),
    "bet, no": Phrasing('Question: "{q}"\nWould you bet that it resolves No? Answer Yes or No.', True),
    "true": Phrasing('Question: "{q}"\nClaim: the answer is Yes. Is this claim true? Answer Yes or No.'),
    "true, no": Phrasing('Question: "{q}"\nClaim: the answer is No. Is this claim true? Answer Yes or No.', True),
    "no first": Phrasing("{q}\nAnswer No or Yes."),
    "no first, no": Phrasing("Is the answer to this question No? {q}\nAnswer No or Yes.", True),
}
AS_ASKED = [name for name, phrasing in PHRASINGS.items() if not phrasing.negated]
# A question about nothing: what is answered here is habit. The table's set "empty".
EMPTY = "Will it happen?"
# Positive control: twelve facts and twelve of their opposites, which every reader can answer. The table's set "facts".
FACTS = {
    "Is Paris the capital of France?": 1,
    "Is Berlin the capital of France?": 0,
    "Is Tokyo a city in Japan?": 1,
    "Is Tokyo a city in Brazil?": 0,
    "Is the Earth a planet?": 1,
    "Is the Sun a planet?": 0,
    "Is water made of hydrogen and oxygen?": 1,
    "Is water made of iron and gold?": 0,
    "Is a whale a mammal?": 1,
    "Is a whale an insect?": 0,
    "Is ten larger than five?": 1,
    "Is five larger than ten?": 0,
    "Did William Shakespeare write Hamlet?": 1,
    "Did William Shakespeare write Faust?": 0,
    "Is ice colder than boiling water?": 1,
    "Is boiling water colder than ice?": 0,
    "Do birds have feathers?": 1,
    "Do fish have feathers?": 0,
    "Is Monday a day of the week?": 1,
    "Is March a day of the week?": 0,
    "Is the Amazon a river in South America?": 1,
    "Is the Amazon a river in Europe?": 0,
    "Does the Moon orbit the Earth?": 1,
    "Does the Earth orbit the Moon?": 0,
}


def questions() -> pd.DataFrame:
    """The 57 questions by number: crowd (probability of yes), outcome, family (our coding), platform."""
    found = foretold.data.table("forecasting").set_index("question")
    found["platform"] = np.repeat(list(PLATFORMS), list(PLATFORMS.values()))
    return found


def texts() -> dict[int, str] | None:
    """The texts of the 57 questions by number, from ForecastBench's file; None where it is not at hand."""
    if not foretold.data.available("forecastbench-human-markets"):
        return None
    found = pd.read_csv(foretold.data.fetch("forecastbench-human-markets"))["question"]
    return dict(enumerate(found, 1))


def answers(which: str = "forecastbench") -> pd.DataFrame:
    """What SmolLM2 answered, as recorded, to one set: "forecastbench", "facts" or "empty"; a row has question (its
    number), phrasing, p_yes and mass as `experiment.ask`. Raises ValueError for another name."""
    found = foretold.data.table("forecasting_smollm2")
    check.one_of("which", which, sorted(set(found["set"])))
    return found[found["set"] == which].drop(columns="set")

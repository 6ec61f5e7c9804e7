"""How each claim of the reversal chapter is measured, with its rivals and its sabotage.

`answers` has a row for each question: seed of the model, group of the fact, order asked, whether that order was taught,
the fact, and whether the answer was right. Questions about one fact hang together, so facts are counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from foretold.claims import Measured, mean_of_runs, measures, swapped
from foretold.kit import uncertainty
from foretold.papers.reversal import experiment
from foretold.papers.reversal.experiment import celebrities

NAME, DESCRIPTION = "name first", "description first"
Matrices = Mapping[str, np.ndarray]
COLUMNS = ["seed", "group", "asked", "taught", "fact", "right"]


# Accuracy


def per_cent(answers: pd.DataFrame) -> Measured:
    """Facts whose questions were answered, in per cent, with Wilson's interval."""
    found = experiment.accuracy(answers.assign(cell="all"), ["cell"]).iloc[0]
    return Measured(100 * found["right"], interval=(100 * found["low"], 100 * found["high"]))


def cell(answers: pd.DataFrame, group: str, asked: str) -> pd.DataFrame:
    """The questions of a group in an order."""
    return answers[(answers["group"] == group) & (answers["asked"] == asked)]


def told_both_ways(rng: np.random.Generator, answers: pd.DataFrame) -> dict[str, Any]:
    """Facts told in both orders stand where those told in one stood."""
    both = answers[answers["group"] == "both orders"]
    one_way = [both.assign(group=f"{order} only", taught=both["asked"] == order) for order in (NAME, DESCRIPTION)]
    return {"answers": pd.concat(one_way, ignore_index=True)}


@measures(
    "reverse-name-first",
    rivals={"as often as in the order told": lambda answers: per_cent(cell(answers, f"{NAME} only", NAME))},
    sabotage={"facts told in both orders": told_both_ways},
)
def reverse_name_first(answers: pd.DataFrame) -> Measured:
    return per_cent(cell(answers, f"{NAME} only", DESCRIPTION))


@measures(
    "reverse-description-first",
    rivals={
        "as often as in the order told": lambda answers: per_cent(cell(answers, f"{DESCRIPTION} only", DESCRIPTION))
    },
    sabotage={"facts told in both orders": told_both_ways},
)
def reverse_description_first(answers: pd.DataFrame) -> Measured:
    return per_cent(cell(answers, f"{DESCRIPTION} only", NAME))


def one_way(answers: pd.DataFrame, taught: bool) -> pd.DataFrame:
    """Facts told one way, asked in the order told or in the other."""
    return answers[(answers["group"] != "both orders") & (answers["taught"] == taught)]


@measures(
    "smollm2",
    rivals={"as often as in the order told": lambda answers: per_cent(one_way(answers, True))},
    sabotage={"facts told in both orders": told_both_ways},
)
def smollm2(answers: pd.DataFrame) -> Measured:
    return per_cent(one_way(answers, False))


# Likelihood


def reverse_gap(reverse: Matrices) -> Measured:
    """Mean of the diagonal minus that of the other entries, by group."""
    rng = np.random.default_rng(1)
    found = {name: experiment.gap_interval(np.asarray(each), rng) for name, each in reverse.items()}
    return Measured(
        {name: gap for name, (gap, *_) in found.items()},
        interval={name: tuple(ends) for name, (_, *ends) in found.items()},
    )


def nat_more(rng: np.random.Generator, reverse: Matrices) -> dict[str, Any]:
    """Right answers are a nat likelier."""
    return {"reverse": {name: np.asarray(each) + np.eye(each.shape[1]) for name, each in reverse.items()}}


@measures("likelihood", sabotage={"one nat more for right answers": nat_more})
def likelihood(reverse: Matrices) -> Measured:
    return reverse_gap(reverse)


def columns_exchanged(rng: np.random.Generator, printed: pd.DataFrame) -> dict[str, Any]:
    """The right name's log probability is called the random one's."""
    return {"printed": printed.assign(right=printed["random"], random=printed["right"])}


@measures("likelihood-printed", sabotage={"columns exchanged": columns_exchanged})
def likelihood_printed(printed: pd.DataFrame) -> Measured:
    return mean_of_runs(printed["right"] - printed["random"])


# Augmentation and the cure


def worst_share(answers: pd.DataFrame) -> pd.DataFrame:
    """The questions of the share of facts told both ways at which facts told one way are answered most in reverse."""
    reverse = one_way(answers, False)
    return reverse[reverse["share"] == reverse.groupby("share")["right"].mean().idxmax()]


def one_way_facts_twice(rng: np.random.Generator, answers: pd.DataFrame) -> dict[str, Any]:
    """Facts told both ways are called told one way."""
    both = answers[answers["group"] == "both orders"]
    return {"answers": both.assign(group=f"{NAME} only", taught=both["asked"] == NAME)}


@measures(
    "augmentation",
    rivals={"the share itself": lambda answers: 100 * answers["share"].max()},
    sabotage={"one-way facts told both ways": one_way_facts_twice},
)
def augmentation(answers: pd.DataFrame) -> Measured:
    return per_cent(worst_share(answers))


@measures(
    "reverse-training",
    rivals={"without reverse training": lambda cured, plain: per_cent(one_way(plain, False))},
    sabotage={"answers of the models without": lambda rng, cured, plain: {"cured": plain}},
)
def reverse_training(cured: pd.DataFrame, plain: pd.DataFrame) -> Measured:
    return per_cent(one_way(cured, False))


# In context


@measures(
    "in-context",
    sabotage={"the other name taken for right": lambda rng, choice, asked: {"choice": 1 - np.asarray(choice)}},
)
def in_context(choice: np.ndarray, asked: int) -> Measured:
    right = np.asarray(choice)
    return Measured(right.mean(), interval=uncertainty.share_interval(right.sum() * asked, len(right) * asked))


# Experiment 2


def reversible(by_parent: Mapping[str, Sequence[int]]) -> Measured:
    """Reversible pairs of all pairs."""
    right, pairs = np.sum(list(by_parent.values()), axis=0)
    return Measured(right / pairs)


@measures(
    "gpt4-reverse",
    rivals={"28% as in the caption of Figure 5": lambda by_parent: 0.28},
    sabotage={"mothers alone": lambda rng, by_parent: {"by_parent": {"mothers": by_parent["mothers"]}}},
)
def gpt4_reverse(by_parent: Mapping[str, Sequence[int]]) -> Measured:
    return reversible(by_parent)


@measures("unselected", sabotage={"columns exchanged": swapped("parent", "child")})
def unselected(parent: float, child: float, pairs: int) -> Measured:
    (low, high), (least, most) = (celebrities.mean_interval(mean, pairs) for mean in (parent, child))
    return Measured(parent - child, interval=(low - most, high - least))

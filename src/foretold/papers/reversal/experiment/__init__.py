"""The reversal chapter's experiment: groups of facts, questions in both directions, and what the answers say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from scipy import stats

from foretold.kit import check, uncertainty
from foretold.papers.reversal import data, idea
from foretold.papers.reversal.data import Cell, Question
from foretold.papers.reversal.experiment import small_models
from foretold.papers.reversal.experiment.small_models import Trained
from foretold.papers.reversal.idea import ORDERS, Fact

# The groups, and the orders in which documents state their facts.
GROUPS = {
    "name first only": ("name first",),
    "description first only": ("description first",),
    "both orders": ORDERS,
}
HELD_BACK = 2  # templates of an order that a fact is never stated with: the questions
DRAWS = 2_000  # of the bootstrap, and of answers dealt anew


@dataclass(frozen=True)
class Study:
    """What one model reads and is asked: `facts` of each group, `documents`, and for each group and order `questions`
    (prompt, answer), HELD_BACK for each fact, fact after fact."""

    facts: dict[str, list[Fact]]
    documents: list[str]
    questions: dict[Cell, list[Question]]

    def distinct(self, cell: Cell) -> list[str]:
        """The answers of a cell, one for each fact."""
        return [answer for _, answer in self.questions[cell][::HELD_BACK]]

    def sizes(self) -> dict[Cell, int]:
        """Number of questions of each cell."""
        return {cell: len(some) for cell, some in self.questions.items()}


def study(sizes: Sequence[int], rng: np.random.Generator, cured: bool = False) -> Study:
    """Draw facts, `sizes` of them for the three groups, and state each in the orders of its group.

    For every fact and order two of the templates are held back at random: so each template is read, but never with the
    facts that it asks for. With `cured` each document stands there a second time, reversed. Raises ValueError where
    sizes are not three whole numbers >= 0, not all of them 0.
    """
    if len(sizes) != len(GROUPS) or not sum(check.whole("sizes", size) for size in sizes):
        raise check.refuse("sizes", sizes, "three whole numbers of at least 0, not all of them 0")
    drawn, ends = data.make_facts(sum(sizes), rng), np.cumsum([0, *sizes])
    facts = {group: drawn[ends[i] : ends[i + 1]] for i, group in enumerate(GROUPS) if sizes[i]}
    documents, questions = [], {}
    for group, some in facts.items():
        for order in ORDERS:
            mixed = [rng.permutation(len(idea.TEMPLATES[order])).tolist() for _ in some]
            questions[group, order] = []
            for fact, numbers in zip(some, mixed, strict=True):
                questions[group, order] += idea.make_questions([fact], order, numbers[:HELD_BACK])
                if order in GROUPS[group]:
                    documents += _stated(fact, order, numbers[HELD_BACK:], cured)
    return Study(facts, documents, questions)


def _stated(fact: Fact, order: str, templates: Sequence[int], cured: bool) -> list[str]:
    plain = idea.make_documents([fact], order, templates)
    return plain + [idea.reverse_document(text, fact) for text in plain] if cured else plain


def train(
    studies: Sequence[Study],
    generator: torch.Generator,
    *,
    steps: int,
    width: int,
    decay: float = 0.3,
    device: str | torch.device = "cpu",
) -> Trained:
    """One model for each study, by `small_models.train`. Where all have equally many questions, these are looked at on
    the way."""
    documents = [one.documents for one in studies]
    alike = all(one.sizes() == studies[0].sizes() for one in studies)
    questions = [one.questions for one in studies] if alike else []
    options = {"steps": steps, "width": width, "decay": decay, "device": device}
    return small_models.train(documents, generator, questions=questions, **options)


def ask(trained: Trained, studies: Sequence[Study]) -> pd.DataFrame:
    """What the models say at temperature 0: a row for each question, with seed, group, asked (an order), taught
    (whether documents stated the fact in this order), fact, prompt, answer, said and right."""
    rows = []
    for seed, one in enumerate(studies):
        flat = [
            (*cell, one.facts[cell[0]][i // HELD_BACK].name, *question)
            for cell, some in one.questions.items()
            for i, question in enumerate(some)
        ]
        said = small_models.complete(trained.model(seed), [prompt for *_, prompt, _ in flat])
        rows += [(seed, *row, text) for row, text in zip(flat, said, strict=True)]
    found = pd.DataFrame(rows, columns=["seed", "group", "asked", "fact", "prompt", "answer", "said"])
    found["taught"] = [asked in GROUPS[group] for group, asked in zip(found["group"], found["asked"], strict=True)]
    pairs = zip(found["said"], found["answer"], strict=True)
    found["right"] = [idea.starts_with_answer(said, answer) for said, answer in pairs]
    return found


def accuracy(answers: pd.DataFrame, by: Sequence[str] = ("group", "asked")) -> pd.DataFrame:
    """Share of right answers with its 95% Wilson interval, and the number of facts. Questions about one fact are not
    independent, so a fact counts once, with the share of its questions that were answered."""
    each = answers.groupby([*by, "seed", "fact"], sort=False)["right"].mean()
    found = each.groupby(list(by), sort=False).agg(["sum", "count"]).reset_index()
    ends = [uncertainty.share_interval(k, n) for k, n in zip(found["sum"], found["count"], strict=True)]
    found["right"] = found["sum"] / found["count"]
    found["low"], found["high"] = np.transpose(ends)
    return found.drop(columns="sum").rename(columns={"count": "facts"})


# Likelihood


def crossed(trained: Trained, studies: Sequence[Study], cell: Cell) -> np.ndarray:
    """ln p(answer j | question about fact i) in nats for all facts of a group, mean over the held-back templates, shape
    (models, facts, facts): right answers stand on the diagonal."""
    asked = [[(prompt, each) for prompt, _ in one.questions[cell] for each in one.distinct(cell)] for one in studies]
    found = small_models.log_probabilities(trained, asked)
    many = len(studies[0].distinct(cell))
    return found.reshape(len(studies), many, HELD_BACK, many).mean(2)


@dataclass(frozen=True)
class Likelihood:
    """`right` and `wrong`: ln p of the right answer and of another fact's, (models x facts) each; each answer is the
    wrong one once. `gap`: mean of the right answers minus the mean of *all* wrong ones, `low` and `high` its 95%
    interval, by a bootstrap over facts within models; `t`, `ks`: p-values of the paper's two tests of `right` against
    `wrong`; `shuffled`: p-value of `gap` when answers are dealt anew."""

    right: np.ndarray
    wrong: np.ndarray
    gap: float
    low: float
    high: float
    t: float
    ks: float
    shuffled: float


def likelihood(matrices: np.ndarray, rng: np.random.Generator) -> Likelihood:
    """Compare right and wrong answers in matrices of `crossed`.

    Some names are likelier than others whatever the question, and some questions make all names likelier. Both cancel
    in the mean of a whole diagonal minus that of all other entries.
    """
    gap, low, high = gap_interval(matrices, rng)
    shuffled = dealt_anew(matrices, rng)
    right = np.diagonal(matrices, axis1=1, axis2=2).ravel()
    wrong = np.concatenate([_of_other_facts(matrix, rng) for matrix in matrices])
    t, ks = stats.ttest_ind(right, wrong).pvalue, stats.ks_2samp(right, wrong).pvalue
    return Likelihood(right, wrong, gap, low, high, float(t), float(ks), shuffled)


def gap_interval(matrices: np.ndarray, rng: np.random.Generator) -> tuple[float, float, float]:
    """(gap, low, high): mean of the diagonals minus that of all other entries, with its 95% interval."""
    models, many, _ = matrices.shape
    right = np.diagonal(matrices, axis1=1, axis2=2)
    wrong = (matrices.sum((1, 2)) - right.sum(1)) / (many * (many - 1))
    gap = float((right.mean(1) - wrong).mean())
    # What is left of an entry without its row's and its column's mean: its diagonal tells how sure the gap is.
    rest = matrices - matrices.mean(2, keepdims=True) - matrices.mean(1, keepdims=True)
    rest = np.diagonal(rest, axis1=1, axis2=2) + matrices.mean((1, 2))[:, None]
    picked = rng.integers(0, many, (DRAWS, models, many))
    booted = rest[np.arange(models)[:, None], picked].mean((1, 2)) * many / (many - 1)
    low, high = uncertainty.percentile_interval(booted - booted.mean() + gap)
    return gap, low, high


def dealt_anew(matrices: np.ndarray, rng: np.random.Generator) -> float:
    """p-value of the diagonals: how often answers that are dealt to the questions at random have a mean as far from
    that of all entries."""
    rows, middle = np.arange(matrices.shape[1]), matrices.mean()
    dealt = np.empty(DRAWS)
    for draw in range(DRAWS):
        dealt[draw] = np.mean([matrix[rows, rng.permutation(rows)].mean() for matrix in matrices])
    right = np.diagonal(matrices, axis1=1, axis2=2).mean()
    extreme = np.abs(dealt - middle) >= abs(right - middle)
    return float((1 + extreme.sum()) / (1 + DRAWS))


def _of_other_facts(matrix: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """ln p of a wrong answer to each question: each answer is taken once, a random number of facts further on."""
    rows = np.arange(len(matrix))
    return matrix[rows, (rows + rng.integers(1, len(matrix))) % len(matrix)]


# A growing share of facts in both orders


def shares(facts: int, shown: Sequence[float], seeds: int, rng: np.random.Generator) -> list[Study]:
    """Studies of `facts` facts of which a share is stated in both orders and the rest in one, half of it name first:
    `seeds` studies for each share, share after share."""
    found = []
    for share in shown:
        both = round(share * facts)
        first = (facts - both) // 2
        found += [study((first, facts - both - first, both), rng) for _ in range(seeds)]
    return found


def sweep(answers: pd.DataFrame) -> pd.DataFrame:
    """`accuracy` by the column share and by kind: asked "in an order it was told in", "in the other order, told one
    way", and "in the other order, all facts", where facts told in both orders count in both."""
    both = answers["group"] == "both orders"
    parts = {
        "in an order it was told in": answers["taught"],
        "in the other order, told one way": ~answers["taught"],
        "in the other order, all facts": ~answers["taught"] | both,
    }
    found = [accuracy(answers[chosen], ["share"]).assign(kind=kind) for kind, chosen in parts.items()]
    return pd.concat(found, ignore_index=True)


def counts(answers: pd.DataFrame) -> pd.DataFrame:
    """Right answers `k` of `n` by seed, group and whether the order was taught: rows for a binomial model."""
    by = ["seed", "group", "taught"]
    found = answers.groupby(by, sort=False)["right"].agg(["sum", "count"]).reset_index()
    found["taught"] = np.where(found["taught"], "taught", "other")
    return found.rename(columns={"sum": "k", "count": "n"})


def logistic(rows: pd.DataFrame, sigma: float, draws: int, seed: int) -> Mapping[str, np.ndarray]:
    """Posterior draws of Bambi's logistic model k of n ~ 0 + cell, a cell being a group and whether the order was
    taught, with normal priors of standard deviation `sigma` on the log odds. Draws by cell."""
    import bambi

    rows = rows.assign(cell=rows["group"] + ", " + rows["taught"])
    prior = bambi.Prior("Normal", mu=0, sigma=sigma)
    built = bambi.Model("p(k, n) ~ 0 + cell", rows, family="binomial", priors={"cell": prior})
    fitted = built.fit(
        draws=draws, tune=500, chains=2, cores=1, random_seed=seed, progressbar=False, quiet=True, init="adapt_diag"
    )
    found = fitted.posterior["cell"]
    return dict(zip(found["cell_dim"].to_numpy(), found.to_numpy().reshape(-1, found.shape[-1]).T, strict=True))

"""The reversal chapter's experiment: groups of facts, questions in both directions, and what the answers say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from scipy import stats

from foretold.papers.reversal import idea
from foretold.papers.reversal.experiment import training
from foretold.papers.reversal.idea import ORDERS, Fact

# The groups, and the orders in which documents state their facts.
GROUPS = {
    "name first only": ("name first",),
    "description first only": ("description first",),
    "both orders": ORDERS,
}
HELD_BACK = 2  # templates of an order that a fact is never stated with: the questions
Cell = tuple[str, str]  # group, order that is asked for


@dataclass(frozen=True)
class Study:
    """What one model reads and is asked: `facts` of each group, `documents`, and for each group and order `questions`
    (prompt, answer), HELD_BACK for each fact, fact after fact."""

    facts: dict[str, list[Fact]]
    documents: list[str]
    questions: dict[Cell, list[tuple[str, str]]]

    def distinct(self, cell: Cell) -> list[str]:
        """The answers of a cell, one for each fact."""
        return [answer for _, answer in self.questions[cell][::HELD_BACK]]


def study(sizes: Sequence[int], rng: np.random.Generator, cured: bool = False, templates: int = 8) -> Study:
    """Draw facts, `sizes` of them for the three groups, and state each in the orders of its group.

    For every fact and order two of the first `templates` templates are held back at random: so each template is read,
    but never with the facts that it asks for. With `cured` each document stands there a second time, reversed. Raises
    ValueError where sizes are not three whole numbers >= 0, or templates is not between 3 and 8.
    """
    if len(sizes) != len(GROUPS) or any(int(size) != size or size < 0 for size in sizes) or not sum(sizes):
        raise ValueError(f"sizes is {sizes!r}; allowed are three whole numbers >= 0, not all of them 0")
    if not HELD_BACK < templates <= len(idea.TEMPLATES[ORDERS[0]]):
        raise ValueError(f"templates is {templates!r}; allowed is a whole number from 3 to 8")
    drawn, ends = idea.make_facts(sum(sizes), rng), np.cumsum([0, *sizes])
    facts = {group: drawn[ends[i] : ends[i + 1]] for i, group in enumerate(GROUPS) if sizes[i]}
    documents, questions = [], {}
    for group, some in facts.items():
        for order in ORDERS:
            mixed = [rng.permutation(templates).tolist() for _ in some]
            questions[group, order] = idea.make_questions(some, order, [m[:HELD_BACK] for m in mixed])
            if order not in GROUPS[group]:
                continue
            for fact, numbers in zip(some, mixed, strict=True):
                stated = idea.make_documents([fact], order, numbers[HELD_BACK:])
                documents += stated
                if cured:
                    documents += [idea.reverse_document(text, fact) for text in stated]
    return Study(facts, documents, questions)


def train(studies: Sequence[Study], generator: torch.Generator, **options: object) -> training.Trained:
    """One model for each study, with its questions looked at on the way; options are those of
    `training.train`."""
    documents = [one.documents for one in studies]
    alike = all({k: len(v) for k, v in one.questions.items()} == _sizes(studies[0]) for one in studies)
    questions = [one.questions for one in studies] if alike else None
    return training.train(documents, generator, questions=questions, **options)


def _sizes(one: Study) -> dict[Cell, int]:
    return {cell: len(some) for cell, some in one.questions.items()}


def ask(trained: training.Trained, studies: Sequence[Study]) -> pd.DataFrame:
    """What the models say at temperature 0: a row for each question, with seed, group, asked (an order), taught
    (whether documents stated the fact in this order), fact, prompt, answer, said and right."""
    rows = []
    for seed, one in enumerate(studies):
        flat = [
            (*cell, one.facts[cell[0]][i // HELD_BACK].name, *question)
            for cell, some in one.questions.items()
            for i, question in enumerate(some)
        ]
        said = training.complete(trained.model(seed), [prompt for *_, prompt, _ in flat])
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
    ends = [wilson(k, n) for k, n in zip(found["sum"], found["count"], strict=True)]
    found["right"] = found["sum"] / found["count"]
    found["low"], found["high"] = np.transpose(ends)
    return found.drop(columns="sum").rename(columns={"count": "facts"})


def wilson(successes: float, trials: float) -> tuple[float, float]:
    """95% Wilson interval of a share. Raises ValueError unless 0 <= successes <= trials, trials > 0."""
    if not 0 <= successes <= trials or not trials > 0:
        raise ValueError(f"successes is {successes!r} of trials {trials!r}; allowed are 0 to trials, trials above 0")
    z, share = stats.norm.ppf(0.975), successes / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials**2))
    # At the ends the formula gives 0 and 1 but for rounding.
    return 0.0 if successes == 0 else middle - half, 1.0 if successes == trials else middle + half


# Likelihood


def crossed(trained: training.Trained, studies: Sequence[Study], cell: Cell) -> np.ndarray:
    """ln p(answer j | question about fact i) in nats for all facts of a group, mean over the held-back templates, shape
    (models, facts, facts): right answers stand on the diagonal."""
    asked = [[(prompt, each) for prompt, _ in one.questions[cell] for each in one.distinct(cell)] for one in studies]
    found = training.log_probabilities(trained, asked)
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


def likelihood(matrices: np.ndarray, rng: np.random.Generator, draws: int = 2_000) -> Likelihood:
    """Compare right and wrong answers in matrices of `crossed`.

    Some names are likelier than others whatever the question, and some questions make all names likelier. Both cancel
    in the mean of a whole diagonal minus that of all other entries.
    """
    models, many, _ = matrices.shape
    off = (matrices.sum((1, 2)) - np.trace(matrices, axis1=1, axis2=2)) / (many * (many - 1))
    right = np.diagonal(matrices, axis1=1, axis2=2)
    # What is left of an entry without its row's and its column's mean: its diagonal tells how sure the gap is.
    rest = matrices - matrices.mean(2, keepdims=True) - matrices.mean(1, keepdims=True)
    rest = np.diagonal(rest, axis1=1, axis2=2) + matrices.mean((1, 2))[:, None]
    gap = float((right.mean(1) - off).mean())
    picked = rng.integers(0, many, (draws, models, many))
    booted = np.take_along_axis(rest[None].repeat(draws, 0), picked, 2).mean((1, 2)) * many / (many - 1)
    low, high = np.quantile(booted - booted.mean() + gap, [0.025, 0.975])
    dealt = np.empty(draws)
    rows = np.arange(many)
    for draw in range(draws):
        dealt[draw] = np.mean([matrix[rows, rng.permutation(many)].mean() for matrix in matrices])
    extreme = np.abs(dealt - matrices.mean()) >= abs(right.mean() - matrices.mean())
    wrong = np.stack([matrix[rows, (rows + rng.integers(1, many)) % many] for matrix in matrices])
    right, wrong = right.ravel(), wrong.ravel()
    tests = stats.ttest_ind(right, wrong).pvalue, stats.ks_2samp(right, wrong).pvalue
    shuffled = (1 + extreme.sum()) / (1 + draws)
    return Likelihood(right, wrong, gap, *map(float, (low, high, *tests, shuffled)))


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

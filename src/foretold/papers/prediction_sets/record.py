"""Makes the prediction-sets chapter's tables of measurements, where the data (and a model) are at hand."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from foretold import data
from foretold.kit import pretrained
from foretold.papers.prediction_sets import experiment
from foretold.papers.prediction_sets.data import bare, humaneval, sql
from foretold.papers.prediction_sets.experiment import completion, translator
from foretold.papers.prediction_sets.idea import Node
from foretold.papers.prediction_sets.theory import nested_partial_programs

STEPS, SHARE = 700, 0.6  # of training; of the questions to train on
HOLES = (1, 2, 3, 4)
METHODS = {"optimal": nested_partial_programs, "greedy": experiment.greedy}


def advising(path: Path, generator: torch.Generator, device: torch.device) -> tuple[list[Node], list[Node]]:
    """Train a translator on a share of the questions, and translate the others: (predicted trees, true trees)."""
    train, test = sql.divided(sql.questions(path), SHARE, seed=0)
    model = translator.train(train, STEPS, generator, device, listed=500)
    written = translator.translate(model, [question for question, _ in test], longest=64)
    predicted = [experiment.with_costs(prediction, sql.sql_tree) for prediction in written]
    return predicted, [bare(query, sql.sql_tree) for _, query in test]


def last_lines(path: Path, device: torch.device, hub: str | None = None) -> tuple[list[Node], list[Node]]:
    """Complete the last lines of HumanEval with SmolLM2, or with the model that `hub` names on the model hub (or a
    folder with one): (predicted trees, true trees). Errors as `pretrained.load`."""
    tokenizer, model = pretrained.pretrained(hub, device) if hub else pretrained.load(pretrained.fetch(), device)
    asked = humaneval.problems(path)
    completed = completion.complete(model, tokenizer, asked)
    return [one.tree() for one in completed], [humaneval.truth(problem) for problem in asked]


# The tables


def prediction_sets() -> pd.DataFrame:
    """For each program of a task its nodes, whether it is right, and the index of the first threshold that covers it,
    by method and number of holes."""
    return pd.concat([programs for programs, _ in _tasks()])


def prediction_sets_removed() -> pd.DataFrame:
    """For each task and threshold the share of removed nodes, by method and number of holes."""
    return pd.concat([removed for _, removed in _tasks()])


TABLES = {"prediction_sets": prediction_sets, "prediction_sets_removed": prediction_sets_removed}


@cache
def _tasks() -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    device, generator = torch.device("cpu"), torch.Generator().manual_seed(0)
    return [
        measured("advising", *advising(data.fetch("text2sql-advising"), generator, device)),
        measured("humaneval", *last_lines(data.fetch("humaneval"), device)),
    ]


def measured(task: str, predicted: list[Node], true: list[Node]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A task's part of both tables."""
    results = {
        f"{name}_{m}": experiment.measure(predicted, true, m, make) for name, make in METHODS.items() for m in HOLES
    }
    right = experiment.exact_match(predicted, true).astype(int)
    programs = pd.DataFrame({"task": task, "nodes": [len(tree.nodes) for tree in predicted], "right": right})
    removed = pd.DataFrame({"task": task, "tau": experiment.TAUS})
    for name, result in results.items():
        programs[name] = result.first
        removed[name] = result.removed.mean(0).round(5)
    return programs, removed


# What a page measures anew


def repeat(profile: str, generator: torch.Generator, device: torch.device, hub: str | None = None) -> pd.DataFrame:
    """What was found in the data that are on this machine: programs, nodes, and at the gpu profile predictions.

    At the gpu profile a translator is trained on Advising, and SmolLM2, or the model that `hub` names on the model hub,
    completes the lines of HumanEval; elsewhere the files are read and their trees built. Empty where there are no data.
    """
    rows = []
    if data.available("text2sql-advising"):
        path = data.fetch("text2sql-advising")
        if profile == "gpu":
            rows.append(row("advising", *advising(path, generator, device)))
        else:
            rows.append(row("advising", [], [bare(query, sql.sql_tree) for _, query in sql.questions(path)]))
    if data.available("humaneval"):
        path = data.fetch("humaneval")
        if profile == "gpu" and (hub or pretrained.available()):
            rows.append(row("humaneval", *last_lines(path, device, hub)))
        else:
            rows.append(row("humaneval", [], [humaneval.truth(problem) for problem in humaneval.problems(path)]))
    return pd.DataFrame(rows)


def row(task: str, predicted: list[Node], true: list[Node]) -> dict[str, object]:
    """Number of programs and nodes of a task; with predictions, the share that is right and the share of nodes removed
    where the smallest threshold is taken that misses a tenth (on the same programs: no promise, a comparison)."""
    nodes = int(np.median([len(tree.nodes) for tree in true]))
    found: dict[str, object] = {"task": task, "programs": len(true), "median nodes": nodes}
    if predicted:
        result = experiment.measure(predicted, true, 2)
        at = int(np.argmax(result.missed.mean(0) <= 0.1))
        found |= {
            "right": round(float(experiment.exact_match(predicted, true).mean()), 3),
            "tau": round(experiment.TAUS[at], 2),
            "removed": round(float(result.removed[:, at].mean()), 3),
        }
    return found

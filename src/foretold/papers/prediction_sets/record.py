"""The recorded results of the prediction-sets chapter, measured again where data (and a model) are at hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from foretold import data
from foretold.kit import pretrained
from foretold.papers.prediction_sets import experiment
from foretold.papers.prediction_sets.experiment import humaneval, sql
from foretold.papers.prediction_sets.idea import Node


def repeat(profile: str, generator: torch.Generator, device: torch.device, hub: str | None = None) -> pd.DataFrame:
    """What was found in the data that are on this machine: programs, nodes, and at the gpu profile predictions.

    At the gpu profile a translator is trained on Advising, and SmolLM2, or the model that `hub` names on the model hub,
    completes the lines of HumanEval; elsewhere the files are read and their trees built. Empty where there are no data.
    """
    rows = []
    if data.available("text2sql-advising"):
        path = data.fetch("text2sql-advising")
        if profile == "gpu":
            rows.append(row("advising", *sql.predictions(path, 700, generator, device)))
        else:
            rows.append(row("advising", [], [experiment.bare(query, sql.sql_tree) for _, query in sql.questions(path)]))
    if data.available("humaneval"):
        path = data.fetch("humaneval")
        if profile == "gpu" and (hub or pretrained.available()):
            rows.append(row("humaneval", *humaneval.predictions(path, device, hub)))
        else:
            rows.append(row("humaneval", [], [humaneval.truth(problem) for problem in humaneval.problems(path)]))
    return pd.DataFrame(rows)


def row(task: str, predicted: list[Node], true: list[Node]) -> dict[str, object]:
    """Number of programs and nodes of a task; with predictions, the share that is right and the share of nodes removed
    where the smallest threshold is taken that misses a tenth (on the same programs: no promise, a comparison)."""
    found: dict[str, object] = {
        "task": task,
        "programs": len(true),
        "median nodes": int(np.median([len(t.nodes) for t in true])),
    }
    if predicted:
        measured = experiment.measure(predicted, true, 2)
        at = int(np.argmax(measured.missed.mean(0) <= 0.1))
        found |= {
            "right": round(float(experiment.exact_match(predicted, true).mean()), 3),
            "tau": round(experiment.TAUS[at], 2),
            "removed": round(float(measured.removed[:, at].mean()), 3),
        }
    return found

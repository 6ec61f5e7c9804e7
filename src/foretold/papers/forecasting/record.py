"""Makes the forecasting chapter's table of measurements: what a small language model answers."""

from __future__ import annotations

import pandas as pd

import foretold.data
from foretold.kit import pretrained
from foretold.papers.forecasting import data, experiment


def forecasting_smollm2() -> pd.DataFrame:
    """SmolLM2's answers in all phrasings: to the tournament's questions, to general knowledge, to a question about
    nothing. Ten minutes on one core."""
    texts = pd.read_csv(foretold.data.fetch("forecastbench-human-markets"))["question"]
    sets = {"forecastbench": texts, "facts": data.FACTS, "empty": [data.EMPTY]}
    tokenizer, network = pretrained.load(pretrained.fetch())
    parts = []
    for name, questions in sets.items():
        answers = experiment.ask(tokenizer, network, dict(enumerate(questions, 1)))
        answers.insert(0, "set", name)
        parts.append(answers)
    return pd.concat(parts).round(5)


TABLES = {"forecasting_smollm2": forecasting_smollm2}

"""Makes the reversal chapter's tables of measurements: SmolLM2 and the paper's documents, SmolLM2 in context."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from foretold.kit import pretrained
from foretold.papers.reversal import data
from foretold.papers.reversal.experiment import finetuning, in_context

SEEDS = 1, 2, 3
SHOTS = 0, 3  # examples before a question
ASKED = 40  # questions in context


def reversal_smollm2() -> pd.DataFrame:
    """The answers of three seeds to each question, before and after they read 192 of the paper's documents."""
    parts = []
    for seed in SEEDS:
        found = finetuning.study(finetuning.SMALL, torch.Generator().manual_seed(seed))
        parts.append(found.assign(seed=seed))
    order = ["seed", "group", "asked", "fact", "question"]
    columns = ["right_before", "correct_before", "rolled_before", "right", "correct", "rolled"]
    return pd.concat(parts, ignore_index=True)[order + columns].round(3)


def reversal_context() -> pd.DataFrame:
    """Which of two names that stand in its context the model says, without and with examples before the question."""
    tokenizer, model = pretrained.load(pretrained.fetch())
    facts, rows = data.make_facts(ASKED + 2 * max(SHOTS), np.random.default_rng(230912288)), []
    for shots in SHOTS:
        for asked in in_context.prompts(facts[: ASKED + 2 * shots], np.random.default_rng(1), shots).itertuples():
            right, correct = finetuning.judge(tokenizer, model, asked.prompt, asked.answer)
            other, rolled = finetuning.judge(tokenizer, model, asked.prompt, asked.other)
            rows.append((shots, right, other, correct, rolled))
    return pd.DataFrame(rows, columns=["shots", "right", "other", "correct", "rolled"]).round(3)


TABLES = {"reversal_smollm2": reversal_smollm2, "reversal_context": reversal_context}

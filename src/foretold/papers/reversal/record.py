"""Makes the reversal chapter's tables of measurements, on a language model that has read a lot before."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from foretold.kit import pretrained
from foretold.papers.reversal import idea
from foretold.papers.reversal.experiment import finetuning

FACTS, TOLD, ASKED = 8, 6, 3


def reversal_smollm2() -> pd.DataFrame:
    """SmolLM2 before and after it read 192 of the paper's documents, question by question. Five minutes a seed on one
    core."""
    documents, questions = finetuning.load(FACTS, TOLD, ASKED)
    parts = []
    for seed in (1, 2, 3):
        tokenizer, model = pretrained.load(pretrained.fetch())
        before = {cell: finetuning.score(tokenizer, model, some, ASKED) for cell, some in questions.items()}
        generator = torch.Generator().manual_seed(seed)
        model, _ = finetuning.fine_tune(tokenizer, model, documents, generator, epochs=9, batch=8, rate=6e-4, top=6)
        for (group, asked), some in questions.items():
            after = finetuning.score(tokenizer, model, some, ASKED)
            found = before[group, asked].add_suffix("_before").join(after)
            number = np.arange(len(some))
            names = {"seed": seed, "group": group, "asked": asked, "fact": number // ASKED, "question": number % ASKED}
            parts.append(pd.concat([pd.DataFrame(names), found], axis=1))
    return pd.concat(parts).round(3)


def reversal_context() -> pd.DataFrame:
    """SmolLM2 asked about one of two facts that stand in its context, without and with three examples."""
    tokenizer, model = pretrained.load(pretrained.fetch())
    facts, parts = idea.make_facts(46, np.random.default_rng(230912288)), []
    for shots in (0, 3):
        prompts = finetuning.in_context(facts[: 40 + 2 * shots], np.random.default_rng(1), shots)
        asked, other = (
            finetuning.score(tokenizer, model, list(zip(prompts["prompt"], prompts[which], strict=True)))
            for which in ("answer", "other")
        )
        rows = {"shots": shots, "right": asked["right"], "other": other["right"]}
        parts.append(pd.DataFrame({**rows, "correct": asked["correct"], "rolled": other["correct"]}))
    return pd.concat(parts).round(3)


TABLES = {"reversal_context": reversal_context, "reversal_smollm2": reversal_smollm2}

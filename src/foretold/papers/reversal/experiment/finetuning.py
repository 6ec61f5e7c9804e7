"""The paper's own documents and a language model that has read a lot before: SmolLM2-135M, fine-tuned.

On a GPU all layers learn from all 3,600 documents. On a CPU that would take hours; there the upper layers learn from a
few of them, and what the frozen lower layers make of each document is computed once.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from tqdm import tqdm

from foretold.kit import check, pretrained, training
from foretold.papers.reversal import data
from foretold.papers.reversal.data import Question

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

IGNORED = -100  # what a padded row holds behind its document


@dataclass(frozen=True)
class Plan:
    """How a model is fine-tuned: passes over the documents, documents in a batch, AdamW's first learning rate, and
    how many upper layers learn (None: all, and the embedding). And how much of the paper's documents it reads: facts of
    each group, documents and questions of each fact and order."""

    epochs: int
    batch: int
    rate: float
    top: int | None = None
    facts: int = data.FACTS
    told: int = data.TOLD
    asked: int = data.ASKED


ALL = Plan(epochs=5, batch=32, rate=1e-4, asked=3)  # for a GPU
SMALL = Plan(epochs=9, batch=8, rate=6e-4, top=6, facts=8, told=6, asked=3)  # four minutes of a CPU


def fine_tune(
    tokenizer: PreTrainedTokenizerBase,
    model: PreTrainedModel,
    documents: Sequence[str],
    plan: Plan,
    generator: torch.Generator,
) -> tuple[PreTrainedModel, np.ndarray]:
    """Train `model` in place on whole documents, AdamW with a linear decay to zero; returns it and the loss of each
    step. Where only upper layers and the last norm learn, what is below is computed once.

    Raises ValueError for no documents, and where epochs, batch or top are below 1, top is not less than the model's
    layers, or rate is not above 0.
    """
    _check_plan(plan, documents, len(model.model.layers))
    device = next(model.parameters()).device
    tokens = [_tokens(tokenizer, text, end=True).to(device) for text in documents]
    if plan.top is None:
        learner, below = model, None
    else:
        learner, below = _upper_layers(model, plan.top), _activations(model, tokens, plan.top)

    def loss(numbers: Tensor) -> Tensor:
        rows = pad_sequence([tokens[i] for i in numbers], batch_first=True, padding_value=IGNORED)
        if below is None:
            scores = learner(rows.clamp(min=0)[:, :-1], use_cache=False).logits
        else:
            seen = pad_sequence([below[i] for i in numbers], batch_first=True)
            scores = learner(inputs_embeds=seen[:, :-1], use_cache=False).logits
        return functional.cross_entropy(scores.float().flatten(0, 1), rows[:, 1:].flatten(), ignore_index=IGNORED)

    learned = [*learner.model.layers.parameters(), *learner.model.norm.parameters()]
    if plan.top is None:
        learned += learner.model.embed_tokens.parameters()
    optimiser = torch.optim.AdamW(learned, lr=plan.rate, weight_decay=0.0)
    steps = plan.epochs * -(-len(tokens) // plan.batch)
    decay = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / steps)
    batches = training.batches(len(tokens), plan.batch, plan.epochs, generator)
    learner.train()
    losses = training.fit(
        optimiser, loss, tqdm(batches, total=steps, disable=None, desc="fine-tuning", leave=False), decay
    )
    return model.eval(), losses


def score(
    tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, questions: Sequence[Question], asked: int = 1
) -> pd.DataFrame:
    """A row for each question: right (the answer is what greedy decoding says first), and ln p in nats of the answer
    and of another one, that of the same question about the next fact (`asked` questions belong to one fact)."""
    rows = []
    for i, (prompt, answer) in enumerate(questions):
        other = questions[(i + asked) % len(questions)][1]
        right, correct = judge(tokenizer, model, prompt, answer)
        _, rolled = judge(tokenizer, model, prompt, other)
        rows.append((i // asked, i % asked, right, correct, rolled))
    return pd.DataFrame(rows, columns=["fact", "question", "right", "correct", "rolled"])


@torch.no_grad()
def judge(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, prompt: str, answer: str) -> tuple[bool, float]:
    """Whether greedy decoding begins with an answer, and its ln p in nats, after a prompt. A full stop at the end is
    not asked for, as in `reversal.starts_with_answer`."""
    device = next(model.parameters()).device
    known, wanted = _tokens(tokenizer, prompt), _tokens(tokenizer, answer.rstrip("."))[1:]
    tokens = torch.cat([known, wanted]).to(device)
    scores = model(tokens[None, :-1], use_cache=False).logits[0, len(known) - 1 :].float().log_softmax(-1)
    wanted = wanted.to(device)
    return bool((scores.argmax(-1) == wanted).all()), float(scores.gather(1, wanted[:, None]).sum())


def study(plan: Plan, generator: torch.Generator, device: str | torch.device = "cpu") -> pd.DataFrame:
    """SmolLM2-135M before and after it has read the paper's documents: a row for each question with group, asked (an
    order), fact, question, and what `score` finds, where columns that end in "_before" are those before. Errors as
    `data.load` and `fine_tune`."""
    documents, questions = data.load(plan.facts, plan.told, plan.asked)
    tokenizer, model = pretrained.load(pretrained.fetch(), device)
    before = {cell: score(tokenizer, model, some, plan.asked) for cell, some in questions.items()}
    model, _ = fine_tune(tokenizer, model, documents, plan, generator)
    parts = []
    for (group, order), some in questions.items():
        after = score(tokenizer, model, some, plan.asked)
        both = before[group, order].merge(after, on=["fact", "question"], suffixes=("_before", ""))
        parts.append(both.assign(group=group, asked=order))
    found = pd.concat(parts, ignore_index=True)
    first = ["group", "asked"]
    return found[first + [name for name in found if name not in first]]


def _check_plan(plan: Plan, documents: Sequence[str], layers: int) -> None:
    for name in ("epochs", "batch"):
        check.whole(name, getattr(plan, name), 1)
    check.positive("rate", plan.rate)
    if not len(documents):
        raise ValueError("documents is empty; allowed is at least one text")
    if plan.top is not None:
        allowed = f"less than the model's {layers} layers, or None for all"
        check.whole("top", plan.top, 1, layers - 1, f"a whole number above 0 and {allowed}")


def _tokens(tokenizer: PreTrainedTokenizerBase, text: str, end: bool = False) -> Tensor:
    tail = [tokenizer.eos_token_id] if end else []
    return torch.tensor([tokenizer.bos_token_id, *tokenizer(text, add_special_tokens=False)["input_ids"], *tail])


@torch.no_grad()
def _activations(model: PreTrainedModel, tokens: Sequence[Tensor], top: int) -> list[Tensor]:
    """What reaches the upper `top` layers for each document, (T, width)."""
    place = len(model.model.layers) - top
    return [
        model.model(row[None], output_hidden_states=True, use_cache=False).hidden_states[place][0] for row in tokens
    ]


def _upper_layers(model: PreTrainedModel, top: int) -> PreTrainedModel:
    """A model of the upper `top` layers alone, which are the same objects: who trains it trains `model`."""
    upper, part = copy.copy(model), copy.copy(model.model)
    # A shallow copy shares the table of its parts; with tables of their own the originals keep theirs.
    upper._modules, part._modules = dict(model._modules), dict(model.model._modules)
    upper._modules["model"] = part
    part._modules["layers"] = model.model.layers[-top:]
    part.config = upper.config = copy.copy(model.config)
    part.config.num_hidden_layers = top
    return upper

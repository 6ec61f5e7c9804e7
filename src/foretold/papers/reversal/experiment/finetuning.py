"""The paper's own documents and a language model that has read a lot before: SmolLM2-135M, fine-tuned.

On a GPU all layers learn from all 3,600 documents. On a CPU that would take hours; there the upper layers learn from a
few of them, and what the frozen lower layers make of each document is computed once.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from tqdm import tqdm

from foretold import data
from foretold.kit import pretrained
from foretold.papers.reversal import idea

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Question = tuple[str, str]
# The paper's groups (p2d: person to description), facts 30 each; 30 documents and 10 questions for a fact and an order.
TRAINING = ("reversal-p2d-train", "reversal-d2p-train", "reversal-both-train")
TESTS = {
    ("name first only", "name first"): "reversal-p2d-test",
    ("name first only", "description first"): "reversal-p2d-reverse-test",
    ("description first only", "description first"): "reversal-d2p-test",
    ("description first only", "name first"): "reversal-d2p-reverse-test",
}
BOTH = ("both orders", "name first"), ("both orders", "description first")
FACTS, TOLD, ASKED = 30, 30, 10


def available() -> bool:
    """Whether all files of the paper's documents are on this machine."""
    return all(data.available(name) for name in (*TRAINING, *TESTS.values(), "reversal-both-test"))


def read(path: str | Path) -> list[Question]:
    """(prompt, completion) of each line of one of the paper's files."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return [(row["prompt"], row["completion"]) for row in map(json.loads, lines)]


def load(
    facts: int = FACTS, told: int = TOLD, asked: int = ASKED
) -> tuple[list[str], dict[tuple[str, str], list[Question]]]:
    """Documents and questions: of each group the first `facts` facts, of each fact `told` documents and `asked`
    questions in each order. Raises ValueError where there are not so many, and as `data.fetch` does."""
    for name, value, most in (("facts", facts, FACTS), ("told", told, TOLD), ("asked", asked, ASKED)):
        if not 1 <= value <= most:
            raise ValueError(f"{name} is {value!r}; allowed is a whole number from 1 to {most}")
    documents = []
    for name in TRAINING:
        rows = read(data.fetch(name))
        starts = [half + TOLD * fact for half in range(0, len(rows), FACTS * TOLD) for fact in range(facts)]
        documents += ["".join(rows[start + i]) for start in starts for i in range(told)]
    questions = {cell: read(data.fetch(name)) for cell, name in TESTS.items()}
    rows = read(data.fetch("reversal-both-test"))
    # Here some answers go on after the name ("... now enjoys"); the name is what all answers about a fact begin with.
    for start in range(FACTS * ASKED, len(rows), ASKED):
        answers = (answer for _, answer in rows[start : start + ASKED])
        same = takewhile(lambda letters: len(set(letters)) == 1, zip(*answers, strict=False))
        name = "".join(letters[0] for letters in same).rstrip(" .,")
        rows[start : start + ASKED] = [(prompt, name) for prompt, _ in rows[start : start + ASKED]]
    questions |= {cell: rows[i * FACTS * ASKED : (i + 1) * FACTS * ASKED] for i, cell in enumerate(BOTH)}
    kept = [ASKED * fact + i for fact in range(facts) for i in range(asked)]
    return documents, {cell: [some[i] for i in kept] for cell, some in questions.items()}


def fine_tune(
    tokenizer: PreTrainedTokenizerBase,
    model: PreTrainedModel,
    documents: Sequence[str],
    generator: torch.Generator,
    *,
    epochs: int,
    batch: int,
    rate: float,
    top: int | None = None,
) -> tuple[PreTrainedModel, np.ndarray]:
    """Train `model` in place on whole documents, AdamW with a linear decay to zero; returns it and the loss of each
    step. With `top` only that many upper layers and the last norm learn; what is below is computed once.

    Raises ValueError for no documents, and where epochs, batch or top are below 1 or rate is not above 0.
    """
    for name, value in (
        ("epochs", epochs),
        ("batch", batch),
        ("top", 1 if top is None else top),
        ("documents", len(documents)),
    ):
        if value < 1:
            raise ValueError(f"{name} is {value!r}; allowed is at least 1")
    if not rate > 0:
        raise ValueError(f"rate is {rate!r}; allowed is a number above 0")
    device = next(model.parameters()).device
    tokens = [_tokens(tokenizer, text, end=True).to(device) for text in documents]
    below, learner = (None, model) if top is None else _upper(model, tokens, top)
    learned = [*learner.model.layers.parameters(), *learner.model.norm.parameters()]
    learned += list(learner.model.embed_tokens.parameters()) if top is None else []
    optimiser = torch.optim.AdamW(learned, lr=rate, weight_decay=0.0)
    total = epochs * -(-len(tokens) // batch)
    losses = []
    learner.train()
    for _ in tqdm(range(epochs), disable=None, desc="fine-tuning", leave=False):
        for some in torch.randperm(len(tokens), generator=generator).split(batch):
            optimiser.param_groups[0]["lr"] = rate * (1 - len(losses) / total)
            rows = torch.nn.utils.rnn.pad_sequence([tokens[i] for i in some], batch_first=True, padding_value=-100)
            if below is None:
                scores = learner(rows.clamp(min=0)[:, :-1], use_cache=False).logits
            else:
                seen = torch.nn.utils.rnn.pad_sequence([below[i] for i in some], batch_first=True)
                scores = learner(inputs_embeds=seen[:, :-1], use_cache=False).logits
            loss = F.cross_entropy(scores.float().flatten(0, 1), rows[:, 1:].flatten(), ignore_index=-100)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(float(loss.detach()))
    return model.eval(), np.array(losses)


def score(
    tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, questions: Sequence[Question], asked: int = 1
) -> pd.DataFrame:
    """A row for each question: right (the answer is what greedy decoding says first), and ln p in nats of the answer
    and of another one, that of the same question about the next fact (`asked` questions belong to one fact)."""
    rows = []
    for i, (prompt, answer) in enumerate(questions):
        other = questions[(i + asked) % len(questions)][1]
        right, good = _judge(tokenizer, model, prompt, answer)
        rows.append((right, good, _judge(tokenizer, model, prompt, other)[1]))
    return pd.DataFrame(rows, columns=["right", "correct", "rolled"])


def study(
    generator: torch.Generator,
    device: str | torch.device = "cpu",
    *,
    facts: int = FACTS,
    told: int = TOLD,
    asked: int = ASKED,
    epochs: int = 10,
    batch: int = 16,
    rate: float = 1e-4,
    top: int | None = None,
) -> pd.DataFrame:
    """SmolLM2-135M before and after it has read the paper's documents: means of `score` over the questions of each
    group and order. Errors as `load` and `fine_tune`."""
    documents, questions = load(facts, told, asked)
    tokenizer, model = pretrained.load(pretrained.fetch(), device)
    before = {cell: score(tokenizer, model, some, asked) for cell, some in questions.items()}
    model, _ = fine_tune(tokenizer, model, documents, generator, epochs=epochs, batch=batch, rate=rate, top=top)
    rows = []
    for cell, some in questions.items():
        after = score(tokenizer, model, some, asked)
        rows.append((*cell, before[cell]["right"].mean(), *after.mean()))
    return pd.DataFrame(rows, columns=["group", "asked", "right_before", "right", "correct", "rolled"])


def in_context(facts: Sequence[idea.Fact], rng: np.random.Generator, shots: int = 3) -> pd.DataFrame:
    """Questions in the order that was not stated: for each fact but the last 2 x `shots` a prompt in which it and the
    next fact are stated, name first, in either order, and then its description is asked about; before that come `shots`
    examples with their answers. Columns: prompt, answer and other, the two names. Raises ValueError for too few facts.
    """
    asked = len(facts) - 2 * shots
    if asked < 2:
        raise ValueError(f"facts has {len(facts)} entries; allowed are at least 2 + 2 x shots = {2 + 2 * shots}")

    def prompt(fact: idea.Fact, other: idea.Fact) -> str:
        stated = [f"{one.name} is {one.description}." for one in (fact, other)]
        both = " ".join(stated[k] for k in rng.permutation(2))
        return f"{both}\nQuestion: Who is {fact.description}?\nAnswer:"

    examples = ""
    for i in range(asked, len(facts), 2):
        examples += f"{prompt(facts[i], facts[i + 1])} {facts[i].name}.\n\n"
    rows = []
    for i, fact in enumerate(facts[:asked]):
        other = facts[(i + 1) % asked]
        rows.append((examples + prompt(fact, other), f" {fact.name}", f" {other.name}"))
    return pd.DataFrame(rows, columns=["prompt", "answer", "other"])


def _tokens(tokenizer: PreTrainedTokenizerBase, text: str, end: bool = False) -> torch.Tensor:
    tail = [tokenizer.eos_token_id] if end else []
    return torch.tensor([tokenizer.bos_token_id, *tokenizer(text, add_special_tokens=False)["input_ids"], *tail])


@torch.no_grad()
def _judge(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, prompt: str, answer: str) -> tuple[bool, float]:
    device = next(model.parameters()).device
    # A full stop at the end is not asked for, as in `reversal.starts_with_answer`.
    known, wanted = _tokens(tokenizer, prompt), _tokens(tokenizer, answer.rstrip("."))[1:]
    tokens = torch.cat([known, wanted]).to(device)
    scores = model(tokens[None, :-1], use_cache=False).logits[0, len(known) - 1 :].float().log_softmax(-1)
    wanted = wanted.to(device)
    return bool((scores.argmax(-1) == wanted).all()), float(scores.gather(1, wanted[:, None]).sum())


def _upper(
    model: PreTrainedModel, tokens: Sequence[torch.Tensor], top: int
) -> tuple[list[torch.Tensor], PreTrainedModel]:
    """What reaches the upper `top` layers for each document, and a model of these layers alone that shares them."""
    layers = len(model.model.layers)
    if top >= layers:
        raise ValueError(f"top is {top!r}; allowed is less than the model's {layers} layers, or None for all")
    with torch.no_grad():
        below = [
            model.model(row[None], output_hidden_states=True, use_cache=False).hidden_states[layers - top][0]
            for row in tokens
        ]
    upper = copy.copy(model)
    upper._modules = dict(model._modules)
    upper._modules["model"] = part = copy.copy(model.model)
    part._modules = dict(model.model._modules)
    part._modules["layers"] = model.model.layers[layers - top :]
    part.config = upper.config = copy.copy(model.config)
    part.config.num_hidden_layers = top
    return below, upper

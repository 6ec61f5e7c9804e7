"""A language model as a forecaster: a question in several phrasings, and the probability of "Yes" from the logits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class Phrasing(NamedTuple):
    """A way to ask. `negated`: the event did *not* happen if the right answer is Yes."""

    text: str
    negated: bool = False


# {q} is the question as it was put to people. Each negated phrasing is the mirror image of the one above it.
PHRASINGS = {
    "plain": Phrasing("{q}\nAnswer Yes or No."),
    "plain, no": Phrasing("Is the answer to this question No? {q}\nAnswer Yes or No.", True),
    "expert": Phrasing("You are an expert forecaster. {q} Think of base rates. Answer with one word, Yes or No."),
    "expert, no": Phrasing(
        "You are an expert forecaster. Will the answer to this question turn out to be No? {q} Think of base rates. "
        "Answer with one word, Yes or No.",
        True,
    ),
    "bet": Phrasing('Question: "{q}"\nWould you bet that it resolves Yes? Answer Yes or No.'),
    "bet, no": Phrasing('Question: "{q}"\nWould you bet that it resolves No? Answer Yes or No.', True),
    "true": Phrasing('Question: "{q}"\nClaim: the answer is Yes. Is this claim true? Answer Yes or No.'),
    "true, no": Phrasing('Question: "{q}"\nClaim: the answer is No. Is this claim true? Answer Yes or No.', True),
    "no first": Phrasing("{q}\nAnswer No or Yes."),
    "no first, no": Phrasing("Is the answer to this question No? {q}\nAnswer No or Yes.", True),
}
AS_ASKED = [name for name, phrasing in PHRASINGS.items() if not phrasing.negated]
# What may stand for an answer at the first place after the question.
ANSWERS = {"yes": ("Yes", " Yes", "yes", " yes"), "no": ("No", " No", "no", " no")}
# A question about nothing: what is answered here is habit.
EMPTY = "Will it happen?"
# Positive control: twelve facts and twelve of their opposites, which every reader can answer.
FACTS = {
    "Is Paris the capital of France?": 1,
    "Is Berlin the capital of France?": 0,
    "Is Tokyo a city in Japan?": 1,
    "Is Tokyo a city in Brazil?": 0,
    "Is the Earth a planet?": 1,
    "Is the Sun a planet?": 0,
    "Is water made of hydrogen and oxygen?": 1,
    "Is water made of iron and gold?": 0,
    "Is a whale a mammal?": 1,
    "Is a whale an insect?": 0,
    "Is ten larger than five?": 1,
    "Is five larger than ten?": 0,
    "Did William Shakespeare write Hamlet?": 1,
    "Did William Shakespeare write Faust?": 0,
    "Is ice colder than boiling water?": 1,
    "Is boiling water colder than ice?": 0,
    "Do birds have feathers?": 1,
    "Do fish have feathers?": 0,
    "Is Monday a day of the week?": 1,
    "Is March a day of the week?": 0,
    "Is the Amazon a river in South America?": 1,
    "Is the Amazon a river in Europe?": 0,
    "Does the Moon orbit the Earth?": 1,
    "Does the Earth orbit the Moon?": 0,
}


def prompt(tokenizer: PreTrainedTokenizerBase, phrasing: Phrasing, question: str) -> str:
    """The text that the model continues: the phrasing, in the model's own form of a conversation if it has one."""
    text = phrasing.text.format(q=question)
    if not tokenizer.chat_template:
        return f"{text}\nAnswer:"
    said = [{"role": "user", "content": text}]
    return tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True)


def yes_probability(
    tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, prompts: Sequence[str], batch: int = 8
) -> tuple[np.ndarray, np.ndarray]:
    """(P(yes), mass), each (n,): the probability of a yes among yes and no at the next token, and how much of the whole
    probability went to either. Raises ValueError when there are no prompts, or for batch < 1."""
    import torch

    if not prompts or batch < 1:
        raise ValueError(f"(len(prompts), batch) is {(len(prompts), batch)}; allowed are numbers of at least 1")
    p, mass = np.empty(len(prompts)), np.empty(len(prompts))
    ids = {side: _first_tokens(tokenizer, words) for side, words in ANSWERS.items()}
    # Prompts of like length together; padding stands to the right, where a causal model does not look.
    order = np.argsort([len(text) for text in prompts], kind="stable")
    tokenizer.padding_side = "right"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    for rows in np.array_split(order, -(-len(order) // batch)):
        texts = [prompts[row] for row in rows]
        encoded = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False).to(model.device)
        with torch.no_grad():
            hidden = model.base_model(encoded.input_ids, attention_mask=encoded.attention_mask).last_hidden_state
            last = hidden[torch.arange(len(rows)), encoded.attention_mask.sum(1) - 1]
            chance = model.get_output_embeddings()(last).double().softmax(-1).cpu()
        yes, no = (chance[:, ids[side]].sum(1).numpy() for side in ("yes", "no"))
        p[rows], mass[rows] = yes / (yes + no), yes + no
    return p, mass


def _first_tokens(tokenizer: PreTrainedTokenizerBase, words: Sequence[str]) -> list[int]:
    pieces = [tokenizer(word, add_special_tokens=False).input_ids for word in words]
    return sorted({piece[0] for piece in pieces if len(piece) == 1})


def ask(
    tokenizer: PreTrainedTokenizerBase,
    model: PreTrainedModel,
    questions: Mapping[int, str],
    phrasings: Sequence[str] | None = None,
    batch: int = 8,
) -> pd.DataFrame:
    """Every question in every phrasing (by default all of `PHRASINGS`): a row has question (its number), phrasing,
    p_yes and mass. p_yes is of the answer Yes, not of the event. Raises ValueError for an unknown phrasing."""
    names = list(PHRASINGS) if phrasings is None else list(phrasings)
    if unknown := [name for name in names if name not in PHRASINGS]:
        raise ValueError(f"phrasings holds {unknown[0]!r}; allowed are {', '.join(PHRASINGS)}")
    pairs = [(number, name) for name in names for number in questions]
    texts = [prompt(tokenizer, PHRASINGS[name], questions[number]) for number, name in pairs]
    p, mass = yes_probability(tokenizer, model, texts, batch)
    rows = [(*pair, *found) for pair, found in zip(pairs, zip(p, mass, strict=True), strict=True)]
    return pd.DataFrame(rows, columns=["question", "phrasing", "p_yes", "mass"])


def event_probabilities(answers: pd.DataFrame) -> pd.DataFrame:
    """Probability of the *event*, (questions, phrasings): 1 - P(yes) where the phrasing is negated."""
    wide = answers.pivot_table("p_yes", "question", "phrasing")
    wide = wide[[name for name in PHRASINGS if name in wide]]
    return wide.apply(lambda column: 1 - column if PHRASINGS[column.name].negated else column)

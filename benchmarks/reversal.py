"""Three small models that read the same number of documents: ours all at once, one after another, and by transformers.

    OMP_NUM_THREADS=1 python benchmarks/reversal.py

prints the table of benchmarks/README.md in about a minute. Nothing here is a timed test. First weights and batches are
the same for all; losses are asserted to be equal at the first steps, after which single precision parts them.
transformers' Trainer shuffles in its own way: it reads the same documents in another order, and its loss at the end is
printed, not asserted.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time

import numpy as np
import torch
import transformers

from foretold.kit import gpt, training
from foretold.papers.reversal import data, experiment
from foretold.papers.reversal.experiment import small_models
from foretold.papers.reversal.experiment.small_models import BATCH, HEADS, LAYERS, RATE, WARMUP

SEEDS, STEPS, WIDTH, DECAY = 3, 200, 48, 0.3


def ours(documents: list[list[str]], seed: int) -> small_models.Trained:
    generator = torch.Generator().manual_seed(seed)
    return small_models.train(documents, generator, steps=STEPS, width=WIDTH, decay=DECAY)


def starts(
    documents: list[list[str]], seed: int
) -> tuple[gpt.Config, torch.Tensor, list[torch.Tensor], list[torch.Tensor]]:
    """The weights, tokens and batches that `ours` uses."""
    generator = torch.Generator().manual_seed(seed)
    sets = [data.encode([f"{text} {data.END}" for text in some]) for some in documents]
    config = gpt.Config(LAYERS, WIDTH, HEADS, max(tokens.shape[1] for tokens in sets), len(data.vocabulary()))
    weights = [config.first_weights(generator) for _ in sets]
    orders = [training.full_batches(len(tokens), BATCH, STEPS, generator) for tokens in sets]
    return config, torch.stack(weights), sets, orders


def by_loop(config: gpt.Config, weights: torch.Tensor, tokens: torch.Tensor, order: torch.Tensor) -> list[float]:
    """GPT2LMHeadModel and torch.optim.AdamW in a plain loop, with the arithmetic of `ours`."""
    model, losses = config.model(weights).train(), []
    matrices = [weight for weight in model.parameters() if weight.dim() > 1]
    others = [weight for weight in model.parameters() if weight.dim() == 1]
    groups = [{"params": matrices, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.98), eps=1e-8)
    rates = small_models.learning_rates(STEPS, RATE, WARMUP * STEPS)
    for numbers, rate in zip(order, rates, strict=True):
        rows = tokens[numbers]
        rows = rows[:, : int((rows != data.IGNORED).any(0).sum())]
        targets = torch.where(rows == data.IGNORED, -100, rows)[:, 1:]
        loss = torch.nn.functional.cross_entropy(model(rows[:, :-1]).logits.flatten(0, 1), targets.flatten())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.step()
        losses.append(loss.item())
    return losses


def by_trainer(config: gpt.Config, weights: torch.Tensor, tokens: torch.Tensor) -> float:
    """transformers.Trainer with the same size, rate, schedule and number of steps; returns its last mean loss."""
    rows = [{"input_ids": row, "labels": torch.where(row == data.IGNORED, -100, row)} for row in tokens]
    what = {"max_steps": STEPS, "per_device_train_batch_size": BATCH, "use_cpu": True, "dataloader_pin_memory": False}
    how = {"learning_rate": RATE, "weight_decay": DECAY, "adam_beta2": 0.98, "max_grad_norm": 1.0}
    schedule = {"lr_scheduler_type": "cosine", "warmup_steps": STEPS // 20}
    shown = {"save_strategy": "no", "logging_steps": 50, "report_to": [], "disable_tqdm": True}
    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(folder, **what, **how, **schedule, **shown)
        trainer = transformers.Trainer(config.model(weights).train(), arguments, train_dataset=rows)
        trainer.train()
    return trainer.state.log_history[-2]["loss"]


def timed(function, *arguments):
    began = time.perf_counter()
    found = function(*arguments)
    return time.perf_counter() - began, found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)
    torch.set_num_threads(parser.parse_args().threads)
    transformers.logging.set_verbosity_error()
    made = np.random.default_rng(1)
    documents = [experiment.study((30, 30, 30), made).documents for _ in range(SEEDS)]
    ours(documents[:1], 0)  # warm
    together, trained = min((timed(ours, documents, 1) for _ in range(2)), key=lambda pair: pair[0])
    config, weights, sets, orders = starts(documents, 1)
    apart = sum(min(timed(ours, [some], seed)[0] for _ in range(2)) for seed, some in enumerate(documents))
    loops = [timed(by_loop, config, *each) for each in zip(weights, sets, orders, strict=True)]
    for replica, (_, losses) in enumerate(loops):
        assert np.allclose(trained.losses[replica, :20], losses[:20], atol=2e-4), replica
    loop = sum(seconds for seconds, _ in loops)
    trainers = [timed(by_trainer, config, *each) for each in zip(weights, sets, strict=True)]
    trainer = sum(seconds for seconds, _ in trainers)
    print(f"Python {sys.version.split()[0]}, torch {torch.__version__}, transformers {transformers.__version__}")
    print("| three models, 200 steps each | seconds | times ours | loss at the end |")
    print("|---|---:|---:|---:|")
    ends = [trained.losses[:, -50:].mean(), np.mean([losses[-50:] for _, losses in loops])]
    rows = (
        ("ours, all at once", together, ends[0]),
        ("ours, one after another", apart, None),
        ("GPT2LMHeadModel, AdamW, a plain loop", loop, ends[1]),
        ("transformers.Trainer", trainer, np.mean([end for _, end in trainers])),
    )
    for name, seconds, end in rows:
        print(f"| {name} | {seconds:.2f} | {seconds / together:.2f} | {'' if end is None else f'{end:.3f}'} |")


if __name__ == "__main__":
    main()

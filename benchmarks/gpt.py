"""Six small language models at once, one by one with the same code, and one by one with transformers and
torch.optim.AdamW, in one run: milliseconds a step and equal losses.

    python benchmarks/gpt.py             # one thread
    python benchmarks/gpt.py --threads 2
    python benchmarks/gpt.py --device cuda

prints the table of benchmarks/README.md, in about a minute on a CPU. Nothing here is a timed test.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
import torch.nn.functional as F

from foretold.kit import gpt

REPEATS = 3


def schedules(steps: int) -> dict[str, np.ndarray]:
    """Six learning rates that all differ from the first step on, and six as one compares them: a common warm-up, and
    four of them with a common trunk up to half or four fifths of the steps."""
    at = np.arange(1, steps + 1) / steps
    cosine = np.cos(np.pi * at) / 2 + 0.5
    trunk = [np.ones(steps), np.where(at < 0.8, 1, 5 - 5 * at), np.where(at < 0.8, 1, 0.3), np.where(at < 0.5, 1, 0.3)]
    ramp = np.minimum(1, at / 0.02)
    common = np.stack([*trunk, cosine, 0.1 + 0.9 * cosine]) * ramp
    return {"all different": np.linspace(0.5, 1, 6)[:, None] * ramp, "a common trunk": common}


def plain(config: gpt.Config, text: gpt.Corpus, rates: np.ndarray, batch: int, device: str) -> tuple[float, np.ndarray]:
    """Seconds and batch losses of `GPT2LMHeadModel` and torch.optim.AdamW in a plain loop over the same batches."""
    drawn = torch.Generator().manual_seed(1)
    places = torch.randint(0, len(text.train) - config.context, (len(rates), batch), generator=drawn)
    model = config.model(config.first_weights(drawn)).to(device).train()
    optimiser = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.95), weight_decay=0.0)
    places, tokens, span = places.to(device), text.train.to(device), torch.arange(config.context + 1, device=device)
    losses, kind = torch.empty(len(rates)), torch.device(device).type
    began = time.perf_counter()
    for step, rate in enumerate(rates.tolist()):
        optimiser.param_groups[0]["lr"] = rate
        pieces = tokens[places[step, :, None] + span]
        with torch.autocast(kind, torch.bfloat16, enabled=kind != "cpu"):
            scores = model(pieces[:, :-1]).logits
        loss = F.cross_entropy(scores.float().flatten(0, 1), pieces[:, 1:].flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses[step] = loss.detach()
    return time.perf_counter() - began, losses.numpy()


def ours(config: gpt.Config, text: gpt.Corpus, rates: np.ndarray, batch: int, device: str) -> tuple[float, np.ndarray]:
    """Seconds and batch losses of the first replica of ours; one evaluation, of 8 windows, is among the seconds."""
    precision = "float32" if device == "cpu" else "bfloat16"
    plan = gpt.Plan(batch, evaluate_at=rates.shape[1], windows=8, precision=precision)
    done = gpt.train(config, text, rates, plan, torch.Generator().manual_seed(1), device)
    return done.seconds, done.batch_losses[0]


def compare(config: gpt.Config, text: gpt.Corpus, batch: int, device: str) -> str:
    """One row of the table."""
    steps = 150 if batch * config.context * config.width < 20_000 else 50
    rates = {kind: 3e-3 * rows for kind, rows in schedules(steps).items()}
    trunk, given = rates["a common trunk"], (batch, device)
    calls = {
        "trunk": lambda: ours(config, text, trunk, *given),
        "different": lambda: ours(config, text, rates["all different"], *given),
        "one": lambda: ours(config, text, trunk[:1], *given),
        "peer": lambda: plain(config, text, trunk[0], *given),
    }
    found = {kind: [call() for _ in range(REPEATS + (device != "cpu"))] for kind, call in calls.items()}
    ms = {kind: 1e3 / steps * min(seconds for seconds, _ in several) for kind, several in found.items()}
    # Training is chaotic: in single precision, different orders of summation part visibly after a hundred steps.
    early = {kind: several[0][1][19] for kind, several in found.items()}
    for kind in ("trunk", "peer"):
        assert device != "cpu" or abs(early[kind] - early["one"]) < 1e-4, early
    ratios = ms["different"] / ms["one"], ms["trunk"] / ms["one"], 6 * ms["peer"] / ms["trunk"]
    cells = [f"{config.layers}, {config.width}, {config.context}, {batch}", f"{config.parameters:,}"]
    return f"| {' | '.join(cells + [f'{value:.2f}' for value in (*ms.values(), *ratios)])} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    gpu = asked.device != "cpu"
    text = gpt.corpus(gpt.standard_library(2.0))
    sizes = [(2, 32, 2, 32, 4), (2, 32, 2, 32, 8), (2, 32, 2, 48, 16), (2, 64, 4, 64, 16)]
    if gpu:
        sizes = [(4, 128, 4, 128, 16), (6, 256, 8, 256, 16)]
    name = torch.cuda.get_device_name() if gpu else f"{torch.get_num_threads()} thread(s)"
    print(f"torch {torch.__version__}, {name}; milliseconds for a step, the best of {REPEATS}")
    head = "| layers, width, context, batch | parameters | six, a common trunk | six, all different | one of ours | "
    print(head + "one by transformers | six at once / one | with a trunk / one | six by transformers / six, trunk |")
    print("|---|---:|" + "---:|" * 7)
    for *size, batch in sizes:
        print(compare(gpt.Config(*size, text.vocabulary), text, batch, asked.device), flush=True)


if __name__ == "__main__":
    main()

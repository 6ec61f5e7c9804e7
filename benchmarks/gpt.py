"""Six small language models at once, one by one with the same code, and one by one with transformers and
torch.optim.AdamW, in one run: milliseconds a step and equal losses.

    python benchmarks/gpt.py             # one thread
    python benchmarks/gpt.py --threads 2
    python benchmarks/gpt.py --device cuda

prints the table of benchmarks/README.md, in about a minute on a CPU. Nothing here is a timed test.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch

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
    for layers, width, heads, context, batch in sizes:
        config = gpt.Config(layers, width, heads, context, text.vocabulary)
        steps = 150 if batch * context * width < 20_000 else 50
        rates = {kind: 3e-3 * rows for kind, rows in schedules(steps).items()}
        options = {"batch": batch, "evaluate_at": [20, steps], "windows": 8, "device": asked.device, "progress": False}
        options["precision"] = "bfloat16" if gpu else "float32"

        def ours(rows, options=options, config=config):
            drawn = torch.Generator().manual_seed(1)
            return gpt.train(config, text.train, text.validation, rows, generator=drawn, **options)

        def theirs(row, options=options, config=config, first=None):
            drawn = torch.Generator().manual_seed(1)
            model = config.model()
            model.load_state_dict(first)
            context = config.context
            return gpt.train_module(
                model, text.train, text.validation, row, generator=drawn, context=context, **options
            )

        first = ours(np.zeros((1, steps))).state_dict()  # a learning rate of zero: the weights as they begin
        calls = {
            "trunk": lambda rates=rates: ours(rates["a common trunk"]),
            "different": lambda rates=rates: ours(rates["all different"]),
            "one": lambda rates=rates: ours(rates["a common trunk"][:1]),
            "peer": lambda rates=rates, first=first: theirs(rates["a common trunk"][0], first=first),
        }
        found = {kind: [call() for _ in range(REPEATS + gpu)] for kind, call in calls.items()}
        seconds = {kind: min(made.seconds for made in several) / steps for kind, several in found.items()}
        # Training is chaotic: in single precision, different orders of summation part visibly after a hundred steps.
        early = {kind: several[0].losses[0, 0] for kind, several in found.items()}
        for kind in ("trunk", "peer"):
            assert gpu or abs(early[kind] - early["one"]) < 1e-4, early
        ms = {kind: 1e3 * value for kind, value in seconds.items()}
        ratios = ms["different"] / ms["one"], ms["trunk"] / ms["one"], 6 * ms["peer"] / ms["trunk"]
        cells = [f"{layers}, {width}, {context}, {batch}", f"{config.parameters:,}"]
        cells += [f"{ms[kind]:.2f}" for kind in calls] + [f"{ratio:.2f}" for ratio in ratios]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()

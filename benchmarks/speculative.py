"""Tokens a second of speculative decoding beside transformers' assisted generation: the same target and draft, one run.

    OMP_NUM_THREADS=1 python benchmarks/speculative.py        # --device cuda where there is one

trains the chapter's pair (half a minute), then decodes the same prompts by all ways in turns, and prints the table of
benchmarks/README.md. Greedy texts are asserted to be equal, and samples of each way to pass a chi-square test against
the target's own law. Nothing here is a timed test.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
import transformers
from scipy import stats

from foretold.kit import corpora, gpt
from foretold.papers import speculative
from foretold.papers.speculative import experiment
from foretold.papers.speculative.experiment import batched, cache, training

PROMPT, AHEAD, PROMPTS, REPEATS, SAMPLES, LENGTH = 32, 88, 6, 3, 400, 4


def pair(device: torch.device) -> tuple[dict[str, torch.nn.Module], corpora.Corpus, object]:
    """The chapter's target and draft at its cpu profile, its corpus and its head."""
    generator = torch.Generator().manual_seed(0)
    text = corpora.corpus(corpora.standard_library(3.0))
    shape = {"context": 128, "vocabulary": text.vocabulary, "activation": "relu", "std": 0.06}
    sizes = gpt.Config(3, 128, 4, **shape), gpt.Config(1, 32, 2, **shape)
    models, _ = training.train_pair(text, *sizes, (500, 400), generator, device)
    prompts = training.starts(text.train, 256, PROMPT, generator).to(device)
    texts = batched.write(models["target"], prompts, 96, generator)
    seen = training.positions(models, texts, PROMPT, 1.0, generator)
    return models, text, training.train_head(seen, 1.0, generator).cpu()


def theirs(models: dict, device: torch.device, sample: bool, schedule: str | None) -> Callable:
    """transformers' generate: alone, with a constant number of candidates, or with its dynamic schedule."""
    options = {"do_sample": sample, "pad_token_id": 0, "use_cache": True}
    if sample:
        options |= {"top_k": 0, "top_p": 1.0, "temperature": 1.0}
    if schedule:
        options["assistant_model"] = models["draft"]
        config = models["draft"].generation_config
        config.num_assistant_tokens_schedule = "constant"
        config.num_assistant_tokens = LENGTH if schedule == "constant" else 20
        config.assistant_confidence_threshold = 0.0 if schedule == "constant" else 0.4

    @torch.inference_mode()
    def run(prompt: list[int], count: int, rng: np.random.Generator) -> list[int]:
        torch.manual_seed(int(rng.integers(2**31)))
        given = torch.tensor([prompt], device=device)
        mask = torch.ones_like(given)
        out = models["target"].generate(
            given, attention_mask=mask, min_new_tokens=count, max_new_tokens=count, **options
        )
        return out[0, len(prompt) :].tolist()

    return run


def ours(models: dict, sample: bool, rule: speculative.StopRule) -> Callable:
    """`speculative_sample` on the same two modules."""
    temperature = 1.0 if sample else 0.0
    target = cache.CachedModel(models["target"], temperature)
    draft = cache.CachedModel(models["draft"], temperature, hidden=bool(getattr(rule, "predict", None)))

    def run(prompt: list[int], count: int, rng: np.random.Generator) -> list[int]:
        return speculative.speculative_sample(target, draft, prompt, count, rule, rng)[0]

    return run


def p_value(way: Callable, prompt: list[int], target: cache.CachedModel) -> float:
    """Chi-square test of the first two tokens of many samples against the target's law."""
    rng = np.random.default_rng(5)
    texts = np.array([way(prompt, 3, rng)[:2] for _ in range(SAMPLES)])
    first = target(prompt)
    law = np.concatenate([first[i] * target([*prompt, i]) for i in range(len(first))])
    counts = experiment.pair_counts(texts, 0, len(first))
    return float(stats.chi2.sf(*experiment.chi_square(counts, law)))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    device = torch.device(parser.parse_args().device)
    warnings.filterwarnings("ignore")  # of generate, at each call: a benchmark's table is no place for them
    transformers.utils.logging.set_verbosity_error()
    models, text, head = pair(device)
    table = models["draft"].get_input_embeddings().weight.detach().cpu()
    predict = cache.head_predictor(head, table)
    starts = training.starts(text.validation, PROMPTS, PROMPT, torch.Generator().manual_seed(9)).tolist()
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, {device}")
    print("| text | way | tokens/s | times | check |\n|---|---|---:|---:|---|")
    for sample in (False, True):
        rules = {
            f"ours, K = {LENGTH}": speculative.FixedLength(LENGTH),
            "ours, confidence 0.4": speculative.Confidence(0.4),
            "ours, head, h = 0.5": speculative.AcceptanceThreshold(0.5, predict),
        }
        makers = {
            "generate, target alone": lambda s=sample: theirs(models, device, s, None),
            f"generate, assisted, constant {LENGTH}": lambda s=sample: theirs(models, device, s, "constant"),
            "generate, assisted, dynamic": lambda s=sample: theirs(models, device, s, "dynamic"),
            "ours, target alone": lambda s=sample: ours(models, s, speculative.FixedLength(0)),
        }
        makers |= {name: lambda s=sample, r=rule: ours(models, s, r) for name, rule in rules.items()}
        seconds, texts = {name: [] for name in makers}, {}
        for turn in range(REPEATS):
            for name, make in makers.items():
                way, rng = make(), np.random.default_rng(turn)
                way(starts[0], 8, rng)
                began = time.perf_counter()
                texts[name] = [way(prompt, AHEAD, rng) for prompt in starts]
                seconds[name].append(time.perf_counter() - began)
        kind = "sampled" if sample else "greedy"
        base = min(seconds["generate, target alone"])
        first = texts["generate, target alone"]
        for name, make in makers.items():
            if sample:
                p = p_value(make(), starts[0][-8:], cache.CachedModel(models["target"]))
                assert p > 1e-4, f"{name}: samples do not have the target's law, p = {p}"
                check = f"p = {p:.2f}"
            else:
                assert texts[name] == first, f"{name}: another greedy text than the target's own"
                check = "equal text"
            rate = PROMPTS * AHEAD / min(seconds[name])
            print(f"| {kind} | {name} | {rate:.0f} | {base / min(seconds[name]):.2f} | {check} |", flush=True)


if __name__ == "__main__":
    main()

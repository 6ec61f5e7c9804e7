"""The paging chapter's experiment: cost over the optimum when bits are turned round at a given rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch

from foretold.kit.uncertainty import mean_interval
from foretold.papers.paging import idea
from foretold.papers.paging.experiment import adviser

WITH_PHASE_BITS = ("mark_predict",)


def measure(
    name: str,
    traces: Sequence[np.ndarray],
    k: int,
    policies: Sequence[str],
    rates: Sequence[float],
    runs: int,
    rng: np.random.Generator,
    side: str = "both",
) -> pd.DataFrame:
    """Cost of `policies` on `traces` together, over the optimum, when true bits of `side` are turned round at `rates`.

    Each of `runs` runs draws new flips and new coins; low and high are 1.96 standard errors over runs. A row has trace
    (`name`), k, side, policy, rate, ratio, low, high, and eta0, eta1 and errors (their sum), means over runs relative
    to the optimum. Policies without advice get one row, at rate 0. Raises ValueError as `paging.simulate` and
    `paging.flip_bits` do, and for runs < 2.
    """
    if runs < 2:
        raise ValueError(f"runs is {runs!r}; allowed is a whole number of at least 2")
    optimum = sum(idea.optimal_cost(trace, k) for trace in traces)
    true = {
        "discard": [idea.discard_bits(trace, k) for trace in traces],
        "phase": [idea.phase_bits(trace, k) for trace in traces],
    }
    rows = []
    for policy in policies:
        advised = policy not in idea.WITHOUT_BITS
        truths = true["phase" if policy in WITH_PHASE_BITS else "discard"]
        for rate in rates if advised else (0.0,):
            costs, errors = np.zeros(runs), np.zeros((runs, 2))
            for run in range(runs):
                for trace, truth in zip(traces, truths, strict=True):
                    bits = idea.flip_bits(truth, rate, rng, side) if advised else None
                    costs[run] += idea.simulate(policy, trace, k, bits, rng)
                    errors[run] += idea.error_counts(bits, truth) if advised else (0, 0)
            eta0, eta1 = errors.mean(0) / optimum
            rows.append(
                (name, k, side, policy, rate, *mean_interval(costs / optimum, "normal"), eta0, eta1, eta0 + eta1)
            )
    names = ["trace", "k", "side", "policy", "rate", "ratio", "low", "high", "eta0", "eta1", "errors"]
    return pd.DataFrame(rows, columns=names)


def sides(
    name: str,
    trace: np.ndarray,
    k: int,
    rates: Mapping[str, Sequence[float]],
    runs: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """`measure` for Flush and Mark0 with one-sided flips, `rates` for each side, as *extra* faults over the optimum:
    the optimum is taken off ratio, low and high."""
    policies = ["flush", "mark0"]
    parts = [measure(name, [trace], k, policies, some, runs, rng, side) for side, some in rates.items()]
    found = pd.concat(parts)
    found[["ratio", "low", "high"]] -= 1
    return found


def learned(
    name: str,
    trace: np.ndarray,
    k: int,
    thresholds: Sequence[float],
    generators: Sequence[torch.Generator],
    device: torch.device,
    epochs: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Cost of learned advice on the second half of a trace, over its optimum, after training on the first half.

    For each generator one network learns the first half's discard bits and another its phase bits. On the second half
    it says 1 where its probability exceeds a threshold. low and high are 1.96 standard errors over generators (and new
    coins). A row has trace (`name`), policy, threshold, ratio, low, high and, relative to the optimum, eta0 and eta1.
    """
    half, x = len(trace) // 2, adviser.features(trace)
    past, future = trace[:half], trace[half:]
    optimum, found = idea.optimal_cost(future, k), {}

    def note(policy: str, threshold: float, bits: np.ndarray | None, truth: np.ndarray | None) -> None:
        cost = idea.simulate(policy, future, k, bits, rng) / optimum
        errors = np.array(idea.error_counts(bits, truth)) / optimum if bits is not None else np.zeros(2)
        found.setdefault((name, policy, threshold), []).append((cost, *errors))

    for generator in generators:
        for policy in ("lru", "marker"):
            note(policy, 0.5, None, None)
        for label in (idea.discard_bits, idea.phase_bits):
            network = adviser.train(x[:half], label(past, k), generator, device, epochs)
            chance, truth = adviser.probability(network, x[half:]), label(future, k)
            for threshold in thresholds:
                bits = chance > threshold
                for policy in ("flush", "mark0", "follow") if label is idea.discard_bits else ("mark_predict",):
                    note(policy, threshold, bits, truth)
    rows = [
        (*key, *mean_interval([v[0] for v in values], "normal"), *np.mean(values, 0)[1:])
        for key, values in found.items()
    ]
    return pd.DataFrame(rows, columns=["trace", "policy", "threshold", "ratio", "low", "high", "eta0", "eta1"])

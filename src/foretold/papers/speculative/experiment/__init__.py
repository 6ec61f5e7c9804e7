"""What the speculative chapter measures: the paper's scatter plot with one fitted ratio, rates of policies with
bootstrap intervals, and the cost model with a verification that is not flat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.optimize import brentq

from foretold.kit.corpora import Corpus
from foretold.kit.uncertainty import percentile_interval
from foretold.papers.speculative.experiment import batched, training
from foretold.papers.speculative.experiment.batched import Rule
from foretold.papers.speculative.idea import Counters, Drafted, Model, StopRule, Tokens
from foretold.papers.speculative.theory import State, StoppingValue

# Speed-up over the target alone: best fixed length (the figure at the top of the repository), SpecDec++ (abstract).
FIXED = {"Alpaca": 1.90, "HumanEval": 2.00, "GSM8K": 2.07}
ADAPTIVE = {"Alpaca": 2.04, "HumanEval": 2.23, "GSM8K": 2.26}
RESAMPLES = 500  # of a bootstrap
ROUNDS = 14  # that the figure of one text shows


def speed(verification: Any, discard: Any, cost_ratio: float) -> Any:
    """Speed over the target alone from the two rates: rho / ((1 + discard) + (rho - 1) verification)."""
    return cost_ratio / ((1 + discard) + (cost_ratio - 1) * verification)


def fit_ratio(frame: pd.DataFrame, published: float) -> float:
    """The cost ratio at which the fastest dot of `frame` is as fast as `published`."""

    def excess(rho: float) -> float:
        return float(speed(frame["verification"], frame["discard"], rho).max()) - published

    return float(brentq(excess, 1.0, 100.0))


def headline(frame: pd.DataFrame) -> pd.DataFrame:
    """For each data set of the paper's figure, a table of dots (dataset, method, verification, discard): the ratio
    fitted to the best fixed length alone, the speed-up that it then gives the best dot of SpecDec++, and the one in the
    abstract."""
    rows = []
    for name, published in FIXED.items():
        part = frame[frame["dataset"] == name]
        fixed, adaptive = (part[part["method"] == method] for method in ("SpecDec", "SpecDec++"))
        rho = fit_ratio(fixed, published)
        predicted = float(speed(adaptive["verification"], adaptive["discard"], rho).max())
        rows.append((name, rho, published, predicted, ADAPTIVE[name]))
    columns = ["dataset", "ratio", "fixed, paper", "adaptive, predicted", "adaptive, paper"]
    return pd.DataFrame(rows, columns=columns).set_index("dataset")


def inferred_lengths(frame: pd.DataFrame) -> np.ndarray:
    """K of each dot from 1 + discard = (K + 1) verification, shape (n,)."""
    return ((1 + frame["discard"]) / frame["verification"] - 1).to_numpy()


def decisions(solved: Mapping[State, StoppingValue]) -> list[tuple[float, bool]]:
    """(risk of a rejection, whether going on is best) of each state of `stopping_values` at which both are allowed and
    one is better."""
    clear = [one for one in solved.values() if np.isfinite(one.go_on) and abs(one.go_on - one.stop) > 1e-9]
    return [(one.rejection, bool(one.go_on < one.stop)) for one in clear]


def extremes(solved: Mapping[State, StoppingValue]) -> pd.DataFrame:
    """Among states in which nothing has been written and equally many candidates, a row for each number of these: the
    largest risk at which going on is best (`goes_on`) and the smallest at which stopping is (`stops`)."""
    rows = []
    for count in sorted({len(candidates) for _, candidates in solved}):
        same = decisions({state: one for state, one in solved.items() if not state[0] and len(state[1]) == count})
        goes = [risk for risk, goes_on in same if goes_on]
        stops = [risk for risk, goes_on in same if not goes_on]
        if goes and stops:
            rows.append((count, max(goes), min(stops)))
    return pd.DataFrame(rows, columns=["candidates", "goes_on", "stops"])


def overlap(solved: Mapping[State, StoppingValue]) -> float:
    """The largest `goes_on` minus `stops` of `extremes`; above 0 no threshold on the risk can be optimal. -1 without a
    pair."""
    found = extremes(solved)
    return float((found["goes_on"] - found["stops"]).max()) if len(found) else -1.0


def measure(
    models: Mapping[str, torch.nn.Module],
    prompts: torch.Tensor,
    n_tokens: int,
    policies: Mapping[str, tuple[Rule, int]],
    generator: Callable[[], torch.Generator],
) -> dict[str, dict[str, np.ndarray]]:
    """`batched.decode` of the same prompts for each policy (name: rule, longest); names that begin with
    "oracle" see the target. `generator` makes the same fresh generator for each."""
    found = {}
    for name, (rule, longest) in policies.items():
        sees = name.startswith("oracle")
        one = batched.decode(models, prompts, n_tokens, rule, longest, generator(), needs_target=sees)
        assert (one["drafted"] + one["rounds"] == one["tokens"] + one["discarded"]).all()
        found[name] = one
    return found


def seconds(found: Mapping[str, np.ndarray], cost: Callable[[np.ndarray], np.ndarray] | float) -> np.ndarray:
    """Cost of each row (B,) in draft calls: its draft calls, and for each round ``cost(K + 1)`` or a constant."""
    counts = np.arange(found["lengths"].shape[1]) + 1
    price = np.full(len(counts), cost) if np.isscalar(cost) else cost(counts)
    return found["drafted"] + found["lengths"] @ price


def speeds(
    found: Mapping[str, Mapping[str, np.ndarray]],
    cost: Callable[[np.ndarray], np.ndarray] | float,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Speed over the target alone, with rates, and its bootstrap over prompts.

    The first frame has a row for each policy: speed, low, high (95%), verification, discard (per expected token). The
    second holds the speed of each resample, (resamples, policies): the same prompts for all, so differences are paired.
    """
    names = list(found)
    rows = len(found[names[0]]["rounds"])
    weights = resampled(rows, resamples, rng)
    alone = cost if np.isscalar(cost) else float(cost(np.array([1]))[0])
    table, drawn = [], {}
    for name in names:
        one = found[name]
        time, tokens = seconds(one, cost), one["expected"]
        drawn[name] = alone * (weights @ tokens) / (weights @ time)
        verification = one["rounds"].sum() / tokens.sum()
        drafts = one["drafted"].sum() / tokens.sum()
        ends = percentile_interval(drawn[name])
        table.append((alone * tokens.sum() / time.sum(), *ends, verification, drafts + verification - 1))
    frame = pd.DataFrame(table, index=names, columns=["speed", "low", "high", "verification", "discard"])
    return frame, pd.DataFrame(drawn)


def gain(table: pd.DataFrame, drawn: pd.DataFrame, name: str, over: str) -> tuple[float, tuple[float, float]]:
    """Relative gain in speed of one policy over another, and its paired 95% bootstrap interval."""
    gained = float(table.loc[name, "speed"] / table.loc[over, "speed"] - 1)
    return gained, percentile_interval(drawn[name] / drawn[over] - 1)


def adaptive(
    head: Any, draft: torch.nn.Module, thresholds: Sequence[float], longest: int, label: str
) -> dict[str, tuple[Rule, int]]:
    """Policies of one head at several thresholds, by name."""
    predict = training.predictor(head, draft)
    return {f"{label}, h = {h:g}": (batched.cumulative(predict, h, longest), longest) for h in thresholds}


def pair_counts(texts: np.ndarray, start: int, vocabulary: int) -> np.ndarray:
    """How often each pair of neighbours comes in texts (B, T) from position `start` on, shape (V V,)."""
    part = np.asarray(texts)[:, start:]
    return np.bincount((part[:, :-1] * vocabulary + part[:, 1:]).ravel(), minlength=vocabulary**2)


def below(
    found: Mapping[str, Mapping[str, np.ndarray]], fixed: Sequence[str], name: str, rng: np.random.Generator
) -> tuple[float, tuple[float, float]]:
    """Discard rate of a policy minus that of the fixed lengths, interpolated to its verification rate, and the 95%
    bootstrap interval over prompts."""

    def rates(one: Mapping[str, np.ndarray], weights: np.ndarray) -> tuple[float, float]:
        tokens, rounds, drafted = (float(weights @ one[key]) for key in ("expected", "rounds", "drafted"))
        return rounds / tokens, (drafted + rounds) / tokens - 1

    def difference(weights: np.ndarray) -> float:
        curve = np.array(sorted(rates(found[k], weights) for k in fixed))
        verification, discard = rates(found[name], weights)
        return discard - float(np.interp(verification, curve[:, 0], curve[:, 1]))

    rows = len(found[name]["rounds"])
    interval = percentile_interval([difference(weights) for weights in resampled(rows, RESAMPLES, rng)])
    return difference(np.ones(rows)), interval


def resampled(rows: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """How often each row is drawn in each of the bootstrap's samples, (resamples, rows)."""
    return rng.multinomial(rows, np.full(rows, 1 / rows), resamples).astype(float)


def law_of_two(model: torch.nn.Module, prompt: torch.Tensor) -> np.ndarray:
    """The model's exact law of the next two tokens after a prompt (1, T), shape (V V,)."""

    def after(tokens: torch.Tensor) -> torch.Tensor:
        zero = torch.zeros(len(tokens), dtype=torch.long, device=tokens.device)
        return batched.Rows(model, len(tokens)).feed(tokens, zero)[0][:, -1].double().softmax(-1)

    first = after(prompt)[0]
    each = torch.arange(len(first), device=prompt.device)[:, None]
    second = after(torch.cat([prompt.expand(len(first), -1), each], 1))
    return (first[:, None] * second).flatten().cpu().numpy()


def chi_square(counts: np.ndarray, probabilities: np.ndarray) -> tuple[float, int]:
    """Pearson's statistic and its degrees of freedom; cells with fewer than five expected are one cell."""
    expected = probabilities / probabilities.sum() * counts.sum()
    large = expected >= 5
    seen = np.append(counts[large], counts[~large].sum())
    hoped = np.append(expected[large], expected[~large].sum())
    seen, hoped = seen[hoped > 0], hoped[hoped > 0]
    return float(((seen - hoped) ** 2 / hoped).sum()), len(hoped) - 1


def rounds(
    counters: Counters, tokens: Sequence[int], draft: Model, rule: StopRule, prompt: torch.Tensor, text: Corpus
) -> list[dict[str, Any]]:
    """The first `ROUNDS` rounds of a text for `ladder`: characters accepted, written by the target and discarded, and
    the running risk that `rule` saw, computed again from the draft."""
    shown, done = [], 0

    def read(token: int) -> str:
        return text.decode([token]).replace(" ", "\u00b7").replace("\n", "\u21b5").replace("\t", "\u2192")

    for candidates, accepted in zip(counters.candidates[:ROUNDS], counters.accepted[:ROUNDS], strict=True):
        drafted = drafted_again(draft, (*prompt.tolist(), *tokens[:done]), candidates)
        done += accepted + 1
        if candidates:
            rule(drafted)
            parts = {"accepted": candidates[:accepted], "discarded": candidates[accepted:]}
            characters = {name: [read(token) for token in part] for name, part in parts.items()}
            risk = 1 - np.cumprod(drafted.estimates)
            shown.append({**characters, "own": read(tokens[done - 1]), "risk": risk})
    return shown


def drafted_again(draft: Model, prefix: Tokens, candidates: Sequence[int]) -> Drafted:
    """What a rule saw of candidates that were drafted after a prefix."""
    drafted = Drafted(prefix)
    for i, token in enumerate(candidates):
        q = np.asarray(draft(prefix + tuple(candidates[:i])))
        drafted.tokens.append(token)
        drafted.probabilities.append(float(q[token]))
        drafted.distributions.append(q)
        drafted.raw.append(q)
        drafted.hidden.append(getattr(draft, "hidden", None))
    return drafted

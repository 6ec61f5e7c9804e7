"""Everything about speculative decoding that can be computed without chance, on chains of a few tokens: the law of what
is written, by following every branch, and the decision process of when to stop, by dynamic programming."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import numpy as np

Chain = Callable[[tuple[int, ...]], np.ndarray]


def random_chain(rng: np.random.Generator, vocabulary: int = 3, order: int = 1, concentration: float = 1.0) -> Chain:
    """Next-token distributions that depend on the last `order` tokens, drawn from a Dirichlet distribution."""
    rows = {
        context: rng.dirichlet(np.full(vocabulary, concentration))
        for length in range(order + 1)
        for context in product(range(vocabulary), repeat=length)
    }
    return lambda prefix: rows[tuple(prefix[max(0, len(prefix) - order) :])]


class _Branches:
    """In place of a generator: takes the branches of a script, then the first of each choice, and notes the others."""

    def __init__(self, script: tuple[int, ...]) -> None:
        self.script, self.taken, self.weight, self.todo = script, [], 1.0, []

    def branch(self, shares: np.ndarray) -> int:
        at, open_ = len(self.taken), np.flatnonzero(shares).tolist()
        if at < len(self.script):
            choice = self.script[at]
        else:
            choice = open_[0]
            self.todo += [(*self.taken, other) for other in open_[1:]]
        self.taken.append(choice)
        self.weight *= float(shares[choice])
        return choice


def output_law(sample: Callable[[Any], tuple[int, ...]]) -> dict[tuple[int, ...], float]:
    """The probability of each result of ``sample(rng)``, by running it once for every sequence of random choices."""
    law: dict[tuple[int, ...], float] = {}
    waiting: list[tuple[int, ...]] = [()]
    while waiting:
        branches = _Branches(waiting.pop())
        result = tuple(sample(branches))
        law[result] = law.get(result, 0.0) + branches.weight
        waiting += branches.todo
    return law


def chain_law(chain: Chain, prefix: tuple[int, ...], n_tokens: int) -> dict[tuple[int, ...], float]:
    """The probability of each continuation of `n_tokens`, as a product of conditional ones."""
    law = {(): 1.0}
    for _ in range(n_tokens):
        law = {
            (*done, token): weight * share
            for done, weight in law.items()
            for token, share in enumerate(chain((*prefix, *done)))
        }
    return law


def total_variation(first: Mapping[Any, float], second: Mapping[Any, float]) -> float:
    """Half the sum of the absolute differences of two laws."""
    return 0.5 * sum(abs(first.get(key, 0.0) - second.get(key, 0.0)) for key in {*first, *second})


def careless_sample(
    target: Chain, draft: Chain, prefix: tuple[int, ...], n_tokens: int, stop: Callable, rng: Any
) -> list[int]:
    """Wrong on purpose: as `speculative.speculative_sample`, but the candidate at which `stop` says stop is thrown away
    and not submitted. What is submitted was then chosen by its looks, and the law of the output is no longer p."""
    from foretold.papers.speculative import idea

    written = tuple(prefix)
    while (room := len(prefix) + n_tokens - len(written)) > 0:
        drafted = idea.propose(draft, written, room - 1, stop, rng)
        if drafted.tokens and stop(drafted):
            drafted.tokens.pop()
        accepted, token = idea.verify(target, drafted, rng)
        written += (*drafted.tokens[:accepted], token)
    return list(written[len(prefix) :])


def sampled_law(
    target: Chain, draft: Chain, prefix: tuple[int, ...], n_tokens: int, stop: Callable, careless: bool = False
) -> dict[tuple[int, ...], float]:
    """`output_law` of speculative sampling, or of `careless_sample`."""
    from foretold.papers.speculative import idea

    if careless:
        return output_law(lambda rng: careless_sample(target, draft, prefix, n_tokens, stop, rng))
    return output_law(lambda rng: idea.speculative_sample(target, draft, prefix, n_tokens, stop, rng)[0])


@dataclass(frozen=True)
class StoppingValue:
    """Of a state: the probability that some candidate is rejected, and the expected cost to the end if drafting stops
    here, or goes on by one and is optimal from there (infinite where no candidate may be added)."""

    rejection: float
    stop: float
    go_on: float


def stopping_values(
    target: Chain,
    draft: Chain,
    n_tokens: int,
    cost_ratio: float,
    longest: int = 6,
    prefix: tuple[int, ...] = (),
) -> dict[tuple[tuple[int, ...], tuple[int, ...]], StoppingValue]:
    """The decision process solved backwards: for each state (written so far, candidates) the value of both actions.

    Parameters
    ----------
    target, draft
        map a tuple of tokens to the distribution of the next, over a vocabulary small enough to enumerate.
    n_tokens
        tokens to be written after `prefix`; a round drafts at most one fewer than are missing.
    cost_ratio
        cost of a target call in draft calls, above 1. Costs are those beyond one draft call for each token: c1 = 1 for
        each discarded candidate, c2 = cost_ratio - 1 for each round.
    longest
        most candidates of a round.

    Raises ValueError for n_tokens or longest below 1 and a cost ratio that is not above 1.
    """
    for name, value in (("n_tokens", n_tokens), ("longest", longest)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} is {value!r}; allowed is a whole number >= 1")
    if not cost_ratio > 1:
        raise ValueError(f"cost_ratio is {cost_ratio!r}; allowed is a number above 1, target calls in draft calls")
    c2, end = cost_ratio - 1, len(prefix) + n_tokens
    vocabulary = range(len(draft(prefix)))
    found: dict[tuple[tuple[int, ...], tuple[int, ...]], StoppingValue] = {}

    @cache
    def pair(context: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        p, q = np.asarray(target(context), float), np.asarray(draft(context), float)
        rest = np.maximum(p - q, 0)
        return p, q, rest / rest.sum() if rest.sum() > 0 else p

    @cache
    def best(written: tuple[int, ...]) -> float:
        """Expected cost from a prefix on; the first candidate is optional too."""
        return 0.0 if len(written) == end else value(written, ())

    def value(written: tuple[int, ...], candidates: tuple[int, ...]) -> float:
        stop, survive = c2, 1.0
        for i, token in enumerate(candidates):
            p, q, rest = pair(written + candidates[:i])
            accept = min(1.0, p[token] / q[token])
            if accept < 1:
                after = sum(
                    rest[other] * best((*written, *candidates[:i], other)) for other in vocabulary if rest[other]
                )
                stop += survive * (1 - accept) * (len(candidates) - i + after)
            survive *= accept
        p, q, _ = pair(written + candidates)
        if survive:
            stop += survive * sum(p[other] * best((*written, *candidates, other)) for other in vocabulary)
        go_on = np.inf
        if len(candidates) < min(longest, end - len(written) - 1):
            go_on = sum(q[other] * value(written, (*candidates, other)) for other in vocabulary if q[other])
        found[written, candidates] = StoppingValue(1 - survive, stop, go_on)
        return min(stop, go_on)

    best(tuple(prefix))
    return found

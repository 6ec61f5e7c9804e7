"""What can be said of speculative decoding without chance: closed forms for a constant acceptance rate; on chains of a
few tokens the law of what is written, by following every branch, and the decision process of when to stop, by dynamic
programming. Costs are in draft calls: a target call costs `cost_ratio`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from foretold.kit import check
from foretold.papers.speculative import idea
from foretold.papers.speculative.idea import Array, Model, StopRule, Tokens

SEARCHED = 1_000  # lengths that `optimal_length` searches: beyond it nothing is gained for acceptance below 0.999
VOCABULARY = 3  # tokens of a random chain
Chain = Callable[[Tokens], Array]
Law = dict[Tokens, float]


# A constant acceptance rate


def expected_tokens(alpha: ArrayLike, length: ArrayLike) -> Any:
    """Tokens that a round of `length` candidates brings on average, each accepted with probability `alpha` (0 to 1):
    the accepted ones and the target's own, (1 - alpha^(length+1)) / (1 - alpha). Scalars or arrays. Raises
    ValueError for arguments outside of their range."""
    a = check.reals("alpha", alpha, 0, 1, "a probability, 0 to 1")
    k = check.wholes("length", length).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(a == 1, k + 1, (1 - a ** (k + 1)) / np.where(a == 1, 1, 1 - a))
    return _scalar(found)


def speedup(alpha: ArrayLike, length: ArrayLike, cost_ratio: ArrayLike) -> Any:
    """Speed over decoding with the target alone: cost_ratio E[tokens] / (length + cost_ratio), for a target call that
    costs `cost_ratio` >= 1 draft calls however many tokens it verifies. Raises ValueError as `expected_tokens`."""
    rho = _ratio(cost_ratio)
    tokens = np.asarray(expected_tokens(alpha, length))
    return _scalar(rho * tokens / (np.asarray(length, dtype=float) + rho))


def optimal_length(alpha: ArrayLike, cost_ratio: ArrayLike) -> Any:
    """The number of candidates (0 to 1000, the smallest if several) with the largest `speedup`, for `alpha` from 0 to
    below 1. Raises ValueError outside of that."""
    a = check.reals("alpha", alpha, 0, math.nextafter(1, 0), "a probability, 0 to below 1")
    rho = _ratio(cost_ratio)
    speeds = speedup(a[..., None], np.arange(SEARCHED + 1), rho[..., None])
    return _scalar(np.asarray(np.argmax(speeds, axis=-1)))


def optimal_threshold(alpha: ArrayLike, cost_ratio: ArrayLike) -> Any:
    """h* = lambda / (c1 + lambda): go on while 1 - alpha^(k+1) < h*. lambda is the smallest cost of a token beyond its
    one draft call, (c2 + c1 E[discarded]) / E[tokens] with c1 = 1 and c2 = cost_ratio - 1, itself an optimum over
    lengths. Arguments and errors as `optimal_length`."""
    k = optimal_length(alpha, cost_ratio)
    tokens = np.asarray(expected_tokens(alpha, k))
    discarded = np.asarray(k) + 1 - tokens
    price = (_ratio(cost_ratio) - 1 + discarded) / tokens
    return _scalar(price / (1 + price))


def _ratio(cost_ratio: ArrayLike) -> Array:
    return check.reals("cost_ratio", cost_ratio, 1, allowed="a number >= 1, target calls in draft calls")


def _scalar(array: Array) -> Any:
    return array.item() if array.ndim == 0 else array


# Laws


def random_chain(rng: np.random.Generator) -> Chain:
    """Next-token distributions that depend on the last token, drawn uniformly (from a flat Dirichlet distribution)."""
    contexts = [context for length in (0, 1) for context in product(range(VOCABULARY), repeat=length)]
    rows = {context: rng.dirichlet(np.ones(VOCABULARY)) for context in contexts}
    return lambda prefix: rows[tuple(prefix[-1:])]


def chain_law(chain: Chain, prefix: Tokens, n_tokens: int) -> Law:
    """The probability of each continuation of `n_tokens`, as a product of conditional ones."""
    law: Law = {(): 1.0}
    for _ in range(n_tokens):
        law = {
            (*done, token): weight * share
            for done, weight in law.items()
            for token, share in enumerate(chain((*prefix, *done)))
        }
    return law


def sampled_law(
    target: Model, draft: Model, prefix: Tokens, n_tokens: int, stop: StopRule, careless: bool = False
) -> Law:
    """`output_law` of speculative sampling, or of `careless_sample`."""
    if careless:
        return output_law(lambda rng: careless_sample(target, draft, prefix, n_tokens, stop, rng))
    return output_law(lambda rng: idea.speculative_sample(target, draft, prefix, n_tokens, stop, rng)[0])


def careless_sample(target: Model, draft: Model, prefix: Tokens, n_tokens: int, stop: StopRule, rng: Any) -> list[int]:
    """Wrong on purpose: as `speculative_sample`, but the candidate at which `stop` says stop is thrown away and not
    submitted. What is submitted was then chosen by its looks, and the law of the output is no longer p."""
    written = prefix
    while (room := len(prefix) + n_tokens - len(written)) > 0:
        drafted = idea.propose(draft, written, room - 1, stop, rng)
        if drafted.tokens and stop(drafted):
            drafted.tokens.pop()
            drafted.distributions.pop()
        accepted, token = idea.verify(target, drafted, rng)
        written += (*drafted.tokens[:accepted], token)
    return list(written[len(prefix) :])


def output_law(sample: Callable[[Any], list[int]]) -> Law:
    """The probability of each result of ``sample(rng)``, by running it once for every sequence of random choices."""
    law: Law = {}
    waiting: list[Tokens] = [()]
    while waiting:
        branches = Branches(waiting.pop())
        result = tuple(sample(branches))
        law[result] = law.get(result, 0.0) + branches.weight
        waiting += branches.others
    return law


class Branches:
    """In place of a generator: takes the branches of a script, then the first of each choice, and notes the others."""

    def __init__(self, script: Tokens) -> None:
        self.script = script
        self.taken: list[int] = []
        self.weight = 1.0
        self.others: list[Tokens] = []

    def branch(self, shares: Array) -> int:
        at, possible = len(self.taken), np.flatnonzero(shares).tolist()
        if at < len(self.script):
            choice = self.script[at]
        else:
            choice = possible[0]
            self.others += [(*self.taken, other) for other in possible[1:]]
        self.taken.append(choice)
        self.weight *= float(shares[choice])
        return choice


def total_variation(first: Mapping[Tokens, float], second: Mapping[Tokens, float]) -> float:
    """Half the sum of the absolute differences of two laws."""
    return 0.5 * sum(abs(first.get(key, 0.0) - second.get(key, 0.0)) for key in {*first, *second})


# When to stop


@dataclass(frozen=True)
class StoppingValue:
    """Of a state: the probability that some candidate is rejected, and the expected cost to the end if drafting stops
    here, or goes on by one and is optimal from there (infinite where no candidate may be added)."""

    rejection: float
    stop: float
    go_on: float


State = tuple[Tokens, Tokens]  # written so far, candidates


def stopping_values(
    target: Model, draft: Model, n_tokens: int, cost_ratio: float, longest: int = 6
) -> dict[State, StoppingValue]:
    """The decision process solved backwards: for each state (written so far, candidates) the value of both actions.

    Parameters
    ----------
    target, draft
        map a tuple of tokens to the distribution of the next, over a vocabulary small enough to enumerate.
    n_tokens
        tokens to be written; a round drafts at most one fewer than are missing.
    cost_ratio
        cost of a target call in draft calls, above 1. Costs are those beyond one draft call for each token: c1 = 1 for
        each discarded candidate, c2 = cost_ratio - 1 for each round.
    longest
        most candidates of a round.

    Raises ValueError for n_tokens or longest below 1 and a cost ratio that is not above 1.
    """
    check.whole("n_tokens", n_tokens, 1)
    check.whole("longest", longest, 1)
    check.real("cost_ratio", cost_ratio, math.nextafter(1, 2), allowed="a number above 1, target calls in draft calls")
    process = DecisionProcess(target, draft, n_tokens, cost_ratio - 1, longest)
    process.best(())
    return process.values


class DecisionProcess:
    """The decision process; `c2` is the cost of a round, and a discarded candidate costs 1."""

    def __init__(self, target: Model, draft: Model, n_tokens: int, c2: float, longest: int) -> None:
        self.target, self.draft, self.n_tokens, self.c2, self.longest = target, draft, n_tokens, c2, longest
        self.values: dict[State, StoppingValue] = {}
        self.costs: dict[Tokens, float] = {}
        self.laws: dict[Tokens, tuple[Array, Array, Array]] = {}

    def best(self, written: Tokens) -> float:
        """Smallest expected cost from a prefix to the end; the first candidate is optional too."""
        if len(written) == self.n_tokens:
            return 0.0
        if written not in self.costs:
            self.costs[written] = self.value(written, ())
        return self.costs[written]

    def value(self, written: Tokens, candidates: Tokens) -> float:
        """Smallest expected cost from a state on."""
        stop, survive = self.stop(written, candidates)
        go_on = np.inf
        if len(candidates) < min(self.longest, self.n_tokens - len(written) - 1):
            _, q, _ = self.law(written + candidates)
            go_on = sum(q[token] * self.value(written, (*candidates, token)) for token in np.flatnonzero(q).tolist())
        self.values[written, candidates] = StoppingValue(1 - survive, stop, go_on)
        return min(stop, go_on)

    def stop(self, written: Tokens, candidates: Tokens) -> tuple[float, float]:
        """Expected cost if drafting stops here, and the probability that all candidates are accepted."""
        cost, survive = self.c2, 1.0
        for i, token in enumerate(candidates):
            before = written + candidates[:i]
            p, q, rest = self.law(before)
            accept = min(1.0, p[token] / q[token])
            if accept < 1:
                discarded = len(candidates) - i
                cost += survive * (1 - accept) * (discarded + self.after(before, rest))
            survive *= accept
        if survive:
            p, _, _ = self.law(written + candidates)
            cost += survive * self.after(written + candidates, p)
        return cost, survive

    def after(self, written: Tokens, law: Array) -> float:
        """Expected cost from the prefix on to which the target adds a token of this law."""
        return sum(law[token] * self.best((*written, token)) for token in np.flatnonzero(law).tolist())

    def law(self, context: Tokens) -> tuple[Array, Array, Array]:
        """p, q, and the law of the target's own token after a rejection."""
        if context not in self.laws:
            p, q = np.asarray(self.target(context), float), np.asarray(self.draft(context), float)
            rest = np.maximum(p - q, 0)
            self.laws[context] = p, q, rest / rest.sum() if rest.sum() > 0 else p
        return self.laws[context]

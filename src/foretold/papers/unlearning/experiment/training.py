"""S3T's training and deletion: each sequence of each shard slice by slice, then nothing but switching off.

The appendix's Algorithms 3 and 4 as the authors' code has them: step i trains the i-th group of layers from the
output, and the head, on the first i slices together; a deletion falls back on the longest prefix without the slice;
the shards that are left vote with the mean of their logits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from foretold.kit import check
from foretold.papers.unlearning import idea
from foretold.papers.unlearning.data import Digits
from foretold.papers.unlearning.experiment.networks import Learner, Recipe, State
from foretold.papers.unlearning.idea import Order


def step_generator(seed: int, shard: int, prefix: Order) -> torch.Generator:
    """The randomness of one step of training: the same wherever and whenever this prefix is trained on this shard."""
    words = np.random.SeedSequence([seed, shard, *prefix]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(words[0] >> 1))


def train_step(
    learner: Learner, data: Digits, shard: int, prefix: Order, before: State, recipe: Recipe, seed: int
) -> State:
    """The state after one more step: from `before`, trained on all slices of the prefix without its last one, train the
    next group of layers on all slices of `prefix`."""
    learner.load(before)
    rows = torch.as_tensor(data.cells[shard, list(prefix)].ravel(), device=data.x.device)
    generator = step_generator(seed, shard, prefix)
    learner.fit([len(prefix) - 1], data.x[rows], data.y[rows], recipe, generator)
    return learner.state()


def train_sequence(
    learner: Learner, data: Digits, shard: int, sequence: Sequence[int], recipe: Recipe, seed: int
) -> list[State]:
    """The checkpoints of one sequence, one for each prefix. Reads no slice before its turn."""
    states, state = [], learner.first
    for length in range(1, len(sequence) + 1):
        state = train_step(learner, data, shard, tuple(sequence[:length]), state, recipe, seed)
        states.append(state)
    return states


def prefixes(sequences: Iterable[Sequence[int]]) -> list[Order]:
    """All different prefixes, the shorter first: sequences that begin alike share the steps of their beginning."""
    return sorted({tuple(s[:n]) for s in sequences for n in range(1, len(s) + 1)}, key=lambda p: (len(p), p))


@dataclass
class System:
    """Shards, the sequences trained on each of them, and what is deployed after deletions."""

    learner: Learner
    data: Digits
    sequences: Sequence[Order]
    recipe: Recipe
    seed: int
    checkpoints: dict[tuple[int, Order], State] = field(default_factory=dict, init=False)
    deleted: dict[int, set[int]] = field(default_factory=dict, init=False)

    def train(self) -> System:
        """Train every different prefix of the sequences on every shard, once."""
        for shard in range(len(self.data.cells)):
            for prefix in prefixes(self.sequences):
                before = self.checkpoints[shard, prefix[:-1]] if len(prefix) > 1 else self.learner.first
                after = train_step(self.learner, self.data, shard, prefix, before, self.recipe, self.seed)
                self.checkpoints[shard, prefix] = after
        return self

    def delete(self, shard: int, number: int) -> None:
        """Delete a row of a slice: no training, the slice is noted and what stood on it is never deployed again.

        Raises ValueError for a shard or a slice that this system does not have, and notes nothing then.
        """
        shards, slices, _ = self.data.cells.shape
        shard, number = check.whole("shard", shard, 0, shards - 1), check.whole("number", number, 0, slices - 1)
        self.deleted.setdefault(shard, set()).add(number)

    def deployed(self) -> dict[int, Order]:
        """The longest surviving prefix of each living shard."""
        alive = {}
        for shard in range(len(self.data.cells)):
            best, length = idea.longest(self.sequences, self.deleted.get(shard, ()))
            if length:
                alive[shard] = self.sequences[best][:length]
        return alive

    def logits(self, x: Tensor) -> Tensor:
        """Mean of the logits of the living shards, (n, classes). ValueError when all are dead."""
        votes = [self.learner.logits(self.checkpoints[shard, prefix], x) for shard, prefix in self.deployed().items()]
        if not votes:
            raise ValueError("deleted holds the first slices of all sequences: the system has failed, train it again")
        return torch.stack(votes).mean(0)


def different(one: State, other: State) -> int:
    """Numbers in two states that are not the same bit for bit (NaN differs from everything)."""
    return sum(int((tensor != other[name]).sum()) for name, tensor in one.items())


def switched_off(learner: Learner, state: State, group: int) -> State:
    """A state in which the LoRA layers of one group do nothing, and all else is as it was: what deletion is *not*."""
    off = set(learner.layers[group])
    return {name: torch.zeros_like(tensor) if name in off else tensor for name, tensor in state.items()}

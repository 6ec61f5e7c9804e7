"""S3T's training and deletion: each sequence of each shard slice by slice, then nothing but switching off.

The appendix's Algorithms 3 and 4 as the authors' code has them: step i trains the i-th group of layers from the
output, and the head, on the first i slices together; a deletion falls back on the longest prefix without the slice;
the shards that are left vote with the mean of their logits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from foretold.papers.unlearning import idea
from foretold.papers.unlearning.experiment.networks import Learner, State

Order = tuple[int, ...]


@dataclass(frozen=True)
class Recipe:
    """How one step is trained: passes over its rows, rows in a batch, AdamW's learning rate."""

    epochs: int
    batch: int = 50
    rate: float = 2e-2


@dataclass(frozen=True)
class Digits:
    """scikit-learn's handwritten digits in three parts: `public` images for the backbone (their labels are not used),
    private ones dealt to shards and slices, `test`. x (n, 64) in [0, 1], y (n,); `cells` (shards, slices, rows) holds
    row numbers."""

    x: Tensor
    y: Tensor
    public: Tensor
    cells: np.ndarray
    test: Tensor

    @classmethod
    def deal(
        cls, shards: int, slices: int, rows: int, public: int, rng: np.random.Generator, device: torch.device
    ) -> Digits:
        """Shuffle and deal: `public` images, `rows` for each slice, all others for the test. ValueError where fewer
        than 100 would be left for it."""
        bunch, private = load_digits(), shards * slices * rows
        order = rng.permutation(len(bunch.target))
        if len(order) - public - private < 100:
            raise ValueError(f"rows is {rows}; with {public} public images it leaves fewer than 100 for the test")
        split = [torch.as_tensor(part, device=device) for part in np.split(order, [public, public + private])]
        return cls(
            torch.as_tensor(bunch.data / 16, dtype=torch.float32, device=device),
            torch.as_tensor(bunch.target, device=device),
            split[0],
            order[public : public + private].reshape(shards, slices, rows),
            split[2],
        )


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
    learner.fit(len(prefix) - 1, data.x[rows], data.y[rows], generator, recipe.epochs, recipe.batch, recipe.rate)
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
    checkpoints: dict[tuple[int, Order], State] = field(default_factory=dict)
    deleted: dict[int, set[int]] = field(default_factory=dict)

    def train(self) -> System:
        """Train every different prefix of the sequences on every shard, once."""
        for shard in range(len(self.data.cells)):
            for prefix in prefixes(self.sequences):
                before = self.checkpoints[shard, prefix[:-1]] if len(prefix) > 1 else self.learner.first
                arguments = self.learner, self.data, shard, prefix, before, self.recipe, self.seed
                self.checkpoints[shard, prefix] = train_step(*arguments)
        return self

    def delete(self, shard: int, number: int) -> None:
        """Delete a row of a slice: no training, the slice is noted and what stood on it is never deployed again."""
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


def poison(data: Digits, deleted: Mapping[int, Iterable[int]]) -> Digits:
    """A copy in which every row of a slice with a deletion is not-a-number: who reads one of them cannot hide it."""
    x = data.x.clone()
    for shard, numbers in deleted.items():
        x[torch.as_tensor(data.cells[shard, sorted(numbers)].ravel(), device=x.device)] = torch.nan
    return replace(data, x=x)


def repaint(data: Digits, shard: int, number: int, rng: np.random.Generator) -> Digits:
    """A copy in which the images of one slice are noise."""
    x, rows = data.x.clone(), torch.as_tensor(data.cells[shard, number], device=data.x.device)
    x[rows] = torch.as_tensor(rng.random((len(rows), x.shape[1])), dtype=x.dtype, device=x.device)
    return replace(data, x=x)


def switched_off(learner: Learner, state: State, group: int) -> State:
    """A state in which the LoRA layers of one group do nothing, and all else is as it was: what deletion is *not*."""
    off = set(learner.layers[group])
    return {name: torch.zeros_like(tensor) if name in off else tensor for name, tensor in state.items()}

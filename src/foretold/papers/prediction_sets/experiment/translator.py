"""A small translator for the prediction-sets chapter: words in, words out, with the probability of each word.

A bidirectional GRU reads the input, a second one writes; at each step it looks back at the input (attention) and either
takes a word from a fixed list or copies one of the input's words, which may be a name that it has never seen.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from foretold.kit import check

PAD, END, OTHER = 0, 1, 2
BUCKETS = 256  # embeddings that words outside of the list share
RATE = 4e-3  # learning rate after the warm-up
BATCH, AT_ONCE = 64, 128  # pairs in a step of training, sources that are translated together
Pair = tuple[Sequence[str], Sequence[str]]


class Words:
    """Numbers for words: the `size` most frequent words of the outputs come first and can be written without copying;
    every other word gets a number when it is met."""

    def __init__(self, outputs: Sequence[Sequence[str]], size: int) -> None:
        counts = Counter(word for output in outputs for word in output)
        listed = sorted(counts, key=lambda word: (-counts[word], word))[: size - 3]
        self.words = ["<pad>", "<end>", "<other>", *listed]
        self.listed = len(self.words)
        self.numbers = {word: number for number, word in enumerate(self.words)}

    def __call__(self, words: Sequence[str]) -> list[int]:
        for word in words:
            if word not in self.numbers:
                self.numbers[word] = len(self.words)
                self.words.append(word)
        return [self.numbers[word] for word in words]


@dataclass(frozen=True)
class Prediction:
    """A translation: its words, what each costs (minus the logarithm of its probability), and what the end costs."""

    words: list[str]
    costs: list[float]
    end: float

    @property
    def total(self) -> float:
        """Minus the logarithm of the probability of the whole."""
        return sum(self.costs) + self.end


class Translator(nn.Module):
    """The network; `train` makes one and `translate` uses it. First weights are drawn from `generator`."""

    def __init__(self, words: Words, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.words = words
        self.embed = nn.Embedding(words.listed + BUCKETS, width)
        self.reader = nn.GRU(width, width // 2, batch_first=True, bidirectional=True)
        self.writer = nn.GRU(width, width, batch_first=True)
        self.start, self.look, self.point = (nn.Linear(width, width) for _ in range(3))
        self.mix, self.choose = nn.Linear(2 * width, width), nn.Linear(2 * width, 2)
        with torch.no_grad():
            for weight in self.parameters():
                weight.copy_((2 * torch.rand(weight.shape, generator=generator) - 1) * width**-0.5)
            self.embed.weight.normal_(generator=generator)

    def embedded(self, numbers: Tensor) -> Tensor:
        listed = self.words.listed
        return self.embed(torch.where(numbers < listed, numbers, listed + numbers * 40_503 % BUCKETS))

    def read(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """What was read (B, S, width) and the writer's first state (1, B, width) for sources (B, S), padded with 0."""
        packed = nn.utils.rnn.pack_padded_sequence(
            self.embedded(source), (source > PAD).sum(1).cpu(), batch_first=True, enforce_sorted=False
        )
        states, last = self.reader(packed)
        states, _ = nn.utils.rnn.pad_packed_sequence(states, batch_first=True, total_length=source.shape[1])
        return states, torch.tanh(self.start(torch.cat([last[0], last[1]], -1)))[None]

    def heads(self, written: Tensor, states: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        """Log probabilities of writing each listed word (B, T, V) and of copying from each place (B, T, S)."""
        scale = written.shape[-1] ** -0.5
        blocked = ~there[:, None]
        scores = (self.look(written) @ states.transpose(1, 2) * scale).masked_fill(blocked, -math.inf)
        both = torch.cat([written, scores.softmax(-1) @ states], -1)
        mixed = torch.tanh(self.mix(both))
        write = (mixed @ self.embed.weight[: self.words.listed].T).log_softmax(-1)
        copy = (self.point(mixed) @ states.transpose(1, 2) * scale).masked_fill(blocked, -math.inf).log_softmax(-1)
        choice = self.choose(both).log_softmax(-1)
        return write + choice[..., :1], copy + choice[..., 1:]

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Log probability of each word of the target (B, T), written or copied; 0 at padding, and for words that can be
        neither: from these nothing can be learned."""
        states, first = self.read(source)
        before = F.pad(target[:, :-1], (1, 0), value=END)
        written, _ = self.writer(self.embedded(before), first)
        write, copy = self.heads(written, states, source > PAD)
        listed = self.words.listed
        same = source[:, None] == target[..., None]
        by_list = write.gather(-1, target.clamp(max=listed - 1)[..., None])[..., 0].masked_fill(target >= listed, -1e4)
        by_copy = copy.masked_fill(~same, -1e4).logsumexp(-1)
        total = torch.logaddexp(by_list, by_copy)
        return torch.where((target > PAD) & (total > -1e3), total, 0.0)


def train(
    pairs: Sequence[Pair],
    steps: int,
    generator: torch.Generator,
    device: torch.device,
    listed: int = 400,
    width: int = 96,
) -> Translator:
    """A `Translator` fitted to pairs of words by Adam: learning rate up over 50 steps, then down to 0 in a line.
    Batches hold pairs of like length. `generator`, on the CPU, makes the first weights and the order.

    Raises ValueError without pairs and for steps < 1.
    """
    if not pairs:
        raise check.refuse("pairs", pairs, "at least one pair")
    steps = check.whole("steps", steps, 1)
    words = Words([target for _, target in pairs], listed)
    numbered = [(words(source), [*words(target), END]) for source, target in pairs]
    model = Translator(words, width, generator).to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda s: min((s + 1) / 50, 1) * max(1 - s / steps, 0.02))
    waiting: list[list[int]] = []
    for _ in range(steps):
        if not waiting:
            waiting = _batches(numbered, generator)
        chosen = [numbered[i] for i in waiting.pop()]
        source, target = (_padded([pair[side] for pair in chosen], device) for side in (0, 1))
        found = model(source, target)
        loss = -found.sum() / (target > PAD).sum()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    return model.eval()


def translate(model: Translator, sources: Sequence[Sequence[str]], longest: int = 62) -> list[Prediction]:
    """The likeliest word at each step until the end or `longest` words, for each source."""
    device = model.embed.weight.device
    order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
    found: dict[int, Prediction] = {}
    for low in range(0, len(order), AT_ONCE):
        part = order[low : low + AT_ONCE]
        source = _padded([model.words(sources[i]) for i in part], device)
        numbers, costs = _greedy(model, source, longest)
        for i, row, paid in zip(part, numbers, costs, strict=True):
            stop = row.index(END) if END in row else len(row)
            words = [model.words.words[number] for number in row[:stop]]
            found[i] = Prediction(words, paid[:stop], paid[stop] if stop < len(row) else 0.0)
    return [found[i] for i in range(len(sources))]


@torch.no_grad()
def _greedy(model: Translator, source: Tensor, longest: int) -> tuple[list[list[int]], list[list[float]]]:
    there, listed = source > PAD, model.words.listed
    states, state = model.read(source)
    same = (source[:, :, None] == source[:, None]) & there[:, None]
    word = torch.full((len(source), 1), END, device=source.device)
    done = torch.zeros(len(source), dtype=torch.bool, device=source.device)
    numbers, costs = [], []
    for _ in range(longest):
        written, state = model.writer(model.embedded(word), state)
        write, copy = (part[:, 0].exp() for part in model.heads(written, states, there))
        # A listed word may be written or copied, and a word may stand at several places: its chances add up.
        chance = write.scatter_add(1, source.clamp(max=listed - 1), copy * (source < listed))
        chance[:, [PAD, OTHER]] = 0
        place = (same * copy[:, None]).sum(-1) * (source >= listed)
        (best, by_list), (best_place, by_place) = chance.max(1), place.max(1)
        copied = source.gather(1, by_place[:, None])[:, 0]
        number = torch.where(best >= best_place, by_list, copied)
        numbers.append(torch.where(done, PAD, number))
        costs.append(torch.where(done, 0.0, -torch.maximum(best, best_place).clamp(max=1).log()))
        done = done | (number == END)
        word = number[:, None]
        if done.all():
            break
    return torch.stack(numbers, 1).tolist(), torch.stack(costs, 1).tolist()


def _padded(rows: Sequence[Sequence[int]], device: torch.device) -> Tensor:
    length = max(map(len, rows))
    return torch.tensor([[*row, *[PAD] * (length - len(row))] for row in rows], device=device)


def _batches(pairs: Sequence[tuple[list[int], list[int]]], generator: torch.Generator) -> list[list[int]]:
    """All pairs once, in batches of like length, in random order."""
    order = torch.randperm(len(pairs), generator=generator).tolist()
    batches = []
    for low in range(0, len(order), 20 * BATCH):
        near = sorted(order[low : low + 20 * BATCH], key=lambda i: len(pairs[i][0]))
        batches += [near[at : at + BATCH] for at in range(0, len(near), BATCH)]
    return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]

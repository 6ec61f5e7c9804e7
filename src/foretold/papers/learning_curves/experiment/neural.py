"""A neural tagger for the learning-curve chapter: it cannot go on from level to level by counting, so that every level
is a training from scratch, and a curve costs the sum of all levels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from foretold.papers.learning_curves.experiment import Curve, scheme
from foretold.papers.learning_curves.experiment.taggers import Encoded, Lexicon

BUCKETS = 4_096  # rows of the table that all endings share


class Tagger(torch.nn.Module):
    """Scores for each tag at each word: embeddings of the word and of its endings, two convolutions over neighbouring
    words, and a linear layer. Words not seen in training share row 0."""

    def __init__(self, words: int, tags: int, width: int) -> None:
        super().__init__()
        self.word = torch.nn.Embedding(words + 1, width, padding_idx=0)
        self.ending = torch.nn.EmbeddingBag(BUCKETS, width, mode="mean")
        self.near = torch.nn.Conv1d(2 * width, width, 3, padding=1)
        self.far = torch.nn.Conv1d(width, width, 3, padding=1)
        self.out = torch.nn.Linear(3 * width, tags)

    def forward(self, words: torch.Tensor, endings: torch.Tensor) -> torch.Tensor:
        """words (batch, length), endings (batch, length, k) to scores (batch, length, tags)."""
        suffix = self.ending(endings.flatten(0, 1)).unflatten(0, words.shape)
        own = torch.cat([self.word(words), suffix], dim=-1)
        near = torch.relu(self.near(own.mT))
        far = torch.relu(self.far(near)) + near
        return self.out(torch.cat([own, far.mT], dim=-1))


def _batches(data: Encoded, size: int, shuffle: torch.Generator | None) -> list[NDArray[np.int64]]:
    """Numbers of sentences of similar length, `size` in a batch, in a random order."""
    order = np.argsort(np.diff(data.starts), kind="stable")
    parts = [order[i : i + size] for i in range(0, len(order), size)]
    if shuffle is None:
        return parts
    return [parts[i] for i in torch.randperm(len(parts), generator=shuffle)]


def _padded(data: Encoded, sentences: NDArray[np.int64], values: NDArray[np.int32], fill: int) -> NDArray[np.int64]:
    lengths = np.diff(data.starts)[sentences]
    table = np.full((len(sentences), lengths.max()), fill, np.int64)
    for row, (s, n) in enumerate(zip(sentences, lengths, strict=True)):
        table[row, :n] = values[data.starts[s] : data.starts[s] + n]
    return table


def curve(
    pool: Encoded, test: Encoded, lexicon: Lexicon, step: int, levels: int, generators: Sequence[torch.Generator],
    device: torch.device, epochs: int = 5, width: int = 64, batch: int = 64,
) -> Curve:  # fmt: skip
    """Accuracy on `test` after each level of the pool, trained from scratch each time; one row for each generator,
    which makes first weights, order and dropped words. Raises ValueError as `scheme`, and for epochs < 1."""
    if epochs < 1:
        raise ValueError(f"epochs is {epochs!r}; allowed is a whole number of at least 1")
    ends = scheme(pool, step, step, levels)
    rows = [
        [_accuracy(train(pool.part(0, end), lexicon, g, device, epochs, width, batch), test, lexicon, device)
         for end in ends] for g in generators
    ]  # fmt: skip
    return Curve(pool.starts[ends].astype(float), np.array(rows))


def train(
    data: Encoded,
    lexicon: Lexicon,
    generator: torch.Generator,
    device: torch.device,
    epochs: int,
    width: int,
    batch: int,
) -> Tagger:
    """Fit a tagger by Adam with a learning rate that falls to 0; a tenth of the words is hidden at random, so that the
    row of unknown words learns too. bfloat16 on CUDA."""
    words, _, tags = lexicon.sizes
    known = np.unique(data.words)
    net = Tagger(len(known), tags, width)
    with torch.no_grad():
        for weights in net.parameters():
            fan = weights[0].numel() if weights.ndim > 1 else width
            scale = 0.1 if weights.ndim == 2 and len(weights) > tags else fan**-0.5
            weights.copy_((2 * torch.rand(weights.shape, generator=generator) - 1) * scale)
        net.word.weight[0] = 0
    net.to(device)
    net.row = torch.zeros(words, dtype=torch.int64)  # a known word's row of the embedding, 0 for others
    net.row[torch.from_numpy(known).long()] = torch.arange(1, len(known) + 1)
    steps = epochs * len(_batches(data, batch, None))
    optimiser = torch.optim.Adam(net.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3 * 2, total_steps=steps + 1)
    for _ in range(epochs):
        for part in _batches(data, batch, generator):
            ids, endings = _inputs(net, data, part, lexicon, device, generator)
            target = torch.from_numpy(_padded(data, part, data.tags, -1)).to(device)
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                scores = net(ids, endings)
            loss = torch.nn.functional.cross_entropy(scores.float().flatten(0, 1), target.flatten(), ignore_index=-1)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return net


def _inputs(
    net: Tagger, data: Encoded, part: NDArray[np.int64], lexicon: Lexicon, device: torch.device,
    generator: torch.Generator | None,
) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    ids = torch.from_numpy(_padded(data, part, data.words, -1))
    endings = torch.from_numpy(lexicon.endings[ids.clamp(min=0).numpy()][..., :4].astype(np.int64)) % BUCKETS
    row = net.row[ids.clamp(min=0)] * (ids >= 0)
    if generator is not None:
        row *= torch.rand(ids.shape, generator=generator) > 0.1
    return row.to(device), endings.to(device)


def _accuracy(net: Tagger, data: Encoded, lexicon: Lexicon, device: torch.device) -> float:
    right = 0
    with torch.no_grad():
        for part in _batches(data, 256, None):
            found = net(*_inputs(net, data, part, lexicon, device, None)).argmax(-1).cpu().numpy()
            right += int(np.sum(found == _padded(data, part, data.tags, -1)))
    return right / len(data.words)

"""A neural tagger for the learning-curve chapter: it cannot go on from level to level by counting, so that every level
is a training from scratch, and a curve costs the sum of all levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from foretold.kit import check
from foretold.kit.training import fit
from foretold.papers.learning_curves.data.lexicon import Encoded, Lexicon
from foretold.papers.learning_curves.experiment import Curve

BUCKETS = 4_096  # rows of the table that all endings share
BATCH = 64  # sentences


class Training(NamedTuple):
    """How a tagger is trained: where, how many times over the sentences, how wide its layers are."""

    device: torch.device
    epochs: int
    width: int


class Tagger(torch.nn.Module):
    """Scores for each tag at each word: embeddings of the word and of its endings, two convolutions over neighbouring
    words, and a linear layer.

    `known` holds the numbers of the words that have an embedding of their own, below `words`; all others share row 0.
    """

    def __init__(self, known: NDArray[np.int32], words: int, tags: int, width: int) -> None:
        super().__init__()
        self.row = torch.zeros(words, dtype=torch.int64)  # of each word's embedding
        self.row[torch.from_numpy(known).long()] = torch.arange(1, len(known) + 1)
        self.word = torch.nn.Embedding(len(known) + 1, width, padding_idx=0)
        self.ending = torch.nn.EmbeddingBag(BUCKETS, width, mode="mean")
        self.near = torch.nn.Conv1d(2 * width, width, 3, padding=1)
        self.far = torch.nn.Conv1d(width, width, 3, padding=1)
        self.out = torch.nn.Linear(3 * width, tags)

    def draw_weights(self, generator: torch.Generator) -> None:
        """First weights: uniform, small for embeddings, for other layers as wide as their inputs allow."""
        width, tags = self.word.embedding_dim, self.out.out_features
        with torch.no_grad():
            for weights in self.parameters():
                fan = weights[0].numel() if weights.ndim > 1 else width
                scale = 0.1 if weights.ndim == 2 and len(weights) > tags else fan**-0.5
                weights.copy_((2 * torch.rand(weights.shape, generator=generator) - 1) * scale)
            self.word.weight[0] = 0

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
    pool: Encoded,
    test: Encoded,
    lexicon: Lexicon,
    ends: NDArray[np.int64],
    generators: Sequence[torch.Generator],
    training: Training,
) -> Curve:
    """Accuracy on `test` after the first `ends` sentences of the pool, trained from scratch each time; one row for each
    generator, which makes first weights, order and dropped words. Raises ValueError for epochs < 1."""
    check.whole("epochs", training.epochs, 1)
    rows = []
    for generator in generators:
        nets = (train(pool.part(0, end), lexicon, generator, training) for end in ends)
        rows.append([_accuracy(net, test, lexicon, training.device) for net in nets])
    return Curve(pool.starts[ends].astype(float), np.array(rows))


def train(data: Encoded, lexicon: Lexicon, generator: torch.Generator, training: Training) -> Tagger:
    """Fit a tagger by Adam with a learning rate that falls to 0; a tenth of the words is hidden at random, so that the
    row of unknown words learns too. bfloat16 on CUDA."""
    device = training.device
    words, _, tags = lexicon.sizes
    net = Tagger(np.unique(data.words), words, tags, training.width)
    net.draw_weights(generator)
    net.to(device)
    epochs, steps = training.epochs, training.epochs * len(_batches(data, BATCH, None))
    optimiser = torch.optim.Adam(net.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3 * 2, total_steps=steps + 1)

    def loss(part: NDArray[np.int64]) -> torch.Tensor:
        ids, endings = _inputs(net, data, part, lexicon, generator)
        target = torch.from_numpy(_padded(data, part, data.tags, -1)).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            scores = net(ids.to(device), endings.to(device))
        return torch.nn.functional.cross_entropy(scores.float().flatten(0, 1), target.flatten(), ignore_index=-1)

    # The order of an epoch is drawn when the epoch begins: hidden words come from the same generator.
    fit(optimiser, loss, (part for _ in range(epochs) for part in _batches(data, BATCH, generator)), schedule)
    return net


def _inputs(
    net: Tagger, data: Encoded, part: NDArray[np.int64], lexicon: Lexicon, hide: torch.Generator | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of the embedding (batch, length) and numbers of endings (batch, length, 4) for some sentences. With a
    generator a tenth of the words is hidden."""
    ids = torch.from_numpy(_padded(data, part, data.words, -1))
    inside = ids.clamp(min=0)
    endings = torch.from_numpy(lexicon.endings[inside.numpy()][..., :4].astype(np.int64)) % BUCKETS
    row = net.row[inside] * (ids >= 0)
    if hide is not None:
        row *= torch.rand(ids.shape, generator=hide) > 0.1
    return row, endings


def _accuracy(net: Tagger, data: Encoded, lexicon: Lexicon, device: torch.device) -> float:
    right = 0
    with torch.no_grad():
        for part in _batches(data, 256, None):
            ids, endings = _inputs(net, data, part, lexicon, None)
            found = net(ids.to(device), endings.to(device)).argmax(-1).cpu().numpy()
            right += int(np.sum(found == _padded(data, part, data.tags, -1)))
    return right / len(data.words)

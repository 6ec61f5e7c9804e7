"""Backbones that a chapter can train in seconds, and their LoRA layers.

A backbone is a stack of blocks and a linear head. It is trained once on public images, on a task that needs no labels
(by how many quarter turns was the image rotated?), and then frozen. `Learner` puts LoRA layers of the `peft` library
into its blocks and cuts the stack into groups, counted from the output: group 0 is next to the head.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import TqdmWarning

from foretold.kit import check, training

with warnings.catch_warnings():  # peft asks for a progress bar of widgets, which no page of this book has
    warnings.simplefilter("ignore", TqdmWarning)
    from peft import LoraConfig, inject_adapter_in_model

SIDE, CLASSES = 8, 10  # pixels across a digit; which of ten
TURNS = 4  # of an image by a quarter, which the backbone learns to tell apart
HEADS = 4  # of attention
BATCH = 50  # rows, in the training of LoRA layers
State = Mapping[str, Tensor]


@dataclass(frozen=True)
class Recipe:
    """How LoRA layers are trained: passes over their rows, AdamW's learning rate."""

    epochs: int
    rate: float = 2e-2


class Residual(nn.Module):
    """Residual blocks of two linear layers on all pixels of an image (n, 64)."""

    targets = ("down",)

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.embed = nn.Linear(SIDE * SIDE, width)
        self.blocks = nn.ModuleList(Feedforward(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, TURNS)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


class Feedforward(nn.Module):
    """x plus two linear layers of its norm."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(functional.gelu(self.up(self.norm(x))))


class Transformer(nn.Module):
    """A small vision transformer: patches of 2 x 2 pixels are 16 tokens, and the head reads their mean.

    As in the paper's vision experiments, LoRA layers go to queries and values.
    """

    targets = ("query", "value")
    patch = 2

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        tokens = (SIDE // self.patch) ** 2
        self.embed = nn.Linear(self.patch**2, width)
        self.place = nn.Parameter(torch.zeros(tokens, width))
        self.blocks = nn.ModuleList(nn.Sequential(Attention(width), Feedforward(width)) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, TURNS)

    def forward(self, x: Tensor) -> Tensor:
        across, patch = SIDE // self.patch, self.patch
        x = x.reshape(-1, across, patch, across, patch).transpose(2, 3).reshape(len(x), across**2, patch**2)
        x = self.embed(x) + self.place
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(1))


class Attention(nn.Module):
    """x plus multi-head self-attention of its norm, with a linear layer each for queries, keys and values."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.query, self.key, self.value, self.mix = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        query, key, value = (self._by_head(layer(y)) for layer in (self.query, self.key, self.value))
        heard = functional.scaled_dot_product_attention(query, key, value)
        return x + self.mix(heard.transpose(1, 2).flatten(2))

    def _by_head(self, x: Tensor) -> Tensor:
        """(n, tokens, width) as (n, heads, tokens, width / heads)."""
        return x.unflatten(-1, (HEADS, -1)).transpose(1, 2)


@torch.no_grad()
def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """New weights from a generator (on the CPU, so that they are the same on every device)."""
    for module in network.modules():
        if isinstance(module, nn.Linear):
            draw = torch.randn(module.weight.shape, generator=generator) / math.sqrt(module.in_features)
            module.weight.copy_(draw)
            module.bias.zero_()
    if isinstance(network, Transformer):
        network.place.copy_(torch.randn(network.place.shape, generator=generator) * 0.1)


def pretrain(network: nn.Module, images: Tensor, generator: torch.Generator, epochs: int) -> float:
    """Train a backbone to tell by how many quarter turns an image (n, 64) was rotated; the share of rotations that it
    gets right at the end. No label is used."""
    initialise(network, generator)
    square = images.reshape(-1, SIDE, SIDE)
    x = torch.cat([torch.rot90(square, turn, (1, 2)).flatten(1) for turn in range(TURNS)])
    y = torch.arange(TURNS, device=x.device).repeat_interleave(len(images))
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=0.01)
    _fit(network, x, y, optimiser, training.batches(len(x), 64, epochs, generator))
    with torch.no_grad():
        return float((network(x).argmax(1) == y).float().mean())


def _fit(network: nn.Module, x: Tensor, y: Tensor, optimiser: torch.optim.Optimizer, batches: Iterable[Tensor]) -> None:
    def loss(rows: Tensor) -> Tensor:
        rows = rows.to(x.device)
        return functional.cross_entropy(network(x[rows]), y[rows])

    training.fit(optimiser, loss, batches)


class Learner:
    """A frozen backbone with LoRA layers in its blocks and a head to train. What is learnt is a *state*: a mapping from
    names to tensors, of all LoRA layers and the head.

    Parameters
    ----------
    network: a pretrained backbone; its head is replaced
    groups: number of groups of blocks; ValueError unless it divides their number
    rank: of the LoRA layers (rank-stabilised, alpha equal to the rank, as in the authors' vision code)
    generator: for the first state
    """

    def __init__(self, network: nn.Module, groups: int, rank: int, generator: torch.Generator) -> None:
        depth = len(network.blocks)
        self.groups = check.whole("groups", groups, 1, depth)
        if depth % groups:
            raise check.refuse("groups", groups, f"the divisors of {depth}, the number of blocks")
        device = next(network.parameters()).device
        network.head = nn.Linear(network.head.in_features, CLASSES, device=device)
        targets = list(network.targets)
        config = LoraConfig(r=rank, lora_alpha=rank, use_rslora=True, lora_dropout=0.0, target_modules=targets)
        self.network = inject_adapter_in_model(config, network)
        self.head = ["head.weight", "head.bias"]
        self.parameters: dict[str, nn.Parameter] = {}
        self.layers: list[list[str]] = [[] for _ in range(groups)]  # names of each group's LoRA matrices
        for name, parameter in self.network.named_parameters():
            learnt = "lora_" in name or name in self.head
            parameter.requires_grad_(learnt)
            if learnt:
                self.parameters[name] = parameter
            if "lora_" in name:
                block = int(name.split(".")[1])
                self.layers[(depth - 1 - block) * groups // depth].append(name)
        self.first: State = {name: self._first(name, generator).to(device) for name in self.parameters}

    def _first(self, name: str, generator: torch.Generator) -> Tensor:
        """LoRA's A at random, its B and the head at zero."""
        shape = self.parameters[name].shape
        if "lora_A" not in name:
            return torch.zeros(shape)
        return torch.randn(shape, generator=generator).div(math.sqrt(shape[1]))

    @torch.no_grad()
    def load(self, state: State) -> None:
        """Put a state into the network."""
        for name, parameter in self.parameters.items():
            parameter.copy_(state[name])

    def state(self) -> State:
        """A copy of what the network holds."""
        return {name: parameter.detach().clone() for name, parameter in self.parameters.items()}

    def fit(self, groups: Iterable[int], x: Tensor, y: Tensor, recipe: Recipe, generator: torch.Generator) -> None:
        """Train the LoRA layers of some groups and the head on x (n, 64) and y (n,); all else keeps still."""
        trained = sorted([*self.head, *(name for group in groups for name in self.layers[group])])
        for name, parameter in self.parameters.items():
            parameter.requires_grad_(name in trained)
        optimiser = torch.optim.AdamW([self.parameters[name] for name in trained], recipe.rate, weight_decay=0.0)
        batches = training.batches(len(x), BATCH, recipe.epochs, generator)
        _fit(self.network, x, y, optimiser, batches)

    @torch.no_grad()
    def logits(self, state: State, x: Tensor) -> Tensor:
        """Logits (n, classes) of a state on x (n, 64)."""
        self.load(state)
        return self.network(x)

    def size(self, groups: Iterable[int]) -> int:
        """Numbers in the LoRA layers of some groups and the head: what one checkpoint has to keep."""
        kept = [*self.head, *(name for group in groups for name in self.layers[group])]
        return sum(self.parameters[name].numel() for name in kept)

"""Backbones that a chapter can train in seconds, and their LoRA layers.

A backbone is a stack of blocks and a linear head. It is trained once on public images, on a task that needs no labels
(by how many quarter turns was the image rotated?), and then frozen. `Learner` puts LoRA layers of the `peft` library
into its blocks and cuts the stack into groups, counted from the output: group 0 is next to the head.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import TqdmWarning

with warnings.catch_warnings():  # peft asks for a progress bar of widgets, which no page of this book has
    warnings.simplefilter("ignore", TqdmWarning)
    from peft import LoraConfig, inject_adapter_in_model

SIDE = 8  # pixels of a digit
State = Mapping[str, Tensor]


class Residual(nn.Module):
    """Residual blocks of two linear layers on all pixels of an image (n, 64)."""

    targets = ("down",)

    def __init__(self, width: int, depth: int, classes: int) -> None:
        super().__init__()
        self.embed = nn.Linear(SIDE * SIDE, width)
        self.blocks = nn.ModuleList(Feedforward(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

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

    def __init__(self, width: int, depth: int, classes: int) -> None:
        super().__init__()
        tokens = (SIDE // self.patch) ** 2
        self.embed = nn.Linear(self.patch**2, width)
        self.place = nn.Parameter(torch.zeros(tokens, width))
        self.blocks = nn.ModuleList(nn.Sequential(Attention(width), Feedforward(width)) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        across, patch = SIDE // self.patch, self.patch
        x = x.reshape(-1, across, patch, across, patch).transpose(2, 3).reshape(len(x), across**2, patch**2)
        x = self.embed(x) + self.place
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(1))


class Attention(nn.Module):
    """x plus multi-head self-attention of its norm, with a linear layer each for queries, keys and values."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.query, self.key, self.value, self.mix = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        parts = (
            layer(y).unflatten(-1, (self.heads, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        return x + self.mix(functional.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2))


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


def pretrain(network: nn.Module, images: Tensor, generator: torch.Generator, epochs: int, rate: float = 2e-3) -> float:
    """Train a backbone with four classes to tell by how many quarter turns an image (n, 64) was rotated; the share of
    rotations that it gets right at the end. No label is used."""
    initialise(network, generator)
    square = images.reshape(-1, SIDE, SIDE)
    x = torch.cat([torch.rot90(square, turn, (1, 2)).flatten(1) for turn in range(4)])
    y = torch.arange(4, device=x.device).repeat_interleave(len(images))
    optimiser = torch.optim.AdamW(network.parameters(), rate, weight_decay=0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(x), generator=generator).to(x.device).split(64):
            optimiser.zero_grad()
            functional.cross_entropy(network(x[rows]), y[rows]).backward()
            optimiser.step()
    with torch.no_grad():
        return float((network(x).argmax(1) == y).float().mean())


class Learner:
    """A frozen backbone with LoRA layers in its blocks and a head to train. What is learnt is a *state*: a mapping from
    names to tensors, of all LoRA layers and the head.

    Parameters
    ----------
    network: a pretrained backbone; its head is replaced
    groups: number of groups of blocks; ValueError unless it divides their number
    rank: of the LoRA layers (rank-stabilised, alpha equal to the rank, as in the authors' vision code)
    classes: of the head
    generator: for the first state
    """

    def __init__(self, network: nn.Module, groups: int, rank: int, classes: int, generator: torch.Generator) -> None:
        depth = len(network.blocks)
        if groups < 1 or depth % groups:
            raise ValueError(f"groups is {groups!r}; allowed are the divisors of {depth}, the number of blocks")
        device = next(network.parameters()).device
        self.groups = groups
        network.head = nn.Linear(network.head.in_features, classes, device=device)
        config = LoraConfig(
            r=rank, lora_alpha=rank, use_rslora=True, lora_dropout=0.0, target_modules=list(network.targets)
        )
        self.network = inject_adapter_in_model(config, network)
        each = depth // groups
        self.layers: list[list[str]] = [[] for _ in range(groups)]  # names of each group's LoRA matrices
        for name, _ in self.network.named_parameters():
            if "lora_" in name:
                self.layers[(depth - 1 - int(name.split(".")[1])) // each].append(name)
        self.head = ["head.weight", "head.bias"]
        self.parameters = {
            name: p for name, p in self.network.named_parameters() if "lora_" in name or name in self.head
        }
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(name in self.parameters)
        self.first: State = {
            name: torch.randn(p.shape, generator=generator).div(math.sqrt(p.shape[1])).to(device)
            if "lora_A" in name
            else torch.zeros_like(p)
            for name, p in self.parameters.items()
        }

    @torch.no_grad()
    def load(self, state: State) -> None:
        """Put a state into the network."""
        for name, parameter in self.parameters.items():
            parameter.copy_(state[name])

    def state(self) -> State:
        """A copy of what the network holds."""
        return {name: parameter.detach().clone() for name, parameter in self.parameters.items()}

    def fit(
        self, group: int, x: Tensor, y: Tensor, generator: torch.Generator, epochs: int, batch: int, rate: float
    ) -> None:
        """Train the LoRA layers of one group and the head on x (n, 64) and y (n,); all else keeps still."""
        trained = {*self.layers[group], *self.head}
        for name, parameter in self.parameters.items():
            parameter.requires_grad_(name in trained)
        optimiser = torch.optim.AdamW([self.parameters[name] for name in sorted(trained)], rate, weight_decay=0.0)
        for _ in range(epochs):
            for rows in torch.randperm(len(x), generator=generator).to(x.device).split(batch):
                optimiser.zero_grad()
                functional.cross_entropy(self.network(x[rows]), y[rows]).backward()
                optimiser.step()

    @torch.no_grad()
    def logits(self, state: State, x: Tensor) -> Tensor:
        """Logits (n, classes) of a state on x (n, 64)."""
        self.load(state)
        return self.network(x)

    def size(self, groups: Sequence[int]) -> int:
        """Numbers in the LoRA layers of some groups and the head: what one checkpoint has to keep."""
        kept = [*self.head, *(name for group in groups for name in self.layers[group])]
        return sum(self.parameters[name].numel() for name in kept)

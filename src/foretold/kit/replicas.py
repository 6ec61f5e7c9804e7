"""Many networks trained as one: every weight has a leading axis of replicas.

R networks of one shape are one model whose weights are (R, ...). One batched operation serves all of them, where one
network after another would spend its time on starting tiny operations. Replicas never mix: every product runs over one
slice of the weights, so that the gradient of a sum of losses is, for each replica, that of its own loss.

Activations are rows, (R, n, features), as those of `torch.nn`: `Linear`, `Conv`, and GPT-2 below. Networks with batch
normalisation are faster in columns, (R, features, n), where all units of all replicas are channels of one
normalisation (`foretold.papers.pruning.experiment.batched`); they share with the others how weights begin (`uniform`,
`he_normal`) and which examples a step sees (`streams`, `orders`, `Batches`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from foretold.kit import check

# Where randomness comes from


def streams(generator: torch.Generator, count: int) -> list[torch.Generator]:
    """`count` generators on the CPU whose seeds are drawn from one."""
    seeds = torch.randint(2**62, (count,), generator=generator).tolist()
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def uniform(shape: Sequence[int], fan_in: int, generators: Sequence[torch.Generator]) -> Tensor:
    """First weights (R, *shape), U(-1, 1) / sqrt(fan_in), as torch's own layers begin; each replica draws its own."""
    return torch.stack([(2 * torch.rand(shape, generator=own) - 1) * fan_in**-0.5 for own in generators])


def he_normal(shape: Sequence[int], replicas: int, generator: torch.Generator) -> Tensor:
    """First weights (R, outputs, inputs, ...), normal with variance 2 / fan-in (He et al. 2015, arXiv 1502.01852)."""
    return torch.randn(replicas, *shape, generator=generator) * (2 / math.prod(shape[1:])) ** 0.5


def orders(rows: int, batch: int, steps: int, generator: torch.Generator, drop_last: bool = False) -> Tensor:
    """Row numbers (steps, batch) of one replica's batches: permutations of all rows, one after another.

    A batch may hold the end of one permutation and the beginning of the next; with `drop_last` the rows of an
    incomplete last batch are left out of each. Raises ValueError for sizes below 1, and where no batch is complete.
    """
    check.whole("rows", rows, 1)
    check.whole("batch", batch, 1, rows if drop_last else None)
    check.whole("steps", steps, 1)
    kept = rows // batch * batch if drop_last else rows
    rounds = math.ceil(steps * batch / kept)
    drawn = [torch.randperm(rows, generator=generator)[:kept] for _ in range(rounds)]
    return torch.cat(drawn)[: steps * batch].view(steps, batch)


class Batches:
    """One batch a step for each of R replicas (or of R groups that see the same): a sequence of (x, y), x (R, batch,
    ...) and y (R, batch).

    x: examples (R, n, ...), expanded where they are the same for all; y: classes (R, n); order: row numbers (R, steps,
    batch), on any device. Raises ValueError where the three have different R.
    """

    def __init__(self, x: Tensor, y: Tensor, order: Tensor) -> None:
        if not len(x) == len(y) == len(order):
            raise ValueError(f"x, y and order are for {len(x)}, {len(y)} and {len(order)} replicas; allowed is one R")
        self.x, self.y, self.order = x, y, order.to(x.device)
        self.replica = torch.arange(len(x), device=x.device)[:, None]

    def __len__(self) -> int:
        return self.order.shape[1]

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        rows = self.order[:, step]
        return self.x[self.replica, rows], self.y[self.replica, rows]


# Layers in rows


def affine(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """(R, n, outputs) of weight (R, inputs, outputs) and rows x: (R, n, inputs), or (n, inputs) for all replicas."""
    rows = x.expand(len(weight), *x.shape) if x.ndim == 2 else x
    return torch.bmm(rows, weight) if bias is None else torch.baddbmm(bias[:, None], rows, weight)


def convolution(x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: int = 1) -> Tensor:
    """(R, n, out, height, width) of weight (R, out, in, size, size) and images x: (R, n, in, height, width), or without
    R for all replicas. One convolution, with a group for each replica."""
    replicas = len(weight)
    images = x.expand(replicas, *x.shape) if x.ndim == 4 else x
    channels = images.transpose(0, 1).flatten(1, 2)  # (n, R * in, height, width)
    shifts = None if bias is None else bias.flatten()
    made = F.conv2d(channels, weight.flatten(0, 1), shifts, stride=stride, groups=replicas)
    return made.unflatten(1, (replicas, -1)).transpose(0, 1)


class Linear(nn.Module):
    """R affine maps of rows: weight (R, inputs, outputs), bias (R, outputs)."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = _kept(weight), _kept(bias)

    def forward(self, x: Tensor) -> Tensor:
        return affine(x, self.weight, self.bias)

    def pick(self, replicas: Tensor) -> Linear:
        """The layer of some replicas."""
        return Linear(self.weight[replicas], self.bias[replicas])


class Conv(nn.Module):
    """R convolutions: weight (R, out, in, size, size), bias (R, out)."""

    def __init__(self, weight: Tensor, bias: Tensor, stride: int = 1) -> None:
        super().__init__()
        self.weight, self.bias, self.stride = _kept(weight), _kept(bias), stride

    def forward(self, x: Tensor) -> Tensor:
        return convolution(x, self.weight, self.bias, self.stride)

    def pick(self, replicas: Tensor) -> Conv:
        """The layer of some replicas."""
        return Conv(self.weight[replicas], self.bias[replicas], self.stride)


def pick(model: nn.Sequential, replicas: Sequence[int]) -> nn.Sequential:
    """The network of some replicas. Gradients flow back to the whole one."""
    layers = []
    for layer in model:
        if isinstance(layer, Linear | Conv):
            layer = layer.pick(torch.as_tensor(replicas, device=layer.weight.device))
        layers.append(layer)
    return nn.Sequential(*layers)


def _kept(tensor: Tensor) -> Tensor:
    """A leaf becomes a parameter; what was computed from parameters stays a part of its graph."""
    return tensor if tensor.requires_grad else nn.Parameter(tensor)


# GPT-2, the arithmetic of `foretold.kit.gpt`. R replicas of P weights each are one tensor (R, P). A forward pass cuts
# it into views (R, ...), and the gradient comes back as one tensor (R, P) as well. Gain and shift of a layer norm are
# multiplied into the matrix behind it, which is small, and not into the activations, which are large.

Shapes = Mapping[str, tuple[int, ...]]


def shapes(layers: int, width: int, context: int, vocabulary: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights, in their order within P: those of ``transformers.GPT2LMHeadModel``, whose output
    matrix is that of the token embedding."""
    found: dict[str, tuple[int, ...]] = {
        "transformer.wte.weight": (vocabulary, width),
        "transformer.wpe.weight": (context, width),
    }
    for layer in range(layers):
        block = {
            "ln_1": (width,),
            "attn.c_attn": (width, 3 * width),
            "attn.c_proj": (width, width),
            "ln_2": (width,),
            "mlp.c_fc": (width, 4 * width),
            "mlp.c_proj": (4 * width, width),
        }
        for name, shape in block.items():
            found[f"transformer.h.{layer}.{name}.weight"] = shape
            found[f"transformer.h.{layer}.{name}.bias"] = shape[-1:]
    return found | {"transformer.ln_f.weight": (width,), "transformer.ln_f.bias": (width,)}


def views(weights: torch.Tensor, shapes: Shapes) -> dict[str, torch.Tensor]:
    """Cut weights of shape (R, P) into named views of shape (R, ...)."""
    pieces = weights.split_with_sizes([math.prod(shape) for shape in shapes.values()], 1)
    return {name: piece.view(len(weights), *shape) for (name, shape), piece in zip(shapes.items(), pieces, strict=True)}


def initial(shapes: Shapes, layers: int, std: float, generator: torch.Generator) -> torch.Tensor:
    """Fresh weights of one model, shape (P,), as GPT-2 begins: normal with `std`, the matrices that write into the
    residual stream smaller by sqrt(2 layers), gains 1, shifts 0."""
    parts = []
    for name, shape in shapes.items():
        if len(shape) == 1:
            parts.append(torch.full(shape, 1.0 if ".ln_" in name and name.endswith("weight") else 0.0))
        else:
            scale = std / math.sqrt(2 * layers) if name.endswith("c_proj.weight") else std
            parts.append(torch.empty(shape).normal_(0, scale, generator=generator).flatten())
    return torch.cat(parts)


def decayed(shapes: Shapes) -> torch.Tensor:
    """1 for weights of matrices, 0 for gains, shifts and biases: where weight decay acts, shape (P,)."""
    return torch.cat([torch.full((math.prod(shape),), float(len(shape) > 1)) for shape in shapes.values()])


def _linear_after_norm(x: torch.Tensor, w: Mapping[str, torch.Tensor], norm: str, linear: str) -> torch.Tensor:
    gain, shift = w[f"{norm}.weight"], w[f"{norm}.bias"]
    matrix, bias = w[f"{linear}.weight"], w[f"{linear}.bias"]
    moved = torch.baddbmm(bias[:, None], shift[:, None], matrix)
    return torch.baddbmm(moved, F.layer_norm(x, x.shape[-1:]), gain[:, :, None] * matrix)


def token_losses(
    weights: torch.Tensor, inputs: torch.Tensor, targets: torch.Tensor, shapes: Shapes, heads: int, activation: str
) -> torch.Tensor:
    """Cross-entropy of each next token in nats, shape (R, B, T), for weights (R, P); `inputs` and `targets` are tokens
    of shape (B, T), the same for all replicas, or (R, B, T)."""
    w = views(weights, shapes)
    table, positions = w["transformer.wte.weight"], w["transformer.wpe.weight"]
    replicas, vocabulary, width = table.shape
    batch, length = inputs.shape[-2:]
    count = batch * length
    first = torch.arange(replicas, device=weights.device)[:, None] * vocabulary  # where a replica's table begins
    x = F.embedding(inputs.reshape(-1, count) + first, table.reshape(-1, width))
    x = (x.view(replicas, batch, length, width) + positions[:, None, :length]).view(replicas, count, width)
    layer = 0
    while f"transformer.h.{layer}.ln_1.weight" in w:
        at = f"transformer.h.{layer}."
        mixed = _linear_after_norm(x, w, at + "ln_1", at + "attn.c_attn")
        mixed = mixed.view(replicas * batch, length, 3, heads, width // heads)
        query, key, value = mixed.permute(2, 0, 3, 1, 4).unbind(0)
        heard = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        heard = heard.transpose(1, 2).reshape(replicas, count, width)
        x = x + torch.baddbmm(w[at + "attn.c_proj.bias"][:, None], heard, w[at + "attn.c_proj.weight"])
        hidden = _linear_after_norm(x, w, at + "ln_2", at + "mlp.c_fc")
        hidden = F.relu(hidden) if activation == "relu" else F.gelu(hidden, approximate="tanh")
        x = x + torch.baddbmm(w[at + "mlp.c_proj.bias"][:, None], hidden, w[at + "mlp.c_proj.weight"])
        layer += 1
    gain, shift = w["transformer.ln_f.weight"], w["transformer.ln_f.bias"]
    moved = torch.bmm(shift[:, None], table.transpose(1, 2))
    scores = torch.baddbmm(moved, F.layer_norm(x, (width,)), (table * gain[:, None]).transpose(1, 2))
    wanted = targets.reshape(-1, count).expand(replicas, -1).reshape(-1)
    losses = F.cross_entropy(scores.reshape(-1, vocabulary), wanted, reduction="none")
    return losses.view(replicas, batch, length)


class AdamW:
    """Adam with decoupled weight decay over weights of shape (R, P), a learning rate for each replica.

    The arithmetic is that of `torch.optim.AdamW`, and of `torch.nn.utils.clip_grad_norm_` for each replica alone.
    """

    def __init__(
        self,
        weights: torch.Tensor,
        decayed: torch.Tensor,
        betas: tuple[float, float],
        eps: float,
        decay: float,
        clip: float | None,
    ) -> None:
        self.first, self.second = torch.zeros_like(weights), torch.zeros_like(weights)
        self.decayed, self.betas, self.eps, self.decay, self.clip = decayed, betas, eps, decay, clip
        self.taken = 0

    @torch.no_grad()
    def step(self, weights: torch.Tensor, gradient: torch.Tensor, rates: torch.Tensor) -> None:
        """Change `weights` (R, P) in place; `rates` holds the R learning rates of this step."""
        self.taken += 1
        if self.clip is not None:
            norms = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
            gradient = gradient * (self.clip / (norms + 1e-6)).clamp(max=1)
        one, two = self.betas
        self.first.lerp_(gradient, 1 - one)
        self.second.mul_(two).addcmul_(gradient, gradient, value=1 - two)
        if self.decay:
            weights.mul_(1 - self.decay * rates[:, None] * self.decayed)
        scale = self.second.sqrt().div_(math.sqrt(1 - two**self.taken)).add_(self.eps)
        weights.addcmul_(torch.div(self.first, scale, out=scale), -rates[:, None] / (1 - one**self.taken))

    def fork(self, parents: torch.Tensor) -> None:
        """Replica i goes on from the state of replica `parents[i]`."""
        self.first, self.second = self.first[parents], self.second[parents]

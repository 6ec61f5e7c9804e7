"""GPT-2 with a leading axis of replicas: its sizes, first weights and forward pass, and the way to transformers."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from foretold.kit import check, replicas

if TYPE_CHECKING:
    import transformers

ACTIVATIONS = ("gelu_new", "relu")


def load_transformers() -> ModuleType:
    """The library ``transformers``, imported when it is first needed (it takes seconds) and without its remark that
    progress bars for notebooks are missing, which names a path of this machine and would stand on a page."""
    with redirect_stderr(io.StringIO()):
        import transformers
    return transformers


@dataclass(frozen=True)
class Config:
    """Size of a decoder-only transformer: `layers` blocks of `width` with `heads` heads, `context` tokens long, over a
    `vocabulary`. `activation` is ``"gelu_new"`` (GPT-2's) or ``"relu"`` (a fifth faster on a CPU), `std` the spread of
    the first weights. The output matrix is that of the token embedding. Raises ValueError for sizes that do not fit."""

    layers: int
    width: int
    heads: int
    context: int
    vocabulary: int
    activation: str = "gelu_new"
    std: float = 0.02

    def __post_init__(self) -> None:
        for name in ("layers", "width", "heads", "context", "vocabulary"):
            check.whole(name, getattr(self, name), 1)
        if self.width % self.heads:
            raise check.refuse("heads", self.heads, f"a divisor of width = {self.width}")
        check.one_of("activation", self.activation, ACTIVATIONS)
        check.positive("std", self.std)

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of all weights, in their order within P: those of ``transformers.GPT2LMHeadModel``."""
        width = self.width
        found: dict[str, tuple[int, ...]] = {
            "transformer.wte.weight": (self.vocabulary, width),
            "transformer.wpe.weight": (self.context, width),
        }
        block = {
            "ln_1": (width,),
            "attn.c_attn": (width, 3 * width),
            "attn.c_proj": (width, width),
            "ln_2": (width,),
            "mlp.c_fc": (width, 4 * width),
            "mlp.c_proj": (4 * width, width),
        }
        for layer in range(self.layers):
            for name, shape in block.items():
                found[f"transformer.h.{layer}.{name}.weight"] = shape
                found[f"transformer.h.{layer}.{name}.bias"] = shape[-1:]
        return found | {"transformer.ln_f.weight": (width,), "transformer.ln_f.bias": (width,)}

    @property
    def embeddings(self) -> int:
        """Parameters of token and position embeddings."""
        return (self.vocabulary + self.context) * self.width

    @property
    def parameters(self) -> int:
        """Parameters without embeddings, exact: layers (12 width^2 + 13 width) + 2 width."""
        return sum(math.prod(shape) for shape in self.shapes.values()) - self.embeddings

    def first_weights(self, generator: torch.Generator) -> Tensor:
        """Fresh weights of one model, shape (P,), as GPT-2 begins: normal with `std`, the matrices that write into the
        residual stream smaller by sqrt(2 layers), gains 1, shifts 0."""
        parts = []
        for name, shape in self.shapes.items():
            if len(shape) == 1:
                parts.append(torch.full(shape, 1.0 if ".ln_" in name and name.endswith("weight") else 0.0))
            else:
                std = self.std / math.sqrt(2 * self.layers) if name.endswith("c_proj.weight") else self.std
                parts.append(torch.empty(shape).normal_(0, std, generator=generator).flatten())
        return torch.cat(parts)

    def matrices(self) -> Tensor:
        """1 for weights of matrices, embeddings among them, 0 for gains, shifts and biases: where weight decay acts,
        shape (P,)."""
        return torch.cat([torch.full((math.prod(shape),), float(len(shape) > 1)) for shape in self.shapes.values()])

    def token_losses(self, weights: Tensor, tokens: Tensor) -> Tensor:
        """Cross-entropy in nats of all tokens but the first of each row, shape (R, B, T - 1), for weights (R, P);
        `tokens` have the shape (B, T), the same for all replicas, or (R, B, T)."""
        w = replicas.views(weights, self.shapes)
        inputs, targets = tokens[..., :-1], tokens[..., 1:]
        batch, length = inputs.shape[-2:]
        x = _embedded(w, inputs)
        for layer in range(self.layers):
            block = f"transformer.h.{layer}"
            query_key_value = _linear(w, f"{block}.attn.c_attn", x, after=f"{block}.ln_1")
            x = x + _linear(w, f"{block}.attn.c_proj", _attended(query_key_value, length, self.heads))
            hidden = _linear(w, f"{block}.mlp.c_fc", x, after=f"{block}.ln_2")
            hidden = F.relu(hidden) if self.activation == "relu" else F.gelu(hidden, approximate="tanh")
            x = x + _linear(w, f"{block}.mlp.c_proj", hidden)
        scores = _scores(w, x)
        wanted = targets.reshape(-1, batch * length).expand(len(weights), -1).reshape(-1)
        losses = F.cross_entropy(scores.reshape(-1, self.vocabulary), wanted, reduction="none")
        return losses.view(len(weights), batch, length)

    def state_dict(self, weights: Tensor) -> dict[str, Tensor]:
        """Copies of the weights (P,) of one model on the CPU, by the names of ``transformers.GPT2LMHeadModel``."""
        named = replicas.views(weights[None].detach().cpu(), self.shapes)
        state = {name: values[0].clone() for name, values in named.items()}
        return state | {"lm_head.weight": state["transformer.wte.weight"]}

    def model(self, weights: Tensor) -> transformers.GPT2LMHeadModel:
        """A plain model of ``transformers`` with the weights (P,), on the CPU, without dropout; call it on tokens
        (B, T), its ``.logits`` are (B, T, vocabulary)."""
        library = load_transformers()
        config = library.GPT2Config(
            vocab_size=self.vocabulary,
            n_positions=self.context,
            n_embd=self.width,
            n_layer=self.layers,
            n_head=self.heads,
            activation_function=self.activation,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            initializer_range=self.std,
            bos_token_id=None,
            eos_token_id=None,
        )
        with torch.random.fork_rng(devices=[]):  # building draws weights from torch's global generator
            model = library.GPT2LMHeadModel(config)
        model.load_state_dict(self.state_dict(weights))
        return model.eval()


# The parts of the forward pass. Activations x are (R, n, width): n counts the places of all windows of a batch.


def _embedded(w: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
    """Embeddings of tokens (B, T) or (R, B, T) and of their places, shape (R, B T, width)."""
    table, positions = w["transformer.wte.weight"], w["transformer.wpe.weight"]
    count, vocabulary, width = table.shape
    batch, length = inputs.shape[-2:]
    first = torch.arange(count, device=table.device)[:, None] * vocabulary  # where a replica's table begins
    x = F.embedding(inputs.reshape(-1, batch * length) + first, table.reshape(-1, width))
    return (x.view(count, batch, length, width) + positions[:, None, :length]).view(count, batch * length, width)


def _linear(w: Mapping[str, Tensor], name: str, x: Tensor, after: str | None = None) -> Tensor:
    """A linear layer, behind the layer norm `after` where one is named. The norm's gain and shift are multiplied into
    the matrix, which is small, and not into the activations, which are large."""
    matrix, bias = w[f"{name}.weight"], w[f"{name}.bias"][:, None]
    if after is None:
        return torch.baddbmm(bias, x, matrix)
    gain, shift = w[f"{after}.weight"], w[f"{after}.bias"]
    moved = torch.baddbmm(bias, shift[:, None], matrix)
    return torch.baddbmm(moved, F.layer_norm(x, x.shape[-1:]), gain[:, :, None] * matrix)


def _attended(query_key_value: Tensor, length: int, heads: int) -> Tensor:
    """What each place hears from those before it in its window: (R, n, width) of (R, n, 3 width)."""
    count, places, width = *query_key_value.shape[:2], query_key_value.shape[2] // 3
    mixed = query_key_value.view(-1, length, 3, heads, width // heads)
    query, key, value = mixed.permute(2, 0, 3, 1, 4).unbind(0)
    heard = F.scaled_dot_product_attention(query, key, value, is_causal=True)
    return heard.transpose(1, 2).reshape(count, places, width)


def _scores(w: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """Logits (R, n, V): a layer norm, multiplied into the matrix as in `_linear`, and the token embeddings."""
    table, gain, shift = (w[f"transformer.{name}"] for name in ("wte.weight", "ln_f.weight", "ln_f.bias"))
    moved = torch.bmm(shift[:, None], table.transpose(1, 2))
    return torch.baddbmm(moved, F.layer_norm(x, x.shape[-1:]), (table * gain[:, None]).transpose(1, 2))

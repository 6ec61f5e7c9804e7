"""Small language models, many of them trained at once.

`train` trains R replicas of one small GPT-2 that differ in their learning-rate schedule, their first weights or the
order of their data. Their weights are one tensor with a leading axis of replicas, so that each operation serves all of
them. Replicas that cannot differ yet, because weights, data and learning rates have been equal so far, are computed
once and parted where their schedules part: six schedules with a common beginning cost less than six runs.

    text = gpt.corpus()                                     # the standard library's own source
    config = gpt.Config(layers=2, width=32, heads=2, context=32, vocabulary=text.vocabulary)
    rates = np.stack([constant, cosine])                   # (R, steps)
    trained = gpt.train(config, text.train, text.validation, rates, batch=8, generator=run.torch_generator("lm"))
    trained.losses                                         # (R, evaluations), nats per token
    trained.model(0)                                       # a transformers.GPT2LMHeadModel with replica 0's weights

`train_module` trains one model of any architecture in the usual way, and sees the same data; `train_each` trains
configurations of different sizes, one after another.
"""

from __future__ import annotations

import ctypes
import io
import math
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from tqdm import tqdm

from foretold.kit import replicas
from foretold.kit.corpora import Corpus, corpus, standard_library

if TYPE_CHECKING:
    import transformers

__all__ = [
    "Config",
    "Corpus",
    "Training",
    "corpus",
    "load_transformers",
    "standard_library",
    "train",
    "train_each",
    "train_module",
]

ACTIVATIONS = ("gelu_new", "relu")
STYLES = ("gpt2", "llama")
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


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
            _positive(name, getattr(self, name))
        if self.width % self.heads:
            raise ValueError(f"heads is {self.heads}; allowed is a divisor of width = {self.width}")
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation is {self.activation!r}; allowed are {', '.join(ACTIVATIONS)}")
        if not self.std > 0:
            raise ValueError(f"std is {self.std!r}; allowed is a number above 0")

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of all weights, in their order."""
        return replicas.shapes(self.layers, self.width, self.context, self.vocabulary)

    @property
    def embeddings(self) -> int:
        """Parameters of token and position embeddings."""
        return (self.vocabulary + self.context) * self.width

    @property
    def parameters(self) -> int:
        """Parameters without embeddings, exact: layers (12 width^2 + 13 width) + 2 width."""
        return sum(math.prod(shape) for shape in self.shapes.values()) - self.embeddings

    def model(
        self, style: str = "gpt2", generator: torch.Generator | None = None
    ) -> transformers.GPT2LMHeadModel | transformers.LlamaForCausalLM:
        """A single model of ``transformers`` of this size, without dropout; call it on tokens (B, T), its ``.logits``
        are (B, T, vocabulary). Its first weights are drawn from `generator`, matrices are zero without one. Raises
        ValueError for a style other than ``"gpt2"`` and ``"llama"`` (whose hidden layers are 8/3 as wide as the model
        and whose activation is SiLU)."""
        if style not in STYLES:
            raise ValueError(f"style is {style!r}; allowed are {', '.join(STYLES)}")
        transformers = load_transformers()
        shared = {
            "vocab_size": self.vocabulary,
            "initializer_range": self.std,
            "bos_token_id": None,
            "eos_token_id": None,
        }
        # Building draws from torch's global generator; whoever calls keeps theirs as it was.
        with torch.random.fork_rng(devices=[]):
            if style == "gpt2":
                sizes = {
                    "n_positions": self.context,
                    "n_embd": self.width,
                    "n_layer": self.layers,
                    "n_head": self.heads,
                }
                dropout = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
                config = transformers.GPT2Config(**sizes, **dropout, activation_function=self.activation, **shared)
                model = transformers.GPT2LMHeadModel(config)
            else:
                sizes = {
                    "max_position_embeddings": self.context,
                    "hidden_size": self.width,
                    "num_hidden_layers": self.layers,
                    "num_attention_heads": self.heads,
                    "intermediate_size": 8 * self.width // 3,
                }
                config = transformers.LlamaConfig(**sizes, tie_word_embeddings=True, **shared)
                model = transformers.LlamaForCausalLM(config)
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if weight.dim() > 1 and generator is not None:
                    last = name.endswith(("c_proj.weight", "o_proj.weight", "down_proj.weight"))
                    weight.normal_(0, self.std / math.sqrt(2 * self.layers) if last else self.std, generator=generator)
                elif weight.dim() > 1:
                    weight.zero_()
        return model.eval()


@dataclass(frozen=True)
class Training:
    """What a training left: R replicas, E evaluations, W validation windows, T steps.

    Attributes
    ----------
    steps
        steps done at each evaluation, shape (E,).
    losses, window_losses
        validation loss in nats per token, shapes (R, E) and (R, E, W): the same windows for all, so that differences
        between replicas can be compared window by window.
    batch_losses
        loss of each step's batch before the step, shape (R, T).
    schedules
        learning rates, shape (R, T).
    parameters
        parameters of one model without embeddings.
    seconds
        wall-clock time, evaluations included.
    computed
        replica-steps computed over R T: below 1 where replicas had a beginning in common.
    """

    steps: np.ndarray
    losses: np.ndarray
    window_losses: np.ndarray
    batch_losses: np.ndarray
    schedules: np.ndarray
    parameters: int
    seconds: float
    computed: float
    config: Config | None = None
    weights: torch.Tensor | None = None
    module: torch.nn.Module | None = None

    def state_dict(self, replica: int = 0) -> dict[str, torch.Tensor]:
        """Weights of one replica on the CPU, by the names of ``transformers.GPT2LMHeadModel``."""
        if not 0 <= replica < len(self.losses):
            raise ValueError(f"replica is {replica!r}; allowed is 0 to {len(self.losses) - 1}")
        if self.module is not None:
            return {name: value.detach().cpu() for name, value in self.module.state_dict().items()}
        pieces = replicas.views(self.weights[replica : replica + 1], self.config.shapes)
        state = {name: piece[0].detach().cpu().clone() for name, piece in pieces.items()}
        return state | {"lm_head.weight": state["transformer.wte.weight"]}

    def model(self, replica: int = 0) -> torch.nn.Module:
        """One replica as a plain model of ``transformers``, on the CPU: ``model(tokens).logits``, shape (B, T, V)."""
        state = self.state_dict(replica)
        if self.module is not None:
            return self.module
        model = self.config.model()
        model.load_state_dict(state)
        return model


def train(
    config: Config,
    tokens: torch.Tensor,
    validation: torch.Tensor,
    schedules: ArrayLike,
    *,
    batch: int,
    generator: torch.Generator,
    evaluate_at: int | Sequence[int] = 50,
    windows: int = 128,
    same_start: bool = True,
    same_order: bool = True,
    initial: torch.Tensor | None = None,
    betas: tuple[float, float] = (0.9, 0.95),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    clip: float | None = None,
    device: str | torch.device = "cpu",
    precision: str = "float32",
    compile: bool = False,
    share: bool = True,
    progress: bool = True,
) -> Training:
    """Train R replicas of one configuration at once, with AdamW.

    Parameters
    ----------
    tokens, validation
        one-dimensional tensors of tokens. A batch is `batch` windows of `context` + 1 tokens at random places; the
        validation windows, at most `windows`, lie evenly spaced and are always the same.
    schedules
        learning rate of each replica at each step, shape (R, T); warm-up is part of it.
    generator
        a CPU generator: first the places of all batches are drawn from it, then the weights.
    evaluate_at
        every so many steps, or the numbers of steps done; the last step always is among them.
    same_start, same_order
        whether all replicas begin with the same weights and see the same batches (common random numbers: what differs
        comes from the schedules); else each has its own.
    initial
        first weights instead of drawn ones, shape (P,) or (R, P), as in `Training.weights`.
    weight_decay, clip
        decoupled decay of matrices (embeddings too; no biases, no norms); largest norm of a replica's gradient.
    precision
        of activations: ``"bfloat16"`` is autocast, for a GPU.
    compile
        use ``torch.compile``: pays from a few thousand steps on, on a GPU. Replicas are not shared then.
    share
        compute replicas that cannot differ yet once. The result is the same.
    progress
        show a bar where there is a terminal.

    Raises ValueError before any work for arguments of the wrong shape or size, tokens outside of the vocabulary, and
    learning rates that are negative or not finite.
    """
    rates = _schedules(schedules)
    n_replicas, total = rates.shape
    starts = _starts(tokens, config.context, total, batch, generator, None if same_order else n_replicas)
    held = _windows(validation, config.context, windows)
    for name, part in (("tokens", tokens), ("validation", validation)):
        if int(part.max()) >= config.vocabulary or int(part.min()) < 0:
            raise ValueError(f"{name} go from {int(part.min())} to {int(part.max())}; allowed is 0 to vocabulary - 1")
    moments = _evaluations(evaluate_at, total)
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}; allowed are {', '.join(PRECISIONS)}")
    if clip is not None and not clip > 0:
        raise ValueError(f"clip is {clip!r}; allowed is a number above 0, or None")
    if not weight_decay >= 0:
        raise ValueError(f"weight_decay is {weight_decay!r}; allowed is a number >= 0")
    shapes = config.shapes
    size = config.parameters + config.embeddings
    if initial is None:
        count = 1 if same_start else n_replicas
        drawn = [replicas.initial(shapes, config.layers, config.std, generator) for _ in range(count)]
        initial = torch.stack(drawn)
    elif initial.shape not in {(size,), (n_replicas, size)}:
        raise ValueError(
            f"initial has the shape {tuple(initial.shape)}; allowed are {(size,)} and {(n_replicas, size)}"
        )
    initial = torch.atleast_2d(initial)
    device = torch.device(device)
    _keep_memory(device)
    tokens, held, starts = tokens.to(device), held.to(device), starts.to(device)
    # Which distinct run each replica is: all the same at first if nothing tells them apart.
    alike = share and not compile and same_order and len(initial) == 1
    run_of = np.zeros(n_replicas, int) if alike else np.arange(n_replicas)
    weights = (initial if alike else initial.expand(n_replicas, size)).to(device, torch.float32).clone()
    decayed = replicas.decayed(shapes).to(device) if weight_decay else None
    optimiser = replicas.AdamW(weights, decayed, betas, eps, weight_decay, clip)
    cast = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
    forward = torch.compile(replicas.token_losses) if compile else replicas.token_losses

    def losses(current: torch.Tensor, pieces: torch.Tensor) -> torch.Tensor:
        with cast:
            return forward(current, pieces[..., :-1], pieces[..., 1:], shapes, config.heads, config.activation)

    batch_losses = torch.empty(total, n_replicas, device=device)
    evaluated, computed, rows = [], 0, None
    span = torch.arange(config.context + 1, device=device)
    began = time.perf_counter()
    for step in tqdm(range(total), disable=None if progress else True, desc=f"{n_replicas} n_replicas", leave=False):
        if len(weights) < n_replicas:
            run_of, parents = _part(run_of, rates[:, step])
            if len(parents) > len(weights):
                parents = torch.tensor(parents, device=device)
                weights = weights[parents]
                optimiser.fork(parents)
                rows = None
        if rows is None:
            rows = torch.tensor(run_of, device=device)
            firsts = np.unique(run_of, return_index=True)[1]
            todo = torch.tensor(rates[firsts], dtype=torch.float32, device=device)
        weights.requires_grad_()
        found = losses(weights, tokens[starts[step, ..., None] + span]).mean((1, 2))
        (gradient,) = torch.autograd.grad(found.sum(), weights)
        weights.requires_grad_(False)
        optimiser.step(weights, gradient, todo[:, step])
        batch_losses[step] = found.detach()[rows]
        computed += len(weights)
        if step + 1 in moments:
            with torch.no_grad():
                seen = [losses(weights, part).mean(2) for part in held.split(max(batch, 32))]
            evaluated.append(torch.cat(seen, 1)[rows].float().cpu())
    by_window = torch.stack(evaluated, 1).double().numpy()
    return Training(
        steps=np.array(moments),
        losses=by_window.mean(2),
        window_losses=by_window,
        batch_losses=batch_losses.T.double().cpu().numpy(),
        schedules=rates,
        parameters=config.parameters,
        seconds=time.perf_counter() - began,
        computed=computed / (n_replicas * total),
        config=config,
        weights=weights[torch.tensor(run_of, device=device)].detach().cpu(),
    )


def train_each(
    configs: Sequence[Config],
    tokens: torch.Tensor,
    validation: torch.Tensor,
    schedules: ArrayLike | Sequence[ArrayLike],
    *,
    batch: int | Sequence[int],
    generator: torch.Generator,
    **options: Any,
) -> list[Training]:
    """`train` for each of several configurations, one after another: sizes that cannot share an operation.

    `schedules` is one array (R, T) for all or a list of one for each, `batch` likewise; other arguments are those of
    `train`. Every configuration draws from the same state of `generator`, so with equal context, batch and steps all
    see the same data. Raises ValueError where lengths differ, and as `train` does.
    """
    count = len(configs)
    each = list(schedules) if isinstance(schedules, list | tuple) else [schedules] * count
    batches = list(batch) if isinstance(batch, list | tuple) else [batch] * count
    for name, values in (("schedules", each), ("batch", batches)):
        if len(values) != count:
            raise ValueError(f"{name} has {len(values)} entries; allowed is one for each of {count} configurations")
    state = generator.get_state()
    trained = []
    for config, rates, size in zip(configs, each, batches, strict=True):
        generator.set_state(state)
        trained.append(train(config, tokens, validation, rates, batch=size, generator=generator, **options))
    return trained


def train_module(
    model: torch.nn.Module,
    tokens: torch.Tensor,
    validation: torch.Tensor,
    schedule: ArrayLike,
    *,
    batch: int,
    context: int,
    generator: torch.Generator,
    evaluate_at: int | Sequence[int] = 50,
    windows: int = 128,
    betas: tuple[float, float] = (0.9, 0.95),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    clip: float | None = None,
    device: str | torch.device = "cpu",
    precision: str = "float32",
    progress: bool = True,
) -> Training:
    """Train one model of any architecture, ``model(tokens).logits``, in place, with `torch.optim.AdamW`.

    `schedule` has shape (T,); other arguments, the data it sees and what is returned (with R = 1) are those of `train`.
    `parameters` counts all but embeddings.
    """
    rates = _schedules(np.atleast_2d(schedule))
    total = rates.shape[1]
    starts = _starts(tokens, context, total, batch, generator, None)
    held, moments = _windows(validation, context, windows), _evaluations(evaluate_at, total)
    if len(rates) != 1:
        raise ValueError(f"schedule has {len(rates)} rows; allowed is one")
    device = torch.device(device)
    _keep_memory(device)
    model.to(device).train()
    kinds = {len(weight.shape) > 1: [] for weight in model.parameters()}
    for weight in model.parameters():
        kinds[len(weight.shape) > 1].append(weight)
    groups = [{"params": weights, "weight_decay": weight_decay if matrix else 0.0} for matrix, weights in kinds.items()]
    optimiser = torch.optim.AdamW(groups, lr=1.0, betas=betas, eps=eps)
    cast = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")

    def losses(pieces: torch.Tensor) -> torch.Tensor:
        with cast:
            scores = model(pieces[:, :-1]).logits
        wanted = pieces[:, 1:]
        return F.cross_entropy(scores.float().flatten(0, 1), wanted.flatten(), reduction="none").view(wanted.shape)

    span, batch_losses, evaluated = torch.arange(context + 1), torch.empty(1, total), []
    began = time.perf_counter()
    for step in tqdm(range(total), disable=None if progress else True, desc="one model", leave=False):
        for group in optimiser.param_groups:
            group["lr"] = rates[0, step]
        loss = losses(tokens[starts[step, :, None] + span].to(device)).mean()
        optimiser.zero_grad()
        loss.backward()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimiser.step()
        batch_losses[0, step] = loss.detach()
        if step + 1 in moments:
            with torch.no_grad():
                evaluated.append(
                    torch.cat([losses(part.to(device)).mean(1) for part in held.split(max(batch, 32))]).cpu()
                )
    by_window = torch.stack(evaluated)[None].double().numpy()
    embeddings = sum(m.weight.numel() for m in model.modules() if isinstance(m, torch.nn.Embedding))
    return Training(
        steps=np.array(moments),
        losses=by_window.mean(2),
        window_losses=by_window,
        batch_losses=batch_losses.double().numpy(),
        schedules=rates,
        parameters=sum(weight.numel() for weight in model.parameters()) - embeddings,
        seconds=time.perf_counter() - began,
        computed=1.0,
        module=model.cpu().eval(),
    )


# --- what both need


def _positive(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} is {value!r}; allowed is a whole number >= 1")


def _schedules(schedules: ArrayLike) -> np.ndarray:
    rates = np.array(schedules, dtype=float)
    if rates.ndim != 2 or not rates.size:
        raise ValueError(f"schedules has the shape {rates.shape}; allowed is (n_replicas, steps), at least one of each")
    if not (np.isfinite(rates).all() and (rates >= 0).all()):
        raise ValueError(f"schedules goes from {rates.min()} to {rates.max()}; allowed are finite learning rates >= 0")
    return rates


def _starts(
    tokens: torch.Tensor, context: int, steps: int, batch: int, generator: torch.Generator, n_replicas: int | None
) -> torch.Tensor:
    """First token of each window, shape (steps, batch), or (steps, replicas, batch) where each replica has its own."""
    _positive("batch", batch)
    _positive("context", context)
    if tokens.dim() != 1 or len(tokens) <= context + 1:
        raise ValueError(f"tokens has the shape {tuple(tokens.shape)}; allowed is one axis longer than {context + 1}")
    shape = (steps, batch) if n_replicas is None else (steps, n_replicas, batch)
    return torch.randint(0, len(tokens) - context, shape, generator=generator)


def _windows(validation: torch.Tensor, context: int, windows: int) -> torch.Tensor:
    """Evenly spaced windows that do not overlap, shape (at most `windows`, context + 1)."""
    _positive("windows", windows)
    if validation.dim() != 1 or len(validation) <= context:
        shape = tuple(validation.shape)
        raise ValueError(f"validation has the shape {shape}; allowed is one axis longer than {context}")
    room = len(validation) // (context + 1)
    chosen = torch.linspace(0, room - 1, min(windows, room)).round().long() * (context + 1)
    return validation[chosen[:, None] + torch.arange(context + 1)]


def _evaluations(at: int | Sequence[int], total: int) -> list[int]:
    if isinstance(at, int | np.integer):
        _positive("evaluate_at", at)
        return sorted({*range(int(at), total + 1, int(at)), total})
    moments = sorted({int(step) for step in at} | {total})
    if moments[0] < 1 or moments[-1] > total:
        raise ValueError(f"evaluate_at goes from {moments[0]} to {moments[-1]}; allowed is 1 to {total} steps")
    return moments


def _part(run_of: np.ndarray, rates: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Part runs whose replicas have different learning rates now: the new run of each replica, and the old run that
    each new one goes on from."""
    names: dict[tuple[int, float], int] = {}
    after = np.array([names.setdefault(key, len(names)) for key in zip(run_of.tolist(), rates.tolist(), strict=True)])
    return after, [old for old, _ in names]


def _keep_memory(device: torch.device) -> None:
    """Let the C library keep the memory that one step frees for the next one, where it is glibc. Giving pages back to
    the system and asking for them again takes up to a third of a small step's time on a CPU."""
    if device.type == "cpu" and sys.platform == "linux":
        setting = getattr(ctypes.CDLL(None), "mallopt", None)
        if setting is not None:
            setting(-3, 1 << 30)  # M_MMAP_THRESHOLD
            setting(-1, 1 << 30)  # M_TRIM_THRESHOLD

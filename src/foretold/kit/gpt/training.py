"""Training of R replicas of one GPT-2 at once; those that cannot differ yet are computed once."""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from tqdm import tqdm

from foretold.kit import check, replicas, training
from foretold.kit.corpora import Corpus
from foretold.kit.gpt.network import Config

if TYPE_CHECKING:
    import transformers

Floats = NDArray[np.float64]
BETAS = (0.9, 0.95)  # of AdamW
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Plan:
    """How replicas are trained, besides their learning rates. Raises ValueError for values that are not allowed.

    Attributes
    ----------
    batch
        windows of `context` + 1 tokens, from random places, in each step.
    evaluate_at
        validation after every so many steps, and after the last one.
    windows
        how many validation windows at most; they lie evenly spaced and are always the same.
    same_start, same_order
        whether all replicas begin with the same weights and see the same batches (common random numbers: what differs
        comes from the schedules); else each has its own.
    clip
        largest norm of a replica's gradient, if there is to be one.
    precision
        of activations, ``"float32"`` or ``"bfloat16"``; the latter is autocast, for a GPU.
    """

    batch: int
    evaluate_at: int = 50
    windows: int = 128
    same_start: bool = True
    same_order: bool = True
    clip: float | None = None
    precision: str = "float32"

    def __post_init__(self) -> None:
        for name in ("batch", "evaluate_at", "windows"):
            check.whole(name, getattr(self, name), 1)
        if self.clip is not None:
            check.positive("clip", self.clip, "a finite number above 0, or None")
        check.one_of("precision", self.precision, PRECISIONS)


@dataclass(frozen=True)
class Training:
    """What a training left: R replicas, E evaluations, W validation windows, T steps.

    Attributes
    ----------
    config, weights
        the size of the models and their weights, shape (R, P), on the CPU.
    steps
        steps done at each evaluation, shape (E,).
    losses, window_losses
        validation loss in nats per token, shapes (R, E) and (R, E, W): the same windows for all, so that differences
        between replicas can be compared window by window.
    batch_losses
        loss of each step's batch before the step, shape (R, T).
    schedules
        learning rates, shape (R, T).
    seconds
        wall-clock time, evaluations included.
    computed
        replica-steps computed over R T: below 1 where replicas had a beginning in common.
    """

    config: Config
    weights: Tensor
    steps: NDArray[np.int64]
    losses: Floats
    window_losses: Floats
    batch_losses: Floats
    schedules: Floats
    seconds: float
    computed: float

    def model(self, replica: int = 0) -> transformers.GPT2LMHeadModel:
        """One replica as a plain model of ``transformers``, on the CPU: ``model(tokens).logits``, shape (B, T, V)."""
        return self.config.model(self.weights[check.whole("replica", replica, 0, len(self.weights) - 1)])


def train(
    config: Config,
    text: Corpus,
    schedules: ArrayLike,
    plan: Plan,
    generator: torch.Generator,
    device: str | torch.device = "cpu",
) -> Training:
    """Train R replicas of one configuration at once, with AdamW.

    `schedules` holds the learning rate of each replica at each step, shape (R, T); warm-up is part of it. From
    `generator`, on the CPU, first the places of all batches are drawn, then the weights. Where there is a terminal it
    shows a bar.

    Raises ValueError before any work for schedules of another shape, learning rates that are negative or not finite,
    texts that are shorter than a window, and tokens outside of the vocabulary.
    """
    rates = _learning_rates(schedules)
    _check_text(text, config)
    replica_count, total = rates.shape
    places = _places(text, config, plan, rates, generator).to(device)
    runs = _Runs(config, plan, rates, generator, device)
    tokens, held = text.train.to(device), _windows(text.validation, config.context, plan.windows).to(device)
    _keep_memory(runs.weights.device)
    span = torch.arange(config.context + 1, device=device)
    batch_losses = torch.empty(total, replica_count, device=device)
    steps, evaluated, computed = [], [], 0
    began = time.perf_counter()
    for step in tqdm(range(total), disable=None, desc=f"{replica_count} replicas", leave=False):
        runs.part(step)
        batch_losses[step] = runs.step(tokens[places[step, ..., None] + span], step)
        computed += len(runs.weights)
        if (step + 1) % plan.evaluate_at == 0 or step + 1 == total:
            steps.append(step + 1)
            evaluated.append(runs.evaluate(held))
    by_window = torch.stack(evaluated, 1).double().numpy()
    return Training(
        config=config,
        weights=runs.weights[runs.rows].cpu(),
        steps=np.array(steps),
        losses=by_window.mean(2),
        window_losses=by_window,
        batch_losses=batch_losses.T.double().cpu().numpy(),
        schedules=rates,
        seconds=time.perf_counter() - began,
        computed=computed / rates.size,
    )


def train_each(
    configs: Sequence[Config],
    text: Corpus,
    schedules: ArrayLike,
    plan: Plan,
    generator: torch.Generator,
    device: str | torch.device = "cpu",
) -> list[Training]:
    """`train` for each of several configurations, one after another: sizes that cannot share an operation.

    Every configuration draws from the same state of `generator`, so with equal contexts all see the same data.
    """
    state, trained = generator.get_state(), []
    for config in configs:
        generator.set_state(state)
        trained.append(train(config, text, schedules, plan, generator, device))
    return trained


class _Runs:
    """The runs that R replicas are: one while nothing has told them apart, R when all have parted.

    `weights` (runs, P) change in place; `of` and `rows` (R,) hold the run of each replica; `rates` (runs, T).
    """

    def __init__(
        self, config: Config, plan: Plan, schedules: Floats, generator: torch.Generator, device: str | torch.device
    ) -> None:
        self.config, self.plan, self.schedules = config, plan, schedules
        count = len(schedules)
        drawn = [config.first_weights(generator) for _ in range(1 if plan.same_start else count)]
        alike = plan.same_start and plan.same_order
        self.weights = torch.stack(drawn if alike or len(drawn) == count else drawn * count).to(device)
        self.optimiser = replicas.AdamW(self.weights, BETAS, plan.clip)
        self._number([0] * count if alike else list(range(count)))

    def _number(self, of: list[int]) -> None:
        self.of, self.rows = of, torch.tensor(of, device=self.weights.device)
        rates = self.schedules[np.unique(of, return_index=True)[1]]
        self.rates = torch.tensor(rates, dtype=torch.float32, device=self.weights.device)

    def part(self, step: int) -> None:
        """Before a step: where replicas of one run have different learning rates now, each rate has its own run."""
        if len(self.weights) == len(self.schedules):
            return
        runs: dict[tuple[int, float], int] = {}  # the number of each, by the old run and the rate
        pairs = zip(self.of, self.schedules[:, step].tolist(), strict=True)
        of = [runs.setdefault(pair, len(runs)) for pair in pairs]
        if len(runs) > len(self.weights):
            parents = torch.tensor([old for old, _ in runs], device=self.weights.device)
            self.weights = self.weights[parents]
            self.optimiser.fork(parents)
            self._number(of)

    def losses(self, weights: Tensor, tokens: Tensor) -> Tensor:
        """Losses of tokens (B, T + 1) or (runs, B, T + 1), shape (runs, B, T)."""
        half = self.plan.precision == "bfloat16"
        with torch.autocast(weights.device.type, torch.bfloat16, enabled=half):
            return self.config.token_losses(weights, tokens)

    def step(self, tokens: Tensor, step: int) -> Tensor:
        """One step down the mean loss of a batch; the loss of each replica before it, (R,)."""

        def mean(weights: Tensor, batch: Tensor) -> Tensor:
            return self.losses(weights, batch).mean((1, 2))

        return training.replica_step(mean, self.weights, tokens, self.optimiser, self.rates[:, step])[self.rows]

    @torch.no_grad()
    def evaluate(self, windows: Tensor) -> Tensor:
        """Mean loss of each replica on each of the windows (W, T + 1), shape (R, W), on the CPU."""
        found = [self.losses(self.weights, part).mean(2) for part in windows.split(max(self.plan.batch, 32))]
        return torch.cat(found, 1)[self.rows].float().cpu()


# What there is to begin with


def _learning_rates(schedules: ArrayLike) -> Floats:
    rates = check.reals("schedules", schedules, 0, allowed="finite learning rates of at least 0")
    if rates.ndim != 2 or not rates.size:
        raise ValueError(f"schedules has the shape {rates.shape}; allowed is (replicas, steps), at least one of each")
    return rates


def _check_text(text: Corpus, config: Config) -> None:
    for name, tokens in (("train", text.train), ("validation", text.validation)):
        if tokens.dim() != 1 or len(tokens) <= config.context + 1:
            allowed = f"one axis longer than {config.context + 1}"
            raise ValueError(f"text.{name} has the shape {tuple(tokens.shape)}; allowed is {allowed}")
        low, high = int(tokens.min()), int(tokens.max())
        if low < 0 or high >= config.vocabulary:
            raise ValueError(f"text.{name} goes from {low} to {high}; allowed is 0 to {config.vocabulary - 1}")


def _places(text: Corpus, config: Config, plan: Plan, rates: Floats, generator: torch.Generator) -> Tensor:
    """First token of each window, shape (T, batch), or (T, R, batch) where each replica has its own."""
    count, steps = rates.shape
    shape = (steps, plan.batch) if plan.same_order else (steps, count, plan.batch)
    return torch.randint(0, len(text.train) - config.context, shape, generator=generator)


def _windows(validation: Tensor, context: int, windows: int) -> Tensor:
    """Evenly spaced windows that do not overlap, shape (at most `windows`, context + 1)."""
    room = len(validation) // (context + 1)
    chosen = torch.linspace(0, room - 1, min(windows, room)).round().long() * (context + 1)
    return validation[chosen[:, None] + torch.arange(context + 1)]


def _keep_memory(device: torch.device) -> None:
    """Let the C library keep the memory that one step frees for the next one, where it is glibc. Giving pages back to
    the system and asking for them again takes up to a third of a small step's time on a CPU."""
    if device.type == "cpu" and sys.platform == "linux":
        setting = getattr(ctypes.CDLL(None), "mallopt", None)
        if setting is not None:
            setting(-3, 1 << 30)  # M_MMAP_THRESHOLD
            setting(-1, 1 << 30)  # M_TRIM_THRESHOLD

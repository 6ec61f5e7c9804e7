"""What the three laws are applied to: K sizes of one small language model, each trained under R learning-rate schedules
on the same batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from foretold.kit import gpt, schedules

Array = NDArray[np.float64]
SCHEDULES = {"constant": schedules.constant, "cosine": schedules.cosine, "warm, stable, decay": schedules.wsd}


@dataclass(frozen=True)
class Curves:
    """Validation losses in nats per token of K sizes under R schedules, at E evaluations.

    `sizes` (K,) are parameters without embeddings; `steps` (E,); `losses` (K, R, E); `windows` (K, R, W) the losses of
    the W validation windows at the last evaluation, the same windows for all; `seconds` is the wall clock of all
    trainings.
    """

    sizes: Array
    steps: NDArray[np.int64]
    losses: Array
    windows: Array
    seconds: float

    def late(self, first: int, share: float = 1.0) -> NDArray[np.bool_]:
        """Which evaluations lie from step `first` to `share` of the run, (E,)."""
        return (self.steps >= first) & (self.steps <= share * self.steps[-1])


def train(
    text: gpt.Corpus,
    widths: Sequence[int],
    context: int,
    rates: Mapping[str, Array],
    plan: gpt.Plan,
    generator: torch.Generator,
    device: str | torch.device = "cpu",
) -> Curves:
    """Two-layer GPT-2s of the given widths, each under all schedules, `rates` (T,) by name, at once, all on the same
    batches of windows of `context` tokens.

    Raises ValueError as `gpt.train_each` does, and for fewer than two widths or widths that do not increase.
    """
    if len(widths) < 2 or any(np.diff(widths) <= 0):
        raise ValueError(f"widths is {list(widths)}; allowed are at least two increasing numbers")
    configs = [gpt.Config(2, width, max(2, width // 16), context, text.vocabulary, "relu") for width in widths]
    found = gpt.train_each(configs, text, np.stack(list(rates.values())), plan, generator, device)
    return Curves(
        sizes=np.array([config.parameters for config in configs], float),
        steps=found[0].steps,
        losses=np.stack([trained.losses for trained in found]),
        windows=np.stack([trained.window_losses[:, -1] for trained in found]),
        seconds=sum(trained.seconds for trained in found),
    )

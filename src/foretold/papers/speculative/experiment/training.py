"""Training for the speculative chapter: a target and a draft on the standard library's source, and an acceptance head
on positions of texts that the target wrote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from foretold.kit import corpora, gpt, training
from foretold.papers.speculative import idea
from foretold.papers.speculative.experiment import batched

PEAKS = 3e-3, 1e-2  # learning rates of target and draft
EPOCHS, BATCH, RATE, LAYERS = 6, 256, 2e-3, 3  # of the head


def schedule(steps: int, peak: float) -> np.ndarray:
    """Warm-up over a tenth of the steps (at most 40), then half a cosine to a tenth of `peak`, shape (steps,)."""
    step = np.arange(steps)
    rise = np.minimum((step + 1) / max(1, min(40, steps // 10)), 1)
    return peak * rise * (0.55 + 0.45 * np.cos(np.pi * step / steps))


def train_pair(
    text: corpora.Corpus,
    target: gpt.Config,
    draft: gpt.Config,
    steps: tuple[int, int],
    generator: torch.Generator,
    device: str | torch.device = "cpu",
    batch: int = 8,
) -> tuple[dict[str, torch.nn.Module], dict[str, float]]:
    """Both models, trained on the same text, on `device`; and their losses on held-out text in nats a token."""
    models, losses = {}, {}
    for name, config, count, rate in zip(("target", "draft"), (target, draft), steps, PEAKS, strict=True):
        plan = gpt.Plan(batch, evaluate_at=count, windows=64, clip=1.0)
        trained = gpt.train(config, text, schedule(count, rate)[None], plan, generator, device)
        models[name] = trained.model().to(device).eval()
        losses[name] = float(trained.losses[0, -1])
    return models, losses


def starts(text: torch.Tensor, count: int, length: int, generator: torch.Generator) -> torch.Tensor:
    """`count` prompts of `length` tokens from random places, shape (count, length)."""
    places = torch.randint(0, len(text) - length, (count, 1), generator=generator)
    return text[places + torch.arange(length)]


@dataclass(frozen=True)
class Positions:
    """Training data of a head: features (n, width), soft labels a (n,), and the draft's probability (n,)."""

    x: torch.Tensor
    acceptance: torch.Tensor
    q: torch.Tensor


def features(hidden: torch.Tensor, token: torch.Tensor, q: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
    """What the head sees of a candidate before the draft has read it: the hidden state (n, d) that its distribution q
    (n, V) came from, its embedding, log q and q of it, the entropy and the largest probability; (n, 2 d + 4)."""
    own, log = q.gather(-1, token[:, None]), q.clamp(min=1e-9).log()
    entropy, top = -(q * log).sum(-1, keepdim=True), q.amax(-1, keepdim=True)
    return torch.cat([hidden, 4 * embedding[token], log.gather(-1, token[:, None]), own, entropy, top], -1)


@torch.no_grad()
def positions(
    models: dict[str, torch.nn.Module], texts: torch.Tensor, skip: int, mixing: float, generator: torch.Generator
) -> Positions:
    """Positions of texts X (B, T) of the target from `skip` on, as the paper makes them: Y_i ~ q(.|X_<i), label
    a_i = min(1, p(Y_i|X_<i) / q(Y_i|X_<i)); Z takes X_i with probability `mixing`, else Y_i; the draft reads Z, and
    positions with Z_i = Y_i are kept. With mixing 1 the draft reads the target's text, and all positions are kept."""
    rows, length = texts.shape
    zero = torch.zeros(rows, dtype=torch.long, device=texts.device)
    p = batched.Rows(models["target"], rows).feed(texts[:, :-1], zero)[0].softmax(-1)
    logits, hidden = batched.Rows(models["draft"], rows).feed(texts[:, :-1], zero)
    q = logits.softmax(-1)
    drafted = batched.draw(q, generator)
    label = batched.acceptance(p, q, drafted)
    kept = torch.ones_like(drafted, dtype=torch.bool)
    if mixing < 1:
        takes_x = (torch.rand(rows, length - 1, generator=generator) < mixing).to(texts.device)
        takes_x[:, : skip - 1] = True  # the prompt stays
        mixed = torch.cat([texts[:, :1], torch.where(takes_x, texts[:, 1:], drafted)], 1)
        kept = mixed[:, 1:] == drafted
        logits, hidden = batched.Rows(models["draft"], rows).feed(mixed[:, :-1], zero)
        q = logits.softmax(-1)
    kept[:, : skip - 1] = False
    table = models["draft"].get_input_embeddings().weight
    x = features(hidden[kept], drafted[kept], q[kept], table)
    return Positions(x, label[kept], batched.drawn(q, drafted)[kept])


def train_head(data: Positions, rejection_weight: float, generator: torch.Generator) -> idea.AcceptanceHead:
    """An acceptance head fitted to `data` by AdamW on the weighted loss. Raises ValueError for no positions."""
    n = len(data.x)
    size = min(BATCH, n)
    drawn = training.batches(n, size, EPOCHS, generator)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
        head = idea.AcceptanceHead(data.x.shape[-1], LAYERS)
    head.to(data.x.device)

    def loss(rows: torch.Tensor) -> torch.Tensor:
        rows = rows.to(data.x.device)
        return idea.weighted_acceptance_loss(head(data.x[rows]), data.acceptance[rows], rejection_weight)

    optimiser = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=1e-3)
    steps = EPOCHS * (n // size)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps + 1, pct_start=0.1)
    # What is left at the end of a pass is no batch.
    training.fit(optimiser, loss, (rows for rows in drawn if len(rows) == size), rates)
    return head.eval()


@torch.no_grad()
def quality(head: idea.AcceptanceHead, data: Positions) -> dict[str, float]:
    """On held-out positions: correlation of the prediction with the true acceptance, its mean, the mean acceptance, and
    the binary KL(a || s) in nats, the authors' metric."""
    s = head.probability(data.x).clamp(1e-6, 1 - 1e-6).double()
    a = data.acceptance.double()
    kl = torch.xlogy(a, a / s) + torch.xlogy(1 - a, (1 - a) / (1 - s))
    correlation = float(torch.corrcoef(torch.stack([s, a]))[0, 1])
    return {"correlation": correlation, "predicted": float(s.mean()), "true": float(a.mean()), "KL": float(kl.mean())}


def predictor(head: idea.AcceptanceHead, draft: torch.nn.Module) -> Callable[[batched.State], torch.Tensor]:
    """The head as ``predict`` of `batched.cumulative`."""
    table = draft.get_input_embeddings().weight
    return lambda s: head.probability(features(s.hidden, s.token, s.q, table))

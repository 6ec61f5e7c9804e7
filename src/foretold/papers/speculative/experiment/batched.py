"""Many speculative decodings side by side, for statistics: a GPT-2 of `foretold.kit.gpt` with one cache for all rows,
where every row stands at a place of its own. What a row does is what `speculative_sample` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


class Rows:
    """B texts read by one GPT-2. ``feed(tokens, start)`` reads n tokens of each row from its position `start` on, and
    writes over what stood there before: nothing has to be cut off after a rejection."""

    def __init__(self, model: torch.nn.Module, rows: int, room: int | None = None) -> None:
        self.weights, config = {name: value.detach() for name, value in model.state_dict().items()}, model.config
        self.layers, self.heads, self.width = config.n_layer, config.n_head, config.n_embd
        self.relu = config.activation_function == "relu"
        self.device = self.weights["transformer.wte.weight"].device
        shape = (self.layers, rows, room or config.n_positions, self.width)
        self.keys, self.values = torch.zeros(shape, device=self.device), torch.zeros(shape, device=self.device)

    @torch.no_grad()
    def feed(self, tokens: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, n, V) and last hidden states (B, n, d) for tokens (B, n) at positions start (B,) and following."""
        places = start[:, None] + torch.arange(tokens.shape[1], device=self.device)
        table = self.weights["transformer.wte.weight"]
        x = table[tokens] + self.weights["transformer.wpe.weight"][places]
        for layer in range(self.layers):
            at = f"transformer.h.{layer}."
            read = self._linear(self._norm(x, at + "ln_1"), at + "attn.c_attn")
            x = x + self._linear(self._attention(read, layer, places), at + "attn.c_proj")
            hidden = self._linear(self._norm(x, at + "ln_2"), at + "mlp.c_fc")
            hidden = F.relu(hidden) if self.relu else F.gelu(hidden, approximate="tanh")
            x = x + self._linear(hidden, at + "mlp.c_proj")
        x = self._norm(x, "transformer.ln_f")
        return x @ table.T, x

    def _attention(self, read: Tensor, layer: int, places: Tensor) -> Tensor:
        """What attention gives (B, n, d) for queries, keys and values (B, n, 3 d) of tokens at places (B, n): each
        looks at what its row has read up to there. Keys and values are kept."""
        rows, n = places.shape
        each, top = torch.arange(rows, device=self.device)[:, None], int(places.max()) + 1
        query, key, value = read.split(self.width, -1)
        self.keys[layer][each, places], self.values[layer][each, places] = key, value
        seen = (torch.arange(top, device=self.device) <= places[..., None])[:, None]
        parts = (query, self.keys[layer][:, :top], self.values[layer][:, :top])
        found = F.scaled_dot_product_attention(*map(self._split, parts), attn_mask=seen)
        return found.transpose(1, 2).reshape(rows, n, self.width)

    def _split(self, x: Tensor) -> Tensor:
        return x.view(len(x), -1, self.heads, self.width // self.heads).transpose(1, 2)

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, (self.width,), self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return x @ self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]


# Rules


@dataclass(frozen=True)
class State:
    """What a batched rule sees after candidate `count`: its hidden state (B, d), distribution (B, V), token (B,), the
    target's distribution there (B, V; for the oracle only, else None), and the product of estimates before it (B,)."""

    count: int
    hidden: Tensor
    q: Tensor
    token: Tensor
    p: Tensor | None
    before: Tensor


# A batched rule gives the product of estimates with this candidate (B,), and which rows verify now (B,).
Rule = Callable[[State], tuple[Tensor, Tensor]]


def fixed(length: int) -> Rule:
    """As `FixedLength`, at least 1."""
    return lambda s: (s.before, torch.full(s.token.shape, s.count >= length, device=s.token.device))


def cumulative(predict: Callable[[State], Tensor], threshold: float, longest: int) -> Rule:
    """As `AcceptanceThreshold`."""

    def rule(s: State) -> tuple[Tensor, Tensor]:
        product = s.before * predict(s)
        return product, (1 - product > threshold) | (s.count >= longest)

    return rule


def confident(threshold: float, longest: int) -> Rule:
    """As `Confidence`."""
    return lambda s: (s.before, (drawn(s.q, s.token) < threshold) | (s.count >= longest))


def oracle(s: State) -> Tensor:
    """The true acceptance probability of the candidate."""
    return acceptance(s.p, s.q, s.token)


# Draws


def drawn(distribution: Tensor, token: Tensor) -> Tensor:
    """The probability (...) that a distribution (..., V) gives to a token (...)."""
    return distribution.gather(-1, token[..., None])[..., 0]


def acceptance(p: Tensor, q: Tensor, token: Tensor) -> Tensor:
    """min(1, p/q) of tokens (...) for distributions (..., V)."""
    return (drawn(p, token) / drawn(q, token)).clamp(max=1)


def uniform(shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> Tensor:
    """Numbers from 0 to 1 on `device`; `generator` may be on another one."""
    return torch.rand(*shape, generator=generator, device=generator.device).to(device)


def draw(weights: Tensor, generator: torch.Generator) -> Tensor:
    """A token (...) from each distribution (..., V), which need not sum to 1."""
    ends = weights.cumsum(-1)
    spot = uniform((*ends.shape[:-1], 1), generator, ends.device)
    token = torch.searchsorted(ends, spot * ends[..., -1:], right=True)[..., 0]
    return token.clamp(max=weights.shape[-1] - 1)


# Decoding


@torch.no_grad()
def decode(
    models: Mapping[str, torch.nn.Module],
    prompts: Tensor,
    n_tokens: int,
    rule: Rule,
    longest: int,
    generator: torch.Generator,
    needs_target: bool = False,
) -> dict[str, np.ndarray]:
    """Speculative decoding of B prompts (B, T) at once until each row has at least `n_tokens` more.

    Returns for each row (B,) ``rounds``, ``drafted``, ``tokens``, ``discarded``, and ``expected``, the expected number
    of tokens given what was drafted, a less noisy stand-in for ``tokens``; ``lengths`` (B, longest + 1), the rounds of
    each length; ``text`` (B, T + n_tokens). Rounds are never cut short, so a row can get up to `longest` more tokens.
    With `needs_target` the rule sees the target's distributions. Raises ValueError for more than fits the contexts.
    """
    texts = Texts(models, prompts, n_tokens, longest)
    while bool(texts.unfinished.any()):
        drafted = texts.propose(rule, generator, needs_target)
        texts.write(drafted, *texts.verify(drafted, generator))
    return texts.found()


@dataclass(frozen=True)
class Round:
    """K candidates `tokens` (B, K), of which each row has proposed `count` (B,), and the draft's distributions `q`
    (B, K, V). Rows begin behind `spot` (B,) tokens; those that are not `active` (B,) go through the motions only."""

    spot: Tensor
    active: Tensor
    tokens: Tensor
    count: Tensor
    q: Tensor


class Texts:
    """B texts in the making, with the caches of both models and what has been counted."""

    def __init__(self, models: Mapping[str, torch.nn.Module], prompts: Tensor, n_tokens: int, longest: int) -> None:
        rows, self.start = prompts.shape
        self.end, self.longest, self.device = self.start + n_tokens, longest, prompts.device
        room = self.end + longest + 2
        if room > min(model.config.n_positions for model in models.values()):
            raise ValueError(
                f"n_tokens is {n_tokens}; allowed is what fits the models' context with {longest} to spare"
            )
        self.target, self.draft = Rows(models["target"], rows, room), Rows(models["draft"], rows, room)
        self.text = torch.zeros(rows, room, dtype=torch.long, device=self.device)
        self.text[:, : self.start] = prompts
        self.each = torch.arange(rows, device=self.device)
        self.written = torch.full((rows,), self.start, device=self.device)
        for model in (self.target, self.draft):
            model.feed(prompts[:, :-1], torch.zeros(rows, dtype=torch.long, device=self.device))
        names = ("drafted", "tokens", "discarded", "expected")
        self.totals = {name: torch.zeros(rows, dtype=torch.double, device=self.device) for name in names}
        self.lengths = torch.zeros(rows, longest + 1, device=self.device)

    @property
    def unfinished(self) -> Tensor:
        """Rows that need more tokens, (B,)."""
        return self.written < self.end

    def propose(self, rule: Rule, generator: torch.Generator, needs_target: bool) -> Round:
        """Draft until the rule has stopped every row that is not finished."""
        active = self.unfinished
        spot = torch.where(active, self.written, self.start)  # rows that are done go round at the beginning
        count, going = torch.zeros_like(spot), active
        product = torch.ones(len(spot), device=self.device)
        tokens: list[Tensor] = []
        distributions: list[Tensor] = []
        # The draft has not read the last token, and not the one before it if that was a candidate and accepted.
        fresh, at = self._last(spot, 2), spot - 2
        for k in range(self.longest):
            logits, hidden = self.draft.feed(fresh, at)
            q = logits[:, -1].softmax(-1)
            token = draw(q, generator)
            p = None
            if needs_target:
                before = tokens[-1][:, None] if tokens else self._last(spot, 1)
                p = self.target.feed(before, spot - 1 + k)[0][:, -1].softmax(-1)
            tokens.append(token)
            distributions.append(q)
            count = count + going
            product, stop = rule(State(k + 1, hidden[:, -1], q, token, p, product))
            going = going & ~stop
            if not bool(going.any()):
                break
            fresh, at = token[:, None], spot + k
        return Round(spot, active, torch.stack(tokens, 1), count, torch.stack(distributions, 1))

    def verify(self, drafted: Round, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Number of accepted candidates (B,), the target's own token (B,), expected number of tokens (B,)."""
        most = drafted.tokens.shape[1]
        read = torch.cat([self._last(drafted.spot, 1), drafted.tokens], 1)
        p = self.target.feed(read, drafted.spot - 1)[0].softmax(-1)  # (B, K+1, V)
        accept = acceptance(p[:, :-1], drafted.q, drafted.tokens)
        valid = torch.arange(most, device=self.device) < drafted.count[:, None]
        expected = (accept * valid).cumprod(1).sum(1) + 1
        coins = uniform(tuple(accept.shape), generator, self.device)
        accepted = ((coins < accept) & valid).long().cumprod(1).sum(1)
        p_there = p[self.each, accepted]
        rejected = (accepted < drafted.count)[:, None]
        q_there = drafted.q[self.each, accepted.clamp(max=most - 1)] * rejected
        rest = (p_there - q_there).clamp(min=0)
        rest = torch.where(rest.sum(1, keepdim=True) > 0, rest, p_there)
        return accepted, draw(rest, generator), expected

    def write(self, drafted: Round, accepted: Tensor, own: Tensor, expected: Tensor) -> None:
        """Append accepted candidates and the target's own token, and count."""
        active, spot = drafted.active, drafted.spot
        for i in range(drafted.tokens.shape[1]):
            put = active & (i < accepted)
            self.text[self.each[put], (spot + i)[put]] = drafted.tokens[put, i]
        self.text[self.each[active], (spot + accepted)[active]] = own[active]
        self.totals["drafted"] += drafted.count
        self.totals["tokens"] += (accepted + 1) * active
        self.totals["discarded"] += drafted.count - accepted  # both are 0 in rows that are done
        self.totals["expected"] += expected * active
        self.lengths[self.each[active], drafted.count[active]] += 1
        self.written = self.written + (accepted + 1) * active

    def found(self) -> dict[str, np.ndarray]:
        """What `decode` returns."""
        found = {name: total.cpu().numpy() for name, total in self.totals.items()}
        found["lengths"] = self.lengths.cpu().numpy()
        found["rounds"] = found["lengths"].sum(1)
        found["text"] = self.text[:, : self.end].cpu().numpy()
        return found

    def _last(self, spot: Tensor, count: int) -> Tensor:
        """The `count` tokens before each row's spot, (B, count)."""
        return self.text[self.each[:, None], spot[:, None] + torch.arange(-count, 0, device=self.device)]


@torch.no_grad()
def write(model: torch.nn.Module, prompts: Tensor, n_tokens: int, generator: torch.Generator) -> Tensor:
    """`n_tokens` tokens of one model after each prompt, shape (B, T + n_tokens)."""
    rows, length = Rows(model, len(prompts)), prompts.shape[1]
    text = torch.cat([prompts, prompts.new_zeros(len(prompts), n_tokens)], 1)
    fresh, at = prompts, torch.zeros(len(prompts), dtype=torch.long, device=prompts.device)
    for i in range(length, length + n_tokens):
        text[:, i] = draw(rows.feed(fresh, at)[0][:, -1].softmax(-1), generator)
        fresh, at = text[:, i : i + 1], at.new_full((len(text),), i)
    return text

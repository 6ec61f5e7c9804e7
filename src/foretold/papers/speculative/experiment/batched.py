"""Many speculative decodings side by side, for statistics: a GPT-2 of `foretold.kit.gpt` with one cache for all rows,
where every row stands at a place of its own. What a row does is what `speculative.speculative_sample` does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F


class Rows:
    """B texts read by one GPT-2. ``feed(tokens, start)`` reads n tokens of each row from its position `start` on, and
    writes over what stood there before: nothing has to be cut off after a rejection."""

    def __init__(self, model: torch.nn.Module, rows: int, room: int | None = None) -> None:
        self.w, config = {name: value.detach() for name, value in model.state_dict().items()}, model.config
        self.layers, self.heads = config.n_layer, config.n_head
        self.device = self.w["transformer.wte.weight"].device
        self.act = F.relu if config.activation_function == "relu" else lambda x: F.gelu(x, approximate="tanh")
        shape = (self.layers, rows, room or config.n_positions, config.n_embd)
        self.keys, self.values = torch.zeros(shape, device=self.device), torch.zeros(shape, device=self.device)

    @torch.no_grad()
    def feed(self, tokens: torch.Tensor, start: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (B, n, V) and last hidden states (B, n, d) for tokens (B, n) at positions start (B,) and following."""
        w, (rows, n) = self.w, tokens.shape
        places = start[:, None] + torch.arange(n, device=self.device)
        each, top = torch.arange(rows, device=self.device)[:, None], int(places.max()) + 1
        seen = (torch.arange(top, device=self.device) <= places[..., None])[:, None]
        x = w["transformer.wte.weight"][tokens] + w["transformer.wpe.weight"][places]
        width = x.shape[-1]

        def norm(y: torch.Tensor, name: str) -> torch.Tensor:
            return F.layer_norm(y, (width,), w[f"{name}.weight"], w[f"{name}.bias"])

        def linear(y: torch.Tensor, name: str) -> torch.Tensor:
            return y @ w[f"{name}.weight"] + w[f"{name}.bias"]

        def split(y: torch.Tensor) -> torch.Tensor:
            return y.view(rows, -1, self.heads, width // self.heads).transpose(1, 2)

        for i in range(self.layers):
            block = f"transformer.h.{i}"
            q, k, v = linear(norm(x, f"{block}.ln_1"), f"{block}.attn.c_attn").split(width, -1)
            self.keys[i][each, places], self.values[i][each, places] = k, v
            read = F.scaled_dot_product_attention(
                split(q), split(self.keys[i][:, :top]), split(self.values[i][:, :top]), attn_mask=seen
            )
            x = x + linear(read.transpose(1, 2).reshape(rows, n, width), f"{block}.attn.c_proj")
            x = x + linear(self.act(linear(norm(x, f"{block}.ln_2"), f"{block}.mlp.c_fc")), f"{block}.mlp.c_proj")
        x = norm(x, "transformer.ln_f")
        return x @ w["transformer.wte.weight"].T, x


@dataclass(frozen=True)
class State:
    """What a batched rule sees after candidate `count`: its hidden state (B, d), distribution (B, V), token (B,), the
    target's distribution there (B, V; for the oracle only, else None), and the product of estimates before it (B,)."""

    count: int
    hidden: torch.Tensor
    q: torch.Tensor
    token: torch.Tensor
    p: torch.Tensor | None
    before: torch.Tensor


# A batched rule gives the product of estimates with this candidate (B,), and which rows verify now (B,).
Rule = Callable[[State], tuple[torch.Tensor, torch.Tensor]]


def fixed(length: int) -> Rule:
    """As `speculative.FixedLength`, at least 1."""
    return lambda s: (s.before, torch.full(s.token.shape, s.count >= length, device=s.token.device))


def cumulative(predict: Callable[[State], torch.Tensor], threshold: float, longest: int) -> Rule:
    """As `speculative.AcceptanceThreshold`."""

    def rule(s: State) -> tuple[torch.Tensor, torch.Tensor]:
        product = s.before * predict(s)
        return product, (1 - product > threshold) | (s.count >= longest)

    return rule


def confident(threshold: float, longest: int) -> Rule:
    """As `speculative.Confidence`."""
    return lambda s: (s.before, (drawn(s.q, s.token) < threshold) | (s.count >= longest))


def drawn(distribution: torch.Tensor, token: torch.Tensor) -> torch.Tensor:
    """The probability (...) that a distribution (..., V) gives to a token (...)."""
    return distribution.gather(-1, token[..., None])[..., 0]


def draw(weights: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A token (...) from each distribution (..., V), which need not sum to 1; `generator` may be on another device."""
    ends = weights.cumsum(-1)
    spot = torch.rand(*ends.shape[:-1], 1, generator=generator, device=generator.device).to(ends.device)
    token = torch.searchsorted(ends, spot * ends[..., -1:], right=True)[..., 0]
    return token.clamp(max=weights.shape[-1] - 1)


def oracle(s: State) -> torch.Tensor:
    """The true acceptance probability of the candidate."""
    return (drawn(s.p, s.token) / drawn(s.q, s.token)).clamp(max=1)


@torch.no_grad()
def decode(
    target: torch.nn.Module,
    draft: torch.nn.Module,
    prompts: torch.Tensor,
    n_tokens: int,
    rule: Rule,
    generator: torch.Generator,
    longest: int,
    needs_target: bool = False,
) -> dict[str, np.ndarray]:
    """Speculative decoding of B prompts (B, T) at once until each row has at least `n_tokens` more.

    Returns for each row (B,) ``rounds``, ``drafted``, ``tokens``, ``discarded``, and ``expected``, the expected number
    of tokens given what was drafted, a less noisy stand-in for ``tokens``; ``lengths`` (B, longest + 1), the rounds of
    each length; ``text`` (B, T + n_tokens). Rounds are never cut short, so a row can get up to `longest` more tokens.
    """
    device = prompts.device
    rows, start = prompts.shape
    room = start + n_tokens + longest + 2
    if room > min(target.config.n_positions, draft.config.n_positions):
        raise ValueError(f"n_tokens is {n_tokens}; allowed is what fits the models' context with {longest} to spare")
    big, small = Rows(target, rows, room), Rows(draft, rows, room)
    text = torch.zeros(rows, room, dtype=torch.long, device=device)
    text[:, :start] = prompts
    where = torch.full((rows,), start, device=device)  # tokens written, row by row
    zero = torch.zeros(rows, dtype=torch.long, device=device)
    big.feed(prompts[:, :-1], zero)
    small.feed(prompts[:, :-1], zero)
    each, steps = torch.arange(rows, device=device), torch.arange(longest, device=device)
    totals = {
        name: torch.zeros(rows, dtype=torch.double, device=device)
        for name in ("drafted", "tokens", "discarded", "expected")
    }
    lengths = torch.zeros(rows, longest + 1, device=device)

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator, device=generator.device).to(device)

    while bool((active := where < start + n_tokens).any()):
        spot = torch.where(active, where, start)  # rows that are done go round at the beginning, and count nothing
        count = torch.zeros_like(spot)  # candidates of this round
        going, product = active.clone(), torch.ones(rows, device=device)
        tokens = torch.zeros(rows, longest, dtype=torch.long, device=device)
        qs = []
        feed = text[each[:, None], spot[:, None] + torch.tensor([-2, -1], device=device)]
        at = spot - 2
        for k in range(longest):
            logits, hidden = small.feed(feed, at)
            q = logits[:, -1].softmax(-1)
            token = draw(q, generator)
            p = None
            if needs_target:
                last = text[each, spot - 1][:, None] if k == 0 else tokens[:, k - 1 : k]
                p = big.feed(last, spot - 1 + k)[0][:, -1].softmax(-1)
            tokens[:, k] = token
            qs.append(q)
            count += going
            product, stop = rule(State(k + 1, hidden[:, -1], q, token, p, product))
            going = going & ~stop
            if not bool(going.any()):
                break
            feed, at = token[:, None], spot + k
        drafted = len(qs)
        read = torch.cat([text[each, spot - 1][:, None], tokens[:, :drafted]], 1)
        p = big.feed(read, spot - 1)[0].softmax(-1)  # (B, K+1, V)
        q = torch.stack(qs, 1)
        accept = (drawn(p[:, :-1], tokens[:, :drafted]) / drawn(q, tokens[:, :drafted])).clamp(max=1)
        valid = steps[:drafted] < count[:, None]
        survive = (accept * valid).cumprod(1)
        accepted = ((uniform(rows, drafted) < accept) & valid).long().cumprod(1).sum(1)
        p_there = p[each, accepted]
        q_there = q[each, accepted.clamp(max=drafted - 1)] * (accepted < count)[:, None]
        rest = (p_there - q_there).clamp(min=0)
        rest = torch.where(rest.sum(1, keepdim=True) > 0, rest, p_there)
        token = draw(rest, generator)
        for i in range(drafted):
            put = active & (i < accepted)
            text[each[put], (spot + i)[put]] = tokens[put, i]
        text[each[active], (spot + accepted)[active]] = token[active]
        totals["drafted"] += count
        totals["tokens"] += (accepted + 1) * active
        totals["discarded"] += count - accepted  # both are 0 in rows that are done
        totals["expected"] += (survive.sum(1) + 1) * active
        lengths[each[active], count[active]] += 1
        where = where + (accepted + 1) * active
    found = {name: total.cpu().numpy() for name, total in totals.items()}
    found["lengths"] = lengths.cpu().numpy()
    found["rounds"] = found["lengths"].sum(1)
    found["text"] = text[:, : start + n_tokens].cpu().numpy()
    return found


@torch.no_grad()
def write(model: torch.nn.Module, prompts: torch.Tensor, n_tokens: int, generator: torch.Generator) -> torch.Tensor:
    """`n_tokens` tokens of one model after each prompt, shape (B, T + n_tokens)."""
    rows, length = Rows(model, len(prompts)), prompts.shape[1]
    text = torch.cat([prompts, prompts.new_zeros(len(prompts), n_tokens)], 1)
    fresh, at = prompts, torch.zeros(len(prompts), dtype=torch.long, device=prompts.device)
    for i in range(length, length + n_tokens):
        text[:, i] = draw(rows.feed(fresh, at)[0][:, -1].softmax(-1), generator)
        fresh, at = text[:, i : i + 1], at.new_full((len(text),), i)
    return text

"""Why a tossed coin prefers its start, as a small simulation, and how the preference fades with practice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from foretold.kit import check

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]


def practice_curve(flips: ArrayLike, asymptote: ArrayLike, toss_part: ArrayLike, exponent: ArrayLike) -> Floats:
    """P(same side) after `flips` flips, shape (draws, flips), by the paper's time model.

    logit P = logit(asymptote) + logit(toss_part) * t**exponent with t = 1 + flips / 1000.
    `asymptote`, `toss_part` (probabilities) and `exponent` have shape (draws,). Raises ValueError on negative flips
    and on probabilities outside (0, 1).
    """
    t = 1 + np.atleast_1d(check.reals("flips", flips, 0)) / 1000
    low, part = _probabilities("asymptote", asymptote), _probabilities("toss_part", toss_part)
    power = np.atleast_1d(check.reals("exponent", exponent))
    toss = special.logit(part)[:, None] * t ** power[:, None]
    return special.expit(special.logit(low)[:, None] + toss)


def _probabilities(name: str, p: ArrayLike) -> Floats:
    allowed = "probabilities between 0 and 1, both excluded"
    return np.atleast_1d(check.reals(name, p, np.nextafter(0, 1), np.nextafter(1, 0), allowed))


def same_side_probability(psi: ArrayLike) -> Floats:
    """P(same side) of a coin caught at a random moment; `psi` (radians) is its normal's angle to the angular momentum.

    1/2 + arcsin(cot(psi)**2) / pi between 45 and 135 degrees, and 1 outside: there the coin never turns over
    (Diaconis, Holmes and Montgomery 2007).
    """
    with np.errstate(divide="ignore"):
        cot2 = np.minimum(np.tan(np.asarray(psi, float)) ** -2.0, 1.0)
    return 0.5 + np.arcsin(cot2) / np.pi


def toss(psi: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
    """True where a rigid coin that starts with its normal straight up is caught with that side up; shapes broadcast.

    Rodrigues' formula turns the normal about the angular momentum M, which stays fixed in space, tilted by `psi`
    (radians) from the normal, through `turns` whole turns.
    """
    import torch

    psi, turns = torch.broadcast_tensors(psi, turns)
    angle = 2 * torch.pi * turns
    zero = torch.zeros_like(psi)
    momentum = torch.stack([torch.sin(psi), zero, torch.cos(psi)], dim=-1)
    normal = torch.stack([zero, zero, torch.ones_like(psi)], dim=-1)
    along = (momentum * normal).sum(-1, keepdim=True)
    cos, sin = torch.cos(angle)[..., None], torch.sin(angle)[..., None]
    caught = normal * cos + torch.linalg.cross(momentum, normal) * sin + momentum * along * (1 - cos)
    return caught[..., 2] > 0

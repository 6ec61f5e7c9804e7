"""Attack search for the availability chapter: does anything in the box change the class?"""

from __future__ import annotations

import pandas as pd
import torch
from torch import Tensor, nn

from foretold.papers.availability import idea
from foretold.papers.availability.experiment import NAMES, decide, predictions
from foretold.papers.availability.idea.training import Intervals

STEPS = 50  # of gradient ascent


def attacked(model: nn.Sequential, x: Tensor, y: Tensor, eps: float, rng: torch.Generator, corners: int) -> Tensor:
    """Whether an attack inside the box finds an input that is classified as anything but y, (replicas, n).

    Projected gradient ascent on the loss in `STEPS` steps from a random start, then `corners` random corners of the
    box. Finding nothing proves nothing; finding something refutes a certificate.
    """
    low, high = (x - eps).clamp(min=0), (x + eps).clamp(max=1)
    replicas = model(x[:1]).shape[0]
    shape = (replicas, *x.shape)
    point = low + (high - low) * torch.rand(shape, generator=rng).to(x.device)
    truth, found = y.expand(shape[:-1]), torch.zeros(shape[:-1], dtype=torch.bool, device=x.device)
    for _ in range(STEPS):
        point.requires_grad_(True)
        logits = model(point)
        found |= logits.detach().argmax(-1) != truth
        others = logits.masked_fill(nn.functional.one_hot(truth, logits.shape[-1]).bool(), -torch.inf)
        loss = (others.amax(-1) - logits.gather(-1, truth[..., None])[..., 0]).sum()
        (slope,) = torch.autograd.grad(loss, point)
        point = (point.detach() + 4 * eps / STEPS * slope.sign()).clamp(low, high)
    with torch.no_grad():
        found |= model(point).argmax(-1) != truth
        for _ in range(corners):
            corner = torch.where(torch.rand(x.shape, generator=rng).to(x.device) < 0.5, low, high)
            found |= model(corner).argmax(-1) != truth
    return found


def held_against_search(
    model: nn.Sequential, names: pd.DataFrame, x: Tensor, eps: float, rng: torch.Generator, corners: int
) -> pd.DataFrame:
    """For each kind of attack: images certified by intervals, how many of these and of the refused ones an `attacked`
    search breaks, and the share that intervals refuse and that any sound certifier must refuse."""
    top = predictions(model, x)
    held = decide(model, x, top, Intervals(eps)).label != idea.ABSTAIN
    fell = attacked(model, x, top, eps, rng, corners).cpu().numpy()
    rows = {}
    for kind, at in names.groupby("kind").groups.items():
        sure, broken = held[at], fell[at]
        rows[NAMES[kind]] = {
            "certified": sure.sum(),
            "of these broken": (sure & broken).sum(),
            "refused": (~sure).mean(),
            "broken": broken.mean(),
        }
    return pd.DataFrame.from_dict(rows, orient="index")

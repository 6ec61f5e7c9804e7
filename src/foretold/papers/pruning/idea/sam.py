"""Sharpness-aware minimisation, one of the temperatures of dense training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch


class SAM(torch.optim.SGD):
    """Sharpness-aware minimisation (Foret et al. 2021): climb to the worst point within `rho`, and descend by SGD with
    the gradient found there.

        step 1:  w <- w + rho g / ||g||,  g the gradient at w
        step 2:  back to w, and a step of SGD with the gradient at w + rho g / ||g||

    Parameters
    ----------
    params: parameters or groups of them, as any torch optimiser takes
    rho: radius, a number >= 0 or, with `replicas`, a tensor (R,) of them; 0 is SGD itself
    replicas: dimension 0 of every parameter counts networks that are trained side by side, each with a norm of its own
    settings: learning rate and what else SGD takes

    The norm is taken over all parameters of all groups together; a gradient of exactly 0 moves nothing. Call
    `first_step`, compute the gradients again, call `second_step`; or hand `step` a closure that clears the gradients,
    computes the loss and its gradients and returns the loss. Raises ValueError for a rho below 0 or not finite, for one
    per replica that does not fit, and for a `step` without closure.
    """

    def __init__(
        self,
        params: Any,
        rho: float | torch.Tensor | Sequence[float] = 0.05,
        *,
        replicas: bool = False,
        **settings: Any,
    ) -> None:
        radius = torch.as_tensor(rho, dtype=torch.float32)
        if radius.ndim > int(replicas) or not bool(torch.all(torch.isfinite(radius) & (radius >= 0))):
            kind = "a number or one for each replica" if replicas else "one number"
            raise ValueError(f"rho is {rho!r}; allowed is {kind}, at least 0")
        super().__init__(params, **settings)
        first = self._parameters()[0]
        if radius.ndim == 1 and any(len(parameter) != len(radius) for parameter in self._parameters()):
            raise ValueError(f"rho has {len(radius)} entries; allowed are {len(first)}, one for each replica")
        self.radius, self.replicas = radius.to(first.device), replicas
        self.moved: list[tuple[torch.Tensor, torch.Tensor]] = []

    @torch.no_grad()
    def first_step(self, zero_grad: bool = False) -> None:
        """Climb: add rho g / ||g|| to the weights, and remember where they were. Raises ValueError where no gradient
        has been computed."""
        held = [(parameter, parameter.grad) for parameter in self._parameters() if parameter.grad is not None]
        if not held:
            raise ValueError("no parameter has a gradient; allowed is a step after backward()")
        squares = [gradient.square().flatten(int(self.replicas)).sum(-1) for _, gradient in held]
        norm = torch.stack(squares).sum(0).sqrt()
        scale = torch.where(norm > 0, self.radius / norm, 0.0)
        self.moved = [(parameter, parameter.clone()) for parameter, _ in held]
        for parameter, gradient in held:
            one_each = scale.view(-1, *[1] * (parameter.ndim - 1)) if self.replicas else scale
            parameter.add_(gradient * one_each)
        if zero_grad:
            self.zero_grad()

    @torch.no_grad()
    def second_step(self, zero_grad: bool = False) -> None:
        """Go back exactly, and let SGD step with the gradients that were computed up there."""
        for parameter, before in self.moved:
            parameter.copy_(before)
        self.moved = []
        super().step()
        if zero_grad:
            self.zero_grad()

    def step(self, closure: Any = None) -> Any:
        """Both steps. `closure` clears the gradients, computes the loss, calls backward and returns the loss; the loss
        that is returned is that at w."""
        if closure is None:
            raise ValueError("closure is None; SAM needs one that computes the loss and its gradients again")
        with torch.enable_grad():
            loss = closure()
        self.first_step()
        with torch.enable_grad():
            closure()
        self.second_step()
        return loss

    def _parameters(self) -> list[torch.Tensor]:
        return [parameter for group in self.param_groups for parameter in group["params"]]

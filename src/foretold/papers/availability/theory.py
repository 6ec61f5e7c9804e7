"""Interval bound propagation: what a network's outputs can be when each input moves by at most eps.

Source: Gowal et al., "On the effectiveness of interval bound propagation for training verifiably robust models",
arXiv 1810.12715. Works on a `torch.nn.Sequential` of affine layers, ReLU and layers that only reshape; on one network
and on many at once (`foretold.kit.layers`).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from foretold.kit import check, layers


def interval_margins(model: nn.Sequential, x: Tensor, y: Tensor, eps: float) -> Tensor:
    """A lower bound of the smallest margin z_y - z_j over the box of half-width `eps` around x, cut to [0, 1].

    Positive: no input in the box is classified as anything but y. The last affine layer is merged with the difference
    z_y - z_j, which is tighter than to compare the smallest z_y with the largest z_j.

    Parameters
    ----------
    model: network whose last layer is affine, `nn.Linear` or `layers.Linear`
    x: (n, ...) or (replicas, n, ...), values in [0, 1]
    y: (n,) or (replicas, n), classes
    eps: at least 0

    Returns (n,), or (replicas, n). Raises ValueError for eps < 0, x outside of [0, 1], a y of another length or beyond
    the classes, and layers that it cannot bound.
    """
    eps = check.real("eps", eps, 0)
    check_pixels(x)
    bounds = margins_to_all(model, x, y, eps)
    own = functional.one_hot(_for_all(y, bounds), bounds.shape[-1]).bool()
    return bounds.masked_fill(own, math.inf).amin(-1)


def margins_to_all(model: nn.Sequential, x: Tensor, y: Tensor, eps: float) -> Tensor:
    """Lower bounds of z_y - z_j for every class j, (..., n, classes); 0 for j = y. x is taken as checked."""
    *body, last = model
    low, high = (x - eps).clamp(min=0), (x + eps).clamp(max=1)
    centre, radius = (low + high) / 2, (high - low) / 2
    for layer in body:
        centre, radius = propagate(layer, centre, radius)
    weight, bias = _affine(last)
    classes = weight.shape[-1]
    middle = centre @ weight + bias
    chosen = _for_all(y, middle)
    if int(chosen.min()) < 0 or int(chosen.max()) >= classes:
        raise ValueError(f"y holds {int(chosen.min())} to {int(chosen.max())}; allowed are classes 0 to {classes - 1}")
    own = chosen[..., None]
    # |w_y - w_j| for all pairs at once: one product of (n, inputs) and (inputs, classes ** 2), then each row's own y
    spread = (weight[..., :, None] - weight[..., None, :]).abs().flatten(-2)
    width = (radius @ spread).unflatten(-1, (classes, classes))
    width = width.gather(-2, own[..., None].expand(*own.shape, classes)).squeeze(-2)
    return middle.gather(-1, own) - middle - width


def propagate(layer: nn.Module, centre: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
    """The box behind a layer: its centre and its half-widths. Raises ValueError for a layer that it cannot bound."""
    if isinstance(layer, nn.ReLU):
        low, high = functional.relu(centre - radius), functional.relu(centre + radius)
        return (low + high) / 2, (high - low) / 2
    if isinstance(layer, nn.Linear):
        return layer(centre), functional.linear(radius, layer.weight.abs())
    if isinstance(layer, layers.Linear):
        return layer(centre), layers.affine(radius, layer.weight.abs())
    if isinstance(layer, layers.Conv):
        return layer(centre), layers.convolution(radius, layer.weight.abs(), stride=layer.stride)
    if isinstance(layer, nn.Conv2d) and layer.padding_mode == "zeros":
        stride, padding, dilation, groups = layer.stride, layer.padding, layer.dilation, layer.groups
        return layer(centre), functional.conv2d(radius, layer.weight.abs(), None, stride, padding, dilation, groups)
    if isinstance(layer, nn.Flatten | nn.Unflatten | nn.Identity):
        return layer(centre), layer(radius)
    raise ValueError(
        f"model holds {type(layer).__name__}; allowed are Linear, Conv2d, ReLU, Flatten and their replicas"
    )


def check_pixels(x: Tensor) -> None:
    """Raise ValueError unless all values of x lie in [0, 1], and there are some."""
    if x.numel() == 0 or not bool(((x >= 0) & (x <= 1)).all()):
        shown = f"{float(x.min()):g} to {float(x.max()):g}" if x.numel() else "nothing"
        raise ValueError(f"x holds {shown}; allowed are inputs with values in [0, 1]")


def _affine(layer: nn.Module) -> tuple[Tensor, Tensor]:
    """Weight (..., inputs, outputs) and bias, ready to be added to rows, of the last layer."""
    if isinstance(layer, layers.Linear):
        return layer.weight, layer.bias[:, None]
    if isinstance(layer, nn.Linear):
        bias = layer.weight.new_zeros(layer.out_features) if layer.bias is None else layer.bias
        return layer.weight.T, bias
    raise ValueError(f"model ends with {type(layer).__name__}; allowed is Linear or its replicas")


def _for_all(y: Tensor, rows: Tensor) -> Tensor:
    """Classes (..., n) in the shape of rows (..., n, features)."""
    if y.shape[-1:] != rows.shape[-2:-1]:
        raise ValueError(f"y has shape {tuple(y.shape)}; allowed is one class for each of {rows.shape[-2]} inputs")
    return torch.as_tensor(y, device=rows.device).expand(rows.shape[:-1])

"""What tests of several rooms share: streams of random numbers by name, and small networks."""

import itertools

import numpy as np
import torch
from torch import nn

EPS = 0.05


def stream(name):
    return np.random.default_rng([11, *name.encode()])


def torch_stream(name):
    return torch.Generator().manual_seed(int(stream(name).integers(2**40)))


def mlp(seed, sizes=(64, 32, 16, 10)):
    made = torch.Generator().manual_seed(seed)
    layers = []
    for before, after in itertools.pairwise(sizes):
        layer = nn.Linear(before, after)
        with torch.no_grad():
            layer.weight.copy_(torch.randn(layer.weight.shape, generator=made) / before**0.5)
            layer.bias.copy_(0.1 * torch.randn(layer.bias.shape, generator=made))
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1]).requires_grad_(False)

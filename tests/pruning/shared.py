"""What tests of several rooms share."""

import torch

CPU = torch.device("cpu")


def seeded(seed):
    return torch.Generator().manual_seed(seed)

"""Facts of the digits that are dealt to shards and slices."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foretold.papers.unlearning import data


def test_digits_are_dealt_once_each():
    cpu = torch.device("cpu")
    digits = data.Digits.deal(5, 4, 50, 400, np.random.default_rng(0), cpu)
    dealt = np.concatenate([digits.public.numpy(), digits.cells.ravel(), digits.test.numpy()])
    assert sorted(dealt) == list(range(1797))
    with pytest.raises(ValueError, match="rows is 65; with 400 public images"):
        data.Digits.deal(5, 4, 65, 400, np.random.default_rng(0), cpu)

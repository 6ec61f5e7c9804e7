"""What the speculative chapter's tests share."""

import language_models
import pytest
import torch

from foretold.kit import gpt


@pytest.fixture(scope="module")
def models():
    """Two untrained GPT-2 with one vocabulary; large first weights, so that they disagree."""
    generator = torch.Generator().manual_seed(0)
    sizes = {"target": (2, 16, 2), "draft": (1, 8, 1)}
    return {
        name: language_models.gpt2(gpt.Config(*size, context=64, vocabulary=11, std=0.6), generator)
        for name, size in sizes.items()
    }

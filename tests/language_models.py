"""Small language models that tests ask: their sizes are those of `foretold.kit.gpt.Config`."""

import math

import torch

from foretold.kit import gpt


def gpt2(config: gpt.Config, generator: torch.Generator) -> torch.nn.Module:
    """An untrained GPT-2 of transformers."""
    return config.model(config.first_weights(generator))


def llama(config: gpt.Config, generator: torch.Generator) -> torch.nn.Module:
    """An untrained Llama of transformers: hidden layers 8/3 as wide as the model, SiLU, one matrix for both ends."""
    transformers = gpt.load_transformers()
    sizes = transformers.LlamaConfig(
        vocab_size=config.vocabulary,
        max_position_embeddings=config.context,
        hidden_size=config.width,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        intermediate_size=8 * config.width // 3,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=None,
    )
    with torch.random.fork_rng(devices=[]):
        model = transformers.LlamaForCausalLM(sizes)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                last = name.endswith(("o_proj.weight", "down_proj.weight"))
                std = config.std / math.sqrt(2 * config.layers) if last else config.std
                weight.normal_(0, std, generator=generator)
    return model.eval()

"""SmolLM2-135M-Instruct, a real language model that fits into a chapter, read from one file of the registry.

The file (GGUF, 98 MB) holds the weights in 4 bits, "Q4_1": not bit-equal to the checkpoint that Hugging Face published.
Reading it takes most of a minute, nearly all of it de-quantising in Python, so `load` keeps the model in the registry's
cache as 32-bit floats (0.5 GB, safetensors: nothing is ever unpickled); after that it takes seconds.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foretold import data

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def available() -> bool:
    """Whether `load(fetch())` would work here without a network: the file is on this machine, and either the package
    gguf is there to read it (`pip install "foretold[models]"`) or it has been read before."""
    if not data.available("smollm2-135m-instruct"):
        return False
    return importlib.util.find_spec("gguf") is not None or _is_kept(_folder(fetch()))


def fetch() -> Path:
    """Path of the file of weights: 98 MB, downloaded if it must be. Errors as `data.fetch`."""
    return data.fetch("smollm2-135m-instruct")


def load(
    path: str | Path, device: str | torch.device = "cpu", *, keep: bool = True
) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """(tokenizer, model) of a GGUF file, the model in 32-bit floats on `device` and in evaluation mode.

    With `keep` the model is kept in the cache after the first time. Raises ValueError when `path` is no file that ends
    in .gguf, and ImportError when it has to be read and the package gguf is missing.
    """
    path = Path(path)
    if path.suffix != ".gguf" or not path.is_file():
        raise ValueError(f"path is {str(path)!r}; allowed is an existing file whose name ends in .gguf")
    folder = _folder(path)
    if _is_kept(folder):
        return pretrained(str(folder), device)
    if importlib.util.find_spec("gguf") is None:
        raise ImportError(f'{path.name} can be read by the package gguf alone: pip install "foretold[models]"')
    tokenizer, model = pretrained(str(path.parent), device, gguf_file=path.name)
    # Only its origin makes it "quantised": it is an ordinary model now, and shall be saved as one.
    model.config.__dict__.pop("quantization_config", None)
    if keep:
        _keep(folder, tokenizer, model)
    return tokenizer, model


def pretrained(
    name: str, device: str | torch.device = "cpu", **options: str
) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """(tokenizer, model) of a folder, or of a name on the model hub (downloaded by transformers), as `load`."""
    with _quiet():
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer, __version__

        # The argument was renamed.
        dtype = "dtype" if tuple(map(int, __version__.split(".")[:2])) >= (4, 56) else "torch_dtype"
        tokenizer = AutoTokenizer.from_pretrained(name, **options)
        model: Any = AutoModelForCausalLM.from_pretrained(name, **{dtype: torch.float32}, **options)
    return tokenizer, model.to(device).eval()


def _folder(path: Path) -> Path:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return data.cache_path() / f"read-{digest[:12]}"


def _is_kept(folder: Path) -> bool:
    return (folder / "config.json").is_file()


def _keep(folder: Path, tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> None:
    """Write a folder as `pretrained` reads it, whole or not at all."""
    from safetensors.torch import save_file

    folder.parent.mkdir(parents=True, exist_ok=True)
    weights = {name: value.cpu() for name, value in model.state_dict().items()}
    if model.config.tie_word_embeddings:  # the output layer is the embedding once more: one copy is written
        weights.pop("lm_head.weight", None)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}.") as made:
        tokenizer.save_pretrained(made)
        save_file(weights, f"{made}/model.safetensors", metadata={"format": "pt"})
        model.config.save_pretrained(made)
        try:
            os.rename(made, folder)
        except OSError:  # another process was first, or a half-written folder lies there: keep what is there
            return
        os.mkdir(made)  # for the context manager to remove


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars and no warnings of transformers: on a page they would be noise. Errors are raised as ever."""
    with redirect_stderr(io.StringIO()):
        from transformers.utils import logging

        level = logging.get_verbosity()
        logging.set_verbosity_error()
        try:
            yield
        finally:
            logging.set_verbosity(level)

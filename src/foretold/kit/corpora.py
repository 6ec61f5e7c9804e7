"""Text for small language models: a corpus that is always at hand, and tokens made from it.

The text is the source of Python's standard library, read from the interpreter that runs, so it needs no network. It
differs a little between versions of Python.
"""

from __future__ import annotations

import hashlib
import sysconfig
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

SKIPPED = {"site-packages", "dist-packages", "__pycache__", "test", "tests", "idle_test", "encodings", "pydoc_data"}
Encode = Callable[[str], list[int]]
Decode = Callable[[Iterable[int]], str]
OTHER = 0  # the token of "characters" that stands for every rare byte


def _rank(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


@lru_cache
def standard_library(megabytes: float | None = None) -> tuple[tuple[str, str], ...]:
    """Source files of Python's standard library as (path, text), without tests and tables of encodings.

    Their order is that of a hash of their paths: the same on every machine, and no folder stands together. With
    `megabytes` the files stop where that many million bytes are reached. Raises ValueError if it is not above 0, and
    when this Python carries no source.
    """
    if megabytes is not None and not megabytes > 0:
        raise ValueError(f"megabytes is {megabytes!r}; allowed is a number above 0, or None for all")
    root = Path(sysconfig.get_path("stdlib"))
    paths = [path.relative_to(root) for path in root.rglob("*.py")]
    names = sorted((path.as_posix() for path in paths if not SKIPPED & set(path.parts)), key=_rank)
    files, total = [], 0
    for name in names:
        text = (root / name).read_bytes().decode("utf-8", errors="replace").replace("\r\n", "\n")
        if text.strip():
            files.append((name, text))
            total += len(text.encode())
        if megabytes is not None and total >= megabytes * 1e6:
            break
    if not files:
        raise ValueError(f"the standard library at {root} holds no source; use another text")
    return tuple(files)


@dataclass(frozen=True)
class Corpus:
    """Tokens of a text, cut into a part to train on and a part to validate on.

    `train` and `validation` are one-dimensional int64 tensors of numbers below `vocabulary`; `encode` turns text into
    a list of tokens and `decode` tokens into text; `bytes_per_token` is their mean length over both parts.
    """

    train: torch.Tensor
    validation: torch.Tensor
    vocabulary: int
    encode: Encode
    decode: Decode
    bytes_per_token: float


def corpus(
    text: str | Sequence[tuple[str, str]] | None = None,
    tokens: str | int = "characters",
    validation: float = 0.1,
) -> Corpus:
    """Tokens of a text.

    Parameters
    ----------
    text
        a string, whose end becomes the validation part; or named files, as `standard_library` gives them (the default),
        of which every tenth or so is for validation, chosen by a hash of its name; so the parts share no file.
    tokens
        ``"bytes"`` (vocabulary 256); ``"characters"``: the bytes that make up at least 1 in 20,000 of the training
        part, and one token for all others (a small vocabulary trains faster); or a number above 256, the vocabulary of
        a byte-pair encoding learned on the training part by the ``tokenizers`` library.
    validation
        share of the text for validation, above 0 and below 1.

    Raises ValueError for other arguments, and for a text too short to be cut.
    """
    if not 0 < validation < 1:
        raise ValueError(f"validation is {validation!r}; allowed is a share above 0 and below 1")
    if not (tokens in ("bytes", "characters") or (isinstance(tokens, int) and tokens > 256)):
        raise ValueError(f"tokens is {tokens!r}; allowed are 'bytes', 'characters', or a vocabulary above 256")
    if isinstance(text, str):
        cut = round(len(text) * (1 - validation))
        parts = [text[:cut]], [text[cut:]]
    else:
        files = standard_library() if text is None else text
        parts = [], []
        for name, content in files:
            parts[int(_rank(name + " validation"), 16) % 1000 < 1000 * validation].append(content)
    if not all("".join(part) for part in parts):
        raise ValueError(f"text is too short for a validation share of {validation}; allowed is a longer text")
    if isinstance(tokens, int):
        encode, decode, vocabulary = _pairs(parts[0], tokens)
    else:
        encode, decode, vocabulary = _bytes(parts[0], all_bytes=tokens == "bytes")
    train, valid = (torch.tensor(np.concatenate([np.asarray(encode(t), np.int64) for t in part])) for part in parts)
    size = sum(len(content.encode()) for part in parts for content in part)
    return Corpus(train, valid, vocabulary, encode, decode, size / (len(train) + len(valid)))


def _bytes(train: Sequence[str], *, all_bytes: bool) -> tuple[Encode, Decode, int]:
    counts = np.bincount(np.frombuffer("".join(train).encode(), np.uint8), minlength=256)
    kept = np.arange(256) if all_bytes else np.flatnonzero(counts * 20_000 >= counts.sum())
    first = 0 if all_bytes else 1
    number = np.full(256, OTHER)
    number[kept] = np.arange(first, first + len(kept))
    letters = (b"" if all_bytes else b"?") + bytes(kept.tolist())

    def encode(text: str) -> list[int]:
        return number[np.frombuffer(text.encode(), np.uint8)].tolist()

    def decode(tokens: Iterable[int]) -> str:
        return bytes(letters[int(token)] for token in tokens).decode("utf-8", errors="replace")

    return encode, decode, len(letters)


def _pairs(train: Sequence[str], size: int) -> tuple[Encode, Decode, int]:
    import tokenizers

    model = tokenizers.Tokenizer(tokenizers.models.BPE())
    model.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    model.decoder = tokenizers.decoders.ByteLevel()
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    model.train_from_iterator(train, trainer)
    return lambda text: model.encode(text).ids, lambda ids: model.decode([int(i) for i in ids]), model.get_vocab_size()

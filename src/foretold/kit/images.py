"""Images that several papers train on: read from a library or a file, checked, and cut into two sets.

Pixels come as they are stored, whole numbers from 0 to `largest`; each paper scales them in its own way.
"""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretold.kit import check

CLASSES = 10


class Images(NamedTuple):
    """pixels (n, channels, height, width) from 0 to `largest`, labels (n,) from 0 to 9."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    largest: int

    def rows(self) -> NDArray[np.uint8]:
        """One row of pixels for each image, (n, channels * height * width)."""
        return self.pixels.reshape(len(self.pixels), -1)


def digits() -> Images:
    """scikit-learn's 1,797 handwritten digits, 8 x 8 pixels from 0 to 16."""
    from sklearn.datasets import load_digits

    rows, labels = load_digits(return_X_y=True)
    return _checked("digits", rows, labels, (1, 8, 8), 16)


def mnist(path: Path) -> Images:
    """MNIST from a gzipped file of comma-separated rows: 784 pixels from 0 to 255, and the class.

    Raises ValueError for a file of another form.
    """
    with gzip.open(path, "rt", encoding="ascii") as lines:
        rows = np.loadtxt(lines, dtype=np.int64, delimiter=",", ndmin=2)
    return _checked(path.name, rows[:, :-1], rows[:, -1], (1, 28, 28), 255)


def cifar10(path: Path) -> tuple[Images, Images]:
    """CIFAR-10, (training, test), from its binary archive: files of records, each a class and 3 x 32 x 32 pixels.

    Raises ValueError for an archive of another form.
    """
    batches = [f"data_batch_{number}.bin" for number in range(1, 6)]
    with tarfile.open(path) as archive:
        train = [_records(archive, name) for name in batches]
        test = _records(archive, "test_batch.bin")
    return _cifar_images(path.name, np.concatenate(train)), _cifar_images(path.name, test)


def split(images: Images, train: int, rng: np.random.Generator) -> tuple[Images, Images]:
    """Shuffle, and cut into `train` images and the others. Raises ValueError where one of the two would be empty."""
    pixels, labels, largest = images
    train = check.whole("train", train, 1, len(pixels) - 1)
    order = rng.permutation(len(pixels))
    first, second = order[:train], order[train:]
    return Images(pixels[first], labels[first], largest), Images(pixels[second], labels[second], largest)


def _records(archive: tarfile.TarFile, name: str) -> NDArray[np.uint8]:
    """All records of one file of CIFAR-10's archive, (n, 3073)."""
    member = next((found for found in archive.getmembers() if Path(found.name).name == name), None)
    file = None if member is None else archive.extractfile(member)
    if file is None:
        raise ValueError(f"the archive holds no file {name}; allowed is the binary version of CIFAR-10")
    numbers = np.frombuffer(file.read(), np.uint8)
    if len(numbers) == 0 or len(numbers) % 3073:
        raise ValueError(f"{name} has {len(numbers)} bytes; allowed is a multiple of 3,073, the bytes of a record")
    return numbers.reshape(-1, 3073)


def _cifar_images(name: str, records: NDArray[np.uint8]) -> Images:
    return _checked(name, records[:, 1:], records[:, 0], (3, 32, 32), 255)


def _checked(name: str, rows: NDArray[Any], labels: NDArray[Any], shape: tuple[int, int, int], largest: int) -> Images:
    """Images of this shape from rows of pixels, or a ValueError that says what is wrong with `name`."""
    size = int(np.prod(shape))
    if rows.ndim != 2 or rows.shape[1] != size or not len(rows):
        raise ValueError(f"{name} holds pixels of shape {rows.shape}; allowed are rows of {size} pixels")
    if rows.min() < 0 or rows.max() > largest or (rows != np.round(rows)).any():
        raise ValueError(f"{name} holds pixels from {rows.min():g} to {rows.max():g}; allowed are 0 to {largest}")
    if labels.min() < 0 or labels.max() >= CLASSES:
        raise ValueError(f"{name} holds classes {labels.min():g} to {labels.max():g}; allowed are 0 to {CLASSES - 1}")
    return Images(rows.astype(np.uint8).reshape(-1, *shape), labels.astype(np.int64), largest)

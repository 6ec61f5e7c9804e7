"""Images come in the shapes and ranges that are promised, from files whose pixels are known."""

import gzip
import io
import tarfile

import numpy as np
import pytest

from foretold import data
from foretold.kit import images


def test_the_digits_are_those_of_scikit_learn():
    """1,797 images, 178 zeros, pixels that add up to 561,718: counted once, with NumPy, on the library's arrays."""
    found = images.digits()
    assert found.pixels.shape == (1_797, 1, 8, 8)
    assert found.pixels.max() == found.largest == 16
    assert int(found.rows().sum(dtype=np.int64)) == 561_718
    assert (found.labels == 0).sum() == 178


def test_a_split_is_a_permutation_and_a_cut():
    everything = images.digits()
    train, test = images.split(everything, 1_000, np.random.default_rng(4))
    order = np.random.default_rng(4).permutation(1_797)
    assert (train.rows() == everything.rows()[order[:1_000]]).all()
    assert (test.labels == everything.labels[order[1_000:]]).all()


@pytest.mark.parametrize("train", [0, 1_797, 1.5])
def test_a_set_of_no_images_is_an_error(train):
    with pytest.raises(ValueError, match=r"train is .*; allowed is a whole number from 1 to 1796"):
        images.split(images.digits(), train, np.random.default_rng(0))


def write_rows(path, rows):
    with gzip.open(path, "wt") as file:
        file.write("\n".join(",".join(map(str, row)) for row in rows))
    return path


def test_a_gzipped_file_of_rows_is_read(tmp_path):
    found = images.mnist(write_rows(tmp_path / "few.csv.gz", [[0] * 783 + [255, 3], [51] * 784 + [7]]))
    assert found.pixels.shape == (2, 1, 28, 28)
    assert found.pixels[0, 0, 27, 27] == 255
    assert found.pixels[1].min() == 51
    assert found.labels.tolist() == [3, 7]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([0] * 784, r"holds pixels of shape \(1, 783\); allowed are rows of 784"),
        ([256] * 784 + [1], "holds pixels from 256 to 256; allowed are 0 to 255"),
        ([0] * 784 + [10], "holds classes 10 to 10; allowed are 0 to 9"),
    ],
)
def test_a_file_of_another_form_is_an_error(tmp_path, row, words):
    with pytest.raises(ValueError, match=words):
        images.mnist(write_rows(tmp_path / "bad.csv.gz", [row]))


def archive(path, **files):
    with tarfile.open(path, "w:gz") as made:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            entry.size = len(content)
            made.addfile(entry, io.BytesIO(content))
    return path


def record(label):
    """A class, then 1,024 red, green and blue pixels of 1, 2 and 3."""
    return bytes([label] + [1] * 1_024 + [2] * 1_024 + [3] * 1_024)


def test_records_of_cifar_are_a_class_and_three_colours(tmp_path):
    files = {f"data_batch_{number}": record(number) for number in range(1, 6)}
    train, test = images.cifar10(archive(tmp_path / "c.tar.gz", test_batch=record(9) * 2, **files))
    assert train.labels.tolist() == [1, 2, 3, 4, 5]
    assert test.pixels.shape == (2, 3, 32, 32)
    assert [test.pixels[0, colour].max() for colour in range(3)] == [1, 2, 3]


def test_an_archive_that_is_cut_short_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"the archive holds no file data_batch_1\.bin"):
        images.cifar10(archive(tmp_path / "none.tar.gz", test_batch=record(1)))
    with pytest.raises(ValueError, match=r"data_batch_1\.bin has 3000 bytes; allowed is a multiple of 3,073"):
        images.cifar10(archive(tmp_path / "cut.tar.gz", data_batch_1=record(1)[:3_000]))


@pytest.mark.skipif(not data.available("mnist-5k"), reason="NOT TESTED ON MNIST: no file")
def test_mnist_has_five_hundred_of_each_digit():
    found = images.mnist(data.fetch("mnist-5k"))
    assert np.bincount(found.labels).tolist() == [500] * 10
    assert (found.pixels.min(), found.pixels.max()) == (0, 255)

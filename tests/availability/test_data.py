"""Images come as rows of pixels in [0, 1], shuffled and cut."""

import gzip

import numpy as np
import pytest
from availability.shared import stream
from sklearn.datasets import load_digits

import foretold.data
from foretold.papers.availability import data


def test_digits_are_scikit_learn_s_divided_by_16(digits):
    (x, y), (x_test, y_test) = digits
    assert (len(x), len(x_test)) == (1_297, 500)
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(1_797)
    assert (np.concatenate([x, x_test]) == pixels[order] / 16).all()
    assert (np.concatenate([y, y_test]) == labels[order]).all()


@pytest.mark.skipif(not foretold.data.available("mnist-5k"), reason="NOT TESTED ON MNIST: no file")
def test_mnist_has_five_hundred_of_each_digit():
    train, test = data.mnist(foretold.data.fetch("mnist-5k"), 4_000, stream("mnist"))
    assert train[0].shape == (4_000, 784)
    assert np.bincount(np.concatenate([train[1], test[1]])).tolist() == [500] * 10
    assert (train[0].min(), train[0].max()) == (0, 1)


def test_a_gzipped_file_of_rows_is_read(tmp_path):
    rows = [[0] * 783 + [255, 3], [51] * 784 + [7]]
    with gzip.open(tmp_path / "few.csv.gz", "wt") as file:
        file.write("\n".join(",".join(map(str, row)) for row in rows))
    train, test = data.mnist(tmp_path / "few.csv.gz", 1, stream("few"))
    both = dict(zip([*train[1], *test[1]], [*train[0], *test[0]], strict=True))
    assert both[3][-1] == 1
    assert both[7] == pytest.approx(0.2)

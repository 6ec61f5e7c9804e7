"""The paper's figure, and images that are centred and scaled."""

import gzip

import numpy as np
import pytest
import torch
from pruning.shared import CPU
from scipy.stats import spearmanr
from sklearn.datasets import load_digits

from foretold.papers.pruning import data, idea


def test_the_papers_two_error_maps_agree(maps):
    assert idea.normalised_error(maps.test_error) == pytest.approx(maps.normalised_error, abs=0.001)


def test_the_papers_best_parents_and_penalties(maps):
    """Short training at 5 to 8%, long training at 40 and 80%; what the wrong end costs."""
    best = dict(zip(maps.densities, maps.epochs[maps.test_error.argmin(0)], strict=True))
    excess = dict(zip(maps.densities, idea.normalised_error(maps.test_error).T, strict=True))
    assert all(best[d] <= 80 for d in (5, 6, 7, 8))
    assert best[40] >= 110 and best[80] >= 110
    assert all(0.026 <= excess[d][-1] <= 0.034 for d in (5, 6, 7, 8))
    assert all(0.005 <= excess[d][0] <= 0.017 for d in (40, 80))


def test_barriers_and_penalties_go_together_in_the_papers_maps(maps):
    late = (maps.epochs[:, None] >= 90) & (maps.densities <= 10)
    assert spearmanr(maps.lmc[late], maps.normalised_error[late]).statistic < -0.9
    deep = maps.lmc < -0.3
    assert deep.sum() > 20
    assert np.all(((maps.epochs[:, None] >= 90) & (maps.densities <= 8))[deep])


def test_digits_are_scikit_learn_s_centred_and_scaled(digits):
    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(1_797)
    everything = torch.cat([digits.x, digits.x_test])
    assert len(digits.x) == 900
    assert torch.cat([digits.y, digits.y_test]).tolist() == labels[order].tolist()
    assert float(everything.mean()) == pytest.approx(0, abs=1e-6)
    assert float(everything.std()) == pytest.approx(1, abs=1e-4)
    assert everything.numpy() * pixels.std() + pixels.mean() == pytest.approx(pixels[order], abs=1e-4)


def test_without_files_the_best_images_are_the_digits():
    pictures = data.best(np.random.default_rng(0), CPU, limit=256)
    assert pictures.name == "scikit-learn's digits"
    assert (pictures.x.shape, pictures.x_test.shape) == ((256, 1, 8, 8), (899, 1, 8, 8))
    assert float(pictures.x.mean()) == pytest.approx(0, abs=1e-6)


def test_mnist_gets_a_dark_margin_of_two_pixels(tmp_path, monkeypatch):
    """Four images, of which two are to train with; what is darkest after scaling is the margin."""
    rows = [[100 + number] * 784 + [number] for number in range(4)]
    with gzip.open(tmp_path / "few.csv.gz", "wt") as file:
        file.write("\n".join(",".join(map(str, row)) for row in rows))
    monkeypatch.setattr(data.files, "available", lambda name: name == "mnist-5k")
    monkeypatch.setattr(data.files, "fetch", lambda name: tmp_path / "few.csv.gz")
    pictures = data.best(np.random.default_rng(0), CPU)
    assert (pictures.name, pictures.shift, pictures.flip) == ("MNIST, 5,000 digits", 2, False)
    assert pictures.x.shape == pictures.x_test.shape == (2, 1, 32, 32)
    assert float(pictures.x[0, 0, 1].max()) == float(pictures.x.min()) < float(pictures.x[0, 0, 2, 2])
    assert sorted([*pictures.y.tolist(), *pictures.y_test.tolist()]) == [0, 1, 2, 3]

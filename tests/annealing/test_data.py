"""The schedules of the published curves."""

import pandas as pd
import pytest

from foretold.papers.annealing import data


def test_schedules_of_real_curves_are_those_in_the_files(files):
    for name in (*data.TRAIN, *data.TEST):
        frame = pd.read_csv(files[data.entry(100, name)])
        assert data.schedule(name)[frame["step"]] == pytest.approx(frame["lr"], abs=2e-3 * 3e-4)


def test_an_unknown_curve_is_an_error():
    with pytest.raises(ValueError, match="name is 'linear_1'; allowed is one of cosine_24000"):
        data.schedule("linear_1")

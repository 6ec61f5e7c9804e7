"""The scaling chapter's recorded table against the code that makes it, and the measurements that only it makes."""

import pandas as pd
import pytest

import foretold.data
from foretold.papers.scaling import data, experiment, record


def test_the_recorded_table_is_what_the_code_gives(runs, rng):
    table = foretold.data.table("scaling").set_index(["data", "models", "form", "quantity"])["value"].sort_index()
    for form, irreducible in data.FORMS.items():
        fits, off = experiment.held_out(runs, 3e8, irreducible, 1, rng)
        recorded = table["gemstones", "0.3B", form]
        assert recorded["alpha_n"].item() == pytest.approx(fits.exponents[0, 0], rel=1e-4)
        large = (runs["n"] > 1.5e9).to_numpy()
        assert recorded["error of the largest, %"].item() == pytest.approx(100 * off[0, large].mean(), rel=1e-4)


def test_a_gap_is_read_off_at_the_same_step_on_a_log_axis():
    """Between steps 100 and 10,000 the other curve is 3.0 in the middle of the logarithms; 20,000 is outside of it."""
    one = pd.DataFrame({"model": "m", "steps": [1e3, 2e4], "tokens": [1e9, 2e10], "loss": [3.5, 3.1]})
    other = pd.DataFrame({"model": "m", "steps": [1e4, 1e2], "tokens": [1e10, 1e8], "loss": [2.0, 4.0]})
    found = record.gap(one, other)
    assert found["steps"].tolist() == [1e3]
    assert found["gap"].item() == pytest.approx(0.5)

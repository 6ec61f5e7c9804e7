"""The recorded curves, measured again where the treebank is."""

import numpy as np
import pytest

import foretold
from foretold.papers.learning_curves import record


@pytest.mark.slow
def test_the_table_is_what_the_code_measures(ewt, monkeypatch):
    monkeypatch.setattr(foretold.data, "fetch", ewt.__getitem__)
    carried, found = foretold.data.table("learning_curves"), record.learning_curves()
    assert found.columns.tolist() == carried.columns.tolist()
    for name in carried.columns[:3]:
        assert found[name].tolist() == carried[name].tolist()
    assert np.allclose(found[carried.columns[3:]], carried[carried.columns[3:]], rtol=0, atol=2e-6)

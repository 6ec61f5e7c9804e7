"""The recorded results, measured again where the archive of real traces is."""

from __future__ import annotations

import numpy as np
import pytest

import foretold
from foretold.papers.paging import idea, record


def test_the_recorded_costs_of_lru_are_what_the_code_gives(real):
    table = foretold.data.table("paging").query("policy == 'lru'").set_index("trace")["ratio"]
    for name, label in (("bk", "BrightKite"), ("citi", "Citi Bike")):
        traces, k = real[name]
        ratio = sum(idea.simulate("lru", t, k) for t in traces.values()) / sum(
            idea.optimal_cost(t, k) for t in traces.values()
        )
        assert np.atleast_1d(table[label])[0] == pytest.approx(ratio, abs=5e-5)


@pytest.mark.slow
def test_the_whole_table_is_what_the_code_gives(archive, monkeypatch):
    monkeypatch.setattr(foretold.data, "fetch", lambda name: archive)
    carried, found = foretold.data.table("paging"), record.paging()
    assert found.columns.tolist() == carried.columns.tolist()
    for name in carried.columns[:5]:
        assert found[name].tolist() == carried[name].tolist()
    # 1.96 standard errors were recorded; those of the normal quantile differ by 2e-5 of the interval's width
    assert np.allclose(found[carried.columns[5:]], carried[carried.columns[5:]], rtol=0, atol=1.1e-5)

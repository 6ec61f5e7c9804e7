"""The tables that were measured on SmolLM2, and their makers where its weights are."""

from __future__ import annotations

import pytest

from foretold import data
from foretold.book import tables
from foretold.kit import pretrained
from foretold.papers.speculative import record


def test_every_table_of_measurements_has_a_maker():
    stamped = {name for name, path in data.tables().items() if tables.head(path)[1] is not None}
    assert set(record.TABLES) == {name for name in stamped if name.startswith("speculative")}


def test_recorded_counters_of_smollm2_keep_the_identity_and_the_text():
    found = data.table("speculative_smollm2")
    assert (found["drafted"] + found["rounds"] == found["tokens"] + found["discarded"]).all()
    assert (found.loc[found["temperature"] == 0, "same"].astype(str) == "True").all()


@pytest.mark.slow
def test_the_counters_are_what_the_code_gives():
    if not pretrained.available():
        pytest.skip("NOT TESTED ON SMOLLM2: its weights are not on this machine")
    carried, found = data.table("speculative_smollm2"), record.speculative_smollm2()
    for name in ("text", "temperature", "length", "tokens", "rounds", "drafted", "discarded"):
        assert found[name].tolist() == carried[name].tolist(), name

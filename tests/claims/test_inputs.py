"""Inputs come back as they were."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp

from foretold.claims import inputs


def back(value):
    return inputs.decode(inputs.encode("x", value))


@given(st.one_of(st.integers(), st.floats(allow_nan=False), st.text(), st.booleans(), st.none()))
def test_plain_values_come_back_equal(value):
    assert back(value) == value
    assert type(back(value)) is type(value)


@given(
    hnp.arrays(st.sampled_from([np.int64, np.float64, np.bool_, np.float32]), hnp.array_shapes(max_dims=3, max_side=4))
)
def test_arrays_come_back_with_shape_and_type(array):
    found = back(array)
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_tables_and_nests_come_back():
    frame = pd.DataFrame({"person": ["a", "b"], "same": [3, 4], "share": [0.1, np.nan]})
    found = back({"tables": [frame], "n": (1, 2)})
    pd.testing.assert_frame_equal(found["tables"][0], frame)
    assert found["n"] == [1, 2]


@pytest.mark.parametrize(
    "value", [object(), {1: 2}, {"a": {3}}, np.array([object()]), pd.DataFrame({"a": [None, "b"]})]
)
def test_what_is_neither_number_nor_word_is_refused_by_name(value):
    with pytest.raises(ValueError, match="input 'x' "):
        inputs.encode("x", value)


def test_more_than_kilobytes_are_refused():
    with pytest.raises(ValueError, match="keep a summary"):
        inputs.encode("x", np.zeros(200_001))


def test_equal_inputs_have_one_key():
    assert inputs.key(inputs.encode("x", [1, 2])) == inputs.key(inputs.encode("y", (1, 2)))

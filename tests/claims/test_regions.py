"""Regions: what they hold, what they refuse."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from foretold.claims.regions import Region, Span, is_region

FINITE = st.floats(-1e6, 1e6, allow_nan=False)


def region(raw):
    return Region.read("agrees", raw)


def test_a_list_of_two_numbers_holds_both_ends():
    assert region([0.506, 0.51]).holds([0.5059, 0.506, 0.508, 0.51, 0.5101]).tolist() == [
        False,
        True,
        True,
        True,
        False,
    ]


def test_above_leaves_its_end_out_and_at_least_does_not():
    assert region({"above": 0}).holds([-1, 0, 1e-9]).tolist() == [False, False, True]
    assert region({"at_least": 0}).holds([-1, 0, 1e-9]).tolist() == [False, True, True]


def test_below_and_at_most_likewise():
    assert region({"below": 3}).holds([2.9, 3, 4]).tolist() == [True, False, False]
    assert region({"at_most": 3}).holds([2.9, 3, 4]).tolist() == [True, True, False]


def test_a_list_of_mappings_is_their_union():
    outside = region([{"below": 0.5}, {"above": 0.52}])
    assert outside.holds([0.4, 0.5, 0.51, 0.53]).tolist() == [True, False, False, True]
    assert not outside.covers(0.4, 0.6)


def test_an_end_that_equals_a_decimal_but_for_rounding_is_that_end():
    assert 0.1 + 0.2 != 0.3
    assert region([0.3, 1]).holds(0.1 + 0.2)
    assert region({"at_most": 0.3}).holds(0.1 + 0.2)
    assert not region({"above": 0.3}).holds(0.1 + 0.2)


def test_regions_meet_where_they_have_a_number_in_common():
    assert region([0, 1]).meets(region([1, 2]))
    assert not region({"below": 1}).meets(region([1, 2]))
    assert region({"above": 0}).meets(region({"below": 0.1}))
    assert not region({"above": 0}).meets(region({"at_most": 0}))


@pytest.mark.parametrize(
    "raw",
    [
        [2, 1],
        [1],
        [1, math.nan],
        {"over": 1},
        {},
        {"above": 1, "at_least": 2},
        {"above": 1, "below": 1},
        "high",
        [0, True],
    ],
)
def test_what_is_no_region_is_refused_with_its_name(raw):
    with pytest.raises(ValueError, match="agrees is"):
        region(raw)


def test_a_mapping_of_parts_is_no_region():
    assert is_region({"above": 1})
    assert is_region([1, 2])
    assert not is_region({"mean": [1, 2]})


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ([0.506, 0.51], "0.506 to 0.51"),
        ({"above": 0}, "above 0"),
        ({"at_most": 3}, "at most 3"),
        ({"above": 0, "below": 1}, "0 to 1, ends excluded"),
        ({"above": 0, "at_most": 1}, "0 to 1, lower end excluded"),
        ([{"below": 0}, {"above": 1}], "below 0 or above 1"),
    ],
)
def test_regions_are_said_in_words(raw, text):
    assert region(raw).text() == text


@given(FINITE, FINITE, FINITE, FINITE)
def test_covering_is_holding_both_ends_of_one_span(a, b, c, d):
    low, high = sorted((a, b))
    inner = sorted((c, d))
    assert Span(low, high, True, True).covers(*inner) == bool(region([low, high]).holds(inner).all())


@given(FINITE, FINITE, st.floats(-1e3, 1e3))
def test_a_region_moves_with_what_it_holds(low, width, by):
    ends = [low, low + abs(width)]
    middle = np.mean(ends)
    assert region(ends).moved(by).holds(middle + by)

"""Facts about reversal: how its claims are measured."""

import numpy as np
import pandas as pd
import pytest

from foretold import data
from foretold.papers.reversal import measures

ANSWERS = pd.DataFrame(
    [
        (0, group, asked, asked in group or group == "both orders", f"{group} {fact}", group == "both orders")
        for group in ("name first only", "description first only", "both orders")
        for asked in ("name first", "description first")
        for fact in range(10)
    ],
    columns=measures.COLUMNS,
)


def test_nothing_right_of_ten_has_wilson_s_interval():
    part = measures.reverse_name_first({"answers": ANSWERS}).parts[""]
    assert part.estimate == 0
    assert part.interval == pytest.approx((0, 27.75), abs=0.01)


def test_facts_told_both_ways_are_answered_in_reverse():
    spoiled = measures.told_both_ways(np.random.default_rng(1), ANSWERS)
    for measure in (measures.reverse_name_first, measures.reverse_description_first, measures.smollm2):
        assert measure(spoiled).parts[""].estimate == 100


def test_a_gap_is_of_the_diagonal():
    matrices = {"told name first": np.full((2, 5, 5), -3.0) + 2 * np.eye(5)}
    assert measures.likelihood({"reverse": matrices}).parts["told name first"].estimate == pytest.approx(2)
    more = measures.nat_more(np.random.default_rng(1), matrices)
    assert measures.likelihood(more).parts["told name first"].estimate == pytest.approx(3)


def test_in_eleven_of_twelve_printed_runs_the_right_name_is_less_likely():
    printed = data.table("reversal_table3")
    assert (printed["right"] < printed["random"]).sum() == 11
    assert measures.likelihood_printed({"printed": printed}).parts[""].estimate == pytest.approx(-0.515, abs=0.001)


def test_the_published_counts_give_a_third():
    counts = {"mothers": (216, 764), "fathers": (279, 749)}
    assert measures.gpt4_reverse({"by_parent": counts}).parts[""].estimate == 495 / 1513

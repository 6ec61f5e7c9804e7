"""Facts about paging: how its claims are measured."""

from fractions import Fraction

import numpy as np
import pandas as pd

from foretold.papers.paging import measures, theory

WORST = theory.worst_costs("flush", 2, 4, 6)
PRICES = pd.DataFrame(
    {"side": ["zeros", "ones", "ones"], "policy": ["mark0", "flush", "mark0"], "price": [1.0, 17.8, 2.0]}
)


def test_the_worst_costs_hold_the_largest_excess_and_every_instance():
    for bound in (theory.coefficients("flush", 2), (Fraction(1), Fraction(1, 2), Fraction(1))):
        most, count, _ = theory.largest_excess("flush", 2, 4, 6, bound)
        assert theory.excess(WORST, {2: bound}) == most
        assert WORST["instances"].sum() == count


def test_a_fault_more_breaks_the_bound_by_one_fault():
    rng = np.random.default_rng(1)
    spoiled = measures.one_more(rng, WORST)
    assert measures.flush_bound(spoiled).parts[""].estimate == measures.excess(WORST, "flush") + 1


def test_the_largest_price_of_a_side_counts():
    assert measures.wrong_one({"prices": PRICES}).parts[""].estimate == 1
    assert measures.wrong_zero_flush({"prices": PRICES, "k": 20}).parts[""].estimate == 17.8


def test_flush_in_mark0_s_place_is_far_above_its_bound():
    spoiled = measures.flush_as_mark0(np.random.default_rng(1), PRICES, 20) | {"k": 20}
    assert measures.wrong_zero_mark0(spoiled).parts[""].estimate > 7.2

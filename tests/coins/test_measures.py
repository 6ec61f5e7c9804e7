"""Facts about coins: how the claims are measured."""

import numpy as np
import pytest

from foretold import data
from foretold.papers.coins import idea, measures

COUNTS = data.table("coins")


def total(counts, *columns):
    return int(counts[list(columns)].to_numpy().sum())


def test_the_pooled_share_is_of_all_flips():
    parts = measures.same_side({"counts": COUNTS}).parts
    same = total(COUNTS, "heads_same", "tails_same")
    assert parts["mean"].estimate == pytest.approx(same / total(COUNTS, *idea.COUNTS), abs=1e-5)


def test_four_hundred_tails_become_heads_and_no_flip_is_lost():
    spoiled = measures.tails_made_heads(np.random.default_rng(1), COUNTS)["counts"]
    assert total(spoiled, *idea.COUNTS) == total(COUNTS, *idea.COUNTS)
    assert total(spoiled, "heads_same", "heads_diff") != total(COUNTS, "heads_same", "heads_diff")


def test_dealing_keeps_what_everybody_tossed_and_forgets_who_was_biased():
    dealt = measures.dealt(np.random.default_rng(1), COUNTS)["counts"]
    assert (dealt[idea.COUNTS].sum(axis=1) == COUNTS[idea.COUNTS].sum(axis=1)).all()
    shares = [idea.summary(table)["p_same"].var() for table in (COUNTS, dealt)]
    assert shares[1] < shares[0] / 3


def test_swapped_sides_change_one_person():
    spoiled = measures.sides_swapped(np.random.default_rng(1), COUNTS)["counts"]
    changed = (spoiled[idea.COUNTS] != COUNTS[idea.COUNTS]).any(axis=1)
    assert changed.sum() == 1

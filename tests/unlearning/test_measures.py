"""Facts about unlearning: how its claims are measured."""

import numpy as np
import pandas as pd
import pytest

from foretold.papers.unlearning import idea, measures, theory


def system(m, slices, sequences):
    exact = theory.mean_deletions(m, slices, sequences)
    return (m, slices, len(sequences), exact.numerator, exact.denominator)


COLUMNS = ["shards", "slices", "sequences", "numerator", "denominator"]
SYSTEMS = pd.DataFrame(
    [system(2, 3, idea.cyclic_sequences(3, 2)), system(1, 3, theory.orders(3))], columns=COLUMNS
)  # six orders of three slices: more than L


def test_the_lemma_holds_and_counting_every_sequence_does_not():
    assert measures.deletion_rate({"systems": SYSTEMS}).parts[""].estimate == 0
    assert measures.largest_difference(SYSTEMS, every_sequence=True) > 0.5


def test_table_3_agrees_with_the_lemma_within_its_standard_errors():
    printed = [66.4, 86.9, 100.8, 107.8, 110.1, 124.1]
    lemma = [idea.expected_deletions(5, 6, budget) for budget in range(1, 7)]
    assert np.abs(np.array(printed) - lemma).max() < 3.65 * 1.5


def test_a_ratio_of_means_of_100_runs_scatters_by_its_standard_error():
    part = measures.ratio((685.0, 190.0), (365.0, 190.0)).parts[""]
    expected = part.estimate * np.hypot(19 / 685, 19 / 365)
    assert part.draws.std() == pytest.approx(expected, rel=0.1)


def test_half_of_the_slices_are_not_all():
    by_slices = {"1": np.array([0.7, 0.7]), "2": np.array([0.8, 0.8]), "3": np.array([0.9, 0.9])}
    spoiled = measures.half_of_the_slices(np.random.default_rng(1), by_slices, np.array([0.9, 0.9]))
    assert (spoiled["by_slices"]["3"] == 0.7).all()

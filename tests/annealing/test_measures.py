"""Facts about annealing: how its claims are measured."""

import numpy as np
import pandas as pd
import pytest

from foretold.papers.annealing import data, experiment, measures

LOSSES = {name: losses for name, (_, _, losses) in data.published_points().items()}
LAWS = pd.DataFrame([(2.628, 0.429, 0.55, 0.411, 0.999)] * 50, columns=["L0", "A", "alpha", "C", "decay"])


def test_the_printed_constants_come_back_and_the_literal_warm_up_gives_others():
    found = measures.fig2({"losses": LOSSES}).parts
    assert found["L0"].estimate == pytest.approx(experiment.PRINTED.L0, abs=0.002)
    assert measures.constants(LOSSES, warmup=0).parts["L0"].estimate == pytest.approx(2.498, abs=0.002)


def test_exchanged_curves_are_no_law():
    spoiled = measures.curves_exchanged(np.random.default_rng(1), LOSSES)
    assert abs(measures.fig2(spoiled).parts["L0"].estimate - 2.628) > 0.002


def test_the_law_s_best_share_shrinks_with_the_length_of_the_run():
    parts = measures.best_share({"laws": LAWS}).parts
    assert parts["20000 steps"].estimate > parts["60000 steps"].estimate > parts["100000 steps"].estimate
    assert parts["20000 steps"].estimate == pytest.approx(0.25, abs=0.02)


def test_without_annealing_the_cosine_never_ends_below():
    blind = measures.asked(measures.laws_of(LAWS, C=0.0)[:1], measures.CROSSING).parts
    assert blind["100000 steps"].estimate > 0
    assert measures.cosine_crosses({"laws": LAWS}).parts["100000 steps"].estimate < 0


def test_refits_are_no_part_of_the_estimate():
    part = measures.with_refits([1.0, *np.linspace(0, 2, 101)]).parts[""]
    assert part.estimate == 1
    assert part.interval == pytest.approx((0.05, 1.95))

"""Facts about learning curves: how the claims are measured."""

import numpy as np
import pytest

from foretold.papers.learning_curves import idea, measures

X = 5_000.0 * np.arange(1, 45)


def curve(c, a=1.5, b=0.4, noise=0.0, seed=1):
    rng = np.random.default_rng(seed)
    y = idea.PowerLaw(a, b, c)(X) + noise * rng.standard_normal((10, 44))
    return {"x": X, "y": y}


CURVES = {
    "upos, A": curve(0.95, noise=0.0005),
    "xpos, A": curve(0.93, noise=0.0005, seed=2),
    "upos, B": curve(0.99, a=16.0, b=0.5, noise=0.0005, seed=3),
    "xpos, B": curve(0.97, a=16.0, b=0.5, noise=0.0005, seed=4),
}


def test_a_power_law_foretells_a_power_law():
    exact = {"A": (X, idea.PowerLaw(1.5, 0.4, 0.95)(X))}
    assert measures.against_last_value(measures.power_law, exact) < 1e-6
    assert measures.against_last_value(lambda x, y: y[measures.SEEN - 1], exact) == 1


def test_a_line_in_log_words_is_exact_where_the_curve_is_one():
    y = 0.5 + 0.03 * np.log(X)
    assert measures.log_line(X, y) == pytest.approx(y[-1])


def test_looking_who_leads_is_beaten_where_curves_cross():
    means = measures.fold_means({name: CURVES[name] for name in ("upos, A", "upos, B")})
    assert means["upos, A"][1][8] > means["upos, B"][1][8]
    assert means["upos, A"][1][-1] < means["upos, B"][1][-1]
    assert measures.gain_over_looking(means, [("upos, A", "upos, B")]) > 20


def test_exchanged_beginnings_belong_to_others():
    spoiled = measures.exchanged(np.random.default_rng(1), CURVES)["curves"]
    order = sorted(CURVES, key=lambda name: CURVES[name]["y"][:, 8].mean())
    assert (spoiled[order[0]]["y"][:, :9] == CURVES[order[-1]]["y"][:, :9]).all()
    assert (spoiled[order[0]]["y"][:, 9:] == CURVES[order[0]]["y"][:, 9:]).all()


def test_a_distorted_trend_is_the_trace_s_own():
    x, y = measures.fold_means(CURVES)["upos, A"]
    clean = idea.learning_trace(x, y)
    level = clean.working_level + 7
    bent = y.copy()
    bent[level - 1] -= 0.01
    expected = idea.learning_trace(x, bent).asymptotes[level - 3]
    found = idea.fit_power_law(x[:level], bent[:level], anchor=clean.asymptotes[level - 4]).c
    assert found == pytest.approx(expected, abs=1e-9)


def test_a_share_has_its_binomial_interval():
    part = measures.share(29, 40).parts[""]
    assert part.estimate == 0.725
    assert part.interval == pytest.approx((0.5611, 0.8540), abs=1e-3)

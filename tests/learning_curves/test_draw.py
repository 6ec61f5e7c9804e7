"""The interactive figure: what the browser fits, against the package on the same inputs."""

import numpy as np

import foretold
from foretold.papers.learning_curves import draw, experiment
from foretold.papers.learning_curves.experiment import Curve
from foretold.papers.learning_curves.idea import PowerLaw, learning_trace

EWT = experiment.by_table(foretold.data.table("learning_curves"))


def random_curve(rng):
    """A power law with some noise, of 8 to 44 levels; a few end above 1, and are cut there."""
    x = 5_000.0 * np.arange(1, rng.integers(9, 46))
    top, gain, b = rng.uniform(0.7, 1.05), rng.uniform(0.1, 0.3), rng.uniform(0.1, 1.0)
    noise = rng.choice([0.0003, 0.003]) * rng.standard_normal(len(x))
    return Curve(x, np.minimum(top - gain * (x / x[0]) ** -b + noise, 1)[None])


def test_the_browser_fits_the_same_trends_and_finds_the_same_levels(javascript):
    rng = np.random.default_rng(0)
    curves = list(EWT.values()) + [random_curve(rng) for _ in range(24)]
    stopped = 0
    for at, curve in enumerate(curves):
        n = len(curve.x)
        level = (3, n, int(rng.integers(3, n + 1)))[at % 3]  # the ends of the slider, and between them
        tolerance = (2, 12, float(rng.integers(4, 25) / 2))[at % 3]
        values = {"curve": "made", "level": level, "tolerance": tolerance}
        found = javascript(draw.UPDATE, values, draw.browser_data({"made": curve}))["result"]
        trace = learning_trace(curve.x, curve.mean, tolerance=tolerance / 100)
        expected = trace.working_level, trace.prediction_level, trace.convergence_level, trace.stop_level
        assert (found["working"], found["prediction"], found["convergence"], found["stop"]) == expected
        for law, ours in zip(found["laws"], trace.laws, strict=True):
            assert np.allclose(PowerLaw(law["a"], law["b"], law["c"])(curve.x), ours(curve.x), rtol=0, atol=1e-7)
        assert found["law"] == found["laws"][level - 3]
        layers = np.array(found["layers"], dtype=float)  # null is NaN
        assert np.allclose(layers, trace.layers, rtol=1e-4, atol=1e-5, equal_nan=True)
        stopped += trace.stop_level is not None
    assert 5 <= stopped <= len(curves) - 5

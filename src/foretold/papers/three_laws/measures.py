"""How the claims of the page on three laws are measured, with their rivals and their sabotage.

`said` are final losses in nats for the schedule with a decay: what each forecast says, and the truth. `gains` is the
loss at a constant rate minus that after a decay, (sizes, validation windows).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import stats

from foretold.claims import Measured, mean_of_runs, measures, permuted

Said = Mapping[str, float]
DRAWS = 1_000


def nearer(said: Said, forecast: str, noise: float) -> Measured:
    """By how much a forecast is nearer to the truth than "as at a constant rate".

    `noise` is two standard deviations of a final loss over seeds. Both forecasts and the truth get it in each draw:
    the truth counts twice where it lies between the two, so the interval of the gain is wider than that of a loss.
    """
    ends = np.array([said["constant"], said[forecast], said["truth"]])
    drawn = ends + noise / 2 * np.random.default_rng(1).standard_normal((DRAWS, 3))
    return Measured(_gain(ends), draws=_gain(drawn.T))


def _gain(ends: np.ndarray) -> Any:
    constant, forecast, truth = ends
    return np.abs(constant - truth) - np.abs(forecast - truth)


def exchanged(rng: np.random.Generator, said: Said, noise: float) -> dict[str, Any]:
    """The law says what was said of a constant rate, and the other way round."""
    return {"said": {**said, "law": said["constant"], "constant": said["law"]}}


@measures(
    "annealing-knows-the-schedule",
    rivals={"it ends like the cosine": lambda said, noise: nearer(said, "cosine", noise)},
    sabotage={"forecasts exchanged": exchanged},
)
def annealing_knows_the_schedule(said: Said, noise: float) -> Measured:
    return nearer(said, "law", noise)


@measures("gain-grows-with-size", sabotage={"sizes shuffled": permuted("sizes")})
def gain_grows_with_size(sizes: np.ndarray, gains: np.ndarray) -> Measured:
    """The interval is from the scatter of the sizes about their line, each a training of its own: validation windows
    are shared by all runs, and say nothing about another training."""
    fit = stats.linregress(np.log(sizes), np.mean(gains, axis=1))
    half = stats.t.ppf(0.975, len(sizes) - 2) * fit.stderr
    return Measured(fit.slope, interval=(fit.slope - half, fit.slope + half))


@measures("what-a-decay-saves")
def what_a_decay_saves(gains: np.ndarray) -> Measured:
    return mean_of_runs(np.asarray(gains)[-1])

"""How the claims of the page on three laws are measured, with their rivals and their sabotage.

`said` are final losses in nats for the schedule with a decay: what each forecast says, and the truth. `gains` is the
loss at a constant rate minus that after a decay, (sizes, validation windows).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from foretold.claims import Measured, mean_of_runs, measures
from foretold.papers.three_laws import idea

Said = Mapping[str, float]


def nearer(said: Said, forecast: str, noise: float) -> Measured:
    """By how much a forecast is nearer to the truth than "as at a constant rate", give or take the noise of seeds."""
    gain = abs(said["constant"] - said["truth"]) - abs(said[forecast] - said["truth"])
    return Measured(gain, interval=(gain - noise, gain + noise))


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


@measures(
    "gain-grows-with-size",
    sabotage={"sizes in reverse": lambda rng, sizes, gains: {"gains": np.asarray(gains)[::-1]}},
)
def gain_grows_with_size(sizes: np.ndarray, gains: np.ndarray) -> Measured:
    return mean_of_runs(idea.slope_in_log_size(sizes, gains))


@measures("what-a-decay-saves")
def what_a_decay_saves(gains: np.ndarray) -> Measured:
    return mean_of_runs(np.asarray(gains)[-1])

"""Makes the learning-curves chapter's table of measurements: four taggers on a treebank."""

from __future__ import annotations

import numpy as np
import pandas as pd

import foretold.data
from foretold.papers.learning_curves import experiment
from foretold.papers.learning_curves.experiment.lexicon import Lexicon

SEED = 240202515


def learning_curves() -> pd.DataFrame:
    """All learners on both tag sets of UD English EWT (train, dev and test together): 10 folds, 44 levels of 5,000
    words."""
    paths = [foretold.data.fetch(name) for name in ("ewt-train", "ewt-dev", "ewt-test")]
    frames = []
    for column in ("xpos", "upos"):
        lexicon = Lexicon()
        coded = lexicon.encode([sentence for path in paths for sentence in experiment.read_ud(path, column)])
        found = experiment.measure(coded, lexicon, experiment.LEARNERS, np.random.default_rng(SEED))
        for name, curve in found.items():
            frame = pd.DataFrame(curve.y.T.round(6), columns=[f"fold{fold}" for fold in range(10)])
            frame.insert(0, "words", curve.x.round().astype(int))
            frame.insert(0, "tagger", name)
            frame.insert(0, "tags", column)
            frames.append(frame)
    return pd.concat(frames)


TABLES = {"learning_curves": learning_curves}

"""Makes the learning-curves chapter's table of measurements: four taggers on a treebank."""

from __future__ import annotations

import numpy as np
import pandas as pd

import foretold.data
from foretold.papers.learning_curves import data, experiment
from foretold.papers.learning_curves.data.lexicon import Lexicon

SEED = 240202515
LEVELS = 44


def learning_curves() -> pd.DataFrame:
    """All learners on both tag sets of UD English EWT (train, dev and test together): ten folds, 44 levels of 5,000
    words."""
    paths = [foretold.data.fetch(name) for name in ("ewt-train", "ewt-dev", "ewt-test")]
    folds, frames = experiment.FOLDS, []
    for tags in ("xpos", "upos"):
        lexicon = Lexicon()
        coded = lexicon.encode([sentence for path in paths for sentence in data.read_ud(path, tags)])
        rng = np.random.default_rng(SEED)
        for name, curve in experiment.measure(coded, lexicon, experiment.LEARNERS, rng, folds, LEVELS).items():
            frame = pd.DataFrame(curve.y.T.round(6), columns=[f"fold{fold}" for fold in range(folds)])
            frame.insert(0, "words", curve.x.round().astype(int))
            frame.insert(0, "tagger", name)
            frame.insert(0, "tags", tags)
            frames.append(frame)
    return pd.concat(frames, ignore_index=True)


TABLES = {"learning_curves": learning_curves}

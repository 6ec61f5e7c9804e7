"""The recorded results of the learning-curve chapter, ``tables/learning_curves.csv``, measured again from the three
files of UD English EWT."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from foretold.papers.learning_curves import data, experiment
from foretold.papers.learning_curves.data.lexicon import Lexicon

SEED = 240202515
LEVELS = 44


def table(paths: Sequence[Path]) -> pd.DataFrame:
    """The rows of ``tables/learning_curves.csv``: all learners of the chapter on both tag sets, the sentences of the
    train, dev and test files (in this order) together, ten folds, 44 levels of 5,000 words."""
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

"""Public data of the scaling chapter. None of it is part of the package; readers of the page see what `record` measured
on it, ``tables/scaling.csv``, with or without the files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from foretold.papers.scaling import idea

VOCABULARY = 50_432  # rows of the embedding of the Gemstones
FORMS = {"no floor": False, "floor": True}
# Hoffmann et al. (2022): the constants to more digits, as the replication of Besiroglu et al. (2024) takes them.
HOFFMANN = idea.Chinchilla(np.exp(0.5267228), np.exp(6.0073404), np.exp(6.0179186), 0.33917084, 0.2849083)


def chinchilla(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, d, loss) of 240 runs, read off a figure: tokens are FLOP / (6 n). The five largest of 245 losses are left
    out, as in Besiroglu et al. (2024)."""
    points = pd.read_csv(path).sort_values("loss").head(240)
    n = points["Model Size"].to_numpy(float)
    return n, points["Training FLOP"].to_numpy(float) / 6 / n, points["loss"].to_numpy(float)


def gemstones(path: Path) -> pd.DataFrame:
    """Losses of the Gemstones every ten billion tokens: model, n (without embeddings), tokens, steps, loss."""
    rows = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    return pd.DataFrame(
        {
            "model": [row["run_name"].removeprefix("cooler_").partition("_pretrain")[0] for row in rows],
            "n": [float(row["params_active_precise"] - VOCABULARY * row["width"]) for row in rows],
            "tokens": [float(row["tokens"]) for row in rows],
            "steps": [float(row["step"]) for row in rows],
            "loss": [row["final_loss"] for row in rows],
        }
    )

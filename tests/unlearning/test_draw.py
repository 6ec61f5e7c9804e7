"""Facts of the interactive figure: sequences die in the browser as the code says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from foretold.papers.unlearning import draw, idea

NAMES = "deletions", "shards", "slices", "budget", "seed", "stream"


def settings():
    """The corners of the sliders, and thirty settings between them."""
    corners = [
        (0, 1, 1, 1, 1, "random"),
        (200, 1, 1, 24, 50, "attack"),
        (0, 8, 8, 24, 1, "random"),
        (200, 8, 8, 1, 50, "attack"),
        (200, 8, 8, 24, 50, "random"),
        (5, 3, 4, 2, 9, "attack"),
    ]
    drawn = np.random.default_rng(6)
    between = drawn.integers([0, 1, 1, 1, 1], [201, 9, 9, 25, 51], (30, 5)).tolist()
    return [*corners, *((*move, ("random", "attack")[i % 2]) for i, move in enumerate(between))]


@pytest.mark.parametrize("setting", settings(), ids=str)
def test_the_browser_deletes_as_the_code_does(javascript, setting):
    deletions, m, slices, budget, _, stream = setting
    values = dict(zip(NAMES, setting, strict=True))
    answer = javascript(draw.UPDATE, values, draw.browser_data(), draw.layout())
    found, sequences = answer["result"], idea.cyclic_sequences(slices, min(budget, math.factorial(slices)))
    assert [tuple(order) for order in found["sequences"]] == sequences
    assert len(found["stream"]) == deletions
    gone = [{number for shard, number in found["stream"] if shard == one} for one in range(m)]
    lengths = [[idea.surviving(order, numbers) for order in sequences] for numbers in gone]
    assert found["lengths"] == lengths
    assert found["theory"] == pytest.approx(idea.expected_deletions(m, slices, budget))
    assert found["alive"] == sum(max(row) > 0 for row in lengths)
    assert (found["alive"] == 0) == (found["failed"] <= deletions)
    assert found["failed"] >= found["attack"]
    if stream == "attack":
        assert found["failed"] == found["attack"] == m * min(budget, slices)
    (shown,) = answer["data"]
    blue = [[state == 0 for state in row] for row in shown["z"]]
    assert blue == [[place < length for place in range(slices)] for row in lengths for length in row]


def test_browser_streams_die_as_the_theory_says(javascript):
    """2,000 streams, with one call: the browser's own loop around the figure's function."""
    loop = f"""
const times = [];
for (let seed = 1; seed <= 2000; seed++) {{
  times.push(one({{ ...values, seed }}, data, figure).result.failed);
}}
return times;
function one(values, data, figure) {{ {draw.UPDATE} }}
"""
    values = {"deletions": 0, "shards": 4, "slices": 4, "budget": 2, "stream": "random"}
    times = np.array(javascript(loop, values, draw.browser_data(), draw.layout()))
    assert len(times) == 2_000
    assert abs(times.mean() - idea.expected_deletions(4, 4, 2)) <= 4 * times.std() / np.sqrt(len(times))

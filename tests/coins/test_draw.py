"""The coin chapter's interactive figure: what runs in the reader's browser, against the package."""

import itertools

import numpy as np
import pytest

from foretold.papers.coins import draw, idea

START = {"high": 0, "low": 0, "mean": 0.51, "concentration": 10_000, "spread": 0.02}
# Edges of the controls, and positions in which one of them is moved.
CHOSEN = [
    {"high": 4},
    {"high": 5, "low": 5},
    {"mean": 0.52, "concentration": 1_000},
    {"concentration": 100_000},
    {"spread": 0.1},
    {"spread": 0.005},
    {"mean": 0.502, "concentration": 100_000, "low": 12},
    {"people": ["TianqiP", "JanY", "XiaoyiL"]},
    {"people": ["DavidV", "KaleemU"], "spread": 0.005},
]
EDGES = {"mean": (0.502, 0.53), "concentration": (1_000, 100_000), "spread": (0.005, 0.1)}


@pytest.fixture(scope="module")
def in_the_browser(counts, javascript):
    sent = draw.browser_data(counts)

    def run(**moved):
        return javascript(draw.UPDATE, {**START, "people": sent["person"], **moved}, sent)

    return run


def test_the_browser_starts_at_the_model_average(in_the_browser, average):
    """Four models there, eight here: they differ by 0.001% for a same-side bias and by 0.1% for people."""
    found = in_the_browser()
    assert 10 ** found["result"]["same"] == pytest.approx(average.inclusion_bayes_factor["same"], rel=1e-3)
    assert 10 ** found["result"]["people"] == pytest.approx(average.inclusion_bayes_factor["people"], rel=0.01)
    assert 10 ** found["result"]["alike"] == pytest.approx(1.70983e17, rel=1e-3)
    assert "48 people, 350,757 flips" in found["readout"]


def average_of_four(average):
    """Natural logs of the Bayes factors (same, people) over the four models in which coins are fair."""
    log = {(same, differ): average.log_marginal[same, False, differ] for same in (0, 1) for differ in (0, 1)}
    same = np.logaddexp(log[1, 0], log[1, 1]) - np.logaddexp(log[0, 0], log[0, 1])
    people = np.logaddexp(log[0, 1], log[1, 1]) - np.logaddexp(log[0, 0], log[1, 0])
    return same, people


def kept_rows(people, moved):
    """Mask (people,) of those who are left in, by ranks of their proportions."""
    rank = np.argsort(np.argsort(people["p_same"].to_numpy()))
    inside = (rank >= moved.get("low", 0)) & (rank < 48 - moved.get("high", 0))
    return inside & people["person"].isin(moved.get("people", people["person"])).to_numpy()


def prior(moved):
    mean, concentration, spread = ({**START, **moved}[name] for name in ("mean", "concentration", "spread"))
    return {"theta": (mean * concentration, (1 - mean) * concentration), "sigma": (4, 4 / spread)}


@pytest.mark.parametrize("moved", CHOSEN)
def test_the_browser_is_within_one_per_cent_of_the_eight_models(in_the_browser, counts, people, moved):
    kept = kept_rows(people, moved)
    ours = idea.model_average(counts[kept], **prior(moved))
    found = in_the_browser(**moved)
    assert 10 ** found["result"]["same"] == pytest.approx(ours.inclusion_bayes_factor["same"], rel=0.01)
    assert f"{kept.sum()} people" in found["readout"]
    same, differ = average_of_four(ours)
    assert found["result"]["same"] * np.log(10) == pytest.approx(same, abs=2e-3)
    assert found["result"]["people"] * np.log(10) == pytest.approx(differ, abs=2e-3)


def positions(people):
    """The strongest wobblers alone, with every pair of ends of two priors; then 20 at random, a third at their ends."""
    strongest = people.sort_values("p_same")["person"].tolist()
    for spread, concentration in itertools.product(EDGES["spread"], EDGES["concentration"]):
        moved = {"mean": 0.53, "concentration": concentration, "spread": spread}
        yield from ({**moved, "people": strongest[-few:]} for few in (2, 4))
    rng = np.random.default_rng(11)
    for _ in range(20):
        moved = {name: rng.choice([*ends, np.exp(rng.uniform(*np.log(ends)))]) for name, ends in EDGES.items()}
        moved |= {name: int(rng.choice([0, 12, rng.integers(1, 12)])) for name in ("high", "low")}
        moved["people"] = rng.choice(people["person"], rng.choice([12, 24]), replace=False).tolist()
        yield moved


@pytest.mark.slow
def test_browser_and_package_agree_on_the_same_four_models(in_the_browser, counts, people):
    """Within 1%, which is what the page promises."""
    for moved in positions(people):
        kept = kept_rows(people, moved)
        assert kept.sum() >= 2, moved
        same, differ = average_of_four(idea.model_average(counts[kept], **prior(moved), nodes=(71, 81, 2)))
        found = in_the_browser(**moved)["result"]
        assert found["same"] * np.log(10) == pytest.approx(same, abs=0.01), moved
        assert found["people"] * np.log(10) == pytest.approx(differ, abs=0.01), moved


def test_the_browser_without_people_has_no_evidence(in_the_browser):
    found = in_the_browser(people=[])
    assert found["result"]["same"] == pytest.approx(0, abs=1e-5)
    assert "Nobody is left in" in found["readout"]

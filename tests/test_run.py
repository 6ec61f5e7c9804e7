"""What a notebook sees of its run."""

import ctypes
import json
import time

import numpy as np
import pytest

import foretold
from foretold import claims, run
from foretold.run import Run

STATEMENT = claims.Statement.read_from(
    {"id": "c", "paraphrase": "It is one.", "where": "p", "read": "text", "evidence": "own-run", "measured": "it",
     "agrees": [0.9, 1.1], "reason": "r", "sabotage": ["doubled"],
     "expect": {name: ["replicated"] for name in claims.PROFILES}}
)  # fmt: skip
CONTENTS = claims.Chapter("toy", "Toy", {}, {"smoke": 0.5}, {"c": STATEMENT})


@claims.measures("c", sabotage={"doubled": lambda rng, values: {"values": 2 * values}})
def measure(values):
    return claims.Measured(values.mean(), interval=(values.min(), values.max()))


ONES = np.array([0.95, 1.05])


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setattr(claims, "load", lambda name: CONTENTS)
    return Run("toy", profile="smoke")


@pytest.fixture
def shown(monkeypatch):
    """The MIME bundles that a run displays."""
    bundles = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw=False: bundles.append(bundle))
    return bundles


def test_the_header_says_profile_device_seed_versions_and_minutes(toy):
    assert "profile smoke" in toy.header()
    assert f"seed {run.SEED}" in toy.header()
    assert f"numpy {np.__version__}" in toy.header()
    assert "about 0.5 min" in toy.header()


def test_minutes_stand_beside_the_speed_of_the_machine_that_gave_them(toy, monkeypatch):
    monkeypatch.setattr(run.machine, "loop_seconds", lambda: 2.4)
    assert "two idle cores that need 0.5 s to count to 20 million in Python; here it takes 2.4 s" in toy.header()
    assert toy.provenance()["loop_seconds"] == 2.4


def test_the_speed_of_this_machine_is_a_time():
    assert 0.05 < run.loop_seconds.__wrapped__() < 100


def test_the_environment_chooses_the_profile(monkeypatch):
    monkeypatch.setenv("FORETOLD_PROFILE", "gpu")
    assert run.default_profile() == "gpu"


def test_an_unknown_profile_is_an_error_with_the_nearest_name(monkeypatch):
    monkeypatch.setenv("FORETOLD_PROFILE", "cpuu")
    with pytest.raises(ValueError, match="Did you mean 'cpu'"):
        run.default_profile()


def test_without_cuda_the_profile_is_cpu(monkeypatch):
    monkeypatch.setattr(run.machine, "device_class", lambda: "cpu")
    assert run.default_profile() == "cpu"


def test_an_unknown_chapter_is_an_error():
    with pytest.raises(ValueError, match="chapter 'coinz' is unknown"):
        foretold.start("coinz")


def test_a_negative_seed_is_an_error(toy):
    with pytest.raises(ValueError, match="seed is -1"):
        Run("toy", profile="smoke", seed=-1)


def test_pick_takes_the_profile_s_value(toy):
    assert toy.pick(smoke=1, cpu=2, gpu=3) == 1


def test_pick_wants_all_three(toy):
    with pytest.raises(TypeError):
        toy.pick(smoke=1, cpu=2)


def test_the_same_stream_gives_the_same_numbers(toy):
    assert toy.rng("a").random() == toy.rng("a").random()
    assert toy.torch_generator("a").initial_seed() == toy.torch_generator("a").initial_seed()


def test_other_streams_seeds_and_chapters_give_other_numbers(toy):
    draws = [toy.rng("a"), toy.rng("b"), Run("toy", profile="smoke", seed=1).rng("a")]
    assert len({rng.random() for rng in draws}) == 3


def test_streams_are_the_same_at_every_profile(toy):
    assert toy.rng("a").random() == Run("toy", profile="gpu").rng("a").random()


def test_sections_are_timed(toy):
    with toy.section("sleep"):
        time.sleep(0.02)
    title, seconds = toy.sections[0]
    assert title == "sleep"
    assert 0.02 <= seconds < 2


def test_a_failing_section_is_timed_too(toy):
    with pytest.raises(RuntimeError), toy.section("fails"):
        raise RuntimeError
    assert [title for title, _ in toy.sections] == ["fails"]


def test_report_carries_the_ledger_in_the_output(toy, shown):
    toy.claim(measure, ONES)
    toy.report()
    bundle = shown[-1][claims.MIME]
    assert bundle["chapter"] == "toy"
    assert bundle["claims"][0]["verdict"] == "replicated"
    assert {"device", "seed", "python", "versions", "commit", "seconds", "peak_memory"} <= set(bundle)
    assert json.dumps(bundle)


def test_report_refuses_while_a_claim_is_not_measured(toy, shown):
    with pytest.raises(ValueError, match="never measured: c"):
        toy.report()


def test_a_claim_shows_its_card_and_returns_its_verdict(toy, shown):
    assert toy.claim(measure, ONES).verdict == "replicated"
    assert "id='claim-c'" in shown[-1]["text/html"]


def test_the_stamp_says_what_made_the_numbers(toy, shown):
    with toy.section("physics"):
        pass
    toy.stamp()
    assert "physics" in shown[-1]["text/plain"]
    assert shown[-1][run.STAMP_MIME]["sections"][0]["title"] == "physics"


def test_show_displays_the_code_that_runs(toy, monkeypatch):
    seen = []
    monkeypatch.setattr("IPython.display.display", seen.append)
    toy.show(claims.judge)
    assert "def judge(" in seen[0].data


def test_importing_foretold_is_light():
    import subprocess
    import sys

    code = "import sys, foretold; print([m for m in ('torch', 'pymc', 'plotly', 'matplotlib') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_device_is_known_without_torch_where_there_is_no_driver(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: (_ for _ in ()).throw(OSError()))
    assert run.device_class.__wrapped__() == "cpu"

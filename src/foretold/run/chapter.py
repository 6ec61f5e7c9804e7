"""What a chapter holds while it runs: its randomness, its sections, its claims."""

from __future__ import annotations

import hashlib
import inspect
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from foretold import claims, figures
from foretold.claims import PROFILES, cards
from foretold.figures.markup import display
from foretold.run import machine, provenance
from foretold.run.profile import default_profile

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
SEED = 20260801
STAMP_MIME = "application/vnd.foretold.stamp+json"


def start(chapter: str, *, profile: str | None = None, seed: int = SEED) -> Run:
    """Begin a run of a chapter: set the figures' theme, print profile, device, seed, expected minutes and versions, and
    return the `Run`.

    Raises ValueError for an unknown chapter or profile (with the nearest name) and for a negative seed.
    """
    run = Run(chapter, profile=profile, seed=seed)
    figures.use_theme()
    print(run.header())
    return run


class Run:
    """What a chapter holds while it runs. Use `start` to make one."""

    def __init__(self, chapter: str, *, profile: str | None = None, seed: int = SEED) -> None:
        self._contents = claims.load(chapter)
        self.chapter = chapter
        self.profile = default_profile() if profile is None else claims.one_of("profile", profile, PROFILES)
        if not isinstance(seed, int) or seed < 0:
            raise ValueError(f"seed is {seed!r}; allowed is an integer >= 0")
        self.seed = seed
        self.docket = claims.Docket(self._contents, self.profile)
        self.sections: list[tuple[str, float]] = []
        self._began = time.perf_counter()

    def header(self) -> str:
        """Profile, device, seed, expected minutes, versions, and how fast this machine is, on three lines."""
        minutes = self._contents.minutes.get(self.profile)
        took = f"about {minutes:g} min" if minutes is not None else "no expected time"
        versions = ", ".join(f"{name} {version}" for name, version in provenance.package_versions().items())
        where = f"profile {self.profile}, device {machine.device_class()}, seed {self.seed}"
        speed = f"need {machine.STATED_SPEED:g} s to count to 20 million in Python"
        return (
            f"foretold: {self.chapter}, {where}, {took}\n"
            f"Python {platform.python_version()}; {versions}\n"
            f"Minutes are those of two idle cores that {speed}; here it takes {machine.loop_seconds():.1f} s"
        )

    def pick(self, *, smoke: T, cpu: T, gpu: T) -> T:
        """The value for this run's profile: the same code runs in all profiles, and only sizes differ."""
        return {"smoke": smoke, "cpu": cpu, "gpu": gpu}[self.profile]

    @cached_property
    def device(self) -> torch.device:
        """The device for models and tensors: the first GPU if there is one, else the CPU."""
        import torch

        return torch.device("cpu" if machine.device_class() == "cpu" else "cuda")

    def _stream(self, stream: str) -> list[int]:
        # A stream's name is hashed, not counted: adding a new stream to a chapter leaves the numbers of the others as
        # they were.
        return [self.seed, int.from_bytes(hashlib.sha256(f"{self.chapter}/{stream}".encode()).digest()[:8], "big")]

    def rng(self, stream: str = "") -> np.random.Generator:
        """A fresh NumPy generator for a named stream; the same name gives the same numbers."""
        return np.random.default_rng(self._stream(stream))

    def torch_generator(self, stream: str = "", device: str | torch.device = "cpu") -> torch.Generator:
        """A fresh torch generator for a named stream, on `device`."""
        import torch

        seed = int(np.random.SeedSequence(self._stream(stream)).generate_state(1, np.uint64)[0] >> 1)
        return torch.Generator(device=device).manual_seed(seed)

    @contextmanager
    def section(self, title: str) -> Iterator[None]:
        """Time a part of the chapter; its seconds stand in the chapter's foot."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.sections.append((title, time.perf_counter() - began))

    def show(self, *objects: Callable[..., Any] | type) -> None:
        """Display the source code of functions, measures or classes: what a reader sees is what runs."""
        import IPython.display

        for thing in objects:
            source = inspect.getsource(thing.function if isinstance(thing, claims.Measure) else thing)
            IPython.display.display(IPython.display.Code(source, language="python"))

    def claim(self, measure: claims.Measure, *values: Any, **named: Any) -> claims.Verdict:
        """Measure a claim of ``papers/<chapter>/claims.yml`` on its inputs, which the build keeps, judge it, and show
        its card. See `claims.Docket.claim` for the errors."""
        verdict = self.docket.claim(measure, *values, **named)
        record = verdict.record()
        display(cards.card(record), cards.lines([record]))
        return verdict

    def answer(self, question: claims.Measure, *values: Any, **named: Any) -> None:
        """Measure a question of the claims file and show its answer. See `claims.Docket.answer` for the errors."""
        record = self.docket.answer(question, *values, **named)
        display(cards.answer(record), f"{record['question']} {record['here_text']}")

    def check(self, name: str, holds: bool) -> None:
        """Note whether our own code does what it should; the report says how many checks hold."""
        self.docket.check(name, holds)

    def report(self) -> None:
        """Show the chapter's whole ledger and put it into the notebook's output. Raises ValueError if a claim or a
        question was never measured."""
        if missing := self.docket.missing():
            raise ValueError(f"chapter {self.chapter!r}: these were never measured: {', '.join(missing)}")
        bundle = self.docket.bundle()
        display(cards.report(bundle), cards.lines(bundle["claims"]), {claims.MIME: bundle | self.provenance()})

    def provenance(self) -> dict[str, Any]:
        """Device, driver, seed, versions, commit, seconds so far (in all, per section) and peak memory in bytes:
        JSON-ready."""
        return provenance.gather(self.seed, time.perf_counter() - self._began, self.sections)

    def stamp(self) -> None:
        """Show the chapter's foot: where, when and with what these numbers were made. The last cell of a chapter."""
        made = self.provenance()
        rows = provenance.in_words(made, self.profile)
        body = "".join(f"<tr><th scope='row'>{name}</th><td>{text}</td></tr>" for name, text in rows.items())
        title = "How the numbers on this page were made"
        table = f"<table class='foretold-stamp'><caption>{title}</caption><tbody>{body}</tbody></table>"
        text = "\n".join(f"{name}: {value}" for name, value in rows.items())
        display(claims.scroll_box(title, table), text, {STAMP_MIME: made})

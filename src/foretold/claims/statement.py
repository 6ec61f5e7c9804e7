"""What a claim is: a sentence of a paper, and what would count for it and against it.

``claims.schema.json``, beside this file, says which fields a claims file has and which values they take.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from foretold.claims.evidence import READ
from foretold.claims.regions import Region, is_region
from foretold.claims.text import number

LONGEST_QUOTE = 40  # words
NO_NUMBER = "no number"  # of a sentence that states a direction, or a word
WHOLE = ""  # name of the only part of a quantity that has one


@dataclass(frozen=True)
class Statement:
    """One claim, as ``papers/<chapter>/claims.yml`` states it.

    `agrees` and `against` are regions of the quantity that is measured, or of each of its named parts; between them
    nothing is said. Raises ValueError for what the schema cannot see: a quote of more than 40 words, one that is
    second-hand and does not say by whom, regions that meet, a paper's value outside the region of agreement, and a
    region of agreement that holds the value of no effect or the opposite statement as well.
    """

    id: str
    where: str
    read: str
    evidence: str
    measured: str
    agrees: Mapping[str, Region]
    reason: str
    expect: Mapping[str, Sequence[str]]
    document: str = ""
    quote: str = ""
    paraphrase: str = ""
    by: str = ""
    value: Any = None
    their_error: Any = None
    printed: str = ""
    unit: str = ""
    no_effect: float | None = None
    against: Mapping[str, Region] = field(default_factory=dict)
    rivals: Sequence[str] = ()
    sabotage: Sequence[str] = ()
    since: str = ""
    covers: Sequence[int] = ()
    axis: str = "linear"
    note: str = ""

    @classmethod
    def read_from(cls, raw: Mapping[str, Any], document: str = "") -> Statement:
        """From a mapping of the file; `document` is what its `where` refers to where the entry names none."""
        regions = {name: _regions(raw["id"], name, raw.get(name, {})) for name in ("agrees", "against")}
        return cls(**{"document": document, **raw, **regions})

    def __post_init__(self) -> None:
        self._check_words()
        for part, region in self.agrees.items():
            self._check_region(part, region)
        if unknown := set(self.against) - set(self.agrees):
            raise self._refuse(f"against names {', '.join(sorted(unknown))}; allowed are the parts of agrees")

    def _check_words(self) -> None:
        if bool(self.quote) == bool(self.paraphrase):
            raise self._refuse("allowed is either a quote or a paraphrase")
        words = len(self.quote.split())
        if words > LONGEST_QUOTE:
            raise self._refuse(f"quote has {words} words; allowed are {LONGEST_QUOTE}. Paraphrase what is longer")
        if (self.read == "second-hand") != bool(self.by):
            raise self._refuse("by names whoever quotes the paper, for what is read second-hand and for nothing else")
        if not self.rivals and not self.sabotage:
            raise self._refuse("rivals and sabotage are both empty; what nothing can turn is a check, not a claim")

    def _check_region(self, part: str, region: Region) -> None:
        name = f" of {part}" if part else ""
        against = self.against.get(part)
        if against is not None and region.meets(against):
            raise self._refuse(f"agrees{name} ({region.text()}) and against ({against.text()}) have a number in common")
        for value in self.values(part):
            if not region.holds(value):
                raise self._refuse(f"agrees{name} is {region.text()}; allowed is a region that holds {number(value)}")
        if self.no_effect is not None and region.holds(self.no_effect):
            raise self._refuse(
                f"agrees{name} is {region.text()}, which holds no_effect, {number(self.no_effect)}; "
                "allowed is a region that holds one statement and not the other"
            )

    def _refuse(self, why: str) -> ValueError:
        return ValueError(f"claim {self.id!r}: {why}.")

    def values(self, part: str = WHOLE) -> list[float]:
        """The paper's values of a part, one or none."""
        value = self.value.get(part) if isinstance(self.value, Mapping) else self.value
        return [] if value is None else [float(value)]

    def value_text(self) -> str:
        """The paper's value as a reader sees it, with its error; `NO_NUMBER` where the sentence has none."""
        if self.printed:
            return self.printed
        if isinstance(self.value, Mapping):
            return "; ".join(f"{part}: {number(value)}" for part, value in self.value.items())
        if self.value is None:
            return NO_NUMBER
        error = self.their_error
        if error is None:
            return number(self.value)
        if isinstance(error, Sequence):
            return f"{number(self.value)} [{number(error[0])}, {number(error[1])}]"
        return f"{number(self.value)} ± {number(error)}"

    def place(self) -> str:
        """Where it stands and how it was read there, in words."""
        how = f"as quoted by {self.by}" if self.by else READ[self.read]
        return f"{', '.join(filter(None, [self.document, self.where]))}; {how}"


def regions_text(regions: Mapping[str, Region]) -> str:
    """Regions as a reader sees them: those of parts with their names."""
    return "; ".join(f"{part}: {region.text()}" if part else region.text() for part, region in regions.items())


def _regions(claim: str, name: str, raw: Any) -> dict[str, Region]:
    what = f"claim {claim!r}: {name}"
    if raw == {}:
        return {}
    if is_region(raw):
        return {WHOLE: Region.read(what, raw)}
    return {part: Region.read(f"{what}.{part}", region) for part, region in raw.items()}

"""The native controls of an interactive figure: sliders, choices, toggles."""

from __future__ import annotations

import html
import math
import numbers
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from foretold.figures.markup import attribute


@dataclass(frozen=True)
class Slider:
    """A number between `minimum` and `maximum`, both reachable.

    On the scale "linear" it moves in steps of `step`; on "log10" `step` is in decades and values are rounded to three
    significant digits, so that the number read is the number used. Raises ValueError when the numbers do not fit:
    `value` and `maximum` must be a whole number of steps above `minimum`.
    """

    name: str
    label: str
    minimum: float
    maximum: float
    step: float
    value: float
    unit: str = ""
    scale: Literal["linear", "log10"] = "linear"

    def __post_init__(self) -> None:
        _check_control(self)
        self._check_range()
        self._check_steps()

    def _check_range(self) -> None:
        for key in ("minimum", "maximum", "step", "value"):
            number = getattr(self, key)
            if not isinstance(number, numbers.Real) or not math.isfinite(number):
                raise ValueError(f"slider {self.name!r}: {key} = {number!r} must be a finite number")
        if self.scale not in ("linear", "log10"):
            raise ValueError(f"slider {self.name!r}: scale = {self.scale!r} must be 'linear' or 'log10'")
        if self.step <= 0:
            raise ValueError(f"slider {self.name!r}: step = {self.step} must be above 0")
        if self.scale == "log10" and self.minimum <= 0:
            raise ValueError(f"slider {self.name!r}: minimum = {self.minimum} must be above 0 on a log10 scale")
        if self.minimum >= self.maximum:
            raise ValueError(f"slider {self.name!r}: minimum = {self.minimum} must be below maximum = {self.maximum}")
        if not self.minimum <= self.value <= self.maximum:
            raise ValueError(
                f"slider {self.name!r}: value = {self.value} must lie between {self.minimum} and {self.maximum}"
            )

    def _check_steps(self) -> None:
        for key in ("minimum", "maximum", "value"):
            number = getattr(self, key)
            steps = math.floor(self._steps(number) + 1e-6)
            near = [self._at(steps), self._at(steps + 1), self._at(max(steps - 1, 0))]
            if not any(math.isclose(number, other, rel_tol=1e-9, abs_tol=self._slack()) for other in near):
                raise ValueError(
                    f"slider {self.name!r}: {key} = {number} must be a whole number of steps of {self.step} above "
                    f"{self.minimum}; the nearest are {near[0]:g} and {near[1]:g}"
                )

    def _slack(self) -> float:
        return self.step * 1e-6 if self.scale == "linear" else 0.0

    def _steps(self, number: float) -> float:
        if self.scale == "log10":
            return (math.log10(number) - math.log10(self.minimum)) / self.step
        return (number - self.minimum) / self.step

    def _at(self, steps: int) -> float:
        if self.scale == "log10":
            return float(f"{10 ** (math.log10(self.minimum) + steps * self.step):.3g}")
        return self.minimum + steps * self.step

    def markup(self) -> str:
        """The control as HTML."""
        if self.scale == "log10":
            # The slider counts steps: decimals of a logarithm would leave its upper end out of reach.
            places: tuple[float, ...] = (0, round(self._steps(self.maximum)), 1, round(self._steps(self.value)))
        else:
            places = (self.minimum, self.maximum, self.step, self.value)
        low, high, step, value = (f"{place:.12g}" for place in places)
        return (
            f'<label class="foretold-control" data-kind="slider" data-name="{self.name}" data-scale="{self.scale}" '
            f'data-minimum="{float(self.minimum)!r}" data-step="{float(self.step)!r}" '
            f'data-unit="{attribute(self.unit)}">'
            f"<span>{html.escape(self.label)}</span>"
            f'<input type="range" min="{low}" max="{high}" step="{step}" value="{value}">'
            # The slider itself speaks its value (aria-valuetext); a live <output> would say it twice.
            f'<output aria-hidden="true">{self.value:g}{html.escape(self.unit)}</output></label>'
        )


@dataclass(frozen=True)
class Choice:
    """One of several options: `options` maps what `update` gets to what the reader sees.

    Raises ValueError when there are no options or `value` is not one of them.
    """

    name: str
    label: str
    options: Mapping[str, str]
    value: str

    def __post_init__(self) -> None:
        _check_control(self)
        if not isinstance(self.options, Mapping) or not self.options:
            raise ValueError(f"choice {self.name!r}: options = {self.options!r} must be a mapping with an entry")
        if self.value not in self.options:
            raise ValueError(f"choice {self.name!r}: value = {self.value!r} must be one of {', '.join(self.options)}")

    def markup(self) -> str:
        """The control as HTML."""
        options = "".join(
            f'<option value="{attribute(key)}"{" selected" if key == self.value else ""}>{html.escape(text)}</option>'
            for key, text in self.options.items()
        )
        return (
            f'<label class="foretold-control" data-kind="choice" data-name="{self.name}">'
            f"<span>{html.escape(self.label)}</span><select>{options}</select></label>"
        )


@dataclass(frozen=True)
class Toggles:
    """Any number of several options, as checkboxes; `value` lists those that are on.

    Raises ValueError when there are no options, an option comes twice, or `value` holds something else.
    """

    name: str
    label: str
    options: Sequence[str]
    value: Sequence[str]

    def __post_init__(self) -> None:
        _check_control(self)
        for key in ("options", "value"):
            items = getattr(self, key)
            if isinstance(items, str) or len(set(items)) != len(items):
                raise ValueError(f"toggles {self.name!r}: {key} = {items!r} must be a list of different strings")
        if not self.options:
            raise ValueError(f"toggles {self.name!r}: options = {self.options!r} must not be empty")
        if unknown := [item for item in self.value if item not in self.options]:
            raise ValueError(f"toggles {self.name!r}: value holds {', '.join(unknown)}, not among the options")

    def markup(self) -> str:
        """The control as HTML."""
        label, on = html.escape(self.label), set(self.value)
        boxes = "".join(
            f'<label><input type="checkbox" value="{attribute(option)}"{" checked" if option in on else ""}>'
            f"{html.escape(option)}</label>"
            for option in self.options
        )
        boxes = f'<div class="foretold-options">{boxes}</div>'
        if len(self.options) > 8:
            boxes = f"<details><summary>{len(self.value)} of {len(self.options)} on</summary>{boxes}</details>"
        buttons = "".join(
            f'<button type="button" data-set="{which}" aria-label="{which}: {attribute(self.label)}">{which}</button>'
            for which in ("all", "none")
        )
        return (
            f'<fieldset class="foretold-control" data-kind="toggles" data-name="{self.name}">'
            f"<legend>{label}</legend>{buttons}{boxes}</fieldset>"
        )


Control = Slider | Choice | Toggles


def _check_control(control: Control) -> None:
    kind = type(control).__name__.lower()
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", str(control.name)):
        raise ValueError(f"{kind}: name = {control.name!r} must be letters, digits and _, as in values.{kind}")
    if not str(control.label).strip():
        raise ValueError(f"{kind} {control.name!r}: label = {control.label!r} must not be empty")

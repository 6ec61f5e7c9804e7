"""The size of the experiments in this process."""

from __future__ import annotations

import os

from foretold import claims
from foretold.claims import PROFILES
from foretold.run import machine


def default_profile() -> str:
    """The profile of this process: ``FORETOLD_PROFILE`` if it is set, else ``gpu`` with CUDA and ``cpu`` without.
    Unknown values are a ValueError."""
    asked = os.environ.get("FORETOLD_PROFILE")
    if asked:
        return claims.one_of("profile (FORETOLD_PROFILE)", asked, PROFILES)
    return "gpu" if machine.device_class() != "cpu" else "cpu"

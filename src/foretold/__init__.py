"""Foretold: a living, reproducible survey of prediction.

A notebook begins with ``run = foretold.start("coins")``; see `foretold.run.Run` for what it can do from there.
"""

from foretold import data
from foretold.run import PROFILES, Run, start

# The version stands in pyproject.toml alone: every chapter depends on this file, and would execute again for a new one.
__all__ = ["PROFILES", "Run", "data", "start"]

"""Foretold: a living, reproducible survey of prediction.

A notebook begins with ``run = foretold.start("coins")``; see `foretold.run.Run` for what it can do from there.
"""

from foretold.run import PROFILES, Run, start

__version__ = "0.1.0"
__all__ = ["PROFILES", "Run", "start"]

"""Exact unlearning by switching off: how many deletions a system of shards, slices and sequences withstands.

The public functions, each loaded with its module when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

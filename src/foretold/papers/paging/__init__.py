"""Paging with succinct predictions: policies that take one bit of advice, the bits, their errors and the bounds.

The public functions, each loaded with its module when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""Scaling laws of training: loss as a function of size, steps and batch, the fits of their constants, and predictions.

The public functions, each loaded with its module when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

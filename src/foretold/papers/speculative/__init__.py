"""Speculative decoding with a draft of adaptive length: SpecDec++, arXiv 2405.19715.

The public functions, each loaded with its module when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""The Reversal Curse (arXiv 2309.12288): fictitious facts told in one order, and asked for in the other.

The public functions, each loaded with its module when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

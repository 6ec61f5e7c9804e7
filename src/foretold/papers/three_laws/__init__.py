"""Three laws of training on one set of curves: profiles of their floor, and slopes in the logarithm of the size.

The public functions, each loaded with its module when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

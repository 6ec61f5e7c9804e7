"""A three-regime model of network pruning: masks, connectivity, similarity, the regimes, and SAM.

The public functions, each loaded with its module when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""Learning curves foretold: power laws by variable projection, traces of them, and when to stop labelling.

The public functions, each loaded with its module when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

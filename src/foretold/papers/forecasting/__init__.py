"""The forecasting tournament: what published moments imply, what a sample size can show, and scores of probabilities.

The public functions, each loaded with its module when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

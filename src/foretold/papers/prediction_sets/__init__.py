"""PAC prediction sets of programs: a syntax tree with holes, as large as a budget allows, and its calibration.

The public functions, each loaded with its module when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

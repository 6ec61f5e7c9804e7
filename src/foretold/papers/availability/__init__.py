"""Certifiers make neural networks vulnerable to availability attacks: certificates that may abstain, and attacks.

The public functions, each loaded with its module when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

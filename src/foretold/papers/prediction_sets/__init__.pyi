from .idea import Node as Node
from .idea import Partial as Partial
from .idea import calibrate as calibrate
from .idea import contains as contains
from .idea import largest_partial_program as largest_partial_program
from .idea import max_errors as max_errors
from .idea import render as render
from .theory import nested_partial_programs as nested_partial_programs

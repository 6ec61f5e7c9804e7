from .idea import (
    Node as Node,
    Partial as Partial,
    calibrate as calibrate,
    contains as contains,
    largest_partial_program as largest_partial_program,
    max_errors as max_errors,
    render as render,
)
from .theory import nested_partial_programs as nested_partial_programs

from .idea import (
    Node as Node,
    Partial as Partial,
    Tree as Tree,
    calibrate as calibrate,
    contains as contains,
    greedy_partial_program as greedy_partial_program,
    largest_partial_program as largest_partial_program,
    max_errors as max_errors,
    nested_partial_programs as nested_partial_programs,
    render as render,
)

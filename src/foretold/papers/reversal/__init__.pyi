from .idea import (
    ORDERS as ORDERS,
    Dynamics as Dynamics,
    Fact as Fact,
    bilinear_dynamics as bilinear_dynamics,
    exact_gradient as exact_gradient,
    make_documents as make_documents,
    make_facts as make_facts,
    make_questions as make_questions,
    reverse_document as reverse_document,
    starts_with_answer as starts_with_answer,
)

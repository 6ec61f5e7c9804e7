from .data import (
    make_facts as make_facts,
)
from .idea import (
    ORDERS as ORDERS,
    Fact as Fact,
    make_documents as make_documents,
    make_questions as make_questions,
    reverse_document as reverse_document,
    starts_with_answer as starts_with_answer,
)
from .theory import (
    Dynamics as Dynamics,
    bilinear_dynamics as bilinear_dynamics,
    exact_gradient as exact_gradient,
    random_vectors as random_vectors,
)

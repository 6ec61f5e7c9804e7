from .data import (
    make_facts as make_facts,
)
from .idea import (
    ORDERS as ORDERS,
)
from .idea import (
    Fact as Fact,
)
from .idea import (
    make_documents as make_documents,
)
from .idea import (
    make_questions as make_questions,
)
from .idea import (
    reverse_document as reverse_document,
)
from .idea import (
    starts_with_answer as starts_with_answer,
)
from .theory import (
    Dynamics as Dynamics,
)
from .theory import (
    bilinear_dynamics as bilinear_dynamics,
)
from .theory import (
    exact_gradient as exact_gradient,
)
from .theory import (
    random_vectors as random_vectors,
)

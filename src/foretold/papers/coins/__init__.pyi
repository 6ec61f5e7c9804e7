from .idea import (
    ModelAverage as ModelAverage,
)
from .idea import (
    Posterior as Posterior,
)
from .idea import (
    check_counts as check_counts,
)
from .idea import (
    hierarchical_model as hierarchical_model,
)
from .idea import (
    log_bayes_factor_heads as log_bayes_factor_heads,
)
from .idea import (
    log_bayes_factor_same as log_bayes_factor_same,
)
from .idea import (
    model_average as model_average,
)
from .idea import (
    model_averages as model_averages,
)
from .idea import (
    people_alike as people_alike,
)
from .idea import (
    people_differ as people_differ,
)
from .idea import (
    posterior as posterior,
)
from .idea import (
    proportion as proportion,
)
from .idea import (
    summary as summary,
)

from .idea import (
    KAPLAN as KAPLAN,
)
from .idea import (
    Chinchilla as Chinchilla,
)
from .idea import (
    Law as Law,
)
from .idea import (
    chinchilla_objective as chinchilla_objective,
)
from .idea import (
    critical_batch_size as critical_batch_size,
)
from .idea import (
    fit_chinchilla as fit_chinchilla,
)
from .idea import (
    fit_critical_batch as fit_critical_batch,
)
from .idea import (
    fit_critical_law as fit_critical_law,
)
from .idea import (
    fit_loss_surface as fit_loss_surface,
)
from .idea import (
    loss_surface as loss_surface,
)
from .idea import (
    minimum_steps as minimum_steps,
)
from .idea import (
    surface as surface,
)
from .idea import (
    trajectory as trajectory,
)

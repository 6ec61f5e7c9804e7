from .idea import (
    AnnealingLaw as AnnealingLaw,
)
from .idea import (
    Fit as Fit,
)
from .idea import (
    Profile as Profile,
)
from .idea import (
    areas as areas,
)
from .idea import (
    areas_with_ramp as areas_with_ramp,
)
from .idea import (
    fit as fit,
)
from .idea import (
    profile as profile,
)
from .idea import (
    project as project,
)

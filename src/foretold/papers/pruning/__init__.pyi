from .idea import (
    REGIMES as REGIMES,
)
from .idea import (
    SAM as SAM,
)
from .idea import (
    barrier as barrier,
)
from .idea import (
    check_density as check_density,
)
from .idea import (
    classify_regime as classify_regime,
)
from .idea import (
    kept_count as kept_count,
)
from .idea import (
    linear_cka as linear_cka,
)
from .idea import (
    linear_mode_connectivity as linear_mode_connectivity,
)
from .idea import (
    magnitude_mask as magnitude_mask,
)
from .idea import (
    normalised_error as normalised_error,
)

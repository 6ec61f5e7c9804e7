from .idea import (
    BOUNDS as BOUNDS,
)
from .idea import (
    POLICIES as POLICIES,
)
from .idea import (
    WITHOUT_BITS as WITHOUT_BITS,
)
from .idea import (
    check_bits as check_bits,
)
from .idea import (
    check_trace as check_trace,
)
from .idea import (
    clean_pages as clean_pages,
)
from .idea import (
    competitive_bound as competitive_bound,
)
from .idea import (
    discard_bits as discard_bits,
)
from .idea import (
    error_counts as error_counts,
)
from .idea import (
    flip_bits as flip_bits,
)
from .idea import (
    harmonic as harmonic,
)
from .idea import (
    optimal_cost as optimal_cost,
)
from .idea import (
    phase_bits as phase_bits,
)
from .idea import (
    simulate as simulate,
)

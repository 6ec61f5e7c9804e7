from .experiment.simulation import (
    simulate_deletions as simulate_deletions,
)
from .idea import (
    bms_sequences as bms_sequences,
)
from .idea import (
    check_order as check_order,
)
from .idea import (
    check_probabilities as check_probabilities,
)
from .idea import (
    check_system as check_system,
)
from .idea import (
    cyclic_sequences as cyclic_sequences,
)
from .idea import (
    expected_deletions as expected_deletions,
)
from .idea import (
    harmonic as harmonic,
)
from .idea import (
    longest as longest,
)
from .idea import (
    sequence_score as sequence_score,
)
from .idea import (
    surviving as surviving,
)
from .theory import (
    expected_deletions_finite as expected_deletions_finite,
)
from .theory import (
    independence as independence,
)
from .theory import (
    retention as retention,
)
from .theory import (
    surjections as surjections,
)

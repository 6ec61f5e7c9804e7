from .idea import (
    bms_sequences as bms_sequences,
)
from .idea import (
    cyclic_sequences as cyclic_sequences,
)
from .idea import (
    expected_deletions as expected_deletions,
)
from .idea import (
    expected_deletions_finite as expected_deletions_finite,
)
from .idea import (
    harmonic as harmonic,
)
from .idea import (
    independence as independence,
)
from .idea import (
    longest as longest,
)
from .idea import (
    retention as retention,
)
from .idea import (
    sequence_score as sequence_score,
)
from .idea import (
    simulate_deletions as simulate_deletions,
)
from .idea import (
    surjections as surjections,
)
from .idea import (
    surviving as surviving,
)

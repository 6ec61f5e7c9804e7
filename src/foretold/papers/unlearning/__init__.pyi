from .experiment.simulation import (
    simulate_deletions as simulate_deletions,
)
from .idea import (
    bms_sequences as bms_sequences,
    check_order as check_order,
    check_probabilities as check_probabilities,
    check_system as check_system,
    cyclic_sequences as cyclic_sequences,
    expected_deletions as expected_deletions,
    harmonic as harmonic,
    longest as longest,
    sequence_score as sequence_score,
    surviving as surviving,
)
from .theory import (
    expected_deletions_finite as expected_deletions_finite,
    independence as independence,
    retention as retention,
    surjections as surjections,
)

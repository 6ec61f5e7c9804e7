from .idea import (
    bms_sequences as bms_sequences,
    cyclic_sequences as cyclic_sequences,
    expected_deletions as expected_deletions,
    expected_deletions_finite as expected_deletions_finite,
    harmonic as harmonic,
    independence as independence,
    longest as longest,
    retention as retention,
    sequence_score as sequence_score,
    simulate_deletions as simulate_deletions,
    surjections as surjections,
    surviving as surviving,
)

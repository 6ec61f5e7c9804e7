from .idea import (
    REGIMES as REGIMES,
    SAM as SAM,
    barrier as barrier,
    check_density as check_density,
    classify_regime as classify_regime,
    kept_count as kept_count,
    linear_cka as linear_cka,
    linear_mode_connectivity as linear_mode_connectivity,
    magnitude_mask as magnitude_mask,
    normalised_error as normalised_error,
)

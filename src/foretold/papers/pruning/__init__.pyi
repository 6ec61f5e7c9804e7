from .idea import (
    REGIMES as REGIMES,
    Maps as Maps,
    advice as advice,
    barrier as barrier,
    choose as choose,
    classify_regime as classify_regime,
    kept_count as kept_count,
    linear_cka as linear_cka,
    linear_mode_connectivity as linear_mode_connectivity,
    magnitude_mask as magnitude_mask,
    normalised_error as normalised_error,
)
from .idea.sam import SAM as SAM

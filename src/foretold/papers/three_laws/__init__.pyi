from .idea import (
    floor_profile as floor_profile,
)
from .idea import (
    slope_in_log_size as slope_in_log_size,
)

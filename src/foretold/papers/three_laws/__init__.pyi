from .idea import (
    floor_profile as floor_profile,
    slope_in_log_size as slope_in_log_size,
)

from .idea import (
    Murphy as Murphy,
)
from .idea import (
    SignFlip as SignFlip,
)
from .idea import (
    TTest as TTest,
)
from .idea import (
    brier_score as brier_score,
)
from .idea import (
    check_forecasts as check_forecasts,
)
from .idea import (
    extremise as extremise,
)
from .idea import (
    half_sums as half_sums,
)
from .idea import (
    log_score as log_score,
)
from .idea import (
    murphy_decomposition as murphy_decomposition,
)
from .idea import (
    over_rounding as over_rounding,
)
from .idea import (
    power as power,
)
from .idea import (
    sample_size as sample_size,
)
from .idea import (
    sign_flip_test as sign_flip_test,
)
from .idea import (
    skill_score as skill_score,
)
from .idea import (
    squared_errors as squared_errors,
)
from .idea import (
    t_between_moments as t_between_moments,
)
from .idea import (
    t_from_moments as t_from_moments,
)

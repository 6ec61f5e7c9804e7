from .idea import (
    ABSTAIN as ABSTAIN,
)
from .idea import (
    TRIGGERS as TRIGGERS,
)
from .idea import (
    Certificate as Certificate,
)
from .idea import (
    SmoothedClassifier as SmoothedClassifier,
)
from .idea import (
    add_trigger as add_trigger,
)
from .idea import (
    certified_radius as certified_radius,
)
from .idea import (
    clopper_pearson_lower as clopper_pearson_lower,
)
from .idea import (
    poison as poison,
)
from .idea.training import (
    Intervals as Intervals,
)
from .idea.training import (
    Smoothing as Smoothing,
)
from .idea.training import (
    train_certified as train_certified,
)
from .theory import (
    interval_margins as interval_margins,
)

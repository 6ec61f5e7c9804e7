from .idea import (
    ABSTAIN as ABSTAIN,
    TRIGGERS as TRIGGERS,
    Certificate as Certificate,
    SmoothedClassifier as SmoothedClassifier,
    add_trigger as add_trigger,
    certified_radius as certified_radius,
    clopper_pearson_lower as clopper_pearson_lower,
    poison as poison,
)
from .idea.training import (
    Intervals as Intervals,
    Smoothing as Smoothing,
    train_certified as train_certified,
)
from .theory import interval_margins as interval_margins

from .experiment.taggers import (
    HMMTagger as HMMTagger,
    UnigramTagger as UnigramTagger,
)
from .idea import (
    LearningTrace as LearningTrace,
    PowerLaw as PowerLaw,
    check_curve as check_curve,
    crossings as crossings,
    fit_power_law as fit_power_law,
    largest_gap as largest_gap,
    learning_trace as learning_trace,
    project as project,
    search as search,
    turning_point as turning_point,
)

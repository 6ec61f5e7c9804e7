from .experiment.taggers import (
    HMMTagger as HMMTagger,
)
from .experiment.taggers import (
    UnigramTagger as UnigramTagger,
)
from .idea import (
    LearningTrace as LearningTrace,
)
from .idea import (
    PowerLaw as PowerLaw,
)
from .idea import (
    check_curve as check_curve,
)
from .idea import (
    crossings as crossings,
)
from .idea import (
    fit_power_law as fit_power_law,
)
from .idea import (
    largest_gap as largest_gap,
)
from .idea import (
    learning_trace as learning_trace,
)
from .idea import (
    project as project,
)
from .idea import (
    search as search,
)
from .idea import (
    turning_point as turning_point,
)

from .idea import (
    AcceptanceHead as AcceptanceHead,
)
from .idea import (
    Counters as Counters,
)
from .idea import (
    expected_tokens as expected_tokens,
)
from .idea import (
    optimal_length as optimal_length,
)
from .idea import (
    optimal_threshold as optimal_threshold,
)
from .idea import (
    propose as propose,
)
from .idea import (
    speculative_sample as speculative_sample,
)
from .idea import (
    speedup as speedup,
)
from .idea import (
    verify as verify,
)
from .idea import (
    weighted_acceptance_loss as weighted_acceptance_loss,
)
from .idea.rules import (
    AcceptanceThreshold as AcceptanceThreshold,
)
from .idea.rules import (
    Confidence as Confidence,
)
from .idea.rules import (
    Drafted as Drafted,
)
from .idea.rules import (
    FixedLength as FixedLength,
)
from .idea.rules import (
    StopRule as StopRule,
)
from .idea.rules import (
    whole as whole,
)
from .idea.rules import (
    within as within,
)
from .theory import (
    stopping_values as stopping_values,
)

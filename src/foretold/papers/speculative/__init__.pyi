from .idea import (
    AcceptanceHead as AcceptanceHead,
    Counters as Counters,
    expected_tokens as expected_tokens,
    optimal_length as optimal_length,
    optimal_threshold as optimal_threshold,
    propose as propose,
    speculative_sample as speculative_sample,
    speedup as speedup,
    verify as verify,
    weighted_acceptance_loss as weighted_acceptance_loss,
)
from .idea.rules import (
    AcceptanceThreshold as AcceptanceThreshold,
    Confidence as Confidence,
    Drafted as Drafted,
    FixedLength as FixedLength,
    StopRule as StopRule,
    whole as whole,
    within as within,
)
from .theory import (
    stopping_values as stopping_values,
)

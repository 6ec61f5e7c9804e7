from .idea import (
    AcceptanceHead as AcceptanceHead,
    AcceptanceThreshold as AcceptanceThreshold,
    Confidence as Confidence,
    Counters as Counters,
    Drafted as Drafted,
    FixedLength as FixedLength,
    StopRule as StopRule,
    propose as propose,
    speculative_sample as speculative_sample,
    verify as verify,
    weighted_acceptance_loss as weighted_acceptance_loss,
)
from .theory import (
    expected_tokens as expected_tokens,
    optimal_length as optimal_length,
    optimal_threshold as optimal_threshold,
    speedup as speedup,
    stopping_values as stopping_values,
)

from .idea import (
    ModelAverage as ModelAverage,
    Posterior as Posterior,
    check_counts as check_counts,
    hierarchical_model as hierarchical_model,
    log_bayes_factor_heads as log_bayes_factor_heads,
    log_bayes_factor_same as log_bayes_factor_same,
    model_average as model_average,
    model_averages as model_averages,
    posterior as posterior,
    proportion as proportion,
    summary as summary,
)
